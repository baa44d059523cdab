//! Changed frames and noise against a parser made of views.

use crate::drop::DropReason;
use crate::key::Field;
use crate::parse::{Parsed, parse};
use crate::testing::{UPLINK, inner, outer, port, tunnelled, udp_ports};
use crate::wire::arp::Arp;
use crate::wire::ethernet::Ethernet;
use crate::wire::ipv4::Ipv4;
use crate::wire::udp::Udp;
use crate::wire::vlan::{Tag, Vlan};
use crate::wire::vxlan::Vxlan;
use crate::wire::{EtherType, craft, samples};
use proptest::prelude::*;

/// What [`parse`] should find, from the views of `wire`.
fn naive(head: &[u8], len: usize) -> Parsed {
    let mut parsed = Parsed::default();
    parsed.key.set(Field::INGRESS, UPLINK as u64);
    let fault = naive_ethernet(&mut parsed, head, len);
    parsed.layout.fault = fault;
    parsed
}

fn naive_ethernet(parsed: &mut Parsed, head: &[u8], len: usize) -> Option<DropReason> {
    let Some(eth) = Ethernet::new(head) else {
        return Some(DropReason::FrameRunt);
    };
    let key = &mut parsed.key;
    key.set(Field::HAS_ETHERNET, 1);
    key.set(Field::DST_MAC, eth.dst().to_u64());
    key.set(Field::SRC_MAC, eth.src().to_u64());
    let (mut ether_type, mut at) = (eth.ethertype(), 14);
    if ether_type == EtherType::VLAN
        && let Some(tag) = Vlan::new(&head[14..])
    {
        key.set(Field::HAS_VLAN, u64::from(tag.tag().vid.get() != 0));
        key.set(
            Field::VLAN_ID,
            u64::from(u16::from_be_bytes([head[14] & 0xf, head[15]])),
        );
        (ether_type, at) = (tag.ethertype(), 18);
    }
    key.set(Field::ETHER_TYPE, ether_type.0.into());
    if ether_type == EtherType::ARP
        && let Some(arp) = Arp::new(&head[at..])
        && head[at..at + 6] == [0, 1, 8, 0, 6, 4]
    {
        parsed.layout.arp = true;
        key.set(Field::HAS_ARP, 1);
        key.set(Field::PROTOCOL, head[at + 7].into());
        key.set(Field::SRC_IP, arp.sender_ip().to_bits().into());
        key.set(Field::DST_IP, arp.target_ip().to_bits().into());
    }
    if ether_type == EtherType::IPV4 {
        return naive_ipv4(parsed, head, at, len);
    }
    None
}

fn naive_ipv4(parsed: &mut Parsed, head: &[u8], at: usize, len: usize) -> Option<DropReason> {
    let Some(ip) = Ipv4::new(&head[at..]) else {
        return Some(DropReason::IpTruncated);
    };
    let header_len = usize::from(head[at] & 15) * 4;
    let (total, udp_at) = (usize::from(ip.total_len()), at + header_len);
    if ip.version() != 4 {
        return Some(DropReason::IpVersion);
    } else if header_len < 20 {
        return Some(DropReason::IpHeaderLength);
    } else if head.len() < udp_at {
        return Some(DropReason::IpTruncated);
    }
    parsed.layout.ip_at = at as u16;
    parsed.key.set(Field::HAS_IPV4, 1);
    parsed.key.set(Field::PROTOCOL, ip.protocol().0.into());
    parsed.key.set(Field::SRC_IP, ip.src().to_bits().into());
    parsed.key.set(Field::DST_IP, ip.dst().to_bits().into());
    parsed.key.set(Field::FRAGMENT, ip.is_fragment().into());
    let fault = (total < header_len || at + total > len).then_some(DropReason::IpTotalLength);
    if !ip.is_fragment() && ip.protocol().0 == 1 {
        let kind = head.get(udp_at).copied().unwrap_or_default();
        parsed.key.set(Field::DST_PORT, kind.into());
    }
    if ip.is_fragment() || ip.protocol().0 != 17 {
        return fault;
    }
    fault.or(naive_udp(parsed, head, udp_at, at + total))
}

fn naive_udp(parsed: &mut Parsed, head: &[u8], at: usize, ip_end: usize) -> Option<DropReason> {
    let Some(udp) = Udp::new(&head[at..]).filter(|_| ip_end >= at + 8) else {
        return Some(DropReason::UdpTruncated);
    };
    let end = at + usize::from(udp.length());
    let key = &mut parsed.key;
    (parsed.layout.udp_at, parsed.layout.end) = (at as u16, end as u32);
    key.set(Field::HAS_UDP, 1);
    key.set(Field::HAS_CHECKSUM, (udp.checksum() != 0).into());
    key.set(Field::DST_PORT, udp.dst_port().into());
    let fault = (udp.length() < 8 || end > ip_end).then_some(DropReason::UdpLength);
    if udp.dst_port() != 4789 {
        return fault;
    }
    let Some(vxlan) = Vxlan::new(&head[at + 8..]).filter(|_| end >= at + 16) else {
        return fault.or(Some(DropReason::VxlanTruncated));
    };
    parsed.layout.inner_at = at as u16 + 16;
    key.set(Field::HAS_VXLAN, 1);
    key.set(Field::VXLAN_VNI_VALID, vxlan.has_vni().into());
    let mut plain = head[at + 8..at + 16].to_vec();
    plain[0] |= 8;
    let plain = Vxlan::new(plain).unwrap().is_plain();
    key.set(Field::VXLAN_RESERVED, (!plain).into());
    key.set(Field::VNI, vxlan.vni().get().into());
    if let Some(inner) = Ethernet::new(&head[at + 16..])
        && end >= at + 30
    {
        key.set(Field::HAS_INNER, 1);
        key.set(Field::INNER_DST_MAC, inner.dst().to_u64());
        key.set(Field::INNER_SRC_MAC, inner.src().to_u64());
    }
    fault
}

fn agrees(head: &[u8], len: usize) {
    let parsed = parse(port(UPLINK), head, len, &udp_ports());
    assert_eq!(parsed, naive(head, len), "{head:02x?} of {len}");
}

#[test]
fn every_byte_with_every_value() {
    let tagged = craft::tagged(&samples::VXLAN_UDP, EtherType::VLAN, Tag::from_bits(5));
    for frame in [&samples::VXLAN_UDP[..], &tagged, &outer(1).arp_request()] {
        let mut frame = frame.to_vec();
        for at in 0..frame.len() {
            let byte = frame[at];
            for value in 0..=255 {
                frame[at] = value;
                agrees(&frame, frame.len());
            }
            frame[at] = byte;
        }
    }
}

proptest! {
    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..200), more in 0usize..100) {
        agrees(&bytes, bytes.len() + more);
    }

    #[test]
    fn frames_with_noise_in_them(
        tag: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        more in 0usize..3,
    ) {
        let mut frame = tunnelled(1, 10, &inner(1, 2, 30));
        if tag {
            frame = craft::tagged(&frame, EtherType::VLAN, Tag::from_bits(7));
        }
        for (at, value) in changes {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        let head = cut.index(frame.len() + 1);
        agrees(&frame, frame.len() + more);
        agrees(&frame[..head], frame.len());
        agrees(&frame[..head], head);
    }
}
