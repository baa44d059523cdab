//! Queues of running ports: the only calls into DPDK on the path of a packet.

#![expect(unsafe_code, reason = "gives and takes foreign packets")]

use super::configure::Configured;
use super::{Device, Mbuf, Port, PortError, PortSettings, QueueName};
use crate::ids::{PortId, QueueId};
use crate::io::{self, Burst};
use dpdk_sys as sys;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Packets that a closing port takes out of each of its receive queues at most: more than any ring
/// holds, but some sources never end.
const DRAIN: usize = 16384;

/// A running port, owned by its queues and its [`StartedPort`](super::StartedPort) together.
#[derive(Debug)]
pub(super) struct Shared {
    /// Taken out only by `stop` and `drop`.
    parts: ManuallyDrop<(Device, Configured)>,
    rx_out: Vec<AtomicBool>,
    tx_out: Vec<AtomicBool>,
}

impl Shared {
    /// `device` runs, with these queues.
    pub(super) fn new(device: Device, configured: Configured) -> Arc<Self> {
        let flags = |count: u16| (0..count).map(|_| AtomicBool::new(false)).collect();
        Arc::new(Shared {
            rx_out: flags(configured.settings.rx_queues),
            tx_out: flags(configured.settings.tx_queues),
            parts: ManuallyDrop::new((device, configured)),
        })
    }

    pub(super) fn device(&self) -> &Device {
        &self.parts.0
    }

    pub(super) fn settings(&self) -> &PortSettings {
        &self.parts.1.settings
    }

    /// The queues that exist.
    pub(super) fn queues_out(&self) -> Vec<QueueName> {
        let out = |flags: &[AtomicBool], name: fn(u16) -> QueueName| -> Vec<QueueName> {
            let out = |(number, flag): (u16, &AtomicBool)| {
                flag.load(Ordering::Acquire).then(|| name(number))
            };
            (0..).zip(flags).filter_map(out).collect()
        };
        [
            out(&self.rx_out, QueueName::Rx),
            out(&self.tx_out, QueueName::Tx),
        ]
        .concat()
    }

    /// Only without a queue that could poll the device.
    fn stop_device(&self) -> Result<(), PortError> {
        for number in 0..self.settings().rx_queues {
            self.drain(number);
        }
        self.device().stop()
    }

    /// Frees what waits in a receive queue: drivers that end in a ring (net_ring) free the ring but
    /// not what is in it.
    fn drain(&self, number: u16) {
        let (index, mut burst, mut taken) = (self.device().index(), Burst::new(), 0);
        while taken < DRAIN {
            // SAFETY: the port runs, and no queue is left that could be polled elsewhere.
            match unsafe { receive(index.get(), number, &mut burst) } {
                0 => break,
                count => taken += count,
            }
            burst.clear();
        }
    }

