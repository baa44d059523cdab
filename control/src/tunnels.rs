//! Tunnels and their remotes: from names and addresses to numbered records.

use crate::config::{self, Wanted};
use fastpath::fdb::Destination;
use fastpath::ids::{BridgeId, RemoteId, TunnelId};
use fastpath::publish::Change;
use fastpath::snapshot::{
    Df, EncapSettings, EndPoint, Inherit, Remote, Snapshot, Tunnel, UdpPorts,
};
use std::collections::HashMap;
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
}

/// All tunnels and remote records.
#[derive(Default)]
pub struct Tunnels {
    tunnels: Vec<Known>,
    remotes: Vec<Option<Arc<Remote>>>,
    /// Numbers of forgotten remotes, usable again once every worker has passed the change, which is
    /// not known before the next snapshot is published.
    retired: Vec<(Option<Change>, RemoteId)>,
    free: Vec<RemoteId>,
    /// Senders that were not learned for want of room.
    pub refused: u64,
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

    /// The record of a remote.
    pub fn remote(&self, id: RemoteId) -> Option<&Remote> {
        self.remotes.get(id.index())?.as_deref()
    }

    /// All remote records.
    pub fn remotes(&self) -> impl Iterator<Item = &Remote> {
        self.remotes.iter().flatten().map(Arc::as_ref)
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
        if id.index() == self.remotes.len() {
            self.remotes.push(None);
        }
        self.remotes[id.index()] = Some(Arc::new(remote));
        self.tunnels
            .get_mut(tunnel.index())?
            .remotes
            .insert(address, id);
        Some(id)
    }

    /// A sender that was not configured. `true` if it has a record now and had none before.
    pub fn learn(&mut self, tunnel: TunnelId, address: Ipv4Addr, now: u32) -> bool {
        let Some(known) = self.tunnels.get(tunnel.index()) else {
            return false;
        };
        if known.remotes.contains_key(&address) {
            return false;
        }
        let room = known.learned.len() < MAX_LEARNED;
        match room.then(|| self.ensure(tunnel, address)).flatten() {
            Some(id) => self.tunnels[tunnel.index()].learned.push((id, now)),
            None => self.refused += 1,
        }
        room
    }

    /// Forgets learned remotes that nothing leads to any more. Returns their addresses.
    pub fn forget_idle(
        &mut self,
        now: u32,
        leads_to: impl Fn(Destination) -> bool,
    ) -> Vec<Ipv4Addr> {
        let mut gone = Vec::new();
        for tunnel in &mut self.tunnels {
            tunnel.learned.retain(|(id, since)| {
                let fresh = now.saturating_sub(*since) < GRACE;
                if fresh || leads_to(Destination::Remote(*id)) {
                    return true;
                }
                if let Some(remote) = self.remotes[id.index()].take() {
                    tunnel.remotes.remove(&remote.address);
                    gone.push(remote.address);
                }
                self.retired.push((None, *id));
                false
            });
        }
        gone
    }

    /// A snapshot without the forgotten remotes was published as `change`.
    pub fn seal(&mut self, change: Change) {
        for (since, _) in &mut self.retired {
            since.get_or_insert(change);
        }
    }

    /// Makes the numbers of forgotten remotes usable again whose change every worker has passed.
    pub fn release(&mut self, passed: impl Fn(Change) -> bool) {
        let free = &mut self.free;
        self.retired.retain(|(since, id)| {
            let over = since.is_some_and(&passed);
            if over {
                free.push(*id);
            }
            !over
        });
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
