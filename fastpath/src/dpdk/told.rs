//! What the driver of a port was told and may have to be told again.

use super::Marks;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Guarded by the lock that is held while the driver is called, so that it agrees with what the
/// driver has.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// It runs, and may be given rules.
    pub(super) runs: bool,
    /// It is not to be called any more.
    pub(super) left: bool,
    /// What it said of marks: it is asked once, before it is configured for the first time.
    pub(super) marks: Option<Marks>,
    /// UDP ports that its parser knows VXLAN by.
    pub(super) vxlan_ports: BTreeSet<u16>,
    /// UDP ports that its parser may know or not, since it recovered from an error.
    pub(super) doubtful: BTreeSet<u16>,
    /// Rules that were installed and not taken back.
    pub(super) rules: usize,
    /// Which handles of rules are good.
    pub(super) era: Era,
}

/// A time during which handles of rules stay good. No two of a process are equal, so that a handle
/// fits neither another port nor one that was opened later under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Era(u64);

impl Era {
    /// Another one.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Era(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Era {
    fn default() -> Self {
        Era::new()
    }
}

impl Told {
    /// All rules are gone.
    pub(super) fn forget_rules(&mut self) {
        self.rules = 0;
        self.era = Era::new();
    }
}
