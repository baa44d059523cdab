//! Brings every table in line with what is wanted, whatever is in it.
//!
//! All of it happens in one step of state, so that workers see it as one snapshot; static entries
//! alone are stored into the forwarding table that they read. To go back is the same, the other way.

mod leaving;
mod neighbours;
mod ports;
mod tunnels;

pub(super) use ports::opens_once;

use super::State;
use super::room::{full, led_to, no_room};
use crate::api::Refused;
use crate::config::{FdbEntry, FdbTarget, Wanted};
use crate::reconcile::{Step, steps};
use fastpath::fdb::Destination;
use fastpath::ids::{BridgeId, PortId, RemoteId};
use fastpath::io::Io;
use std::collections::HashSet;
use std::sync::Arc;
use tracing::{error, warn};

/// What learned entries are to be forgotten with.
#[derive(Debug, Default)]
struct Gone {
    bridges: HashSet<BridgeId>,
    remotes: HashSet<RemoteId>,
    /// A port that is in a bridge no more.
    members: HashSet<(BridgeId, PortId)>,
}

impl<I: Io> State<I> {
    /// Begins with what is wanted: every port is ordered. Called once, before the first step.
    pub fn begin(&mut self, wanted: Arc<Wanted>) {
        let steps = steps(&self.wanted, &wanted);
        // They fit, but for a static entry of millions that finds its places in the table taken.
        let added = self.add_ports(&wanted);
        if let Err(refused) = added.and_then(|()| self.sync(Arc::clone(&wanted), &steps)) {
            warn!("{refused}");
            self.pin_all(&wanted);
        }
        for port in self.ports.iter_mut() {
            // Nobody waits for it, and nothing is undone if it fails.
            port.changing = false;
        }
    }

    /// Makes everything as it is wanted. Ports that are new have their numbers already. If it fails
    /// something is as it was and something is not, and the caller goes back.
    pub(super) fn sync(&mut self, next: Arc<Wanted>, steps: &[Step]) -> Result<(), Refused> {
        // While what they name is there.
        self.tell_news();
        self.part(&next);
        let before = std::mem::replace(&mut self.wanted, Arc::clone(&next));
        (self.dirty, self.lower_changed) = (true, true);
        self.want_offload(&[&*next]);
        let mut gone = Gone::default();
        let synced = self.sync_tables(&before, &next, steps, &mut gone);
        // Also if something failed: nothing may lead to a number that is nobody's.
        self.forget(&gone);
        synced
    }

    fn sync_tables(
        &mut self,
        before: &Wanted,
        next: &Wanted,
        steps: &[Step],
        gone: &mut Gone,
    ) -> Result<(), Refused> {
        for step in steps {
            if let Step::FdbDel(entry) = step {
                self.unpin(entry);
            }
        }
        self.remove_routes(next);
        self.remove_tunnels(next, gone);
        self.sync_bridges(next, gone)?;
        self.sync_ports(next, gone);
        self.sync_neighbours(next)?;
        self.sync_links(before, next)?;
        self.sync_tunnels(next, &led_to(steps), gone)?;
        self.add_routes(next)?;
        let mut replaced = false;
        for step in steps {
            if let Step::FdbAdd(entry) | Step::FdbReplace(entry) = step {
                self.pin(entry)?;
                replaced |= matches!(step, Step::FdbReplace(_));
            }
        }
        if self.amiss {
            // When something was to be had back and was not, no step leads to it.
            self.pin_all(next);
        }
        if replaced {
            // Nothing may lead to some remotes any more.
            self.sync_tunnels(next, &HashSet::new(), gone)?;
        }
        Ok(())
    }

    fn sync_bridges(&mut self, next: &Wanted, gone: &mut Gone) -> Result<(), Refused> {
        let there: Vec<_> = self.bridges.iter().map(|(_, bridge)| bridge.name).collect();
        let wanted: HashSet<_> = next.bridges.iter().map(|bridge| bridge.name).collect();
        for name in there.into_iter().filter(|name| !wanted.contains(name)) {
            gone.bridges.extend(self.bridges.remove(name, self.now));
        }
        for bridge in &next.bridges {
            if self.bridges.by_name(bridge.name).is_some() {
                self.bridges.set(bridge);
                continue;
            }
            let world = &self.world;
            let free = self
                .bridges
                .free(bridge.name, self.now, |change| world.passed(change));
            let given = free.ok_or_else(|| full("bridge", BridgeId::LIMIT))?;
            if let Some(id) = BridgeId::new(given.at).filter(|_| given.used) {
                let all: Vec<_> = self.all_stats().collect();
                self.former.set_down_bridge(id, &all);
                self.fdb.count_anew(id);
            }
            self.bridges.put(given, bridge.clone());
        }
        Ok(())
    }

