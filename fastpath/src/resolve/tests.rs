//! Each decision of each stage, by an example.

mod host;

use super::*;
use crate::action::Target;
use crate::ids::TunnelId;
use crate::parse::parse;
use crate::testing::{
    A, B, BOTH, LONE, UPLINK, bridge, decap_of, edit_port, guest, inner, outer, port, port_inlet,
    remote, switch, tunnel, tunnel_inlet, tunnelled, vtep,
};
use crate::wire::craft::{self, Pair};
use crate::wire::vlan::Tag;
use crate::wire::{EtherType, Mac, Protocol, icmp};
use std::sync::Arc;

/// The small switch.
struct Bench {
    snapshot: Snapshot,
}

impl Bench {
    fn new() -> Self {
        Bench { snapshot: switch() }
    }

    fn decide(&self, ingress: usize, frame: &[u8]) -> Resolution {
        let udp_ports = &self.snapshot.udp_ports;
        let parsed = parse(port(ingress), frame, frame.len(), udp_ports);
        resolve(&parsed.key, &self.snapshot)
    }

    fn actions(&self, ingress: usize, frame: &[u8]) -> Vec<Action> {
        self.decide(ingress, frame).program.actions().collect()
    }
}

/// A frame from a port enters a bridge.
fn bridged(number: usize, bridge_number: usize) -> Action {
    Action::Bridge(port_inlet(number, bridge_number))
}

