//! The IP header of a frame that is about to enter or has just left a tunnel, as far as the outer
//! header takes after it.

use super::ethernet::{self, Ethernet};
use super::ipv4::Ipv4;
use super::ipv6::Ipv6;
use super::vlan::{self, Vlan};
use super::{CongestionLost, Dscp, Ecn, EtherType};

/// The version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What an outer header may inherit from an inner frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InnerIp {
    /// The version of IP.
    pub family: Family,
    /// Where the IP header starts, in bytes from the front of the frame.
    pub offset: usize,
    /// TOS byte or traffic class.
    pub tos: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// May not be fragmented on the way; always so for IPv6 (RFC 8200, section 4.5).
    pub dont_fragment: bool,
}

impl InnerIp {
    /// Reads the IP header behind the Ethernet header and at most two VLAN tags. `None` if there is
    /// none, or one whose version or lengths are impossible. Bytes beyond the fixed header are not
    /// looked at, nor are checksums: a bridge carries what is broken further in.
    #[inline]
    pub fn of(frame: &[u8]) -> Option<Self> {
        let (ethertype, offset) = network(frame)?;
        let packet = frame.get(offset..)?;
        match ethertype {
            EtherType::IPV4 => ipv4(packet).map(|view| InnerIp {
                family: Family::V4,
                offset,
                tos: view.tos(),
                ttl: view.ttl(),
                dont_fragment: view.dont_fragment(),
            }),
            EtherType::IPV6 => ipv6(packet).map(|view| InnerIp {
                family: Family::V6,
                offset,
                tos: view.traffic_class(),
                ttl: view.hop_limit(),
                dont_fragment: true,
            }),
            _ => None,
        }
    }

    /// Explicit congestion notification.
    #[inline]
    pub const fn ecn(&self) -> Ecn {
        Ecn::from_tos(self.tos)
    }

    /// Differentiated services code point.
    #[inline]
    pub const fn dscp(&self) -> Dscp {
        Dscp::from_tos(self.tos)
    }

    /// Sets the ECN bits of `frame`, which is the one that `self` was read from, and brings the
    /// IPv4 checksum up to date.
    #[inline]
    pub fn set_ecn(&self, frame: &mut [u8], ecn: Ecn) {
        let packet = frame.get_mut(self.offset..).unwrap_or_default();
        match self.family {
            Family::V4 => {
                if let Some(mut view) = Ipv4::new(packet) {
                    view.set_ecn(ecn);
                }
            }
            Family::V6 => {
                if let Some(mut view) = Ipv6::new(packet) {
                    view.set_ecn(ecn);
                }
            }
        }
    }
}

/// Brings what the way through the tunnel did to the `outer` field into an inner frame (RFC 6040,
/// section 4.2). A frame without a sound IP header is left as it is. An error says that the frame
/// has to be dropped.
pub fn decapsulate_ecn(frame: &mut [u8], outer: Ecn) -> Result<(), CongestionLost> {
    if outer.tells()
        && let Some(inner) = InnerIp::of(frame)
    {
        let ecn = Ecn::decapsulate(inner.ecn(), outer)?;
        if ecn != inner.ecn() {
            inner.set_ecn(frame, ecn);
        }
    }
    Ok(())
}

/// What follows the Ethernet header and at most two VLAN tags of a frame, and where it starts.
/// `None` if the frame ends before that.
#[inline]
pub(super) fn network(frame: &[u8]) -> Option<(EtherType, usize)> {
    let mut ethertype = Ethernet::new(frame)?.ethertype();
    let mut offset = ethernet::HEADER_LEN;
    for _ in 0..2 {
        if !ethertype.is_tag() {
            break;
        }
        ethertype = Vlan::new(frame.get(offset..)?)?.ethertype();
        offset += vlan::HEADER_LEN;
    }
    Some((ethertype, offset))
}

/// A view of a packet whose IPv4 header is sound. The total length is not held against the bytes
/// there are: they may lie in another segment.
#[inline]
pub(super) fn ipv4(packet: &[u8]) -> Option<Ipv4<&[u8]>> {
    Ipv4::new(packet).filter(|view| view.check(usize::MAX).is_ok())
}

