//! Every outer field, against headers made another way.

use super::*;
use crate::snapshot::{Df, EncapSettings, Inherit, OUTER_LEN};
use crate::testing::{edit_remote, guest, switch};
use crate::wire::craft::{Pair, tagged};
use crate::wire::ipv4::Ipv4;
use crate::wire::udp::Udp;
use crate::wire::vlan::Tag;
use crate::wire::{Dscp, Ecn, EtherType, Protocol, Vni};
use std::collections::HashSet;

/// Sends to remote 0.
fn list() -> [Action; 1] {
    [Action::Output(Target::Remote(remote(0)))]
}

/// What leaves for remote 0 with settings changed by `edit`.
fn encapsulate(frame: &[u8], edit: impl FnOnce(&mut EncapSettings)) -> Vec<u8> {
    let mut rig = Rig::new();
    edit_remote(&mut rig.snapshot, 0, edit);
    let verdict = rig.act(A, &list(), frame);
    assert_eq!(verdict, Verdict::Forwarded);
    rig.sent(UPLINK).pop().unwrap()
}

/// A guest's packet with these fields of the IP header.
fn guest_pair(dscp: u8, ecn: Ecn, ttl: u8, df: bool) -> Pair {
    let mut pair = Pair::new(guest(1), guest(2));
    pair.ip.dscp = Dscp::new(dscp).unwrap();
    pair.ip.ecn = ecn;
    pair.ip.ttl = ttl;
    pair.ip.dont_fragment = df;
    pair
}

/// The outer frame as it should be, but for the source port and the identification, which are
/// taken from `made`.
fn outer_frame(made: &[u8], inner: &[u8], edit: impl FnOnce(&mut Pair)) -> Vec<u8> {
    let mut pair = Pair::new(vtep(2), vtep(1));
    pair.ip.dont_fragment = true;
    pair.ip.ident = Ipv4::new(&made[14..]).unwrap().ident();
    edit(&mut pair);
    let source_port = Udp::new(&made[34..]).unwrap().src_port();
    pair.vxlan(source_port, Vni::from_bytes([0, 0, 10]), inner)
}

#[test]
fn every_field_by_default() {
    for len in [0, 1, 17, 18, 1000, 1472] {
        let inner = inner(1, 2, len);
        let made = encapsulate(&inner, |_| {});
        assert_eq!(made, outer_frame(&made, &inner, |_| {}), "{len}");
        assert_eq!(made.len(), inner.len() + OUTER_LEN);
        let ip = Ipv4::new(&made[14..]).unwrap();
        assert!(ip.verify_checksum());
        assert_eq!((ip.ttl(), ip.tos(), ip.ident()), (64, 0, 0));
        assert!(Udp::new(&made[34..]).unwrap().src_port() >= 49152);
    }
}

#[test]
fn every_field_by_option() {
    let inner = inner(1, 2, 10);
    let made = encapsulate(&inner, |settings| {
        *settings = EncapSettings {
            local: [198, 51, 100, 77].into(),
            udp_port: 8472,
            vni: Vni::from_bytes([0xab, 0xcd, 0xef]),
            source_ports: 7..=7,
            ttl: Inherit::Fixed(255),
            dscp: Inherit::Fixed(63),
            df: Df::Unset,
            udp_checksum: false,
        };
    });
    let mut pair = Pair::new((vtep(2).0, [198, 51, 100, 77].into()), vtep(1));
    pair.ip.ttl = 255;
    pair.ip.dscp = Dscp::new(63).unwrap();
    pair.ip.ident = 1;
    let mut expected = pair.vxlan(7, Vni::from_bytes([0xab, 0xcd, 0xef]), &inner);
    expected[36..38].copy_from_slice(&8472u16.to_be_bytes());
    assert_eq!(made, expected);
}

#[test]
fn ttl_dscp_and_df_are_inherited() {
    let inherit = |settings: &mut EncapSettings| {
        settings.ttl = Inherit::Inner(33);
        settings.dscp = Inherit::Inner(11);
        settings.df = Df::Inherit;
    };
    let check = |inner: Vec<u8>, (dscp, ttl, df): (u8, u8, bool)| {
        let made = encapsulate(&inner, inherit);
        let expected = outer_frame(&made, &inner, |pair| {
            pair.ip.ttl = ttl;
            pair.ip.dscp = Dscp::new(dscp).unwrap();
            pair.ip.dont_fragment = df;
        });
        assert_eq!(made, expected);
    };
    let tag = Tag::from_bits(5);
    for (dscp, ttl, df) in [(0, 1, false), (46, 255, true), (63, 64, false)] {
        let pair = guest_pair(dscp, Ecn::NotEct, ttl, df);
        check(pair.udp(1, 2, &[]), (dscp, ttl, df));
        let with_tag = tagged(&pair.udp(1, 2, &[]), EtherType::VLAN, tag);
        check(with_tag, (dscp, ttl, df));
        check(pair.ipv6(Protocol::UDP, &[]), (dscp, ttl, true));
        check(pair.arp_request(), (11, 33, false));
    }
}

