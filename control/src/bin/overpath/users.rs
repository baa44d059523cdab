//! Who uses a route or a neighbour: the remotes of tunnels behind it. Shown by `-s`.

use crate::route::destination;
use crate::table::{Cell, Hue, Table, maybe, word};
use crate::{neigh, route};
use control::api::messages::{Neighbour, Remote, Route, Traffic, Tunnel, Via};
use std::net::Ipv4Addr;

/// The routes, then for each of them how many remotes it leads to, and their traffic.
pub(crate) fn routes(routes: &[Route], tunnels: &[Tunnel]) -> String {
    let mut table = Table::default();
    for route in routes {
        let behind = remotes(tunnels).filter(|remote| leads(routes, remote.address) == Some(route));
        let mut sum = Sum::default();
        behind.for_each(|remote| sum.add(remote));
        let [count, traffic @ ..] = sum.cells();
        let to = Cell::from(destination(route.to)).hued(Hue::Address);
        table.push_all([to, count].into_iter().chain(traffic));
    }
    route::text(routes) + &table.to_string()
}

/// The neighbours, then for each of them how many static routes have it as a gateway, and how many
/// remotes are reached by it, alone or beside others.
pub(crate) fn neighbours(neighbours: &[Neighbour], routes: &[Route], tunnels: &[Tunnel]) -> String {
    let mut table = Table::default();
    for neighbour in neighbours {
        let gateway = |route: &&Route| {
            let mut ways = route.via.iter();
            ways.any(|via| {
                via.gateway
                    .is_some_and(|gateway| is(neighbour, gateway, via))
            })
        };
        let through = |remote: &&Remote| {
            let route = leads(routes, remote.address);
            let mut ways = route.into_iter().flat_map(|route| &route.via);
            ways.any(|via| is(neighbour, via.gateway.unwrap_or(remote.address), via))
        };
        table.push([
            Cell::from(neighbour.address.to_string()).hued(Hue::Address),
            word("port", &neighbour.port).hued(Hue::Name),
            maybe("vlan", neighbour.vlan),
            word("routes", routes.iter().filter(gateway).count()),
            word("remotes", remotes(tunnels).filter(through).count()),
        ]);
    }
    neigh::text(neighbours) + &table.to_string()
}

fn remotes(tunnels: &[Tunnel]) -> impl Iterator<Item = &Remote> {
    tunnels.iter().flat_map(|tunnel| &tunnel.remotes)
}

/// The route by which packets go: that with the longest prefix.
fn leads(routes: &[Route], to: Ipv4Addr) -> Option<&Route> {
    let prefix = |route: &Route| route.to.prefix();
    let fit = routes.iter().filter(|route| prefix(route).contains(to));
    fit.max_by_key(|route| prefix(route).length())
}

/// Whether packets that go this way for `next` are handed to this neighbour.
fn is(neighbour: &Neighbour, next: Ipv4Addr, via: &Via) -> bool {
    neighbour.address == next && neighbour.port == via.port && neighbour.vlan == via.vlan
}

/// Remotes and their traffic.
#[derive(Default)]
struct Sum {
    remotes: u64,
    rx: Traffic,
    tx: Traffic,
}

impl Sum {
    fn add(&mut self, remote: &Remote) {
        let add = |to: &mut Traffic, more: Traffic| {
            to.packets = to.packets.saturating_add(more.packets);
            to.bytes = to.bytes.saturating_add(more.bytes);
        };
        self.remotes += 1;
        add(&mut self.rx, remote.rx);
        add(&mut self.tx, remote.tx);
    }

    fn cells(&self) -> [Cell; 5] {
        [
            word("remotes", self.remotes),
            word("rx", self.rx.packets),
            word("bytes", self.rx.bytes),
            word("tx", self.tx.packets),
            word("bytes", self.tx.bytes),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{NeighbourState, RouteKind, TunnelState};

    fn via(gateway: Option<[u8; 4]>) -> Via {
        Via {
            gateway: gateway.map(Ipv4Addr::from),
            port: "uplink".into(),
            vlan: None,
            mac: None,
            alive: true,
        }
    }

    fn route(to: &str, via: Vec<Via>) -> Route {
        let kind = match via[0].gateway {
            Some(_) => RouteKind::Static,
            None => RouteKind::Connected,
        };
        let to = to.parse().unwrap();
        Route { to, via, kind }
    }

    fn tunnel(remotes: &[[u8; 4]]) -> Tunnel {
        let remotes = remotes.iter().zip(1..).map(|(address, packets)| Remote {
            address: (*address).into(),
            learned: false,
            way: Vec::new(),
            rx: Traffic {
                packets,
                bytes: packets * 100,
            },
            tx: Traffic {
                packets: packets * 10,
                bytes: packets * 1000,
            },
            last_error: None,
        });
        Tunnel {
            name: "vx10".into(),
            bridge: "br10".into(),
            vni: 10,
            local: [192, 0, 2, 2].into(),
            udp_port: 4789,
            state: TunnelState::Up,
            reason: None,
            remotes: remotes.collect(),
        }
    }

    /// Two remotes behind the gateways of one route, one behind that of a longer one, one on the
    /// link, one nowhere.
    fn all() -> (Vec<Route>, Vec<Tunnel>) {
        let both = vec![via(Some([192, 0, 2, 253])), via(Some([192, 0, 2, 254]))];
        let routes = vec![
            route("192.0.2.0/24", vec![via(None)]),
            route("203.0.113.0/24", both),
            route("203.0.113.128/25", vec![via(Some([192, 0, 2, 1]))]),
        ];
        let tunnels = vec![
            tunnel(&[[203, 0, 113, 1], [192, 0, 2, 1], [203, 0, 113, 2]]),
            tunnel(&[[203, 0, 113, 200], [198, 51, 100, 1]]),
        ];
        (routes, tunnels)
    }

    #[test]
    fn remotes_are_counted_for_the_route_that_leads_to_them() {
        let (routes, tunnels) = all();
        let text = super::routes(&routes, &tunnels);
        let expected = "\
192.0.2.0/24     remotes 1 rx 2 bytes 200 tx 20 bytes 2000
203.0.113.0/24   remotes 2 rx 4 bytes 400 tx 40 bytes 4000
203.0.113.128/25 remotes 1 rx 1 bytes 100 tx 10 bytes 1000
";
        assert_eq!(text, route::text(&routes) + expected);
    }

    #[test]
    fn neighbours_are_used_as_gateways_and_by_remotes() {
        let (routes, tunnels) = all();
        let neighbour = |last, vlan| Neighbour {
            port: "uplink".into(),
            vlan,
            address: [192, 0, 2, last].into(),
            mac: None,
            state: NeighbourState::Stale,
        };
        let known = [
            neighbour(1, None),
            neighbour(253, None),
            neighbour(253, Some(7)),
        ];
        let text = neighbours(&known, &routes, &tunnels);
        let expected = "\
192.0.2.1   port uplink        routes 1 remotes 2
192.0.2.253 port uplink        routes 1 remotes 2
192.0.2.253 port uplink vlan 7 routes 0 remotes 0
";
        assert_eq!(text, neigh::text(&known) + expected);
    }
}
