//! How often something was how large, by powers of two.

use super::Counter;

/// Counters of values by size. Bucket `n` has those up to 2^n that are in no smaller one: 0 and 1,
/// 2, 3 and 4, 5 to 8 and so on; the last one also has all that are larger.
///
/// # Thread safety
/// Only the owner calls [`Histogram::add`]; anybody may read.
#[derive(Debug, Default)]
pub struct Histogram([Counter; Histogram::BUCKETS]);

impl Histogram {
    /// How many buckets there are: the last but one ends at 2^30, which of cycles is a third of a
    /// second or more.
    pub const BUCKETS: usize = 32;

    /// Counts a value `times` times.
    #[inline]
    pub fn add(&self, value: u64, times: u64) {
        let bits = u64::BITS - value.saturating_sub(1).leading_zeros();
        // The smaller of the two is below the length.
        self.0[(bits as usize).min(Self::BUCKETS - 1)].add(times);
    }

    /// How many values are in each bucket.
    pub fn counts(&self) -> [u64; Histogram::BUCKETS] {
        std::array::from_fn(|bucket| self.0[bucket].get())
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.counts().iter().sum()
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(values: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.add(value, 1));
        let mut counts = histogram.counts().to_vec();
        assert_eq!(histogram.total(), counts.iter().sum());
        counts.truncate(counts.iter().rposition(|count| *count > 0).unwrap() + 1);
        counts
    }

    #[test]
    fn a_bucket_ends_at_a_power_of_two() {
        assert_eq!(buckets(1..=64), [1, 1, 2, 4, 8, 16, 32]);
        assert_eq!(buckets([0, 1, 2, 4, 5]), [2, 1, 1, 1]);
        let last = buckets([1 << 30, (1 << 30) + 1, 1 << 31, u64::MAX]);
        assert_eq!(last[30..], [1, 3]);
    }

    #[test]
    fn a_value_counts_as_often_as_it_occurred() {
        let histogram = Histogram::default();
        histogram.add(3, 10);
        histogram.add(4, 0);
        histogram.add(4, 2);
        assert_eq!((histogram.counts()[2], histogram.total()), (12, 12));
    }
}
