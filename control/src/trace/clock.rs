//! From ticks of the processor to the time of day.
//!
//! A worker reads no clock: it stamps a copy with ticks, whose rate nobody tells. Two looks at ticks and
//! clock together give it, the longer apart the better.
//!
//! ```
//! use control::trace::clock::Look;
//!
//! let first = Look::now();
//! let ticks = fastpath::cpu::ticks();
//! let clock = first.until(&Look::now());
//! assert!(clock.nanoseconds(ticks) > 1_700_000_000_000_000_000);
//! ```

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Looks that are taken for one, of which the quickest counts: one that is interrupted pairs ticks with
/// another time.
const TRIES: usize = 8;

/// Ticks and time at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    ticks: u64,
    /// Does not jump when somebody sets the clock.
    instant: Instant,
    /// Since 1970, UTC.
    time: Duration,
}

impl Look {
    /// Reads the clocks.
    pub fn now() -> Self {
        let first = Self::once();
        let others = (1..TRIES).map(|_| Self::once());
        let (_, quickest) = others.fold(
            first,
            |best, next| {
                if next.0 < best.0 { next } else { best }
            },
        );
        quickest
    }

    /// With the ticks that it took.
    fn once() -> (u64, Self) {
        let before = fastpath::cpu::ticks();
        let (instant, time) = (Instant::now(), SystemTime::now());
        let taken = fastpath::cpu::ticks().wrapping_sub(before);
        let look = Look {
            ticks: before.wrapping_add(taken / 2),
            instant,
            time: time.duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        (taken, look)
    }

    /// The clock that goes by this look and a later one.
    pub fn until(&self, later: &Look) -> Clock {
        let passed = later.instant.saturating_duration_since(self.instant);
        Clock {
            ticks: self.ticks,
            time: self.time.as_nanos() as i128,
            passed: passed.as_nanos() as i128,
            // Without ticks it stands still.
            in_ticks: i128::from(later.ticks.wrapping_sub(self.ticks)).max(1),
        }
    }
}

/// Tells the time of day at which there were so many ticks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    ticks: u64,
    /// Nanoseconds since 1970 at that many ticks.
    time: i128,
    /// So many nanoseconds passed
    passed: i128,
    /// in so many ticks, at least one.
    in_ticks: i128,
}

impl Clock {
    /// The times of both looks, in nanoseconds since 1970, UTC.
    pub fn ends(&self) -> (u64, u64) {
        let time = |time| u64::try_from(time).unwrap_or(0);
        (time(self.time), time(self.time + self.passed))
    }

    /// Nanoseconds since 1970, UTC.
    pub fn nanoseconds(&self, ticks: u64) -> u64 {
        // Before the first look as well: the difference has a sign.
        let since = i128::from(ticks.wrapping_sub(self.ticks) as i64);
        let time = self.time + since * self.passed / self.in_ticks;
        u64::try_from(time).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(ticks: u64, instant: Instant, after: u64) -> Look {
        Look {
            ticks,
            instant: instant + Duration::from_nanos(after),
            // The time of day of the second look does not count.
            time: Duration::from_nanos(1_000_000 + 7 * after),
        }
    }

    #[test]
    fn a_moment_lies_between_two_looks_as_its_ticks_do() {
        let start = Instant::now();
        // Three ticks a nanosecond.
        let clock = look(900, start, 0).until(&look(3900, start, 1000));
        let times = [900, 903, 2400, 3900, 6900, 600].map(|ticks| clock.nanoseconds(ticks));
        let expected = [0, 1, 500, 1000, 2000, -100].map(|after| (1_000_000 + after) as u64);
        assert_eq!(times, expected);
    }

    #[test]
    fn centuries_of_ticks_are_no_problem() {
        let start = Instant::now();
        let clock = look(0, start, 0).until(&look(3_000_000_000, start, 1_000_000_000));
        let year = 365 * 86_400 * 1_000_000_000;
        assert_eq!(clock.nanoseconds(3 * 20 * year), 1_000_000 + 20 * year);
    }

    #[test]
    fn without_ticks_it_stands_still() {
        let start = Instant::now();
        let clock = look(0, start, 0).until(&look(0, start, 1000));
        assert_eq!(clock.nanoseconds(0), 1_000_000);
    }

    #[test]
    fn what_happens_between_two_looks_is_told_between_them() {
        let first = Look::now();
        let ticks: Vec<_> = (0..100).map(|_| fastpath::cpu::ticks()).collect();
        let last = Look::now();
        let clock = first.until(&last);
        let passed = last.instant.duration_since(first.instant);
        let ends = [first.time, first.time + passed].map(|time| time.as_nanos() as u64);
        assert_eq!(
            [first.ticks, last.ticks].map(|t| clock.nanoseconds(t)),
            ends
        );
        let between = |t: &u64| (ends[0]..=ends[1]).contains(&clock.nanoseconds(*t));
        assert!(ticks.iter().all(between));
    }
}
