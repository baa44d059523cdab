//! The small switch: two guests and an uplink, and ports of every other kind.
//!
//! ```text
//! A, B ------ bridge 0 -- tunnel 0: VNI 10, strict, from known remotes 0 (.1) and 1 (.9, lenient)
//! BOTH, DOWN  bridge 1 -- tunnel 1: VNI 20, lenient, from anyone; remote 2 (.1, strict)
//! UPLINK      192.0.2.2, in no bridge; the next hop of all remotes is there
//! LONE        nothing at all
//! ```

use super::frames::vtep;
use crate::action::{Action, Arrival, From, Inlet};
use crate::event::Origin;
use crate::fdb::{Destination, FdbKey, FdbValue, Kind};
use crate::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId, WorkerId};
use crate::snapshot::{
    Bridge, Df, EncapSettings, EndPoint, Hop, Inherit, Member, Own, Place, Port, Remote,
    RxChecksum, Snapshot, Tunnel, TxChecksums, Way,
};
use crate::wire::{Mac, Vni, vxlan};
use std::net::Ipv4Addr;
use std::sync::Arc;

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const UPLINK: usize = 2;
pub(crate) const BOTH: usize = 3;
pub(crate) const LONE: usize = 4;
pub(crate) const DOWN: usize = 5;

