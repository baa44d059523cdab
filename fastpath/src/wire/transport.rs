//! Where the TCP or UDP checksum of a frame lies, and what it covers.

use super::ipv4::Ipv4;
use super::ipv6::Ipv6;
use super::{EtherType, Protocol, Sum, inner, tcp, udp};

/// The TCP segment or UDP datagram of a frame: one that has a checksum of its own.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Bytes of the frame before its header.
    pub at: usize,
    /// Bytes of header and payload, which is what the checksum covers.
    pub len: usize,
    /// The pseudo header, which it covers too.
    pub pseudo: Sum,
}

impl Transport {
    /// Reads the headers of a frame of `len` bytes, which begins with `head`, behind at most two
    /// VLAN tags. `None` if there is neither TCP nor UDP, if a length or a version is impossible,
    /// or if the packet is a fragment: its checksum spans all fragments. Behind extension headers
    /// of IPv6 nothing is looked for. Checksums are not looked at.
    #[inline]
    pub fn of(head: &[u8], len: usize) -> Option<Self> {
        let (ethertype, at) = inner::network(head)?;
        let (packet, left) = (head.get(at..)?, len.checked_sub(at)?);
        match ethertype {
            EtherType::IPV4 => Self::v4(&Ipv4::new(packet)?, left),
            EtherType::IPV6 => Self::v6(&Ipv6::new(packet)?, left),
            _ => None,
        }
        .map(|found| Transport {
            at: at + found.at,
            ..found
        })
    }

    /// Bytes of the frame before the checksum.
    #[inline]
    pub const fn checksum_at(&self) -> usize {
        match self.protocol {
            Protocol::TCP => self.at + tcp::CHECKSUM_AT,
            _ => self.at + udp::CHECKSUM_AT,
        }
    }

    #[inline]
    fn v4(packet: &Ipv4<&[u8]>, left: usize) -> Option<Self> {
        packet.check(left).ok()?;
        let (protocol, at) = (packet.protocol(), packet.header_len());
        let len = usize::from(packet.total_len()).checked_sub(at)?;
        if packet.is_fragment() {
            return None;
        }
        let len = covered(protocol, packet.payload(), len)?;
        let pseudo = Sum::new().add_pseudo_v4(
            packet.src(),
            packet.dst(),
            protocol,
            u16::try_from(len).ok()?,
        );
        Some(Transport {
            protocol,
            at,
            len,
            pseudo,
        })
    }

    #[inline]
    fn v6(packet: &Ipv6<&[u8]>, left: usize) -> Option<Self> {
        packet.check(left).ok()?;
        let protocol = packet.next_header();
        let len = covered(protocol, packet.payload(), packet.payload_len().into())?;
        let pseudo = Sum::new().add_pseudo_v6(
            packet.src(),
            packet.dst(),
            protocol,
            u32::try_from(len).ok()?,
        );
        Some(Transport {
            protocol,
            at: super::ipv6::HEADER_LEN,
            len,
            pseudo,
        })
    }
}

/// How many of the `len` bytes that IP carries a checksum covers: all of them for TCP, as many as
/// the header says for UDP. `payload` is the part of them that is at hand.
#[inline]
fn covered(protocol: Protocol, payload: &[u8], len: usize) -> Option<usize> {
    match protocol {
        Protocol::TCP => (len >= tcp::HEADER_LEN).then_some(len),
        Protocol::UDP => {
            let view = udp::Udp::new(payload)?;
            view.check(len).ok()?;
            Some(view.length().into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::craft::{Pair, tagged};
    use crate::wire::{Mac, Tag};

    fn pair() -> Pair {
        let end = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
        Pair::new(end(1), end(2))
    }

    fn place(frame: &[u8]) -> Option<(Protocol, usize, usize, usize)> {
        let found = Transport::of(frame, frame.len())?;
        Some((found.protocol, found.at, found.len, found.checksum_at()))
    }

    #[test]
    fn segments_and_datagrams_are_found_behind_either_ip_and_two_tags() {
        let (tcp, udp, udp6) = (
            pair().tcp(1, 2, b"odd"),
            pair().udp(1, 2, b"odd"),
            pair().udp6(1, 2, b"odd"),
        );
        assert_eq!(place(&tcp), Some((Protocol::TCP, 34, 23, 50)));
        assert_eq!(place(&udp), Some((Protocol::UDP, 34, 11, 40)));
        assert_eq!(place(&udp6), Some((Protocol::UDP, 54, 11, 60)));
        let tag = |frame: &[u8]| tagged(frame, EtherType::VLAN, Tag::from_bits(5));
        assert_eq!(
            place(&tag(&tag(&tcp))),
            Some((Protocol::TCP, 42, 23, 58)),
            "two tags"
        );
        assert_eq!(place(&tag(&tag(&tag(&tcp)))), None, "three tags");
    }

    #[test]
    fn padding_behind_the_packet_is_not_covered() {
        let mut frame = pair().udp(1, 2, b"odd");
        frame.extend([0xa5; 20]);
        assert_eq!(place(&frame), Some((Protocol::UDP, 34, 11, 40)));
    }

    #[test]
    fn what_makes_no_sense_is_not_found() {
        let broken = |at: usize, value: u8| {
            let mut frame = pair().udp(1, 2, b"odd");
            frame[at] = value;
            frame
        };
        let mut first = pair();
        first.ip.more_fragments = true;
        let mut last = pair();
        last.ip.fragment_offset = 1;
        let mut long6 = pair().udp6(1, 2, b"odd");
        long6[19] = 12;
        let cut = pair().udp(1, 2, b"odd");
        for (what, frame) in [
            ("version", broken(14, 0x55)),
            ("header length", broken(14, 0x44)),
            ("options for a payload", broken(14, 0x4a)),
            ("total length beyond the frame", broken(17, 32)),
            ("total length without a UDP header", broken(17, 27)),
            ("UDP length beyond the packet", broken(39, 12)),
            ("UDP length below its header", broken(39, 7)),
            ("ICMP", broken(23, 1)),
            ("first fragment", first.udp(1, 2, b"odd")),
            ("last fragment", last.udp(1, 2, b"odd")),
            ("payload length of IPv6 beyond the frame", long6),
            ("IPv6 extension header", pair().ipv6(Protocol(0), &[17; 40])),
            ("TCP without a header", pair().ipv4(Protocol::TCP, &[0; 19])),
            ("ARP", pair().arp_request()),
            ("cut short", cut[..cut.len() - 1].to_vec()),
        ] {
            assert_eq!(place(&frame), None, "{what}");
        }
    }
}
