//! The time-stamp counter.

#![expect(unsafe_code, reason = "reads a register through DPDK")]

use super::Eal;
use dpdk_sys as sys;

/// The CPU's time-stamp counter and its rate, as DPDK measured it at start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    hz: u64,
}

impl Clock {
    /// The counter of this machine.
    pub fn new(_eal: &Eal) -> Self {
        // SAFETY: returns a number that DPDK's initialisation stored, and that is done.
        let hz = unsafe { sys::rte_get_tsc_hz() };
        Clock { hz }
    }

    /// Cycles since some moment in the past. Costs some tens of cycles itself.
    pub fn now(self) -> u64 {
        // SAFETY: reads a register of the CPU; it has no preconditions.
        unsafe { sys::shim_rdtsc() }
    }

    /// Cycles per second.
    pub const fn hz(self) -> u64 {
        self.hz
    }
}
