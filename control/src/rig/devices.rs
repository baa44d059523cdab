//! The device thread of a rig, and what happens to its devices.

use super::Rig;
use super::port::RigPort;
use crate::config;
use crate::device::{DriverCounters, Order, Report, Test};
use crate::offload::report::PortReport;
use crate::offload::{self, Offload};
use fastpath::ids::PortId;
use fastpath::io::heap::{HeapIo, HeapQueue};
use fastpath::wire::Mac;
use fastpath::worker::Returned;

impl Rig {
    pub(super) fn play_device(&mut self) {
        if self.busy {
            return;
        }
        let mut orders = match self.stuck {
            Some(_) => Vec::new(),
            None => std::mem::take(&mut self.late),
        };
        orders.extend(self.device.orders.try_iter());
        for order in orders {
            #[cfg(any(test, feature = "model"))]
            let Some(order) = self.nics.obey(order) else {
                continue;
            };
            let report = match order {
                Order::Open { id, .. } | Order::SetMtu { id, .. } | Order::Close { id, .. }
                    if self.stuck == Some(id) =>
                {
                    self.late.push(order);
                    continue;
                }
                Order::Open { id, wanted, test } => {
                    let workers = self.workers.len();
                    let known = self.ports.iter().position(|port| port.id == id);
                    let at = known.unwrap_or_else(|| {
                        self.ports.push(RigPort::new(id, &wanted));
                        self.ports.len() - 1
                    });
                    assert!(
                        !self.ports.iter().any(|port| port.has(&wanted)),
                        "the device of port {} is another's still",
                        wanted.name
                    );
                    self.ports[at].name = wanted.name.to_string();
                    let opened = self.ports[at].open(&wanted, workers, self.number);
                    self.open_nic(opened, &wanted, test)
                }
                Order::SetMac { id, mac } => {
                    if let Some(port) = self.ports.iter_mut().find(|port| port.id == id) {
                        port.mac = Some(mac);
                    }
                    continue;
                }
                Order::SetOffload { id, cap } => {
                    if let Some(port) = self.ports.iter_mut().find(|port| port.id == id) {
                        port.caps.push(cap);
                    }
                    continue;
                }
                Order::SetMtu { id, mtu } => {
                    let fixed = self
                        .ports
                        .iter()
                        .any(|port| port.id == id && port.fixed_mtu);
                    let mtu = (!fixed).then_some(mtu);
                    Report::Mtu { id, mtu }
                }
                // Without models no NIC does anything for tunnels.
                Order::Offload { .. } | Order::Published { .. } | Order::Demote { .. } => continue,
                Order::Close { id, queues } => {
                    #[cfg(any(test, feature = "model"))]
                    self.nics.closing(id, self.now);
                    let counters = self.take_back(id, &queues);
                    Report::Closed { id, counters }
                }
            };
            // As much room as for orders.
            drop(self.device.reports.try_send(report));
        }
        #[cfg(any(test, feature = "model"))]
        self.turn_offload();
    }

    /// A port was opened: its NIC is tested if that is due or asked for, and begins to work.
    #[cfg(any(test, feature = "model"))]
    fn open_nic(
        &mut self,
        mut report: Report<HeapIo>,
        wanted: &config::Port,
        test: Test,
    ) -> Report<HeapIo> {
        let Report::Opened(opened) = &mut report else {
            return report;
        };
        let id = opened.id;
        opened.info.may_loop = self.nics.may_loop(wanted.device.name());
        match self.nics.open(id, wanted, test, self.now) {
            Ok(told) => (opened.tested, opened.known) = (told.tested, told.known),
            Err(reason) => {
                let port = self.ports.iter_mut().find(|port| port.id == id);
                port.into_iter().for_each(|port| port.is_open = false);
                return Report::Failed { id, reason };
            }
        }
        report
    }

    /// Without models there is no NIC to test.
    #[cfg(not(any(test, feature = "model")))]
    fn open_nic(&mut self, report: Report<HeapIo>, _: &config::Port, _: Test) -> Report<HeapIo> {
        report
    }

    /// The MAC that a port was given instead of its own.
    pub fn given_mac(&self, port: &str) -> Option<Mac> {
        self.ports[self.at(port)].mac
    }

    /// What the device of a port was to do for tunnels at most: when it was opened last, and each time
    /// that this was changed since.
    pub fn offload_caps(&self, port: &str) -> &[Offload] {
        &self.ports[self.at(port)].caps
    }

    /// Checksums that the NIC of a port has made.
    pub fn finished(&self, port: &str) -> usize {
        let queues = &self.ports[self.at(port)].tx;
        queues.iter().map(HeapQueue::finished).sum()
    }

    /// The device thread tells what NICs do for tunnels, or what became of that.
    pub fn tell_offload(&mut self, changes: Vec<offload::Change>, ports: Option<Vec<PortReport>>) {
        self.report(Report::Offload { changes, ports });
    }

    /// The number of a port.
    pub fn port_id(&self, port: &str) -> PortId {
        self.id(port)
    }

    fn report(&mut self, report: Report<HeapIo>) {
        drop(self.device.reports.try_send(report));
        self.run(1);
    }

    /// Takes the link of a port away, or gives it back.
    pub fn set_link(&mut self, port: &str, up: bool) {
        let id = self.id(port);
        self.report(Report::Link { id, up });
    }

    /// Pulls the device of a port out. It is opened again after a while.
    pub fn remove_device(&mut self, port: &str) {
        self.lose_device(port, "the device was removed");
    }

    /// The device of a port cannot go on. It is opened again after a while.
    pub fn lose_device(&mut self, port: &str, reason: &str) {
        let (id, reason) = (self.id(port), reason.to_owned());
        #[cfg(any(test, feature = "model"))]
        self.nics.lost(id, self.now);
        self.report(Report::Lost { id, reason });
    }

    /// From now on the device of a port cannot be opened, or can be again.
    pub fn set_broken(&mut self, port: &str, broken: bool) {
        let at = self.at(port);
        self.ports[at].broken = broken;
    }

    /// The driver of a port counts on, and says so.
    pub fn count(&mut self, port: &str, counters: DriverCounters) {
        let at = self.at(port);
        self.ports[at].counters = counters;
        let id = self.ports[at].id;
        self.report(Report::Counters { id, counters });
    }

    /// A port is closed with all queues that it was opened with, each once. Returns what its driver
    /// counted.
    fn take_back(&mut self, id: PortId, queues: &[Returned<HeapIo>]) -> DriverCounters {
        let Some(port) = self.ports.iter_mut().find(|port| port.id == id) else {
            return DriverCounters::default();
        };
        port.is_open = false;
        let rx = queues.iter().filter(|back| matches!(back, Returned::Rx(_)));
        let back = (rx.count(), queues.len());
        let opened = (port.rx.len(), port.rx.len() + port.tx.len());
        assert_eq!(
            back, opened,
            "receive queues and all queues of port {}",
            port.name
        );
        port.counters
    }

    /// From now on the device thread does nothing at all, or goes on.
    pub fn set_busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    /// From now on the device of a port does not do what it is ordered, until none is named.
    pub fn set_stuck(&mut self, number: Option<PortId>) {
        self.stuck = number;
    }
}
