//! Which ports have an owner, and who may add and remove devices.

use super::PortIndex;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ports that have an owner. DPDK's lists of buses and devices are not safe for use from several
/// threads, so whoever adds, looks up or removes a device holds this lock meanwhile.
static CLAIMED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// The right to add, look up and remove devices.
pub(super) struct Devices(MutexGuard<'static, BTreeSet<u16>>);

impl Devices {
    /// Waits for the right.
    pub(super) fn lock() -> Self {
        Devices(CLAIMED.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Marks a port as owned; `false` if it is.
    pub(super) fn claim(&mut self, port: PortIndex) -> bool {
        self.0.insert(port.get())
    }

    /// The owner is gone.
    pub(super) fn release(&mut self, port: PortIndex) {
        self.0.remove(&port.get());
    }
}
