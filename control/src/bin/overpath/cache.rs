//! `overpath cache`: what is kept of decisions, an entry a line.

mod words;

pub(crate) use words::{Verb, method};

use crate::table::{Table, line as line_of, plain, word};
use control::api::messages::{CacheAction, CacheEntry, Caches, Field, Flushed, WorkerCache};

/// Each cache with its masks, then the entries, as `dump-flows` of OVS has them. `details`: below
/// each entry what it was derived from.
pub(crate) fn text(caches: &Caches, details: bool) -> String {
    let workers = caches.workers.iter().map(worker);
    let mut text: String = workers.collect();
    for entry in &caches.entries {
        text += &plain(&line(entry));
        text.push('\n');
        if details {
            text += &plain(&format!("  from {}", origin(entry)));
            text.push('\n');
        }
    }
    for cache in caches.workers.iter().filter(|cache| cache.more > 0) {
        let (worker, more) = (cache.worker, cache.more);
        text += &format!("worker {worker} has {more} more: name a port or an entry\n");
    }
    text
}

pub(crate) fn flushed(flushed: &Flushed) -> String {
    format!("entries removed: {}\n", flushed.entries)
}

fn worker(cache: &WorkerCache) -> String {
    let counters = cache.counters;
    let mut text = format!(
        "worker {} entries {}/{} masks {} hits {} misses {} inserted {} replaced {} evictions {} \
         flushed {} mask-limit {} gone {}\n",
        cache.worker,
        counters.entries,
        cache.limit,
        counters.masks,
        counters.hits,
        counters.misses,
        counters.inserted,
        counters.replaced,
        counters.evictions,
        counters.flushed,
        counters.mask_limit,
        cache.gone,
    );
    let mut masks = Table::default();
    for mask in &cache.masks {
        masks.push([
            word("worker", cache.worker),
            word("mask hits", mask.hits),
            word("entries", mask.entries),
            mask.fields.join(",").into(),
        ]);
    }
    if cache.other_hits > 0 {
        masks.push([
            word("worker", cache.worker),
            word("mask hits", cache.other_hits),
            word("entries", 0),
            "others".into(),
        ]);
    }
    text += &masks.to_string();
    text
}

/// An entry.
pub(crate) fn line(entry: &CacheEntry) -> String {
    let fields: String = entry.fields.iter().map(field).collect();
    let actions: Vec<_> = entry.actions.iter().map(action).collect();
    format!(
        "{} port({}){fields}, packets:{}, {}, actions:{}",
        entry.entry,
        entry.port,
        entry.packets,
        if entry.current { "current" } else { "stale" },
        actions.join(",")
    )
}

/// A name behind a number, as in `0x0800 (IPv4)`, is left out.
fn field(field: &Field) -> String {
    let value = field.value.split(' ').next().unwrap_or_default();
    format!(",{}({value})", field.name)
}

fn action(action: &CacheAction) -> String {
    match action {
        CacheAction::Decap => "decap".to_owned(),
        CacheAction::Bridge { bridge, .. } => format!("bridge({bridge})"),
        CacheAction::Output { port } => format!("output({port})"),
        CacheAction::Encap { tunnel, remote } => format!("encap({tunnel} {remote})"),
        CacheAction::Punt => "punt".to_owned(),
        CacheAction::Drop(why) => format!("drop({})", why.reason),
        CacheAction::Fault(why) => format!("drop(fault or {})", why.reason),
    }
}

