//! What a mark says of a packet without outer headers is what was in them.

use super::*;
use crate::offload::{Mark, Width};
use crate::parse::parse;
use crate::snapshot::EndPoint;
use crate::testing::{UPLINK, inner, outer, port, tunnelled, udp_ports, vtep};
use crate::wire::craft::tagged;
use crate::wire::{EtherType, Tag, Vni, vxlan};
use std::sync::Arc;

fn mark(slot: usize) -> Mark {
    Mark::first(Width::Bits16, slot).unwrap()
}

fn of_vni(slot: usize, vlan: Option<u16>) -> Expected {
    let end_point = EndPoint {
        local: vtep(2).1,
        udp_port: vxlan::PORT,
        vni: Vni::from_bytes([0, 0, 10]),
    };
    Expected::new(mark(slot), end_point, vlan.and_then(VlanId::new))
}

#[test]
fn the_key_is_that_of_the_packet_as_it_was_sent_but_for_the_source_mac() {
    let plain = tunnelled(1, 10, &inner(1, 2, 10));
    for (frame, vlan, at) in [
        (plain.clone(), None, 50),
        (
            tagged(&plain, EtherType::VLAN, Tag::from_bits(7)),
            Some(7),
            54,
        ),
        // Only an Ethernet header, and less than that.
        (tunnelled(1, 10, &inner(1, 2, 10)[..14]), None, 50),
        (tunnelled(1, 10, &inner(1, 2, 10)[..13]), None, 50),
    ] {
        let sent = parse(port(UPLINK), &frame, frame.len(), &udp_ports());
        let bare = &frame[at..];
        let expected = of_vni(1, vlan).stripped(vtep(1).1);
        let found = expected.bare(vtep(1).1, port(UPLINK), vtep(2).0, bare, bare.len());
        let mut key = found.key;
        key.set(Field::SRC_MAC, vtep(1).0.to_u64());
        assert_eq!(key, sent.key, "{frame:02x?}");
        let layout = Layout {
            end: bare.len() as u32,
            ..Layout::default()
        };
        assert_eq!(found.layout, layout);
    }
}

#[test]
fn whoever_has_all_that_the_rule_names_was_not_stripped() {
    let expected = of_vni(1, None).stripped(vtep(1).1);
    let is_wrapped = |frame: &[u8]| {
        let parsed = parse(port(UPLINK), frame, frame.len(), &udp_ports());
        is_wrapped(&parsed.key, &expected, vtep(1).1)
    };
    let frame = inner(1, 2, 10);
    assert!(is_wrapped(&tunnelled(1, 10, &frame)));
    let to_other = Vni::from_bytes([0, 0, 10]);
    let others = [
        frame.clone(),
        tunnelled(9, 10, &frame),
        tunnelled(1, 20, &frame),
        outer(1).reversed().vxlan(50000, to_other, &frame),
        outer(1).udp(50000, 4790, &[0; 40]),
        outer(1).arp_request(),
        Vec::new(),
    ];
    for frame in others {
        assert!(!is_wrapped(&frame), "{frame:02x?}");
    }
}

#[test]
fn a_mark_says_what_is_left_only_where_headers_are_taken_off_at_all() {
    let mut hints = Hints::new(Width::Bits16);
    assert!(hints.insert(Arc::new(of_vni(1, None))));
    let unknown = Some(mark(3).get());
    assert_eq!(hints.front(unknown), Front::Whole);
    let stripped = of_vni(2, Some(7)).stripped(vtep(1).1);
    assert!(!hints.strips);
    assert!(hints.insert(Arc::new(stripped)));
    assert!(hints.strips);
    assert_eq!(hints.front(unknown), Front::InDoubt);
    assert_eq!(hints.front(None), Front::Whole);
    assert_eq!(hints.front(Some(mark(1).get())), Front::Whole);
    let bare = hints.front(Some(mark(2).get()));
    assert_eq!(bare, Front::Bare(VlanId::new(7)));
    // Its own tag is another one's.
    let frame = tagged(&inner(1, 2, 9), EtherType::VLAN, Tag::from_bits(9));
    let vlans = [Front::Whole, Front::InDoubt, bare].map(|front| front.vlan(&frame));
    assert_eq!(vlans, [VlanId::new(9), None, VlanId::new(7)]);
}
