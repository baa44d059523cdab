//! What was dropped: for which reason, at which port, where on the way, and how fast.

use super::{SECOND, State};
use crate::api::Refused;
use crate::api::messages::{Bytes, DropCount, DropPlace, Header, LastDrop};
use crate::config::Name;
use crate::explain::fields::fields;
use fastpath::drop::DropReason;
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::key::Mask;
use fastpath::offload::Front;
use fastpath::parse::parse;
use fastpath::snapshot::UdpPorts;
use fastpath::stats::{Drops, PortStats};
use fastpath::trace::last::{self, Place};
use std::cmp::Reverse;
use std::collections::HashMap;

/// The name of a counter of drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DropKey {
    port: PortId,
    place: DropPlace,
    pub(super) reason: DropReason,
}

/// When the last packet that somebody dropped for a reason was noticed: its number among those, and
/// the time in milliseconds. By place in [`State::all_stats`] and reason, so there are no more than so
/// many.
pub(super) type Noticed = HashMap<(usize, DropReason), (u64, u64)>;

fn place_of(place: Place) -> DropPlace {
    match place {
        Place::Received => DropPlace::Dropped,
        Place::Copy => DropPlace::CopiesDropped,
        Place::Waited => DropPlace::WaitDropped,
        Place::Sent => DropPlace::TxDropped,
    }
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
        self.ports.iter().flat_map(|port| self.drops_of(port.id))
    }

    fn drops_of(&self, port: PortId) -> impl Iterator<Item = (DropKey, u64)> {
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
        let mut noticed = std::mem::take(&mut self.noticed);
        for (from, stats) in self.all_stats().enumerate() {
            for &reason in DropReason::ALL {
                if let Some(last) = stats.last_drops.get(reason) {
                    let known = noticed.entry((from, reason)).or_default();
                    if known.0 != last.number {
                        *known = (last.number, self.now);
                    }
                }
            }
        }
        self.noticed = noticed;
    }

    /// The last packet that was dropped for a reason, if it was dropped here.
    fn last_drop(&self, key: DropKey) -> Option<LastDrop> {
        let all = self.all_stats().enumerate().filter_map(|(from, stats)| {
            let last = stats.last_drops.get(key.reason)?;
            let noticed = self.noticed.get(&(from, key.reason));
            let noticed = noticed.filter(|(number, _)| *number == last.number);
            Some((noticed.map_or(self.now, |(_, at)| *at), last))
        });
        let (at, last) = all.max_by_key(|(at, _)| *at)?;
        let here = last.port == key.port && place_of(last.place) == key.place;
        here.then(|| self.show_last(&last, (self.now - at) / SECOND))
    }

    fn show_last(&self, last: &last::LastDrop, age: u64) -> LastDrop {
        let (head, len) = (last.headers.bytes(), last.headers.len());
        // What is inside a tunnel is looked into no further.
        let inside = UdpPorts::default();
        let bare = last.headers.front() != Front::Whole;
        let udp_ports = match bare {
            true => &inside,
            false => &self.world.current().udp_ports,
        };
        let parsed = parse(last.port, head, len, udp_ports);
        let found = fields(&parsed.key, &Mask::default()).into_iter();
        LastDrop {
            age,
            len,
            bare: matches!(last.headers.front(), Front::Bare(_)),
            head: Bytes(head.to_vec()),
            fields: found
                .map(|field| Header {
                    name: field.name.to_owned(),
                    value: field.value,
                })
                .collect(),
        }
    }

    /// Those of most packets first.
    pub(super) fn show_drops(&self, port: Option<Name>) -> Result<Vec<DropCount>, Refused> {
        let drops = match port {
            Some(name) => self.drops_of(self.port_of_that_name(name)?).collect(),
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
            last: self.last_drop(key),
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort_by_key(|drop| Reverse(drop.packets));
        Ok(shown)
    }
}
