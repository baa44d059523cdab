//! The lives of ports: what the device thread reports of them, and what follows.

use super::State;
use crate::api::Refused;
use crate::api::messages::PortHappened;
use crate::device::{DriverCounters, Opened, Order, Report};
use crate::ports::{Life, Port, Then};
use fastpath::fdb::Destination;
use fastpath::ids::PortId;
use fastpath::io::{Io, RxQueue};
use fastpath::worker::{Command, Returned};
use tracing::{info, warn};

impl<I: Io> State<I> {
    pub(super) fn reports(&mut self) -> bool {
        let mut busy = false;
        while let Ok(report) = self.device.reports.try_recv() {
            busy = true;
            self.report(report);
        }
        busy
    }

    fn report(&mut self, report: Report<I>) {
        match report {
            Report::Opened(opened) => self.opened(*opened),
            Report::Failed { id, reason } => self.failed(id, reason),
            Report::Link { id, up } => self.link(id, up),
            Report::Note { id, text } => {
                let port = self.ports.get(id);
                warn!(
                    port = port.map(|port| port.wanted.name.to_string()),
                    "{text}"
                );
            }
            Report::Lost { id, reason } => self.lost(id, reason),
            Report::Mtu { id, mtu } => self.mtu_changed(id, mtu),
            Report::Counters { id, counters } => {
                if let Some(port) = self.ports.get_mut(id) {
                    port.counters.read(counters);
                }
            }
            Report::Offload { changes, ports } => self.offload_reported(changes, ports),
            Report::Closed { id, counters } => self.closed(id, counters),
        }
    }

    /// A port is open. What is known of its NIC is known whatever becomes of the port.
    fn opened(&mut self, opened: Opened<I>) {
        let id = opened.id;
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        port.opened(&opened);
        let in_vain = port.then != Then::Retry;
        let device = port.holding.clone().unwrap_or_default();
        self.offloads.opened(id, &device, &opened.known);
        self.tested(id, &device, opened.tested.as_deref());
        if in_vain {
            return self.opened_in_vain(opened);
        }
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        port.changing = false;
        info!(
            port = %port.wanted.name, driver = %opened.info.driver, mac = %opened.info.mac,
            rx_queues = opened.rx.len(), tx_queues = opened.tx.len(), "port started"
        );
        for note in &opened.info.notes {
            info!(port = %port.wanted.name, "{note}");
        }
        self.tell_port(id, PortHappened::Started);
        self.add_links(id);
        self.distribute(id, opened.rx, opened.tx);
        self.dirty = true;
    }

    /// A port could not be opened.
    fn failed(&mut self, id: PortId, reason: String) {
        let Some(port) = self.ports.get(id) else {
            return;
        };
        warn!(port = %port.wanted.name, device = port.wanted.device.devargs(), "{reason}");
        self.not_tested(id, &reason);
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        if port.then == Then::Retry {
            let why = format!("port {}: {reason}", port.wanted.name);
            port.failed(reason, self.now);
            let device = port.holding.take();
            if std::mem::take(&mut port.changing) && !port.failed_before {
                self.change_failed.get_or_insert(Refused(why));
            }
            self.tell_port(id, PortHappened::Failed);
            self.open_deferred(device);
        } else {
            // As if it had been open and closed.
            port.life = Life::Closing(reason);
            self.closed(id, DriverCounters::default());
        }
        (self.dirty, self.lower_changed) = (true, true);
    }

    /// A port is open, and wanted otherwise or not at all meanwhile.
    fn opened_in_vain(&mut self, opened: Opened<I>) {
        let Some(port) = self.ports.get_mut(opened.id) else {
            return;
        };
        port.life = Life::Closing("it is wanted otherwise".to_owned());
        port.queues = (0, 0);
        let rx = opened.rx.into_iter().map(Returned::Rx);
        let queues = rx.chain(opened.tx.into_iter().map(Returned::Tx)).collect();
        let id = opened.id;
        drop(self.device.orders.try_send(Order::Close { id, queues }));
    }

