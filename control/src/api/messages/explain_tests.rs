//! An explanation as it stands on the wire, both ways.

use super::tests::{mac, same};
use super::*;
use serde_json::json;

fn reason() -> Reason {
    Reason {
        reason: "no_bridge".into(),
        meaning: "It is in none.".into(),
        advice: "Put it in one.".into(),
    }
}

fn entry() -> FdbEntry {
    FdbEntry {
        bridge: "br10".into(),
        mac: mac(),
        port: Some("lan".into()),
        tunnel: None,
        remote: None,
        kind: FdbKind::Static,
        age: None,
    }
}

fn entry_on_the_wire() -> serde_json::Value {
    json!({
        "bridge": "br10", "mac": "02:00:00:00:00:01", "port": "lan", "tunnel": null,
        "remote": null, "kind": "static", "age": null,
    })
}

#[test]
fn an_explanation() {
    let drop = Step {
        action: Action::Drop,
        before: Bytes(vec![2, 0xff]),
        after: None,
        ends: vec![End {
            to: None,
            fate: Fate::Dropped(reason()),
        }],
        more: 7,
    };
    let life = Explanation {
        port: "lan".into(),
        len: 2,
        fields: vec![Field {
            name: "ethernet".into(),
            value: "no".into(),
            decided: true,
        }],
        fault: Some(reason()),
        tunnel: Some("vx10".into()),
        remote: Some([192, 0, 2, 1].into()),
        steps: vec![drop],
        verdict: Verdict::Dropped(reason()),
        told: vec![Told::Remote {
            tunnel: "vx10".into(),
            address: [192, 0, 2, 3].into(),
        }],
        pollers: vec![Poller {
            worker: 1,
            queues: vec![0, 2],
            decided: Some(DecidedBy {
                resolved: false,
                entry: Some("1:17".parse().unwrap()),
            }),
            remembered: true,
            entry: None,
            look_up: 90,
        }],
        cycles: Some(FrameCycles {
            decide: 5,
            parse: 2,
            resolve: 3,
            act: 4,
        }),
    };
    let why = json!({
        "reason": "no_bridge", "meaning": "It is in none.", "advice": "Put it in one.",
    });
    let wire = json!({
        "port": "lan", "len": 2,
        "fields": [{"name": "ethernet", "value": "no", "decided": true}],
        "fault": why, "tunnel": "vx10", "remote": "192.0.2.1",
        "steps": [{
            "action": "drop", "before": "02ff", "after": null, "more": 7,
            "ends": [{
                "to": null, "fate": "dropped", "reason": "no_bridge", "meaning": "It is in none.",
                "advice": "Put it in one.",
            }],
        }],
        "verdict": "dropped", "reason": "no_bridge", "meaning": "It is in none.",
        "advice": "Put it in one.",
        "told": [{"event": "remote", "tunnel": "vx10", "address": "192.0.2.3"}],
        "pollers": [{
            "worker": 1, "queues": [0, 2], "decided": {"resolved": false, "entry": "1:17"},
            "remembered": true, "entry": null, "look_up": 90,
        }],
        "cycles": {"decide": 5, "parse": 2, "resolve": 3, "act": 4},
    });
    same(life, wire);
}

#[test]
fn what_is_done() {
    same(Action::Recompute, json!({"action": "recompute"}));
    same(Action::Output, json!({"action": "output"}));
    same(Action::Punt, json!({"action": "punt"}));
    let stripped = Stripped { front: 50, back: 4 };
    let wire = json!({"action": "decap", "front": 50, "back": 4});
    same(Action::Decap(stripped), wire);
    let bridging = Bridging {
        bridge: "br10".into(),
        learning: true,
        source_mac: Some(mac()),
        source: Some(entry()),
        destination_mac: Some(Mac::BROADCAST),
        destination: None,
    };
    let wire = json!({
        "action": "bridge", "bridge": "br10", "learning": true,
        "source_mac": "02:00:00:00:00:01", "source": entry_on_the_wire(),
        "destination_mac": "ff:ff:ff:ff:ff:ff", "destination": null,
    });
    same(Action::Bridge(Box::new(bridging)), wire);
}

#[test]
fn ends_and_what_is_told() {
    let road = Road {
        tunnel: "vx10".into(),
        remote: [192, 0, 2, 1].into(),
        route: None,
        neighbour: Some(Way {
            port: "uplink".into(),
            vlan: None,
            mac: Some(mac()),
        }),
    };
    let sent = End {
        to: Some(Target::Remote(Box::new(road))),
        fate: Fate::Sent {
            port: "uplink".into(),
            frame: Bytes(vec![1]),
        },
    };
    let wire = json!({
        "to": {
            "tunnel": "vx10", "remote": "192.0.2.1", "route": null,
            "neighbour": {"port": "uplink", "vlan": null, "mac": "02:00:00:00:00:01"},
        },
        "fate": "sent", "port": "uplink", "frame": "01",
    });
    same(sent, wire);
    let waiting = End {
        to: Some(Target::Port { port: "lan".into() }),
        fate: Fate::Waiting,
    };
    same(waiting, json!({"to": {"port": "lan"}, "fate": "waiting"}));
    same(Fate::Consumed, json!({"fate": "consumed"}));
    same(Verdict::Forwarded, json!({"verdict": "forwarded"}));
    let mut wire = entry_on_the_wire();
    wire["event"] = json!("learn");
    same(Told::Learn(entry()), wire.clone());
    wire["event"] = json!("move");
    same(Told::Move(entry()), wire);
    let resolve = Told::Resolve {
        tunnel: "vx10".into(),
        remote: [192, 0, 2, 1].into(),
    };
    let wire = json!({"event": "resolve", "tunnel": "vx10", "remote": "192.0.2.1"});
    same(resolve, wire);
}
