//! The state thread: the one writer of ports, bridges, tunnels, neighbours and the FDB.
//!
//! A synchronous loop that never waits for anybody. Each [`State::step`] takes what came in from
//! workers, devices and clients, lets time pass, and makes the difference known to the workers:
//!
//! ```text
//! reports, returned queues, events, punts, requests --> tables --> snapshot, log --> workers
//! ```

mod close;
mod events;
mod requests;
mod wiring;

pub use wiring::{Assembly, Settings, WorkerEnd, assemble};

use crate::api::RequestReceiver;
use crate::config::Wanted;
use crate::device::{DeviceEnd, Order, Report};
use crate::fdb::Fdb;
use crate::neighbours::{Neighbours, Output};
use crate::ports::{Life, Port};
use crate::snapshot::build;
use crate::tunnels::Tunnels;
use fastpath::event::EventReceiver;
use fastpath::fdb::Destination;
use fastpath::ids::{BridgeId, PortId, WorkerId};
use fastpath::io::{Io, Pool, RxQueue};
use fastpath::publish::{Change, Publisher};
use fastpath::snapshot::Snapshot;
use fastpath::tx::Handoff;
use fastpath::worker::Command;
use std::net::Ipv4Addr;
use tracing::{info, warn};

/// Events and packets taken from one queue in one step.
const BATCH: usize = 256;
/// Frames of our own that wait for slow workers; more are lost, and counted.
const MAX_UNSENT: usize = 1024;
/// Milliseconds between two looks at what ages.
const SECOND: u64 = 1_000;

