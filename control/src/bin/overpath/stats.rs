//! `overpath stats`.

use crate::table::{Table, word};
use control::api::messages::Stats;
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
    text += &workers(stats);
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
        ]);
    }
    table.to_string()
}

fn workers(stats: &Stats) -> String {
    let mut table = Table::default();
    for worker in &stats.workers {
        let cache = worker.cache;
        table.push([
            word("worker", worker.worker),
            word("cache hits", cache.hits),
            word("misses", cache.misses),
            word("entries", cache.entries),
            word("evictions", cache.evictions),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{Account, CacheStats, PortStats, WorkerStats};

    #[test]
    fn a_line_for_each_thing_that_counts() {
        let account = Account {
            received: 10,
            originated: 2,
            copied: 3,
            sent: 9,
            dropped: 1,
            consumed: 5,
            held: 0,
        };
        let port = PortStats {
            port: "lan".into(),
            received: 1,
            forwarded: 2,
            dropped: 3,
            consumed: 4,
            waited: 8,
            enqueued: 5,
            sent: 6,
            tx_dropped: 7,
        };
        let cache = CacheStats {
            hits: 1,
            misses: 2,
            entries: 3,
            evictions: 4,
        };
        let stats = Stats {
            account,
            drops: [("arp".to_string(), 1), ("vni_unknown".to_string(), 20)].into(),
            ports: vec![port],
            workers: vec![
                WorkerStats { worker: 0, cache },
                WorkerStats {
                    worker: 1,
                    cache: CacheStats { hits: 100, ..cache },
                },
            ],
            events: [("learned".to_string(), 8)].into(),
        };
        let expected = "\
account received 10 originated 2 copied 3 = sent 9 dropped 1 consumed 5 held 0
drop arp         1
drop vni_unknown 20
port lan received 1 forwarded 2 dropped 3 consumed 4 waited 8 enqueued 5 sent 6 tx-dropped 7
worker 0 cache hits 1   misses 2 entries 3 evictions 4
worker 1 cache hits 100 misses 2 entries 3 evictions 4
event learned 8
";
        assert_eq!(text(&stats), expected);
    }
}
