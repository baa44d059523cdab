//! Tunnels and their remotes: from names and addresses to numbered records.

mod errors;
mod learned;
mod spare;

pub use errors::LastError;
pub use learned::MAX_LEARNED;

use crate::config::{self, Name};
use crate::numbers::{Given, Numbers};
use errors::Errors;
use fastpath::ids::{BridgeId, RemoteId, TunnelId};
use fastpath::publish::Change;
use fastpath::snapshot::{
    Df, EncapSettings, EndPoint, Inherit, Remote, Snapshot, Tunnel, UdpPorts, Way,
};
use spare::Spare;
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

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
    /// Numbers of remotes that nobody has.
    spare: Spare,
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
            spare: Spare::default(),
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

    /// See [`Numbers::have_room`].
    pub fn have_room(
        &self,
        names: impl IntoIterator<Item = Name>,
        now: u64,
        passed: impl Fn(Change) -> bool,
    ) -> bool {
        self.tunnels.have_room(names, 0, now, passed)
    }

    /// See [`Numbers::recall`]; the same of remotes.
    pub fn recall(&mut self, since: u64) {
        self.tunnels.recall(since);
        self.spare.recall();
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
        let tunnel = TunnelId::new(at)?;
        for (id, address) in &gone {
            self.retire(*id, (tunnel, *address));
        }
        Some((tunnel, gone))
    }

    /// Gives every default remote of a tunnel a record, and forgets those that are neither that, nor
    /// learned, nor where a static entry leads, or is about to, as told by `kept`. Returns who came and
    /// who went; `None` if there are too many.
    pub fn settle(
        &mut self,
        name: Name,
        kept: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<(Vec<RemoteId>, Vec<Left>)> {
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
            let led_to = pins.contains_key(id) || kept(*address);
            listed.contains(address) || learned.contains(id) || led_to
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
        let id = TunnelId::new(at)?;
        for (remote, address) in &gone {
            self.retire(*remote, (id, *address));
        }
        let came = new.into_iter().map(|address| self.ensure(id, address));
        Some((came.collect::<Option<_>>()?, gone))
    }

    /// How many more remotes there may be.
    pub fn room(&self) -> usize {
        self.spare.room()
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
    fn retire(&mut self, id: RemoteId, owner: (TunnelId, Ipv4Addr)) {
        if let Some(remote) = self.remotes.get_mut(id.index()) {
            *remote = None;
        }
        self.spare.retire(id, owner);
        let (_, address) = owner;
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
        let id = self.spare.take((tunnel, address))?;
        let lenient = lenient(&known.wanted, address);
        let remote = Remote::new(id, tunnel, address, lenient, settings(&known.wanted));
        remote.next_hops.set_way(Way {
            paths: 0,
            hold: true,
            down: known.down.is_some(),
        });
        if id.index() >= self.remotes.len() {
            self.remotes.resize(id.index() + 1, None);
        }
        self.remotes[id.index()] = Some(Arc::new(remote));
        self.at.entry(address).or_default().push(id);
        self.tunnels
            .get_mut(tunnel.index())?
            .remotes
            .insert(address, id);
        Some(id)
    }

    /// See [`Numbers::seal`]; the same of remotes.
    pub fn seal(&mut self, change: Change) {
        self.tunnels.seal(change);
        self.spare.seal(change);
    }

    /// How many numbers of forgotten remotes no worker uses any more, as told by `passed`.
    pub fn passed(&self, passed: impl Fn(Change) -> bool) -> usize {
        self.spare.passed(passed)
    }

    /// Makes the `count` numbers of remotes usable again that were given back first.
    pub fn release(&mut self, count: usize) {
        self.spare.release(count);
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
        udp_checksum: wanted.udp_checksum,
    }
}

#[cfg(test)]
mod tests;
