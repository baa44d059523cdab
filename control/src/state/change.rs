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
use super::sync::{full, no_room};
use crate::api::Refused;
use crate::change::{Change, Done};
use crate::config::Wanted;
use crate::ports::{Life, Port};
use crate::reconcile::{Step, steps};
use fastpath::ids::{PortId, RemoteId, WorkerId};
use fastpath::io::Io;
use fastpath::publish;
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::info;

/// Milliseconds that workers have to pass a change, before those that did not are named.
const PATIENCE: u64 = 10;
/// Milliseconds that devices have to open and to close, before a change is given up, or answered all
/// the same. Opening, settling and undoing together take less than a client waits, and than the
/// watchdog lets the keeper stand still.
const DEVICES: u64 = 15_000;

/// A change on its way.
pub(super) struct Carrying {
    change: Change,
    before: Arc<Wanted>,
    phase: Phase,
}

enum Phase {
    /// New ports are being opened, since this time.
    Opening(u64),
    Settling(Settling),
    /// It is refused for this reason when what was before is there again.
    Undoing(Refused, Settling),
}

/// What is waited for after a change was made.
#[derive(Default)]
struct Settling {
    /// What workers have to pass, once it is published.
    point: Option<publish::Change>,
    /// Milliseconds of when it was made, and of when it was last published.
    made: u64,
    published: u64,
    /// A port was on its way at the last look.
    busy: bool,
    /// Workers that had not passed in time.
    lagging: BTreeSet<WorkerId>,
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
        let Some(Carrying {
            before,
            phase: Phase::Opening(_),
            ..
        }) = &self.carrying
        else {
            return false;
        };
        let port = self.ports.get(id);
        port.is_some_and(|port| before.port(port.wanted.name).is_none())
    }

    /// Orders the ports that are new. One whose device is still another's comes when that is closed.
    fn open_new(&mut self, change: Change) {
        self.change_failed = None;
        let before = Arc::clone(&self.wanted);
        let checked = self.check_workers(&change.next);
        let checked = checked.and_then(|()| self.check_room(&change.next, &change.steps));
        let added = checked.and_then(|()| self.add_ports(&change.next));
        match added {
            Ok(()) => {
                let phase = Phase::Opening(self.now);
                self.carrying = Some(Carrying {
                    change,
                    before,
                    phase,
                });
            }
            Err(refused) => self.abandon(change, before, refused),
        }
    }

    /// Gives ports their numbers that are wanted and have none, and orders them.
    pub(super) fn add_ports(&mut self, wanted: &Wanted) -> Result<(), Refused> {
        for port in &wanted.ports {
            if self.ports.by_name(port.name).is_some() {
                continue;
            }
            let world = &self.world;
            let passed = |change| world.passed(change);
            let free = self.ports.free(port.name, self.now, passed);
            let given = free.ok_or_else(|| full("port", PortId::LIMIT))?;
            if let Some(id) = PortId::new(given.at).filter(|_| given.used) {
                let all: Vec<_> = self.all_stats().collect();
                self.former.set_down_port(id, &all);
                // Those of the port that had the number before.
                for link in self.links.gone_of(id) {
                    self.former.set_down_link(link, &all);
                }
            }
            if let Some(id) = self.ports.put(given, port.clone()) {
                self.order_open(id);
            }
        }
        Ok(())
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

    /// Whether what may be full has room for a change: static entries, and remotes.
    fn check_room(&self, next: &Wanted, steps: &[Step]) -> Result<(), Refused> {
        let new = steps.iter().filter_map(|step| match step {
            Step::FdbAdd(entry) => Some(entry),
            _ => None,
        });
        let (mut entries, mut first) = (0, None);
        for entry in new {
            let bridge = self.bridges.by_name(entry.bridge);
            let known = bridge.and_then(|bridge| self.fdb.get(bridge, entry.mac));
            if known.is_none() {
                entries += 1;
                first = first.or(Some(entry));
            }
        }
        if let Some(entry) = first.filter(|_| self.fdb.len() + entries > self.fdb.capacity()) {
            return Err(no_room(entry));
        }
        let defaults = next.tunnels.iter().map(|tunnel| {
            let id = self.tunnels.by_name(tunnel.name);
            let known = |address| id.and_then(|id| self.tunnels.known(id, address));
            let remotes = tunnel.remotes.iter();
            remotes.filter(|r| known(r.address).is_none()).count()
        });
        if defaults.sum::<usize>() > self.tunnels.room() {
            return Err(full("remote", RemoteId::LIMIT));
        }
        Ok(())
    }

    /// New ports that nobody polls yet go again.
    fn abandon(&mut self, change: Change, before: Arc<Wanted>, refused: Refused) {
        for id in self.newcomers(&before) {
            self.leave(id);
        }
        let phase = Phase::Undoing(refused, self.settling());
        self.carrying = Some(Carrying {
            change,
            before,
            phase,
        });
    }

    fn go_on(&mut self, carrying: Carrying) -> bool {
        let Carrying {
            change,
            before,
            phase,
        } = carrying;
        let phase = match phase {
            Phase::Opening(since) => return self.opening(change, before, since),
            Phase::Settling(mut settling) => {
                let settled = self.settled(&mut settling);
                if let Some(refused) = self.change_failed.take() {
                    self.undo(change, before, refused);
                    return true;
                }
                if settled {
                    let mut later = later(&before, &change.next);
                    later.extend(self.still_busy());
                    let lagging = settling.lagging.into_iter().collect();
                    change.answer(Ok(Done { lagging, later }));
                    return true;
                }
                Phase::Settling(settling)
            }
            Phase::Undoing(refused, mut settling) => {
                if self.settled(&mut settling) {
                    change.answer(Err(refused));
                    return true;
                }
                Phase::Undoing(refused, settling)
            }
        };
        self.carrying = Some(Carrying {
            change,
            before,
            phase,
        });
        false
    }

    fn opening(&mut self, change: Change, before: Arc<Wanted>, since: u64) -> bool {
        if let Some(refused) = self.change_failed.take() {
            self.abandon(change, before, refused);
            return true;
        }
        let new = self.newcomers(&before).into_iter();
        let mut new = new.filter_map(|id| self.ports.get(id));
        if let Some(port) = new.find(|port| port.life == Life::Opening) {
            let name = port.wanted.name;
            if self.now >= since + DEVICES {
                let seconds = DEVICES / 1_000;
                let why = format!("port {name}: its device did not open in {seconds} s");
                self.abandon(change, before, Refused(why));
                return true;
            }
            let phase = Phase::Opening(since);
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

    /// Everything is as it was again, ports included that are gone already.
    fn undo(&mut self, change: Change, before: Arc<Wanted>, refused: Refused) {
        let back = steps(&change.next, &before);
        let added = self.add_ports(&before);
        let synced = self.sync(Arc::clone(&before), &back);
        if let Err(worse) = added.and(synced) {
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
        Settling {
            made: self.now,
            published: self.now,
            ..Settling::default()
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

    /// Whether it is over: no port is on its way, and all that was published is passed, or was given
    /// up on.
    fn settled(&self, settling: &mut Settling) -> bool {
        let Some(point) = settling.point else {
            return false;
        };
        let lagging: Vec<_> = self.world.laggards(point).collect();
        let late = self.now - settling.published >= PATIENCE;
        if late {
            settling.lagging.extend(&lagging);
        }
        let patient = self.now - settling.made < DEVICES;
        if patient && self.ports.iter().any(Port::is_on_its_way) {
            settling.busy = true;
            return false;
        }
        if std::mem::take(&mut settling.busy) {
            // What came of them is published with this step.
            (settling.point, settling.published) = (None, self.now);
            return false;
        }
        lagging.is_empty() || late
    }

    /// What goes on after a change was given up on.
    fn still_busy(&self) -> Vec<String> {
        let busy = self.ports.iter().filter(|port| port.is_on_its_way());
        busy.map(|port| format!("port {}: its device takes long", port.wanted.name))
            .collect()
    }
}
