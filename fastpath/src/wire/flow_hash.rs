//! Entropy for the outer source port (RFC 7348, section 5).

use super::ethernet::Ethernet;
use super::inner::InnerIp;
use super::{Cursor, EtherType, Protocol, inner};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Digits of pi.
const SEEDS: [u64; 3] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7344,
    0xa409_3822_299f_31d1,
];

/// What the outer header of a tunnel takes from a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// [`flow_hash`] of it.
    pub hash: u32,
    /// Of [`InnerIp::of`] it: the eight bytes of an IPv4 header from TOS to TTL, of which only those
    /// two and [`Self::DF`] are not zero, and [`Self::IP`]; zero without that.
    ip: u64,
}

impl Flow {
    const TOS: u64 = 0xff;
    const TTL: u64 = 0xff << 56;
    const DF: u64 = 0x40 << 40;
    const IP: u64 = 1 << 8;
    /// Fragment offset and "more fragments".
    const FRAGMENT: u64 = 0xff << 48 | 0x3f << 40;

    /// Reads both.
    #[inline(always)]
    pub fn of(frame: &[u8]) -> Self {
        Self::plain(frame).unwrap_or_else(|| Self::any(frame))
    }

    /// There is a sound IP header.
    #[inline(always)]
    pub const fn is_ip(self) -> bool {
        self.ip & Self::IP != 0
    }

    /// TOS byte or traffic class; zero if it is not IP.
    #[inline(always)]
    pub const fn tos(self) -> u8 {
        self.ip as u8
    }

    /// TTL or hop limit; zero if it is not IP.
    #[inline(always)]
    pub const fn ttl(self) -> u8 {
        (self.ip >> 56) as u8
    }

    /// May not be fragmented on the way.
    #[inline(always)]
    pub const fn dont_fragment(self) -> bool {
        self.ip & Self::DF != 0
    }

    #[cold]
    fn any(frame: &[u8]) -> Self {
        let hash = flow_hash(frame);
        let ip = InnerIp::of(frame).map_or(0, |ip| {
            let df = if ip.dont_fragment { Self::DF } else { 0 };
            Self::IP | df | u64::from(ip.ttl) << 56 | u64::from(ip.tos)
        });
        Flow { hash, ip }
    }

    /// The same in one go for a whole IPv4 packet without tags, options and fragments.
    #[inline(always)]
    fn plain(frame: &[u8]) -> Option<Self> {
        let head: &[u8; PLAIN] = frame.first_chunk()?;
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let &[a, b, c, d, e, f, g, h] = head[15..].first_chunk()?;
        let header = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let plain = word(12) >> 8 == 0x0008_0045
            && u16::from_be_bytes([b, c]) >= PLAIN as u16 - 14
            && header & Self::FRAGMENT == 0;
        if !plain {
            return None;
        }
        let protocol = Protocol(head[23]);
        let ports = if protocol.has_ports() { word(34) } else { 0 };
        let hash = hash_v4(word(26).into(), word(30).into(), protocol, ports);
        let ip = header & (Self::TOS | Self::TTL | Self::DF) | Self::IP;
        Some(Flow { hash, ip })
    }
}

/// Ethernet, IPv4 and ports.
const PLAIN: usize = 14 + 20 + 4;

/// A number that is the same for all packets of a flow and differs between flows; all its bits are
/// fit for use. It is computed from the addresses, the protocol and, for TCP, UDP and SCTP, the
/// ports of an IPv4 or IPv6 packet behind at most two VLAN tags. The fragments of a packet, the
/// first included, hash without ports, so they stay together. A frame without a sound IP header is
/// hashed by both MACs and the EtherType behind the tags, one too short for that to a constant.
///
/// Behind extension headers of IPv6 no ports are looked for.
#[inline]
pub fn flow_hash(frame: &[u8]) -> u32 {
    ip(frame).unwrap_or_else(|| link(frame))
}

