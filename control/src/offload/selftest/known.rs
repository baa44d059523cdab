//! What is known of a device from all of its self-tests.

use super::tested::Tested;
use crate::offload::Tier;
use std::sync::Arc;

/// What the self-tests of one device found, as far as it holds: what one took, none gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The last test of which something came back; if there is none, the last one.
    pub test: Option<Arc<Tested>>,
    /// The most that it is to do, and why.
    pub demotion: Option<(Tier, String)>,
    /// Why what it says of checksums is not heeded.
    pub distrust: Option<String>,
}

impl Known {
    /// One more test was made. What its reasons are is not news where there was one already.
    pub fn add(&mut self, tested: Arc<Tested>) {
        if let Some((to, why)) = tested.demotion()
            && self.demotion.as_ref().is_none_or(|(tier, _)| to < *tier)
        {
            self.demotion = Some((to, why));
        }
        if self.distrust.is_none() {
            self.distrust = tested.distrust();
        }
        let before = self.test.as_ref();
        if tested.report.is_conclusive() || !before.is_some_and(|it| it.report.is_conclusive()) {
            self.test = Some(tested);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::super::tests::{lying, mlx5};
    use super::*;

    fn looped(report: Report) -> Arc<Tested> {
        Arc::new(Tested {
            asked: false,
            looped: true,
            link: true,
            report,
        })
    }

    #[test]
    fn what_one_test_took_no_other_gives_back() {
        let marks = looped(lying(|word| word.mark = word.mark.map(|mark| mark ^ 1)));
        let changed = looped(mlx5(|mut heard| {
            heard.bytes.push(0);
            vec![heard]
        }));
        let honest = looped(lying(|_| ()));
        let mut known = Known::default();
        for (test, demotion, distrusts) in [
            (&honest, None, false),
            (&marks, Some(Tier::Parser), false),
            (&changed, Some(Tier::Software), true),
            (&marks, Some(Tier::Software), true),
            (&honest, Some(Tier::Software), true),
        ] {
            known.add(Arc::clone(test));
            assert_eq!(known.demotion.as_ref().map(|(tier, _)| *tier), demotion);
            assert_eq!(known.distrust.is_some(), distrusts);
            assert_eq!(known.test.as_ref(), Some(test));
        }
    }

    #[test]
    fn a_test_that_says_nothing_hides_none_that_says_something() {
        let (nothing, honest) = (looped(mlx5(|_| vec![])), looped(lying(|_| ())));
        let mut known = Known::default();
        known.add(Arc::clone(&nothing));
        assert_eq!(known.test, Some(Arc::clone(&nothing)));
        known.add(Arc::clone(&honest));
        known.add(nothing);
        assert_eq!(known.test, Some(honest));
    }
}