#[test]
fn ecn_is_copied_and_fixed_fields_are_not() {
    for ecn in Ecn::ALL {
        let pair = guest_pair(46, ecn, 9, false);
        for inner in [pair.udp(1, 2, &[]), pair.ipv6(Protocol::TCP, &[0; 20])] {
            let made = encapsulate(&inner, |_| {});
            let expected = outer_frame(&made, &inner, |pair| pair.ip.ecn = ecn);
            assert_eq!(made, expected);
        }
    }
}

#[test]
fn the_identification_is_zero_with_df_and_else_changes() {
    let frame = inner(1, 2, 0);
    for df in [Df::Set, Df::Unset] {
        let mut rig = Rig::new();
        edit_remote(&mut rig.snapshot, 0, |settings| settings.df = df);
        for _ in 0..50 {
            rig.act(A, &list(), &frame);
        }
        let sent = rig.sent(UPLINK);
        let ids: Vec<u16> = sent
            .iter()
            .map(|frame| Ipv4::new(&frame[14..]).unwrap().ident())
            .collect();
        let distinct = ids.iter().collect::<HashSet<_>>().len();
        match df {
            Df::Set => assert_eq!(ids, [0; 50]),
            _ => assert_eq!(distinct, 50, "{ids:?}"),
        }
    }
}

#[test]
fn source_ports_stay_in_range_with_a_flow_and_spread_over_flows() {
    let port_of = |source: u16, range: std::ops::RangeInclusive<u16>, payload: usize| {
        let frame = Pair::new(guest(1), guest(2)).udp(source, 80, &vec![0; payload]);
        let made = encapsulate(&frame, |settings| settings.source_ports = range);
        Udp::new(&made[34..]).unwrap().src_port()
    };
    for range in [49152..=65535, 0..=65535, 100..=103, 65535..=65535] {
        let ports: Vec<u16> = (0..64).map(|n| port_of(n, range.clone(), 0)).collect();
        assert!(ports.iter().all(|port| range.contains(port)), "{ports:?}");
        let distinct = ports.iter().collect::<HashSet<_>>().len();
        let possible = usize::from(range.end() - range.start()) + 1;
        assert!(distinct >= possible.min(60), "{distinct} of {possible}");
        let again: Vec<u16> = (0..64).map(|n| port_of(n, range.clone(), 99)).collect();
        assert_eq!(ports, again, "the payload does not count");
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "the case under test")]
fn an_empty_range_is_its_first_port() {
    let made = encapsulate(&inner(1, 2, 0), |settings| settings.source_ports = 9..=8);
    assert_eq!(Udp::new(&made[34..]).unwrap().src_port(), 9);
}

#[test]
fn the_outer_packet_fits_the_mtu_exactly() {
    for (mtu, len, fits) in [
        (1550, 1514, true),
        (1550, 1515, false),
        (100, 64, true),
        (100, 65, false),
    ] {
        let mut rig = Rig::new();
        edit_port(&mut rig.snapshot, UPLINK, |port| port.mtu = mtu);
        rig.act(A, &list(), &vec![0; len]);
        let expected = if fits {
            "0.received 1, 0.forwarded 1, 2.enqueued 1, 2.sent 1, r0.sent 1"
        } else {
            "0.received 1, 0.dropped.mtu_exceeded 1"
        };
        assert_eq!(rig.moved(), expected, "{len} in {mtu}");
    }
}

