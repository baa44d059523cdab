//! Frames made to order, for tests and for the seeds of fuzzers. Lengths and checksums are right;
//! whoever wants them wrong breaks them afterwards, through a view. Nothing here is for the packet
//! path: it is the one module of `wire` that allocates.
//!
//! ```
//! use fastpath::wire::{Mac, Vni, craft::Pair};
//!
//! let guest = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
//! let vtep = |n| (Mac::new([2, 0, 0, 0, 1, n]), [192, 0, 2, n].into());
//! let inner = Pair::new(guest(1), guest(2)).udp(1000, 2000, b"hello");
//! let frame = Pair::new(vtep(1), vtep(2)).vxlan(50000, Vni::from_bytes([0, 0, 10]), &inner);
//! assert_eq!(frame.len(), inner.len() + 50);
//! ```

use super::ethernet::{self, EtherType, Ethernet};
use super::vlan::{self, Tag, Vlan};
use super::{Dscp, Ecn, Mac, Protocol, Sum, Vni};
use super::{arp, icmp, ipv4, ipv6, tcp, udp, vxlan};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Who sends to whom. Fields may be changed before a frame is made; `payload_len` and `protocol` of
/// `ip` do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Ethernet addresses.
    pub src: Mac,
    /// The next hop's.
    pub dst: Mac,
    /// The IPv4 header.
    pub ip: ipv4::Repr,
}

impl Pair {
    /// From `src` to `dst`, with TTL 64, DSCP 0, Not-ECT, ident 0 and DF unset.
    pub fn new(src: (Mac, Ipv4Addr), dst: (Mac, Ipv4Addr)) -> Self {
        let ip = ipv4::Repr {
            src: src.1,
            dst: dst.1,
            protocol: Protocol(0),
            payload_len: 0,
            ttl: 64,
            dscp: Dscp::default(),
            ecn: Ecn::NotEct,
            ident: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
        };
        Pair {
            src: src.0,
            dst: dst.0,
            ip,
        }
    }

    /// The way back.
    #[must_use]
    pub fn reversed(self) -> Self {
        let ip = ipv4::Repr {
            src: self.ip.dst,
            dst: self.ip.src,
            ..self.ip
        };
        Pair {
            src: self.dst,
            dst: self.src,
            ip,
        }
    }

    /// An Ethernet frame.
    pub fn ethernet(&self, ethertype: EtherType, payload: &[u8]) -> Vec<u8> {
        let (src, dst) = (self.src, self.dst);
        let repr = ethernet::Repr {
            dst,
            src,
            ethertype,
        };
        prefixed::<{ ethernet::HEADER_LEN }>(payload, |frame| {
            Ethernet::new(frame).map(|mut view| repr.emit(&mut view))
        })
    }

    /// An IPv4 packet in its frame.
    pub fn ipv4(&self, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
        let repr = ipv4::Repr {
            protocol,
            payload_len: len16(payload.len()),
            ..self.ip
        };
        let packet = prefixed::<{ ipv4::HEADER_LEN }>(payload, |packet| {
            ipv4::Ipv4::new(packet).map(|mut view| repr.emit(&mut view))
        });
        self.ethernet(EtherType::IPV4, &packet)
    }

    /// An IPv6 packet in its frame, between [`v6`] of the two IPv4 addresses.
    pub fn ipv6(&self, next_header: Protocol, payload: &[u8]) -> Vec<u8> {
        let repr = ipv6::Repr {
            src: v6(self.ip.src),
            dst: v6(self.ip.dst),
            next_header,
            payload_len: len16(payload.len()),
            hop_limit: self.ip.ttl,
            dscp: self.ip.dscp,
            ecn: self.ip.ecn,
            flow_label: 0,
        };
        let packet = prefixed::<{ ipv6::HEADER_LEN }>(payload, |packet| {
            ipv6::Ipv6::new(packet).map(|mut view| repr.emit(&mut view))
        });
        self.ethernet(EtherType::IPV6, &packet)
    }

    /// A UDP datagram over IPv4, with checksum.
    pub fn udp(&self, src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut datagram = datagram(src_port, dst_port, payload);
        if let Some(mut view) = udp::Udp::new(&mut datagram) {
            view.fill_checksum_v4(self.ip.src, self.ip.dst);
        }
        self.ipv4(Protocol::UDP, &datagram)
    }

    /// A UDP datagram over IPv6.
    pub fn udp6(&self, src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut datagram = datagram(src_port, dst_port, payload);
        if let Some(mut view) = udp::Udp::new(&mut datagram) {
            view.fill_checksum_v6(v6(self.ip.src), v6(self.ip.dst));
        }
        self.ipv6(Protocol::UDP, &datagram)
    }

