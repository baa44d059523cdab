//! From an entry of a cache, a reason or a station to what stands behind it.

mod causes;

use super::State;
use crate::api::messages::{
    self as api, BridgeBehind, CacheAction, CacheEntry, DropBehind, EntryBehind, StationBehind,
};
use crate::explain::{Fate, reach};
use fastpath::action::Target;
use fastpath::drop::DropReason;
use fastpath::fdb::{Destination, FdbEntry};
use fastpath::io::Io;
use fastpath::wire::{EtherType, Mac};
use std::net::Ipv4Addr;

/// Bytes of outer headers that count against the MTU of the underlay, with the inner Ethernet header:
/// IPv4, UDP, VXLAN, Ethernet.
const OUTER: u16 = 20 + 8 + 8 + 14;
/// Most bridges of which it is told what a station is there: each is worked out by state.
const MAX_STATIONS: usize = 64;
/// Bytes of the shortest frame (IEEE 802.3), without frame check sequence.
const SHORTEST: usize = 60;

impl<I: Io> State<I> {
    pub(super) fn entry_behind(&self, entry: CacheEntry) -> EntryBehind {
        let outputs = entry.actions.iter().filter_map(|action| match action {
            CacheAction::Output { port } => Some(port),
            _ => None,
        });
        let bridge = entry.actions.iter().find_map(|action| match action {
            CacheAction::Bridge { bridge, .. } => Some(bridge),
            _ => None,
        });
        let ports = std::iter::once(&entry.port).chain(outputs);
        let mut addresses = self.show_addresses();
        addresses.retain(|own| own.port == entry.port && own.vlan == entry.vlan);
        let tunnels = self.tunnel_behind(entry.tunnel.as_deref(), entry.remote);
        EntryBehind {
            ports: ports.filter_map(|name| self.port_behind(name)).collect(),
            addresses,
            tunnels: tunnels.into_iter().collect(),
            bridge: bridge.and_then(|name| self.bridge_behind(name)),
            entry,
        }
    }

    fn port_behind(&self, name: &str) -> Option<api::Port> {
        let mut ports = self.ports.iter();
        let port = ports.find(|port| port.wanted.name.as_str() == name)?;
        Some(self.show_port(port))
    }

    /// A tunnel without the other remotes.
    fn tunnel_behind(&self, name: Option<&str>, remote: Option<Ipv4Addr>) -> Option<api::Tunnel> {
        let mut tunnels = self.show_tunnels().into_iter();
        let mut tunnel = tunnels.find(|tunnel| Some(tunnel.name.as_str()) == name)?;
        tunnel.remotes.retain(|one| Some(one.address) == remote);
        Some(tunnel)
    }

    fn bridge_behind(&self, name: &str) -> Option<BridgeBehind> {
        let mut numbered = self.bridges.iter();
        let (id, bridge) = numbered.find(|(_, bridge)| bridge.name.as_str() == name)?;
        let tunnels = self.tunnels.of_bridge(id);
        let stations = self.fdb.entries().filter(|entry| entry.key.bridge() == id);
        Some(BridgeBehind {
            bridge: name.to_owned(),
            ports: bridge.ports.iter().map(ToString::to_string).collect(),
            tunnels: tunnels.map(|tunnel| tunnel.name.to_string()).collect(),
            stations: stations.count() as u64,
        })
    }

    /// `entries` are those that drop by it, and `more` how many there are beside.
    pub(super) fn drop_behind(
        &self,
        why: DropReason,
        entries: Vec<CacheEntry>,
        more: u64,
    ) -> DropBehind {
        let mut counters = self.show_drops(None).unwrap_or_default();
        counters.retain(|drop| drop.reason == why.name());
        DropBehind {
            reason: why.into(),
            counters,
            causes: self.causes(why),
            entries,
            more,
        }
    }

    /// Of the bridges that know the station, [`MAX_STATIONS`] at most.
    pub(super) fn stations_behind(&self, mac: Mac) -> Vec<StationBehind> {
        let bridges = self.bridges.iter();
        let known = bridges.filter_map(|(bridge, _)| self.fdb.get(bridge, mac));
        let routes = self.show_routes();
        known
            .take(MAX_STATIONS)
            .filter_map(|entry| self.station_behind(&entry, &routes))
            .collect()
    }

    fn station_behind(&self, entry: &FdbEntry, routes: &[api::Route]) -> Option<StationBehind> {
        let shown = self.show_entry(entry)?;
        let to = match entry.value.to {
            Destination::Port(port) => Target::Port(port),
            Destination::Remote(remote) => Target::Remote(remote),
        };
        let end = reach(self.as_it_is(), to, &frame_for(entry.key.mac()));
        let by = match (&end.fate, to) {
            (_, Target::Port(port)) => Some(port),
            (Fate::Sent { port, .. }, Target::Remote(_)) => Some(*port),
            _ => None,
        };
        let port = by.and_then(|id| self.ports.get(id));
        let port = port.map(|port| self.show_port(port));
        let outer = match to {
            Target::Port(_) => 0,
            Target::Remote(_) => OUTER,
        };
        Some(StationBehind {
            tunnel: self.tunnel_behind(shown.tunnel.as_deref(), shown.remote),
            entry: shown,
            end: self.show_end(end, routes),
            mtu: port.as_ref().map(|port| port.mtu.saturating_sub(outer)),
            port,
        })
    }
}

/// A frame for a station that nobody in particular sends.
fn frame_for(mac: Mac) -> Vec<u8> {
    /// For local experiments (IEEE 802, clause 9.2.4).
    const LOCAL: EtherType = EtherType(0x88b5);
    let mut frame = mac.bytes().to_vec();
    frame.extend([2, 0, 0, 0, 0, 0]);
    frame.extend(LOCAL.0.to_be_bytes());
    frame.resize(SHORTEST, 0);
    frame
}
