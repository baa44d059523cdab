//! Joins a state and its workers: every queue, ring and table between them.

use super::State;
use super::acks::Acks;
use super::cache::Surveys;
use super::drops::Noticed;
use super::explaining::Explaining;
use super::offload::Offloads;
use super::sampled::Pace;
use super::told::Listeners;
use super::traffic::Ledger;
use crate::api::RequestReceiver;
use crate::bridges::Bridges;
use crate::change::ChangeReceiver;
use crate::config::SwitchSettings;
use crate::device::DeviceEnd;
use crate::fdb::Fdb;
use crate::links::Links;
use crate::neighbours::Neighbours;
use crate::ports::Ports;
use crate::rates::Rates;
use crate::tunnels::Tunnels;
use crate::waiting::Waiting;
use fastpath::event::{DEFAULT_EVENTS, EventReceiver, channel};
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::Io;
use fastpath::learn::Learner;
use fastpath::publish::{Change, Publisher};
use fastpath::snapshot::Snapshot;
use fastpath::stats::WorkerStats;
use fastpath::trace::watch::{MAX_TAPS, Watch};
use fastpath::tx::{Handoff, Outputs, Punt};
use fastpath::worker::{Command, MAX_RX_QUEUES, Parts, Returned, Worker};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;

/// Packets that a ring between two threads holds.
const RING: usize = 512;
/// Every port can have a transmit queue at each worker; receive queues and taps are bounded by the
/// worker; and there is one survey at a time.
const COMMANDS: usize = 2 * (MAX_RX_QUEUES + PortId::LIMIT + MAX_TAPS) + 1;

/// State's ends of everything that goes to and comes from one worker.
pub struct WorkerEnd<I: Io> {
    commands: Producer<Command<I>>,
    /// Queues that it gives back.
    pub(super) returned: Consumer<Returned<I>>,
    /// Packets for it to send.
    pub(super) handoff: Producer<Handoff<I::Packet>>,
    /// Packets that it hands over.
    pub(super) punts: Consumer<Punt<I::Packet>>,
    /// Its counters.
    pub(super) stats: Arc<WorkerStats>,
    /// Taps that it has, at most [`MAX_TAPS`].
    pub(super) taps: usize,
}

impl<I: Io> WorkerEnd<I> {
    /// The ring has room for a command for each queue there can be.
    pub(super) fn command(&mut self, command: Command<I>) {
        if self.commands.push(command).is_err() {
            tracing::error!("a worker does not take commands any more");
        }
    }

    /// It has taken all that was handed to it.
    pub(super) fn is_idle(&self) -> bool {
        self.handoff.slots() == self.handoff.buffer().capacity()
    }
}

/// What a switch is made from.
pub struct Settings<I: Io> {
    /// What is wanted of the switch as a whole.
    pub switch: SwitchSettings,
    /// What `version` says of DPDK.
    pub version: String,
    /// For state, and one for each worker.
    pub pool: I::Pool,
    /// The largest MTU that its packets have room for, in bytes.
    pub largest_mtu: u16,
    /// How many workers, at least one.
    pub workers: usize,
    /// The device thread.
    pub device: DeviceEnd<I>,
    /// The api thread.
    pub requests: RequestReceiver,
    /// The keeper.
    pub changes: ChangeReceiver,
}

/// A state, its workers and the counters of each.
pub struct Assembly<I: Io> {
    /// The state.
    pub state: State<I>,
    /// The workers, in the order of their numbers.
    pub workers: Vec<Worker<I>>,
    /// Their counters and, last, those of the state, to be read by anybody.
    pub stats: Vec<Arc<WorkerStats>>,
}

