//! The counters as they stand on the wire, both ways.

use super::tests::same;
use super::*;
use serde_json::json;

fn traffic(packets: u64) -> Traffic {
    let bytes = 60 * packets;
    Traffic { packets, bytes }
}

fn fdb() -> FdbStats {
    FdbStats {
        entries: 1,
        static_entries: 2,
        limit: 3,
        learned: 4,
        moved: 5,
        aged: 6,
        flushed: 7,
        full: 8,
        learned_rate: 9,
        moved_rate: 10,
        aged_rate: 11,
    }
}

fn bridge() -> BridgeStats {
    BridgeStats {
        bridge: "br10".into(),
        received: 1,
        copied: 2,
        sent: 3,
        dropped: 4,
        waited: 5,
        broadcast: 6,
        multicast: 7,
        unknown: 8,
        rx_rate: 9,
        fdb: fdb(),
    }
}

fn worker() -> WorkerStats {
    WorkerStats {
        worker: 0,
        rounds: 1,
        idle_rounds: 2,
        busy: 3,
        busy_ticks: 6,
        idle_ticks: 7,
        received: 8,
        sent: 9,
        moved: 10,
        ticks_per_packet: 11,
        rx_burst_sizes: Histogram::new(vec![0, 1]),
        tx_burst_sizes: Histogram::new(vec![2]),
        rx_to_tx_ticks: Histogram::new(vec![3]),
        resolve_ticks: Histogram::new(vec![4]),
        resolve_ticks_sum: 12,
        events_lost: 4,
        handed_off: 5,
        cache: CacheStats {
            hits: 1,
            misses: 2,
            entries: 3,
            evictions: u64::MAX,
            inserted: 5,
            replaced: 6,
            flushed: 9,
            mask_limit: 7,
            masks: 8,
        },
    }
}

fn frames() -> Frames {
    Frames {
        received: 1,
        forwarded: 2,
        consumed: 3,
        waited: 4,
        dropped: 5,
        enqueued: 6,
    }
}

fn remote() -> RemoteStats {
    RemoteStats {
        tunnel: "vx10".into(),
        remote: [192, 0, 2, 1].into(),
        rx: traffic(1),
        tx: traffic(0),
    }
}

fn hints() -> HintStats {
    HintStats {
        port: "uplink".into(),
        confirmed: 1,
        differed: 2,
        unknown: 3,
        stripped: 6,
        inspected: 4,
        lies: 5,
    }
}

fn stats() -> Stats {
    let account = Account {
        received: 1,
        originated: 2,
        copied: 3,
        sent: 4,
        dropped: 5,
        consumed: 6,
        held: 7,
    };
    Stats {
        account,
        drops: [("vni_unknown".to_string(), 5)].into(),
        ports: vec![PortStats {
            port: "lan".into(),
            received: 1,
            forwarded: 2,
            dropped: 3,
            consumed: 4,
            waited: 8,
            enqueued: 5,
            sent: 6,
            tx_dropped: 7,
            originated: 9,
            copied: 10,
            copies_dropped: 11,
            wait_dropped: 12,
            received_bytes: 13,
            sent_bytes: 14,
            rx_rate: 15,
            rx_byte_rate: 16,
            tx_rate: 17,
            tx_byte_rate: 18,
        }],
        queues: vec![QueueStats {
            port: "lan".into(),
            queue: 1,
            received: 2,
            rx_bursts: 3,
            sent: 4,
            tx_bursts: 5,
        }],
        bridges: vec![bridge()],
        tunnels: vec![TunnelStats {
            tunnel: "vx10".into(),
            bridge: "br10".into(),
            vni: 10,
            rx: traffic(1),
            tx: traffic(2),
            strangers: traffic(3),
            rx_rate: 4,
            tx_rate: 5,
        }],
        vnis: vec![VniStats {
            vni: 10,
            rx: traffic(1),
            tx: traffic(2),
        }],
        links: vec![LinkStats {
            port: "uplink".into(),
            vlan: Some(7),
            frames: frames(),
            rx: traffic(1),
            tx: traffic(2),
            rx_rate: 3,
            tx_rate: 4,
        }],
        strays: vec![StrayStats {
            port: "uplink".into(),
            frames: frames(),
        }],
        hints: vec![hints()],
        remotes: vec![remote()],
        fdb: fdb(),
        workers: vec![worker()],
        ticks_per_second: 2_600_000_000,
        gone: Gone::default(),
        events: [("learned".to_string(), 8)].into(),
    }
}