    /// A TCP segment over IPv4, with PSH and ACK set and sequence numbers of zero.
    pub fn tcp(&self, src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut segment = prefixed::<{ tcp::HEADER_LEN }>(payload, |segment| {
            segment[12..14].copy_from_slice(&[0x50, 0x18]);
            tcp::Tcp::new(segment).map(|mut view| {
                view.set_src_port(src_port);
                view.set_dst_port(dst_port);
            })
        });
        let len = len16(segment.len());
        let sum = Sum::new()
            .add_pseudo_v4(self.ip.src, self.ip.dst, Protocol::TCP, len)
            .add_bytes(&segment);
        segment[tcp::CHECKSUM_AT..][..2].copy_from_slice(&sum.finish().to_be_bytes());
        self.ipv4(Protocol::TCP, &segment)
    }

    /// An ICMP echo message over IPv4.
    pub fn echo(&self, repr: icmp::Repr, payload: &[u8]) -> Vec<u8> {
        let message = prefixed::<{ icmp::HEADER_LEN }>(payload, |message| {
            icmp::Icmp::new(message).map(|mut view| repr.emit(&mut view))
        });
        self.ipv4(Protocol::ICMP, &message)
    }

    /// An ARP request: the source broadcasts who has the destination's IPv4 address.
    pub fn arp_request(&self) -> Vec<u8> {
        let everyone = Pair {
            dst: Mac::BROADCAST,
            ..*self
        };
        everyone.arp(arp::Operation::REQUEST, Mac::ZERO)
    }

    /// An ARP reply: the source tells the destination its own addresses.
    pub fn arp_reply(&self) -> Vec<u8> {
        self.arp(arp::Operation::REPLY, self.dst)
    }

    /// A VXLAN packet around `inner`, to the port that IANA assigned, with UDP checksum zero.
    pub fn vxlan(&self, src_port: u16, vni: Vni, inner: &[u8]) -> Vec<u8> {
        let segment = prefixed::<{ vxlan::HEADER_LEN }>(inner, |segment| {
            vxlan::Vxlan::new(segment).map(|mut view| vxlan::Repr { vni }.emit(&mut view))
        });
        let datagram = datagram(src_port, vxlan::PORT, &segment);
        self.ipv4(Protocol::UDP, &datagram)
    }

    fn arp(&self, operation: arp::Operation, target_mac: Mac) -> Vec<u8> {
        let repr = arp::Repr {
            operation,
            sender_mac: self.src,
            sender_ip: self.ip.src,
            target_mac,
            target_ip: self.ip.dst,
        };
        let packet = prefixed::<{ arp::LEN }>(&[], |packet| {
            arp::Arp::new(packet).map(|mut view| repr.emit(&mut view))
        });
        self.ethernet(EtherType::ARP, &packet)
    }
}

/// `frame` with a tag of type `tpid` put before what follows its MACs. A frame too short for
/// that is returned as it is.
pub fn tagged(frame: &[u8], tpid: EtherType, tag: Tag) -> Vec<u8> {
    let Some(eth) = Ethernet::new(frame) else {
        return frame.to_vec();
    };
    let repr = vlan::Repr {
        tag,
        ethertype: eth.ethertype(),
    };
    let payload = prefixed::<{ vlan::HEADER_LEN }>(eth.payload(), |bytes| {
        Vlan::new(bytes).map(|mut view| repr.emit(&mut view))
    });
    let eth = ethernet::Repr {
        ethertype: tpid,
        ..ethernet::Repr::parse(&eth)
    };
    prefixed::<{ ethernet::HEADER_LEN }>(&payload, |frame| {
        Ethernet::new(frame).map(|mut view| eth.emit(&mut view))
    })
}

/// The IPv6 address that stands for `ip` in frames made here: 2001:db8:: with `ip` at its end.
pub fn v6(ip: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(ip.to_bits()))
}

/// A UDP datagram without a checksum.
fn datagram(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let repr = udp::Repr {
        src_port,
        dst_port,
        payload_len: len16(payload.len()),
        checksum: 0,
    };
    prefixed::<{ udp::HEADER_LEN }>(payload, |datagram| {
        udp::Udp::new(datagram).map(|mut view| repr.emit(&mut view))
    })
}

