//! The switch under measurement.
//!
//! ```text
//! GUESTS, SERVERS -- bridge 0 -- tunnel 0: VNI 10, from known remotes; 0 is 192.0.2.1, 2 is 192.0.2.3
//! UPLINK             192.0.2.2; the next hops of remotes 0 and 2 are there, that of remote 1 is not known
//! ```

use super::frames::{TAGGED, US, VNI, vtep};
use fastpath::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId};
use fastpath::snapshot::{
    Bridge, Df, EncapSettings, EndPoint, Hop, Inherit, Member, Own, Place, Port, Remote,
    RxChecksum, Snapshot, Tunnel, TxChecksums, Way,
};
use fastpath::wire::vxlan;
use std::sync::Arc;

pub(crate) const GUESTS: usize = 0;
pub(crate) const SERVERS: usize = 1;
pub(crate) const UPLINK: usize = 2;

pub(crate) fn port(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

pub(crate) fn remote(number: usize) -> RemoteId {
    RemoteId::new(number).unwrap()
}

pub(crate) fn bridge() -> BridgeId {
    BridgeId::new(0).unwrap()
}

fn tunnel() -> TunnelId {
    TunnelId::new(0).unwrap()
}

/// The switch of the picture.
pub(crate) fn snapshot() -> Snapshot {
    let own = Own {
        address: vtep(US).1,
        vlan: None,
    };
    let uplink = Port {
        bridge: None,
        addresses: vec![own],
        mtu: 1600,
        ..lan(UPLINK)
    };
    let ports = [lan(GUESTS), lan(SERVERS), uplink];
    let remotes = [1, 9, 3].into_iter().enumerate().map(path_to);
    let remotes: Vec<_> = remotes.collect();
    let known = remotes.iter().map(|remote| (remote.address, remote.id));
    let flood = vec![
        Member::Port(port(GUESTS)),
        Member::Port(port(SERVERS)),
        Member::Remote(tunnel(), remote(0)),
    ];
    let EncapSettings {
        local,
        udp_port,
        vni,
        ..
    } = settings();
    let end_point = EndPoint {
        local,
        udp_port,
        vni,
    };
    let mut snapshot = Snapshot {
        ports: ports.map(|port| Some(Arc::new(port))).into(),
        bridges: vec![Arc::new(Bridge {
            id: bridge(),
            learning: true,
            flood,
        })],
        tunnels: vec![Arc::new(Tunnel {
            id: tunnel(),
            bridge: bridge(),
            learning: true,
            accept_any: false,
            lenient: false,
            need_checksum: false,
            known: known.collect(),
        })],
        ..Snapshot::default()
    };
    snapshot.remotes = remotes.into_iter().map(Some).collect();
    snapshot.end_points.insert(end_point, tunnel());
    snapshot.links.push(Place {
        port: port(UPLINK),
        vlan: None,
    });
    snapshot.udp_ports.insert(vxlan::PORT);
    snapshot
}

/// Has the tunnel's address in frames of a VLAN too.
pub(super) fn add_tagged(snapshot: &mut Snapshot) {
    let vlan = Some(TAGGED);
    let port = port(UPLINK);
    snapshot.links.push(Place { port, vlan });
    if let Some(uplink) = &mut snapshot.ports[UPLINK] {
        let address = vtep(US).1;
        Arc::make_mut(uplink).addresses.push(Own { address, vlan });
    }
}

/// Has outer UDP checksums made, by a NIC or not.
pub(super) fn sum(snapshot: &mut Snapshot, nic: bool) {
    for remote in snapshot.remotes.iter_mut().flatten() {
        let mut settings = remote.settings.clone();
        settings.udp_checksum = true;
        *remote = Arc::new(remote.with(remote.lenient, settings));
    }
    if let Some(uplink) = &mut snapshot.ports[UPLINK] {
        Arc::make_mut(uplink).tx.udp = nic;
    }
}

fn lan(number: usize) -> Port {
    Port {
        id: port(number),
        mac: vtep(US).0,
        mtu: 1500,
        generation: 1,
        up: true,
        bridge: Some(bridge()),
        addresses: Vec::new(),
        local: None,
        uplink: None,
        tx_queues: 1,
        may_chain: false,
        tx: TxChecksums::default(),
        rx_open: false,
        rx_checksum: RxChecksum::Verify,
        rx_limit: None,
    }
}

fn settings() -> EncapSettings {
    EncapSettings {
        local: vtep(US).1,
        udp_port: vxlan::PORT,
        vni: VNI,
        source_ports: 49152..=65535,
        ttl: Inherit::Fixed(64),
        dscp: Inherit::Fixed(0),
        df: Df::Set,
        udp_checksum: false,
    }
}

/// A remote with one path; the second one's next hop is not known.
fn path_to((number, host): (usize, u8)) -> Arc<Remote> {
    let (mac, address) = vtep(host);
    let record = Remote::new(remote(number), tunnel(), address, false, settings());
    let way = Way {
        paths: 1,
        hold: true,
        ..Way::default()
    };
    record.next_hops.set_way(way);
    let link = LinkId::new(0).unwrap();
    let hop = (number != 1).then_some(Hop { link, mac });
    record.next_hops.store(0, hop);
    Arc::new(record)
}
