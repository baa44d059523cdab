//! How long a change waits for devices.

/// Milliseconds that devices have to open and to close, before a change is given up, or answered all
/// the same. Opening, settling and undoing together take less than a client waits, and than the
/// watchdog lets the keeper stand still.
pub(super) const DEVICES: u64 = 15_000;
/// The same, for new ports of which one is opened after the other: each may be tested for seconds, and one of
/// them that came is a reason to wait for the next.
const ALL_DEVICES: u64 = 25_000;

/// How far the devices of new ports have come.
#[derive(Clone, Copy)]
pub(super) struct Opening {
    /// Milliseconds of when they were ordered.
    pub(super) since: u64,
    /// And of when the last one came.
    pub(super) moved: u64,
    /// How many are still to come.
    pub(super) left: usize,
}

impl Opening {
    /// So many are still to come.
    pub(super) const fn look(&mut self, left: usize, now: u64) {
        if left < self.left {
            self.moved = now;
        }
        self.left = left;
    }

    /// After how many milliseconds nobody waits any more, if so.
    pub(super) const fn over(self, now: u64) -> Option<u64> {
        if now >= self.since + ALL_DEVICES {
            Some(ALL_DEVICES)
        } else if now >= self.moved + DEVICES {
            Some(DEVICES)
        } else {
            None
        }
    }
}
