//! What ports, bridges, tunnels and links counted that are not there any more: all that was counted,
//! less what those say that are there.

use super::State;
use super::counters::port_counters;
use super::groups::hint_counters;
use super::traffic::{Both, add, less};
use crate::api::messages as api;
use fastpath::ids::{BridgeId, LinkId, PortId};
use fastpath::io::Io;
use fastpath::stats::{BridgeStats, Counter, HintStats, PortStats};

impl<I: Io> State<I> {
    /// Beside those that there are. While workers go on it may be a little too small.
    pub(super) fn gone(
        &self,
        bridges: &[api::BridgeStats],
        tunnels: &[api::TunnelStats],
        links: &[api::LinkStats],
    ) -> api::Gone {
        let port = |counter: fn(&PortStats) -> u64| {
            let there = self.ports.iter().map(|port| self.sum(port.id, counter));
            self.over_ports(counter).saturating_sub(there.sum())
        };
        let tunnel = tunnels.iter().map(|tunnel| [tunnel.rx, tunnel.tx]);
        let link = links.iter().map(|link| [link.rx, link.tx]);
        let all_tunnels = self.tunnel_traffic().into_values();
        let [tunnels_rx, tunnels_tx] =
            less(sum(all_tunnels.chain([self.ledger.gone])), sum(tunnel));
        let numbers = (0..self.links.places().count()).map_while(LinkId::new);
        let all_links = sum(numbers.map(|id| self.link_traffic_ever(id)));
        let [links_rx, links_tx] = less(all_links, sum(link));
        api::Gone {
            ports: port_counters(port),
            hints: hint_counters(|counter| self.gone_hints(counter)),
            bridges: self.gone_bridges(bridges),
            tunnels_rx,
            tunnels_tx,
            links_rx,
            links_tx,
        }
    }

    fn gone_hints(&self, counter: fn(&HintStats) -> &Counter) -> u64 {
        let of = |id| {
            let all = self.all_stats();
            all.map(move |stats| counter(stats.hints(id)).get())
        };
        let numbers = (0..self.ports.places().count()).map_while(PortId::new);
        let all: u64 = numbers.flat_map(of).sum();
        let there = self.ports.iter();
        let there = there.map(|port| self.counted_of(|stats| counter(stats.hints(port.id)).get()));
        all.saturating_sub(there.sum())
    }

    fn gone_bridges(&self, there: &[api::BridgeStats]) -> api::BridgeStats {
        let all = |counter: fn(&BridgeStats) -> &Counter| -> u64 {
            let numbers = (0..self.bridges.places().count()).map_while(BridgeId::new);
            let of = |id| {
                self.all_stats()
                    .map(move |stats| counter(stats.bridge(id)).get())
            };
            numbers.flat_map(of).sum()
        };
        let less = |all: u64, counter: fn(&api::BridgeStats) -> u64| {
            all.saturating_sub(there.iter().map(counter).sum())
        };
        let received = less(all(|b| &b.received), |b| b.received);
        let copied = less(all(|b| &b.copied), |b| b.copied);
        let dropped = less(all(|b| &b.dropped), |b| b.dropped);
        let waited = less(all(|b| &b.waited), |b| b.waited);
        api::BridgeStats {
            received,
            copied,
            dropped,
            waited,
            sent: (received + copied).saturating_sub(dropped + waited),
            fdb: self.gone_stations(),
            ..api::BridgeStats::default()
        }
    }
}

impl<I: Io> State<I> {
    /// What happened to the entries of bridges that are gone.
    fn gone_stations(&self) -> api::FdbStats {
        let numbers = (0..self.bridges.places().count()).map_while(BridgeId::new);
        let gone = numbers.filter(|id| self.bridges.get(*id).is_none());
        let gone = gone.map(|id| self.fdb.counters_of(id));
        self.show_fdb_counters(gone.chain([self.fdb.counters_of_gone()]).sum())
    }
}

fn sum(all: impl Iterator<Item = Both>) -> Both {
    all.fold(Both::default(), add)
}
