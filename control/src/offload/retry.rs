//! When something that failed for the moment is tried again.

/// Wait after the first failure, in milliseconds. Each further one doubles it.
pub const FIRST: u64 = 100;
/// Longest wait, in milliseconds.
pub const LONGEST: u64 = 30_000;
/// Failures after which the wait is the longest.
const DOUBLINGS: u32 = 9;

/// How often something failed in a row, and when it is due again. Times are milliseconds of a
/// monotonic clock, given by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    failures: u32,
    due: u64,
}

impl Retry {
    /// Due at once.
    pub const fn at_once() -> Self {
        Retry {
            failures: 0,
            due: 0,
        }
    }

    /// After one more failure than `before`, at `now`.
    pub fn after(before: Option<Retry>, now: u64) -> Self {
        let failures = before.map_or(0, |before| before.failures);
        let wait = (FIRST << failures).min(LONGEST);
        Retry {
            failures: (failures + 1).min(DOUBLINGS),
            due: now.saturating_add(wait),
        }
    }

    /// Whether it is time.
    pub const fn is_due(&self, now: u64) -> bool {
        now >= self.due
    }

    /// When it is time.
    pub const fn due(&self) -> u64 {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut retry = None;
        let mut waits = Vec::new();
        for _ in 0..100 {
            let next = Retry::after(retry, 1_000);
            waits.push(next.due() - 1_000);
            retry = Some(next);
        }
        assert_eq!(
            waits[..10],
            [
                100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000
            ]
        );
        assert!(waits[10..].iter().all(|wait| *wait == LONGEST));
    }

    #[test]
    fn it_is_due_when_the_wait_is_over_and_not_before() {
        assert!(Retry::at_once().is_due(0));
        let retry = Retry::after(None, 5);
        assert!(!retry.is_due(104));
        assert!(retry.is_due(105));
        assert!(!Retry::after(None, u64::MAX).is_due(u64::MAX - 1));
    }
}
