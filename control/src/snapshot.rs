//! From tables to the snapshot that workers decide by.

use crate::config::{Bridge, Wanted};
use crate::ports::Port;
use crate::tunnels::Tunnels;
use fastpath::ids::{BridgeId, PortId};
use fastpath::io::Io;
use fastpath::snapshot::{self, Member, Snapshot};
use std::sync::Arc;

/// Builds the snapshot. Decisions made before it are void: `generation` differs from theirs.
pub fn build<I: Io>(
    wanted: &Wanted,
    ports: &[Port<I>],
    tunnels: &Tunnels,
    generation: u32,
) -> Snapshot {
    let mut snapshot = Snapshot {
        ports: ports.iter().map(|port| port.view(generation)).collect(),
        ..Snapshot::default()
    };
    tunnels.fill(&mut snapshot);
    for (bridge, id) in wanted.bridges.iter().zip((0..).map_while(BridgeId::new)) {
        snapshot.bridges.push(Arc::new(snapshot::Bridge {
            id,
            learning: bridge.learns(),
            flood: flood(wanted, bridge, id, tunnels),
        }));
    }
    snapshot
}

/// Ports first, then the default remotes of the bridge's tunnels.
fn flood(wanted: &Wanted, bridge: &Bridge, id: BridgeId, tunnels: &Tunnels) -> Vec<Member> {
    let number = |name| wanted.ports.iter().position(|port| port.name == name);
    let ports = bridge
        .ports
        .iter()
        .filter_map(|name| PortId::new(number(*name)?));
    let remotes = tunnels.flood_list(id).into_iter();
    ports
        .map(Member::Port)
        .chain(remotes.map(|(t, r)| Member::Remote(t, r)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let numbered = (0..).map_while(PortId::new).zip(&wanted.ports);
        let ports: Vec<Port<HeapIo>> = numbered
            .map(|(id, port)| Port::new(id, port.clone(), None))
            .collect();
        let snapshot = build(&wanted, &ports, &Tunnels::new(&wanted), 1);
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
