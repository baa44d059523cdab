//! Whole workers on heap queues, with everything of control that they touch.

use super::switch::{port, switch};
use crate::event::{EventReceiver, channel};
use crate::fdb::{Fdb, FdbKey, FdbValue, FdbWriter};
use crate::io::Pool;
use crate::io::heap::{HeapIo, HeapPacket, HeapPool, HeapQueue};
use crate::learn::Learner;
use crate::publish::Publisher;
use crate::snapshot::Snapshot;
use crate::stats::{Account, WorkerStats};
use crate::tx::{Handoff, HandoffTo, Outputs, Punt};
use crate::worker::{Command, Parts, Returned, Worker};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;

/// Packets that a ring between workers holds.
pub(crate) const RING: usize = 4;
/// Packets that a transmit queue holds, and events on their way to control: of two bursts, and more.
pub(crate) const TX: usize = 160;

type Ring = Producer<Handoff<HeapPacket>>;

/// What leaves by a port, by a NIC that makes those checksums that are left to it.
pub(crate) fn wire(snapshot: &Snapshot, number: usize) -> HeapQueue {
    let wire = HeapQueue::new(port(number), TX);
    let found = snapshot.ports[number].as_ref();
    wire.making(found.map(|port| port.tx).unwrap_or_default())
}

pub(crate) struct Site {
    pub(crate) publisher: Publisher<Snapshot>,
    pub(crate) fdb: FdbWriter,
    pub(crate) pool: HeapPool,
    pub(crate) workers: Vec<Worker<HeapIo>>,
    pub(crate) stats: Vec<Arc<WorkerStats>>,
    pub(crate) commands: Vec<Producer<Command<HeapIo>>>,
    pub(crate) returned: Vec<Consumer<Returned<HeapIo>>>,
    pub(crate) punts: Vec<Consumer<Punt<HeapPacket>>>,
    pub(crate) events: EventReceiver,
    /// From control to each worker.
    pub(crate) rings: Vec<Ring>,
    /// What arrives at each port.
    pub(crate) rx: Vec<HeapQueue>,
    /// What leaves by each port.
    pub(crate) tx: Vec<HeapQueue>,
}

impl Site {
    /// The small switch under some workers without queues.
    pub(crate) fn new(workers: usize, cache_entries: usize) -> Self {
        Self::with(workers, cache_entries, switch())
    }

    pub(crate) fn with(workers: usize, cache_entries: usize, snapshot: Snapshot) -> Self {
        Self::of_pool(HeapPool::new(512), workers, cache_entries, snapshot)
    }

    /// The same with packets of another pool.
    pub(crate) fn of_pool(
        pool: HeapPool,
        workers: usize,
        cache_entries: usize,
        snapshot: Snapshot,
    ) -> Self {
        let ports = 0..snapshot.ports.len();
        let rx = ports.clone().map(|n| HeapQueue::new(port(n), 256));
        let (rx, tx) = (rx.collect(), ports.map(|n| wire(&snapshot, n)).collect());
        let (fdb, reader) = Fdb::new(64);
        let (publisher, readers) = Publisher::new(snapshot, workers);
        let (sender, events) = channel(TX);
        let mut site = Site {
            publisher,
            pool: pool.clone(),
            workers: Vec::new(),
            stats: (0..workers).map(|_| Arc::default()).collect(),
            commands: Vec::new(),
            returned: Vec::new(),
            punts: Vec::new(),
            events,
            rings: Vec::new(),
            rx,
            tx,
            fdb,
        };
        let (mut rows, mut inbound) = mesh(workers);
        for (number, snapshot) in readers.into_iter().enumerate() {
            let (commands, obeyed) = RingBuffer::new(16);
            let (given, returned) = RingBuffer::new(600);
            let (punt, punts) = RingBuffer::new(8);
            let (ring, from_control) = RingBuffer::new(64);
            let id = super::worker(number);
            let mut inbound = std::mem::take(&mut inbound[number]);
            inbound.push(from_control);
            site.workers.push(Worker::new(Parts {
                id,
                pool: pool.clone(),
                snapshot,
                fdb: reader.clone(),
                learner: Learner::new(sender.clone()),
                outputs: Outputs::new(id, std::mem::take(&mut rows[number]), punt),
                inbound,
                commands: obeyed,
                returned: given,
                stats: Arc::clone(&site.stats[number]),
                cache_entries,
            }));
            site.commands.push(commands);
            site.returned.push(returned);
            site.punts.push(punts);
            site.rings.push(ring);
        }
        site
    }