    /// A port is closed: it is tried again later, or at once, or gone. Who waited for its device has
    /// it now.
    pub(super) fn closed(&mut self, id: PortId, counters: DriverCounters) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        port.counters.close(counters);
        let Life::Closing(reason) = &mut port.life else {
            return;
        };
        let reason = std::mem::take(reason);
        let device = port.holding.take();
        let then = std::mem::take(&mut port.then);
        match then {
            Then::Retry => self.not_tested(id, &reason),
            Then::Leave => self.not_tested(id, "it is removed"),
            Then::Reopen => {}
        }
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        match then {
            Then::Retry => {
                port.failed(reason, self.now);
                self.tell_port(id, PortHappened::Closed);
            }
            Then::Reopen => {
                port.queues = (0, 0);
                self.order_open(id);
            }
            Then::Leave => {
                let name = port.wanted.name;
                info!(port = %name, "port removed");
                self.tell_port(id, PortHappened::Closed);
                self.ports.remove(name, self.now);
                // Its number is free when workers have passed that.
                (self.dirty, self.lower_changed) = (true, true);
            }
        }
        self.open_deferred(device);
    }

    /// Orders a port, unless its device is still another's: then it waits for that.
    pub(super) fn order_open(&mut self, id: PortId) {
        let Some(port) = self.ports.get(id) else {
            return;
        };
        let mut wanted = Box::new(port.wanted.clone());
        wanted.mtu = wanted.mtu.min(self.largest_mtu);
        let device = wanted.device.name();
        let holds = |other: &Port<I>| other.id != id && other.holding.as_deref() == Some(device);
        let taken = self.ports.iter().any(holds);
        let device = device.to_owned();
        let test = self.test_of(id);
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        port.deferred = taken;
        if taken {
            let why = "its device is another port's";
            port.failed(why.to_owned(), self.now);
            return self.not_tested(id, why);
        }
        port.ordered();
        port.holding = Some(device);
        // The queue has room for every port; if the device thread is gone the daemon is ending.
        drop(
            self.device
                .orders
                .try_send(Order::Open { id, wanted, test }),
        );
    }

    /// A device is nobody's: whoever waits for it gets it.
    fn open_deferred(&mut self, device: Option<String>) {
        let waits = |port: &&Port<I>| {
            let here = Some(port.wanted.device.name()) == device.as_deref();
            here && port.deferred && matches!(port.life, Life::Waiting { .. })
        };
        let id = self.ports.iter().find(waits).map(|port| port.id);
        if let Some(id) = id {
            self.order_open(id);
        }
    }

    /// Which worker is to poll receive queue `number` of a port: the one that is wanted, or they take
    /// turns.
    pub(super) fn poller(&self, id: PortId, number: usize) -> usize {
        let wanted = self
            .ports
            .get(id)
            .and_then(|port| port.wanted.rx_workers.get(number));
        let worker = wanted.map_or(id.index() + number, |worker| usize::from(*worker));
        worker % self.workers.len()
    }

    /// Chooses the worker of each queue, transmit queue `q` for worker `q`.
    fn distribute(&mut self, id: PortId, rx: Vec<I::Rx>, tx: Vec<I::Tx>) {
        let count = self.workers.len();
        let held = self.is_held(id);
        let pollers: Vec<_> = (0..rx.len())
            .map(|number| self.poller(id, number))
            .collect();
        if let Some(port) = self.ports.get_mut(id) {
            port.pollers.clone_from(&pollers);
            port.moving.clear();
        }
        for (queue, worker) in rx.into_iter().zip(pollers) {
            match self.ports.get_mut(id).filter(|_| held) {
                Some(port) => port.held.push(queue),
                None => self.arrived.push((worker, queue)),
            }
        }
        for (number, queue) in tx.into_iter().enumerate() {
            self.workers[number % count].command(Command::AddTx(queue));
        }
    }

    /// Gives workers the receive queues of ports that the snapshot knows: what they poll before
    /// they could only drop.
    pub(super) fn start_polling(&mut self) {
        for (worker, queue) in self.arrived.drain(..) {
            self.workers[worker].command(Command::AddRx(queue));
        }
    }

    fn link(&mut self, id: PortId, up: bool) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        if port.set_link(up) {
            info!(port = %port.wanted.name, "link {}", if up { "up" } else { "down" });
            self.tell_port(
                id,
                if up {
                    PortHappened::LinkUp
                } else {
                    PortHappened::LinkDown
                },
            );
            self.set_links_up(id, up);
            if !up {
                self.fdb.flush(Destination::Port(id));
            }
            self.dirty = true;
        }
    }

    /// The device is gone or cannot go on: collect its queues from the workers, then close it.
    fn lost(&mut self, id: PortId, reason: String) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        if !matches!(port.life, Life::Open(_)) {
            return;
        }
        warn!(port = %port.wanted.name, "{reason}");
        self.close_port(id, reason, Then::Retry);
    }

    /// Collects the queues of an open port from the workers, to close it then.
    pub(super) fn close_port(&mut self, id: PortId, reason: String, then: Then) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        port.life = Life::Closing(reason);
        port.then = then;
        // Nobody has polled these yet.
        port.back.extend(port.held.drain(..).map(Returned::Rx));
        if then == Then::Retry {
            self.tell_port(id, PortHappened::Failed);
        }
        self.remove_links(id);
        self.fdb.flush(Destination::Port(id));
        self.dirty = true;
        // Its queues go first, or the workers would miss them.
        let arrived = std::mem::take(&mut self.arrived).into_iter();
        let (its, others): (Vec<_>, Vec<_>) = arrived.partition(|(_, queue)| queue.port() == id);
        self.arrived = others;
        for (worker, queue) in its {
            self.workers[worker].command(Command::AddRx(queue));
        }
        for worker in &mut self.workers {
            worker.command(Command::Withdraw(id));
        }
    }
}
