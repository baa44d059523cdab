//! Frames field by field, in whole and in pieces.

mod oracle;

use super::*;
use crate::testing::{UPLINK, guest, inner, outer, port, tunnelled, udp_ports, vtep};
use crate::wire::vlan::Tag;
use crate::wire::{EtherType, Mac, craft, samples};
use proptest::prelude::*;

const FLAGS: [(&str, Field); 10] = [
    ("ethernet", Field::HAS_ETHERNET),
    ("vlan", Field::HAS_VLAN),
    ("arp", Field::HAS_ARP),
    ("ipv4", Field::HAS_IPV4),
    ("fragment", Field::FRAGMENT),
    ("udp", Field::HAS_UDP),
    ("vxlan", Field::HAS_VXLAN),
    ("vni", Field::VXLAN_VNI_VALID),
    ("reserved", Field::VXLAN_RESERVED),
    ("inner", Field::HAS_INNER),
];

const VALUES: [(&str, Field); 11] = [
    ("ether_type", Field::ETHER_TYPE),
    ("vlan_id", Field::VLAN_ID),
    ("dst_mac", Field::DST_MAC),
    ("src_mac", Field::SRC_MAC),
    ("protocol", Field::PROTOCOL),
    ("src_ip", Field::SRC_IP),
    ("dst_ip", Field::DST_IP),
    ("dst_port", Field::DST_PORT),
    ("vni", Field::VNI),
    ("inner_dst_mac", Field::INNER_DST_MAC),
    ("inner_src_mac", Field::INNER_SRC_MAC),
];

fn parse_frame(frame: &[u8]) -> Parsed {
    parse_cut(frame, frame.len())
}

/// A frame whose first segment ends after `head` bytes.
fn parse_cut(frame: &[u8], head: usize) -> Parsed {
    parse(port(UPLINK), &frame[..head], frame.len(), &udp_ports())
}

