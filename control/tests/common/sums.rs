//! The sums that close while a switch is at rest, whatever has happened to it.

use control::api::messages::{
    BridgeStats, FdbStats, Frames, PortStats, Stats, StrayStats, Traffic,
};

fn packets(all: impl IntoIterator<Item = Traffic>) -> (u64, u64) {
    let all = all.into_iter();
    all.fold((0, 0), |(packets, bytes), one| {
        (packets + one.packets, bytes + one.bytes)
    })
}

/// The frames of the links of an underlay port, and those on none of them, are all of the port, by
/// what became of them.
#[track_caller]
fn assert_links_closed(stats: &Stats, strays: &StrayStats) {
    let mut ports = stats.ports.iter();
    let port = ports.find(|port| port.port == strays.port).unwrap();
    let links = stats.links.iter().filter(|link| link.port == strays.port);
    let all = links.map(|link| &link.frames).chain([&strays.frames]);
    let sum = |counter: fn(&Frames) -> u64| -> u64 { all.clone().map(counter).sum() };
    let of_links = [
        sum(|frames| frames.received),
        sum(|frames| frames.forwarded),
        sum(|frames| frames.consumed),
        sum(|frames| frames.waited),
        sum(|frames| frames.dropped),
        sum(|frames| frames.enqueued),
    ];
    let of_port = [
        port.received,
        port.forwarded,
        port.consumed,
        port.waited,
        port.dropped,
        port.enqueued,
    ];
    let links = (&stats.links, strays);
    assert_eq!(of_links, of_port, "{port:?} {links:?}");
}

fn of_ports(stats: &Stats, counter: fn(&PortStats) -> u64) -> u64 {
    stats
        .ports
        .iter()
        .chain([&stats.gone.ports])
        .map(counter)
        .sum()
}

/// Asserts that queues, workers and links say of ports, links and VNIs of tunnels, and bridges of the
/// forwarding table what these say of themselves; and that what bridges sent has left by ports, but
/// for what waits. `kernel`: ports also send what came from no bridge.
#[track_caller]
pub(crate) fn assert_closed(stats: &Stats, kernel: bool) {
    for port in &stats.ports {
        let queues = stats.queues.iter().filter(|queue| queue.port == port.port);
        let (received, sent) = queues.fold((0, 0), |(received, sent), queue| {
            (received + queue.received, sent + queue.sent)
        });
        assert_eq!((received, sent), (port.received, port.sent), "{port:?}");
    }
    for port in &stats.strays {
        assert_links_closed(stats, port);
    }
    let workers = stats.workers.iter();
    let of_workers = workers.fold((0, 0), |(received, sent), worker| {
        (received + worker.received, sent + worker.sent)
    });
    let account = (stats.account.received, stats.account.sent);
    assert_eq!(of_workers, account);
    let received = of_ports(stats, |port| port.received);
    assert_eq!((received, of_ports(stats, |port| port.sent)), account);

    let (tunnels, links, vnis) = (&stats.tunnels, &stats.links, &stats.vnis);
    let gone = &stats.gone;
    let received = packets(tunnels.iter().map(|tunnel| tunnel.rx));
    assert_eq!(received, packets(vnis.iter().map(|vni| vni.rx)));
    let received = packets(tunnels.iter().map(|t| t.rx).chain([gone.tunnels_rx]));
    let of_links = links.iter().map(|link| link.rx).chain([gone.links_rx]);
    assert_eq!(received, packets(of_links));
    let sent = packets(tunnels.iter().map(|tunnel| tunnel.tx));
    assert_eq!(sent, packets(vnis.iter().map(|vni| vni.tx)));
    let sent = packets(tunnels.iter().map(|t| t.tx).chain([gone.tunnels_tx]));
    let of_links = links.iter().map(|link| link.tx).chain([gone.links_tx]);
    assert_eq!(sent, packets(of_links));

    let bridges = &stats.bridges;
    let fdb = |counter: fn(&FdbStats) -> u64| {
        let all = bridges.iter().chain([&stats.gone.bridges]);
        let sum: u64 = all.map(|bridge| counter(&bridge.fdb)).sum();
        assert_eq!(sum, counter(&stats.fdb));
    };
    fdb(|fdb| fdb.entries);
    fdb(|fdb| fdb.learned);
    fdb(|fdb| fdb.moved);
    fdb(|fdb| fdb.aged + fdb.flushed + fdb.full);
    let all = || bridges.iter().chain([&gone.bridges]);
    let sum = |counter: fn(&BridgeStats) -> u64| -> u64 { all().map(counter).sum() };
    let waited_in_vain = of_ports(stats, |port| port.wait_dropped);
    let released = sum(|bridge| bridge.waited) - waited_in_vain - stats.account.held;
    let enqueued = of_ports(stats, |port| port.enqueued - port.originated);
    if kernel {
        assert!(enqueued >= sum(|bridge| bridge.sent) + released);
    } else {
        assert_eq!(enqueued, sum(|bridge| bridge.sent) + released);
    }
}