#[test]
fn a_front_that_cannot_grow_is_replaced() {
    let frame = inner(1, 2, 1000);
    for (short, expected_out) in [(78, true), (79, true)] {
        let mut rig = Rig::new();
        let mut packet = rig.packet(&frame);
        packet.prepend(short).unwrap();
        assert!(packet.trim_front(0) && packet.prepend(200).is_none());
        packet.head_mut()[..short].fill(0xcc);
        let inner = packet.bytes();
        assert_eq!(rig.pool.out(), 1);
        rig.act_packet(A, &list(), packet);
        let sent = rig.sent(UPLINK);
        assert_eq!(sent.len() == 1, expected_out);
        assert_eq!(sent[0][OUTER_LEN..], inner);
        assert_eq!(sent[0], outer_frame(&sent[0], &inner, |_| {}));
        assert!(rig.moved().contains("r0.sent 1"));
    }
    // Without a buffer for the replica there is a drop.
    let mut rig = Rig::new();
    let mut packet = rig.packet(&frame);
    packet.prepend(100).unwrap();
    let held: Vec<_> = (0..63).map(|_| rig.packet(&frame)).collect();
    rig.act_packet(A, &list(), packet);
    std::mem::drop(held);
    assert_eq!(rig.moved(), "0.received 1, 0.dropped.no_buffer 1");
}

#[test]
fn no_next_hop_is_a_drop_and_a_question() {
    let mut rig = Rig::new();
    rig.snapshot
        .remote(remote(0))
        .unwrap()
        .next_hops
        .store(0, None);
    for _ in 0..2 {
        rig.act(A, &list(), &inner(1, 2, 0));
    }
    assert_eq!(
        rig.moved(),
        "0.received 2, 0.dropped.neighbour_unresolved 2"
    );
    let asked: Vec<_> = rig.events.drain(9).collect();
    assert_eq!(
        asked,
        [crate::event::Event::Unresolved { remote: remote(0) }]
    );
    rig.snapshot.remotes[0] = None;
    rig.act(A, &list(), &inner(1, 2, 0));
    edit_port(&mut rig.snapshot, UPLINK, |port| port.up = false);
    let other = Action::Output(Target::Remote(remote(1)));
    rig.act(A, &[other], &inner(1, 2, 0));
    assert_eq!(rig.moved(), "0.received 2, 0.dropped.port_down 2");
}

/// A rig whose remote 0 gets outer checksums, which the NIC of the uplink makes or not.
fn summing(nic: bool) -> Rig {
    let mut snapshot = switch();
    edit_remote(&mut snapshot, 0, |settings| settings.udp_checksum = true);
    edit_port(&mut snapshot, UPLINK, |port| port.tx.udp = nic);
    Rig::with(snapshot)
}

/// The frame as it should be, with its outer checksum.
fn summed(made: &[u8], inner: &[u8]) -> Vec<u8> {
    let mut frame = outer_frame(made, inner, |_| {});
    let mut udp = Udp::new(&mut frame[34..]).unwrap();
    udp.fill_checksum_v4(vtep(2).1, vtep(1).1);
    frame
}

/// What leaves for remote 0 with an outer checksum.
fn with_checksum(nic: bool, inner: &[u8]) -> Vec<u8> {
    let mut rig = summing(nic);
    rig.act(A, &list(), inner);
    let made = rig.sent(UPLINK).pop().unwrap();
    assert_eq!(rig.finished(UPLINK), usize::from(nic));
    made
}

#[test]
fn an_outer_checksum_is_right_whoever_makes_it() {
    for nic in [false, true] {
        for len in [0, 1, 17, 18, 1000, 1472] {
            let inner = inner(1, 2, len);
            let made = with_checksum(nic, &inner);
            assert_eq!(made, summed(&made, &inner), "{len}, {nic}");
            assert_ne!(made[40..42], [0, 0]);
        }
    }
}

#[test]
fn an_outer_checksum_of_zero_is_sent_in_its_other_form() {
    let mut inner = inner(1, 2, 18);
    let made = with_checksum(false, &inner);
    let checksum = u16::from_be_bytes([made[40], made[41]]);
    // Payload that grows by the checksum makes it zero; the word was 0x0001.
    inner[42..44].copy_from_slice(&(checksum + 1).to_be_bytes());
    for nic in [false, true] {
        assert_eq!(with_checksum(nic, &inner)[40..42], [0xff, 0xff], "{nic}");
    }
}

#[test]
fn replicas_that_share_their_payload_have_outer_checksums_of_their_own() {
    let inner = inner(1, 2, 1000);
    for nic in [false, true] {
        let mut rig = summing(nic);
        let remotes = [0, 1, 0].map(|n| Action::Output(Target::Remote(remote(n))));
        rig.act(A, &remotes, &inner);
        let sent = rig.sent(UPLINK);
        for made in [&sent[0], &sent[2]] {
            assert_eq!(*made, summed(made, &inner), "{nic}");
        }
        assert_eq!(sent[1][40..42], [0, 0], "remote 1 gets none");
        assert_eq!(rig.finished(UPLINK), if nic { 2 } else { 0 });
    }
}