#[test]
fn counters() {
    let frames = json!({
        "received": 1, "forwarded": 2, "consumed": 3, "waited": 4, "dropped": 5, "enqueued": 6,
    });
    let hints = json!({
        "port": "uplink", "confirmed": 1, "differed": 2, "unknown": 3, "stripped": 6, "inspected": 4, "lies": 5,
    });
    let mut wire = json!({
        "account": {
            "received": 1, "originated": 2, "copied": 3, "sent": 4, "dropped": 5, "consumed": 6,
            "held": 7,
        },
        "drops": {"vni_unknown": 5},
        "ports": [{
            "port": "lan", "received": 1, "forwarded": 2, "dropped": 3, "consumed": 4,
            "waited": 8, "enqueued": 5, "sent": 6, "tx_dropped": 7,
            "originated": 9, "copied": 10, "copies_dropped": 11, "wait_dropped": 12,
            "received_bytes": 13, "sent_bytes": 14, "rx_rate": 15, "rx_byte_rate": 16,
            "tx_rate": 17, "tx_byte_rate": 18,
        }],
        "queues": [{
            "port": "lan", "queue": 1, "received": 2, "rx_bursts": 3, "sent": 4, "tx_bursts": 5,
        }],
        "bridges": [{
            "bridge": "br10", "received": 1, "copied": 2, "sent": 3, "dropped": 4, "waited": 5,
            "broadcast": 6, "multicast": 7, "unknown": 8, "rx_rate": 9, "fdb": fdb(),
        }],
        "tunnels": [{
            "tunnel": "vx10", "bridge": "br10", "vni": 10, "rx": traffic(1), "tx": traffic(2),
            "strangers": traffic(3), "rx_rate": 4, "tx_rate": 5,
        }],
        "vnis": [{"vni": 10, "rx": traffic(1), "tx": traffic(2)}],
        "links": [{
            "port": "uplink", "vlan": 7, "frames": frames, "rx": traffic(1), "tx": traffic(2), "rx_rate": 3,
            "tx_rate": 4,
        }],
        "strays": [{"port": "uplink", "frames": frames}],
        "remotes": [{
            "tunnel": "vx10", "remote": "192.0.2.1",
            "rx": {"packets": 1, "bytes": 60}, "tx": traffic(0),
        }],
        "fdb": {
            "entries": 1, "static_entries": 2, "limit": 3, "learned": 4, "moved": 5, "aged": 6,
            "flushed": 7, "full": 8, "learned_rate": 9, "moved_rate": 10, "aged_rate": 11,
        },
        "workers": [{
            "worker": 0, "rounds": 1, "idle_rounds": 2, "busy": 3, "events_lost": 4,
            "handed_off": 5, "busy_ticks": 6, "idle_ticks": 7, "received": 8, "sent": 9,
            "moved": 10, "ticks_per_packet": 11, "rx_burst_sizes": [0, 1],
            "tx_burst_sizes": [2], "rx_to_tx_ticks": [3], "resolve_ticks": [4],
            "resolve_ticks_sum": 12,
            "cache": {
                "hits": 1, "misses": 2, "entries": 3, "evictions": u64::MAX, "inserted": 5,
                "replaced": 6, "flushed": 9, "mask_limit": 7, "masks": 8,
            },
        }],
        "ticks_per_second": 2_600_000_000_u64,
        "gone": Gone::default(),
        "events": {"learned": 8},
    });
    // The macro does not take as many words.
    wire["hints"] = json!([hints]);
    assert_eq!(
        serde_json::to_value(Reply::Stats(Box::new(stats()))).unwrap(),
        wire
    );
    same(stats(), wire);
}

/// As an older daemon says it.
#[test]
fn counters_that_are_not_told_are_zero() {
    let wire = json!({
        "account": Account::default(), "drops": {}, "ports": [], "events": {},
        "workers": [{
            "worker": 1, "cache": {"hits": 1, "misses": 2, "entries": 3, "evictions": 4},
        }],
    });
    let stats: Stats = serde_json::from_value(wire).unwrap();
    assert_eq!((stats.remotes.len(), stats.fdb), (0, FdbStats::default()));
    assert_eq!(
        (stats.workers[0].rounds, stats.workers[0].cache.hits),
        (0, 1)
    );
}
