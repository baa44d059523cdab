//! How fast counters grow.

use std::collections::HashMap;
use std::hash::Hash;

/// How much each of some counters grew in the last whole second, by the names `K` that their owner
/// has for them. There is room for as many as were ever told of.
#[derive(Debug)]
pub(crate) struct Rates<K> {
    /// When the counters were last told, in milliseconds.
    at: u64,
    sums: HashMap<K, u64>,
    rates: HashMap<K, u64>,
}

impl<K> Default for Rates<K> {
    fn default() -> Self {
        Rates {
            at: 0,
            sums: HashMap::new(),
            rates: HashMap::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> Rates<K> {
    /// What counters say at `now`, in milliseconds, about a second after they were last told. One
    /// that is still zero may be left out.
    pub(crate) fn sample(&mut self, now: u64, counters: impl IntoIterator<Item = (K, u64)>) {
        let elapsed = now.saturating_sub(self.at);
        if elapsed == 0 {
            return;
        }
        self.at = now;
        // Of what is gone, nothing; but who comes back goes on from where it was.
        self.rates.clear();
        for (name, sum) in counters {
            let before = self.sums.insert(name, sum).unwrap_or_default();
            let grown = sum.saturating_sub(before);
            // To the nearest: a second that took a little longer still has its one packet.
            let rate = grown.saturating_mul(1_000).saturating_add(elapsed / 2) / elapsed;
            self.rates.insert(name, rate);
        }
    }

    /// How much one grew, per second.
    pub(crate) fn of(&self, name: K) -> u64 {
        self.rates.get(&name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_second_alone() {
        let mut rates = Rates::default();
        rates.sample(1_000, [("a", 5)]);
        assert_eq!((rates.of("a"), rates.of("b")), (5, 0));
        rates.sample(2_000, [("a", 5), ("b", 3)]);
        assert_eq!((rates.of("a"), rates.of("b")), (0, 3));
        rates.sample(3_000, [("a", 12), ("b", 4)]);
        assert_eq!((rates.of("a"), rates.of("b")), (7, 1));
    }

    #[test]
    fn what_is_not_told_any_more_does_not_grow() {
        let mut rates = Rates::default();
        rates.sample(1_000, [("a", 5)]);
        rates.sample(2_000, []);
        assert_eq!(rates.of("a"), 0);
        rates.sample(3_000, [("a", 7)]);
        assert_eq!(rates.of("a"), 2);
    }

    #[test]
    fn a_second_that_took_longer_counts_as_what_it_was() {
        let mut rates = Rates::default();
        rates.sample(1_003, [(0, 1)]);
        assert_eq!(rates.of(0), 1);
        rates.sample(3_003, [(0, 1_001)]);
        assert_eq!(rates.of(0), 500);
        // At once again: nothing can be said, and what was said stays.
        rates.sample(3_003, [(0, 2_000)]);
        assert_eq!(rates.of(0), 500);
        rates.sample(4_003, [(0, u64::MAX)]);
        assert!(rates.of(0) > 1_000_000_000_000_000);
    }
}
