//! Tunnels and their remotes: from names and addresses to numbered records.

mod errors;

pub use errors::LastError;

use crate::config::{self, Wanted};
use errors::Errors;
use fastpath::ids::{BridgeId, RemoteId, TunnelId};
use fastpath::publish::Change;
use fastpath::snapshot::{
    Df, EncapSettings, EndPoint, Inherit, Remote, Snapshot, Tunnel, UdpPorts, Way,
};
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Most remotes of one tunnel that were learned from traffic and not configured.
pub const MAX_LEARNED: usize = 1024;
/// Seconds that a learned remote is kept before it is asked whether anything leads to it.
const GRACE: u32 = 10;
const DEFAULT_TTL: u8 = 64;

/// One tunnel with its remotes.
struct Known {
    wanted: config::Tunnel,
    bridge: BridgeId,
    remotes: HashMap<Ipv4Addr, RemoteId>,
    /// With the second in which each was learned.
    learned: Vec<(RemoteId, u32)>,
    /// Why nothing can be sent, if so.
    down: Option<String>,
}

/// All tunnels and remote records.
#[derive(Default)]
pub struct Tunnels {
    tunnels: Vec<Known>,
    remotes: Vec<Option<Arc<Remote>>>,
    /// Remotes by address: a next hop that changes costs a look at those that it concerns.
    at: HashMap<Ipv4Addr, Vec<RemoteId>>,
    /// Numbers of forgotten remotes in the order of their end. They are usable again once every
    /// worker has passed the change, which is not known before the next snapshot is published, and
    /// what workers told before has been heard.
    retired: Vec<(Option<Change>, RemoteId)>,
    free: Vec<RemoteId>,
    /// Senders that were not learned for want of room.
    pub refused: u64,
    errors: Errors,
}

impl Tunnels {
    /// The tunnels of a checked configuration, with the remotes it names.
    pub fn new(wanted: &Wanted) -> Self {
        let mut tunnels = Tunnels::default();
        for tunnel in &wanted.tunnels {
            let at = wanted
                .bridges
                .iter()
                .position(|bridge| bridge.name == tunnel.bridge);
            let Some(bridge) = at.and_then(BridgeId::new) else {
                continue;
            };
            tunnels.add(tunnel, bridge);
        }
        for entry in &wanted.fdb {
            if let config::FdbTarget::Remote { tunnel, remote } = entry.target
                && let Some(id) = tunnels.by_name(tunnel)
            {
                tunnels.ensure(id, remote);
            }
        }
        tunnels
    }

    fn add(&mut self, wanted: &config::Tunnel, bridge: BridgeId) {
        let Some(id) = TunnelId::new(self.tunnels.len()) else {
            return;
        };
        let (remotes, learned) = (HashMap::new(), Vec::new());
        self.tunnels.push(Known {
            wanted: wanted.clone(),
            bridge,
            remotes,
            learned,
            down: Some("its port is not open yet".to_owned()),
        });
        for remote in &wanted.remotes {
            self.ensure(id, remote.address);
        }
    }

    /// The tunnel of this name.
    pub fn by_name(&self, name: config::Name) -> Option<TunnelId> {
        TunnelId::new(
            self.tunnels
                .iter()
                .position(|tunnel| tunnel.wanted.name == name)?,
        )
    }

    /// Name and bridge of a tunnel.
    pub fn describe(&self, id: TunnelId) -> Option<(config::Name, BridgeId)> {
        self.tunnels
            .get(id.index())
            .map(|tunnel| (tunnel.wanted.name, tunnel.bridge))
    }

    /// The numbers of all tunnels.
    pub fn ids(&self) -> impl Iterator<Item = TunnelId> + use<> {
        (0..self.tunnels.len()).map_while(TunnelId::new)
    }

    /// What is wanted of a tunnel.
    pub fn wanted(&self, id: TunnelId) -> Option<&config::Tunnel> {
        self.tunnels.get(id.index()).map(|known| &known.wanted)
    }

    /// Why nothing can be sent by a tunnel; `None`: it is up, or there is no such tunnel.
    pub fn down(&self, id: TunnelId) -> Option<&str> {
        self.tunnels.get(id.index())?.down.as_deref()
    }

