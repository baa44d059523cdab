//! Replication: who gets a copy, in which order, and what is counted.

use super::*;
use crate::snapshot::{Member, Way};
use crate::testing::{BOTH, tunnel};
use std::sync::Arc;

fn from_port(number: usize) -> From {
    From::Port(port(number))
}

fn set_members(rig: &mut Rig, members: Vec<Member>) {
    Arc::make_mut(&mut rig.snapshot.bridges[0]).flood = members;
}

#[test]
fn everybody_but_where_it_came_from() {
    let frame = inner(1, 2, 10);
    let mut rig = Rig::new();
    rig.act(A, &flood(0, from_port(A)), &frame);
    assert_eq!(rig.sent(B), std::slice::from_ref(&frame));
    let outer = rig.sent(UPLINK);
    // The replicas in the order of the list.
    let to: Vec<u8> = outer.iter().map(|frame| frame[33]).collect();
    assert_eq!(to, [1, 9]);
    assert!(outer.iter().all(|outer| outer[50..] == frame));
    let expected = "0.received 1, 0.forwarded 1, 0.copied 2, 1.enqueued 1, 1.sent 1, \
        2.enqueued 2, 2.sent 2, r0.sent 1, r1.sent 1";
    assert_eq!(rig.moved(), expected);

    rig.act(UPLINK, &flood(0, From::Tunnel(tunnel(0))), &frame);
    let expected = "0.enqueued 1, 0.sent 1, 1.enqueued 1, 1.sent 1, \
        2.received 1, 2.forwarded 1, 2.copied 1";
    assert_eq!(rig.moved(), expected);

    // Another tunnel of the same bridge is no horizon, nor is a port that is not in the list.
    rig.act(UPLINK, &flood(0, From::Tunnel(tunnel(1))), &frame);
    assert_eq!(
        (rig.sent(A).len(), rig.sent(B).len(), rig.sent(UPLINK).len()),
        (1, 1, 2)
    );
}

#[test]
fn the_order_is_that_of_the_list() {
    let mut rig = Rig::new();
    let [r0, r1] = [0, 1].map(|n| Member::Remote(tunnel(0), remote(n)));
    set_members(&mut rig, vec![r1, r0, r1, Member::Port(port(B)), r0]);
    rig.act(A, &flood(0, from_port(A)), &inner(1, 2, 10));
    let to: Vec<u8> = rig.sent(UPLINK).iter().map(|frame| frame[33]).collect();
    assert_eq!(to, [9, 1, 9, 1]);
}

/// Copies that share a payload, each under an outer header of its own.
#[test]
fn copies_share_a_payload_without_harm() {
    for may_chain in [true, false] {
        let mut rig = Rig::new();
        edit_port(&mut rig.snapshot, UPLINK, |port| port.may_chain = may_chain);
        edit_port(&mut rig.snapshot, B, |port| port.may_chain = may_chain);
        let frame = inner(1, 2, 1000);
        rig.act(A, &flood(0, from_port(A)), &frame);
        assert_eq!(rig.sent(B), std::slice::from_ref(&frame));
        let mut sent = rig.sent_packets(UPLINK);
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].head().len() < sent[0].len(), may_chain);
        // The last one is the packet itself, with a front of its own if others share its bytes.
        assert_eq!(sent[1].head().len() < sent[1].len(), may_chain);
        let before = sent[1].bytes();
        assert_eq!(before[50..], frame);
        sent[0].head_mut().fill(0xff);
        assert!(sent[0].trim_front(60) && sent[0].prepend(70).is_some());
        assert!(sent[0].truncate(500));
        assert_eq!(sent[1].bytes(), before);
    }
}

