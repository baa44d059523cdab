//! The device thread: every slow call to a NIC is made here, and nobody waits for it.

use control::config;
use control::device::{DriverCounters, Opened, Order, OrderEnd, PortInfo, Report};
use crossbeam_channel::RecvTimeoutError;
use fastpath::dpdk::{
    Device, DpdkIo, Eal, Mempool, PassProgram, Port, PortConfig, PortEventKind, RxQueue,
    StartedPort, StopError, TxQueue, rx_limit_advice,
};
use fastpath::ids::PortId;
use fastpath::stats::Counter;
use fastpath::worker::Returned;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{error, warn};

/// Bytes of a frame beside its MTU: an Ethernet header, a tag, and a check sequence.
const HEADERS: usize = 22;
/// How long an event of a port waits at most.
const EVENTS: Duration = Duration::from_millis(50);
/// How often links of ports that do not report them are looked at, and counters read.
const LOOK: Duration = Duration::from_millis(500);

/// Everything that the device thread works with.
pub(crate) struct Devices {
    pub(crate) eal: Eal,
    pub(crate) pool: Mempool,
    pub(crate) workers: u16,
    pub(crate) end: OrderEnd<DpdkIo>,
    /// Counted up each time that it comes round.
    pub(crate) turns: Arc<Counter>,
}

struct Running {
    port: StartedPort,
    /// Keeps oversized frames away, for as long as the port runs.
    pass: Option<PassProgram>,
    up: bool,
    /// Has said that it cannot go on: it is not asked any more.
    lost: bool,
}

impl Devices {
    /// Serves orders until state is gone. Returns how many packets of the pool drivers have kept.
    pub(crate) fn run(self) -> usize {
        let mut ports = BTreeMap::new();
        let mut kept = 0;
        let mut next_look = Instant::now();
        let mut lost = 0;
        loop {
            self.turns.add(1);
            match self.end.orders.recv_timeout(EVENTS) {
                Ok(order) => kept += self.obey(order, &mut ports),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return kept,
            }
            self.port_events(&mut ports);
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
                for (id, running) in &mut ports {
                    self.look(*id, running);
                }
            }
        }
    }

    fn report(&self, report: Report<DpdkIo>) {
        // State is gone only when the daemon ends.
        drop(self.end.reports.send(report));
    }

    /// Returns how many packets of the pool the driver of an opened port will never give back.
    fn obey(&self, order: Order<DpdkIo>, ports: &mut BTreeMap<PortId, Running>) -> usize {
        let mut kept = 0;
        match order {
            Order::Open { id, wanted } => match self.open(id, &wanted) {
                Ok((running, opened)) => {
                    kept = running.port.settings().kept as usize;
                    ports.insert(id, running);
                    self.report(Report::Opened(Box::new(opened)));
                }
                Err(reason) => self.report(Report::Failed { id, reason }),
            },
            Order::SetMac { id, mac } => {
                let device = ports.get(&id).map(|running| running.port.device());
                if let Some(Err(error)) = device.map(|device| device.set_mac(mac)) {
                    let text = format!("{error}: give the kernel's end the address {mac}");
                    self.report(Report::Note { id, text });
                }
            }
            Order::SetMtu { id, mtu } => {
                let set = ports
                    .get(&id)
                    .is_some_and(|running| self.change_mtu(running, mtu));
                let mtu = set.then_some(mtu);
                self.report(Report::Mtu { id, mtu });
            }
            Order::Close { id, queues } => {
                let counters = match ports.remove(&id) {
                    Some(running) => close(running, queues),
                    None => DriverCounters::default(),
                };
                self.report(Report::Closed { id, counters });
            }
        }
        kept
    }

    /// What the pool has no room for is told when the port is opened anew.
    fn change_mtu(&self, running: &Running, mtu: u16) -> bool {
        let fits = usize::from(mtu) + HEADERS <= self.pool.room();
        fits && running.port.device().change_mtu(mtu).is_ok()
    }

    fn open(&self, id: PortId, wanted: &config::Port) -> Result<(Running, Opened<DpdkIo>), String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let devargs = wanted.device.devargs();
        let mut port = Port::open(&self.eal, devargs).map_err(|error| text(&error))?;
        let asked = PortConfig {
            rx_queues: wanted.rx_queues,
            tx_queues: wanted.tx_queues.map(|queues| queues.min(self.workers)),
            workers: self.workers,
            rx_descriptors: wanted.rx_descriptors,
            tx_descriptors: wanted.tx_descriptors,
            mtu: wanted.mtu,
            promiscuous: wanted.promiscuous,
            rx_checksums: true,
        };
        port.configure(&asked, &self.pool)
            .map_err(|error| text(&error))?;
        let driver = port.device().info().map_err(|error| text(&error))?.driver;
        let mac = port.device().mac().map_err(|error| text(&error))?;
        let rx_limit = port.device().rx_limit().map_err(|error| text(&error))?;
        let (port, rx, tx) = port.start(id).map_err(|error| text(&error))?;
        let settings = port.settings();
        let link = port.device().link().is_ok_and(|link| link.up);
        let mut info = PortInfo {
            driver,
            mac,
            mtu: settings.mtu.min(wanted.mtu),
            link,
            may_chain: settings.chains,
            rx_limit,
            notes: settings.notes.clone(),
        };
        let pass = keep_whole(port.device(), &mut info);
        let running = Running {
            port,
            pass,
            up: link,
            lost: false,
        };
        Ok((running, Opened { id, info, rx, tx }))
    }

    fn port_events(&self, ports: &mut BTreeMap<PortId, Running>) {
        while let Some(event) = self.eal.next_port_event() {
            let of = |running: &Running| running.port.device().index() == event.port;
            let Some((id, running)) = ports.iter_mut().find(|(_, running)| of(running)) else {
                continue;
            };
            match event.kind {
                PortEventKind::Link => self.look(*id, running),
                PortEventKind::Removed => self.lost(*id, running, "the device was removed"),
                PortEventKind::Reset => self.lost(*id, running, "the device wants to be reset"),
            }
        }
    }

    /// A port cannot go on, and is to be closed and opened again.
    fn lost(&self, id: PortId, running: &mut Running, reason: &str) {
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
        drop(self.end.reports.try_send(Report::Counters {
            id,
            counters: counters(&running.port),
        }));
    }
}

