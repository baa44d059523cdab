//! `overpath stats`.

use crate::table::{Table, word};
use control::api::messages::{FdbStats, Stats};
use std::collections::BTreeMap;

/// Each line begins with what it is about, so that `grep` finds it.
pub(crate) fn text(stats: &Stats) -> String {
    let account = stats.account;
    let mut text = format!(
        "account received {} originated {} copied {} = sent {} dropped {} consumed {} held {}\n",
        account.received,
        account.originated,
        account.copied,
        account.sent,
        account.dropped,
        account.consumed,
        account.held,
    );
    text += &counts("drop", &stats.drops);
    text += &ports(stats);
    text += &remotes(stats);
    text += &fdb(&stats.fdb);
    text += &workers(stats);
    text += &caches(stats);
    text + &counts("event", &stats.events)
}

fn counts(kind: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut table = Table::default();
    for (name, count) in counts {
        table.push([word(kind, name), count.to_string()]);
    }
    table.to_string()
}

fn ports(stats: &Stats) -> String {
    let mut table = Table::default();
    for port in &stats.ports {
        table.push([
            word("port", &port.port),
            word("received", port.received),
            word("forwarded", port.forwarded),
            word("dropped", port.dropped),
            word("consumed", port.consumed),
            word("waited", port.waited),
            word("enqueued", port.enqueued),
            word("sent", port.sent),
            word("tx-dropped", port.tx_dropped),
            word("originated", port.originated),
            word("copied", port.copied),
            word("copies-dropped", port.copies_dropped),
            word("wait-dropped", port.wait_dropped),
        ]);
    }
    table.to_string()
}

fn remotes(stats: &Stats) -> String {
    let mut table = Table::default();
    for remote in &stats.remotes {
        table.push([
            word("tunnel", &remote.tunnel),
            word("remote", remote.remote),
            word("rx", remote.rx.packets),
            word("bytes", remote.rx.bytes),
            word("tx", remote.tx.packets),
            word("bytes", remote.tx.bytes),
        ]);
    }
    table.to_string()
}

fn fdb(fdb: &FdbStats) -> String {
    format!(
        "fdb entries {} static {} limit {} learned {} moved {} aged {} flushed {} full {}\n",
        fdb.entries,
        fdb.static_entries,
        fdb.limit,
        fdb.learned,
        fdb.moved,
        fdb.aged,
        fdb.flushed,
        fdb.full,
    )
}

fn workers(stats: &Stats) -> String {
    let mut table = Table::default();
    for worker in &stats.workers {
        table.push([
            word("worker", worker.worker),
            word("rounds", worker.rounds),
            word("idle", worker.idle_rounds),
            format!("busy {}%", worker.busy),
            word("events-lost", worker.events_lost),
            word("handed-off", worker.handed_off),
        ]);
    }
    table.to_string()
}

fn caches(stats: &Stats) -> String {
    let mut table = Table::default();
    for worker in &stats.workers {
        let cache = worker.cache;
        table.push([
            word("worker", worker.worker),
            word("cache hits", cache.hits),
            word("misses", cache.misses),
            word("entries", cache.entries),
            word("evictions", cache.evictions),
            word("inserted", cache.inserted),
            word("replaced", cache.replaced),
            word("flushed", cache.flushed),
            word("mask-limit", cache.mask_limit),
            word("masks", cache.masks),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{
        Account, CacheStats, PortStats, RemoteStats, Traffic, WorkerStats,
    };

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
        }
    }

    fn remote() -> RemoteStats {
        let traffic = |packets, bytes| Traffic { packets, bytes };
        RemoteStats {
            tunnel: "vx10".into(),
            remote: [192, 0, 2, 1].into(),
            rx: traffic(1, 60),
            tx: traffic(2, 120),
        }
    }

    fn worker() -> WorkerStats {
        let cache = CacheStats {
            hits: 1,
            misses: 2,
            entries: 3,
            evictions: 4,
            inserted: 5,
            replaced: 6,
            flushed: 9,
            mask_limit: 7,
            masks: 8,
        };
        WorkerStats {
            worker: 0,
            rounds: 1000,
            idle_rounds: 900,
            busy: 10,
            events_lost: 9,
            handed_off: 10,
            cache,
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
        Stats {
            account,
            drops: [("arp".to_string(), 1), ("vni_unknown".to_string(), 20)].into(),
            ports: vec![port()],
            remotes: vec![remote()],
            fdb: FdbStats {
                entries: 1,
                static_entries: 2,
                limit: 3,
                learned: 4,
                moved: 5,
                aged: 6,
                flushed: 7,
                full: 8,
            },
            workers: vec![
                worker(),
                WorkerStats {
                    worker: 1,
                    rounds: 1,
                    cache: CacheStats {
                        hits: 100,
                        ..worker().cache
                    },
                    ..worker()
                },
            ],
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
tunnel vx10 remote 192.0.2.1 rx 1 bytes 60 tx 2 bytes 120
fdb entries 1 static 2 limit 3 learned 4 moved 5 aged 6 flushed 7 full 8
worker 0 rounds 1000 idle 900 busy 10% events-lost 9 handed-off 10
worker 1 rounds 1    idle 900 busy 10% events-lost 9 handed-off 10
worker 0 cache hits 1   misses 2 entries 3 evictions 4 inserted 5 replaced 6 flushed 9 mask-limit 7 masks 8
worker 1 cache hits 100 misses 2 entries 3 evictions 4 inserted 5 replaced 6 flushed 9 mask-limit 7 masks 8
event learned 8
";
        assert_eq!(text(&stats()), expected);
    }
}