    fn remove_routes(&mut self, next: &Wanted) {
        let wanted: HashSet<_> = next.routes.iter().map(|route| route.to).collect();
        let left = self.neighbours.routes().map(|route| route.to);
        let left: Vec<_> = left.filter(|to| !wanted.contains(to)).collect();
        for to in left {
            self.neighbours.del_route(to, self.now, &mut self.outbox);
        }
    }

    fn add_routes(&mut self, next: &Wanted) -> Result<(), Refused> {
        let known: Vec<_> = self.neighbours.routes().collect();
        for route in &next.routes {
            let same = |known: &crate::routes::Route| {
                known.to == route.to && known.via.as_slice() == route.via
            };
            if known.iter().any(same) {
                continue;
            }
            let (now, out) = (self.now, &mut self.outbox);
            let added = self.neighbours.add_route(route.to, &route.via, now, out);
            added.map_err(|error| Refused(format!("route {}: {error}", route.to)))?;
        }
        Ok(())
    }

    /// Forgets what was learned of what is gone.
    fn forget(&mut self, gone: &Gone) {
        if gone.bridges.is_empty() && gone.remotes.is_empty() && gone.members.is_empty() {
            return;
        }
        self.fdb.forget(|bridge, to| {
            gone.bridges.contains(&bridge)
                || match to {
                    Destination::Port(port) => gone.members.contains(&(bridge, port)),
                    Destination::Remote(remote) => gone.remotes.contains(&remote),
                }
        });
    }

    /// A static entry goes.
    fn unpin(&mut self, entry: &FdbEntry) {
        let Some(bridge) = self.bridges.by_name(entry.bridge) else {
            return;
        };
        if let Some(Destination::Remote(id)) = self.fdb.del_static(bridge, entry.mac) {
            self.tunnels.pin(id, false);
        }
    }

    /// Static entries that are wanted, as far as there is room for them. The others are `amiss`, and tried
    /// with each change.
    fn pin_all(&mut self, wanted: &Wanted) {
        let entries = wanted.fdb.iter();
        let missing: Vec<_> = entries.filter(|entry| self.pin(entry).is_err()).collect();
        self.amiss = !missing.is_empty();
        if let Some(first) = missing.first() {
            error!(
                "{} static entries find no room in the forwarding table and are tried with the next change, \
                 first {} of bridge {}",
                missing.len(),
                first.mac,
                first.bridge
            );
        }
    }

    /// A static entry comes, or leads elsewhere.
    fn pin(&mut self, entry: &FdbEntry) -> Result<(), Refused> {
        let full = || no_room(entry);
        let mac = &entry.mac;
        let bridge = self.bridges.by_name(entry.bridge).ok_or_else(full)?;
        let to = match entry.target {
            FdbTarget::Port(name) => self.ports.by_name(name).map(Destination::Port),
            FdbTarget::Remote { tunnel, remote } => {
                self.remote_for(tunnel, remote).map(Destination::Remote)
            }
        };
        let to = to.ok_or_else(full)?;
        let before = self.fdb.static_entry(bridge, *mac);
        if before == Some(to) {
            return Ok(());
        }
        if !self.fdb.add_static(bridge, *mac, to) {
            return Err(full());
        }
        for (to, pinned) in [(Some(to), true), (before, false)] {
            if let Some(Destination::Remote(id)) = to {
                self.tunnels.pin(id, pinned);
            }
        }
        Ok(())
    }

    /// What was removed is in no snapshot any more.
    pub(super) fn seal(&mut self) {
        let change = self.published;
        self.ports.seal(change);
        self.bridges.seal(change);
        self.links.seal(change);
        self.tunnels.seal(change);
    }
}
