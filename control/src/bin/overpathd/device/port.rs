//! One port of the device thread: opened, looked at, closed.

use super::nic::DpdkNic;
use super::starting::{Begun, Start};
use super::{Devices, HEADERS, Held};
use control::config;
use control::device::{DriverCounters, Opened, PortInfo, Test, ToldOf};
use control::offload::agent::Started;
use fastpath::dpdk::{
    Device, DpdkIo, PassProgram, Port, PortConfig, PortIndex, RxQueue, StartedPort, StopError,
    TxQueue, rx_limit_advice,
};
use fastpath::ids::PortId;
use fastpath::stats::Counter;
use fastpath::worker::Returned;
use std::collections::BTreeSet;
use std::rc::Rc;
use tracing::{error, warn};

pub(super) struct Running {
    /// The agent of offload has it too, from when it is started until it is closed or lost.
    pub(super) port: Rc<StartedPort>,
    /// Keeps oversized frames away, for as long as the port runs.
    pass: Option<PassProgram>,
    pub(super) up: bool,
    /// What its counters stood at when it was opened: not all drivers begin at zero.
    before: DriverCounters,
    /// Has said that it cannot go on: it is not asked any more.
    pub(super) lost: bool,
    /// Which of its devices recover from an error, by DPDK's numbers.
    pub(super) recovering: BTreeSet<PortIndex>,
}

/// A port that was opened: what is kept of it, what state gets, and the agent.
pub(super) type Born = (Running, Opened<DpdkIo>, Vec<Started<DpdkNic>>);

/// Which device of a port.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Its own.
    Port,
    /// A member of the bond that it is.
    Member(usize),
}

impl Running {
    /// Whether DPDK's port of this number belongs to it, and as what.
    pub(super) fn place(&self, index: PortIndex) -> Option<Place> {
        if self.port.device().index() == index {
            return Some(Place::Port);
        }
        let mut members = self.port.members().iter();
        let at = members.position(|member| member.index() == index)?;
        Some(Place::Member(at))
    }

    /// The device there.
    pub(super) fn device(&self, place: Place) -> &Device {
        let member = match place {
            Place::Port => None,
            Place::Member(at) => self.port.members().get(at),
        };
        member.unwrap_or(self.port.device())
    }

    /// What its driver counted since it was opened.
    pub(super) fn counters(&self) -> DriverCounters {
        counters(&self.port).since(self.before)
    }

    /// Stops and closes the port, which nobody else has any more, and returns what it had counted.
    pub(super) fn close(self, queues: Vec<Returned<DpdkIo>>, turns: &Counter) -> DriverCounters {
        let counters = self.counters();
        let Running { port, pass, .. } = self;
        turns.add(1);
        drop(pass);
        turns.add(1);
        let (mut rx, mut tx): (Vec<RxQueue>, Vec<TxQueue>) = (Vec::new(), Vec::new());
        for queue in queues {
            match queue {
                Returned::Rx(queue) => rx.push(queue),
                Returned::Tx(queue) => tx.push(queue),
                Returned::Withdrawn(_) | Returned::Tap(_) | Returned::Surveyed(_) => {}
            }
        }
        match Rc::into_inner(port).map(|port| port.stop(rx, tx)) {
            Some(Ok(port)) => {
                turns.add(1);
                drop(port);
            }
            // Dropped all the same: it runs on until its last queue is dropped.
            Some(Err(refused @ StopError::Missing { .. })) => error!("{refused}"),
            Some(Err(refused @ StopError::Device { .. })) => warn!("{refused}"),
            // It runs on until the agent lets go of it.
            None => error!("a port that is to stop is still used for offload"),
        }
        counters
    }
}

impl Devices {
    /// Opens and starts a port, whose NIC is going to be asked for so much.
    pub(super) fn open(
        &self,
        id: PortId,
        wanted: &config::Port,
        test: Test,
        held: &mut Held,
    ) -> Result<Born, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let devargs = wanted.device.devargs();
        let port = Port::open(&self.eal, devargs).map_err(|error| text(&error))?;
        self.turns.add(1);
        let of_device = port.device().info().map_err(|error| text(&error))?;
        let cap = wanted.offload;
        let agent = held.offloading.agent();
        let told_before = agent.before_start(id, &of_device.driver, cap);
        let udp_port = agent.test_port(id);
        let start = Start {
            id,
            config: self.asked(wanted, told_before),
            info: &of_device,
            device: wanted.device.name(),
            test,
            due: held.tests.is_due(wanted.device.name(), cap),
            udp_port,
        };
        let Begun { port, rx, tx } = self.start(port, &start, &mut held.tests)?;
        let device = port.device();
        let mac = device.mac().map_err(|error| text(&error))?;
        let rx_limit = device.rx_limit().map_err(|error| text(&error))?;
        let settings = port.settings();
        let link = device.link().is_ok_and(|link| link.up);
        let mut info = PortInfo {
            driver: of_device.driver.clone(),
            mac,
            mtu: settings.mtu.min(wanted.mtu),
            link,
            may_chain: settings.chains,
            tx: settings.tx,
            tx_refused: settings.tx_refused,
            rx_open: settings.open,
            rx_limit,
            opens_once: settings.kept > 0,
            may_loop: of_device.can_loop(),
            notes: settings.notes.clone(),
        };
        let pass = keep_whole(device, &mut info);
        let port = Rc::new(port);
        let running = Running {
            // Those of a self-test are not the port's.
            before: counters(&port),
            port: Rc::clone(&port),
            pass,
            up: link,
            lost: false,
            recovering: BTreeSet::new(),
        };
        let started = DpdkNic::started(&port, &of_device, &self.turns);
        // Nothing fails any more.
        let agent = held.offloading.agent();
        let ToldOf { tested, known } = held.tests.opened(agent, id, wanted.device.name());
        let opened = Opened {
            id,
            info,
            rx,
            tx,
            tested,
            known,
        };
        Ok((running, opened, started))
    }

    /// What a port is asked for, whose NIC is told of these UDP ports before it starts.
    fn asked(&self, wanted: &config::Port, vxlan_ports: Vec<u16>) -> PortConfig {
        PortConfig {
            rx_queues: wanted.rx_queues,
            tx_queues: wanted.tx_queues.map(|queues| queues.min(self.workers)),
            workers: self.workers,
            rx_descriptors: wanted.rx_descriptors,
            tx_descriptors: wanted.tx_descriptors,
            mtu: wanted.mtu,
            promiscuous: wanted.promiscuous,
            offload: wanted.offload.is_on(),
            vxlan_ports,
            ..PortConfig::default()
        }
    }

    /// What the pool has no room for is told when the port is opened anew.
    pub(super) fn change_mtu(&self, running: &Running, mtu: u16) -> bool {
        let fits = usize::from(mtu) + HEADERS <= self.pool.room();
        fits && running.port.device().change_mtu(mtu).is_ok()
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
