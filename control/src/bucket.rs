//! How many of something there may be in a time.

/// Thousandths of a token that one costs.
const COST: u64 = 1_000;

/// A token bucket: so many a second in the long run, and so many at once. Pure; time is an argument,
/// in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// Tokens that come in a second, which is thousandths in a millisecond.
    rate: u64,
    /// Thousandths of a token that fit.
    size: u64,
    /// Thousandths of a token, as of `at`.
    level: u64,
    at: u64,
}

impl Bucket {
    /// A full one. `rate` is a second's, `burst` what it holds; neither is zero.
    pub(crate) const fn new(rate: u32, burst: u32) -> Self {
        let size = burst as u64 * COST;
        Bucket {
            rate: rate as u64,
            size,
            level: size,
            at: 0,
        }
    }

    /// Takes a token. `false` if there is none.
    pub(crate) fn take(&mut self, now: u64) -> bool {
        let passed = now.saturating_sub(self.at);
        let more = passed.saturating_mul(self.rate);
        self.level = self.level.saturating_add(more).min(self.size);
        self.at = self.at.max(now);
        let there = self.level >= COST;
        if there {
            self.level -= COST;
        }
        there
    }

    /// The first time at which there is a token again, after [`Bucket::take`] found none.
    pub(crate) fn ready(&self) -> u64 {
        let lack = COST.saturating_sub(self.level);
        self.at.saturating_add(lack.div_ceil(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = Bucket::new(500, 3);
        let at_once = |bucket: &mut Bucket, now| (0..9).filter(|_| bucket.take(now)).count();
        assert_eq!(at_once(&mut bucket, 100), 3);
        assert_eq!(bucket.ready(), 102);
        assert_eq!(at_once(&mut bucket, 101), 0);
        assert_eq!(bucket.ready(), 102);
        assert_eq!(at_once(&mut bucket, 102), 1);
        assert_eq!(at_once(&mut bucket, 60_000), 3, "no more than it holds");
        assert_eq!(at_once(&mut bucket, 50_000), 0, "time that goes back");
        assert_eq!(at_once(&mut bucket, u64::MAX), 3);
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(
            rate in 1..2_000u32,
            burst in 1..200u32,
            waits in vec(0..50u64, 0..200),
        ) {
            let mut bucket = Bucket::new(rate, burst);
            let (mut now, mut taken) = (0, 0);
            for wait in waits {
                now += wait;
                while bucket.take(now) {
                    taken += 1;
                }
                let most = u64::from(burst) + now * u64::from(rate) / 1_000;
                prop_assert!(taken <= most, "{taken} > {most}");
                let ready = bucket.ready();
                prop_assert!(!bucket.clone().take(ready - 1) && bucket.clone().take(ready));
            }
        }
    }
}
