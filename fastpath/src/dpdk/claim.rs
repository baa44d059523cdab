//! Which ports have an owner, and who may add and remove devices.

use super::PortIndex;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Known {
    /// Ports that have an owner.
    claimed: BTreeSet<u16>,
    /// What the EAL was given with a device, by the name that the device was opened by. Removing
    /// the device removes it in DPDK.
    arguments: BTreeMap<String, CString>,
    /// Devices whose driver holds what it was given until the process ends.
    spent: BTreeSet<String>,
}

/// DPDK's lists of buses and devices are not safe for use from several threads, so whoever adds,
/// looks up or removes a device holds this lock meanwhile.
static KNOWN: Mutex<Known> = Mutex::new(Known {
    claimed: BTreeSet::new(),
    arguments: BTreeMap::new(),
    spent: BTreeSet::new(),
});

/// The right to add, look up and remove devices.
pub(super) struct Devices(MutexGuard<'static, Known>);

impl Devices {
    /// Waits for the right.
    pub(super) fn lock() -> Self {
        Devices(KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Marks a port as owned; `false` if it is.
    pub(super) fn claim(&mut self, port: PortIndex) -> bool {
        self.0.claimed.insert(port.get())
    }

    /// The owner is gone.
    pub(super) fn release(&mut self, port: PortIndex) {
        self.0.claimed.remove(&port.get());
    }

    /// Keeps the arguments of a device for the time after its removal.
    pub(super) fn remember(&mut self, name: &str, arguments: CString) {
        self.0.arguments.insert(name.to_owned(), arguments);
    }

    /// What was remembered.
    pub(super) fn arguments(&self, name: &str) -> Option<&CString> {
        self.0.arguments.get(name)
    }

    /// Marks a device as one that cannot be set up again by this process; `false` if it is.
    pub(super) fn spend(&mut self, name: &str) -> bool {
        self.0.spent.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_spent_once() {
        let mut devices = Devices::lock();
        assert!(devices.spend("net_spent0") && devices.spend("net_spent1"));
        assert!(!devices.spend("net_spent0"));
    }
}