#[test]
fn members_that_cannot_take_it_are_counted_by_name() {
    let mut rig = Rig::new();
    edit_port(&mut rig.snapshot, B, |port| port.up = false);
    edit_port(&mut rig.snapshot, UPLINK, |port| port.mtu = 100);
    rig.snapshot
        .remote(remote(0))
        .unwrap()
        .next_hops
        .store(0, None);
    rig.act(A, &flood(0, from_port(A)), &inner(1, 2, 100));
    // All three fail: the first names the verdict, the others are copies.
    let expected = "0.received 1, 0.dropped.port_down 1, 0.copied 2, \
        0.copies_dropped.neighbour_unresolved 1, 0.copies_dropped.mtu_exceeded 1";
    assert_eq!(rig.moved(), expected);
    edit_port(&mut rig.snapshot, UPLINK, |port| port.mtu = 1600);
    rig.act(A, &flood(0, from_port(A)), &inner(1, 2, 100));
    let expected = "0.received 1, 0.forwarded 1, 0.copied 2, 0.copies_dropped.port_down 1, \
        0.copies_dropped.neighbour_unresolved 1, 2.enqueued 1, 2.sent 1, r1.sent 1";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn the_last_member_that_can_gets_the_packet_itself() {
    let mut rig = Rig::new();
    let [a, b, down] = [A, B, DOWN].map(|n| Member::Port(port(n)));
    set_members(&mut rig, vec![b, down, a]);
    let frame = inner(1, 2, 1000);
    // No buffer is left for a copy, and none is needed.
    let held: Vec<_> = (0..63).map(|_| rig.packet(&frame)).collect();
    rig.act(A, &flood(0, from_port(A)), &frame);
    assert_eq!(rig.sent(B), [frame]);
    std::mem::drop(held);
    let expected = "0.received 1, 0.forwarded 1, 0.copied 1, 0.copies_dropped.port_down 1, \
        1.enqueued 1, 1.sent 1";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn an_empty_pool_costs_the_copies_and_not_the_packet() {
    let mut rig = Rig::new();
    let frame = inner(1, 2, 1000);
    let held: Vec<_> = (0..63).map(|_| rig.packet(&frame)).collect();
    rig.act(A, &flood(0, from_port(A)), &frame);
    std::mem::drop(held);
    let expected = "0.received 1, 0.forwarded 1, 0.copied 2, 0.copies_dropped.no_buffer 2, \
        2.enqueued 1, 2.sent 1, r1.sent 1";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn nobody_is_a_drop() {
    let mut rig = Rig::new();
    set_members(&mut rig, vec![Member::Port(port(A))]);
    let frame = inner(1, 2, 10);
    rig.act(A, &flood(0, from_port(A)), &frame);
    set_members(&mut rig, vec![Member::Remote(tunnel(0), remote(0))]);
    rig.act(UPLINK, &flood(0, From::Tunnel(tunnel(0))), &frame);
    set_members(&mut rig, vec![]);
    rig.act(A, &flood(0, from_port(A)), &frame);
    rig.act(BOTH, &flood(9, from_port(BOTH)), &frame);
    let expected = "0.received 2, 0.dropped.no_destination 2, 2.received 1, \
        2.dropped.no_destination 1, 3.received 1, 3.dropped.no_destination 1";
    assert_eq!(rig.moved(), expected);

    // Nor is a copy lost without a name.
    let [flood] = flood(0, from_port(A));
    rig.act(A, &[flood, out(B)], &frame);
    let expected = "0.received 1, 0.forwarded 1, 0.copied 1, 0.copies_dropped.no_destination 1, \
        1.enqueued 1, 1.sent 1";
    assert_eq!(rig.moved(), expected);
}

/// What bridges counted since the last look.
fn bridged(rig: &mut Rig) -> String {
    let all = crate::testing::carried(&rig.stats);
    rig.moved();
    let at = all.find("b0.").or(all.find("b1."));
    all[at.unwrap_or(all.len())..].to_owned()
}

#[test]
fn a_bridge_counts_what_it_floods_and_what_becomes_of_it() {
    let mut rig = Rig::new();
    let mut frame = inner(1, 2, 10);
    for (first, kind) in [(0xff, "broadcast"), (0x01, "multicast"), (0x02, "unknown")] {
        frame[..6].fill(first);
        rig.act(A, &flood(0, from_port(A)), &frame);
        let expected = format!("b0.received 1, b0.copied 2, b0.{kind} 1");
        assert_eq!(bridged(&mut rig), expected);
    }
    // A port that is down, and a remote that is not known yet.
    let record = rig.snapshot.remote(remote(2)).unwrap();
    record.next_hops.store(0, None);
    record.next_hops.set_way(Way {
        paths: 1,
        hold: true,
        ..Way::default()
    });
    rig.act(LONE, &flood(1, from_port(LONE)), &frame);
    let expected = "b1.received 1, b1.copied 2, b1.dropped 1, b1.waited 1, b1.unknown 1";
    let all = crate::testing::carried(&rig.stats);
    assert!(all.ends_with(expected), "{all}");
}