    /// Takes a tunnel down for a reason, or up: workers know with the next packet. Returns whether
    /// it was the other way before.
    pub fn set_down(&mut self, id: TunnelId, down: Option<String>) -> bool {
        let Some(known) = self.tunnels.get_mut(id.index()) else {
            return false;
        };
        let is_down = down.is_some();
        let was_down = std::mem::replace(&mut known.down, down).is_some();
        if is_down != was_down {
            for id in known.remotes.values() {
                if let Some(remote) = self.remotes.get(id.index()).and_then(Option::as_ref) {
                    let way = remote.next_hops.way();
                    remote.next_hops.set_way(Way {
                        down: is_down,
                        ..way
                    });
                }
            }
        }
        is_down != was_down
    }

    /// The record of a remote.
    pub fn remote(&self, id: RemoteId) -> Option<&Remote> {
        self.remotes.get(id.index())?.as_deref()
    }

    /// All remote records.
    pub fn remotes(&self) -> impl Iterator<Item = &Remote> {
        self.remotes.iter().flatten().map(Arc::as_ref)
    }

    /// The numbers of the remotes at an address.
    pub fn at(&self, address: Ipv4Addr) -> Vec<RemoteId> {
        self.at.get(&address).cloned().unwrap_or_default()
    }

    /// The number of a remote of a tunnel, with a new record if it has none. `None` if no number is
    /// left.
    pub fn ensure(&mut self, tunnel: TunnelId, address: Ipv4Addr) -> Option<RemoteId> {
        let known = self.tunnels.get(tunnel.index())?;
        if let Some(id) = known.remotes.get(&address) {
            return Some(*id);
        }
        let id = self
            .free
            .pop()
            .or_else(|| RemoteId::new(self.remotes.len()))?;
        let listed = known
            .wanted
            .remotes
            .iter()
            .find(|remote| remote.address == address);
        let bits = listed.map_or(known.wanted.reserved_bits, |remote| remote.reserved_bits);
        let lenient = bits == config::ReservedBits::Lenient;
        let remote = Remote::new(id, tunnel, address, lenient, settings(&known.wanted));
        remote.next_hops.set_way(Way {
            paths: 0,
            hold: true,
            down: known.down.is_some(),
        });
        if id.index() == self.remotes.len() {
            self.remotes.push(None);
        }
        self.remotes[id.index()] = Some(Arc::new(remote));
        self.at.entry(address).or_default().push(id);
        self.tunnels
            .get_mut(tunnel.index())?
            .remotes
            .insert(address, id);
        Some(id)
    }

    /// Whether a remote was learned from traffic, and is in no configuration.
    pub fn is_learned(&self, id: RemoteId) -> bool {
        let tunnel = self.remote(id).map(|remote| remote.tunnel.index());
        let known = tunnel.and_then(|tunnel| self.tunnels.get(tunnel));
        known.is_some_and(|known| known.learned.iter().any(|(learned, _)| *learned == id))
    }

    /// A sender that was not configured. Its number if it has a record now and had none before.
    pub fn learn(&mut self, tunnel: TunnelId, address: Ipv4Addr, now: u32) -> Option<RemoteId> {
        let known = self.tunnels.get(tunnel.index())?;
        if known.remotes.contains_key(&address) {
            return None;
        }
        let room = known.learned.len() < MAX_LEARNED;
        let id = room.then(|| self.ensure(tunnel, address)).flatten();
        match id {
            Some(id) => self.tunnels[tunnel.index()].learned.push((id, now)),
            None => self.refused += 1,
        }
        id
    }