/// The facts that are true.
fn flags(parsed: &Parsed) -> String {
    let set = FLAGS
        .iter()
        .filter(|(_, field)| parsed.key.get(*field) == 1);
    set.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

/// The fields that are not zero.
fn values(parsed: &Parsed) -> Vec<(&'static str, u64)> {
    let all = VALUES
        .iter()
        .map(|(name, field)| (*name, parsed.key.get(*field)));
    all.filter(|(_, value)| *value != 0).collect()
}

#[test]
fn a_frame_of_linux_field_by_field() {
    let parsed = parse_frame(&samples::VXLAN_UDP);
    assert_eq!(flags(&parsed), "ethernet ipv4 udp vxlan vni inner");
    assert_eq!(parsed.key.get(Field::INGRESS), UPLINK as u64);
    let expected = [
        ("ether_type", 0x0800),
        ("dst_mac", 0x0200_0000_0a02),
        ("src_mac", 0x0200_0000_0a01),
        ("protocol", 17),
        ("src_ip", 0xc000_0201),
        ("dst_ip", 0xc000_0202),
        ("dst_port", 4789),
        ("vni", 10),
        ("inner_dst_mac", 0x0200_0000_0b02),
        ("inner_src_mac", 0x0200_0000_0b01),
    ];
    assert_eq!(values(&parsed), expected);
    assert_eq!(
        (
            parsed.layout.ip_at,
            parsed.layout.udp_at,
            parsed.layout.inner_at
        ),
        (14, 34, 50)
    );
    assert_eq!((parsed.layout.end, parsed.layout.fault), (101, None));
}

#[test]
fn a_tag_moves_everything_by_four_bytes() {
    let tag = Tag::from_bits(0xb064);
    let tagged = craft::tagged(&samples::VXLAN_UDP, EtherType::VLAN, tag);
    let parsed = parse_frame(&tagged);
    let plain = parse_frame(&samples::VXLAN_UDP);
    let mut key = plain.key;
    key.set(Field::HAS_VLAN, 1);
    key.set(Field::VLAN_ID, 0x064);
    assert_eq!(parsed.key, key);
    assert_eq!(
        (
            parsed.layout.ip_at,
            parsed.layout.udp_at,
            parsed.layout.inner_at
        ),
        (18, 38, 54)
    );
    assert_eq!((parsed.layout.end, parsed.layout.fault), (105, None));

    // Only one tag is looked behind, and only of 802.1Q.
    let twice = parse_frame(&craft::tagged(&tagged, EtherType::VLAN, tag));
    assert_eq!(
        (flags(&twice), twice.layout.fault),
        ("ethernet vlan".into(), None)
    );
    assert_eq!(twice.key.get(Field::ETHER_TYPE), 0x8100);
    let service = parse_frame(&craft::tagged(&tagged, EtherType::QINQ, tag));
    assert_eq!(
        (flags(&service), service.layout.fault),
        ("ethernet".into(), None)
    );
    // A tag that is not all there is no tag.
    for len in 14..18 {
        let parsed = parse_frame(&tagged[..len]);
        assert_eq!(
            (flags(&parsed), parsed.layout.fault),
            ("ethernet".into(), None)
        );
        assert_eq!(parsed.key.get(Field::ETHER_TYPE), 0x8100);
    }
}

#[test]
fn arp_for_ipv4_over_ethernet_only() {
    let frame = outer(1).arp_request();
    let parsed = parse_frame(&frame);
    assert_eq!(
        (flags(&parsed), parsed.layout.fault),
        ("ethernet arp".into(), None)
    );
    let expected = [
        ("ether_type", 0x0806),
        ("dst_mac", Mac::BROADCAST.to_u64()),
        ("src_mac", vtep(1).0.to_u64()),
        ("protocol", 1),
        ("src_ip", 0xc000_0201),
        ("dst_ip", 0xc000_0202),
    ];
    assert_eq!(values(&parsed), expected);
    for at in 14..20 {
        let mut other = frame.clone();
        other[at] ^= 1;
        assert_eq!(flags(&parse_frame(&other)), "ethernet", "{at}");
    }
    for len in 14..42 {
        let parsed = parse_frame(&frame[..len]);
        assert_eq!(
            (flags(&parsed), parsed.layout.fault),
            ("ethernet".into(), None)
        );
    }
}

#[test]
fn a_frame_that_ends_early() {
    let frame = samples::VXLAN_UDP;
    for len in 0..=frame.len() {
        let parsed = parse_frame(&frame[..len]);
        let (expected, fault) = match len {
            0..14 => ("", Some(DropReason::FrameRunt)),
            14..34 => ("ethernet", Some(DropReason::IpTruncated)),
            34..42 => ("ethernet ipv4", Some(DropReason::IpTotalLength)),
            42..50 => ("ethernet ipv4 udp", Some(DropReason::IpTotalLength)),
            50..64 => (
                "ethernet ipv4 udp vxlan vni",
                Some(DropReason::IpTotalLength),
            ),
            64..101 => (
                "ethernet ipv4 udp vxlan vni inner",
                Some(DropReason::IpTotalLength),
            ),
            _ => ("ethernet ipv4 udp vxlan vni inner", None),
        };
        assert_eq!(
            (flags(&parsed).as_str(), parsed.layout.fault),
            (expected, fault),
            "{len}"
        );
        if len < 14 {
            assert_eq!(values(&parsed), [], "fields of absent headers are zero");
        }
    }
}

#[test]
fn a_first_segment_that_ends_early() {
    let frame = samples::VXLAN_UDP;
    for head in 0..=frame.len() {
        let parsed = parse_cut(&frame, head);
        let (expected, fault) = match head {
            0..14 => ("", Some(DropReason::FrameRunt)),
            14..34 => ("ethernet", Some(DropReason::IpTruncated)),
            34..42 => ("ethernet ipv4", Some(DropReason::UdpTruncated)),
            42..50 => ("ethernet ipv4 udp", Some(DropReason::VxlanTruncated)),
            50..64 => ("ethernet ipv4 udp vxlan vni", None),
            _ => ("ethernet ipv4 udp vxlan vni inner", None),
        };
        assert_eq!(
            (flags(&parsed).as_str(), parsed.layout.fault),
            (expected, fault),
            "{head}"
        );
    }
}

/// Where the parts of [`tunnelled`] are.
const IP: usize = 14;
const UDP_AT: usize = 34;
const VXLAN: usize = 42;

/// A good frame with some bytes replaced.
fn broken(changes: &[(usize, &[u8])]) -> Parsed {
    let mut frame = tunnelled(1, 10, &inner(1, 2, 30));
    for (at, bytes) in changes {
        frame[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    parse_frame(&frame)
}

/// Length of the good frame: 50 bytes outside, then 14, 20, 8 and 30.
const LEN: u16 = 122;

const ALL: &str = "ethernet ipv4 udp vxlan vni inner";

/// Replaces bytes of the good frame, one case after the other.
fn check(at: usize, cases: &[(&[u8], &str, Option<DropReason>)]) {
    for (bytes, expected, fault) in cases {
        let parsed = broken(&[(at, bytes)]);
        let found = (flags(&parsed), parsed.layout.fault);
        assert_eq!(found, (expected.to_string(), *fault), "{at}: {bytes:x?}");
    }
}

#[test]
fn ipv4_lengths_that_do_not_fit() {
    use DropReason::{IpHeaderLength, IpTotalLength, IpVersion, UdpLength, UdpTruncated};
    let len = |more: i16| (LEN - 14).wrapping_add_signed(more).to_be_bytes();
    let version = [
        (&[0x65][..], "ethernet", Some(IpVersion)),
        (&[0x44], "ethernet", Some(IpHeaderLength)),
    ];
    check(IP, &version);
    let total = [
        (&[0, 19][..], "ethernet ipv4", Some(IpTotalLength)),
        (&[0, 20], "ethernet ipv4", Some(UdpTruncated)),
        (&[0, 27], "ethernet ipv4", Some(UdpTruncated)),
        (&[0, 28], ALL, Some(UdpLength)),
        (&len(-1), ALL, Some(UdpLength)),
        (&len(0), ALL, None),
        (&len(1), ALL, Some(IpTotalLength)),
    ];
    check(IP + 2, &total);
    let both = broken(&[(IP + 2, &[0, 19]), (UDP_AT + 4, &[0, 7])]);
    assert_eq!(both.layout.fault, Some(IpTotalLength), "the first one");
}

#[test]
fn udp_lengths_that_do_not_fit() {
    use DropReason::{UdpLength, VxlanTruncated};
    let udp = "ethernet ipv4 udp";
    let vxlan = "ethernet ipv4 udp vxlan vni";
    let len = |more: i16| (LEN - 34).wrapping_add_signed(more).to_be_bytes();
    let lengths = [
        (&[0, 7][..], udp, Some(UdpLength)),
        (&[0, 8], udp, Some(VxlanTruncated)),
        (&[0, 15], udp, Some(VxlanTruncated)),
        (&[0, 16], vxlan, None),
        (&[0, 29], vxlan, None),
        (&[0, 30], ALL, None),
        (&len(-1), ALL, None),
        (&len(0), ALL, None),
        (&len(1), ALL, Some(UdpLength)),
    ];
    check(UDP_AT + 4, &lengths);
    check(UDP_AT + 2, &[(&[0x12, 0xb4], udp, None)]);
    check(IP + 9, &[(&[6], "ethernet ipv4", None)]);
}

#[test]
fn fragments_have_no_ports() {
    let fragment = "ethernet ipv4 fragment";
    let cases = [
        (&[0x40, 0][..], ALL, None),
        (&[0x80, 0], ALL, None),
        (&[0x20, 0], fragment, None),
        (&[0x20, 1], fragment, None),
        (&[0x00, 1], fragment, None),
        (&[0x10, 0], fragment, None),
    ];
    check(IP + 6, &cases);
}

#[test]
fn every_flag_of_vxlan() {
    let reserved = "ethernet ipv4 udp vxlan vni reserved inner";
    let flags = [
        (&[0x00][..], "ethernet ipv4 udp vxlan inner", None),
        (&[0x0c], reserved, None),
        (&[0xf7], "ethernet ipv4 udp vxlan reserved inner", None),
    ];
    check(VXLAN, &flags);
    for (at, byte) in [(1, 1), (2, 0x10), (3, 0x80), (7, 1)] {
        check(VXLAN + at, &[(&[byte], reserved, None)]);
    }
    let vni = broken(&[(VXLAN + 4, &[0xff; 3])]);
    assert_eq!(vni.key.get(Field::VNI), 0xff_ffff);
}

#[test]
fn the_end_is_where_udp_says() {
    let good = tunnelled(1, 10, &inner(1, 2, 30));
    assert_eq!(good.len(), usize::from(LEN));
    let padded = [&good[..], &[0xee; 20]].concat();
    let parsed = parse_frame(&padded);
    assert_eq!((parsed.layout.end, parsed.layout.fault), (LEN.into(), None));
    assert_eq!(parsed.key, parse_frame(&good).key);
    let shorter = broken(&[(UDP_AT + 4, &[0, 40])]);
    assert_eq!((shorter.layout.end, shorter.layout.fault), (74, None));
}

#[test]
fn options_are_passed_over() {
    let good = tunnelled(1, 10, &inner(1, 2, 30));
    for words in 1..=10usize {
        let options = vec![1; 4 * words];
        let mut frame = [&good[..34], &options, &good[34..]].concat();
        frame[14] += words as u8;
        let total = LEN - 14 + 4 * words as u16;
        frame[16..18].copy_from_slice(&total.to_be_bytes());
        let parsed = parse_frame(&frame);
        assert_eq!(
            (parsed.key, parsed.layout.fault),
            (parse_frame(&good).key, None)
        );
        let at = 34 + 4 * words as u16;
        assert_eq!(
            (
                parsed.layout.ip_at,
                parsed.layout.udp_at,
                parsed.layout.inner_at
            ),
            (14, at, at + 16)
        );
        let cut = parse_frame(&frame[..33 + 4 * words]);
        assert_eq!(
            (flags(&cut), cut.layout.fault),
            ("ethernet".into(), Some(DropReason::IpTruncated))
        );
    }
}

#[test]
fn a_guest_frame_is_the_outer_frame() {
    let parsed = parse_frame(&inner(1, 2, 0));
    assert_eq!(parsed.key.get(Field::SRC_MAC), guest(1).0.to_u64());
    assert_eq!(flags(&parsed), "ethernet ipv4 udp");
}

/// It is for priority only (IEEE 802.1Q, 6.9.1).
#[test]
fn a_tag_without_a_vlan_is_none() {
    let tag = Tag::from_bits(0xe000);
    let tagged = craft::tagged(&samples::VXLAN_UDP, EtherType::VLAN, tag);
    let (parsed, plain) = (parse_frame(&tagged), parse_frame(&samples::VXLAN_UDP));
    assert_eq!((parsed.key, parsed.layout.inner_at), (plain.key, 54));
}

proptest! {
    /// Of tagged and other frames, cut wherever that may be.
    #[test]
    fn the_vlan_alone_is_that_of_the_key(
        ether_type in prop::sample::select(vec![0x8100_u16, 0x0081, 0x88a8, 0x0800]),
        tci in prop_oneof![any::<u16>(), Just(0x2000), Just(0xffff)],
        len in 0..20_usize,
    ) {
        let mut frame = [0; 20];
        frame[12..14].copy_from_slice(&ether_type.to_be_bytes());
        frame[14..16].copy_from_slice(&tci.to_be_bytes());
        let frame = &frame[..len];
        let key = parse(PortId::modulo(0), frame, len, &UdpPorts::default()).key;
        let tagged = key.get(Field::HAS_VLAN) != 0;
        let expected = tagged.then(|| key.get(Field::VLAN_ID) as u16);
        prop_assert_eq!(vlan(frame).map(VlanId::get), expected);
    }
}
