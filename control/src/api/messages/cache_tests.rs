//! Flow caches as they stand on the wire, both ways.

use super::tests::same;
use super::*;
use serde_json::json;

fn reason() -> Reason {
    Reason {
        reason: "inner_runt".into(),
        meaning: "It is short.".into(),
        advice: "Wait.".into(),
    }
}

fn actions() -> Vec<CacheAction> {
    vec![
        CacheAction::Decap,
        CacheAction::Bridge {
            bridge: "br10".into(),
            learning: true,
        },
        CacheAction::Output { port: "lan".into() },
        CacheAction::Encap {
            tunnel: "vx10".into(),
            remote: [192, 0, 2, 1].into(),
        },
        CacheAction::Punt,
        CacheAction::Drop(reason()),
        CacheAction::Fault(reason()),
    ]
}

fn entry() -> CacheEntry {
    CacheEntry {
        entry: "0:17".parse().unwrap(),
        port: "uplink".into(),
        fields: vec![Field {
            name: "vlan".into(),
            value: "7".into(),
            decided: true,
        }],
        packets: 3,
        current: true,
        actions: actions(),
        vlan: Some(7),
        tunnel: Some("vx10".into()),
        remote: None,
    }
}

fn entry_on_the_wire() -> serde_json::Value {
    let why = |action: &str| {
        json!({
            "action": action, "reason": "inner_runt", "meaning": "It is short.", "advice": "Wait.",
        })
    };
    json!({
        "entry": "0:17", "port": "uplink",
        "fields": [{"name": "vlan", "value": "7", "decided": true}],
        "packets": 3, "current": true,
        "actions": [
            {"action": "decap"},
            {"action": "bridge", "bridge": "br10", "learning": true},
            {"action": "output", "port": "lan"},
            {"action": "encap", "tunnel": "vx10", "remote": "192.0.2.1"},
            {"action": "punt"},
            why("drop"),
            why("fault"),
        ],
        "vlan": 7, "tunnel": "vx10", "remote": null,
    })
}

#[test]
fn caches_and_entries() {
    let cache = WorkerCache {
        worker: 0,
        limit: 64,
        counters: CacheStats::default(),
        gone: 2,
        masks: vec![CacheMask {
            fields: vec!["port".into()],
            entries: 1,
            hits: 5,
        }],
        other_hits: 3,
        more: 4,
    };
    let caches = Caches {
        workers: vec![cache],
        entries: vec![entry()],
    };
    let zero = serde_json::to_value(CacheStats::default()).unwrap();
    let wire = json!({
        "workers": [{
            "worker": 0, "limit": 64, "counters": zero, "gone": 2,
            "masks": [{"fields": ["port"], "entries": 1, "hits": 5}], "other_hits": 3,
            "more": 4,
        }],
        "entries": [entry_on_the_wire()],
    });
    let reply = Reply::Caches(Box::new(caches.clone()));
    assert_eq!(serde_json::to_value(reply).unwrap(), wire);
    same(caches, wire);
}

#[test]
fn a_flush() {
    same(Flushed { entries: 3 }, json!({"entries": 3}));
}
