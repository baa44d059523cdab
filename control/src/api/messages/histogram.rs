//! How often something was how large, as clients see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Numbers of values by size. Number `n` of the list is that of values up to 2^n that are in no
/// earlier one: 0 and 1, 2, 3 and 4, 5 to 8 and so on, up to 2^30; number 31 is that of all larger
/// ones. Zeros at the end are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Histogram(Vec<u64>);

impl From<&fastpath::stats::Histogram> for Histogram {
    fn from(histogram: &fastpath::stats::Histogram) -> Self {
        Histogram::new(histogram.counts().to_vec())
    }
}

impl Histogram {
    /// Of these numbers.
    pub fn new(mut counts: Vec<u64>) -> Self {
        let used = counts.iter().rposition(|count| *count > 0);
        counts.truncate(used.map_or(0, |last| last + 1));
        Histogram(counts)
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// For each size that occurred the largest value that it has, and how many values have it.
    /// `None` in place of the largest where there is no limit.
    pub fn sizes(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let open = fastpath::stats::Histogram::BUCKETS - 1;
        let all = self.0.iter().enumerate();
        all.filter(|(_, count)| **count > 0)
            .map(move |(n, count)| ((n < open).then(|| 1 << n), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_workers() {
        let counted = fastpath::stats::Histogram::default();
        for (value, times) in [(1, 2), (4, 5), (u64::MAX, 7)] {
            counted.add(value, times);
        }
        let histogram = Histogram::from(&counted);
        let sizes: Vec<_> = histogram.sizes().collect();
        assert_eq!(sizes, [(Some(1), 2), (Some(4), 5), (None, 7)]);
        assert_eq!(histogram.total(), 14);
    }

    #[test]
    fn zeros_at_the_end_take_no_room() {
        let histogram = Histogram::new(vec![0, 3, 0, 0]);
        assert_eq!(serde_json::to_string(&histogram).unwrap(), "[0,3]");
        assert_eq!(Histogram::new(vec![0; 4]), Histogram::default());
    }
}
