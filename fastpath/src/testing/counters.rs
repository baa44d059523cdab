//! Counters by name, so that a test can say which ones moved.

use crate::drop::DropReason;
use crate::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId};
use crate::stats::{BridgeStats, Counter, Drops, FrameStats, LinkStats, PortStats, WorkerStats};
use std::fmt;

/// All counters that are not zero but those of [`carried`], of queues and of time: `0.received 1, 0.forwarded 1, ...`,
/// ports by number, remotes as `r0`, what belongs to no port by its name alone.
pub(crate) fn moved(stats: &WorkerStats) -> String {
    let mut list = List::default();
    for id in (0..PortId::LIMIT).filter_map(PortId::new) {
        list.port(id, stats.port(id));
    }
    for id in (0..RemoteId::LIMIT).filter_map(RemoteId::new) {
        let counters = stats.remote(id);
        list.add(format_args!("r{id}.received"), counters.received.get());
        list.add(format_args!("r{id}.sent"), counters.sent.get());
    }
    list.add(format_args!("events_lost"), stats.events_lost.get());
    list.add(format_args!("handed_off"), stats.handed_off.get());
    let cache = &stats.cache;
    list.add(format_args!("hits"), cache.hits.get());
    list.add(format_args!("misses"), cache.misses.get());
    list.add(format_args!("inserted"), cache.inserted.get());
    list.add(format_args!("evicted"), cache.evicted.get());
    list.add(format_args!("replaced"), cache.replaced.get());
    list.add(format_args!("mask_limit"), cache.mask_limit.get());
    list.add(format_args!("flushed"), cache.flushed.get());
    list.0.join(", ")
}

/// The others that are not zero, named likewise: bytes sent by ports, and carried from and to remotes;
/// what tunnels carried by links and from strangers; frames of links, and of ports on no link; what bridges
/// did.
pub(crate) fn carried(stats: &WorkerStats) -> String {
    let mut list = List::default();
    for id in (0..PortId::LIMIT).filter_map(PortId::new) {
        list.add(format_args!("{id}.sent"), stats.port(id).sent_bytes.get());
    }
    for id in (0..RemoteId::LIMIT).filter_map(RemoteId::new) {
        let counters = stats.remote(id);
        list.add(
            format_args!("r{id}.received"),
            counters.received_bytes.get(),
        );
        list.add(format_args!("r{id}.sent"), counters.sent_bytes.get());
    }
    for id in (0..LinkId::LIMIT).filter_map(LinkId::new) {
        list.link(id, stats.link(id));
    }
    for id in (0..PortId::LIMIT).filter_map(PortId::new) {
        list.frames(format_args!("{id}.strays"), stats.strays(id));
    }
    for id in (0..TunnelId::LIMIT).filter_map(TunnelId::new) {
        let strangers = stats.strangers(id);
        list.add(format_args!("t{id}.strangers"), strangers.received.get());
        list.add(format_args!("t{id}.bytes"), strangers.received_bytes.get());
    }
    for id in (0..BridgeId::LIMIT).filter_map(BridgeId::new) {
        list.bridge(id, stats.bridge(id));
    }
    list.0.join(", ")
}

#[derive(Default)]
struct List(Vec<String>);

impl List {
    fn add(&mut self, name: fmt::Arguments<'_>, value: u64) {
        if value > 0 {
            self.0.push(format!("{name} {value}"));
        }
    }

    fn drops(&mut self, name: fmt::Arguments<'_>, drops: &Drops) {
        for reason in DropReason::ALL {
            self.add(format_args!("{name}.{}", reason.name()), drops.get(*reason));
        }
    }

    fn frames(&mut self, name: fmt::Arguments<'_>, frames: &FrameStats) {
        for (what, counter) in [
            ("received", &frames.received),
            ("consumed", &frames.consumed),
            ("waited", &frames.waited),
            ("dropped", &frames.dropped),
            ("enqueued", &frames.enqueued),
        ] {
            self.add(format_args!("{name}.{what}"), counter.get());
        }
    }

    fn link(&mut self, link: LinkId, LinkStats { frames, tunnels }: &LinkStats) {
        self.frames(format_args!("l{link}.frames"), frames);
        self.add(format_args!("l{link}.received"), tunnels.received.get());
        self.add(format_args!("l{link}.sent"), tunnels.sent.get());
        let bytes = [&tunnels.received_bytes, &tunnels.sent_bytes];
        let [received, sent] = bytes.map(Counter::get);
        self.add(format_args!("l{link}.received_bytes"), received);
        self.add(format_args!("l{link}.sent_bytes"), sent);
    }

    fn bridge(&mut self, bridge: BridgeId, counters: &BridgeStats) {
        let all = [
            ("received", &counters.received),
            ("copied", &counters.copied),
            ("dropped", &counters.dropped),
            ("waited", &counters.waited),
            ("broadcast", &counters.broadcast),
            ("multicast", &counters.multicast),
            ("unknown", &counters.unknown),
        ];
        for (name, counter) in all {
            self.add(format_args!("b{bridge}.{name}"), counter.get());
        }
    }

    fn port(&mut self, port: PortId, counters: &PortStats) {
        self.add(format_args!("{port}.received"), counters.received.get());
        self.add(format_args!("{port}.forwarded"), counters.forwarded.get());
        self.add(format_args!("{port}.consumed"), counters.consumed.get());
        self.add(format_args!("{port}.waited"), counters.waited.get());
        self.drops(format_args!("{port}.dropped"), &counters.dropped);
        self.drops(format_args!("{port}.wait_dropped"), &counters.wait_dropped);
        self.add(format_args!("{port}.copied"), counters.copied.get());
        self.drops(
            format_args!("{port}.copies_dropped"),
            &counters.copies_dropped,
        );
        self.add(format_args!("{port}.originated"), counters.originated.get());
        self.add(format_args!("{port}.enqueued"), counters.enqueued.get());
        self.add(format_args!("{port}.sent"), counters.sent.get());
        self.drops(format_args!("{port}.tx_dropped"), &counters.tx_dropped);
    }
}
