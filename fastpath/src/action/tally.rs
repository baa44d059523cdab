//! What packets from tunnels have in common is counted once.

use super::Arrival;
use crate::ids::{BridgeId, LinkId};
use crate::stats::{LinkStats, WorkerStats};

/// Packets in a row that came out of tunnels, by the same link and into the same bridge, and are not
/// counted yet for either.
pub(super) struct Tally<'a> {
    stats: &'a WorkerStats,
    /// They are counted for the link as frames too.
    frames: bool,
    place: Place,
    packets: u64,
    bytes: u64,
}

/// The number of a link, and of a bridge in the upper half, each and 1: one comparison tells places
/// apart. Zero for neither.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(u32);

impl Place {
    #[inline(always)]
    fn new(link: Option<LinkId>, bridge: Option<BridgeId>) -> Self {
        let link = link.map_or(0, |link| u32::from(link.get()) + 1);
        let bridge = bridge.map_or(0, |bridge| u32::from(bridge.get()) + 1);
        Place(bridge << 16 | link)
    }

    fn link(self) -> Option<LinkId> {
        LinkId::new((self.0 as u16 as usize).checked_sub(1)?)
    }

    fn bridge(self) -> Option<BridgeId> {
        BridgeId::new(((self.0 >> 16) as usize).checked_sub(1)?)
    }
}

impl<'a> Tally<'a> {
    #[inline(always)]
    pub(super) fn new(stats: &'a WorkerStats, frames: bool) -> Self {
        Tally {
            stats,
            frames,
            place: Place::new(None, None),
            packets: 0,
            bytes: 0,
        }
    }

    /// Takes packets, and their inner bytes, that go into a bridge, if into any; they are counted for
    /// their sender.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        arrival: &Arrival,
        bridge: Option<BridgeId>,
        packets: u64,
        bytes: u64,
    ) {
        let place = Place::new(arrival.link, bridge);
        if place != self.place {
            self.count();
            (self.packets, self.bytes, self.place) = (0, 0, place);
        }
        self.packets += packets;
        self.bytes += bytes;
        let (received, received_bytes) = match arrival.remote {
            Some(remote) => {
                let counters = self.stats.remote(remote);
                (&counters.received, &counters.received_bytes)
            }
            None => {
                let counters = self.stats.strangers(arrival.tunnel);
                (&counters.received, &counters.received_bytes)
            }
        };
        received.add(packets);
        received_bytes.add(bytes);
    }

    /// Counts them for link and bridge.
    pub(super) fn count(&self) {
        if let Some(link) = self.place.link() {
            let LinkStats { frames, tunnels } = self.stats.link(link);
            if self.frames {
                frames.received.add(self.packets);
            }
            tunnels.received.add(self.packets);
            tunnels.received_bytes.add(self.bytes);
        }
        if let Some(bridge) = self.place.bridge() {
            self.stats.bridge(bridge).received.add(self.packets);
        }
    }
}
