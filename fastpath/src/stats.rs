//! Counters. Each worker writes its own; readers sum. 64 bit, never reset.

mod former;
mod frames;
mod histogram;
mod places;

pub use histogram::Histogram;
pub use places::{
    BridgeStats, FrameStats, HintStats, LinkStats, QueueStats, StrangerStats, TunnelStats,
};

use crate::drop::DropReason;
use crate::ids::{BridgeId, LinkId, PortId, QueueId, RemoteId, TunnelId};
use crate::trace::last::{Headers, LastDrops, Place};
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter with one writer.
///
/// # Thread safety
/// Only the owner calls [`Counter::add`]; anybody may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`. A plain load and store: there is one writer.
    pub fn add(&self, n: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(n),
            Ordering::Relaxed,
        );
    }

    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down, with one writer.
///
/// # Thread safety
/// Only the owner calls [`Gauge::set`]; anybody may read.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, value: usize) {
        self.0.store(value as u64, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One counter for each drop reason.
#[derive(Debug)]
pub struct Drops([Counter; DropReason::COUNT]);

impl Default for Drops {
    fn default() -> Self {
        Drops(std::array::from_fn(|_| Counter::default()))
    }
}

impl Drops {
    /// Counts one packet.
    pub fn count(&self, reason: DropReason) {
        self.0[reason as usize].add(1);
    }

    /// Packets dropped for `reason`.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize].get()
    }

    /// Packets dropped.
    pub fn total(&self) -> u64 {
        self.0.iter().map(Counter::get).sum()
    }
}

/// What one worker did with the packets of one port.
///
/// Of what came in: `received` = `forwarded` + `dropped` + `consumed` + `waited`, the verdicts. A
/// packet that leaves in several copies counts `copied` for each beyond the first, and copies that nobody could
/// take are in `copies_dropped`. Of what goes out: `enqueued` = `sent` + `tx_dropped` + what is in
/// the worker's buffers and rings.
#[derive(Debug, Default)]
pub struct PortStats {
    /// Packets taken from its receive queues.
    pub received: Counter,
    /// Bytes of them.
    pub received_bytes: Counter,
    /// Received packets of which at least one copy was enqueued somewhere.
    pub forwarded: Counter,
    /// Received packets handed to control.
    pub consumed: Counter,
    /// Received packets, or all copies of them that were not dropped, that control keeps until a
    /// neighbour is known.
    pub waited: Counter,
    /// Received packets dropped.
    pub dropped: Drops,
    /// Copies made, or due, of received packets.
    pub copied: Counter,
    /// Copies dropped of received packets that were otherwise forwarded or dropped themselves.
    pub copies_dropped: Drops,
    /// Packets received here that waited for a neighbour in vain, or could not be sent afterwards.
    pub wait_dropped: Drops,
    /// Packets of control taken for sending on this port.
    pub originated: Counter,
    /// Packets decided to leave on this port.
    pub enqueued: Counter,
    /// Packets that the port accepted.
    pub sent: Counter,
    /// Bytes of them.
    pub sent_bytes: Counter,
    /// Packets decided to leave here that the port did not get or did not accept.
    pub tx_dropped: Drops,
}

impl PortStats {
    /// Everything of this port that was dropped: each packet or copy is in one of these.
    pub fn all_drops(&self) -> [&Drops; 4] {
        [
            &self.dropped,
            &self.copies_dropped,
            &self.wait_dropped,
            &self.tx_dropped,
        ]
    }
}

