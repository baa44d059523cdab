//! A change is carried out: all of it, or nothing.
//!
//! ```text
//! Opening   new ports are ordered; nobody polls them yet; if one fails, all new ones go again
//!   |       every table is brought in line in one step, and published
//! Settling  until every worker has passed, what goes is closed, what is set is open again
//!   |       answered; if a port did not come back, everything is brought in line with what was
//! Undoing   the same, and then it is refused
//! ```
//!
//! What can fail comes first, so that as a rule nothing is touched by a change that is refused.

use super::State;
use crate::api::Refused;
use crate::change::{Change, Done};
use crate::config::{Port, Wanted};
use crate::ports::{Life, Then};
use crate::reconcile::steps;
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::Io;
use fastpath::publish;
use std::sync::Arc;
use tracing::info;

/// Milliseconds that workers have to pass a change, before those that did not are named.
const PATIENCE: u64 = 10;
/// Milliseconds that ports have to close, before the change is answered all the same.
const CLOSING: u64 = 5_000;

/// A change on its way.
pub(super) struct Carrying {
    change: Change,
    before: Arc<Wanted>,
    phase: Phase,
}

enum Phase {
    /// These new ports are being opened.
    Opening(Vec<PortId>),
    Settling(Settling),
    /// It is refused for this reason when what was before is there again.
    Undoing(Refused, Settling),
}

/// What is waited for after a change was made.
struct Settling {
    /// What workers have to pass, once it is published.
    point: Option<publish::Change>,
    since: u64,
    /// Ports that go, or come back with other settings, or have some of them soon.
    ports: Vec<PortId>,
}

/// What is kept, and cannot be had before the next start.
fn later(before: &Wanted, after: &Wanted) -> Vec<String> {
    let (before, after) = (before.switch, after.switch);
    let all = [
        ("cache_entries", before.cache_entries, after.cache_entries),
        ("fdb_entries", before.fdb_entries, after.fdb_entries),
        ("mbufs", before.mbufs, after.mbufs),
    ];
    let changed = all.into_iter().filter(|(_, before, after)| before != after);
    changed
        .map(|(key, _, after)| format!("switch.{key} {after} takes effect with the next start"))
        .collect()
}

impl<I: Io> State<I> {
    /// Takes the next change, or goes on with the one that is on its way. Returns whether there was
    /// anything to do.
    pub(super) fn change(&mut self) -> bool {
        match self.carrying.take() {
            Some(carrying) => self.go_on(carrying),
            None => match self.changes.try_recv() {
                Ok(change) => {
                    self.open_new(change);
                    true
                }
                Err(_) => false,
            },
        }
    }

    /// Whether the queues of a port are kept until a change is made.
    pub(super) fn is_held(&self, id: PortId) -> bool {
        matches!(&self.carrying, Some(Carrying { phase: Phase::Opening(new), .. }) if new.contains(&id))
    }

    /// Orders the ports that are new. One whose device is still another's comes when that is closed.
    fn open_new(&mut self, change: Change) {
        if let Err(refused) = self.check_workers(&change.next) {
            return change.answer(Err(refused));
        }
        let known = |port: &&Port| self.ports.by_name(port.name).is_none();
        let new: Vec<_> = change.next.ports.iter().filter(known).cloned().collect();
        let mut ids = Vec::new();
        for port in new {
            let taken = self
                .ports
                .iter()
                .any(|other| other.wanted.device.name() == port.device.name());
            let name = port.name;
            let world = &self.world;
            let free = self
                .ports
                .free(name, self.now, |change| world.passed(change));
            let Some(given) = free else {
                let limit = PortId::LIMIT;
                let why =
                    format!("port: all {limit} numbers are in use, or were until a second ago");
                self.abandon(&ids);
                return change.answer(Err(Refused(why)));
            };
            if let Some(id) = PortId::new(given.at).filter(|_| given.used) {
                let all: Vec<_> = self.all_stats().collect();
                self.former.set_down_port(id, &all);
                // Those of the port that had the number before.
                for link in self.links.gone_of(id) {
                    self.former.set_down_link(link, &all);
                }
            }
            if let Some(id) = self.ports.put(given, port) {
                if taken {
                    // It waits for the other one to be closed; see `closed`.
                    self.defer(id);
                } else {
                    ids.push(id);
                    self.order_open(id);
                }
            }
        }
        self.carrying = Some(Carrying {
            before: Arc::clone(&self.wanted),
            change,
            phase: Phase::Opening(ids),
        });
    }

    /// Workers that are named are there.
    fn check_workers(&self, next: &Wanted) -> Result<(), Refused> {
        let count = self.workers.len();
        for port in &next.ports {
            if let Some(worker) = port.rx_workers.iter().find(|w| usize::from(**w) >= count) {
                return Err(Refused(format!(
                    "port {}: rx_workers: there is no worker {worker}, but {count}, from 0",
                    port.name
                )));
            }
        }
        Ok(())
    }

    /// New ports that nobody polls yet go again.
    fn abandon(&mut self, ids: &[PortId]) {
        for id in ids {
            self.leave(*id);
        }
    }

