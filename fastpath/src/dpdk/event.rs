//! What ports report on their own.

#![expect(unsafe_code, reason = "is called by foreign threads")]

use super::{Eal, PortIndex};
use crossbeam_queue::ArrayQueue;
use dpdk_sys as sys;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Events that wait to be read.
const CAPACITY: usize = 1024;

static EVENTS: LazyLock<ArrayQueue<PortEvent>> = LazyLock::new(|| ArrayQueue::new(CAPACITY));
static LOST: AtomicU64 = AtomicU64::new(0);

const KINDS: [(sys::rte_eth_event_type::Type, PortEventKind); 6] = [
    (
        sys::rte_eth_event_type::RTE_ETH_EVENT_INTR_LSC,
        PortEventKind::Link,
    ),
    (
        sys::rte_eth_event_type::RTE_ETH_EVENT_INTR_RMV,
        PortEventKind::Removed,
    ),
    (
        sys::rte_eth_event_type::RTE_ETH_EVENT_INTR_RESET,
        PortEventKind::Reset,
    ),
    (
        sys::rte_eth_event_type::RTE_ETH_EVENT_ERR_RECOVERING,
        PortEventKind::Recovering,
    ),
    (
        sys::rte_eth_event_type::RTE_ETH_EVENT_RECOVERY_SUCCESS,
        PortEventKind::Recovered,
    ),
    (
        sys::rte_eth_event_type::RTE_ETH_EVENT_RECOVERY_FAILED,
        PortEventKind::RecoveryFailed,
    ),
];

/// Something happened to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortEvent {
    /// Where.
    pub port: PortIndex,
    /// What.
    pub kind: PortEventKind,
}

/// What happens to ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortEventKind {
    /// The link went up or down: ask [`Device::link`](super::Device::link).
    Link,
    /// The device is gone: stop and drop the port.
    Removed,
    /// The device wants to be stopped and configured anew.
    Reset,
    /// The device found an error, and its driver sets it up again by itself: until it says how that
    /// ended, nothing is to be asked of it. May come again before that.
    Recovering,
    /// That went well. The device is set up and runs as before, but its rules may be lost: flush
    /// them before anything is asked of one.
    Recovered,
    /// That did not go well: stop and drop the port.
    RecoveryFailed,
}

impl Eal {
    /// The oldest event that was not read yet. Ports report only what their
    /// [`PortInfo`](super::PortInfo) says they can, and net_tap not even that: links are to be
    /// polled too, if at leisure.
    pub fn next_port_event(&self) -> Option<PortEvent> {
        EVENTS.pop()
    }

    /// Events that found the queue full and were dropped, since start. When this grows, ask every
    /// port for its state.
    pub fn lost_port_events(&self) -> u64 {
        LOST.load(Ordering::Relaxed)
    }
}

/// Asks for the events of all ports, those to come included.
pub(super) fn subscribe() {
    // Allocated here, not in the callback.
    LazyLock::force(&EVENTS);
    for (event, _) in KINDS {
        // SAFETY: DPDK is initialised; the callback needs no argument and may be called at any time
        // from any thread.
        unsafe {
            sys::rte_eth_dev_callback_register(sys::K_ETH_ALL, event, Some(on_event), null_mut())
        };
    }
}

/// Ends what [`subscribe`] began.
pub(super) fn unsubscribe() {
    for (event, _) in KINDS {
        // SAFETY: DPDK is still initialised.
        unsafe {
            sys::rte_eth_dev_callback_unregister(sys::K_ETH_ALL, event, Some(on_event), null_mut())
        };
    }
}

/// Runs on DPDK's interrupt thread, or on whichever thread found out. Only enqueues.
unsafe extern "C" fn on_event(
    port: u16,
    event: sys::rte_eth_event_type::Type,
    _argument: *mut c_void,
    _result: *mut c_void,
) -> c_int {
    let kind = KINDS.iter().find(|(known, _)| *known == event);
    if let Some((_, kind)) = kind
        && EVENTS
            .push(PortEvent {
                port: PortIndex(port),
                kind: *kind,
            })
            .is_err()
    {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
    0
}
