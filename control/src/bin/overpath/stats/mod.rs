//! `overpath stats`.

mod groups;
mod section;
mod workers;

pub(crate) use groups::{bridge_rows, fdb_words};
pub(crate) use section::{Section, sections};

use crate::table::{Cell, Table, line, word};
use control::api::messages::{Account, FdbStats, PortStats, Stats};
use std::collections::BTreeMap;

/// Some sections. Each line begins with what it is about, so that `grep` finds it.
pub(crate) fn text(stats: &Stats, sections: &[Section]) -> String {
    let shown = sections.iter().map(|section| match section {
        Section::Account => account(&stats.account),
        Section::Drop => counts("drop", &stats.drops),
        Section::Port => ports(stats),
        Section::Queue => groups::queues(stats),
        Section::Bridge => groups::bridges(stats),
        Section::Vxlan => groups::tunnels(stats),
        Section::Link => groups::links(stats),
        Section::Offload => groups::hints(stats),
        Section::Fdb => fdb(&stats.fdb),
        Section::Worker => workers::workers(stats),
        Section::Cache => workers::caches(stats),
        Section::Event => counts("event", &stats.events),
    });
    shown.collect()
}

pub(crate) fn per_second(name: &str, rate: u64) -> Cell {
    word(name, format_args!("{rate}/s"))
}

fn account(account: &Account) -> String {
    format!(
        "account received {} originated {} copied {} = sent {} dropped {} consumed {} held {}\n",
        account.received,
        account.originated,
        account.copied,
        account.sent,
        account.dropped,
        account.consumed,
        account.held,
    )
}

fn counts(kind: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut table = Table::default();
    for (name, count) in counts {
        table.push([word(kind, name), count.to_string().into()]);
    }
    table.to_string()
}

fn ports(stats: &Stats) -> String {
    let (mut table, mut rates) = (Table::default(), Table::default());
    let gone = Some(&stats.gone.ports).filter(|gone| **gone != PortStats::default());
    for port in stats.ports.iter().chain(gone) {
        let name = match port.port.as_str() {
            "" => "(gone)",
            name => name,
        };
        table.push([
            word("port", name),
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
        rates.push([
            word("port", name),
            word("rx-bytes", port.received_bytes),
            per_second("rate", port.rx_rate),
            format!("{}B/s", port.rx_byte_rate).into(),
            word("tx-bytes", port.sent_bytes),
            per_second("rate", port.tx_rate),
            format!("{}B/s", port.tx_byte_rate).into(),
        ]);
    }
    table.to_string() + &rates.to_string()
}

fn fdb(fdb: &FdbStats) -> String {
    format!("fdb {}\n", line(&fdb_words(fdb)))
}

#[cfg(test)]
mod tests;
