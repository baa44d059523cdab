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
use super::opening::{DEVICES, Opening};
use super::room::full;
use super::sync::opens_once;
use crate::api::Refused;
use crate::change::{Change, Done};
use crate::config::{self, Wanted};
use crate::ports::{Life, Port, Then};
use crate::reconcile::steps;
use fastpath::ids::{PortId, WorkerId};
use fastpath::io::Io;
use fastpath::publish;
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::info;

/// Milliseconds that workers have to pass a change, before those that did not are named.
const PATIENCE: u64 = 10;
/// A change on its way.
pub(super) struct Carrying {
    change: Change,
    before: Arc<Wanted>,
    phase: Phase,
}

enum Phase {
    /// New ports are being opened.
    Opening(Opening),
    Settling(Settling),
    /// It is refused for this reason when what was before is there again.
    Undoing(Refused, Settling),
}

/// What is waited for after a change was made.
#[derive(Default)]
struct Settling {
    /// What workers have to pass, once it is published.
    point: Option<publish::Change>,
    /// Milliseconds of when the step began that made it.
    made: u64,
    /// And of the first look after it was last published: that step may have taken long.
    published: Option<u64>,
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
        let checked = self.check(&change, &before);
        let added = checked.and_then(|()| self.add_ports(&change.next));
        match added {
            Ok(()) => {
                let phase = Phase::Opening(Opening {
                    since: self.now,
                    moved: self.now,
                    left: usize::MAX,
                });
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
        let mut new = Vec::new();
        let numbered = self.number_ports(wanted, &mut new);
        // Some NICs are told of tunnels before they start, or never. Those that are there stay until
        // the change is made.
        let before = Arc::clone(&self.wanted);
        self.want_offload(&[&*before, wanted]);
        for id in new {
            self.order_open(id);
        }
        numbered
    }

    /// Gives ports their numbers that are wanted and have none.
    fn number_ports(&mut self, wanted: &Wanted, new: &mut Vec<PortId>) -> Result<(), Refused> {
        for port in &wanted.ports {
            if let Some(id) = self.ports.by_name(port.name) {
                self.stay(id, port);
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
            new.extend(self.ports.put(given, port.clone()));
        }
        Ok(())
    }

    /// A port that is about to go is wanted again: it is opened anew once it is closed, and does not go
    /// while others open.
    fn stay(&mut self, id: PortId, wanted: &config::Port) {
        let port = self.ports.get_mut(id);
        if let Some(port) = port.filter(|port| port.then == Then::Leave) {
            port.wanted.clone_from(wanted);
            (port.then, port.changing) = (Then::Reopen, true);
        }
    }

    /// What can be seen beforehand. What was before was had once, so that to go back is checked for no
    /// more than room, and what was learned makes that.
    fn check(&mut self, change: &Change, before: &Wanted) -> Result<(), Refused> {
        if !change.back {
            self.check_workers(&change.next, before)?;
            self.check_devices(change)?;
        } else if self.check_entries(&change.steps).is_err() {
            self.fdb.forget(|_, _| true);
        }
        self.check_room(&change.next, &change.steps)
    }

    /// A device that its driver opens only once stays as it is, and whose it is.
    fn check_devices(&self, Change { next, trial, .. }: &Change) -> Result<(), Refused> {
        for port in self.ports.iter() {
            let Life::Open(info) = &port.life else {
                continue;
            };
            if !info.opens_once {
                continue;
            }
            let name = port.wanted.name;
            let mut heirs = next.ports.iter();
            let heir = heirs.find(|other| Some(other.device.name()) == port.holding.as_deref());
            match heir {
                Some(heir) if heir.name != name || port.reopens(heir) => {
                    return Err(opens_once(heir.name, &info.driver));
                }
                None if *trial => {
                    return Err(Refused(format!(
                        "port {name}: driver {} can be set up only once in the life of the daemon, so \
                         that this change could not be taken back: apply it without --confirm",
                        info.driver
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Workers that are named are there. What was named before there were fewer is left alone.
    fn check_workers(&self, next: &Wanted, before: &Wanted) -> Result<(), Refused> {
        let count = self.workers.len();
        let changed = |port: &&config::Port| {
            let before = before.port(port.name);
            before.is_none_or(|before| before.rx_workers != port.rx_workers)
        };
        for port in next.ports.iter().filter(changed) {
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
    fn abandon(&mut self, change: Change, before: Arc<Wanted>, refused: Refused) {
        for id in self.newcomers(&before) {
            self.leave(id);
        }
        self.want_offload(&[&*before]);
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
            Phase::Opening(opening) => return self.opening(change, before, opening),
            Phase::Settling(mut settling) => {
                let settled = self.settled(&mut settling);
                if let Some(refused) = self.change_failed.take().filter(|_| !change.back) {
                    // Who went meanwhile may have its number back.
                    self.recall(settling.made);
                    self.undo(change, before, refused);
                    return true;
                }
                if settled {
                    let mut later = later(&before, &change.next);
                    later.extend(self.too_large(&before, &change.next));
                    later.extend(self.still_busy());
                    self.let_go();
                    let lagging = settling.lagging.into_iter().collect();
                    change.answer(Ok(Done { lagging, later }));
                    return true;
                }
                Phase::Settling(settling)
            }
            Phase::Undoing(refused, mut settling) => {
                if self.settled(&mut settling) {
                    self.let_go();
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

    fn opening(&mut self, change: Change, before: Arc<Wanted>, mut opening: Opening) -> bool {
        if let Some(refused) = self.change_failed.take().filter(|_| !change.back) {
            self.abandon(change, before, refused);
            return true;
        }
        let new = self.newcomers(&before).into_iter();
        let new = new.filter_map(|id| self.ports.get(id));
        let new: Vec<_> = new.filter(|port| port.life == Life::Opening).collect();
        opening.look(new.len(), self.now);
        if let Some(port) = new.first() {
            let name = port.wanted.name;
            let over = opening.over(self.now);
            if let Some(over) = over.filter(|_| !change.back) {
                let seconds = over / 1_000;
                let why = format!("port {name}: its device did not open in {seconds} s");
                self.abandon(change, before, Refused(why));
                return true;
            }
            if over.is_none() {
                let phase = Phase::Opening(opening);
                self.carrying = Some(Carrying {
                    change,
                    before,
                    phase,
                });
                return false;
            }
        }
        // While devices opened others may have been learned.
        if let Err(refused) = self.check(&change, &before) {
            self.abandon(change, before, refused);
            return true;
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

    fn recall(&mut self, since: u64) {
        self.ports.recall(since);
        self.bridges.recall(since);
        self.links.recall(since);
        self.tunnels.recall(since);
    }

    /// Everything is as it was again, ports included that are gone already.
    fn undo(&mut self, change: Change, before: Arc<Wanted>, refused: Refused) {
        let back = steps(&change.next, &before);
        if self.check_entries(&back).is_err() {
            // Stations that were learned where static entries were make way.
            self.fdb.forget(|_, _| true);
        }
        let added = self.add_ports(&before);
        let synced = self.sync(Arc::clone(&before), &back);
        let refused = match added.and(synced) {
            Ok(()) => refused,
            Err(worse) => {
                tracing::error!("not all that was before can be had back at once: {worse}");
                self.amiss = true;
                Refused(format!(
                    "{refused}; and not all that was before is there again, which is tried anew with \
                     the next change: {worse}"
                ))
            }
        };
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
        let published = *settling.published.get_or_insert(self.now);
        let late = self.now - published >= PATIENCE;
        if late {
            settling.lagging.extend(&lagging);
        }
        let patient = self.now - settling.made < DEVICES;
        // Who waits for a worker that does not come round would wait for as long as that.
        let stuck = |port: &Port<I>| !settling.lagging.is_empty() && port.waits_for_workers();
        let mut ports = self.ports.iter();
        if patient && ports.any(|port| port.is_on_its_way() && !stuck(port)) {
            settling.busy = true;
            return false;
        }
        if std::mem::take(&mut settling.busy) {
            // What came of them is published with this step.
            (settling.point, settling.published) = (None, None);
            return false;
        }
        lagging.is_empty() || late
    }

    /// MTUs that are wanted since this change, and for which packets have no room before the next start.
    fn too_large(&self, before: &Wanted, next: &Wanted) -> Vec<String> {
        let large = next.ports.iter().filter(|port| {
            let same = before.port(port.name).map(|port| port.mtu) == Some(port.mtu);
            port.mtu > self.largest_mtu && !same
        });
        let told = large.map(|port| {
            format!(
                "port {}: mtu {} takes effect with the next start, which makes room for it; {} until \
                 then",
                port.name, port.mtu, self.largest_mtu
            )
        });
        told.collect()
    }

    /// What goes on after a change is answered.
    fn still_busy(&self) -> Vec<String> {
        let told = self.ports.iter().filter_map(|port| {
            let name = port.wanted.name;
            if let (Life::Waiting { reason, .. }, true) = (&port.life, port.failed_before) {
                return Some(format!("port {name}: still fails: {reason}"));
            }
            port.is_on_its_way()
                .then(|| match port.waits_for_workers() {
                    true => format!("port {name}: not all workers have given back its queues yet"),
                    false => format!("port {name}: its device takes long"),
                })
        });
        told.collect()
    }

    /// No later change waits for what goes on, or is undone by how it ends.
    fn let_go(&mut self) {
        for port in self.ports.iter_mut() {
            (port.changing, port.failed_before) = (false, false);
        }
    }
}
