//! A worker's surroundings for one frame at a time: ways out that lead nowhere, counters that nobody
//! reads, and a clock that stands at zero, so that no station is found to have been seen longer ago.

use super::{Fate, World};
use fastpath::action::{Action, Actions, Context, Program, Verdict, run};
use fastpath::cpu::{Cpu, ticks};
use fastpath::drop::DropReason;
use fastpath::event::{DEFAULT_EVENTS, Event, EventReceiver, channel};
use fastpath::fdb::FdbReader;
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::heap::{HeapIo, HeapPacket, HeapPool, HeapQueue};
use fastpath::io::{Pool, RxQueue};
use fastpath::learn::Learner;
use fastpath::parse::Layout;
use fastpath::snapshot::{RxChecksum, Snapshot};
use fastpath::stats::WorkerStats;
use fastpath::tx::{Outputs, Punt};
use rtrb::{Consumer, RingBuffer};

/// Bytes of one segment: no frame needs two, as in a pool whose buffers are as long as the MTU.
const DATA_ROOM: usize = 1 << 16;
/// Packets out of the pool at a time. A transmit buffer of each port may be full of them.
const PACKETS: usize = 1 << 16;
/// Packets for control at a time, as many as of a worker.
const PUNTS: usize = 512;

pub(super) struct Bench<'a> {
    fdb: &'a FdbReader,
    ingress: PortId,
    layout: Layout,
    rx_checksum: RxChecksum,
    pool: HeapPool,
    outputs: Outputs<HeapIo>,
    /// What has left, one packet for each port: of more the others are lost, and not missed.
    queues: Vec<HeapQueue>,
    punts: Consumer<Punt<HeapPacket>>,
    learner: Learner,
    events: EventReceiver,
    stats: &'a WorkerStats,
    /// What the last run took, in [`ticks`].
    took: u64,
}

impl<'a> Bench<'a> {
    /// For frames from `ingress` whose headers `layout` places. A worker is there that has a queue
    /// of each port.
    pub(super) fn new(world: World<'a>, ingress: PortId, layout: Layout) -> Self {
        let snapshot = world.snapshot;
        let (punt, punts) = RingBuffer::new(PUNTS);
        let mut outputs = Outputs::new(WorkerId::modulo(0), vec![None], punt);
        let ports = snapshot.ports.iter().flatten();
        let queues: Vec<_> = ports
            .filter(|port| port.tx_queues > 0)
            .map(|port| HeapQueue::new(port.id, 1))
            .collect();
        for queue in &queues {
            // There is one for each port.
            drop(outputs.add_queue(queue.clone()));
        }
        let (sender, events) = channel(DEFAULT_EVENTS);
        let port = snapshot.port(ingress);
        Bench {
            fdb: world.fdb,
            ingress,
            layout,
            rx_checksum: port.map(|port| port.rx_checksum).unwrap_or_default(),
            pool: HeapPool::with_data_room(PACKETS, DATA_ROOM),
            outputs,
            queues,
            punts,
            learner: Learner::new(sender),
            events,
            stats: world.unread,
            took: 0,
        }
    }

    /// Runs a program on a copy of `frame`, by `snapshot`.
    pub(super) fn run(&mut self, snapshot: &Snapshot, program: &Program, frame: &[u8]) -> Verdict {
        let Some(packet) = self.pool.alloc(frame) else {
            return Verdict::Dropped(DropReason::NoBuffer);
        };
        let mut context: Context<'_, HeapIo> = Context {
            cpu: Cpu::PORTABLE,
            snapshot,
            fdb: self.fdb,
            pool: &self.pool,
            outputs: &mut self.outputs,
            learner: &mut self.learner,
            stats: self.stats,
            rx_checksum: self.rx_checksum,
        };
        let began = ticks();
        let outcome = run(&mut context, self.ingress, program, &self.layout, [packet]);
        self.took = ticks().saturating_sub(began);
        self.outputs.flush(self.stats);
        while self.punts.pop().is_ok() {}
        outcome.verdict
    }

    /// What the last run took, until the frame and its copies were dropped or lay in the buffers of
    /// ports. In [`ticks`].
    pub(super) fn took(&self) -> u64 {
        self.took
    }

    /// Does `actions` to a copy of `frame`, of which at most one leaves.
    pub(super) fn fate(&mut self, snapshot: &Snapshot, actions: &[Action], frame: &[u8]) -> Fate {
        let program = Program::compile(&actions.iter().copied().collect::<Actions>());
        let verdict = self.run(snapshot, &program, frame);
        let sent = self.left();
        match verdict {
            Verdict::Waiting => Fate::Waiting,
            Verdict::Consumed => Fate::Consumed,
            Verdict::Dropped(reason) => Fate::Dropped(reason),
            Verdict::Forwarded => match sent {
                Some((port, frame)) => Fate::Sent { port, frame },
                // Only a port without a queue does not take what it is given.
                None => Fate::Dropped(DropReason::PortDown),
            },
        }
    }

    /// The packet that has left.
    fn left(&mut self) -> Option<(PortId, Vec<u8>)> {
        let mut queues = self.queues.iter();
        queues.find_map(|queue| Some((RxQueue::port(queue), queue.pop()?.bytes())))
    }

    /// What was told to control since the last call.
    pub(super) fn told(&mut self) -> Vec<Event> {
        self.events.drain(DEFAULT_EVENTS).collect()
    }
}
