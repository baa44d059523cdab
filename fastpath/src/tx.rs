//! The ways out of a worker: its transmit queues, the rings to other workers, the ring to control.
//!
//! Only workers own transmit queues. A port with fewer queues than workers is served by hand-off: a
//! worker without a queue gives its packets to one that has one, over a single-producer ring.

use crate::drop::DropReason;
use crate::ids::{PortId, WorkerId};
use crate::io::{Burst, Io, Packet, TxQueue};
use crate::snapshot::Port;
use crate::stats::WorkerStats;
use rtrb::{Consumer, Producer};

/// A packet for another worker to send.
#[derive(Debug)]
pub struct Handoff<P> {
    /// The packet, ready to leave.
    pub packet: P,
    /// The port it leaves by.
    pub port: PortId,
    /// Control made it: it is counted when a worker takes it.
    pub originated: bool,
}

/// A received packet for control.
#[derive(Debug)]
pub struct Punt<P> {
    /// The packet as it was received.
    pub packet: P,
    /// The port it came from.
    pub ingress: PortId,
}

/// All ways out of one worker.
pub struct Outputs<I: Io> {
    worker: WorkerId,
    queues: Box<[Option<Output<I>>]>,
    /// Ports whose buffer may hold packets.
    pending: Vec<PortId>,
    /// By worker; `None` for itself.
    rings: Vec<Option<Producer<Handoff<I::Packet>>>>,
    punts: Producer<Punt<I::Packet>>,
    ip_id: u16,
}

struct Output<I: Io> {
    queue: I::Tx,
    buffer: Burst<I::Packet>,
    pending: bool,
}

impl<I: Io> Outputs<I> {
    /// The ways out of `worker`: `rings` has a producer for each worker but itself.
    pub fn new(
        worker: WorkerId,
        rings: Vec<Option<Producer<Handoff<I::Packet>>>>,
        punts: Producer<Punt<I::Packet>>,
    ) -> Self {
        let queues = std::iter::repeat_with(|| None)
            .take(PortId::LIMIT)
            .collect();
        let pending = Vec::with_capacity(PortId::LIMIT);
        Outputs {
            worker,
            queues,
            pending,
            rings,
            punts,
            ip_id: 0,
        }
    }

    /// Takes a transmit queue into service. Gives it back if its port already has one here.
    pub fn add_queue(&mut self, queue: I::Tx) -> Result<(), I::Tx> {
        let place = &mut self.queues[queue.port().index()];
        if place.is_some() {
            return Err(queue);
        }
        *place = Some(Output {
            queue,
            buffer: Burst::new(),
            pending: false,
        });
        Ok(())
    }

    /// Sends what is buffered for `port` and gives its queue up.
    pub fn remove_queue(&mut self, port: PortId, stats: &WorkerStats) -> Option<I::Tx> {
        let mut output = self.queues[port.index()].take()?;
        output.flush(stats);
        self.pending.retain(|pending| *pending != port);
        Some(output.queue)
    }

    /// A fresh identification for an IPv4 packet that may be fragmented.
    pub fn next_ip_id(&mut self) -> u16 {
        self.ip_id = self.ip_id.wrapping_add(1);
        // Workers count in ranges of their own, so that two of them repeat each other late.
        self.ip_id ^ self.worker.get() << 10
    }

    /// Hands a packet to control, or gives it back if the ring is full. What is not `urgent` may
    /// fill half of it, so that a flood of echo requests leaves room for ARP.
    pub fn punt(
        &mut self,
        ingress: PortId,
        packet: I::Packet,
        urgent: bool,
    ) -> Result<(), I::Packet> {
        let ring = self.punts.buffer().capacity();
        if !urgent && self.punts.slots() <= ring / 2 {
            return Err(packet);
        }
        self.punts
            .push(Punt { packet, ingress })
            .map_err(|rtrb::PushError::Full(punt)| punt.packet)
    }

    /// Takes a packet that is decided to leave by `port`.
    pub fn enqueue(&mut self, port: &Port, packet: I::Packet, stats: &WorkerStats) {
        stats.port(port.id).enqueued.add(1);
        self.forward(port, packet, stats);
    }

    /// Takes a packet that another worker or control handed over.
    pub fn take(&mut self, port: Option<&Port>, handoff: Handoff<I::Packet>, stats: &WorkerStats) {
        let counters = stats.port(handoff.port);
        if handoff.originated {
            counters.originated.add(1);
            counters.enqueued.add(1);
        }
        match port.filter(|port| port.up) {
            Some(port) => self.forward(port, handoff.packet, stats),
            None => counters.tx_dropped.count(DropReason::PortDown),
        }
    }

    fn forward(&mut self, port: &Port, packet: I::Packet, stats: &WorkerStats) {
        if let Some(output) = &mut self.queues[port.id.index()] {
            if !output.pending {
                output.pending = true;
                self.pending.push(port.id);
            }
            output.buffer.push(packet);
            if output.buffer.is_full() {
                output.flush(stats);
            }
            return;
        }
        let dropped = stats.port(port.id);
        let owner = port.tx_owner(self.worker).map(WorkerId::index);
        match owner.and_then(|owner| self.rings.get_mut(owner)?.as_mut()) {
            None => dropped.tx_dropped.count(DropReason::PortDown),
            Some(ring) => {
                match ring.push(Handoff {
                    packet,
                    port: port.id,
                    originated: false,
                }) {
                    Ok(()) => stats.handed_off.add(1),
                    Err(_full) => dropped.tx_dropped.count(DropReason::HandoffFull),
                }
            }
        }
    }

    /// Gives all that is buffered to the ports.
    pub fn flush(&mut self, stats: &WorkerStats) {
        for port in self.pending.drain(..) {
            if let Some(output) = &mut self.queues[port.index()] {
                output.flush(stats);
                output.pending = false;
            }
        }
    }
}

impl<I: Io> Output<I> {
    /// What the port does not accept at once is dropped: a full port must not hold up the others.
    fn flush(&mut self, stats: &WorkerStats) {
        let counters = stats.port(self.queue.port());
        let bytes: usize = self.buffer.iter().map(Packet::len).sum();
        let accepted = self.queue.transmit(&mut self.buffer);
        let left: usize = self.buffer.iter().map(Packet::len).sum();
        counters.sent.add(accepted as u64);
        counters.sent_bytes.add((bytes - left) as u64);
        for packet in self.buffer.drain(..) {
            drop(packet);
            counters.tx_dropped.count(DropReason::TxFull);
        }
    }
}

/// Counts and frees what nobody will take any more from a ring of hand-offs.
pub fn discard<P>(ring: &mut Consumer<Handoff<P>>, stats: &WorkerStats) {
    while let Ok(handoff) = ring.pop() {
        let counters = stats.port(handoff.port);
        if handoff.originated {
            counters.originated.add(1);
            counters.enqueued.add(1);
        }
        counters.tx_dropped.count(DropReason::Shutdown);
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
