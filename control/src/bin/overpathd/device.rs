//! The device thread: every slow call to a NIC is made here, and nobody waits for it.

mod nic;
mod port;
mod starting;

use control::config;
use control::device::{DriverCounters, Offloading, Order, OrderEnd, Report, SelfTests, Test};
use crossbeam_channel::RecvTimeoutError;
use fastpath::dpdk::{DpdkIo, Eal, Mempool, PortEvent, PortEventKind};
use fastpath::ids::PortId;
use fastpath::stats::Counter;
use fastpath::worker::Returned;
use nic::DpdkNic;
use port::{Place, Running};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tracing::warn;

/// Bytes of a frame beside its MTU: an Ethernet header, a tag, and a check sequence.
const HEADERS: usize = 22;
/// How long an event of a port waits at most.
const EVENTS: Duration = Duration::from_millis(50);
/// How often links of ports that do not report them are looked at, and counters read.
const LOOK: Duration = Duration::from_millis(500);

/// The largest MTU that the packets of a pool have room for.
pub(crate) fn largest_mtu_of(pool: &Mempool) -> u16 {
    u16::try_from(pool.room().saturating_sub(HEADERS)).unwrap_or(u16::MAX)
}

/// By the clock of the host, as far as they go into a number that comes round.
fn seconds() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default().as_secs() % (1 << 32);
    u32::try_from(since).unwrap_or_default()
}

/// Everything that the device thread works with.
pub(crate) struct Devices {
    pub(crate) eal: Eal,
    pub(crate) pool: Mempool,
    pub(crate) workers: u16,
    pub(crate) end: OrderEnd<DpdkIo>,
    /// Counted up each time that it comes round, and between calls of drivers, any of which may take long.
    pub(crate) turns: Arc<Counter>,
}

/// What it has.
struct Held {
    ports: BTreeMap<PortId, Running>,
    offloading: Offloading<DpdkNic>,
    tests: SelfTests,
    began: Instant,
    /// Packets of the pool that drivers will never give back.
    kept: usize,
}

impl Held {
    /// Milliseconds.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Devices {
    /// Serves orders until state is gone. Returns how many packets of the pool drivers have kept.
    pub(crate) fn run(self) -> usize {
        let mut held = Held {
            ports: BTreeMap::new(),
            offloading: Offloading::default(),
            tests: SelfTests::numbered(seconds()),
            began: Instant::now(),
            kept: 0,
        };
        let mut next_look = Instant::now();
        let (mut lost, mut due) = (0, 0);
        loop {
            self.turns.add(1);
            let wait = Duration::from_millis(due).saturating_sub(held.began.elapsed());
            match self.end.orders.recv_timeout(wait.min(EVENTS)) {
                Ok(order) => self.obey_all(order, &mut held),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return held.kept,
            }
            self.port_events(&mut held);
            let lost_now = self.eal.lost_port_events();
            if lost != lost_now {
                warn!(
                    "{} events of ports were lost: all links are looked at",
                    lost_now - lost
                );
                lost = lost_now;
                next_look = Instant::now();
            }
            if next_look <= Instant::now() {
                next_look = Instant::now() + LOOK;
                for (id, running) in &mut held.ports {
                    self.turns.add(1);
                    self.look(*id, running);
                }
            }
            let now = held.now();
            due = held.offloading.turn(now, &self.end.reports);
        }
    }

    fn report(&self, report: Report<DpdkIo>) {
        // State is gone only when the daemon ends.
        drop(self.end.reports.send(report));
    }

    /// Obeys an order, and those that wait behind it: what NICs do for tunnels takes longest, and
    /// comes after them.
    fn obey_all(&self, order: Order<DpdkIo>, held: &mut Held) {
        self.obey(order, held);
        for _ in 0..self.end.orders.len() {
            self.turns.add(1);
            match self.end.orders.try_recv() {
                Ok(order) => self.obey(order, held),
                Err(_) => return,
            }
        }
    }

