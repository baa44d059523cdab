//! Packets that are cut before they leave, if the NIC does not do it.

use super::Straight;
use crate::action::prepare::Losses;
use crate::cut::{Segments, cut, for_nic, noted, suits_nics};
use crate::drop::DropReason;
use crate::io::{Io, Left, Packet};
use crate::plan::{Plan, Plans};
use crate::snapshot::Port;
use crate::wire::ipv4::Ipv4;

/// Packets in a row that are prepared for one port.
pub(super) struct Group {
    /// Number of the first in its burst.
    pub(super) at: usize,
    pub(super) count: usize,
    /// The bits of those that are dropped, and counted.
    pub(super) refused: u64,
    /// What is to be counted of the others.
    pub(super) bytes: u64,
    /// They have outer headers.
    pub(super) wraps: bool,
}

impl<I: Io> Straight<'_, '_, I> {
    /// Whether any of the next `count` packets is to be cut.
    #[cold]
    #[inline(never)]
    pub(super) fn any_uncut(&mut self, count: usize) -> bool {
        let mut next = self.packets.as_mut_slice().iter().take(count);
        next.any(|packet| noted(packet).is_some())
    }

    /// The end of [`Straight::deliver`] for these. A packet that was cut counts as copied.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_cut(&mut self, plans: &Plans, port: &Port, group: &Group) -> (u64, u64) {
        let (mut packets, mut bytes) = (0, group.bytes);
        for bit in 0..group.count {
            let Some(mut packet) = self.packets.each().next() else {
                break;
            };
            if group.refused >> bit & 1 != 0 {
                continue;
            }
            let at = group.at + bit;
            let Some(left) = noted(&packet) else {
                self.give(port, group, [packet]);
                packets += 1;
                continue;
            };
            let takes = port.tx.takes(left, packet.head());
            if takes && left.is_plain(&packet) && suits_nics(&packet, left) {
                self.identify(&mut packet, left);
                for_nic(&mut packet, left);
                self.give(port, group, [packet]);
                packets += 1;
                continue;
            }
            let more = left.payload_at() - left.frame_at();
            match self.cut(port, &packet, left) {
                Some(segments) => {
                    let copies = segments.len() as u64 - 1;
                    self.count_copied(plans, at, copies);
                    packets += copies + 1;
                    bytes += copies * more as u64;
                    self.give(port, group, segments);
                }
                None => {
                    packet.trim_front(left.frame_at());
                    bytes -= packet.len() as u64;
                    self.lose_uncut(plans, at, &mut packet);
                }
            }
        }
        (packets, bytes)
    }

    fn cut(&mut self, port: &Port, packet: &I::Packet, left: Left) -> Option<Segments<I::Packet>> {
        let ip_ids = self.context.outputs.ip_ids();
        cut(self.context.pool, packet, left, port.tx, ip_ids)
    }

    /// The NIC counts on from the identification of the whole: there have to be as many that nobody else
    /// has. The checksum over it is the NIC's to make.
    fn identify(&mut self, packet: &mut I::Packet, left: Left) {
        let segments = left.segments(packet.len());
        let at = left.outer.map(|(l2_len, _)| usize::from(l2_len));
        let outer = at.and_then(|at| Ipv4::new(packet.head_mut().get_mut(at..)?));
        if let Some(mut ip) = outer.filter(|ip| !ip.dont_fragment()) {
            let ip_ids = self.context.outputs.ip_ids();
            ip.set_ident(ip_ids.next());
            ip_ids.skip(segments.saturating_sub(1));
        }
    }

    /// What one packet became, to `port`.
    fn give<P: AsRef<[I::Packet]> + IntoIterator<Item = I::Packet>>(
        &mut self,
        port: &Port,
        group: &Group,
        packets: P,
    ) {
        let (outputs, stats) = (&mut *self.context.outputs, self.context.stats);
        if !group.wraps && port.is_underlay() {
            for packet in packets.as_ref() {
                stats.count_enqueued(self.context.snapshot, port.id, packet.head());
            }
        }
        stats
            .port(port.id)
            .enqueued
            .add(packets.as_ref().len() as u64);
        self.forwarded += 1;
        outputs
            .way_out(port.id)
            .push_all(port, packets.into_iter(), stats);
    }

    /// Packet number `at` became so many more.
    fn count_copied(&self, plans: &Plans, at: usize, copies: u64) {
        let stats = self.context.stats;
        stats.port(self.ingress).copied.add(copies);
        if let Plan::Bridge(gate) = plans.of(at) {
            stats.bridge(gate.bridge()).copied.add(copies);
        }
    }

    /// There is no buffer for what packet number `at` was to be cut into.
    fn lose_uncut(&mut self, plans: &Plans, at: usize, packet: &mut I::Packet) {
        let headers = plans.as_received(at, packet);
        let context = &mut *self.context;
        if let Plan::Bridge(gate) = plans.of(at) {
            context.stats.bridge(gate.bridge()).dropped.add(1);
        }
        let mut losses = Losses {
            ingress: self.ingress,
            stats: context.stats,
            snapshot: context.snapshot,
            watch: context.outputs.watch(),
        };
        losses.lose(at, &headers, DropReason::NoBuffer);
    }
}