#[inline]
fn ip(frame: &[u8]) -> Option<u32> {
    let (ethertype, offset) = inner::network(frame)?;
    let packet = frame.get(offset..)?;
    match ethertype {
        EtherType::IPV4 => {
            let view = inner::ipv4(packet)?;
            let protocol = view.protocol();
            let ports = if view.is_fragment() {
                0
            } else {
                ports(protocol, view.payload())
            };
            Some(hash_v4(view.src(), view.dst(), protocol, ports))
        }
        EtherType::IPV6 => {
            let view = inner::ipv6(packet)?;
            let protocol = view.next_header();
            Some(hash_v6(
                view.src(),
                view.dst(),
                protocol,
                ports(protocol, view.payload()),
            ))
        }
        _ => None,
    }
}

#[inline]
fn link(frame: &[u8]) -> u32 {
    let Some(view) = Ethernet::new(frame) else {
        return 0;
    };
    let ethertype = inner::network(frame).map_or(view.ethertype(), |(ethertype, _)| ethertype);
    let src = view.src().to_u64() | u64::from(ethertype.0) << 48;
    finish(fold(view.dst().to_u64() ^ SEEDS[0], src ^ SEEDS[1]))
}

/// Both ports, zero if there are none.
#[inline]
fn ports(protocol: Protocol, payload: &[u8]) -> u32 {
    let ports = if protocol.has_ports() {
        Cursor::new(payload).u32()
    } else {
        None
    };
    ports.unwrap_or(0)
}

#[inline]
fn hash_v4(src: Ipv4Addr, dst: Ipv4Addr, protocol: Protocol, ports: u32) -> u32 {
    let addresses = u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits());
    let rest = u64::from(ports) << 8 | u64::from(protocol.0);
    finish(fold(addresses ^ SEEDS[0], rest ^ SEEDS[1]))
}

#[inline]
fn hash_v6(src: Ipv6Addr, dst: Ipv6Addr, protocol: Protocol, ports: u32) -> u32 {
    let (src, dst) = (src.to_bits(), dst.to_bits());
    let rest = u64::from(ports) << 8 | u64::from(protocol.0);
    let src = fold((src >> 64) as u64 ^ SEEDS[0], src as u64 ^ SEEDS[1]);
    let dst = fold((dst >> 64) as u64 ^ SEEDS[1], dst as u64 ^ SEEDS[2]);
    finish(fold(src ^ rest, dst ^ SEEDS[0]))
}

/// Both halves of the product, so that every bit of the one factor reaches about half of the result.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    (product >> 64) as u64 ^ product as u64
}