pub(crate) fn port(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

pub(crate) fn bridge(number: usize) -> BridgeId {
    BridgeId::new(number).unwrap()
}

pub(crate) fn tunnel(number: usize) -> TunnelId {
    TunnelId::new(number).unwrap()
}

pub(crate) fn remote(number: usize) -> RemoteId {
    RemoteId::new(number).unwrap()
}

pub(crate) fn link(number: usize) -> LinkId {
    LinkId::new(number).unwrap()
}

/// An address of ours in untagged frames.
pub(crate) fn untagged(address: Ipv4Addr) -> Own {
    let vlan = None;
    Own { address, vlan }
}

pub(crate) fn worker(number: usize) -> WorkerId {
    WorkerId::new(number).unwrap()
}

/// Where frames from a port enter a bridge.
pub(crate) fn port_inlet(number: usize, bridge_number: usize) -> Inlet {
    Inlet {
        bridge: bridge(bridge_number),
        from: From::Port(port(number)),
        origin: Origin::Port(port(number)),
        learning: true,
    }
}

/// Where frames from a tunnel enter its bridge.
pub(crate) fn tunnel_inlet(number: usize, origin: Origin) -> Inlet {
    Inlet {
        bridge: bridge(number),
        from: From::Tunnel(tunnel(number)),
        origin,
        learning: true,
    }
}

/// Out of the tunnel of this remote, or, if there is none, of the one that takes frames from anyone,
/// in what came by the link of UPLINK.
pub(crate) fn decap_of(remote: Option<RemoteId>) -> Action {
    let strict = remote.is_some_and(|remote| remote.index() < 2);
    Action::Decap(Arrival {
        tunnel: tunnel(usize::from(!strict)),
        remote,
        link: Some(link(0)),
    })
}

/// An entry for a station of bridge 0 or 1 that was seen.
pub(crate) fn learned(bridge_number: usize, mac: Mac, to: Destination) -> (FdbKey, FdbValue) {
    let kind = Kind::Learned;
    (
        FdbKey::new(bridge(bridge_number), mac),
        FdbValue { to, kind },
    )
}

/// The same, configured.
pub(crate) fn pinned(bridge_number: usize, mac: Mac, to: Destination) -> (FdbKey, FdbValue) {
    let kind = Kind::Static;
    (
        FdbKey::new(bridge(bridge_number), mac),
        FdbValue { to, kind },
    )
}

/// The switch of the picture, all next hops resolved.
pub(crate) fn switch() -> Snapshot {
    let ports = [
        with_bridge(A, 0),
        with_bridge(B, 0),
        Port {
            addresses: vec![untagged(vtep(2).1)],
            mtu: 1600,
            ..plain(UPLINK)
        },
        Port {
            addresses: vec![untagged([198, 51, 100, 2].into())],
            ..with_bridge(BOTH, 1)
        },
        plain(LONE),
        Port {
            up: false,
            ..with_bridge(DOWN, 1)
        },
    ];
    let mut snapshot = Snapshot {
        ports: ports.map(|port| Some(Arc::new(port))).into(),
        ..Snapshot::default()
    };
    snapshot.links.push(Place {
        port: port(UPLINK),
        vlan: None,
    });
    snapshot.udp_ports.insert(vxlan::PORT);
    let [r0, r1, r2] = [0, 1, 2].map(remote);
    add_bridge(
        &mut snapshot,
        vec![
            Member::Port(port(A)),
            Member::Port(port(B)),
            Member::Remote(tunnel(0), r0),
            Member::Remote(tunnel(0), r1),
        ],
    );
    add_bridge(
        &mut snapshot,
        vec![
            Member::Port(port(BOTH)),
            Member::Port(port(DOWN)),
            Member::Remote(tunnel(1), r2),
        ],
    );
    add_tunnel(&mut snapshot, 10, false, &[(1, false), (9, true)]);
    add_tunnel(&mut snapshot, 20, true, &[(1, false)]);
    snapshot
}

fn plain(number: usize) -> Port {
    Port {
        id: port(number),
        mac: Mac::new([2, 0, 0, 0, 2, number as u8]),
        mtu: 1500,
        generation: 1,
        up: true,
        bridge: None,
        addresses: Vec::new(),
        local: None,
        uplink: None,
        tx_queues: 1,
        may_chain: true,
        tx: TxChecksums::default(),
        rx_open: false,
        rx_checksum: RxChecksum::Verify,
        rx_limit: None,
    }
}

fn with_bridge(number: usize, bridge_number: usize) -> Port {
    Port {
        bridge: Some(bridge(bridge_number)),
        ..plain(number)
    }
}

fn add_bridge(snapshot: &mut Snapshot, flood: Vec<Member>) {
    let id = bridge(snapshot.bridges.len());
    snapshot.bridges.push(Arc::new(Bridge {
        id,
        learning: true,
        flood,
    }));
}

/// A tunnel into the bridge of its number, with remotes by the last byte of their address and
/// whether they are lenient.
fn add_tunnel(snapshot: &mut Snapshot, vni: u8, open: bool, remotes: &[(u8, bool)]) {
    let number = snapshot.tunnels.len();
    let vni = Vni::from_bytes([0, 0, vni]);
    let settings = EncapSettings {
        local: vtep(2).1,
        udp_port: vxlan::PORT,
        vni,
        source_ports: 49152..=65535,
        ttl: Inherit::Fixed(64),
        dscp: Inherit::Fixed(0),
        df: Df::Set,
        udp_checksum: false,
    };
    let mut known = std::collections::HashMap::new();
    for (host, lenient) in remotes {
        let id = remote(snapshot.remotes.len());
        let (mac, address) = vtep(*host);
        let record = Remote::new(id, tunnel(number), address, *lenient, settings.clone());
        record.next_hops.set_way(Way {
            paths: 1,
            ..Way::default()
        });
        record.next_hops.store(0, Some(Hop { link: link(0), mac }));
        snapshot.remotes.push(Some(Arc::new(record)));
        known.insert(address, id);
    }
    snapshot.tunnels.push(Arc::new(Tunnel {
        id: tunnel(number),
        bridge: bridge(number),
        learning: true,
        accept_any: open,
        lenient: open,
        need_checksum: false,
        known,
    }));
    let end_point = EndPoint {
        local: vtep(2).1,
        udp_port: vxlan::PORT,
        vni,
    };
    snapshot.end_points.insert(end_point, tunnel(number));
}

/// Changes a port of a snapshot that nobody else has.
pub(crate) fn edit_port(snapshot: &mut Snapshot, number: usize, edit: impl FnOnce(&mut Port)) {
    edit(Arc::make_mut(snapshot.ports[number].as_mut().unwrap()));
}

/// Changes how the outer headers for a remote are filled.
pub(crate) fn edit_remote(
    snapshot: &mut Snapshot,
    number: usize,
    edit: impl FnOnce(&mut EncapSettings),
) {
    let old = snapshot.remotes[number].take().unwrap();
    let mut settings = old.settings.clone();
    edit(&mut settings);
    let next_hops = Arc::into_inner(old).unwrap();
    let new = Remote {
        next_hops: next_hops.next_hops,
        ..Remote::new(
            next_hops.id,
            next_hops.tunnel,
            next_hops.address,
            next_hops.lenient,
            settings,
        )
    };
    snapshot.remotes[number] = Some(Arc::new(new));
}