/// `payload` behind `N` bytes of header, which `emit` writes. `emit` is given the whole and cannot
/// find it too short.
fn prefixed<const N: usize>(payload: &[u8], emit: impl FnOnce(&mut [u8]) -> Option<()>) -> Vec<u8> {
    let mut bytes = [&[0; N][..], payload].concat();
    emit(&mut bytes);
    bytes
}

/// Lengths that no header can hold become the largest that one can.
fn len16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples;

    const A: (Mac, Ipv4Addr) = (Mac::new([2, 0, 0, 0, 0xb, 1]), Ipv4Addr::new(10, 0, 0, 1));
    const B: (Mac, Ipv4Addr) = (Mac::new([2, 0, 0, 0, 0xb, 2]), Ipv4Addr::new(10, 0, 0, 2));

    /// The frame of the Linux driver, made here; it sets a checksum in the outer UDP header.
    #[test]
    fn a_frame_of_linux_is_made_byte_by_byte() {
        let mut inner = Pair::new(A, B);
        inner.ip.ident = 0x637f;
        inner.ip.dont_fragment = true;
        let inner = inner.udp(35955, 9001, b"hello udp");
        let mut outer = Pair::new(
            (Mac::new([2, 0, 0, 0, 0xa, 1]), [192, 0, 2, 1].into()),
            (Mac::new([2, 0, 0, 0, 0xa, 2]), [192, 0, 2, 2].into()),
        );
        outer.ip.ident = 0x8051;
        let mut frame = outer.vxlan(36818, Vni::from_bytes([0, 0, 10]), &inner);
        assert_eq!(udp::Udp::new(&frame[34..]).unwrap().checksum(), 0);
        let mut view = udp::Udp::new(&mut frame[34..]).unwrap();
        view.fill_checksum_v4(outer.ip.src, outer.ip.dst);
        assert_eq!(frame, samples::VXLAN_UDP);
    }

    #[test]
    fn arp_asks_everyone_and_answers_one() {
        assert_eq!(Pair::new(B, A).arp_reply()[14..], samples::ARP_REPLY);
        let request = Pair::new(A, B).arp_request();
        let eth = Ethernet::new(&request[..]).unwrap();
        assert_eq!(
            (eth.dst(), eth.ethertype()),
            (Mac::BROADCAST, EtherType::ARP)
        );
        let repr = arp::Repr::parse(&arp::Arp::new(eth.payload()).unwrap()).unwrap();
        assert_eq!(repr.operation, arp::Operation::REQUEST);
        assert_eq!((repr.sender_mac, repr.sender_ip), A);
        assert_eq!((repr.target_mac, repr.target_ip), (Mac::ZERO, B.1));
        assert_eq!(Pair::new(A, B).reversed(), Pair::new(B, A));
    }

    #[test]
    fn checksums_are_right() {
        let pair = Pair::new(A, B);
        let echo = icmp::Repr {
            echo: icmp::Echo::Request,
            ident: 1,
            sequence: 2,
        };
        let frame = pair.echo(echo, &[7; 31]);
        let packet = ipv4::Ipv4::new(&frame[14..]).unwrap();
        assert!(packet.verify_checksum() && packet.protocol() == Protocol::ICMP);
        assert!(icmp::Icmp::new(packet.payload()).unwrap().verify_checksum());

        let frame = pair.tcp(1, 2, b"odd");
        let segment = ipv4::Ipv4::new(&frame[14..]).unwrap().payload();
        let pseudo = Sum::new().add_pseudo_v4(A.1, B.1, Protocol::TCP, 23);
        assert_eq!(pseudo.add_bytes(segment).finish(), 0);

        let frame = pair.udp6(1, 2, b"odd");
        let packet = ipv6::Ipv6::new(&frame[14..]).unwrap();
        assert_eq!(ipv6::Repr::parse(&packet).unwrap().payload_len, 11);
        let datagram = udp::Udp::new(packet.payload()).unwrap();
        assert!(datagram.verify_v6("2001:db8::a00:1".parse().unwrap(), packet.dst()));
    }

    #[test]
    fn a_tag_goes_behind_the_addresses() {
        let frame = Pair::new(A, B).udp(1, 2, &[]);
        let tag = Tag::from_bits(0xb064);
        let with = tagged(&frame, EtherType::VLAN, tag);
        assert_eq!(with[..12], frame[..12]);
        assert_eq!(with[12..18], [0x81, 0x00, 0xb0, 0x64, 0x08, 0x00]);
        assert_eq!(with[18..], frame[14..]);
        assert_eq!(tagged(&frame[..13], EtherType::VLAN, tag), frame[..13]);
    }
}