/// One multiplication leaves neighbouring flows near each other in the upper bits; a second does not.
#[inline]
const fn finish(hash: u64) -> u32 {
    (fold(hash ^ SEEDS[2], SEEDS[0]) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::craft::{Pair, tagged};
    use crate::wire::vlan::Tag;
    use crate::wire::{Mac, ipv4};
    use proptest::prelude::*;

    proptest! {
        /// Whatever the frame: the quick way and the long one agree.
        #[test]
        fn a_plain_packet_is_read_as_any_other(
            tos: u8,
            bytes in prop::collection::vec(any::<u8>(), 0..30),
            changes in prop::collection::vec((12usize..50, any::<u8>()), 0..3),
            cut in 0usize..80,
            udp: bool,
        ) {
            let pair = pair(1, 2);
            let mut frame = if udp { pair.udp(1000, 2000, &bytes) } else { pair.tcp(1000, 2000, &bytes) };
            frame[15] = tos;
            for (at, byte) in changes {
                if let Some(place) = frame.get_mut(at) {
                    *place = byte;
                }
            }
            frame.truncate(cut.max(10));
            prop_assert_eq!(Flow::of(&frame), Flow::any(&frame));
        }
    }

    fn pair(src: u32, dst: u32) -> Pair {
        let mac = |n: u32| Mac::from_u64(0x0200_0000_0000 | u64::from(n));
        Pair::new((mac(src), src.into()), (mac(dst), dst.into()))
    }

    /// Pearson's statistic over 256 buckets, taken from the upper and the lower bits. For a fair hash
    /// it is 255 on average with a deviation of 22.6; the input is fixed, so is the result.
    fn assert_even(what: &str, frames: impl Iterator<Item = Vec<u8>>) {
        let (mut high, mut low) = ([0u32; 256], [0u32; 256]);
        for frame in frames {
            let hash = flow_hash(&frame);
            high[(hash >> 24) as usize] += 1;
            low[(hash & 0xff) as usize] += 1;
        }
        for (end, counts) in [("high", high), ("low", low)] {
            let mean = f64::from(counts.iter().sum::<u32>()) / 256.0;
            assert!(mean > 30.0, "too few frames");
            let off = |count: &u32| (f64::from(*count) - mean).powi(2) / mean;
            let statistic = counts.iter().map(off).sum::<f64>();
            assert!(statistic < 400.0, "{what}, {end} bits: {statistic}");
        }
    }

    #[test]
    fn neighbouring_flows_spread() {
        let ports = |n: u32| n as u16;
        let hosts = pair(0x0a00_0001, 0x0a00_0002);
        assert_even(
            "source ports",
            (0..16384).map(|n| hosts.udp(ports(n), 53, &[])),
        );
        assert_even(
            "destination ports",
            (0..16384).map(|n| hosts.tcp(40000, ports(n), &[])),
        );
        assert_even(
            "both ports",
            (0..16384).map(|n| hosts.tcp(ports(n), ports(n), &[])),
        );
        assert_even(
            "IPv6 ports",
            (0..16384).map(|n| hosts.udp6(ports(n), 53, &[])),
        );
        let from = |n: u32| pair(0x0a00_0000 + n, 0x0a00_0002);
        let to = |n: u32| pair(0x0a00_0001, 0x0a00_0000 + (n << 8));
        assert_even("sources", (0..16384).map(|n| from(n).udp(1, 2, &[])));
        assert_even("destinations", (0..16384).map(|n| to(n).udp(1, 2, &[])));
        assert_even("IPv6 sources", (0..16384).map(|n| from(n).udp6(1, 2, &[])));
        assert_even(
            "IPv6 destinations",
            (0..16384).map(|n| to(n).udp6(1, 2, &[])),
        );
        assert_even(
            "source MACs",
            (0..16384).map(|n| from(n).ethernet(EtherType(0x88cc), &[])),
        );
        assert_even(
            "destination MACs",
            (0..16384).map(|n| to(n).ethernet(EtherType(0x88cc), &[])),
        );
    }

    /// Frames of one flow with every byte changed that may not count.
    #[test]
    fn one_flow_has_one_hash() {
        let mut hosts = pair(1, 2);
        let hash = flow_hash(&hosts.udp(1, 2, &[]));
        let mut same = vec![hosts.udp(1, 2, b"payload"), hosts.udp(1, 2, &[0; 1400])];
        let tag = |vid, frame: &[u8]| tagged(frame, EtherType::VLAN, Tag::from_bits(vid));
        same.push(tag(5, &same[0]));
        same.push(tag(6, &same[0]));
        same.push(tagged(&same[2], EtherType::QINQ, Tag::from_bits(0xffff)));
        hosts.src = Mac::BROADCAST;
        hosts.dst = Mac::ZERO;
        hosts.ip.ttl = 1;
        hosts.ip.dscp = crate::wire::Dscp::from_tos(0xff);
        hosts.ip.ecn = crate::wire::Ecn::Ce;
        hosts.ip.ident = 99;
        hosts.ip.dont_fragment = true;
        same.push(hosts.udp(1, 2, &[]));
        let mut trailer = hosts.udp(1, 2, &[]);
        trailer.extend([0xa5; 40]);
        same.push(trailer);
        for (n, frame) in same.iter().enumerate() {
            assert_eq!(flow_hash(frame), hash, "frame {n}");
        }
        let mut sctp = vec![0, 1, 0, 2, 9, 9, 9, 9];
        let first = flow_hash(&hosts.ipv4(Protocol::SCTP, &sctp));
        sctp[7] = 0;
        assert_eq!(flow_hash(&hosts.ipv4(Protocol::SCTP, &sctp)), first);
        let mut v6 = hosts.udp6(1, 2, &[]);
        let first = flow_hash(&v6);
        v6[15..18].fill(0x0f);
        v6[21] = 1;
        assert_eq!(
            flow_hash(&v6),
            first,
            "flow label, traffic class, hop limit"
        );
    }

    #[test]
    fn what_makes_a_flow_makes_a_hash() {
        let mut frames = vec![];
        for hosts in [pair(1, 2), pair(2, 1), pair(1, 3)] {
            for (src, dst) in [(1, 2), (2, 1), (1, 3)] {
                let sctp = [0, src as u8, 0, dst as u8];
                frames.push(hosts.udp(src, dst, &[]));
                frames.push(hosts.tcp(src, dst, &[]));
                frames.push(hosts.udp6(src, dst, &[]));
                frames.push(hosts.ipv4(Protocol::SCTP, &sctp));
                frames.push(hosts.ipv6(Protocol::TCP, &sctp));
            }
            frames.extend([1, 2, 50].map(|n| hosts.ipv4(Protocol(n), &[1, 2, 3, 4])));
            frames.extend([44, 58].map(|n| hosts.ipv6(Protocol(n), &[1, 2, 3, 4])));
            frames.extend([0x88cc, 0x0806].map(|n| hosts.ethernet(EtherType(n), &[1, 2, 3, 4])));
        }
        let hashes: std::collections::HashSet<_> = frames.iter().map(|f| flow_hash(f)).collect();
        assert_eq!(hashes.len(), frames.len());
    }

    #[test]
    fn fragments_stay_together() {
        let mut hosts = pair(1, 2);
        hosts.ip.more_fragments = true;
        let first = flow_hash(&hosts.udp(1, 2, &[]));
        assert_eq!(flow_hash(&hosts.udp(3, 4, &[])), first);
        hosts.ip.fragment_offset = 185;
        assert_eq!(flow_hash(&hosts.ipv4(Protocol::UDP, &[0xa5; 100])), first);
        hosts.ip.more_fragments = false;
        assert_eq!(flow_hash(&hosts.ipv4(Protocol::UDP, &[])), first);
        let later = |payload: &[u8]| flow_hash(&hosts.ipv6(Protocol::FRAGMENT, payload));
        assert_eq!(
            later(&[17, 0, 0, 1, 0, 0, 0, 9, 0, 1, 0, 2]),
            later(&[17, 0, 5, 0, 0, 0, 0, 9])
        );
    }

    #[test]
    fn without_sound_ip_both_macs_and_the_ethertype_count() {
        let hosts = pair(1, 2);
        let lldp = |payload: &[u8]| flow_hash(&hosts.ethernet(EtherType(0x88cc), payload));
        assert_eq!(lldp(&[]), lldp(&[1; 60]));
        let broken = |payload: &[u8]| flow_hash(&hosts.ethernet(EtherType::IPV4, payload));
        assert_eq!(broken(&[]), broken(&[0x65; 60]));
        assert_eq!(broken(&[]), broken(&hosts.udp(1, 2, &[])[14..33]));
        assert_ne!(broken(&[]), lldp(&[]));
        assert_eq!((flow_hash(&[]), flow_hash(&[1; 13])), (0, 0));
    }

    #[test]
    fn ports_cut_off_do_not_count() {
        let frame = pair(1, 2).udp(1, 2, &[]);
        let other = pair(1, 2).udp(3, 4, &[]);
        for len in 34..38 {
            assert_eq!(flow_hash(&frame[..len]), flow_hash(&other[..len]), "{len}");
        }
        assert_ne!(flow_hash(&frame[..38]), flow_hash(&other[..38]));
        let mut short = [frame, other];
        for frame in &mut short {
            ipv4::Ipv4::new(&mut frame[14..]).unwrap().set_total_len(23);
        }
        assert_eq!(
            flow_hash(&short[0]),
            flow_hash(&short[1]),
            "total length ends before them"
        );
    }

    proptest! {
        #[test]
        fn what_routers_change_does_not_count(
            noise in proptest::collection::vec(any::<u8>(), 20..60),
            other: [u8; 6],
        ) {
            let mut packet = noise;
            packet[0] = 0x45;
            let frame = pair(1, 2).ethernet(EtherType::IPV4, &packet);
            for (at, value) in [1, 4, 5, 8, 10, 11].into_iter().zip(other) {
                packet[at] = value;
            }
            packet[6] ^= 0x40;
            let changed = pair(3, 4).ethernet(EtherType::IPV4, &packet);
            let sound = inner::ipv4(&packet).is_some();
            prop_assert_eq!(flow_hash(&frame) == flow_hash(&changed), sound);
        }
    }
}
