//! What was dropped: for which reason, at which port, where on the way, and how fast.

use super::State;
use crate::api::Refused;
use crate::api::messages::{DropCount, DropPlace};
use crate::config::{Name, nearest};
use crate::ports::Port;
use fastpath::drop::DropReason;
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::stats::{Drops, PortStats};
use std::cmp::Reverse;

/// The name of a counter of drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DropKey {
    port: PortId,
    place: DropPlace,
    pub(super) reason: DropReason,
}

fn drops_at(stats: &PortStats, place: DropPlace) -> &Drops {
    match place {
        DropPlace::Dropped => &stats.dropped,
        DropPlace::CopiesDropped => &stats.copies_dropped,
        DropPlace::WaitDropped => &stats.wait_dropped,
        DropPlace::TxDropped => &stats.tx_dropped,
    }
}

impl<I: Io> State<I> {
    /// All counters of drops that are not zero, summed over workers: by port, place and reason, each
    /// in their order.
    pub(super) fn all_drops(&self) -> impl Iterator<Item = (DropKey, u64)> {
        self.ports.iter().flat_map(|port| self.drops_of(port))
    }

    fn drops_of(&self, port: &Port<I>) -> impl Iterator<Item = (DropKey, u64)> {
        let port = port.id;
        let keys = DropPlace::ALL.into_iter().flat_map(move |place| {
            let reasons = DropReason::ALL.iter();
            reasons.map(move |&reason| DropKey {
                port,
                place,
                reason,
            })
        });
        keys.map(move |key| {
            let packets = self.sum(port, |stats| drops_at(stats, key.place).get(key.reason));
            (key, packets)
        })
        .filter(|(_, packets)| *packets > 0)
    }

    /// Takes note of how fast packets are dropped. Called once a second.
    pub(super) fn sample_drops(&mut self) {
        let mut rates = std::mem::take(&mut self.drop_rates);
        rates.sample(self.now, self.all_drops());
        self.drop_rates = rates;
    }

    /// Those of most packets first.
    pub(super) fn show_drops(&self, port: Option<Name>) -> Result<Vec<DropCount>, Refused> {
        let drops = match port {
            Some(name) => self.drops_of(self.port_named(name)?).collect(),
            None => self.all_drops().collect::<Vec<_>>(),
        };
        let shown = drops.into_iter().map(|(key, packets)| DropCount {
            reason: key.reason.name().to_owned(),
            port: self.port_name(key.port).unwrap_or_default(),
            place: key.place,
            packets,
            rate: self.drop_rates.of(key),
            meaning: key.reason.meaning().to_owned(),
            advice: key.reason.advice().to_owned(),
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort_by_key(|drop| Reverse(drop.packets));
        Ok(shown)
    }

    fn port_named(&self, name: Name) -> Result<&Port<I>, Refused> {
        let mut ports = self.ports.iter();
        ports.find(|port| port.wanted.name == name).ok_or_else(|| {
            let names = self.ports.iter().map(|port| port.wanted.name.as_str());
            let hint = nearest(name.as_str(), names);
            let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            Refused(format!("port: there is no port {name}{hint}"))
        })
    }
}
