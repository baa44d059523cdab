//! Counters by queue, bridge, tunnel and VNI, as clients see them.

use super::State;
use super::sampled::{Sampled, Way};
use super::traffic::{Both, add};
use crate::api::messages as api;
use crate::ports::Port;
use fastpath::ids::{BridgeId, PortId, QueueId};
use fastpath::io::Io;
use fastpath::stats::{BridgeStats, Counter, HintStats, QueueStats};
use std::collections::BTreeMap;

impl<I: Io> State<I> {
    /// Of queues that are there or were.
    pub(super) fn queue_stats(&self) -> Vec<api::QueueStats> {
        let mut all = Vec::new();
        for port in self.ports.iter() {
            for number in (0..port.numbers.into()).map_while(QueueId::new) {
                let sum = |counter: fn(&QueueStats) -> &Counter| {
                    self.counted_of(|stats| counter(stats.queue(port.id, number)).get())
                };
                all.push(api::QueueStats {
                    port: port.wanted.name.to_string(),
                    queue: number.get(),
                    received: sum(|queue| &queue.received),
                    rx_bursts: sum(|queue| &queue.rx_bursts),
                    sent: sum(|queue| &queue.sent),
                    tx_bursts: sum(|queue| &queue.tx_bursts),
                });
            }
        }
        all
    }

    pub(super) fn hint_stats(&self) -> Vec<api::HintStats> {
        let of = |port: &Port<I>| api::HintStats {
            port: port.wanted.name.to_string(),
            ..hint_counters(|counter| self.counted_of(|stats| counter(stats.hints(port.id)).get()))
        };
        let hints = &self.world.current().hints;
        let asked = |port: PortId| hints.get(port.index()).is_some_and(Option::is_some);
        let said = |stats: &api::HintStats| {
            stats.differed + stats.unknown + stats.stripped + stats.inspected > 0
        };
        let all = self.ports.iter().map(|port| (asked(port.id), of(port)));
        let told = all.filter(|(asked, stats)| *asked || said(stats));
        told.map(|(_, stats)| stats).collect()
    }

    fn of_bridge(&self, id: BridgeId, counter: fn(&BridgeStats) -> &Counter) -> u64 {
        self.counted_of(|stats| counter(stats.bridge(id)).get())
    }

    /// Frames that entered a bridge.
    pub(super) fn entered(&self, id: BridgeId) -> u64 {
        self.of_bridge(id, |bridge| &bridge.received)
    }

    pub(super) fn bridge_stats(&self) -> Vec<api::BridgeStats> {
        let bridges = self.bridges.iter();
        bridges
            .map(|(id, wanted)| {
                let sum = |counter| self.of_bridge(id, counter);
                let (received, copied) = (self.entered(id), sum(|bridge| &bridge.copied));
                let (dropped, waited) =
                    (sum(|bridge| &bridge.dropped), sum(|bridge| &bridge.waited));
                api::BridgeStats {
                    bridge: wanted.name.to_string(),
                    received,
                    copied,
                    // While workers go on, what was dropped may be read after what entered.
                    sent: (received + copied).saturating_sub(dropped + waited),
                    dropped,
                    waited,
                    broadcast: sum(|bridge| &bridge.broadcast),
                    multicast: sum(|bridge| &bridge.multicast),
                    unknown: sum(|bridge| &bridge.unknown),
                    rx_rate: self.rate(Sampled::Entered(id)),
                    fdb: api::FdbStats {
                        learned_rate: self.rate(Sampled::Learned(id)),
                        moved_rate: self.rate(Sampled::Moved(id)),
                        aged_rate: self.rate(Sampled::Aged(id)),
                        ..self.show_fdb_counters(self.fdb.counters_of(id))
                    },
                }
            })
            .collect()
    }

    pub(super) fn tunnel_stats(&self) -> Vec<api::TunnelStats> {
        let mut traffic = self.tunnel_traffic();
        let ids = self.tunnels.ids().into_iter();
        ids.filter_map(|id| {
            let wanted = self.tunnels.wanted(id)?;
            let [rx, tx] = traffic.remove(&id).unwrap_or_default();
            Some(api::TunnelStats {
                tunnel: wanted.name.to_string(),
                bridge: wanted.bridge.to_string(),
                vni: wanted.vni.get(),
                rx,
                tx,
                strangers: self.strangers(id),
                rx_rate: self.rate(Sampled::Tunnel(id, Way::Received)),
                tx_rate: self.rate(Sampled::Tunnel(id, Way::Sent)),
            })
        })
        .collect()
    }
}

/// The sums of tunnels, by VNI.
pub(super) fn vni_stats(tunnels: &[api::TunnelStats]) -> Vec<api::VniStats> {
    let mut vnis: BTreeMap<u32, Both> = BTreeMap::new();
    for tunnel in tunnels {
        let sum = vnis.entry(tunnel.vni).or_default();
        *sum = add(*sum, [tunnel.rx, tunnel.tx]);
    }
    let vnis = vnis.into_iter();
    vnis.map(|(vni, [rx, tx])| api::VniStats { vni, rx, tx })
        .collect()
}

/// Counters of what NICs said, of no port in particular, each summed so.
pub(super) fn hint_counters(sum: impl Fn(fn(&HintStats) -> &Counter) -> u64) -> api::HintStats {
    api::HintStats {
        port: String::new(),
        confirmed: sum(|hints| &hints.confirmed),
        differed: sum(|hints| &hints.differed),
        unknown: sum(|hints| &hints.unknown),
        stripped: sum(|hints| &hints.stripped),
        inspected: sum(|hints| &hints.inspected),
        lies: sum(|hints| &hints.lies),
    }
}