/// What an entry was derived from.
pub(crate) fn origin(entry: &CacheEntry) -> String {
    let mut words = vec![word("port", &entry.port)];
    words.extend(entry.vlan.map(|vlan| word("vlan", vlan)));
    words.extend(entry.tunnel.as_ref().map(|tunnel| word("tunnel", tunnel)));
    words.extend(entry.remote.map(|remote| word("remote", remote)));
    for action in &entry.actions {
        match action {
            CacheAction::Bridge { bridge, learning } => {
                words.push(word("bridge", bridge));
                words.push(word("learning", if *learning { "on" } else { "off" }));
            }
            CacheAction::Output { port } => words.push(word("to port", port)),
            _ => {}
        }
    }
    line_of(&words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::api::messages::{CacheMask, CacheStats, Reason};

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.into(),
            value: value.into(),
            decided: true,
        }
    }

    fn decap() -> CacheEntry {
        let bridge = CacheAction::Bridge {
            bridge: "br10".into(),
            learning: true,
        };
        CacheEntry {
            entry: "0:17".parse().unwrap(),
            port: "uplink".into(),
            fields: vec![field("tagged", "no"), field("ether_type", "0x0800 (IPv4)")],
            packets: 12,
            current: true,
            actions: vec![CacheAction::Decap, bridge],
            vlan: None,
            tunnel: Some("vx10".into()),
            remote: Some([192, 0, 2, 1].into()),
        }
    }

    fn drop() -> CacheEntry {
        let why = Reason {
            reason: "other_host".into(),
            meaning: "It is for another.".into(),
            advice: "Wait.".into(),
        };
        CacheEntry {
            entry: "1:2".parse().unwrap(),
            fields: vec![field("vlan", "7")],
            packets: 3,
            current: false,
            actions: vec![CacheAction::Drop(why)],
            vlan: Some(7),
            tunnel: None,
            remote: None,
            ..decap()
        }
    }

    fn caches() -> Caches {
        let mask = CacheMask {
            fields: vec!["port".into(), "tagged".into()],
            entries: 1,
            hits: 11,
        };
        let counters = CacheStats {
            hits: 1,
            misses: 2,
            entries: 3,
            evictions: 4,
            inserted: 5,
            replaced: 6,
            flushed: 7,
            mask_limit: 8,
            masks: 9,
        };
        let cache = WorkerCache {
            worker: 0,
            limit: 64,
            counters,
            gone: 10,
            masks: vec![mask],
            other_hits: 12,
            more: 0,
        };
        let other = WorkerCache {
            worker: 1,
            more: 5,
            masks: Vec::new(),
            other_hits: 0,
            ..cache.clone()
        };
        Caches {
            workers: vec![cache, other],
            entries: vec![decap(), drop()],
        }
    }

    const WORKERS: &str = "\
worker 0 entries 3/64 masks 9 hits 1 misses 2 inserted 5 replaced 6 evictions 4 flushed 7 mask-limit 8 gone 10
worker 0 mask hits 11 entries 1 port,tagged
worker 0 mask hits 12 entries 0 others
worker 1 entries 3/64 masks 9 hits 1 misses 2 inserted 5 replaced 6 evictions 4 flushed 7 mask-limit 8 gone 10
";
    const MORE: &str = "worker 1 has 5 more: name a port or an entry\n";
    const DECAP: &str = "0:17 port(uplink),tagged(no),ether_type(0x0800), packets:12, current, actions:decap,bridge(br10)\n";
    const DROP: &str = "1:2 port(uplink),vlan(7), packets:3, stale, actions:drop(other_host)\n";

    #[test]
    fn a_line_for_each_cache_mask_and_entry() {
        let expected = [WORKERS, DECAP, DROP, MORE].concat();
        assert_eq!(text(&caches(), false), expected);
        assert_eq!(text(&Caches::default(), false), "");
    }

    #[test]
    fn what_an_entry_was_derived_from_stands_below_it() {
        let of_decap = "  from port uplink tunnel vx10 remote 192.0.2.1 bridge br10 learning on\n";
        let of_drop = "  from port uplink vlan 7\n";
        let expected = [WORKERS, DECAP, of_decap, DROP, of_drop, MORE].concat();
        assert_eq!(text(&caches(), true), expected);
    }

    #[test]
    fn an_action_has_its_place_or_reason() {
        let why = Reason {
            reason: "inner_runt".into(),
            meaning: String::new(),
            advice: String::new(),
        };
        let [port, tunnel] = ["lan", "vx10"].map(str::to_owned);
        let remote = [192, 0, 2, 1].into();
        let actions = [
            (CacheAction::Fault(why), "drop(fault or inner_runt)"),
            (CacheAction::Output { port }, "output(lan)"),
            (
                CacheAction::Encap { tunnel, remote },
                "encap(vx10 192.0.2.1)",
            ),
            (CacheAction::Punt, "punt"),
        ];
        for (one, expected) in actions {
            assert_eq!(action(&one), expected);
        }
    }
}
