//! The messages of the underlay as they stand on the wire, both ways.

use super::tests::{mac, same};
use super::*;
use serde_json::json;

#[test]
fn changes() {
    let none = json!({"lagging": [], "revision": 0, "later": [], "unconfirmed": false});
    same(Changed::default(), none);
    let changed = Changed {
        lagging: vec![0, 3],
        revision: 7,
        later: vec!["mbufs".to_owned()],
        unconfirmed: true,
    };
    let wire = json!({"lagging": [0, 3], "revision": 7, "later": ["mbufs"], "unconfirmed": true});
    same(changed, wire);
    let older: Changed = serde_json::from_value(json!({"lagging": []})).unwrap();
    assert_eq!(older, Changed::default());
}

#[test]
fn routes() {
    let gateway = Via {
        gateway: Some(Ipv4Addr::new(192, 0, 2, 254)),
        port: "uplink".into(),
        vlan: None,
        mac: Some(mac()),
        alive: true,
    };
    let link = Via {
        gateway: None,
        vlan: Some(10),
        mac: None,
        alive: false,
        ..gateway.clone()
    };
    same(
        Route {
            to: "203.0.113.0/24".parse().unwrap(),
            via: vec![gateway],
            kind: RouteKind::Static,
        },
        json!({
            "to": "203.0.113.0/24", "kind": "static",
            "via": [{
                "gateway": "192.0.2.254", "port": "uplink", "vlan": null,
                "mac": "02:00:00:00:00:01", "alive": true,
            }],
        }),
    );
    same(
        Route {
            to: "192.0.2.0/24".parse().unwrap(),
            via: vec![link],
            kind: RouteKind::Connected,
        },
        json!({
            "to": "192.0.2.0/24", "kind": "connected",
            "via": [{
                "gateway": null, "port": "uplink", "vlan": 10, "mac": null, "alive": false,
            }],
        }),
    );
}

#[test]
fn addresses() {
    let ours = Address {
        address: Ipv4Addr::new(192, 0, 2, 2),
        prefix_length: 24,
        port: "uplink".into(),
        vlan: None,
        state: AddressState::Preferred,
        taken_by: None,
    };
    let taken = Address {
        vlan: Some(10),
        state: AddressState::Duplicate,
        taken_by: Some(mac()),
        ..ours.clone()
    };
    same(
        vec![ours, taken],
        json!([
            {
                "address": "192.0.2.2", "prefix_length": 24, "port": "uplink", "vlan": null,
                "state": "preferred", "taken_by": null,
            },
            {
                "address": "192.0.2.2", "prefix_length": 24, "port": "uplink", "vlan": 10,
                "state": "duplicate", "taken_by": "02:00:00:00:00:01",
            },
        ]),
    );
    same(AddressState::Tentative, json!("tentative"));
}

#[test]
fn tunnels() {
    let error = RemoteError {
        from: Ipv4Addr::new(198, 51, 100, 1),
        kind: "packet too big".into(),
        mtu: Some(1400),
        count: 5,
        age: 6,
    };
    let remote = Remote {
        address: Ipv4Addr::new(192, 0, 2, 1),
        learned: true,
        way: vec![Way {
            port: "uplink".into(),
            vlan: Some(10),
            mac: Some(mac()),
        }],
        rx: Traffic {
            packets: 1,
            bytes: 60,
        },
        tx: Traffic {
            packets: 2,
            bytes: 120,
        },
        last_error: Some(error),
    };
    let down = Tunnel {
        name: "vx10".into(),
        bridge: "br10".into(),
        vni: 10,
        local: Ipv4Addr::new(192, 0, 2, 2),
        udp_port: 4789,
        state: TunnelState::Down,
        reason: Some("port uplink is down".into()),
        remotes: vec![remote],
    };
    let wire = json!({
        "name": "vx10", "bridge": "br10", "vni": 10, "local": "192.0.2.2", "udp_port": 4789,
        "state": "down", "reason": "port uplink is down",
        "remotes": [{
            "address": "192.0.2.1", "learned": true,
            "way": [{"port": "uplink", "vlan": 10, "mac": "02:00:00:00:00:01"}],
            "rx": {"packets": 1, "bytes": 60}, "tx": {"packets": 2, "bytes": 120},
            "last_error": {
                "from": "198.51.100.1", "kind": "packet too big", "mtu": 1400, "count": 5,
                "age": 6,
            },
        }],
    });
    same(down, wire);
    same(TunnelState::Up, json!("up"));
}