    /// One worker that serves all ports.
    pub(crate) fn alone(cache_entries: usize) -> Self {
        Self::with_all(cache_entries, switch())
    }

    /// The same for another switch.
    pub(crate) fn with_all(cache_entries: usize, snapshot: Snapshot) -> Self {
        Self::with(1, cache_entries, snapshot).serving_all()
    }

    /// With all queues at the first worker.
    pub(crate) fn serving_all(mut self) -> Self {
        for number in 0..self.rx.len() {
            self.add_rx(0, number);
            self.add_tx(0, number);
        }
        self
    }

    pub(crate) fn add_rx(&mut self, worker: usize, number: usize) {
        let command = Command::AddRx(self.rx[number].clone());
        assert!(self.commands[worker].push(command).is_ok());
    }

    pub(crate) fn add_tx(&mut self, worker: usize, number: usize) {
        let command = Command::AddTx(self.tx[number].clone());
        assert!(self.commands[worker].push(command).is_ok());
    }

    /// A frame for a port to receive.
    pub(crate) fn arrive(&self, number: usize, frame: &[u8]) {
        let packet = self.pool.alloc(frame).unwrap();
        assert!(self.rx[number].push(packet).is_ok());
    }

    /// A packet that control gives to a worker to send.
    pub(crate) fn originate(&mut self, worker: usize, number: usize, frame: &[u8]) {
        let packet = self.pool.alloc(frame).unwrap();
        let to = HandoffTo::Originated(port(number));
        let handoff = Handoff { packet, to };
        assert!(self.rings[worker].push(handoff).is_ok());
    }

    /// Changes the table as control does.
    pub(crate) fn learn(&mut self, (key, value): (FdbKey, FdbValue)) {
        self.fdb.insert(key, value).unwrap();
    }

    pub(crate) fn poll(&mut self, worker: usize, now: u64) -> usize {
        self.workers[worker].poll(now)
    }

    /// Packets that left by a port since the last call.
    pub(crate) fn sent_packets(&self, number: usize) -> Vec<HeapPacket> {
        let wire = &self.tx[number];
        std::iter::from_fn(|| wire.pop()).collect()
    }

    /// Their bytes.
    pub(crate) fn sent(&self, number: usize) -> Vec<Vec<u8>> {
        let packets = self.sent_packets(number);
        packets.iter().map(HeapPacket::bytes).collect()
    }

    /// What is neither sent nor dropped nor consumed.
    pub(crate) fn held(&self) -> i64 {
        Account::of(self.stats.iter().map(Arc::as_ref)).held()
    }

    /// Stops all workers. Asserts that the account closes and every packet is back.
    pub(crate) fn stop(mut self) -> Vec<Arc<WorkerStats>> {
        for worker in self.workers.drain(..) {
            drop(worker.stop());
        }
        assert_eq!(self.held(), 0);
        let wires = self.tx.iter().chain(&self.rx);
        wires.for_each(|wire| while wire.pop().is_some() {});
        self.punts.clear();
        self.returned.clear();
        assert_eq!(self.pool.out(), 0);
        self.stats
    }
}

type Rows = Vec<Vec<Option<Ring>>>;
type Inbound = Vec<Vec<Consumer<Handoff<HeapPacket>>>>;

/// A ring from each worker to each other.
fn mesh(workers: usize) -> (Rows, Inbound) {
    let mut inbound: Inbound = (0..workers).map(|_| Vec::new()).collect();
    let mut rows = Rows::new();
    for from in 0..workers {
        let mut row = Vec::new();
        for (to, inbound) in inbound.iter_mut().enumerate() {
            row.push((from != to).then(|| {
                let (producer, consumer) = RingBuffer::new(RING);
                inbound.push(consumer);
                producer
            }));
        }
        rows.push(row);
    }
    (rows, inbound)
}