    fn obey(&self, order: Order<DpdkIo>, held: &mut Held) {
        match order {
            Order::Open { id, wanted, test } => self.obey_open(id, &wanted, test, held),
            Order::SetMac { id, mac } => {
                let device = held.ports.get(&id).map(|running| running.port.device());
                if let Some(Err(error)) = device.map(|device| device.set_mac(mac)) {
                    let text = format!("{error}: give the kernel's end the address {mac}");
                    self.report(Report::Note { id, text });
                }
            }
            Order::SetMtu { id, mtu } => {
                let running = held.ports.get(&id);
                let set = running.is_some_and(|running| self.change_mtu(running, mtu));
                let mtu = set.then_some(mtu);
                self.report(Report::Mtu { id, mtu });
            }
            Order::Offload { wanted } => held.offloading.agent().set_wanted(wanted),
            Order::SetOffload { id, cap } => held.offloading.agent().set_cap(id, cap),
            Order::Published { id, marks } => {
                let agent = held.offloading.agent();
                marks.into_iter().for_each(|mark| agent.published(id, mark));
            }
            Order::Demote { id, to, why } => held.offloading.agent().demote(id, to, &why),
            Order::Close { id, queues } => self.obey_close(id, queues, held),
        }
    }

    fn obey_open(&self, id: PortId, wanted: &config::Port, test: Test, held: &mut Held) {
        match self.open(id, wanted, test, held) {
            Ok((running, opened, started)) => {
                held.kept += running.port.settings().kept as usize;
                held.ports.insert(id, running);
                self.report(Report::Opened(Box::new(opened)));
                let now = held.now();
                let agent = held.offloading.agent();
                agent.port_up(id, started, wanted.offload, now);
            }
            Err(reason) => self.report(Report::Failed { id, reason }),
        }
    }

    fn obey_close(&self, id: PortId, queues: Vec<Returned<DpdkIo>>, held: &mut Held) {
        let now = held.now();
        drop(held.offloading.agent().port_stopping(id, now));
        let counters = match held.ports.remove(&id) {
            Some(running) => running.close(queues, &self.turns),
            None => DriverCounters::default(),
        };
        self.report(Report::Closed { id, counters });
    }

    fn port_events(&self, held: &mut Held) {
        while let Some(event) = self.eal.next_port_event() {
            self.port_event(event, held);
        }
    }

    fn port_event(&self, event: PortEvent, held: &mut Held) {
        let now = held.now();
        let mut ports = held.ports.iter_mut();
        let found = ports.find_map(|(id, running)| {
            let place = running.place(event.port)?;
            Some((*id, place, running))
        });
        let Some((id, place, running)) = found else {
            return;
        };
        let agent = held.offloading.agent();
        let reason = match event.kind {
            PortEventKind::Link => return self.look(id, running),
            // It is not to be asked for anything now, nor are others of its bond.
            PortEventKind::Recovering => {
                running.recovering.insert(event.port);
                return agent.suspended(id);
            }
            PortEventKind::Recovered => {
                running.device(place).doubt_vxlan_ports();
                running.recovering.remove(&event.port);
                if running.recovering.is_empty() {
                    agent.recovered(id, now);
                }
                return self.look(id, running);
            }
            PortEventKind::Removed => "the device was removed",
            PortEventKind::Reset => "the device wants to be reset",
            PortEventKind::RecoveryFailed => "the device did not recover from an error",
        };
        if let Place::Member(at) = place {
            running.device(place).leave_alone();
            agent.nic_lost(id, at, reason, now);
            warn!(port = %id, member = at, "a member of a bond does nothing for tunnels any more: {reason}");
            // The others waited for it.
            if running.recovering.remove(&event.port) && running.recovering.is_empty() {
                agent.recovered(id, now);
            }
            return;
        }
        drop(agent.port_lost(id, now));
        running.lost = true;
        let reason = reason.to_owned();
        self.report(Report::Lost { id, reason });
    }

    /// Reads link and counters of a port.
    fn look(&self, id: PortId, running: &mut Running) {
        if running.lost {
            return;
        }
        let up = running.port.device().link().is_ok_and(|link| link.up);
        if up != running.up {
            running.up = up;
            self.report(Report::Link { id, up });
        }
        // State may be busy; the next look brings newer figures.
        let counters = running.counters();
        let counters = Report::Counters { id, counters };
        drop(self.end.reports.try_send(counters));
    }
}
