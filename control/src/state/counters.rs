//! The counters, as clients see them.

use super::State;
use super::groups::vni_stats;
use super::sampled::{Sampled, Way};
use crate::api::messages as api;
use crate::fdb::FdbCounters;
use crate::ports::Port;
use fastpath::drop::DropReason;
use fastpath::ids::{BridgeId, PortId};
use fastpath::io::Io;
use fastpath::stats::{Account, CacheStats, Counter, PortStats, WorkerStats};
use std::collections::BTreeMap;

impl<I: Io> State<I> {
    /// The counters of the workers, and our own.
    pub(super) fn all_stats(&self) -> impl Iterator<Item = &WorkerStats> {
        let workers = self.workers.iter().map(|worker| &*worker.stats);
        workers.chain(std::iter::once(&*self.own))
    }

    pub(super) fn sum(&self, id: PortId, counter: impl Fn(&PortStats) -> u64) -> u64 {
        self.counted_of(|stats| counter(stats.port(id)))
    }

    /// The sum of a counter over all workers and ourselves, since its number has its present owner.
    pub(super) fn counted_of(&self, counter: impl Fn(&WorkerStats) -> u64) -> u64 {
        let all: u64 = self.all_stats().map(&counter).sum();
        all.saturating_sub(counter(&self.former))
    }

    pub(super) fn stats(&self) -> api::Stats {
        let account = Account::of(self.all_stats());
        let counters = self.fdb.counters();
        let events: [(&str, u64); 11] = [
            ("fdb_learned", counters.learned),
            ("fdb_moved", counters.moved),
            ("fdb_aged", counters.aged),
            ("fdb_flushed", counters.flushed),
            ("fdb_full", counters.full),
            ("remotes_refused", self.tunnels.refused),
            ("icmp_errors_unmatched", self.errors_unmatched),
            ("originated_lost", self.originated_lost),
            ("events_lost", self.total(|worker| &worker.events_lost)),
            // The api thread puts its own count in.
            ("api_denied", 0),
            ("handed_off", self.total(|worker| &worker.handed_off)),
        ];
        let mut events: BTreeMap<_, _> = events
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect();
        events.extend(
            self.neighbours
                .counters()
                .map(|(name, n)| (format!("neigh_{name}"), n)),
        );
        let (bridges, tunnels) = (self.bridge_stats(), self.tunnel_stats());
        let links = self.link_stats();
        let ports = self.ports.iter().map(|port| self.port_stats(port));
        let ports: Vec<_> = ports.collect();
        api::Stats {
            gone: self.gone(&bridges, &tunnels, &links),
            account: show_account(&account),
            drops: self.drops(),
            ports,
            queues: self.queue_stats(),
            bridges,
            vnis: vni_stats(&tunnels),
            tunnels,
            links,
            strays: self.stray_stats(),
            hints: self.hint_stats(),
            remotes: self.remote_stats(),
            fdb: self.fdb_stats(),
            workers: self.worker_stats(),
            ticks_per_second: self.ticks_per_second(),
            events,
        }
    }

    fn total(&self, counter: fn(&WorkerStats) -> &Counter) -> u64 {
        self.workers
            .iter()
            .map(|worker| counter(&worker.stats).get())
            .sum()
    }

    /// Drops by reason, over all ports and workers; those that never happened are left out.
    fn drops(&self) -> BTreeMap<String, u64> {
        let total = |reason| {
            self.over_ports(|port| port.all_drops().iter().map(|drops| drops.get(reason)).sum())
        };
        let all = DropReason::ALL.iter();
        let all = all.map(|reason| (reason.name().to_owned(), total(*reason)));
        all.filter(|(_, packets)| *packets > 0).collect()
    }

    /// The sum of a counter over all ports that there are or were, and all workers.
    pub(super) fn over_ports(&self, counter: impl Fn(&PortStats) -> u64) -> u64 {
        let numbers = (0..self.ports.places().count()).map_while(PortId::new);
        let sums = self.all_stats().map(|stats| -> u64 {
            let ports = numbers.clone().map(|id| stats.port(id));
            ports.map(&counter).sum()
        });
        sums.sum()
    }

    fn port_stats(&self, port: &Port<I>) -> api::PortStats {
        let rate = |way| self.rate(Sampled::Port(port.id, way));
        api::PortStats {
            port: port.wanted.name.to_string(),
            rx_rate: rate(Way::Received),
            rx_byte_rate: rate(Way::ReceivedBytes),
            tx_rate: rate(Way::Sent),
            tx_byte_rate: rate(Way::SentBytes),
            ..port_counters(|counter| self.sum(port.id, counter))
        }
    }

    fn remote_stats(&self) -> Vec<api::RemoteStats> {
        let tunnels = self.show_tunnels().into_iter().flat_map(|tunnel| {
            let remotes = tunnel.remotes.into_iter();
            remotes.map(move |remote| api::RemoteStats {
                tunnel: tunnel.name.clone(),
                remote: remote.address,
                rx: remote.rx,
                tx: remote.tx,
            })
        });
        tunnels.collect()
    }

