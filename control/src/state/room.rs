//! Whether there is room for what a change brings: numbers, remotes and static entries. Asked before
//! anything of it is done, so that one that does not fit touches nothing.

use super::State;
use crate::api::Refused;
use crate::config::{FdbEntry, FdbTarget, Name, Wanted};
use crate::reconcile::Step;
use fastpath::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId};
use fastpath::io::Io;
use fastpath::snapshot::Place;
use std::collections::HashSet;
use std::net::Ipv4Addr;

/// Something is full.
pub(super) fn full(what: &str, limit: usize) -> Refused {
    Refused(format!(
        "{what}: all {limit} numbers are in use, or were until a moment ago; try again"
    ))
}

/// A static entry finds no place.
pub(super) fn no_room(entry: &FdbEntry) -> Refused {
    let FdbEntry { bridge, mac, .. } = entry;
    Refused(format!(
        "fdb: no room for {mac} in bridge {bridge}; flush what is learned, or raise \
         switch.fdb_entries and restart"
    ))
}

/// Remotes to which static entries lead after these steps, and did not before.
pub(super) fn led_to(steps: &[Step]) -> HashSet<(Name, Ipv4Addr)> {
    let targets = steps.iter().filter_map(|step| match step {
        Step::FdbAdd(entry) | Step::FdbReplace(entry) => Some(entry.target),
        _ => None,
    });
    let remotes = targets.filter_map(|target| match target {
        FdbTarget::Port(_) => None,
        FdbTarget::Remote { tunnel, remote } => Some((tunnel, remote)),
    });
    remotes.collect()
}

impl<I: Io> State<I> {
    /// Whether all that may be full has room for a change.
    pub(super) fn check_room(&self, next: &Wanted, steps: &[Step]) -> Result<(), Refused> {
        self.check_numbers(next)?;
        self.check_remotes(next, steps)?;
        self.check_entries(steps)
    }

    fn check_numbers(&self, next: &Wanted) -> Result<(), Refused> {
        let passed = |change| self.world.passed(change);
        let has = |room: bool, what, limit| room.then_some(()).ok_or_else(|| full(what, limit));
        let ports = next.ports.iter().map(|port| port.name);
        let room = self.ports.have_room(ports, self.now, passed);
        has(room, "port", PortId::LIMIT)?;
        let bridges = next.bridges.iter().map(|bridge| bridge.name);
        let room = self.bridges.have_room(bridges, self.now, passed);
        has(room, "bridge", BridgeId::LIMIT)?;
        let tunnels = next.tunnels.iter().map(|tunnel| tunnel.name);
        let room = self.tunnels.have_room(tunnels, self.now, passed);
        has(room, "tunnel", TunnelId::LIMIT)?;
        let (mut places, mut others) = (Vec::new(), 0);
        for port in &next.ports {
            let vlans: HashSet<_> = port.addresses.iter().map(|own| own.vlan).collect();
            match self.ports.by_name(port.name) {
                Some(port) => places.extend(vlans.into_iter().map(|vlan| Place { port, vlan })),
                None => others += vlans.len(),
            }
        }
        let room = self.links.have_room(places, others, self.now, passed);
        has(room, "link", LinkId::LIMIT)
    }

    /// Of remotes that go no number is free at once.
    fn check_remotes(&self, next: &Wanted, steps: &[Step]) -> Result<(), Refused> {
        let known = |(tunnel, address): &(Name, Ipv4Addr)| {
            let id = self.tunnels.by_name(*tunnel);
            id.is_some_and(|id| self.tunnels.known(id, *address).is_some())
        };
        let defaults = next.tunnels.iter().flat_map(|tunnel| {
            let remotes = tunnel.remotes.iter();
            remotes.map(|remote| (tunnel.name, remote.address))
        });
        let all = defaults.chain(led_to(steps));
        let new: HashSet<_> = all.filter(|remote| !known(remote)).collect();
        if new.len() > self.tunnels.room() {
            return Err(full("remote", RemoteId::LIMIT));
        }
        Ok(())
    }

    /// Whether static entries that come have places, if those that go leave theirs.
    pub(super) fn check_entries(&self, steps: &[Step]) -> Result<(), Refused> {
        let known = |entry: &FdbEntry| {
            let bridge = self.bridges.by_name(entry.bridge);
            bridge.and_then(|bridge| self.fdb.get(bridge, entry.mac))
        };
        let (mut new, mut gone, mut first) = (0, 0, None);
        for step in steps {
            match step {
                Step::FdbAdd(entry) if known(entry).is_none() => {
                    new += 1;
                    first = first.or(Some(entry));
                }
                Step::FdbDel(entry) if known(entry).is_some() => gone += 1,
                _ => {}
            }
        }
        match first {
            Some(entry) if self.fdb.len() + new > self.fdb.capacity() + gone => Err(no_room(entry)),
            _ => Ok(()),
        }
    }
}
