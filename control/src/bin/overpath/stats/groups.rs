//! Counters by queue, bridge, tunnel, VNI and link.

use super::per_second;
use crate::table::{Cell, Table, maybe, word};
use control::api::messages::{BridgeStats, FdbStats, Frames, HintStats, Stats, Traffic};

pub(super) fn queues(stats: &Stats) -> String {
    let mut table = Table::default();
    for queue in &stats.queues {
        table.push([
            word("queue", &queue.port),
            queue.queue.to_string().into(),
            word("received", queue.received),
            word("bursts", queue.rx_bursts),
            word("sent", queue.sent),
            word("bursts", queue.tx_bursts),
        ]);
    }
    table.to_string()
}

/// What became of what NICs said.
pub(super) fn hints(stats: &Stats) -> String {
    let mut table = Table::default();
    let gone = Some(&stats.gone.hints).filter(|gone| **gone != HintStats::default());
    for hints in stats.hints.iter().chain(gone) {
        let name = match hints.port.as_str() {
            "" => "(gone)",
            name => name,
        };
        table.push([
            word("offload", name),
            word("confirmed", hints.confirmed),
            word("differed", hints.differed),
            word("unknown", hints.unknown),
            word("stripped", hints.stripped),
            word("inspected", hints.inspected),
            word("lies", hints.lies),
        ]);
    }
    table.to_string()
}

/// What bridges did, what they flooded with its share of what entered, and their tables.
pub(super) fn bridges(stats: &Stats) -> String {
    bridge_rows(&stats.bridges, |bridge| word("bridge", &bridge.bridge))
}

/// The same of some bridges, each of which is called `name`.
pub(crate) fn bridge_rows(bridges: &[BridgeStats], name: impl Fn(&BridgeStats) -> Cell) -> String {
    let (mut all, mut flooded) = (Table::default(), Table::default());
    let mut tables = Table::default();
    for bridge in bridges {
        let name = name(bridge);
        all.push([
            name.clone(),
            word("received", bridge.received),
            word("copied", bridge.copied),
            word("sent", bridge.sent),
            word("dropped", bridge.dropped),
            word("waited", bridge.waited),
            per_second("rate", bridge.rx_rate),
        ]);
        flooded.push([
            name.clone(),
            share("flooded broadcast", bridge.broadcast, bridge),
            share("multicast", bridge.multicast, bridge),
            share("unknown", bridge.unknown, bridge),
        ]);
        let [entries, rest @ ..] = fdb_words(&bridge.fdb);
        let first = [name, word("fdb", entries)];
        tables.push_all(first.into_iter().chain(rest));
    }
    all.to_string() + &flooded.to_string() + &tables.to_string()
}

fn share(name: &str, count: u64, bridge: &BridgeStats) -> Cell {
    let percent = count.saturating_mul(100).checked_div(bridge.received);
    word(
        name,
        format_args!("{count} {}%", percent.unwrap_or_default()),
    )
}

pub(crate) fn fdb_words(fdb: &FdbStats) -> [Cell; 11] {
    [
        word("entries", fdb.entries),
        word("static", fdb.static_entries),
        word("limit", fdb.limit),
        word("learned", fdb.learned),
        word("moved", fdb.moved),
        word("aged", fdb.aged),
        word("flushed", fdb.flushed),
        word("full", fdb.full),
        per_second("learn-rate", fdb.learned_rate),
        per_second("move-rate", fdb.moved_rate),
        per_second("age-rate", fdb.aged_rate),
    ]
}

/// Received, sent: packets and bytes.
fn traffic(rx: Traffic, tx: Traffic) -> [Cell; 4] {
    [
        word("rx", rx.packets),
        word("bytes", rx.bytes),
        word("tx", tx.packets),
        word("bytes", tx.bytes),
    ]
}

/// Tunnels, their VNIs, their remotes.
pub(super) fn tunnels(stats: &Stats) -> String {
    let (mut tunnels, mut vnis) = (Table::default(), Table::default());
    let mut remotes = Table::default();
    for tunnel in &stats.tunnels {
        let [rx, rx_bytes, tx, tx_bytes] = traffic(tunnel.rx, tunnel.tx);
        tunnels.push([
            word("tunnel", &tunnel.tunnel),
            word("vni", tunnel.vni),
            word("bridge", &tunnel.bridge),
            rx,
            rx_bytes,
            per_second("rate", tunnel.rx_rate),
            tx,
            tx_bytes,
            per_second("rate", tunnel.tx_rate),
            word("strangers", tunnel.strangers.packets),
            word("bytes", tunnel.strangers.bytes),
        ]);
    }
    for vni in &stats.vnis {
        let [rx, rx_bytes, tx, tx_bytes] = traffic(vni.rx, vni.tx);
        vnis.push([word("vni", vni.vni), rx, rx_bytes, tx, tx_bytes]);
    }
    for remote in &stats.remotes {
        let [rx, rx_bytes, tx, tx_bytes] = traffic(remote.rx, remote.tx);
        let tunnel = word("tunnel", &remote.tunnel);
        let remote = word("remote", remote.remote);
        remotes.push([tunnel, remote, rx, rx_bytes, tx, tx_bytes]);
    }
    tunnels.to_string() + &vnis.to_string() + &remotes.to_string()
}

/// All frames, and what tunnels carried.
pub(super) fn links(stats: &Stats) -> String {
    let (mut frames, mut table) = (Table::default(), Table::default());
    for link in &stats.links {
        let name = word("link", &link.port);
        frames.push(frame_words(name, maybe("vlan", link.vlan), &link.frames));
    }
    for port in &stats.strays {
        let name = word("link", &port.port);
        frames.push(frame_words(name, "strays".into(), &port.frames));
    }
    for link in &stats.links {
        let [rx, rx_bytes, tx, tx_bytes] = traffic(link.rx, link.tx);
        table.push([
            word("link", &link.port),
            maybe("vlan", link.vlan),
            rx,
            rx_bytes,
            per_second("rate", link.rx_rate),
            tx,
            tx_bytes,
            per_second("rate", link.tx_rate),
        ]);
    }
    frames.to_string() + &table.to_string()
}

fn frame_words(port: Cell, link: Cell, frames: &Frames) -> [Cell; 8] {
    [
        port,
        link,
        word("received", frames.received),
        word("forwarded", frames.forwarded),
        word("consumed", frames.consumed),
        word("waited", frames.waited),
        word("dropped", frames.dropped),
        word("enqueued", frames.enqueued),
    ]
}
