//! What stands behind something, as it stands on the wire, both ways.

use super::tests::{mac, same};
use super::*;
use serde_json::{Value, json};

/// Members of one object after those of another.
fn with(value: Value, more: Value) -> Value {
    let (Value::Object(mut value), Value::Object(more)) = (value, more) else {
        panic!("no objects");
    };
    value.extend(more);
    Value::Object(value)
}

fn entry() -> CacheEntry {
    CacheEntry {
        entry: "0:17".parse().unwrap(),
        port: "uplink".into(),
        fields: Vec::new(),
        packets: 3,
        current: true,
        actions: vec![CacheAction::Punt],
        vlan: None,
        tunnel: None,
        remote: None,
    }
}

fn reason() -> Reason {
    Reason {
        reason: "no_bridge".into(),
        meaning: "It is in none.".into(),
        advice: "Put it in one.".into(),
    }
}

#[test]
fn an_entry() {
    let bridge = BridgeBehind {
        bridge: "br10".into(),
        ports: vec!["a".into()],
        tunnels: vec!["vx10".into()],
        stations: 2,
    };
    let behind = EntryBehind {
        entry: entry(),
        ports: Vec::new(),
        addresses: Vec::new(),
        tunnels: Vec::new(),
        bridge: Some(bridge),
    };
    let wire = json!({
        "ports": [], "addresses": [], "tunnels": [],
        "bridge": {"bridge": "br10", "ports": ["a"], "tunnels": ["vx10"], "stations": 2},
    });
    let wire = with(serde_json::to_value(entry()).unwrap(), wire);
    let reply = Reply::EntryBehind(Box::new(behind.clone()));
    assert_eq!(serde_json::to_value(reply).unwrap(), wire);
    same(behind, wire);
}

#[test]
fn a_reason() {
    let behind = DropBehind {
        reason: reason(),
        counters: Vec::new(),
        causes: vec!["port a is in no bridge".into()],
        entries: vec![entry()],
        more: 4,
    };
    let wire = json!({
        "reason": "no_bridge", "meaning": "It is in none.", "advice": "Put it in one.",
        "counters": [], "causes": ["port a is in no bridge"],
        "entries": [serde_json::to_value(entry()).unwrap()], "more": 4,
    });
    same(behind, wire);
}

#[test]
fn a_station() {
    let entry = FdbEntry {
        bridge: "br10".into(),
        mac: mac(),
        port: Some("lan".into()),
        tunnel: None,
        remote: None,
        kind: FdbKind::Static,
        age: None,
    };
    let port = Port {
        name: "lan".into(),
        device: "d".into(),
        driver: None,
        state: PortState::Up,
        reason: None,
        mac: None,
        mtu: 1500,
        rx_queues: 1,
        tx_queues: 1,
        rx: RxCounters::default(),
        tx: TxCounters::default(),
    };
    let behind = StationBehind {
        entry: entry.clone(),
        end: End {
            to: Some(Target::Port { port: "lan".into() }),
            fate: Fate::Sent {
                port: "lan".into(),
                frame: Bytes(vec![2, 0xff]),
            },
        },
        port: Some(port.clone()),
        tunnel: None,
        mtu: Some(1500),
    };
    let wire = json!({
        "entry": serde_json::to_value(entry).unwrap(),
        "end": {"to": {"port": "lan"}, "fate": "sent", "port": "lan", "frame": "02ff"},
        "port": serde_json::to_value(port).unwrap(), "tunnel": null, "mtu": 1500,
    });
    same(behind, wire);
}
