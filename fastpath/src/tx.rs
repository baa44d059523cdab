//! The ways out of a worker: its transmit queues, the rings to other workers, the ring to control.
//!
//! Only workers own transmit queues. A port with fewer queues than workers is served by hand-off: a
//! worker without a queue gives its packets to one that has one, over a single-producer ring.

use crate::action::IpIds;
use crate::drop::DropReason;
use crate::ids::{PortId, RemoteId, WorkerId};
use crate::io::{BURST, Burst, Io, Left, Packet, TxQueue};
use crate::snapshot::{Port, Snapshot};
use crate::stats::WorkerStats;
use crate::trace::last::{Headers, Place};
use crate::trace::note::Side;
use crate::trace::watch::Watch;
use rtrb::{Consumer, Producer, PushError};

/// A packet for another worker to send.
#[derive(Debug)]
pub struct Handoff<P> {
    /// The packet.
    pub packet: P,
    /// What it is, and where it goes.
    pub to: HandoffTo,
}

/// Where a packet goes that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoffTo {
    /// Out of this port, as it is: it was enqueued by the worker that gave it.
    Port(PortId),
    /// The same, but control made it: it is counted when a worker takes it.
    Originated(PortId),
    /// To this remote: control kept it until a neighbour was known.
    Remote {
        /// The port that it was received from.
        ingress: PortId,
        /// The remote.
        remote: RemoteId,
    },
}

/// Why a packet is handed to control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is for the switch itself.
    ForUs,
    /// It is for this remote, and nobody on the way there is known yet.
    Unresolved(RemoteId),
}

/// A received packet for control.
#[derive(Debug)]
pub struct Punt<P> {
    /// The packet as it was received, or what a tunnel is to carry.
    pub packet: P,
    /// The port it came from.
    pub ingress: PortId,
    /// Why.
    pub why: Why,
}

/// All ways out of one worker.
pub struct Outputs<I: Io> {
    queues: Box<[Option<Output<I>>; PortId::LIMIT]>,
    /// Ports whose buffer may hold packets.
    pending: Vec<PortId>,
    others: Others<I>,
    punts: Producer<Punt<I::Packet>>,
    ip_ids: IpIds,
    watch: Watch,
}

/// Where packets for one port go.
pub(crate) enum WayOut<'a, I: Io> {
    /// Into a queue of this worker.
    Own(&'a mut Output<I>, &'a mut Watch),
    /// To another worker.
    Others(&'a mut Others<I>, &'a mut Watch),
}

impl<I: Io> WayOut<'_, I> {
    /// Takes all packets of a burst, in the same way.
    #[inline(always)]
    pub(crate) fn push_burst(
        &mut self,
        port: &Port,
        burst: &mut Burst<I::Packet>,
        stats: &WorkerStats,
    ) {
        match self {
            WayOut::Own(output, watch) if burst.len() >= AT_ONCE => {
                output.flush(stats, watch);
                transmit(&mut output.queue, burst, stats, watch);
            }
            _ => self.push_all(port, burst.drain(..), stats),
        }
    }

    /// Takes packets that were counted already; `port` is the one that was asked for.
    #[inline(always)]
    pub(crate) fn push_all(
        &mut self,
        port: &Port,
        packets: impl Iterator<Item = I::Packet>,
        stats: &WorkerStats,
    ) {
        match self {
            WayOut::Own(output, watch) => output.push_all(packets, stats, watch),
            WayOut::Others(others, watch) => {
                packets.for_each(|packet| others.hand_off(port, packet, stats, watch));
            }
        }
    }
}

/// Packets in a burst from which on it is sent at once: it would fill the buffer soon, and costs less
/// if it is not put there.
const AT_ONCE: usize = BURST / 2;

/// The other workers, by whose queues a port is served that has none here.
pub(crate) struct Others<I: Io> {
    worker: WorkerId,
    /// By worker; `None` for this one.
    rings: Vec<Option<Producer<Handoff<I::Packet>>>>,
}

impl<I: Io> Others<I> {
    /// Gives a packet to the worker that has a queue of its port.
    #[cold]
    fn hand_off(&mut self, port: &Port, packet: I::Packet, stats: &WorkerStats, watch: &mut Watch) {
        let owner = port.tx_owner(self.worker).map(WorkerId::index);
        let (packet, reason) = match owner.and_then(|owner| self.rings.get_mut(owner)?.as_mut()) {
            None => (packet, DropReason::PortDown),
            Some(ring) => {
                let to = HandoffTo::Port(port.id);
                match ring.push(Handoff { packet, to }) {
                    Ok(()) => return stats.handed_off.add(1),
                    Err(PushError::Full(back)) => (back.packet, DropReason::HandoffFull),
                }
            }
        };
        drop_sent(port.id, &packet, reason, stats, watch);
    }
}

