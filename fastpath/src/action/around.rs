//! What is done about checksums when outer headers are there: few packets need any of it.

use crate::cut::WANTED;
use crate::io::{Left, Packet};
use crate::snapshot::{Port, Remote};
use crate::wire::{Protocol, Sum, udp};

/// Bytes of the outer IPv4 header.
const IP_LEN: u16 = 20;

/// Of packets that go to one remote by one port. Apart from what all packets need, so that that stays in
/// registers.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    remote: &'a Remote,
    port: &'a Port,
    /// Bytes before the outer IPv4 header.
    l2_len: u8,
    /// Checksums of inner headers may have been left.
    open: bool,
}

impl<'a> Around<'a> {
    #[inline(always)]
    pub(super) fn new(remote: &'a Remote, port: &'a Port, l2_len: u8, open: bool) -> Self {
        Around {
            remote,
            port,
            l2_len,
            open,
        }
    }

    fn sums(self) -> bool {
        self.remote.settings.udp_checksum
    }

    /// Does it.
    #[inline(never)]
    pub(super) fn complete<P: Packet>(self, packet: &mut P) {
        match packet.left().filter(|_| self.open) {
            Some(inner) => self.leave(packet, inner),
            None if self.sums() => self.sum(packet),
            None => {}
        }
    }

    /// What the outer UDP checksum begins with, and where it is.
    fn pseudo<P: Packet>(self, packet: &P) -> (Sum, Left) {
        let left = Left::outer_udp(self.l2_len, IP_LEN);
        // The packet fits the MTU, which is below 2^16, or is to be cut, and then this is not used.
        let len = packet.len().saturating_sub(left.at()) as u16;
        let (local, remote) = (self.remote.settings.local, self.remote.address);
        let sum = Sum::new().add_pseudo_v4(local, remote, Protocol::UDP, len);
        (sum, left)
    }

    /// Makes the outer UDP checksum, or leaves it to the NIC.
    fn sum<P: Packet>(self, packet: &mut P) {
        let (pseudo, left) = self.pseudo(packet);
        left.open(packet, pseudo);
        if self.port.tx.udp {
            packet.leave(Some(left));
        } else {
            left.finish(packet);
        }
    }

    /// Tells the NIC to which a checksum was left of the headers that came before. An outer checksum needs no
    /// look at what the inner one covers: with that, all of it sums up to the complement of the
    /// pseudo header (local checksum offload).
    fn leave<P: Packet>(self, packet: &mut P, inner: Left) {
        let (pseudo, outer) = self.pseudo(packet);
        let inside = inner.inside(outer.l2_len, outer.l3_len);
        if self.sums() && inside.segment.is_some() {
            outer.put(packet, WANTED);
        } else if self.sums() {
            let mut left = inside.at().saturating_sub(outer.at());
            let mut sum = pseudo.add_u16(!inside.word(packet));
            packet.for_each_segment(outer.at(), |segment| {
                let part = segment.get(..left).unwrap_or(segment);
                sum = sum.add_bytes(part);
                left -= part.len();
            });
            outer.put(packet, udp::on_wire(sum.finish()));
        }
        packet.leave(Some(inside));
    }
}