    fn fdb_stats(&self) -> api::FdbStats {
        let rate = |name: fn(BridgeId) -> Sampled| -> u64 {
            let bridges = self.bridges.iter();
            bridges.map(|(id, _)| self.rate(name(id))).sum()
        };
        api::FdbStats {
            learned_rate: rate(Sampled::Learned),
            moved_rate: rate(Sampled::Moved),
            aged_rate: rate(Sampled::Aged),
            ..self.show_fdb_counters(self.fdb.counters())
        }
    }

    /// Without the rates.
    pub(super) fn show_fdb_counters(&self, counters: FdbCounters) -> api::FdbStats {
        api::FdbStats {
            entries: counters.entries(),
            static_entries: counters.statics(),
            limit: u64::from(self.wanted.switch.fdb_entries),
            learned: counters.learned,
            moved: counters.moved,
            aged: counters.aged,
            flushed: counters.flushed,
            full: counters.full,
            ..api::FdbStats::default()
        }
    }

    fn worker_stats(&self) -> Vec<api::WorkerStats> {
        let numbered = (0..).zip(&self.workers);
        numbered
            .map(|(worker, end)| self.worker(worker, &end.stats))
            .collect()
    }

    fn worker(&self, worker: u16, stats: &WorkerStats) -> api::WorkerStats {
        let all = |counter: fn(&PortStats) -> &Counter| -> u64 {
            let numbers = (0..self.ports.places().count()).map_while(PortId::new);
            numbers.map(|id| counter(stats.port(id)).get()).sum()
        };
        let busy = self.rate(Sampled::Busy(worker));
        let spent = busy + self.rate(Sampled::Idle(worker));
        let packets = self.rate(Sampled::Packets(worker));
        let share = busy.saturating_mul(100).checked_div(spent);
        api::WorkerStats {
            worker,
            rounds: stats.rounds.get(),
            idle_rounds: stats.idle_rounds.get(),
            busy: share.unwrap_or_default().try_into().unwrap_or_default(),
            busy_ticks: stats.busy_ticks.get(),
            idle_ticks: stats.idle_ticks.get(),
            received: all(|port| &port.received),
            sent: all(|port| &port.sent),
            moved: stats.moved(),
            ticks_per_packet: busy.checked_div(packets).unwrap_or_default(),
            rx_burst_sizes: (&stats.rx_bursts).into(),
            tx_burst_sizes: (&stats.tx_bursts).into(),
            rx_to_tx_ticks: (&stats.rx_to_tx).into(),
            resolve_ticks: (&stats.cache.resolve_times).into(),
            resolve_ticks_sum: stats.cache.resolve_ticks.get(),
            events_lost: stats.events_lost.get(),
            handed_off: stats.handed_off.get(),
            cache: show_cache(&stats.cache),
        }
    }
}

/// What `sum` says of each counter.
pub(super) fn port_counters(sum: impl Fn(fn(&PortStats) -> u64) -> u64) -> api::PortStats {
    api::PortStats {
        received: sum(|p| p.received.get()),
        forwarded: sum(|p| p.forwarded.get()),
        dropped: sum(|p| p.dropped.total()),
        consumed: sum(|p| p.consumed.get()),
        waited: sum(|p| p.waited.get()),
        enqueued: sum(|p| p.enqueued.get()),
        sent: sum(|p| p.sent.get()),
        tx_dropped: sum(|p| p.tx_dropped.total()),
        originated: sum(|p| p.originated.get()),
        copied: sum(|p| p.copied.get()),
        copies_dropped: sum(|p| p.copies_dropped.total()),
        wait_dropped: sum(|p| p.wait_dropped.total()),
        received_bytes: sum(|p| p.received_bytes.get()),
        sent_bytes: sum(|p| p.sent_bytes.get()),
        ..api::PortStats::default()
    }
}

pub(super) fn show_cache(cache: &CacheStats) -> api::CacheStats {
    api::CacheStats {
        hits: cache.hits.get(),
        misses: cache.misses.get(),
        entries: cache.entries.get(),
        evictions: cache.evicted.get(),
        inserted: cache.inserted.get(),
        replaced: cache.replaced.get(),
        flushed: cache.flushed.get(),
        mask_limit: cache.mask_limit.get(),
        masks: cache.masks.get(),
    }
}

/// The account as clients see it. What two reads of running counters make negative is shown as 0.
fn show_account(account: &Account) -> api::Account {
    api::Account {
        received: account.received,
        originated: account.originated,
        copied: account.copied,
        sent: account.sent,
        dropped: account.dropped,
        consumed: account.consumed,
        held: account.held().try_into().unwrap_or_default(),
    }
}
