//! The page as it is printed.

use super::*;
use control::api::messages::{
    BridgeStats, CacheStats, Frames, Gone, HintStats, Histogram, LinkStats, PortStats, QueueStats,
    RemoteStats, StrayStats, Traffic, TunnelStats, VniStats, WorkerStats,
};

fn traffic(packets: u64) -> Traffic {
    let bytes = 60 * packets;
    Traffic { packets, bytes }
}

fn port() -> PortStats {
    PortStats {
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
    }
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

fn bridge(name: &str, received: u64) -> BridgeStats {
    BridgeStats {
        bridge: name.into(),
        received,
        copied: 2,
        sent: 195,
        dropped: 4,
        waited: 3,
        broadcast: 6,
        multicast: 1,
        unknown: 25,
        rx_rate: 9,
        fdb: fdb(),
    }
}

fn frames(received: u64) -> Frames {
    Frames {
        received,
        forwarded: 2,
        consumed: 3,
        waited: 4,
        dropped: 5,
        enqueued: 6,
    }
}

fn link(vlan: Option<u16>) -> LinkStats {
    LinkStats {
        port: "uplink".into(),
        vlan,
        frames: frames(14),
        rx: traffic(1),
        tx: traffic(2),
        rx_rate: 3,
        tx_rate: 4,
    }
}

fn worker(worker: u16, rounds: u64) -> WorkerStats {
    WorkerStats {
        worker,
        rounds,
        idle_rounds: 900,
        busy: 10,
        events_lost: 9,
        handed_off: 10,
        busy_ticks: 1234,
        idle_ticks: 5678,
        received: 9,
        sent: 8,
        moved: 10,
        ticks_per_packet: 45,
        rx_burst_sizes: Histogram::new(vec![2, 0, 1]),
        resolve_ticks: Histogram::new([vec![0; 10], vec![2]].concat()),
        resolve_ticks_sum: 1000,
        rx_to_tx_ticks: Histogram::new([vec![0; 10], vec![10]].concat()),
        cache: CacheStats {
            hits: 1,
            misses: 2,
            entries: 3,
            evictions: 4,
            inserted: 5,
            replaced: 6,
            flushed: 9,
            mask_limit: 7,
            masks: 8,
        },
        ..WorkerStats::default()
    }
}

fn stats() -> Stats {
    let account = Account {
        received: 10,
        originated: 2,
        copied: 3,
        sent: 9,
        dropped: 1,
        consumed: 5,
        held: 0,
    };
    let queue = |queue, received| QueueStats {
        port: "lan".into(),
        queue,
        received,
        rx_bursts: 3,
        sent: 4,
        tx_bursts: 5,
    };
    Stats {
        account,
        drops: [("arp".to_string(), 1), ("vni_unknown".to_string(), 20)].into(),
        ports: vec![port()],
        queues: vec![queue(0, 2), queue(1, 20)],
        bridges: vec![bridge("br10", 200), bridge("br7", 0)],
        tunnels: vec![TunnelStats {
            tunnel: "vx10".into(),
            bridge: "br10".into(),
            vni: 10,
            rx: traffic(4),
            tx: traffic(2),
            strangers: traffic(3),
            rx_rate: 5,
            tx_rate: 6,
        }],
        vnis: vec![VniStats {
            vni: 10,
            rx: traffic(4),
            tx: traffic(2),
        }],
        links: vec![link(None), link(Some(7))],
        strays: vec![StrayStats {
            port: "uplink".into(),
            frames: frames(0),
        }],
        hints: vec![HintStats {
            port: "uplink".into(),
            confirmed: 1,
            differed: 2,
            unknown: 3,
            stripped: 6,
            inspected: 4,
            lies: 5,
        }],
        remotes: vec![RemoteStats {
            tunnel: "vx10".into(),
            remote: [192, 0, 2, 1].into(),
            rx: traffic(1),
            tx: traffic(2),
        }],
        fdb: fdb(),
        workers: vec![worker(0, 1000), worker(1, 1)],
        ticks_per_second: 2_000_000_000,
        gone: Gone {
            hints: HintStats {
                confirmed: 9,
                ..HintStats::default()
            },
            ..Gone::default()
        },
        events: [("learned".to_string(), 8)].into(),
    }
}

#[test]
fn a_line_for_each_thing_that_counts() {
    let expected = "\
account received 10 originated 2 copied 3 = sent 9 dropped 1 consumed 5 held 0
drop arp         1
drop vni_unknown 20
port lan received 1 forwarded 2 dropped 3 consumed 4 waited 8 enqueued 5 sent 6 tx-dropped 7 originated 9 copied 10 copies-dropped 11 wait-dropped 12
port lan rx-bytes 13 rate 15/s 16B/s tx-bytes 14 rate 17/s 18B/s
queue lan 0 received 2  bursts 3 sent 4 bursts 5
queue lan 1 received 20 bursts 3 sent 4 bursts 5
bridge br10 received 200 copied 2 sent 195 dropped 4 waited 3 rate 9/s
bridge br7  received 0   copied 2 sent 195 dropped 4 waited 3 rate 9/s
bridge br10 flooded broadcast 6 3% multicast 1 0% unknown 25 12%
bridge br7  flooded broadcast 6 0% multicast 1 0% unknown 25 0%
bridge br10 fdb entries 1 static 2 limit 3 learned 4 moved 5 aged 6 flushed 7 full 8 learn-rate 9/s move-rate 10/s age-rate 11/s
bridge br7  fdb entries 1 static 2 limit 3 learned 4 moved 5 aged 6 flushed 7 full 8 learn-rate 9/s move-rate 10/s age-rate 11/s
tunnel vx10 vni 10 bridge br10 rx 4 bytes 240 rate 5/s tx 2 bytes 120 rate 6/s strangers 3 bytes 180
vni 10 rx 4 bytes 240 tx 2 bytes 120
tunnel vx10 remote 192.0.2.1 rx 1 bytes 60 tx 2 bytes 120
link uplink        received 14 forwarded 2 consumed 3 waited 4 dropped 5 enqueued 6
link uplink vlan 7 received 14 forwarded 2 consumed 3 waited 4 dropped 5 enqueued 6
link uplink strays received 0  forwarded 2 consumed 3 waited 4 dropped 5 enqueued 6
link uplink        rx 1 bytes 60 rate 3/s tx 2 bytes 120 rate 4/s
link uplink vlan 7 rx 1 bytes 60 rate 3/s tx 2 bytes 120 rate 4/s
offload uplink confirmed 1 differed 2 unknown 3 stripped 6 inspected 4 lies 5
offload (gone) confirmed 9 differed 0 unknown 0 stripped 0 inspected 0 lies 0
fdb entries 1 static 2 limit 3 learned 4 moved 5 aged 6 flushed 7 full 8 learn-rate 9/s move-rate 10/s age-rate 11/s
worker cycles 2000000000 in a second
worker 0 rounds 1000 idle 900 busy 10% received 9 sent 8 moved 10 events-lost 9 handed-off 10
worker 1 rounds 1    idle 900 busy 10% received 9 sent 8 moved 10 events-lost 9 handed-off 10
worker 0 cycles busy 1234 idle 5678 a-packet 123.4 now 45 a-resolve 500
worker 1 cycles busy 1234 idle 5678 a-packet 123.4 now 45 a-resolve 500
worker 0 rx-bursts 3 <=1 2 <=4 1
worker 0 tx-bursts 0
worker 0 rx-to-tx 10 <=512ns 10
worker 0 resolved 2  <=512ns 2
worker 1 rx-bursts 3 <=1 2 <=4 1
worker 1 tx-bursts 0
worker 1 rx-to-tx 10 <=512ns 10
worker 1 resolved 2  <=512ns 2
worker 0 cache hits 1 misses 2 entries 3 evictions 4 inserted 5 replaced 6 flushed 9 mask-limit 7 masks 8
worker 1 cache hits 1 misses 2 entries 3 evictions 4 inserted 5 replaced 6 flushed 9 mask-limit 7 masks 8
event learned 8
";
    assert_eq!(text(&stats(), &Section::ALL), expected);
}

#[test]
fn only_what_was_asked_for_is_shown() {
    let shown = text(&stats(), &[Section::Fdb, Section::Event]);
    let about: Vec<_> = shown.lines().map(|line| &line[..3]).collect();
    assert_eq!(about, ["fdb", "eve"]);
    assert_eq!(text(&stats(), &[]), "");
}