/// Everything that control knows.
pub struct State<I: Io> {
    wanted: Wanted,
    version: String,
    ports: Vec<Port<I>>,
    tunnels: Tunnels,
    neighbours: Neighbours,
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
    /// Receive queues, each with the place of the worker that is to poll it once a snapshot that
    /// knows their port is published.
    arrived: Vec<(usize, I::Rx)>,
    events: EventReceiver,
    device: DeviceEnd<I>,
    requests: RequestReceiver,
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
        let mut busy = self.originate();
        busy |= self.reports();
        busy |= self.returned();
        busy |= self.events();
        busy |= self.punts();
        self.time();
        busy |= self.requests();
        self.publish();
        self.start_polling();
        self.carry_out();
        busy
    }

    /// Orders every port. Called once, before the first step.
    pub fn open_ports(&mut self) {
        for at in 0..self.ports.len() {
            self.order_open(at);
        }
        self.fill_static();
        self.want_remotes();
    }

    fn order_open(&mut self, at: usize) {
        let port = &self.ports[at];
        let wanted = Box::new(port.wanted.clone());
        // The queue has room for every port; if the device thread is gone the daemon is ending.
        drop(self.device.orders.try_send(Order::Open {
            id: port.id,
            wanted,
        }));
    }

    fn reports(&mut self) -> bool {
        let mut busy = false;
        while let Ok(report) = self.device.reports.try_recv() {
            busy = true;
            self.report(report);
        }
        busy
    }

    fn report(&mut self, report: Report<I>) {
        match report {
            Report::Opened(opened) => {
                let id = opened.id;
                let Some(port) = self.ports.get_mut(id.index()) else {
                    return;
                };
                port.opened(&opened);
                let prefixes: Vec<_> = port.wanted.prefixes(None).collect();
                let (now, out) = (self.now, &mut self.outbox);
                self.neighbours
                    .add_port(id, opened.info.mac, &prefixes, now, out);
                self.neighbours.set_link(id, opened.info.link, now, out);
                info!(
                    port = %port.wanted.name, driver = %opened.info.driver, mac = %opened.info.mac,
                    rx_queues = opened.rx.len(), tx_queues = opened.tx.len(), "port started"
                );
                for note in &opened.info.notes {
                    info!(port = %port.wanted.name, "{note}");
                }
                self.distribute(opened.rx, opened.tx);
                self.dirty = true;
            }
            Report::Failed { id, reason } => {
                let Some(port) = self.ports.get_mut(id.index()) else {
                    return;
                };
                warn!(port = %port.wanted.name, device = port.wanted.device.devargs(), "{reason}");
                port.failed(reason, self.now);
                self.dirty = true;
            }
            Report::Link { id, up } => self.link(id, up),
            Report::Lost { id, reason } => self.lost(id, reason),
            Report::Counters { id, counters } => {
                if let Some(port) = self.ports.get_mut(id.index()) {
                    port.counters = counters;
                }
            }
            Report::Closed { id, counters } => {
                let Some(port) = self.ports.get_mut(id.index()) else {
                    return;
                };
                port.counters = counters;
                if let Life::Closing(reason) = &mut port.life {
                    let reason = std::mem::take(reason);
                    port.failed(reason, self.now);
                }
            }
        }
    }

    /// Chooses the worker of each queue: receive queues in turn, transmit queue `q` for worker `q`.
    fn distribute(&mut self, rx: Vec<I::Rx>, tx: Vec<I::Tx>) {
        let count = self.workers.len();
        for (number, queue) in rx.into_iter().enumerate() {
            let worker = (queue.port().index() + number) % count;
            self.arrived.push((worker, queue));
        }
        for (number, queue) in tx.into_iter().enumerate() {
            self.workers[number % count].command(Command::AddTx(queue));
        }
    }

    /// Gives workers the receive queues of ports that the snapshot knows: what they poll before
    /// they could only drop.
    fn start_polling(&mut self) {
        for (worker, queue) in self.arrived.drain(..) {
            self.workers[worker].command(Command::AddRx(queue));
        }
    }

    fn link(&mut self, id: PortId, up: bool) {
        let Some(port) = self.ports.get_mut(id.index()) else {
            return;
        };
        if port.set_link(up) {
            info!(port = %port.wanted.name, "link {}", if up { "up" } else { "down" });
            self.neighbours.set_link(id, up, self.now, &mut self.outbox);
            if !up {
                self.fdb.flush(Destination::Port(id));
            }
            self.dirty = true;
        }
    }

    /// The device is gone or cannot go on: collect its queues from the workers, then close it.
    fn lost(&mut self, id: PortId, reason: String) {
        let Some(port) = self.ports.get_mut(id.index()) else {
            return;
        };
        if !matches!(port.life, Life::Open(_)) {
            return;
        }
        warn!(port = %port.wanted.name, "{reason}");
        port.life = Life::Closing(reason);
        self.neighbours.remove_port(id, self.now, &mut self.outbox);
        self.fdb.flush(Destination::Port(id));
        self.dirty = true;
        // Its queues go first, or the workers would miss them.
        self.start_polling();
        for worker in &mut self.workers {
            worker.command(Command::Withdraw(id));
        }
    }

    fn returned(&mut self) -> bool {
        let mut busy = false;
        for worker in &mut self.workers {
            while let Ok(back) = worker.returned.pop() {
                busy = true;
                let Some(id) = close::keep(&mut self.ports, back) else {
                    continue;
                };
                let port = &mut self.ports[id.index()];
                if port.is_whole() && matches!(port.life, Life::Closing(_)) {
                    let queues = std::mem::take(&mut port.back);
                    drop(self.device.orders.try_send(Order::Close { id, queues }));
                }
            }
        }
        busy
    }

    /// Static entries of the configuration.
    fn fill_static(&mut self) {
        for entry in self.wanted.fdb.clone() {
            let bridge = self
                .wanted
                .bridges
                .iter()
                .position(|b| b.name == entry.bridge);
            let Some(bridge) = bridge.and_then(BridgeId::new) else {
                continue;
            };
            let to = match entry.target {
                crate::config::FdbTarget::Port(name) => {
                    let at = self.wanted.ports.iter().position(|port| port.name == name);
                    at.and_then(PortId::new).map(Destination::Port)
                }
                crate::config::FdbTarget::Remote { tunnel, remote } => {
                    let tunnel = self.tunnels.by_name(tunnel);
                    let id = tunnel.and_then(|tunnel| self.tunnels.ensure(tunnel, remote));
                    id.map(Destination::Remote)
                }
            };
            let added = to.is_some_and(|to| self.fdb.add_static(bridge, entry.mac, to));
            if !added {
                warn!(bridge = %entry.bridge, mac = %entry.mac, "no room for a static entry");
            }
        }
    }

    /// Every remote's address is one that neighbours must find.
    fn want_remotes(&mut self) {
        let addresses: Vec<_> = self
            .tunnels
            .remotes()
            .map(|remote| remote.address)
            .collect();
        for address in addresses {
            self.want(address);
        }
    }

    /// A remote of this address has a record now. The way there may be known already.
    fn want(&mut self, address: Ipv4Addr) {
        self.neighbours.want(address, self.now, &mut self.outbox);
        let next_hop = self.neighbours.next_hop(address);
        self.outbox.push(Output::Changed { address, next_hop });
    }

    fn time(&mut self) {
        self.neighbours.tick(self.now, &mut self.outbox);
        if self.now < self.next_second {
            return;
        }
        self.next_second = self.now + SECOND;
        let bridges = &self.wanted.bridges;
        self.fdb.expire(|bridge| {
            let ageing = bridges.get(bridge.index())?.ageing;
            u32::try_from(ageing.as_secs()).ok()
        });
        let fdb = &self.fdb;
        let gone = self
            .tunnels
            .forget_idle((self.now / SECOND) as u32, || fdb.remotes());
        for address in gone {
            self.neighbours.unwant(address);
            self.dirty = true;
        }
        for at in 0..self.ports.len() {
            if self.ports[at].due(self.now) {
                self.order_open(at);
            }
        }
    }

    /// Keeps what neighbours wants sent for the next step, and stores what it found out in the
    /// remotes' records: one word each, which workers read with the next packet.
    fn carry_out(&mut self) {
        for output in std::mem::take(&mut self.outbox) {
            match output {
                Output::Send { port, frame } if self.unsent.len() < MAX_UNSENT => {
                    self.unsent.push((port, frame));
                }
                Output::Send { .. } => self.originated_lost += 1,
                Output::Changed { address, next_hop } => {
                    let remotes = self.tunnels.remotes();
                    for remote in remotes.filter(|remote| remote.address == address) {
                        remote.next_hop.store(next_hop);
                    }
                }
            }
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
        let handoff = Handoff {
            packet,
            port: id,
            originated: true,
        };
        self.workers[owner.index()].handoff.push(handoff).is_ok()
    }

    fn publish(&mut self) {
        if std::mem::take(&mut self.dirty) {
            self.generation = self.generation.wrapping_add(1);
            let (before, number) = (self.world.current(), self.generation);
            let snapshot = build(&self.wanted, &self.ports, &self.tunnels, before, number);
            self.published = self.world.publish(snapshot);
            self.tunnels.seal(self.published);
        }
        self.fdb.announce(&mut self.world);
        self.world.reclaim();
    }

    /// Ports that are started, ports that are still being opened, and all ports.
    pub fn progress(&self) -> (usize, usize, usize) {
        let count =
            |wanted: fn(&Life) -> bool| self.ports.iter().filter(|port| wanted(&port.life)).count();
        let open = count(|life| matches!(life, Life::Open(_)));
        let opening = count(|life| *life == Life::Opening);
        (open, opening, self.ports.len())
    }
}