    /// Stops the port, which has no queue left, as it is not shared any more.
    pub(super) fn stop(self) -> Result<Port, Box<(Self, PortError)>> {
        if let Err(error) = self.stop_device() {
            return Err(Box::new((self, error)));
        }
        let mut shared = ManuallyDrop::new(self);
        // SAFETY: `shared` is not used again, nor dropped, so the parts are taken once.
        let (device, configured) = unsafe { ManuallyDrop::take(&mut shared.parts) };
        // SAFETY: as above; the rest of what it owns is dropped in place.
        unsafe {
            ptr::drop_in_place(&raw mut shared.rx_out);
            ptr::drop_in_place(&raw mut shared.tx_out);
        }
        Ok(Port {
            configured: Some(configured),
            device,
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.stop_device() {
            // Its driver may still write into the pool: port, pool and DPDK stay as they are.
            tracing::warn!(%error, "port is left running");
            return;
        }
        // SAFETY: the last use of `parts`.
        unsafe { ManuallyDrop::drop(&mut self.parts) };
    }
}

/// A receive queue of a running port.
#[derive(Debug)]
pub struct RxQueue {
    index: u16,
    number: u16,
    port: PortId,
    /// See [`PortSettings::stray_flags`].
    stray_flags: bool,
    shared: Arc<Shared>,
}

/// A transmit queue of a running port.
#[derive(Debug)]
pub struct TxQueue {
    index: u16,
    number: u16,
    port: PortId,
    shared: Arc<Shared>,
}

impl RxQueue {
    /// Called once for each number below the count of receive queues.
    pub(super) fn new(shared: &Arc<Shared>, number: u16, port: PortId) -> Self {
        mark(&shared.rx_out, number, true);
        let index = shared.device().index().get();
        RxQueue {
            index,
            number,
            port,
            stray_flags: shared.settings().stray_flags,
            shared: Arc::clone(shared),
        }
    }
}

impl TxQueue {
    /// Called once for each number below the count of transmit queues.
    pub(super) fn new(shared: &Arc<Shared>, number: u16, port: PortId) -> Self {
        mark(&shared.tx_out, number, true);
        let index = shared.device().index().get();
        TxQueue {
            index,
            number,
            port,
            shared: Arc::clone(shared),
        }
    }
}

impl Drop for RxQueue {
    fn drop(&mut self) {
        mark(&self.shared.rx_out, self.number, false);
    }
}

impl Drop for TxQueue {
    fn drop(&mut self) {
        mark(&self.shared.tx_out, self.number, false);
    }
}

/// Release: whoever sees the flag cleared sees all that was done with the queue.
fn mark(flags: &[AtomicBool], number: u16, out: bool) {
    if let Some(flag) = flags.get(usize::from(number)) {
        flag.store(out, Ordering::Release);
    }
}

impl io::RxQueue for RxQueue {
    type Packet = Mbuf;

    fn port(&self) -> PortId {
        self.port
    }

    // No configuration has more queues of a port than there are numbers.
    fn number(&self) -> QueueId {
        QueueId::modulo(self.number.into())
    }

    fn receive(&mut self, burst: &mut Burst<Mbuf>) -> usize {
        let before = burst.len();
        // SAFETY: the port runs while `self` is, and this queue is polled by its one owner only.
        let count = unsafe { receive(self.index, self.number, burst) };
        if self.stray_flags {
            burst.iter_mut().skip(before).for_each(Mbuf::ask_nothing);
        }
        count
    }
}

/// Adds received packets, and returns how many.
///
/// # Safety
///
/// The port runs and has this receive queue, which nobody else polls meanwhile.
unsafe fn receive(index: u16, number: u16, burst: &mut Burst<Mbuf>) -> usize {
    let (len, room) = (burst.len(), burst.remaining_capacity());
    // SAFETY: `len` is at most the capacity, so this stays within or at the end of it.
    let free = unsafe { burst.as_mut_ptr().add(len) };
    // SAFETY: the queue is there and ours (contract). `room` pointers may be written from `free`
    // on: an `Mbuf` is one, by representation.
    let count = unsafe { sys::shim_eth_rx_burst(index, number, free.cast(), room as u16) };
    let count = usize::from(count);
    // SAFETY: the driver wrote `count` pointers, at most `room`, each to a chain that it gave away.
    unsafe { burst.set_len(len + count) };
    count
}

impl io::TxQueue for TxQueue {
    type Packet = Mbuf;

    fn port(&self) -> PortId {
        self.port
    }

    // No configuration has more queues of a port than there are numbers.
    fn number(&self) -> QueueId {
        QueueId::modulo(self.number.into())
    }

    fn transmit(&mut self, burst: &mut Burst<Mbuf>) -> usize {
        let len = burst.len();
        let mbufs = burst.as_mut_ptr();
        // SAFETY: the port runs while `self` is, and this queue is fed by its one owner only. An
        // `Mbuf` is a pointer, by representation.
        let count =
            unsafe { sys::shim_eth_tx_burst(self.index, self.number, mbufs.cast(), len as u16) };
        let count = usize::from(count).min(len);
        // SAFETY: the first `count` packets belong to the driver now, so they are forgotten; the
        // others are moved to the front, where there is room for them.
        unsafe {
            burst.set_len(0);
            ptr::copy(mbufs.add(count), mbufs, len - count);
            burst.set_len(len - count);
        }
        count
    }
}
