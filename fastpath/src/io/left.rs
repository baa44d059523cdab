//! A checksum that is left to the NIC, and a cut.

use super::Packet;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6::{self, Ipv6};
use crate::wire::{
    Family, InnerIp, Protocol, Sum, Transport, ethernet, ipv4, tcp, udp, vlan, vxlan,
};
use std::num::NonZeroU16;

/// The TCP or UDP checksum that a NIC makes as it sends the packet: over all from the header on to
/// the end of the packet.
///
/// Its place holds the sum of the pseudo header, folded and not complemented. DPDK's guide asks for
/// this of who sends, and it is what `rte_eth_tx_prepare` would write for drivers that want it; those
/// whose NICs find all by themselves overwrite it. So nobody has to prepare anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// It is that of UDP, else of TCP.
    pub udp: bool,
    /// The IP header is one of IPv6.
    pub ipv6: bool,
    /// Bytes before the IP header: a NIC can be told of [`Left::L2_MAX`].
    pub l2_len: u8,
    /// Bytes of the IP header: a NIC can be told of [`Left::L3_MAX`].
    pub l3_len: u16,
    /// Bytes of the TCP or UDP header. Older releases of net_tap read it.
    pub l4_len: u8,
    /// Bytes before an outer IPv4 header, and of that header: then `l2_len` counts from behind it, and the
    /// packet is one of VXLAN.
    pub outer: Option<(u8, u16)>,
    /// It is of TCP, and longer than one segment may be, which has so many bytes of payload: it is to be
    /// cut, and each segment gets a checksum.
    pub segment: Option<NonZeroU16>,
}

/// Most extension headers of IPv6 that are passed over.
const EXTENSIONS: usize = 8;

impl Left {
    /// What fits beside a packet as its `l2_len`, seven bits.
    pub const L2_MAX: u8 = 0x7f;
    /// What fits there as its `l3_len`, nine bits.
    pub const L3_MAX: u16 = 0x1ff;

    /// That of the TCP segment or UDP datagram in a frame which begins with `head`, behind at most two
    /// tags, options of IPv4 and extension headers of IPv6. `None` if there is none whose header is at
    /// hand, or a fragment of one. No length and no checksum is looked at.
    pub fn of(head: &[u8]) -> Option<Self> {
        let ip = InnerIp::of(head)?;
        let packet = head.get(ip.offset..)?;
        let (protocol, l3_len) = match ip.family {
            Family::V4 => {
                let view = Ipv4::new(packet).filter(|view| !view.is_fragment())?;
                (view.protocol(), view.header_len())
            }
            Family::V6 => behind_extensions(packet)?,
        };
        let header = packet.get(l3_len..)?;
        let l4_len = match protocol {
            Protocol::UDP => udp::HEADER_LEN,
            Protocol::TCP => usize::from(header.get(12)? >> 4) * 4,
            _ => return None,
        };
        let udp = protocol == Protocol::UDP;
        let least = if udp {
            udp::HEADER_LEN
        } else {
            tcp::HEADER_LEN
        };
        header.get(..least)?;
        Some(Left {
            udp,
            ipv6: ip.family == Family::V6,
            l2_len: u8::try_from(ip.offset).ok()?,
            l3_len: u16::try_from(l3_len).ok()?,
            l4_len: u8::try_from(l4_len).ok()?,
            outer: None,
            segment: None,
        })
    }

    /// That of the outer UDP header, behind Ethernet and IPv4 of so many bytes.
    pub const fn outer_udp(l2_len: u8, l3_len: u16) -> Self {
        Left {
            udp: true,
            ipv6: false,
            l2_len,
            l3_len,
            l4_len: udp::HEADER_LEN as u8,
            outer: None,
            segment: None,
        }
    }

    /// Whether it may be left to a NIC: to no one anything else is said of what a guest has made.
    ///
    /// Drivers find headers each in its own way, believe lengths or the packet, and write the sum of the
    /// pseudo header anew or take it as it is. Here all of them come to the same: behind at most one tag
    /// IP has no options and no extension headers, its length and that of UDP are the packet's, and the
    /// place of the checksum holds the sum of that pseudo header. Anything else is for
    /// [`Left::finish`].
    pub fn is_plain<P: Packet>(self, packet: &P) -> bool {
        let l3_len = match self.ipv6 {
            true => ipv6::HEADER_LEN,
            false => ipv4::HEADER_LEN,
        };
        let start = self.frame_at();
        let plain = self.at() - start <= ethernet::HEADER_LEN + vlan::HEADER_LEN + l3_len
            && usize::from(self.l3_len) == l3_len
            && (self.udp || usize::from(self.l4_len) >= tcp::HEADER_LEN)
            && packet.head().len() >= self.at() + usize::from(self.l4_len);
        plain
            && self.transport(packet).is_some_and(|found| {
                let pseudo = !found.pseudo.finish();
                start + found.at == self.at() && self.word(packet) == pseudo
            })
    }

