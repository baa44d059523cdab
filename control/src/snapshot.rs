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
