//! From tables to the snapshot that workers decide by.

use crate::bridges::Bridges;
use crate::config::Bridge;
use crate::links::Links;
use crate::offload::belief::Beliefs;
use crate::ports::Ports;
use crate::tunnels::Tunnels;
use fastpath::ids::BridgeId;
use fastpath::io::Io;
use fastpath::snapshot::{self, Member, Remote, Snapshot};
use std::sync::Arc;

/// What a snapshot is made of.
pub struct Parts<'a, I: Io> {
    /// With what is known of their devices.
    pub ports: &'a Ports<I>,
    /// By number; `None` where there is none any more.
    pub links: &'a Links,
    /// With their ports.
    pub bridges: &'a Bridges,
    /// With their remotes.
    pub tunnels: &'a Tunnels,
    /// How far NICs are believed.
    pub beliefs: &'a Beliefs,
}

/// Builds the snapshot that follows `previous`. Decisions about packets from a port are void if
/// anything that they read is different now: then the port's generation becomes `generation`, a
/// number that was not used before, else it stays.
pub fn build<I: Io>(parts: &Parts<'_, I>, previous: &Snapshot, generation: u32) -> Snapshot {
    let Parts {
        ports,
        links,
        bridges,
        tunnels,
        beliefs,
    } = *parts;
    let views = ports.places().map(|port| port?.view(generation));
    let mut snapshot = Snapshot {
        links: links.places().collect(),
        ports: views.collect(),
        ..Snapshot::default()
    };
    tunnels.fill(&mut snapshot);
    beliefs.fill(&mut snapshot);
    for (bridge, id) in bridges.places().zip((0..).map_while(BridgeId::new)) {
        snapshot.bridges.push(Arc::new(snapshot::Bridge {
            id,
            learning: bridge.is_some_and(Bridge::learns),
            flood: bridge.map_or_else(Vec::new, |bridge| flood(ports, bridge, id, tunnels)),
        }));
    }
    keep_generations(&mut snapshot, previous);
    snapshot
}

/// Gives ports of which nothing changed that decides the generation that they had.
fn keep_generations(snapshot: &mut Snapshot, previous: &Snapshot) {
    let underlay_same = same_underlay(snapshot, previous);
    let bridges = &snapshot.bridges;
    for (port, before) in snapshot.ports.iter_mut().zip(&previous.ports) {
        let (Some(port), Some(before)) = (port.as_mut().map(Arc::make_mut), before) else {
            continue;
        };
        let learning = |bridges: &[Arc<snapshot::Bridge>]| {
            let bridge = bridges.get(port.bridge?.index());
            bridge.map(|bridge| bridge.learning)
        };
        let role = |port: &snapshot::Port| (port.mac, port.bridge, port.local, port.uplink);
        let same = role(port) == role(before)
            && port.addresses == before.addresses
            && learning(bridges) == learning(&previous.bridges)
            && (port.addresses.is_empty() || underlay_same);
        if same {
            port.generation = before.generation;
        }
    }
}

/// What decides about packets from any underlay port: tunnels, their remotes and bridges, and which
/// addresses are our own.
fn same_underlay(snapshot: &Snapshot, previous: &Snapshot) -> bool {
    let addresses = |of: &Snapshot| -> Vec<_> {
        let ports = of.ports.iter().flatten();
        ports.flat_map(|port| port.addresses.clone()).collect()
    };
    let learning = |of: &Snapshot| -> Vec<_> { of.bridges.iter().map(|b| b.learning).collect() };
    let same_remote = |(a, b): (&Option<Arc<Remote>>, &Option<Arc<Remote>>)| match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let remotes = (&snapshot.remotes, &previous.remotes);
    snapshot.end_points == previous.end_points
        && snapshot.udp_ports == previous.udp_ports
        && snapshot.tunnels == previous.tunnels
        && learning(snapshot) == learning(previous)
        && addresses(snapshot) == addresses(previous)
        && remotes.0.len() == remotes.1.len()
        && remotes.0.iter().zip(remotes.1).all(same_remote)
}

/// Ports first, then the default remotes of the bridge's tunnels.
fn flood<I: Io>(ports: &Ports<I>, bridge: &Bridge, id: BridgeId, tunnels: &Tunnels) -> Vec<Member> {
    let ports = bridge.ports.iter().filter_map(|name| ports.by_name(*name));
    let remotes = tunnels.flood_list(id).into_iter();
    ports
        .map(Member::Port)
        .chain(remotes.map(|(t, r)| Member::Remote(t, r)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Wanted;
    use fastpath::io::heap::HeapIo;

    #[test]
    fn ports_before_remotes_and_no_port_that_is_not_open() {
        let text = r#"
            [[port]]
            name = "up"
            device = "d0"
            addresses = ["192.0.2.2/24"]
            [[port]]
            name = "a"
            device = "d1"
            [[port]]
            name = "b"
            device = "d2"
            [[bridge]]
            name = "br0"
            ports = ["b", "a"]
            [[bridge]]
            name = "br1"
            ageing = 0
            [[tunnel]]
            name = "vx0"
            bridge = "br0"
            vni = 10
            local = "192.0.2.2"
            remotes = ["192.0.2.9", "192.0.2.1"]
        "#;
        let wanted = Wanted::parse(text, "test").unwrap();
        let (mut ports, mut bridges) = (Ports::<HeapIo>::default(), Bridges::default());
        for port in &wanted.ports {
            let given = ports.free(port.name, 0, |_| true).unwrap();
            ports.put(given, port.clone());
        }
        for bridge in &wanted.bridges {
            let given = bridges.free(bridge.name, 0, |_| true).unwrap();
            bridges.put(given, bridge.clone());
        }
        let parts = Parts {
            ports: &ports,
            links: &Links::default(),
            bridges: &bridges,
            tunnels: &Tunnels::of(&wanted),
            beliefs: &Beliefs::default(),
        };
        let snapshot = build(&parts, &Snapshot::default(), 1);
        assert_eq!(snapshot.ports.len(), 3);
        assert!(snapshot.ports.iter().all(Option::is_none));
        let flood = snapshot.bridges[0].flood.iter().map(|member| match member {
            Member::Port(port) => (None, port.index()),
            Member::Remote(tunnel, remote) => (Some(tunnel.index()), remote.index()),
        });
        assert!(flood.eq([(None, 2), (None, 1), (Some(0), 0), (Some(0), 1)]));
        assert!(snapshot.bridges[0].learning && !snapshot.bridges[1].learning);
        assert!(snapshot.bridges[1].flood.is_empty());
    }
}