    /// Forgets learned remotes that nothing leads to any more. `used` gives those that something
    /// leads to, and is not asked in vain. Returns numbers and addresses of the forgotten.
    pub fn forget_idle(
        &mut self,
        now: u32,
        used: impl FnOnce() -> HashSet<RemoteId>,
    ) -> Vec<(RemoteId, Ipv4Addr)> {
        let mut gone = Vec::new();
        if self.tunnels.iter().all(|tunnel| tunnel.learned.is_empty()) {
            return gone;
        }
        let used = used();
        for tunnel in &mut self.tunnels {
            tunnel.learned.retain(|(id, since)| {
                let fresh = now.saturating_sub(*since) < GRACE;
                if fresh || used.contains(id) {
                    return true;
                }
                if let Some(remote) = self.remotes[id.index()].take() {
                    tunnel.remotes.remove(&remote.address);
                    gone.push((*id, remote.address));
                }
                self.retired.push((None, *id));
                false
            });
        }
        for (id, address) in &gone {
            self.errors.forget(*id);
            let left = self.at.get_mut(address).map(|ids| {
                ids.retain(|other| other != id);
                ids.len()
            });
            if left == Some(0) {
                self.at.remove(address);
            }
        }
        gone
    }

    /// A snapshot without the forgotten remotes was published as `change`.
    pub fn seal(&mut self, change: Change) {
        for (since, _) in &mut self.retired {
            since.get_or_insert(change);
        }
    }

    /// How many numbers of forgotten remotes no worker uses any more, as told by `passed`.
    pub fn passed(&self, passed: impl Fn(Change) -> bool) -> usize {
        let mut retired = self.retired.iter();
        let first = retired.position(|(since, _)| !since.is_some_and(&passed));
        first.unwrap_or(self.retired.len())
    }

    /// Makes the `count` numbers usable again that were retired first.
    pub fn release(&mut self, count: usize) {
        let over = self.retired.drain(..count.min(self.retired.len()));
        self.free.extend(over.map(|(_, id)| id));
    }

    /// Tunnels, end points and remote records, into a snapshot.
    pub fn fill(&self, snapshot: &mut Snapshot) {
        let mut udp_ports = UdpPorts::default();
        for (known, id) in self.tunnels.iter().zip((0..).map_while(TunnelId::new)) {
            let wanted = &known.wanted;
            udp_ports.insert(wanted.udp_port);
            let end_point = EndPoint {
                local: wanted.local,
                udp_port: wanted.udp_port,
                vni: wanted.vni,
            };
            snapshot.end_points.insert(end_point, id);
            snapshot.tunnels.push(Arc::new(Tunnel {
                id,
                bridge: known.bridge,
                learning: wanted.learning,
                accept_any: wanted.accept == config::Accept::Any,
                lenient: wanted.reserved_bits == config::ReservedBits::Lenient,
                need_checksum: wanted.zero_checksum == config::ZeroChecksum::Refuse,
                known: known.remotes.clone(),
            }));
        }
        snapshot.udp_ports = udp_ports;
        snapshot.remotes.clone_from(&self.remotes);
    }

    /// The default remotes of the tunnels of `bridge`: the replication list, in the order of the
    /// configuration.
    pub fn flood_list(&self, bridge: BridgeId) -> Vec<(TunnelId, RemoteId)> {
        let numbered = self.tunnels.iter().zip((0..).map_while(TunnelId::new));
        let of_bridge = numbered.filter(|(tunnel, _)| tunnel.bridge == bridge);
        of_bridge
            .flat_map(|(tunnel, id)| {
                let defaults = tunnel.wanted.remotes.iter();
                defaults.filter_map(move |r| Some((id, *tunnel.remotes.get(&r.address)?)))
            })
            .collect()
    }
}

fn settings(wanted: &config::Tunnel) -> EncapSettings {
    EncapSettings {
        local: wanted.local,
        udp_port: wanted.udp_port,
        vni: wanted.vni,
        source_ports: wanted.source_ports.clone(),
        ttl: match wanted.ttl {
            config::Ttl::Fixed(ttl) => Inherit::Fixed(ttl.get()),
            config::Ttl::Inherit => Inherit::Inner(DEFAULT_TTL),
        },
        dscp: match wanted.dscp {
            config::Dscp::Fixed(dscp) => Inherit::Fixed(dscp),
            config::Dscp::Inherit => Inherit::Inner(0),
        },
        df: match wanted.df {
            config::Df::Set => Df::Set,
            config::Df::Unset => Df::Unset,
            config::Df::Inherit => Df::Inherit,
        },
    }
}

#[cfg(test)]
mod tests;