/// Some bytes of a frame replaced.
fn patched(frame: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

/// What is neither for a tunnel nor for the switch: dropped by name on a port of its own, bridged
/// on one that is in a bridge.
fn assert_not_for_us(frame: impl Fn(Pair) -> Vec<u8>, reason: Action) {
    let bench = Bench::new();
    let uplink = Pair::new(vtep(1), vtep(2));
    assert_eq!(bench.actions(UPLINK, &frame(uplink)), [reason]);
    let both = Pair::new(
        (vtep(1).0, [198, 51, 100, 1].into()),
        (vtep(3).0, [198, 51, 100, 2].into()),
    );
    let bridged = [bridged(BOTH, 1)];
    assert_eq!(bench.actions(BOTH, &frame(both)), bridged, "{reason:?}");
}

#[test]
fn what_is_not_for_us() {
    let tag = Tag::from_bits(1);
    let drop = Action::Drop;
    assert_not_for_us(
        |pair| craft::tagged(&pair.udp(1, 4789, &[]), EtherType::VLAN, tag),
        drop(DropReason::NotForUs),
    );
    assert_not_for_us(
        |pair| {
            Pair {
                dst: vtep(77).0,
                ..pair
            }
            .udp(1, 4789, &[])
        },
        drop(DropReason::OtherHost),
    );
    assert_not_for_us(
        |pair| pair.ipv6(Protocol::UDP, &[]),
        drop(DropReason::NotForUs),
    );
    assert_not_for_us(
        |pair| patched(&pair.arp_request(), 14, &[9]),
        drop(DropReason::NotForUs),
    );
    assert_not_for_us(
        |pair| patched(&pair.arp_request(), 38, &[10, 0, 0, 1]),
        drop(DropReason::NotForUs),
    );
    assert_not_for_us(
        |pair| patched(&pair.udp(1, 4789, &[]), 30, &[10, 0, 0, 1]),
        drop(DropReason::NotForUs),
    );
    assert_not_for_us(
        |pair| {
            Pair {
                dst: Mac::BROADCAST,
                ..pair
            }
            .udp(1, 4789, &[])
        },
        drop(DropReason::NotForUs),
    );
    assert_not_for_us(
        |pair| pair.udp(1, 4789, &[])[..33].to_vec(),
        Action::DropFault(DropReason::IpTruncated),
    );
}

#[test]
fn what_is_for_the_switch_itself() {
    let bench = Bench::new();
    let echo = icmp::Repr {
        echo: icmp::Echo::Request,
        ident: 1,
        sequence: 1,
    };
    let pair = outer(1);
    let announcement = Pair::new(vtep(1), (Mac::ZERO, vtep(1).1)).arp_request();
    for (what, frame) in [
        ("a request", pair.arp_request()),
        ("an answer", pair.arp_reply()),
        ("an announcement", announcement),
        ("an echo request", pair.echo(echo, &[])),
    ] {
        assert_eq!(bench.actions(UPLINK, &frame), [Action::Punt], "{what}");
    }
}

#[test]
fn what_no_service_takes() {
    let bench = Bench::new();
    let pair = outer(1);
    let udp = pair.udp(1, 53, &[]);
    let fragment = patched(&udp, 20, &[0x20, 0]);
    for (frame, expected) in [
        (udp.clone(), Action::Drop(DropReason::NoService)),
        (
            pair.tcp(1, 4789, &[]),
            Action::DropFault(DropReason::NoService),
        ),
        (udp[..40].to_vec(), Action::DropFault(DropReason::NoService)),
        (fragment, Action::Drop(DropReason::OuterFragment)),
        (udp[..13].to_vec(), Action::Drop(DropReason::FrameRunt)),
    ] {
        assert_eq!(bench.actions(UPLINK, &frame), [expected]);
    }
}

#[test]
fn what_a_tunnel_refuses() {
    let bench = Bench::new();
    let good = tunnelled(1, 10, &inner(1, 2, 10));
    let from = |address: [u8; 4]| patched(&good, 26, &address);
    let drop = |reason| vec![Action::Drop(reason)];
    let fault = |reason| vec![Action::DropFault(reason)];
    for (what, frame, expected) in [
        (
            "no header",
            patched(&good, 38, &[0, 15]),
            fault(DropReason::VxlanTruncated),
        ),
        (
            "no I flag",
            patched(&good, 42, &[0]),
            drop(DropReason::VxlanNoVni),
        ),
        (
            "VNI",
            patched(&good, 48, &[11]),
            drop(DropReason::VniUnknown),
        ),
        ("source 0", from([0; 4]), drop(DropReason::OuterSource)),
        (
            "loopback",
            from([127, 0, 0, 1]),
            drop(DropReason::OuterSource),
        ),
        (
            "multicast",
            from([224, 0, 0, 1]),
            drop(DropReason::OuterSource),
        ),
        ("broadcast", from([255; 4]), drop(DropReason::OuterSource)),
        (
            "our own",
            from([192, 0, 2, 2]),
            drop(DropReason::OuterSource),
        ),
        (
            "stranger",
            from([192, 0, 2, 3]),
            drop(DropReason::RemoteUnknown),
        ),
        (
            "reserved",
            patched(&good, 43, &[1]),
            drop(DropReason::VxlanReserved),
        ),
        (
            "runt",
            patched(&good, 38, &[0, 29]),
            fault(DropReason::InnerRunt),
        ),
    ] {
        assert_eq!(bench.actions(UPLINK, &frame), expected, "{what}");
    }
}

#[test]
fn who_may_send_reserved_bits() {
    let bench = Bench::new();
    for (host, vni, taken) in [
        (1, 10, None),
        (9, 10, Some(Some(remote(1)))),
        (1, 20, None),
        (7, 20, Some(None)),
    ] {
        let frame = patched(&tunnelled(host, vni, &inner(1, 2, 10)), 49, &[0x80]);
        let first = bench.actions(UPLINK, &frame)[0];
        let expected = taken.map_or(Action::Drop(DropReason::VxlanReserved), decap_of);
        assert_eq!(first, expected, "{host} on {vni}");
    }
}

#[test]
fn a_tunnel_into_no_bridge() {
    let mut bench = Bench::new();
    Arc::make_mut(&mut bench.snapshot.tunnels[0]).bridge = bridge(9);
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let expected = [
        decap_of(Some(remote(0))),
        Action::Drop(DropReason::NoBridge),
    ];
    assert_eq!(bench.actions(UPLINK, &frame), expected);
    bench
        .snapshot
        .end_points
        .values_mut()
        .for_each(|id| *id = TunnelId::new(9).unwrap());
    assert_eq!(
        bench.actions(UPLINK, &frame),
        [Action::Drop(DropReason::VniUnknown)]
    );
}

#[test]
fn a_frame_enters_the_bridge_of_its_port_or_tunnel() {
    let bench = Bench::new();
    let guests = inner(1, 2, 10);
    assert_eq!(bench.actions(A, &guests), [bridged(A, 0)]);
    assert_eq!(bench.actions(B, &guests), [bridged(B, 0)]);
    for (host, vni, known) in [
        (1, 10, Some(0)),
        (9, 10, Some(1)),
        (1, 20, Some(2)),
        (7, 20, None),
    ] {
        let number = usize::from(vni / 10 - 1);
        let stranger = Origin::Unknown {
            tunnel: tunnel(number),
            address: vtep(host).1,
        };
        let known = known.map(remote);
        let inlet = tunnel_inlet(number, known.map_or(stranger, Origin::Remote));
        let expected = [decap_of(known), Action::Bridge(inlet)];
        let frame = tunnelled(host, vni, &guests);
        assert_eq!(bench.actions(UPLINK, &frame), expected, "{host} on {vni}");
    }
}

#[test]
fn a_bridge_learns_if_both_it_and_the_tunnel_do() {
    for (bridge_learns, tunnel_learns) in [(false, true), (true, false), (false, false)] {
        let mut bench = Bench::new();
        Arc::make_mut(&mut bench.snapshot.bridges[0]).learning = bridge_learns;
        Arc::make_mut(&mut bench.snapshot.tunnels[0]).learning = tunnel_learns;
        let inlet = Inlet {
            learning: false,
            ..tunnel_inlet(0, Origin::Remote(remote(0)))
        };
        let expected = [decap_of(Some(remote(0))), Action::Bridge(inlet)];
        let frame = tunnelled(1, 10, &inner(1, 2, 0));
        assert_eq!(bench.actions(UPLINK, &frame), expected);
        let inlet = Inlet {
            learning: bridge_learns,
            ..port_inlet(A, 0)
        };
        assert_eq!(bench.actions(A, &inner(1, 2, 0)), [Action::Bridge(inlet)]);
    }
}

#[test]
fn a_port_without_bridge_and_a_frame_without_header_are_dropped() {
    let mut bench = Bench::new();
    let frame = inner(1, 2, 0);
    for (at, frame, reason) in [
        (A, frame[..13].to_vec(), DropReason::FrameRunt),
        (A, frame[..6].to_vec(), DropReason::FrameRunt),
        (LONE, frame.clone(), DropReason::NoBridge),
        (99, frame.clone(), DropReason::PortDown),
    ] {
        assert_eq!(bench.actions(at, &frame), [Action::Drop(reason)]);
    }
    edit_port(&mut bench.snapshot, A, |port| port.bridge = Some(bridge(9)));
    assert_eq!(
        bench.actions(A, &frame),
        [Action::Drop(DropReason::NoBridge)]
    );
}

/// Nor the stations: those are looked up for each frame.
#[test]
fn a_bridge_s_decision_rests_on_where_the_frame_entered_alone() {
    let bench = Bench::new();
    let alone = Mask::of(&[Field::INGRESS, Field::HAS_ETHERNET]);
    let pair = Pair::new(guest(1), vtep(2));
    for frame in [
        patched(
            &pair.vxlan(1, crate::wire::Vni::from_bytes([0, 0, 10]), &[]),
            14,
            &[0x41],
        ),
        pair.arp_request(),
        craft::tagged(&pair.udp(1, 2, &[]), EtherType::VLAN, Tag::from_bits(5)),
        pair.udp(1, 2, &[])[..14].to_vec(),
    ] {
        assert_eq!(bench.actions(A, &frame), [bridged(A, 0)]);
        assert_eq!(bench.decide(A, &frame).mask, alone);
    }
    let frame = tunnelled(1, 10, &inner(1, 2, 0));
    let mask = FlowKey(bench.decide(UPLINK, &frame).mask.0);
    for field in [Field::SRC_MAC, Field::INNER_SRC_MAC, Field::INNER_DST_MAC] {
        assert_eq!(mask.get(field), 0, "{field:?}");
    }
}