/// What one worker's flow cache did.
#[derive(Debug, Default)]
pub struct CacheStats {
    /// Packets decided by an entry.
    pub hits: Counter,
    /// Packets that had to be resolved.
    pub misses: Counter,
    /// Decisions kept.
    pub inserted: Counter,
    /// Entries that gave way to new ones.
    pub evicted: Counter,
    /// Decisions not kept because there were already as many masks as may be.
    pub mask_limit: Counter,
    /// Of these, decisions made anew because their ingress port's generation had passed. Those that
    /// came out the same kept their entry.
    pub replaced: Counter,
    /// Entries removed because control wanted it.
    pub flushed: Counter,
    /// Entries there are now.
    pub entries: Gauge,
    /// Masks there are now.
    pub masks: Gauge,
    /// Cycles of each decision that was made, and kept if it could be; see [`crate::cpu::ticks`].
    pub resolve_times: Histogram,
    /// Cycles of all of them.
    pub resolve_ticks: Counter,
}

/// All counters of one worker.
#[derive(Debug)]
pub struct WorkerStats {
    ports: Box<[PortStats]>,
    remotes: Box<[TunnelStats]>,
    links: Box<[LinkStats]>,
    strays: Box<[FrameStats]>,
    strangers: Box<[StrangerStats]>,
    bridges: Box<[BridgeStats]>,
    queues: Box<[QueueStats]>,
    hints: Box<[HintStats]>,
    /// The flow cache.
    pub cache: CacheStats,
    /// Poll rounds.
    pub rounds: Counter,
    /// Poll rounds that found no packet.
    pub idle_rounds: Counter,
    /// Cycles of rounds that moved packets; see [`crate::cpu::ticks`].
    pub busy_ticks: Counter,
    /// Cycles of rounds that found none.
    pub idle_ticks: Counter,
    /// Packets moved, by the cycles of their rounds, up to the end of the flush. No packet was longer
    /// here, since what is received in a round is sent in it or handed over; most were shorter.
    pub rx_to_tx: Histogram,
    /// Bursts received, by the packets in them.
    pub rx_bursts: Histogram,
    /// Bursts given to transmit queues, by the packets in them.
    pub tx_bursts: Histogram,
    /// Events for control that found the queue full.
    pub events_lost: Counter,
    /// Packets given to another worker to send.
    pub handed_off: Counter,
    /// What the last packets looked like that were dropped.
    pub last_drops: LastDrops,
}

impl Default for WorkerStats {
    fn default() -> Self {
        WorkerStats {
            ports: table(PortId::LIMIT),
            remotes: table(RemoteId::LIMIT),
            links: table(LinkId::LIMIT),
            strays: table(PortId::LIMIT),
            strangers: table(TunnelId::LIMIT),
            bridges: table(BridgeId::LIMIT),
            queues: table(PortId::LIMIT * QueueId::LIMIT),
            hints: table(PortId::LIMIT),
            cache: CacheStats::default(),
            rounds: Counter::default(),
            idle_rounds: Counter::default(),
            busy_ticks: Counter::default(),
            idle_ticks: Counter::default(),
            rx_to_tx: Histogram::default(),
            rx_bursts: Histogram::default(),
            tx_bursts: Histogram::default(),
            events_lost: Counter::default(),
            handed_off: Counter::default(),
            last_drops: LastDrops::default(),
        }
    }
}

fn table<T: Default>(places: usize) -> Box<[T]> {
    std::iter::repeat_with(T::default).take(places).collect()
}

impl WorkerStats {
    /// The counters of a port.
    pub fn port(&self, id: PortId) -> &PortStats {
        // The table has a place for every number that `PortId` can hold.
        &self.ports[id.index()]
    }

    /// Counts a packet that is dropped in this place, and keeps its headers.
    #[cold]
    pub fn lose(&self, place: Place, port: PortId, reason: DropReason, headers: &Headers) {
        let port_stats = self.port(port);
        let drops = match place {
            Place::Received => &port_stats.dropped,
            Place::Copy => &port_stats.copies_dropped,
            Place::Waited => &port_stats.wait_dropped,
            Place::Sent => &port_stats.tx_dropped,
        };
        drops.count(reason);
        self.last_drops.keep(reason, port, place, headers);
    }

