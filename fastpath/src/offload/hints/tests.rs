//! What is confirmed is what the parser would have found.

use super::*;
use crate::parse::parse;
use crate::testing::{UPLINK, inner, outer, port, tunnelled, udp_ports, vtep};
use crate::wire::craft::tagged;
use crate::wire::{EtherType, Tag, Vni, vxlan};
use proptest::prelude::*;

fn end_point(vni: u8) -> EndPoint {
    EndPoint {
        local: vtep(2).1,
        udp_port: vxlan::PORT,
        vni: Vni::from_bytes([0, 0, vni]),
    }
}

fn mark(slot: usize) -> Mark {
    Mark::first(Width::Bits16, slot).unwrap()
}

fn expected(vlan: Option<u16>) -> Expected {
    let vlan = vlan.and_then(VlanId::new);
    Expected::new(mark(1), end_point(10), vlan)
}

/// Whether a frame is confirmed. If it is, it is as it would have been parsed.
fn confirmed(expected: &Expected, head: &[u8], len: usize) -> bool {
    let ports = udp_ports();
    let parsed = parse(port(UPLINK), head, len, &ports);
    let confirmed = expected.confirm(port(UPLINK), head, len, &ports);
    if let Some(confirmed) = confirmed {
        assert_eq!(confirmed, parsed, "{head:02x?}");
    }
    confirmed.is_some()
}

fn in_vlan(frame: &[u8], tci: u16) -> Vec<u8> {
    tagged(frame, EtherType::VLAN, Tag::from_bits(tci))
}

#[test]
fn whatever_one_byte_is_who_is_confirmed_parses_alike() {
    let plain = tunnelled(1, 10, &inner(1, 2, 10));
    let mut summed = plain.clone();
    summed[40] = 7;
    for (frame, vlan) in [
        (plain.clone(), None),
        (summed, None),
        (in_vlan(&plain, 0x6007), Some(7)),
    ] {
        let (expected, mut count) = (expected(vlan), 0);
        for at in 0..frame.len() {
            for value in 0..=255 {
                let mut other = frame.clone();
                other[at] = value;
                count += usize::from(confirmed(&expected, &other, other.len()));
            }
        }
        // MACs, TOS, identification, two of the flags, TTL, checksums, source address and port and
        // all that is inside may be any; the UDP length a few others.
        let free = 12 + 1 + 2 + 1 + 2 + 4 + 2 + 2 + (plain.len() - 50);
        assert!(count > free * 256, "{count} of {free} bytes");
    }
}

#[test]
fn what_is_cut_is_not_confirmed() {
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let expected = expected(None);
    for len in 0..frame.len() + 5 {
        let head = &frame[..len.min(frame.len())];
        assert_eq!(confirmed(&expected, head, len), len >= frame.len(), "{len}");
    }
    // Its first segment may end behind the inner Ethernet header.
    assert!(confirmed(&expected, &frame[..HEAD], frame.len()));
    assert!(!confirmed(&expected, &frame[..HEAD - 1], frame.len()));
}

#[test]
fn a_tag_is_as_expected_or_the_packet_is_parsed() {
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    for (expected, tci, agrees) in [
        (expected(Some(7)), Some(7), true),
        (expected(Some(7)), Some(0xf007), true),
        (expected(Some(7)), Some(8), false),
        (expected(Some(7)), Some(0), false),
        (expected(Some(7)), None, false),
        (expected(None), Some(7), false),
        (expected(None), Some(0), false),
    ] {
        let frame = tci.map_or(frame.clone(), |tci| in_vlan(&frame, tci));
        assert_eq!(confirmed(&expected, &frame, frame.len()), agrees, "{tci:?}");
    }
}

#[test]
fn a_port_where_no_tunnel_is_any_more_is_not_confirmed() {
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let ports = UdpPorts::default();
    let expected = expected(None);
    assert!(
        expected
            .confirm(port(UPLINK), &frame, frame.len(), &ports)
            .is_none()
    );
}

#[test]
fn only_the_very_mark_stands_for_a_tunnel() {
    let mut hints = Hints::new(Width::Bits16);
    assert!(hints.insert(Arc::new(Expected::new(mark(1), end_point(10), None))));
    let newer = mark(3).renewed(Width::Bits16);
    assert!(hints.insert(Arc::new(Expected::new(newer, end_point(20), None))));
    let vni = |value: u32| match hints.said(value) {
        Said::Unknown => None,
        Said::Expected(expected) => Some(expected.end_point().vni.get()),
    };
    assert_eq!(vni(mark(1).get()), Some(10));
    assert_eq!(vni(newer.get()), Some(20));
    // Of a rule that is gone, of one to come, of a slot that is free, and no mark at all.
    let others = [
        mark(3).get(),
        newer.renewed(Width::Bits16).get(),
        mark(2).get(),
        mark(4095).get(),
        0,
        1,
        3,
        0x1_1001,
        u32::MAX,
    ];
    for value in others {
        assert_eq!(vni(value), None, "{value:#x}");
    }
    assert_eq!(hints.expected().count(), 2);
}

#[test]
fn a_mark_that_the_width_has_no_room_for_is_not_taken() {
    let expected = || Arc::new(Expected::new(mark(1), end_point(10), None));
    assert!(!Hints::new(Width::Bits8).insert(expected()));
    let mut none = Hints::default();
    assert!(!none.insert(expected()));
    assert!(matches!(none.said(mark(1).get()), Said::Unknown));
}

proptest! {
    #[test]
    fn whoever_is_confirmed_parses_alike(
        via in (1u8..4, prop::sample::select(vec![10u8, 20])),
        vlan in prop::option::of(prop::sample::select(vec![7u16, 8])),
        tci in prop::option::of(prop::sample::select(vec![7u16, 0x6007, 8, 0])),
        payload in 0..80usize,
        changes in prop::collection::vec((0..80usize, any::<u8>()), 0..4),
        cut in prop::option::weighted(0.2, 0..120usize),
        more in 0..9usize,
    ) {
        let mut frame = tunnelled(via.0, via.1, &inner(1, 2, payload));
        if let Some(tci) = tci {
            frame = in_vlan(&frame, tci);
        }
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        let len = frame.len() + more;
        frame.truncate(cut.unwrap_or(usize::MAX));
        confirmed(&expected(vlan), &frame, len);
    }

    #[test]
    fn noise_parses_alike(frame: Vec<u8>, more in 0..9usize) {
        confirmed(&expected(None), &frame, frame.len() + more);
    }
}

#[test]
fn other_tunnels_are_not_confirmed() {
    let other_vni = tunnelled(1, 11, &inner(1, 2, 10));
    let to_other = outer(1)
        .reversed()
        .vxlan(50000, end_point(10).vni, &inner(1, 2, 10));
    for frame in [other_vni, to_other, outer(1).arp_request(), inner(1, 2, 40)] {
        assert!(!confirmed(&expected(None), &frame, frame.len()));
    }
}
