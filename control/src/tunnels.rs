//! Tunnels and their remotes: from names and addresses to numbered records.

mod errors;

pub use errors::LastError;

use crate::config::{self, Name};
use crate::numbers::{Given, Numbers};
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

/// A remote that went: the number that it had, and its address.
pub type Left = (RemoteId, Ipv4Addr);

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
pub struct Tunnels {
    tunnels: Numbers<Name, Known>,
    remotes: Vec<Option<Arc<Remote>>>,
    /// How many static entries lead to a remote.
    pins: HashMap<RemoteId, u32>,
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

impl Default for Tunnels {
    fn default() -> Self {
        Tunnels {
            tunnels: Numbers::new(TunnelId::LIMIT),
            remotes: Vec::new(),
            pins: HashMap::new(),
            at: HashMap::new(),
            retired: Vec::new(),
            free: Vec::new(),
            refused: 0,
            errors: Errors::default(),
        }
    }
}

impl Tunnels {
    /// See [`Numbers::free`].
    pub fn free(&self, name: Name, now: u64, passed: impl Fn(Change) -> bool) -> Option<Given> {
        self.tunnels.free(name, now, passed)
    }

    /// A tunnel comes, under a number that is free for it; its remotes come by
    /// [`Tunnels::settle`].
    pub fn put(&mut self, given: Given, wanted: &config::Tunnel, bridge: BridgeId) {
        let known = Known {
            wanted: wanted.clone(),
            bridge,
            remotes: HashMap::new(),
            learned: Vec::new(),
            down: Some("its port is not open yet".to_owned()),
        };
        self.tunnels.put(given, wanted.name, known);
    }

    /// A tunnel is wanted otherwise: so are the records of the remotes that it has. Those that come
    /// or go do so by [`Tunnels::settle`].
    pub fn set(&mut self, wanted: &config::Tunnel, bridge: BridgeId) {
        let at = self.tunnels.by_name(wanted.name);
        let Some(known) = at.and_then(|at| self.tunnels.get_mut(at)) else {
            return;
        };
        known.bridge = bridge;
        known.wanted.clone_from(wanted);
        for (address, id) in &known.remotes {
            let lenient = lenient(wanted, *address);
            let Some(remote) = self.remotes.get_mut(id.index()).and_then(Option::as_mut) else {
                continue;
            };
            let settings = settings(wanted);
            if (remote.lenient, &remote.settings) != (lenient, &settings) {
                *remote = Arc::new(remote.with(lenient, settings));
            }
        }
    }

    /// A tunnel goes, and all its remotes. Returns its number, and those of the remotes with their
    /// addresses. Static entries that lead to them are gone already.
    pub fn remove(&mut self, name: Name, now: u64) -> Option<(TunnelId, Vec<Left>)> {
        let (at, known) = self.tunnels.remove(name, now)?;
        let gone: Vec<_> = known
            .remotes
            .iter()
            .map(|(address, id)| (*id, *address))
            .collect();
        for (id, address) in &gone {
            self.retire(*id, *address);
        }
        Some((TunnelId::new(at)?, gone))
    }

    /// Gives every default remote of a tunnel a record, and forgets those that are neither that, nor
    /// learned, nor where a static entry leads. Returns who came and who went; `None` if there are
    /// too many.
    pub fn settle(&mut self, name: Name) -> Option<(Vec<RemoteId>, Vec<Left>)> {
        let at = self.tunnels.by_name(name)?;
        let known = self.tunnels.get_mut(at)?;
        let (wanted, pins) = (&known.wanted, &self.pins);
        let listed: HashSet<_> = wanted.remotes.iter().map(|remote| remote.address).collect();
        if wanted.accept != config::Accept::Any {
            // Who was let in for nothing else is not any more.
            known.learned.clear();
        }
        known.learned.retain(|(id, _)| {
            let mut all = known.remotes.iter();
            !all.any(|(address, known)| known == id && listed.contains(address))
        });
        let learned: HashSet<_> = known.learned.iter().map(|(id, _)| *id).collect();
        let stays = |address: &Ipv4Addr, id: &RemoteId| {
            listed.contains(address) || learned.contains(id) || pins.contains_key(id)
        };
        let left = known
            .remotes
            .iter()
            .filter(|(address, id)| !stays(address, id));
        let gone: Vec<_> = left.map(|(address, id)| (*id, *address)).collect();
        known.remotes.retain(|address, id| stays(address, id));
        let order: Vec<_> = wanted.remotes.iter().map(|remote| remote.address).collect();
        let new: Vec<_> = order
            .into_iter()
            .filter(|a| !known.remotes.contains_key(a))
            .collect();
        for (id, address) in &gone {
            self.retire(*id, *address);
        }
        let id = TunnelId::new(at)?;
        let came = new.into_iter().map(|address| self.ensure(id, address));
        Some((came.collect::<Option<_>>()?, gone))
    }

    /// How many more remotes there may be.
    pub fn room(&self) -> usize {
        self.free.len() + (RemoteId::LIMIT - self.remotes.len())
    }

    /// The record of a tunnel's remote, if it has one.
    pub fn known(&self, id: TunnelId, address: Ipv4Addr) -> Option<RemoteId> {
        self.tunnels.get(id.index())?.remotes.get(&address).copied()
    }

