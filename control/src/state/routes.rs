//! Routes, addresses and tunnels, as clients see them.

use super::{SECOND, State};
use crate::api::messages::{self as api, Network};
use crate::config;
use crate::neighbours::{AddressState, OnLink};
use fastpath::ids::{RemoteId, TunnelId};
use fastpath::io::Io;
use fastpath::snapshot::{Place, Remote};
use fastpath::wire::VlanId;
use std::collections::HashMap;
use std::net::Ipv4Addr;

impl<I: Io> State<I> {
    /// Connected networks first, then static routes, the longest prefixes first.
    pub(super) fn show_routes(&self) -> Vec<api::Route> {
        let mut routes: Vec<api::Route> = Vec::new();
        for own in self.neighbours.addresses() {
            let Ok(to) = Network::new(own.prefix.masked()) else {
                continue;
            };
            let alive = match own.state {
                AddressState::Duplicate(_) => false,
                AddressState::Tentative | AddressState::Preferred => self.is_up(own.place),
            };
            let via = self.via(own.place, None, None, alive);
            match routes.iter_mut().find(|route| route.to == to) {
                Some(route) if route.via.contains(&via) => {}
                Some(route) => route.via.push(via),
                None => routes.push(api::Route {
                    to,
                    via: vec![via],
                    kind: api::RouteKind::Connected,
                }),
            }
        }
        routes.extend(self.neighbours.routes().filter_map(|route| {
            let via = route.via.iter().map(|gateway| self.gateway(*gateway));
            Some(api::Route {
                to: Network::new(route.to).ok()?,
                via: via.collect(),
                kind: api::RouteKind::Static,
            })
        }));
        routes
    }

    fn gateway(&self, gateway: Ipv4Addr) -> api::Via {
        match self.neighbours.on_link(gateway) {
            Some(OnLink { place, mac }) => self.via(place, Some(gateway), mac, true),
            // Its link is down, or it was on none from the start.
            None => api::Via {
                gateway: Some(gateway),
                port: self.port_towards(gateway).unwrap_or_default(),
                vlan: None,
                mac: None,
                alive: false,
            },
        }
    }

    fn port_towards(&self, gateway: Ipv4Addr) -> Option<String> {
        let mut ports = self.wanted.ports.iter();
        let near = |port: &&config::Port| {
            let mut own = port.addresses.iter();
            own.any(|own| own.prefix.contains(gateway))
        };
        ports.find(near).map(|port| port.name.to_string())
    }

    fn via(
        &self,
        place: Place,
        gateway: Option<Ipv4Addr>,
        mac: Option<fastpath::wire::Mac>,
        alive: bool,
    ) -> api::Via {
        api::Via {
            gateway,
            port: self.port_name(place.port).unwrap_or_default(),
            vlan: place.vlan.map(VlanId::get),
            mac,
            alive,
        }
    }

    fn is_up(&self, place: Place) -> bool {
        let port = self.ports.get(place.port);
        port.is_some_and(|port| port.is_up())
    }

    pub(super) fn show_addresses(&self) -> Vec<api::Address> {
        let shown = self.neighbours.addresses().map(|own| {
            let (state, taken_by) = match own.state {
                AddressState::Tentative => (api::AddressState::Tentative, None),
                AddressState::Preferred => (api::AddressState::Preferred, None),
                AddressState::Duplicate(by) => (api::AddressState::Duplicate, Some(by)),
            };
            api::Address {
                address: own.prefix.address(),
                prefix_length: own.prefix.length(),
                port: self.port_name(own.place.port).unwrap_or_default(),
                vlan: own.place.vlan.map(VlanId::get),
                state,
                taken_by,
            }
        });
        shown.collect()
    }

    /// In the order of their numbers.
    pub(super) fn show_tunnels(&self) -> Vec<api::Tunnel> {
        let mut remotes: HashMap<TunnelId, Vec<&Remote>> = HashMap::new();
        for remote in self.tunnels.remotes() {
            remotes.entry(remote.tunnel).or_default().push(remote);
        }
        let ids = self.tunnels.ids().into_iter();
        ids.filter_map(|id| self.show_tunnel(id, remotes.remove(&id).unwrap_or_default()))
            .collect()
    }

    fn show_tunnel(&self, id: TunnelId, remotes: Vec<&Remote>) -> Option<api::Tunnel> {
        let wanted = self.tunnels.wanted(id)?;
        let reason = self.tunnels.down(id).map(str::to_owned);
        Some(api::Tunnel {
            name: wanted.name.to_string(),
            bridge: wanted.bridge.to_string(),
            vni: wanted.vni.get(),
            local: wanted.local,
            udp_port: wanted.udp_port,
            state: match reason {
                Some(_) => api::TunnelState::Down,
                None => api::TunnelState::Up,
            },
            reason,
            remotes: remotes.into_iter().map(|r| self.show_remote(r)).collect(),
        })
    }

    fn show_remote(&self, remote: &Remote) -> api::Remote {
        let [rx, tx] = self.traffic(remote.id);
        let paths = usize::from(remote.next_hops.way().paths);
        let way = self.neighbours.way(remote.address).into_iter().take(paths);
        let neighbours = self.neighbours.leading_to(remote.address);
        let way = way.zip(neighbours).map(|(hop, neighbour)| {
            let on_link = self.neighbours.on_link(neighbour);
            let place = on_link.map(|on_link| on_link.place);
            api::Way {
                port: place
                    .and_then(|place| self.port_name(place.port))
                    .unwrap_or_default(),
                vlan: place.and_then(|place| place.vlan).map(VlanId::get),
                mac: hop.map(|(_, mac)| mac),
            }
        });
        api::Remote {
            address: remote.address,
            learned: self.tunnels.is_learned(remote.id),
            way: way.collect(),
            rx,
            tx,
            last_error: self.show_error(remote.id),
        }
    }

    fn show_error(&self, id: RemoteId) -> Option<api::RemoteError> {
        let error = self.tunnels.last_error(id)?;
        Some(api::RemoteError {
            from: error.from,
            kind: error.fault.name().into_owned(),
            mtu: error.fault.mtu.map(std::num::NonZeroU16::get),
            count: error.count,
            age: (self.now / SECOND).saturating_sub(error.at),
        })
    }
}