/// A transmit queue, and what waits for it.
pub(crate) struct Output<I: Io> {
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
        // Where they are to stay: together they are too large for a stack.
        let queues: Box<[_]> = (0..PortId::LIMIT).map(|_| None).collect();
        let Ok(queues) = queues.try_into() else {
            unreachable!("as many as there can be ports");
        };
        let pending = Vec::with_capacity(PortId::LIMIT);
        Outputs {
            queues,
            pending,
            others: Others { worker, rings },
            punts,
            ip_ids: IpIds::new(worker.get()),
            watch: Watch::default(),
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
        // Even if there is nothing: some drivers (net_af_xdp) free what they sent only when they are
        // given more, and this is the last time.
        let Output { queue, buffer, .. } = &mut output;
        transmit(queue, buffer, stats, &mut self.watch);
        self.pending.retain(|pending| *pending != port);
        Some(output.queue)
    }

    /// Who looks at packets.
    #[inline(always)]
    pub(crate) fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// Identifications for IPv4 packets that may be fragmented.
    pub(crate) fn ip_ids(&mut self) -> &mut IpIds {
        &mut self.ip_ids
    }

    /// Hands a packet to control, or gives it back if the ring is full. What is not `urgent` may
    /// fill half of it, so that a flood of echo requests, or of packets that wait for a neighbour,
    /// leaves room for ARP.
    pub fn punt(
        &mut self,
        ingress: PortId,
        packet: I::Packet,
        why: Why,
        urgent: bool,
    ) -> Result<(), I::Packet> {
        let ring = self.punts.buffer().capacity();
        if !urgent && self.punts.slots() <= ring / 2 {
            return Err(packet);
        }
        self.punts
            .push(Punt {
                packet,
                ingress,
                why,
            })
            .map_err(|PushError::Full(punt)| punt.packet)
    }

    /// Takes a packet that is decided to leave by `port`.
    pub fn enqueue(&mut self, port: &Port, packet: I::Packet, stats: &WorkerStats) {
        stats.port(port.id).enqueued.add(1);
        self.forward(port, packet, stats);
    }

    /// Takes a packet that leaves by `id`, which another worker or control handed over.
    pub fn take(
        &mut self,
        id: PortId,
        port: Option<&Port>,
        mut packet: I::Packet,
        stats: &WorkerStats,
    ) {
        match port.filter(|port| port.up) {
            Some(port) => {
                if let Some(left) = packet.left()
                    && !finish_unless_made(port, &mut packet, left)
                {
                    let reason = DropReason::MtuExceeded;
                    return drop_sent(id, &packet, reason, stats, &mut self.watch);
                }
                self.forward(port, packet, stats);
            }
            None => drop_sent(id, &packet, DropReason::PortDown, stats, &mut self.watch),
        }
    }

    /// The same, counted already.
    pub(crate) fn forward(&mut self, port: &Port, packet: I::Packet, stats: &WorkerStats) {
        let packets = std::iter::once(packet);
        self.way_out(port.id).push_all(port, packets, stats);
    }

    /// The way out by a port, for who has several packets for it.
    #[inline(always)]
    pub(crate) fn way_out(&mut self, id: PortId) -> WayOut<'_, I> {
        match &mut self.queues[id.index()] {
            Some(output) => {
                output.wait(&mut self.pending);
                WayOut::Own(output, &mut self.watch)
            }
            None => WayOut::Others(&mut self.others, &mut self.watch),
        }
    }

    /// Gives all that is buffered to the ports.
    pub fn flush(&mut self, stats: &WorkerStats) {
        for port in self.pending.drain(..) {
            if let Some(output) = &mut self.queues[port.index()] {
                output.flush(stats, &mut self.watch);
                output.pending = false;
            }
        }
    }
}

impl<I: Io> Output<I> {
    /// Notes that it is to be flushed.
    #[inline(always)]
    fn wait(&mut self, pending: &mut Vec<PortId>) {
        if !self.pending {
            self.pending = true;
            pending.push(self.queue.port());
        }
    }

    /// Takes packets that were counted already.
    #[inline(always)]
    fn push_all(
        &mut self,
        mut packets: impl Iterator<Item = I::Packet>,
        stats: &WorkerStats,
        watch: &mut Watch,
    ) {
        loop {
            let room = self.buffer.remaining_capacity();
            self.buffer.extend(packets.by_ref().take(room));
            if !self.buffer.is_full() {
                return;
            }
            self.flush(stats, watch);
        }
    }

