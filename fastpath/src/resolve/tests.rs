//! Each decision of each stage, by an example.

mod host;
mod source;

use super::*;
use crate::action::{From, Target};
use crate::fdb::{Destination, FdbEntry, FdbWriter};
use crate::ids::TunnelId;
use crate::parse::parse;
use crate::testing::{
    A, B, BOTH, LONE, UPLINK, bridge, edit_port, guest, inner, learned, outer, pinned, port,
    remote, switch, tunnel, tunnelled, vtep,
};
use crate::wire::craft::{self, Pair};
use crate::wire::vlan::Tag;
use crate::wire::{EtherType, Mac, Protocol, icmp};
use std::sync::Arc;

/// The small switch and its forwarding table.
struct Bench {
    snapshot: Snapshot,
    fdb: FdbWriter,
    reader: FdbReader,
}

impl Bench {
    fn new() -> Self {
        let (fdb, reader) = crate::fdb::Fdb::new(64);
        Bench {
            snapshot: switch(),
            fdb,
            reader,
        }
    }

    fn with(mut self, (key, value): (FdbKey, FdbValue)) -> Self {
        self.fdb.insert(key, value).unwrap();
        self
    }

    fn decide(&self, ingress: usize, frame: &[u8]) -> Decision {
        let udp_ports = &self.snapshot.udp_ports;
        let parsed = parse(port(ingress), frame, frame.len(), udp_ports);
        resolve(&parsed.key, &self.snapshot, &self.reader).decision
    }

    fn actions(&self, ingress: usize, frame: &[u8]) -> Vec<Action> {
        self.decide(ingress, frame).program.actions().collect()
    }
}

const fn flood(bridge: crate::ids::BridgeId, from: From) -> Action {
    Action::Flood { bridge, from }
}

fn from_tunnel(number: usize) -> From {
    From::Tunnel(tunnel(number))
}

fn from_port(number: usize) -> From {
    From::Port(port(number))
}

fn to_port(number: usize) -> Destination {
    Destination::Port(port(number))
}

fn to_remote(number: usize) -> Destination {
    Destination::Remote(remote(number))
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
    let bridged = [Action::Learn, flood(bridge(1), from_port(BOTH))];
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
    let decap = |reason| vec![Action::Decap(Some(remote(0))), Action::Drop(reason)];
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
        (
            "group source",
            patched(&good, 56, &[3]),
            decap(DropReason::InnerSource),
        ),
        (
            "zero source",
            patched(&good, 56, &[0; 6]),
            decap(DropReason::InnerSource),
        ),
        (
            "link-local",
            patched(&good, 50, &[1, 0x80, 0xc2, 0, 0, 2]),
            decap(DropReason::LinkLocal),
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
        let expected = taken.map_or(Action::Drop(DropReason::VxlanReserved), Action::Decap);
        assert_eq!(first, expected, "{host} on {vni}");
    }
}

#[test]
fn a_tunnel_into_no_bridge() {
    let mut bench = Bench::new();
    Arc::make_mut(&mut bench.snapshot.tunnels[0]).bridge = bridge(9);
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let expected = [
        Action::Decap(Some(remote(0))),
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

/// What is done last with a frame to guest 2, if the table of bridge 0 says that it is at `to`.
fn last(ingress: usize, frame: &[u8], head: &[Action], to: Option<Destination>) -> Action {
    let mut bench = Bench::new();
    if let Some(to) = to {
        bench = bench.with(learned(0, guest(2).0, to));
    }
    let mut actions = bench.actions(ingress, frame);
    let last = actions.pop().unwrap();
    assert_eq!(actions, head);
    last
}

#[test]
fn where_a_guest_s_frame_goes() {
    let to_b = Action::Output(Target::Port(port(B)));
    let to_remote_of = |number| Action::Output(Target::Remote(remote(number)));
    for (to, expected) in [
        (Some(to_port(B)), to_b),
        (Some(to_port(A)), Action::Drop(DropReason::SamePort)),
        (Some(to_remote(1)), to_remote_of(1)),
        (Some(to_remote(9)), to_remote_of(9)),
        (None, flood(bridge(0), from_port(A))),
    ] {
        assert_eq!(last(A, &inner(1, 2, 10), &[Action::Learn], to), expected);
    }
}

#[test]
fn where_a_tunnel_s_frame_goes() {
    let head = |number| [Action::Decap(Some(remote(number))), Action::Learn];
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let across = Action::Output(Target::Remote(remote(2)));
    for (to, expected) in [
        (Some(to_port(B)), Action::Output(Target::Port(port(B)))),
        (Some(to_remote(1)), Action::Drop(DropReason::SplitHorizon)),
        (Some(to_remote(2)), across),
        (None, flood(bridge(0), from_tunnel(0))),
    ] {
        assert_eq!(last(UPLINK, &frame, &head(0), to), expected);
    }
    let other = tunnelled(1, 20, &inner(1, 2, 10));
    let found = last(UPLINK, &other, &head(2), Some(to_port(B)));
    assert_eq!(found, flood(bridge(1), from_tunnel(1)), "of another bridge");
}

#[test]
fn groups_are_flooded_unless_configured() {
    let bench = Bench::new();
    let group = Mac::new([0x33, 0x33, 0, 0, 0, 1]);
    let flooded = [Action::Learn, flood(bridge(0), from_port(A))];
    for dst in [Mac::BROADCAST, group, Mac::new([1, 0x80, 0xc2, 0, 0, 0])] {
        let frame = Pair {
            dst,
            ..Pair::new(guest(1), guest(2))
        }
        .udp(1, 2, &[]);
        assert_eq!(bench.actions(A, &frame), flooded, "{dst}");
    }
    for last in 1..=15 {
        let frame = patched(&inner(1, 2, 0), 0, &[1, 0x80, 0xc2, 0, 0, last]);
        let expected = [Action::Drop(DropReason::LinkLocal)];
        assert_eq!(bench.actions(A, &frame), expected, "{last}");
    }
    let bench = bench.with(pinned(0, group, to_port(B)));
    let frame = Pair {
        dst: group,
        ..Pair::new(guest(1), guest(2))
    }
    .udp(1, 2, &[]);
    let expected = [Action::Learn, Action::Output(Target::Port(port(B)))];
    assert_eq!(bench.actions(A, &frame), expected);
}

#[test]
fn a_bridge_refuses_sources_and_ports() {
    let mut bench = Bench::new();
    let frame = inner(1, 2, 0);
    for (at, frame, reason) in [
        (A, patched(&frame, 6, &[3]), DropReason::SourceInvalid),
        (A, patched(&frame, 6, &[0; 6]), DropReason::SourceInvalid),
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

#[test]
fn a_bridge_does_not_read_what_it_carries() {
    let bench = Bench::new();
    let flooded = [Action::Learn, flood(bridge(0), from_port(A))];
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
        assert_eq!(bench.actions(A, &frame), flooded);
    }
}