    /// The counters of a remote.
    pub fn remote(&self, id: RemoteId) -> &TunnelStats {
        // The table has a place for every number that `RemoteId` can hold; so have those below.
        &self.remotes[id.index()]
    }

    /// The counters of an underlay link.
    pub fn link(&self, id: LinkId) -> &LinkStats {
        &self.links[id.index()]
    }

    /// The counters of frames of an underlay port that are on no link of it.
    pub fn strays(&self, port: PortId) -> &FrameStats {
        &self.strays[port.index()]
    }

    /// The counters of what came by a tunnel from senders without a record.
    pub fn strangers(&self, id: TunnelId) -> &StrangerStats {
        &self.strangers[id.index()]
    }

    /// The counters of a bridge.
    pub fn bridge(&self, id: BridgeId) -> &BridgeStats {
        &self.bridges[id.index()]
    }

    /// The counters of the queues of a port that have this number.
    pub fn queue(&self, port: PortId, number: QueueId) -> &QueueStats {
        // The table has a place for every pair of numbers that both can hold.
        &self.queues[port.index() * QueueId::LIMIT + number.index()]
    }

    /// The counters of what the NIC behind a port said.
    #[inline]
    pub fn hints(&self, port: PortId) -> &HintStats {
        &self.hints[port.index()]
    }

    /// Packets received or taken over from others: those of all rounds.
    pub fn moved(&self) -> u64 {
        self.rx_to_tx.total()
    }

    /// Counts a burst of `count` packets from a receive queue.
    #[inline(always)]
    pub(crate) fn count_received(&self, port: PortId, number: QueueId, count: usize) {
        let queue = self.queue(port, number);
        queue.received.add(count as u64);
        queue.rx_bursts.add(1);
        self.rx_bursts.add(count as u64, 1);
    }

    /// Counts a burst of `count` packets that a transmit queue was given, and what it accepted.
    #[inline(always)]
    pub(crate) fn count_sent(&self, port: PortId, number: QueueId, count: usize, accepted: usize) {
        if count > 0 {
            let queue = self.queue(port, number);
            queue.sent.add(accepted as u64);
            queue.tx_bursts.add(1);
            self.tx_bursts.add(count as u64, 1);
        }
    }

    /// Counts a round that took so many cycles and moved `moved` packets.
    #[inline(always)]
    pub(crate) fn count_round(&self, ticks: u64, moved: usize) {
        self.rounds.add(1);
        if moved == 0 {
            self.idle_rounds.add(1);
            self.idle_ticks.add(ticks);
        } else {
            self.busy_ticks.add(ticks);
            self.rx_to_tx.add(ticks, moved as u64);
        }
    }
}

/// The account of the switch: where every packet went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Taken from receive queues.
    pub received: u64,
    /// Made by control.
    pub originated: u64,
    /// Copies made, or due, by flooding.
    pub copied: u64,
    /// Accepted by ports.
    pub sent: u64,
    /// Dropped by name.
    pub dropped: u64,
    /// Handed to control.
    pub consumed: u64,
}

impl Account {
    /// The sum over workers.
    pub fn of<'a>(workers: impl IntoIterator<Item = &'a WorkerStats>) -> Self {
        let mut account = Account::default();
        for port in workers.into_iter().flat_map(|worker| &worker.ports) {
            account.received += port.received.get();
            account.originated += port.originated.get();
            account.copied += port.copied.get();
            account.sent += port.sent.get();
            account.consumed += port.consumed.get();
            account.dropped += port
                .all_drops()
                .iter()
                .map(|drops| drops.total())
                .sum::<u64>();
        }
        account
    }

    /// Packets that came in or were made and are not yet accounted for: those in buffers and rings.
    /// Zero at a stop; negative means that something was counted twice.
    pub fn held(&self) -> i64 {
        let inward = self.received + self.originated + self.copied;
        let outward = self.sent + self.dropped + self.consumed;
        inward.wrapping_sub(outward) as i64
    }
}