    /// The remotes of a tunnel.
    pub fn remotes_of(&self, id: TunnelId) -> Vec<RemoteId> {
        let known = self.tunnels.get(id.index());
        known.map_or_else(Vec::new, |known| known.remotes.values().copied().collect())
    }

    /// One static entry more, or one fewer, leads to a remote.
    pub fn pin(&mut self, id: RemoteId, pinned: bool) {
        let pins = self.pins.entry(id).or_default();
        *pins = if pinned {
            *pins + 1
        } else {
            pins.saturating_sub(1)
        };
        if *pins == 0 {
            self.pins.remove(&id);
        }
    }

    /// What leads to a remote is gone, and it is in no snapshot that follows.
    fn retire(&mut self, id: RemoteId, address: Ipv4Addr) {
        if let Some(remote) = self.remotes.get_mut(id.index()) {
            *remote = None;
        }
        self.retired.push((None, id));
        self.errors.forget(id);
        let left = self.at.get_mut(&address).map(|ids| {
            ids.retain(|other| *other != id);
            ids.len()
        });
        if left == Some(0) {
            self.at.remove(&address);
        }
    }

    /// The tunnel of this name.
    pub fn by_name(&self, name: Name) -> Option<TunnelId> {
        self.tunnels.by_name(name).and_then(TunnelId::new)
    }

    /// Name and bridge of a tunnel.
    pub fn describe(&self, id: TunnelId) -> Option<(Name, BridgeId)> {
        self.tunnels
            .get(id.index())
            .map(|tunnel| (tunnel.wanted.name, tunnel.bridge))
    }

    /// The numbers of all tunnels.
    pub fn ids(&self) -> Vec<TunnelId> {
        let all = self.tunnels.iter();
        all.filter_map(|(at, _)| TunnelId::new(at)).collect()
    }

    /// How many numbers were ever given.
    pub fn numbers(&self) -> usize {
        self.tunnels.places().count()
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
        let lenient = lenient(&known.wanted, address);
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
        // What was told may be older than what is wanted.
        let any = known.wanted.accept == config::Accept::Any;
        if known.remotes.contains_key(&address) || !any {
            return None;
        }
        let room = known.learned.len() < MAX_LEARNED;
        let id = room.then(|| self.ensure(tunnel, address)).flatten();
        let known = self.tunnels.get_mut(tunnel.index());
        match id.zip(known) {
            Some((id, known)) => known.learned.push((id, now)),
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
        if self
            .tunnels
            .iter()
            .all(|(_, tunnel)| tunnel.learned.is_empty())
        {
            return gone;
        }
        let used = used();
        for (_, tunnel) in self.tunnels.iter_mut() {
            tunnel.learned.retain(|(id, since)| {
                let fresh = now.saturating_sub(*since) < GRACE;
                let stays = fresh || used.contains(id);
                if let Some(remote) = self.remotes[id.index()].as_ref().filter(|_| !stays) {
                    tunnel.remotes.remove(&remote.address);
                    gone.push((*id, remote.address));
                }
                stays
            });
        }
        for (id, address) in &gone {
            self.retire(*id, *address);
        }
        gone
    }

    /// A snapshot without what was forgotten was published as `change`.
    pub fn seal(&mut self, change: Change) {
        self.tunnels.seal(change);
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
        for (known, id) in self.tunnels.places().zip((0..).map_while(TunnelId::new)) {
            let Some(known) = known else {
                snapshot.tunnels.push(Arc::new(nothing(id)));
                continue;
            };
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
    /// tunnels' numbers and of their remotes in the configuration.
    pub fn flood_list(&self, bridge: BridgeId) -> Vec<(TunnelId, RemoteId)> {
        let of_bridge = self
            .tunnels
            .iter()
            .filter(|(_, tunnel)| tunnel.bridge == bridge);
        of_bridge
            .flat_map(|(at, tunnel)| {
                let defaults = tunnel.wanted.remotes.iter();
                defaults.filter_map(move |remote| {
                    Some((TunnelId::new(at)?, *tunnel.remotes.get(&remote.address)?))
                })
            })
            .collect()
    }

    /// Tunnels that are in a bridge.
    pub fn of_bridge(&self, bridge: BridgeId) -> impl Iterator<Item = &config::Tunnel> {
        let all = self
            .tunnels
            .iter()
            .filter(move |(_, tunnel)| tunnel.bridge == bridge);
        all.map(|(_, tunnel)| &tunnel.wanted)
    }
}

/// A tunnel that nothing leads to.
fn nothing(id: TunnelId) -> Tunnel {
    Tunnel {
        id,
        bridge: BridgeId::modulo(0),
        learning: false,
        accept_any: false,
        lenient: false,
        need_checksum: false,
        known: HashMap::new(),
    }
}

/// Whether reserved bits are tolerated from a remote of a tunnel.
fn lenient(wanted: &config::Tunnel, address: Ipv4Addr) -> bool {
    let mut listed = wanted.remotes.iter();
    let listed = listed.find(|remote| remote.address == address);
    let bits = listed.map_or(wanted.reserved_bits, |remote| remote.reserved_bits);
    bits == config::ReservedBits::Lenient
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