/// Sees to it that no frame is longer than a driver that cuts can hold, as far as that is ours to
/// do; the rest is noted.
fn keep_whole(device: &Device, info: &mut PortInfo) -> Option<PassProgram> {
    let limit = info.rx_limit?;
    info.notes.extend(rx_limit_advice(info.mtu, limit));
    PassProgram::attach(device).unwrap_or_else(|error| {
        info.notes.push(format!(
            "{error}: the other end of the veth may send frames above the MTU, which are dropped \
             (ethtool -K PEER tso off gso off)"
        ));
        None
    })
}

fn counters(port: &StartedPort) -> DriverCounters {
    let counters = port.device().counters().unwrap_or_default();
    DriverCounters {
        rx_missed: counters.rx_missed,
        rx_no_mbuf: counters.rx_no_mbuf,
        rx_errors: counters.rx_errors,
        tx_errors: counters.tx_errors,
    }
}

/// Stops and closes a port, and returns what it had counted.
fn close(running: Running, queues: Vec<Returned<DpdkIo>>) -> DriverCounters {
    let Running { port, pass, .. } = running;
    let counters = counters(&port);
    drop(pass);
    let (mut rx, mut tx): (Vec<RxQueue>, Vec<TxQueue>) = (Vec::new(), Vec::new());
    for queue in queues {
        match queue {
            Returned::Rx(queue) => rx.push(queue),
            Returned::Tx(queue) => tx.push(queue),
            Returned::Withdrawn(_) | Returned::Tap(_) | Returned::Surveyed(_) => {}
        }
    }
    match port.stop(rx, tx) {
        Ok(port) => drop(port),
        // Dropped all the same: it runs on until its last queue is dropped.
        Err(refused @ StopError::Missing { .. }) => error!("{refused}"),
        Err(refused @ StopError::Device { .. }) => warn!("{refused}"),
    }
    counters
}
