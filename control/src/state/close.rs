//! The end of a switch: every queue back to its port, every port closed.

use super::State;
use crate::device::{Order, Report};
use crate::ports::{Life, Port, Ports};
use fastpath::ids::PortId;
use fastpath::io::{Io, RxQueue, TxQueue};
use fastpath::worker::Returned;
use std::time::Duration;

/// How long one wait for a report is.
const WAIT: Duration = Duration::from_millis(50);

impl<I: Io> State<I> {
    /// Closes every port with the `queues` that the workers had, and with those that are on their
    /// way. Waits while `patience` says so. Returns the names of ports that are still not closed.
    pub fn close(
        mut self,
        queues: Vec<Returned<I>>,
        mut patience: impl FnMut() -> bool,
    ) -> Vec<String> {
        self.empty_waiting();
        for worker in &mut self.workers {
            while let Ok(back) = worker.returned.pop() {
                keep(&mut self.ports, back);
            }
        }
        for queue in queues {
            keep(&mut self.ports, queue);
        }
        for id in self.ports.ids() {
            self.order_close(id);
        }
        while self.closing() && patience() {
            if let Ok(report) = self.device.reports.recv_timeout(WAIT) {
                self.last_report(report);
            }
        }
        let left = self
            .ports
            .iter()
            .filter(|port| !matches!(port.life, Life::Waiting { .. }));
        left.map(|port| port.wanted.name.to_string()).collect()
    }

    fn closing(&self) -> bool {
        self.ports
            .iter()
            .any(|port| !matches!(port.life, Life::Waiting { .. }))
    }

    fn order_close(&mut self, id: PortId) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        if matches!(port.life, Life::Open(_) | Life::Closing(_)) {
            port.life = Life::Closing("the switch closes".to_owned());
            let mut queues = std::mem::take(&mut port.back);
            queues.extend(port.held.drain(..).map(Returned::Rx));
            drop(self.device.orders.try_send(Order::Close { id, queues }));
        }
    }

    /// A port that was being opened comes up just to be closed.
    fn last_report(&mut self, report: Report<I>) {
        let over = |reason: &str| Life::Waiting {
            reason: reason.to_owned(),
            until: u64::MAX,
        };
        match report {
            Report::Opened(opened) => {
                let id = opened.id;
                let Some(port) = self.ports.get_mut(id) else {
                    return;
                };
                port.opened(&opened);
                port.back.extend(opened.rx.into_iter().map(Returned::Rx));
                port.back.extend(opened.tx.into_iter().map(Returned::Tx));
                self.order_close(id);
            }
            Report::Failed { id, .. } | Report::Closed { id, .. } => {
                if let Some(port) = self.ports.get_mut(id) {
                    port.life = over("stopped");
                }
            }
            Report::Link { .. }
            | Report::Lost { .. }
            | Report::Note { .. }
            | Report::Mtu { .. }
            | Report::Offload { .. }
            | Report::Counters { .. } => {}
        }
    }
}

/// Puts a queue with its port. `None` for what is no queue; a tap is freed.
pub(super) fn keep<I: Io>(ports: &mut Ports<I>, back: Returned<I>) -> Option<&mut Port<I>> {
    let id = match &back {
        Returned::Rx(queue) => queue.port(),
        Returned::Tx(queue) => queue.port(),
        Returned::Withdrawn(_) | Returned::Tap(_) | Returned::Surveyed(_) => return None,
    };
    let port = ports.get_mut(id)?;
    port.back.push(back);
    Some(port)
}
