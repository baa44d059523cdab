//! Each message as it stands on the wire, both ways.

use super::*;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;

/// `value` and `wire` are the same thing, in both directions.
pub(super) fn same<T>(value: T, wire: serde_json::Value)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(serde_json::to_value(&value).unwrap(), wire);
    assert_eq!(serde_json::from_value::<T>(wire).unwrap(), value);
}

pub(super) fn mac() -> Mac {
    "02:00:00:00:00:01".parse().unwrap()
}

#[test]
fn version() {
    same(
        Version {
            name: "overpath".into(),
            version: "0.1.0".into(),
            api: "1.0.0".into(),
            dpdk: "DPDK 22.11.11".into(),
        },
        json!({"name": "overpath", "version": "0.1.0", "api": "1.0.0", "dpdk": "DPDK 22.11.11"}),
    );
}

#[test]
fn ports() {
    let up = Port {
        name: "uplink".into(),
        device: "net_tap0,iface=up0".into(),
        driver: Some("net_tap".into()),
        state: PortState::Up,
        reason: None,
        mac: Some(mac()),
        mtu: 1600,
        rx_queues: 1,
        tx_queues: 2,
        rx: RxCounters {
            packets: 1,
            bytes: 60,
            missed: 2,
            no_mbuf: 3,
            errors: 4,
        },
        tx: TxCounters {
            packets: 5,
            bytes: 300,
            dropped: 6,
            errors: 7,
        },
    };
    let failed = Port {
        driver: None,
        state: PortState::Failed,
        reason: Some("no such device".into()),
        mac: None,
        ..up.clone()
    };
    let mut wire = json!({
        "name": "uplink", "device": "net_tap0,iface=up0", "driver": "net_tap", "state": "up",
        "reason": null, "mac": "02:00:00:00:00:01", "mtu": 1600, "rx_queues": 1, "tx_queues": 2,
        "rx": {"packets": 1, "bytes": 60, "missed": 2, "no_mbuf": 3, "errors": 4},
        "tx": {"packets": 5, "bytes": 300, "dropped": 6, "errors": 7},
    });
    same(up, wire.clone());
    wire["driver"] = json!(null);
    wire["state"] = json!("failed");
    wire["reason"] = json!("no such device");
    wire["mac"] = json!(null);
    same(failed, wire);
    same(PortState::Down, json!("down"));
}

#[test]
fn forwarding_entries() {
    same(
        FdbEntry {
            bridge: "br10".into(),
            mac: mac(),
            port: None,
            tunnel: Some("vx10".into()),
            remote: Some(Ipv4Addr::new(192, 0, 2, 1)),
            kind: FdbKind::Learned,
            age: Some(3),
        },
        json!({
            "bridge": "br10", "mac": "02:00:00:00:00:01", "port": null, "tunnel": "vx10",
            "remote": "192.0.2.1", "kind": "learned", "age": 3,
        }),
    );
    same(FdbKind::Static, json!("static"));
}

#[test]
fn neighbours() {
    let known = Neighbour {
        port: "uplink".into(),
        vlan: None,
        address: Ipv4Addr::new(192, 0, 2, 1),
        mac: Some(mac()),
        state: NeighbourState::Reachable,
    };
    same(
        vec![
            known.clone(),
            Neighbour {
                vlan: Some(20),
                mac: None,
                state: NeighbourState::Incomplete,
                ..known
            },
        ],
        json!([
            {
                "port": "uplink", "vlan": null, "address": "192.0.2.1", "mac": "02:00:00:00:00:01",
                "state": "reachable",
            },
            {
                "port": "uplink", "vlan": 20, "address": "192.0.2.1", "mac": null,
                "state": "incomplete",
            },
        ]),
    );
    same(
        [
            NeighbourState::Failed,
            NeighbourState::Stale,
            NeighbourState::Permanent,
        ],
        json!(["failed", "stale", "permanent"]),
    );
}

#[test]
fn drops() {
    same(
        DropCount {
            reason: "tx_full".into(),
            port: "lan".into(),
            place: DropPlace::TxDropped,
            packets: 7,
            rate: 3,
            meaning: "The port did not accept it.".into(),
            advice: "Wait.".into(),
            last: Some(LastDrop {
                age: 3,
                len: 60,
                bare: true,
                head: Bytes(vec![2, 255]),
                fields: vec![Header {
                    name: "vni".into(),
                    value: "10".into(),
                }],
            }),
        },
        json!({
            "reason": "tx_full", "port": "lan", "place": "tx_dropped", "packets": 7, "rate": 3,
            "meaning": "The port did not accept it.", "advice": "Wait.",
            "last": {
                "age": 3, "len": 60, "bare": true, "head": "02ff", "fields": [{"name": "vni", "value": "10"}],
            },
        }),
    );
    same(
        DropPlace::ALL,
        json!(["dropped", "copies_dropped", "wait_dropped", "tx_dropped"]),
    );
}

#[test]
fn an_unknown_field_is_passed_over_and_a_bad_address_is_not() {
    let mut wire = json!({"port": "p", "address": "192.0.2.1", "mac": null, "state": "stale"});
    wire["new"] = json!(1);
    assert!(serde_json::from_value::<Neighbour>(wire.clone()).is_ok());
    wire["mac"] = json!("02:00");
    let error = serde_json::from_value::<Neighbour>(wire)
        .unwrap_err()
        .to_string();
    assert!(error.contains("not an Ethernet address"), "{error}");
}