/// Makes a state and its workers.
pub fn assemble<I: Io>(settings: Settings<I>) -> Assembly<I> {
    let count = settings.workers.clamp(1, WorkerId::LIMIT);
    let (world, snapshots) = Publisher::new(Snapshot::default(), count);
    let (fdb, reader) = Fdb::new(settings.switch.fdb_entries as usize);
    let (events_to, events) = channel(DEFAULT_EVENTS);
    let (producers, consumers) = mesh(count);
    let mut snapshots = snapshots.into_iter();
    let mut rings = producers.into_iter().zip(consumers);
    let (mut ends, mut workers) = (Vec::new(), Vec::new());
    for id in (0..count).filter_map(WorkerId::new) {
        let (Some(snapshot), Some((outward, mut inbound))) = (snapshots.next(), rings.next())
        else {
            break;
        };
        let (commands_to, commands) = RingBuffer::new(COMMANDS);
        let (returned, returned_from) = RingBuffer::new(COMMANDS);
        let (handoff, from_control) = RingBuffer::new(RING);
        let (punts_to, punts) = RingBuffer::new(RING);
        inbound.push(from_control);
        let stats = Arc::<WorkerStats>::default();
        workers.push(Worker::new(Parts {
            id,
            pool: settings.pool.clone(),
            snapshot,
            fdb: reader.clone(),
            learner: Learner::new(events_to.clone()),
            outputs: Outputs::new(id, outward, punts_to),
            inbound,
            commands,
            returned,
            stats: Arc::clone(&stats),
            cache_entries: settings.switch.cache_entries as usize,
        }));
        let commands = commands_to;
        ends.push(WorkerEnd {
            commands,
            returned: returned_from,
            handoff,
            punts,
            stats,
            taps: 0,
        });
    }
    let state = state(settings, ends, fdb, world, events);
    let of_workers = state.workers.iter().map(|end| &end.stats);
    let stats = of_workers.chain([&state.own]).map(Arc::clone).collect();
    Assembly {
        state,
        workers,
        stats,
    }
}

type Rings<P> = (
    Vec<Vec<Option<Producer<Handoff<P>>>>>,
    Vec<Vec<Consumer<Handoff<P>>>>,
);

/// A ring from each worker to each other: producers by sender and receiver, consumers by receiver.
fn mesh<P>(count: usize) -> Rings<P> {
    let mut consumers: Vec<_> = (0..count).map(|_| Vec::new()).collect();
    let producers = (0..count).map(|from| {
        let to = consumers.iter_mut().enumerate();
        to.map(|(to, inbound)| {
            let (producer, consumer) = RingBuffer::new(RING);
            (from != to).then(|| {
                inbound.push(consumer);
                producer
            })
        })
        .collect()
    });
    (producers.collect(), consumers)
}

fn state<I: Io>(
    settings: Settings<I>,
    workers: Vec<WorkerEnd<I>>,
    fdb: Fdb,
    world: Publisher<Snapshot>,
    events: EventReceiver,
) -> State<I> {
    State {
        ports: Ports::default(),
        bridges: Bridges::default(),
        tunnels: Tunnels::default(),
        ledger: Ledger::default(),
        neighbours: Neighbours::new(),
        links: Links::default(),
        lower_changed: true,
        errors_unmatched: 0,
        offloads: Offloads::default(),
        outbox: Vec::new(),
        unsent: Vec::new(),
        published: Change::INITIAL,
        fdb,
        world,
        generation: 0,
        dirty: true,
        workers,
        own: Arc::default(),
        former: Box::default(),
        watch: Watch::default(),
        waiting: Waiting::default(),
        drop_rates: Rates::default(),
        noticed: Noticed::default(),
        rates: Rates::default(),
        pace: Pace::default(),
        arrived: Vec::new(),
        events,
        device: settings.device,
        requests: settings.requests,
        changes: settings.changes,
        carrying: None,
        change_failed: None,
        amiss: false,
        largest_mtu: settings.largest_mtu,
        carried_out: None,
        acks: Acks::default(),
        surveys: Surveys::default(),
        explaining: Explaining::default(),
        captures: Vec::new(),
        listeners: Listeners::default(),
        pool: settings.pool,
        now: 0,
        next_second: 0,
        originated_lost: 0,
        testing: None,
        version: settings.version,
        wanted: Arc::default(),
    }
}
