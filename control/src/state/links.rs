//! Counters by underlay link, as clients see them.

use super::State;
use super::sampled::{Sampled, Way};
use crate::api::messages as api;
use fastpath::io::Io;
use fastpath::stats::{Counter, FrameStats, WorkerStats};
use fastpath::wire::VlanId;

impl<I: Io> State<I> {
    pub(super) fn link_stats(&self) -> Vec<api::LinkStats> {
        let links = self.links.iter().map(|(id, place)| {
            let [rx, tx] = self.link_traffic(id);
            let mut frames = self.frames(|stats| &stats.link(id).frames);
            // What tunnels send is counted once.
            frames.enqueued += tx.packets;
            api::LinkStats {
                port: self.port_name(place.port).unwrap_or_default(),
                vlan: place.vlan.map(VlanId::get),
                frames,
                rx,
                tx,
                rx_rate: self.rate(Sampled::Link(id, Way::Received)),
                tx_rate: self.rate(Sampled::Link(id, Way::Sent)),
            }
        });
        links.collect()
    }

    /// Of frames that are on no link of their port, or were on one that is gone.
    pub(super) fn stray_stats(&self) -> Vec<api::StrayStats> {
        let ports = self.ports.iter();
        let ports = ports.filter(|port| !port.wanted.addresses.is_empty());
        let all = ports.map(|port| {
            let gone = self.links.gone_of(port.id).into_iter().map(|id| {
                let [_, tx] = self.link_traffic(id);
                let mut frames = self.frames(|stats| &stats.link(id).frames);
                frames.enqueued += tx.packets;
                frames
            });
            let strays = self.frames(|stats| stats.strays(port.id));
            api::StrayStats {
                port: port.wanted.name.to_string(),
                frames: gone.fold(strays, add),
            }
        });
        all.collect()
    }

    fn frames(&self, of: impl Fn(&WorkerStats) -> &FrameStats) -> api::Frames {
        let sum = |counter: fn(&FrameStats) -> &Counter| {
            self.counted_of(|stats| counter(of(stats)).get())
        };
        let (consumed, waited) = (sum(|f| &f.consumed), sum(|f| &f.waited));
        let (dropped, received) = (sum(|f| &f.dropped), sum(|f| &f.received));
        api::Frames {
            received,
            // While workers go on, a verdict may be read and the packet not.
            forwarded: received.saturating_sub(consumed + waited + dropped),
            consumed,
            waited,
            dropped,
            enqueued: sum(|f| &f.enqueued),
        }
    }
}

fn add(one: api::Frames, other: api::Frames) -> api::Frames {
    api::Frames {
        received: one.received + other.received,
        forwarded: one.forwarded + other.forwarded,
        consumed: one.consumed + other.consumed,
        waited: one.waited + other.waited,
        dropped: one.dropped + other.dropped,
        enqueued: one.enqueued + other.enqueued,
    }
}
