//! The state thread: the one writer of ports, bridges, tunnels, neighbours and the FDB.
//!
//! A synchronous loop that never waits for anybody. Each [`State::step`] takes what came in from
//! workers, devices and clients, lets time pass, and makes the difference known to the workers:
//!
//! ```text
//! reports, returned queues, events, punts, requests --> tables --> snapshot, log --> workers
//! ```

mod acks;
mod bare;
mod behind;
mod bridges;
mod cache;
mod capture;
mod change;
mod close;
mod counters;
mod drops;
mod events;
mod explain;
mod explaining;
mod gone;
mod groups;
mod life;
mod links;
mod offload;
mod offloaded;
mod opening;
mod parked;
mod requests;
mod room;
mod routes;
mod sampled;
mod selftest;
mod stations;
mod sync;
mod told;
mod traffic;
mod underlay;
mod wiring;

use acks::Acks;
use cache::Surveys;
use change::Carrying;
use drops::{DropKey, Noticed};
use explaining::Explaining;
use offload::Offloads;
use sampled::{Pace, Sampled};
use told::Listeners;
pub use told::Teller;
use traffic::Ledger;
pub use wiring::{Assembly, Settings, WorkerEnd, assemble};

use crate::api::{Refused, Request, RequestReceiver};
use crate::bridges::Bridges;
use crate::change::ChangeReceiver;
use crate::config::Wanted;
use crate::device::{DeviceEnd, Order};
use crate::fdb::Fdb;
use crate::links::Links;
use crate::neighbours::{Neighbours, Output};
use crate::ports::{Life, Port, Ports};
use crate::rates::Rates;
use crate::snapshot::{Parts, build};
use crate::tunnels::Tunnels;
use crate::waiting::Waiting;
use fastpath::event::EventReceiver;
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::{Io, Pool};
use fastpath::publish::{Change, Publisher};
use fastpath::snapshot::Snapshot;
use fastpath::stats::WorkerStats;
use fastpath::trace::watch::Watch;
use fastpath::tx::{Handoff, HandoffTo};
use fastpath::worker::Returned;
use std::sync::{Arc, Weak};

/// Events and packets taken from one queue in one step.
const BATCH: usize = 256;
/// Frames of our own that wait for slow workers; more are lost, and counted.
const MAX_UNSENT: usize = 1024;
/// Milliseconds between two looks at what ages.
const SECOND: u64 = 1_000;

/// Everything that control knows.
pub struct State<I: Io> {
    wanted: Arc<Wanted>,
    version: String,
    ports: Ports<I>,
    bridges: Bridges,
    tunnels: Tunnels,
    ledger: Ledger,
    neighbours: Neighbours,
    /// Where addresses of ours are.
    links: Links,
    /// Something that tunnels rest on is not as it was.
    lower_changed: bool,
    /// ICMP errors about packets that no tunnel can have sent.
    errors_unmatched: u64,
    offloads: Offloads,
    /// A port whose NIC is being tested, and who asked for it.
    testing: Option<selftest::Testing>,
    /// What neighbours wants done at the end of the step.
    outbox: Vec<Output>,
    /// Frames of our own that wait for the workers to have passed `published`; at most
    /// [`MAX_UNSENT`].
    unsent: Vec<(PortId, Vec<u8>)>,
    /// The last snapshot.
    published: Change,
    fdb: Fdb,
    world: Publisher<Snapshot>,
    generation: u32,
    /// The snapshot no longer says what is so.
    dirty: bool,
    workers: Vec<WorkerEnd<I>>,
    /// What we count of packets that are with us.
    own: Arc<WorkerStats>,
    /// What was counted under numbers before they had their present owners.
    former: Box<WorkerStats>,
    /// Who looks at packets that are with us.
    watch: Watch,
    waiting: Waiting<I::Packet>,
    drop_rates: Rates<DropKey>,
    noticed: Noticed,
    rates: Rates<Sampled>,
    pace: Pace,
    /// Receive queues, each with the place of the worker that is to poll it once a snapshot that
    /// knows their port is published.
    arrived: Vec<(usize, I::Rx)>,
    events: EventReceiver,
    device: DeviceEnd<I>,
    requests: RequestReceiver,
    changes: ChangeReceiver,
    /// A change that is being carried out.
    carrying: Option<Carrying>,
    /// Why a port that is part of it does not open.
    change_failed: Option<Refused>,
    /// Something that was to be had back after a change is still missing.
    amiss: bool,
    /// The largest MTU that packets have room for, in bytes.
    largest_mtu: u16,
    /// A client's change of this step.
    carried_out: Option<Request>,
    acks: Acks,
    surveys: Surveys,
    explaining: Explaining,
    /// What is captured; that of captures that have ended is gone.
    captures: Vec<Weak<str>>,
    listeners: Listeners,
    pool: I::Pool,
    now: u64,
    next_second: u64,
    originated_lost: u64,
}