    fn flush(&mut self, stats: &WorkerStats, watch: &mut Watch) {
        if !self.buffer.is_empty() {
            transmit(&mut self.queue, &mut self.buffer, stats, watch);
        }
    }
}

/// What the port does not accept at once is dropped: a full port must not hold up the others.
#[inline(always)]
fn transmit<Q: TxQueue>(
    queue: &mut Q,
    burst: &mut Burst<Q::Packet>,
    stats: &WorkerStats,
    watch: &mut Watch,
) {
    if watch.is_on() {
        return transmit_watched(queue, burst, stats, watch);
    }
    give(queue, burst, stats);
    for packet in burst.drain(..) {
        drop_sent(queue.port(), &packet, DropReason::TxFull, stats, watch);
    }
}

/// The same, for who looks.
#[cold]
fn transmit_watched<Q: TxQueue>(
    queue: &mut Q,
    burst: &mut Burst<Q::Packet>,
    stats: &WorkerStats,
    watch: &mut Watch,
) {
    let port = queue.port();
    watch.leaving(port, burst);
    let accepted = give(queue, burst, stats);
    watch.left(port, queue.number(), accepted);
    for packet in burst.drain(..) {
        drop_sent(port, &packet, DropReason::TxFull, stats, watch);
    }
}

/// What the port does not accept stays in the burst. Returns how many it did.
#[inline(always)]
fn give<Q: TxQueue>(queue: &mut Q, burst: &mut Burst<Q::Packet>, stats: &WorkerStats) -> usize {
    let counters = stats.port(queue.port());
    let len = |burst: &Burst<Q::Packet>| burst.iter().map(Packet::len).sum::<usize>();
    let (bytes, given) = (len(burst), burst.len());
    let accepted = queue.transmit(burst);
    stats.count_sent(queue.port(), queue.number(), given, accepted);
    counters.sent.add(accepted as u64);
    counters.sent_bytes.add((bytes - len(burst)) as u64);
    accepted
}

/// Makes the checksum that was left to the NIC of a port if it has another one since, which does not.
/// `false` if the packet was left to be cut, which is done nowhere now.
#[cold]
fn finish_unless_made<P: Packet>(port: &Port, packet: &mut P, left: Left) -> bool {
    if port.tx.takes(left, packet.head()) {
        return true;
    }
    if left.segment.is_some() {
        return false;
    }
    left.finish(packet);
    packet.leave(None);
    true
}

/// Counts a packet that was to leave by a port and is dropped.
#[cold]
fn drop_sent<P: Packet>(
    port: PortId,
    packet: &P,
    reason: DropReason,
    stats: &WorkerStats,
    watch: &mut Watch,
) {
    stats.lose(Place::Sent, port, reason, &Headers::of(packet));
    watch.dropped(Side::Sent, port, packet, reason);
}

/// Counts a packet that control has made, now that a worker takes it.
pub fn count_originated<P: Packet>(
    port: PortId,
    packet: &P,
    snapshot: &Snapshot,
    stats: &WorkerStats,
) {
    let counters = stats.port(port);
    counters.originated.add(1);
    counters.enqueued.add(1);
    stats.count_enqueued(snapshot, port, packet.head());
}

/// Counts and frees what nobody will take any more from a ring of hand-offs.
pub fn discard<P: Packet>(
    ring: &mut Consumer<Handoff<P>>,
    snapshot: &Snapshot,
    stats: &WorkerStats,
    watch: &mut Watch,
) {
    let reason = DropReason::Shutdown;
    while let Ok(Handoff { packet, to }) = ring.pop() {
        match to {
            HandoffTo::Port(port) => drop_sent(port, &packet, reason, stats, watch),
            HandoffTo::Originated(port) => {
                count_originated(port, &packet, snapshot, stats);
                drop_sent(port, &packet, reason, stats, watch);
            }
            HandoffTo::Remote { ingress, .. } => {
                drop_waiting(ingress, &packet, reason, stats, watch);
            }
        }
    }
}

/// Counts a packet that came in by `ingress`, waited for a neighbour and is dropped.
#[cold]
pub fn drop_waiting<P: Packet>(
    ingress: PortId,
    packet: &P,
    reason: DropReason,
    stats: &WorkerStats,
    watch: &mut Watch,
) {
    stats.lose(Place::Waited, ingress, reason, &Headers::of(packet));
    watch.dropped(Side::Received, ingress, packet, reason);
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