    fn go_on(&mut self, carrying: Carrying) -> bool {
        let Carrying {
            change,
            before,
            phase,
        } = carrying;
        match phase {
            Phase::Opening(new) => self.opening(change, before, new),
            Phase::Settling(settling) => {
                let Some(lagging) = self.settled(&settling) else {
                    let phase = Phase::Settling(settling);
                    self.carrying = Some(Carrying {
                        change,
                        before,
                        phase,
                    });
                    return false;
                };
                if let Some(refused) = self.failed_to_return(&settling, &before) {
                    self.undo(change, before, refused);
                } else {
                    let later = later(&before, &change.next);
                    change.answer(Ok(Done { lagging, later }));
                }
                true
            }
            Phase::Undoing(refused, settling) => {
                if self.settled(&settling).is_some() {
                    change.answer(Err(refused));
                    return true;
                }
                let phase = Phase::Undoing(refused, settling);
                self.carrying = Some(Carrying {
                    change,
                    before,
                    phase,
                });
                false
            }
        }
    }

    fn opening(&mut self, change: Change, before: Arc<Wanted>, new: Vec<PortId>) -> bool {
        let ports = new.iter().filter_map(|id| self.ports.get(*id));
        let mut opening = false;
        for port in ports {
            match &port.life {
                Life::Opening => opening = true,
                Life::Waiting { reason, .. } | Life::Closing(reason) => {
                    let why = format!("port {}: {reason}", port.wanted.name);
                    let new: Vec<_> = self.newcomers(&before);
                    self.abandon(&new);
                    change.answer(Err(Refused(why)));
                    return true;
                }
                Life::Open(_) => {}
            }
        }
        if opening {
            let phase = Phase::Opening(new);
            self.carrying = Some(Carrying {
                change,
                before,
                phase,
            });
            return false;
        }
        match self.sync(Arc::clone(&change.next), &change.steps) {
            Ok(()) => {
                self.release_queues();
                info!(steps = change.steps.len(), "configuration changed");
                let phase = Phase::Settling(self.settling());
                self.carrying = Some(Carrying {
                    change,
                    before,
                    phase,
                });
            }
            Err(refused) => self.undo(change, before, refused),
        }
        true
    }

    /// Ports that were not there before.
    fn newcomers(&self, before: &Wanted) -> Vec<PortId> {
        let all = self.ports.iter();
        let new = all.filter(|port| before.port(port.wanted.name).is_none());
        new.map(|port| port.id).collect()
    }

    /// Everything is as it was again.
    fn undo(&mut self, change: Change, before: Arc<Wanted>, refused: Refused) {
        let back = steps(&change.next, &before);
        if let Err(worse) = self.sync(Arc::clone(&before), &back) {
            tracing::error!("what was before cannot be had back: {worse}");
        }
        self.release_queues();
        let phase = Phase::Undoing(refused, self.settling());
        self.carrying = Some(Carrying {
            change,
            before,
            phase,
        });
    }

    /// From now on new ports are polled.
    fn release_queues(&mut self) {
        for id in self.ports.ids() {
            let held = self
                .ports
                .get_mut(id)
                .map(|port| std::mem::take(&mut port.held));
            for (number, queue) in held.unwrap_or_default().into_iter().enumerate() {
                self.arrived.push((self.poller(id, number), queue));
            }
        }
    }

    fn settling(&self) -> Settling {
        let busy = self
            .ports
            .iter()
            .filter(|port| matches!(port.life, Life::Closing(_)) || port.then != Then::Retry);
        Settling {
            point: None,
            since: self.now,
            ports: busy.map(|port| port.id).collect(),
        }
    }

    /// What a change made is published as of here.
    pub(super) fn note_point(&mut self) {
        let settling = match &mut self.carrying {
            Some(Carrying {
                phase: Phase::Settling(settling),
                ..
            }) => settling,
            Some(Carrying {
                phase: Phase::Undoing(_, settling),
                ..
            }) => settling,
            _ => return,
        };
        if settling.point.is_none() {
            settling.point = Some(self.world.change());
        }
    }

    /// Whether it is over, and which workers have not passed it.
    fn settled(&self, settling: &Settling) -> Option<Vec<WorkerId>> {
        let waited = self.now - settling.since;
        let lagging: Vec<_> = self.world.laggards(settling.point?).collect();
        if !lagging.is_empty() && waited < PATIENCE {
            return None;
        }
        let mut ports = settling.ports.iter().filter_map(|id| self.ports.get(*id));
        let busy = ports.any(|port| {
            let waits = matches!(port.life, Life::Closing(_) | Life::Opening);
            waits || port.then != Then::Retry || port.mtu_ordered || !port.moving.is_empty()
        });
        (!busy || waited >= CLOSING).then_some(lagging)
    }

    /// Why a port that was there before is not back with its new settings.
    fn failed_to_return(&self, settling: &Settling, before: &Wanted) -> Option<Refused> {
        let ports = settling.ports.iter().filter_map(|id| self.ports.get(*id));
        let mut known = ports.filter(|port| before.port(port.wanted.name).is_some());
        known.find_map(|port| match &port.life {
            Life::Waiting { reason, .. } => {
                Some(Refused(format!("port {}: {reason}", port.wanted.name)))
            }
            _ => None,
        })
    }
}
