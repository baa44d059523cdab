//! From what is to what is wanted: the steps between, in the order in which they can be taken.
//!
//! ```text
//! what goes:   fdb, routes, remotes, tunnels, members, local ports, neighbours, addresses, bridges,
//!              ports
//! what comes:  switch, ports, addresses, neighbours, local ports, bridges, members, tunnels, remotes,
//!              routes, fdb
//! ```
//!
//! Nothing is ever there without what it rests on, and taken backwards the steps undo themselves.
//! Things are the same if they have the same name; the order in which a file lists them counts for
//! nothing, but for that of a bridge's ports and a tunnel's remotes, by which a flood goes.

mod step;

pub use step::Step;

use crate::config::{Bridge, FdbEntry, Name, Neighbour, Port, Tunnel, Wanted};
use fastpath::wire::Mac;
use std::collections::HashMap;
use std::hash::Hash;

/// The steps from `from` to `to`; none if they mean the same.
pub fn steps(from: &Wanted, to: &Wanted) -> Vec<Step> {
    let mut steps = Vec::new();
    going(from, to, &mut steps);
    coming(from, to, &mut steps);
    steps
}

/// All of one kind, by what tells them apart.
fn by<K: Hash + Eq, T>(all: &[T], key: impl Fn(&T) -> K) -> HashMap<K, &T> {
    all.iter().map(|item| (key(item), item)).collect()
}

fn station(entry: &FdbEntry) -> (Name, Mac) {
    (entry.bridge, entry.mac)
}

/// What is left of both lists without what they begin and end with in common: of a hundred thousand
/// entries only these few need to be looked up.
fn apart<'a>(from: &'a [FdbEntry], to: &'a [FdbEntry]) -> (&'a [FdbEntry], &'a [FdbEntry]) {
    let same = |(a, b): &(&FdbEntry, &FdbEntry)| a == b;
    let head = from.iter().zip(to).take_while(same).count();
    let (from, to) = (&from[head..], &to[head..]);
    let tail = from.iter().rev().zip(to.iter().rev());
    let tail = tail.take_while(same).count();
    (&from[..from.len() - tail], &to[..to.len() - tail])
}

fn going(from: &Wanted, to: &Wanted, steps: &mut Vec<Step>) {
    let (entries, after) = apart(&from.fdb, &to.fdb);
    let fdb = by(after, station);
    let gone = entries
        .iter()
        .filter(|entry| !fdb.contains_key(&station(entry)));
    steps.extend(gone.map(|entry| Step::FdbDel(*entry)));
    let routes = by(&to.routes, |route| route.to);
    let gone = from
        .routes
        .iter()
        .filter(|route| !routes.contains_key(&route.to));
    steps.extend(gone.map(|route| Step::RouteDel(route.to)));
    let tunnels = by(&to.tunnels, |tunnel| tunnel.name);
    for tunnel in &from.tunnels {
        let stays = tunnels.get(&tunnel.name);
        let left = |remote| !stays.is_some_and(|tunnel| tunnel.remotes.contains(remote));
        let gone = tunnel.remotes.iter().filter(|remote| left(remote));
        steps.extend(gone.map(|remote| Step::RemoteDel(tunnel.name, *remote)));
    }
    let gone = from
        .tunnels
        .iter()
        .filter(|tunnel| !tunnels.contains_key(&tunnel.name));
    steps.extend(gone.map(|tunnel| Step::TunnelDel(tunnel.name)));
    let after = members(to);
    for (port, bridge) in listed_members(from) {
        if after.get(&port) != Some(&bridge) {
            steps.push(Step::Leave { port, bridge });
        }
    }
    let ports = by(&to.ports, |port| port.name);
    for port in from.ports.iter().filter(|port| port.local.is_some()) {
        let stays = ports
            .get(&port.name)
            .is_some_and(|to| to.local == port.local);
        if !stays {
            steps.push(Step::Local(port.name, None));
        }
    }
    let neighbours = by(&to.neighbours, Neighbour::key);
    let gone = from.neighbours.iter();
    let gone = gone.filter(|neighbour| !neighbours.contains_key(&neighbour.key()));
    steps.extend(gone.map(|neighbour| Step::NeighbourDel(*neighbour)));
    for port in &from.ports {
        let stays = ports.get(&port.name);
        let left = |own| !stays.is_some_and(|port| port.addresses.contains(own));
        let gone = port.addresses.iter().filter(|own| left(own));
        steps.extend(gone.map(|own| Step::AddressDel(port.name, *own)));
    }
    let bridges = by(&to.bridges, |bridge| bridge.name);
    let gone = from
        .bridges
        .iter()
        .filter(|bridge| !bridges.contains_key(&bridge.name));
    steps.extend(gone.map(|bridge| Step::BridgeDel(bridge.name)));
    let gone = from
        .ports
        .iter()
        .filter(|port| !ports.contains_key(&port.name));
    steps.extend(gone.map(|port| Step::PortDel(port.name)));
}