    /// The segment or datagram, if it reaches to the end of the packet.
    pub fn transport<P: Packet>(self, packet: &P) -> Option<Transport> {
        let start = self.frame_at();
        let len = packet.len().checked_sub(start)?;
        let found = Transport::of(packet.head().get(start..)?, len)?;
        (found.at + found.len == len).then_some(found)
    }

    /// Bytes of outer headers.
    pub const fn frame_at(self) -> usize {
        match self.outer {
            Some((l2_len, l3_len)) => {
                l2_len as usize + l3_len as usize + udp::HEADER_LEN + vxlan::HEADER_LEN
            }
            None => 0,
        }
    }

    /// Whether there is room for its lengths beside a packet.
    #[inline]
    pub const fn fits(self) -> bool {
        let outer = match self.outer {
            Some((l2_len, l3_len)) => l2_len <= Self::L2_MAX && l3_len <= Self::L3_MAX,
            None => true,
        };
        outer && self.l2_len <= Self::L2_MAX && self.l3_len <= Self::L3_MAX
    }

    /// The same with outer headers before it: Ethernet, perhaps with a tag, of so many bytes, IPv4, and
    /// UDP and VXLAN, which count as what is before the inner IP header.
    #[inline]
    pub const fn inside(self, l2_len: u8, l3_len: u16) -> Self {
        Left {
            l2_len: self.l2_len + (udp::HEADER_LEN + vxlan::HEADER_LEN) as u8,
            outer: Some((l2_len, l3_len)),
            ..self
        }
    }

    /// Bytes of the packet before the TCP or UDP header.
    #[inline]
    pub const fn at(self) -> usize {
        let outer = match self.outer {
            Some((l2_len, l3_len)) => l2_len as usize + l3_len as usize,
            None => 0,
        };
        outer + self.l2_len as usize + self.l3_len as usize
    }

    /// Bytes of the packet before the payload.
    #[inline]
    pub const fn payload_at(self) -> usize {
        self.at() + self.l4_len as usize
    }

    /// Bytes of the longest packet that one of `len` bytes becomes.
    #[inline]
    pub fn longest(self, len: usize) -> usize {
        let segment = self.segment.map(|segment| usize::from(segment.get()));
        segment.map_or(len, |segment| len.min(self.payload_at() + segment))
    }

    /// Segments that a packet of `len` bytes becomes.
    pub fn segments(self, len: usize) -> usize {
        let payload = len.saturating_sub(self.payload_at());
        self.segment
            .map_or(1, |segment| payload.div_ceil(segment.get().into()))
    }

    /// Bytes of the packet before the checksum.
    #[inline]
    pub const fn field(self) -> usize {
        self.at()
            + if self.udp {
                udp::CHECKSUM_AT
            } else {
                tcp::CHECKSUM_AT
            }
    }

    /// Writes the sum of a pseudo header to the place of the checksum.
    #[inline]
    pub fn open<P: Packet>(self, packet: &mut P, pseudo: Sum) {
        self.put(packet, !pseudo.finish());
    }

    /// What stands in the checksum's place.
    #[inline]
    pub fn word<P: Packet>(self, packet: &P) -> u16 {
        let rest = packet.head().get(self.field()..);
        let field = rest.and_then(|rest| rest.first_chunk::<2>());
        u16::from_be_bytes(*field.unwrap_or(&[0; 2]))
    }

    /// Makes the checksum, as a NIC would.
    pub fn finish<P: Packet>(self, packet: &mut P) {
        let mut sum = Sum::new();
        packet.for_each_segment(self.at(), |segment| sum = sum.add_bytes(segment));
        let checksum = match self.udp {
            true => udp::on_wire(sum.finish()),
            false => sum.finish(),
        };
        self.put(packet, checksum);
    }

    /// Writes to the checksum's place.
    #[inline]
    pub fn put<P: Packet>(self, packet: &mut P, word: u16) {
        let rest = packet.head_mut().get_mut(self.field()..);
        if let Some(field) = rest.and_then(|rest| rest.first_chunk_mut::<2>()) {
            *field = word.to_be_bytes();
        }
    }
}

/// The protocol behind the header of an IPv6 packet and what options, routing headers and such follow it
/// (RFC 8200, 4.1), and bytes of all these.
fn behind_extensions(packet: &[u8]) -> Option<(Protocol, usize)> {
    let (mut next, mut at) = (Ipv6::new(packet)?.next_header(), ipv6::HEADER_LEN);
    for _ in 0..EXTENSIONS {
        if !matches!(next.0, 0 | 43 | 60) {
            return Some((next, at));
        }
        let header = packet.get(at..)?.first_chunk::<2>()?;
        at += 8 * (usize::from(header[1]) + 1);
        next = Protocol(header[0]);
    }
    None
}

#[cfg(test)]
mod tests;
