//! What is wanted as the tables of a file that would say so: an edit changes one of them, and the
//! rules for files judge the whole again. Nothing of it has a place in a text.

use super::{
    BridgeTable, FdbTable, File, NeighbourTable, PortTable, RemoteItem, RouteTable, TunnelTable,
};
use crate::config::model::{Bridge, FdbEntry, FdbTarget, Port, Tunnel, Wanted};
use crate::config::neighbour::Neighbour;
use crate::config::report::{At, Span};
use crate::config::route::Route;
use crate::config::{Name, Remote};

/// Where there is no text.
pub(in crate::config) const NOWHERE: Span = 0..0;

/// `value`, which stands nowhere.
pub(in crate::config) fn at<T>(value: T) -> At<T> {
    let span = NOWHERE;
    At { value, span }
}

fn name(name: Name) -> At<String> {
    at(name.to_string())
}

impl File {
    /// All but the static entries, which may be many.
    pub(in crate::config) fn without_fdb(wanted: &Wanted) -> File {
        File {
            switch: wanted.switch,
            ports: wanted.ports.iter().map(PortTable::of).collect(),
            routes: wanted.routes.iter().map(RouteTable::of).collect(),
            neighbours: wanted.neighbours.iter().map(NeighbourTable::of).collect(),
            bridges: wanted.bridges.iter().map(BridgeTable::of).collect(),
            tunnels: wanted.tunnels.iter().map(TunnelTable::of).collect(),
            fdb: Vec::new(),
        }
    }
}

impl PortTable {
    fn of(port: &Port) -> Self {
        PortTable {
            span: NOWHERE,
            name: Some(name(port.name)),
            device: Some(at(port.device.clone())),
            mtu: port.mtu,
            addresses: port.addresses.iter().copied().map(at).collect(),
            underlay: port.is_underlay(),
            local: port.local.map(name),
            promiscuous: port.promiscuous,
            rx_checksum: port.rx_checksum,
            offload: port.offload,
            rx_queues: port.rx_queues,
            rx_workers: (!port.rx_workers.is_empty()).then(|| at(port.rx_workers.clone())),
            tx_queues: port.tx_queues,
            rx_descriptors: port.rx_descriptors,
            tx_descriptors: port.tx_descriptors,
        }
    }
}

impl RouteTable {
    fn of(route: &Route) -> Self {
        RouteTable {
            span: NOWHERE,
            to: Some(at(route.to)),
            via: route.via.iter().copied().map(at).collect(),
        }
    }
}

impl NeighbourTable {
    fn of(neighbour: &Neighbour) -> Self {
        NeighbourTable {
            span: NOWHERE,
            port: Some(name(neighbour.port)),
            vlan: neighbour.vlan,
            address: Some(at(neighbour.address)),
            mac: Some(at(neighbour.mac)),
            broken: false,
        }
    }
}

impl BridgeTable {
    fn of(bridge: &Bridge) -> Self {
        BridgeTable {
            span: NOWHERE,
            name: Some(name(bridge.name)),
            ports: bridge.ports.iter().copied().map(name).collect(),
            ageing: u32::try_from(bridge.ageing.as_secs()).unwrap_or(u32::MAX),
            learning: bridge.learning,
        }
    }
}

impl TunnelTable {
    fn of(tunnel: &Tunnel) -> Self {
        TunnelTable {
            span: NOWHERE,
            name: Some(name(tunnel.name)),
            bridge: Some(name(tunnel.bridge)),
            vni: Some(at(tunnel.vni)),
            local: Some(at(tunnel.local)),
            remotes: tunnel
                .remotes
                .iter()
                .map(|r| at(RemoteItem::of(r, tunnel)))
                .collect(),
            udp_port: tunnel.udp_port,
            source_ports: tunnel.source_ports.clone(),
            ttl: tunnel.ttl,
            dscp: tunnel.dscp,
            df: tunnel.df,
            udp_checksum: tunnel.udp_checksum,
            accept: tunnel.accept,
            zero_checksum: at(tunnel.zero_checksum),
            reserved_bits: tunnel.reserved_bits,
            learning: tunnel.learning,
        }
    }
}

impl RemoteItem {
    /// One that is judged as its tunnel stays so, should the tunnel's setting change.
    fn of(remote: &Remote, tunnel: &Tunnel) -> Self {
        let bits = remote.reserved_bits;
        RemoteItem {
            address: remote.address,
            reserved_bits: (bits != tunnel.reserved_bits).then_some(bits),
        }
    }
}

impl FdbTable {
    pub(in crate::config) fn of(entry: &FdbEntry) -> Self {
        let (port, tunnel, remote) = match entry.target {
            FdbTarget::Port(port) => (Some(name(port)), None, None),
            FdbTarget::Remote { tunnel, remote } => (None, Some(name(tunnel)), Some(at(remote))),
        };
        FdbTable {
            span: NOWHERE,
            bridge: Some(name(entry.bridge)),
            mac: Some(at(entry.mac)),
            port,
            tunnel,
            remote,
            broken: false,
        }
    }
}