fn coming(from: &Wanted, to: &Wanted, steps: &mut Vec<Step>) {
    if from.switch != to.switch {
        steps.push(Step::Switch(from.switch, to.switch));
    }
    let ports = by(&from.ports, |port| port.name);
    for port in &to.ports {
        match ports.get(&port.name) {
            None => steps.push(Step::PortAdd(bare_port(port))),
            Some(before) if bare_port(before) != bare_port(port) => {
                steps.push(Step::PortSet(bare_port(before), bare_port(port)));
            }
            Some(_) => {}
        }
    }
    for port in &to.ports {
        let before = ports.get(&port.name);
        let known = |own| before.is_some_and(|port| port.addresses.contains(own));
        let new = port.addresses.iter().filter(|own| !known(own));
        steps.extend(new.map(|own| Step::AddressAdd(port.name, *own)));
    }
    coming_neighbours(from, to, steps);
    for port in to.ports.iter().filter(|port| port.local.is_some()) {
        let before = ports.get(&port.name).and_then(|before| before.local);
        if before != port.local {
            steps.push(Step::Local(port.name, port.local));
        }
    }
    let bridges = by(&from.bridges, |bridge| bridge.name);
    for bridge in &to.bridges {
        match bridges.get(&bridge.name) {
            None => steps.push(Step::BridgeAdd(bridge.clone())),
            Some(before) if bare_bridge(before) != bare_bridge(bridge) => {
                steps.push(Step::BridgeSet(bare_bridge(before), bare_bridge(bridge)));
            }
            Some(_) => {}
        }
    }
    let before = members(from);
    for (port, bridge) in listed_members(to) {
        if before.get(&port) != Some(&bridge) {
            steps.push(Step::Join { port, bridge });
        }
    }
    coming_tunnels(from, to, steps);
    let routes = by(&from.routes, |route| route.to);
    for route in &to.routes {
        match routes.get(&route.to) {
            None => steps.push(Step::RouteAdd(route.clone())),
            Some(before) if *before != route => steps.push(Step::RouteReplace(route.clone())),
            Some(_) => {}
        }
    }
    let (before, entries) = apart(&from.fdb, &to.fdb);
    let fdb = by(before, station);
    for entry in entries {
        match fdb.get(&station(entry)) {
            None => steps.push(Step::FdbAdd(*entry)),
            Some(before) if *before != entry => steps.push(Step::FdbReplace(*entry)),
            Some(_) => {}
        }
    }
}

fn coming_neighbours(from: &Wanted, to: &Wanted, steps: &mut Vec<Step>) {
    let neighbours = by(&from.neighbours, Neighbour::key);
    for neighbour in &to.neighbours {
        match neighbours.get(&neighbour.key()) {
            None => steps.push(Step::NeighbourAdd(*neighbour)),
            Some(before) if *before != neighbour => {
                steps.push(Step::NeighbourReplace(*neighbour));
            }
            Some(_) => {}
        }
    }
}

fn coming_tunnels(from: &Wanted, to: &Wanted, steps: &mut Vec<Step>) {
    let tunnels = by(&from.tunnels, |tunnel| tunnel.name);
    for tunnel in &to.tunnels {
        let before = tunnels.get(&tunnel.name);
        match before {
            None => steps.push(Step::TunnelAdd(tunnel.clone())),
            Some(before) if bare_tunnel(before) != bare_tunnel(tunnel) => {
                steps.push(Step::TunnelSet(bare_tunnel(before), bare_tunnel(tunnel)));
            }
            Some(_) => {}
        }
        let known = |remote| before.is_some_and(|tunnel| tunnel.remotes.contains(remote));
        let new = tunnel.remotes.iter().filter(|remote| !known(remote));
        steps.extend(new.map(|remote| Step::RemoteAdd {
            tunnel: tunnel.name,
            remote: *remote,
            usual: tunnel.reserved_bits,
        }));
    }
}

/// Which bridge each port is in.
fn members(wanted: &Wanted) -> HashMap<Name, Name> {
    listed_members(wanted).collect()
}

fn listed_members(wanted: &Wanted) -> impl Iterator<Item = (Name, Name)> + '_ {
    let bridges = wanted.bridges.iter();
    bridges.flat_map(|bridge| bridge.ports.iter().map(|port| (*port, bridge.name)))
}

fn bare_port(port: &Port) -> Port {
    Port {
        addresses: Vec::new(),
        local: None,
        ..port.clone()
    }
}

fn bare_bridge(bridge: &Bridge) -> Bridge {
    Bridge {
        ports: Vec::new(),
        ..bridge.clone()
    }
}

fn bare_tunnel(tunnel: &Tunnel) -> Tunnel {
    Tunnel {
        remotes: Vec::new(),
        ..tunnel.clone()
    }
}

#[cfg(test)]
mod tests;