impl<I: Io> State<I> {
    /// One round, at a time in milliseconds on the clock that the workers use. Never blocks.
    /// Returns whether there was anything to do.
    pub fn step(&mut self, now: u64) -> bool {
        self.now = self.now.max(now);
        self.fdb.set_now((self.now / SECOND) as u32);
        let mut busy = self.reports();
        busy |= self.returned();
        busy |= self.heard();
        self.tell_news();
        busy |= self.originate();
        self.time();
        busy |= self.requests();
        busy |= self.change();
        self.order_offload();
        self.publish();
        self.start_polling();
        self.carry_out();
        self.acknowledge();
        busy |= self.survey();
        busy |= self.explain_one();
        self.tell_all();
        busy | self
            .acks
            .settle(|change| self.world.laggards(change), self.now)
    }

    fn returned(&mut self) -> bool {
        let mut busy = false;
        for at in 0..self.workers.len() {
            while let Ok(back) = self.workers[at].returned.pop() {
                busy = true;
                let back = match back {
                    Returned::Surveyed(survey) => {
                        self.surveys.take(at, survey);
                        continue;
                    }
                    Returned::Tap(_) => {
                        self.workers[at].taps -= 1;
                        drop(self.watch.abandoned());
                        continue;
                    }
                    Returned::Rx(queue) => match self.moved(queue) {
                        Some(queue) => Returned::Rx(queue),
                        None => continue,
                    },
                    other => other,
                };
                let Some(port) = close::keep(&mut self.ports, back) else {
                    continue;
                };
                let id = port.id;
                if port.is_whole() && matches!(port.life, Life::Closing(_)) {
                    let queues = std::mem::take(&mut port.back);
                    port.queues = (0, 0);
                    drop(self.device.orders.try_send(Order::Close { id, queues }));
                }
            }
        }
        busy
    }

    fn time(&mut self) {
        self.neighbours.tick(self.now, &mut self.outbox);
        self.lose_patience();
        if self.now < self.next_second {
            return;
        }
        self.next_second = self.now + SECOND;
        self.tell_caps();
        self.sample_drops();
        self.look_at_bare();
        self.sample_rates();
        let bridges = &self.bridges;
        self.fdb.expire(|bridge| {
            let ageing = bridges.get(bridge)?.ageing;
            u32::try_from(ageing.as_secs()).ok()
        });
        self.tell_news();
        let fdb = &self.fdb;
        let gone = self
            .tunnels
            .forget_idle((self.now / SECOND) as u32, || fdb.remotes());
        for (remote, address) in gone {
            self.neighbours.unwant(address);
            self.give_up_remote(remote);
            self.dirty = true;
        }
        let ports = self.ports.iter_mut();
        let due = ports.filter_map(|port| port.due(self.now).then_some(port.id));
        for id in due.collect::<Vec<_>>() {
            self.order_open(id);
        }
    }

    /// Hands frames of our own to the workers that send for their ports, once every worker knows
    /// the ports there are.
    fn originate(&mut self) -> bool {
        if self.unsent.is_empty() || !self.world.passed(self.published) {
            return false;
        }
        for (id, frame) in std::mem::take(&mut self.unsent) {
            if !self.hand_over(id, &frame) {
                self.originated_lost += 1;
            }
        }
        true
    }

    fn hand_over(&mut self, id: PortId, frame: &[u8]) -> bool {
        let port = self.world.current().port(id);
        let Some(owner) = port
            .zip(WorkerId::new(0))
            .and_then(|(port, w)| port.tx_owner(w))
        else {
            return false;
        };
        let Some(packet) = self.pool.alloc(frame) else {
            return false;
        };
        let to = HandoffTo::Originated(id);
        let handoff = Handoff { packet, to };
        self.workers[owner.index()].handoff.push(handoff).is_ok()
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.dirty) {
            self.forget_offloads();
            self.generation = self.generation.wrapping_add(1);
            let (before, number) = (self.world.current(), self.generation);
            let parts = Parts {
                ports: &self.ports,
                links: &self.links,
                bridges: &self.bridges,
                tunnels: &self.tunnels,
                beliefs: &self.offloads.beliefs,
            };
            let snapshot = build(&parts, before, number);
            self.published = self.world.publish(snapshot);
            self.offloads.publish(self.published);
            self.seal();
        }
        self.fdb.reclaim(&mut self.world);
        self.world.reclaim();
    }

    /// The names of ports by number, to be told with their counters; of those that are gone, a word
    /// that is no name.
    pub fn port_names(&self) -> Vec<String> {
        let names = self.ports.places().map(|port| {
            let name = port.map(|port| port.wanted.name.to_string());
            name.unwrap_or_else(|| "(gone)".to_owned())
        });
        names.collect()
    }

    /// Ports that are started, ports that are being opened for the first time, and all ports.
    pub fn progress(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Port<I>) -> bool| self.ports.iter().filter(|p| wanted(p)).count();
        let open = count(|port| matches!(port.life, Life::Open(_)));
        let opening = count(Port::is_untried);
        (open, opening, self.ports.iter().count())
    }
}