/// The same for IPv6.
#[inline]
pub(super) fn ipv6(packet: &[u8]) -> Option<Ipv6<&[u8]>> {
    Ipv6::new(packet).filter(|view| view.check(usize::MAX).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::craft::{Pair, tagged};
    use crate::wire::vlan::Tag;
    use crate::wire::{Mac, Protocol};
    use proptest::prelude::*;

    fn pair() -> Pair {
        let end = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
        let mut pair = Pair::new(end(1), end(2));
        pair.ip.dscp = Dscp::from_tos(0xb8);
        pair.ip.ttl = 7;
        pair
    }

    fn with_tags(frame: Vec<u8>, tags: usize) -> Vec<u8> {
        let tag = Tag::from_bits(0x2005);
        (0..tags).fold(frame, |frame, n| {
            tagged(&frame, [EtherType::VLAN, EtherType::QINQ][n % 2], tag)
        })
    }

    fn verify(ip: &InnerIp, frame: &[u8]) -> bool {
        ip.family == Family::V6 || Ipv4::new(&frame[ip.offset..]).unwrap().verify_checksum()
    }

    #[test]
    fn what_an_outer_header_inherits_is_read() {
        for tags in 0..=2 {
            let mut pair = pair();
            pair.ip.dont_fragment = tags == 1;
            let frame = with_tags(pair.udp(1, 2, &[]), tags);
            let ip = InnerIp::of(&frame).unwrap();
            assert_eq!((ip.family, ip.offset), (Family::V4, 14 + 4 * tags));
            assert_eq!((ip.tos, ip.ttl, ip.dont_fragment), (0xb8, 7, tags == 1));
            assert_eq!((ip.dscp().get(), ip.ecn()), (46, Ecn::NotEct));
            let frame = with_tags(pair.udp6(1, 2, &[]), tags);
            let ip = InnerIp::of(&frame).unwrap();
            assert_eq!((ip.family, ip.offset), (Family::V6, 14 + 4 * tags));
            assert_eq!((ip.tos, ip.ttl, ip.dont_fragment), (0xb8, 7, true));
        }
        assert_eq!(InnerIp::of(&with_tags(pair().udp(1, 2, &[]), 3)), None);
        assert_eq!(InnerIp::of(&pair().arp_request()), None);
    }

    #[test]
    fn every_pair_of_ecn_goes_into_either_family() {
        for (inner, outer) in Ecn::ALL.into_iter().flat_map(|i| Ecn::ALL.map(|o| (i, o))) {
            let mut pair = pair();
            pair.ip.ecn = inner;
            for before in [pair.udp(1, 2, &[9]), with_tags(pair.udp6(1, 2, &[9]), 2)] {
                let mut after = before.clone();
                let result = decapsulate_ecn(&mut after, outer);
                let expected = Ecn::decapsulate(inner, outer);
                assert_eq!(result, expected.map(drop), "{inner:?} in {outer:?}");
                let ip = InnerIp::of(&after).unwrap();
                assert_eq!(
                    ip.ecn(),
                    expected.unwrap_or(inner),
                    "{inner:?} in {outer:?}"
                );
                assert!(verify(&ip, &after));
                ip.set_ecn(&mut after, inner);
                assert_eq!(
                    after, before,
                    "nothing but ECN and its checksum has changed"
                );
            }
        }
    }

    /// Breaks one byte of a frame whose outer header carries congestion.
    fn broken(mut frame: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
        frame[at] = value;
        frame
    }

    #[test]
    fn a_broken_header_is_left_as_it_is() {
        let mut pair = pair();
        pair.ip.ecn = Ecn::Ect0;
        let (v4, v6) = (pair.udp(1, 2, &[9]), pair.udp6(1, 2, &[9]));
        let mut frames = vec![
            ("version", broken(v4.clone(), 14, 0x55)),
            ("header length", broken(v4.clone(), 14, 0x44)),
            ("options beyond the frame", broken(v4.clone(), 14, 0x4f)),
            ("total length", broken(v4.clone(), 17, 19)),
            ("version of IPv6", broken(v6.clone(), 14, 0x45)),
            ("not IP", pair.arp_request()),
            ("IPv4 in disguise", broken(v4.clone(), 13, 0x01)),
        ];
        frames.extend((0..34).map(|len| ("IPv4 cut short", v4[..len].to_vec())));
        frames.extend((0..54).map(|len| ("IPv6 cut short", v6[..len].to_vec())));
        let tagged = with_tags(v4, 2);
        frames.extend((0..42).map(|len| ("tagged, cut short", tagged[..len].to_vec())));
        for (what, before) in frames {
            let mut after = before.clone();
            assert_eq!(InnerIp::of(&before), None, "{what}");
            assert_eq!(decapsulate_ecn(&mut after, Ecn::Ce), Ok(()), "{what}");
            assert_eq!(after, before, "{what}");
        }
    }

    #[test]
    fn another_frame_than_that_read_does_no_harm() {
        let ip = InnerIp::of(&pair().udp(1, 2, &[])).unwrap();
        for len in 0..34 {
            let mut frame = vec![0xa5; len];
            ip.set_ecn(&mut frame, Ecn::Ce);
            assert_eq!(frame, vec![0xa5; len]);
        }
    }

    proptest! {
        #[test]
        fn noise_changes_only_in_its_ecn(noise: Vec<u8>, v6: bool, outer in 0u8..4) {
            let ethertype = if v6 { EtherType::IPV6 } else { EtherType::IPV4 };
            let before = pair().ethernet(ethertype, &noise);
            let mut after = before.clone();
            let result = decapsulate_ecn(&mut after, Ecn::from_tos(outer));
            let Some(ip) = InnerIp::of(&before) else {
                prop_assert_eq!((result, after), (Ok(()), before));
                return Ok(());
            };
            let expected = Ecn::decapsulate(ip.ecn(), Ecn::from_tos(outer));
            prop_assert_eq!(result, expected.map(drop));
            let ecn = expected.unwrap_or(ip.ecn());
            prop_assert_eq!(InnerIp::of(&after), Some(InnerIp { tos: ip.dscp().with(ecn), ..ip }));
        }

        #[test]
        fn protocols_do_not_matter(protocol: u8) {
            let frame = pair().ipv4(Protocol(protocol), &[]);
            prop_assert_eq!(InnerIp::of(&frame).map(|ip| ip.tos), Some(0xb8));
        }
    }
}
