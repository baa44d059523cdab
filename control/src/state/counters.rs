//! The counters, as clients see them.

use super::State;
use crate::api::messages as api;
use crate::ports::Port;
use fastpath::ids::PortId;
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
        self.all_stats().map(|stats| counter(stats.port(id))).sum()
    }

    pub(super) fn stats(&self) -> api::Stats {
        let account = Account::of(self.all_stats());
        let counters = self.fdb.counters();
        let events: [(&str, u64); 10] = [
            ("fdb_learned", counters.learned),
            ("fdb_moved", counters.moved),
            ("fdb_aged", counters.aged),
            ("fdb_flushed", counters.flushed),
            ("fdb_full", counters.full),
            ("remotes_refused", self.tunnels.refused),
            ("icmp_errors_unmatched", self.errors_unmatched),
            ("originated_lost", self.originated_lost),
            ("events_lost", self.total(|worker| &worker.events_lost)),
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
        api::Stats {
            account: show_account(&account),
            drops: self.drops(),
            ports: self
                .ports
                .iter()
                .map(|port| self.port_stats(port))
                .collect(),
            remotes: self.remote_stats(),
            fdb: self.fdb_stats(),
            workers: self.worker_stats(),
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
        let mut drops = BTreeMap::new();
        for (key, packets) in self.all_drops() {
            *drops.entry(key.reason.name().to_owned()).or_default() += packets;
        }
        drops
    }

    fn port_stats(&self, port: &Port<I>) -> api::PortStats {
        let sum = |counter: fn(&PortStats) -> u64| self.sum(port.id, counter);
        api::PortStats {
            port: port.wanted.name.to_string(),
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
        let counters = self.fdb.counters();
        api::FdbStats {
            entries: self.fdb.len() as u64,
            static_entries: counters.added,
            limit: u64::from(self.wanted.switch.fdb_entries),
            learned: counters.learned,
            moved: counters.moved,
            aged: counters.aged,
            flushed: counters.flushed,
            full: counters.full,
        }
    }

    /// Takes note of how many rounds the workers make. Called once a second.
    pub(super) fn sample_rounds(&mut self) {
        let numbered = || (0..).zip(&self.workers);
        let all = numbered().map(|(worker, end)| (worker, end.stats.rounds.get()));
        let idle = numbered().map(|(worker, end)| (worker, end.stats.idle_rounds.get()));
        self.rounds.sample(self.now, all);
        self.idle_rounds.sample(self.now, idle);
    }

    /// How many of a hundred rounds of the last whole second found a packet.
    fn busy(&self, worker: u16) -> u8 {
        let (all, idle) = (self.rounds.of(worker), self.idle_rounds.of(worker));
        let share = all
            .saturating_sub(idle)
            .saturating_mul(100)
            .checked_div(all);
        share.unwrap_or_default().try_into().unwrap_or_default()
    }

    fn worker_stats(&self) -> Vec<api::WorkerStats> {
        let numbered = self.workers.iter().zip(0..);
        numbered
            .map(|(end, worker)| api::WorkerStats {
                worker,
                rounds: end.stats.rounds.get(),
                idle_rounds: end.stats.idle_rounds.get(),
                busy: self.busy(worker),
                events_lost: end.stats.events_lost.get(),
                handed_off: end.stats.handed_off.get(),
                cache: show_cache(&end.stats.cache),
            })
            .collect()
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
