//! What a program means.

mod bridge;
mod decap;
mod ecn;
mod encap;
mod flood;
mod road;

use super::*;
use crate::fdb::Destination;
use crate::io::Packet;
use crate::testing::{
    A, B, DOWN, LONE, Rig, UPLINK, decap_of, edit_port, inner, port, remote, tunnelled, vtep,
};

fn program(actions: &[Action]) -> Program {
    Program::compile(&actions.iter().copied().collect::<Actions>())
}

fn out(number: usize) -> Action {
    Action::Output(Target::Port(port(number)))
}

/// Floods, since nobody is known: in a bridge, but not to `from`.
fn flood(number: usize, from: From) -> [Action; 1] {
    [Action::Bridge(Inlet {
        bridge: crate::testing::bridge(number),
        from,
        origin: Origin::Port(port(A)),
        learning: false,
    })]
}

const fn drop(reason: DropReason) -> Action {
    Action::Drop(reason)
}

#[test]
fn a_program_ends_where_the_packet_does() {
    let end = drop(DropReason::NoDestination);
    let decap = decap_of(None);
    let [flood] = flood(0, From::Port(port(A)));
    for (list, expected) in [
        (vec![], vec![end]),
        (vec![decap], vec![decap, end]),
        (vec![decap, out(A)], vec![decap, out(A)]),
        (vec![out(A), out(B)], vec![out(A), out(B)]),
        (vec![out(A), decap], vec![out(A)]),
        (vec![flood, decap], vec![flood]),
        (vec![flood, Action::Punt], vec![flood, Action::Punt]),
        (vec![Action::Punt, out(A)], vec![Action::Punt]),
        (vec![end, out(A)], vec![end]),
        (
            vec![out(A), Action::Punt, out(B)],
            vec![out(A), Action::Punt],
        ),
        (vec![decap; 4], vec![decap; 4]),
    ] {
        let compiled: Vec<Action> = program(&list).actions().collect();
        assert_eq!(compiled, expected, "{list:?}");
    }
}

#[test]
fn an_output_takes_the_packet_as_it_stands() {
    let mut rig = Rig::new();
    let frame = tunnelled(1, 10, &inner(1, 2, 10));
    let list = [out(A), decap_of(Some(remote(0))), out(B)];
    assert_eq!(rig.act(UPLINK, &list, &frame), Verdict::Forwarded);
    assert_eq!(rig.sent(A), std::slice::from_ref(&frame));
    assert_eq!(rig.sent(B), [inner(1, 2, 10)]);
    let expected = "0.enqueued 1, 0.sent 1, 1.enqueued 1, 1.sent 1, \
        2.received 1, 2.forwarded 1, 2.copied 1, r0.received 1";
    assert_eq!(rig.moved(), expected);
}

/// The edit writes where a copy that shared bytes would still read: the inner header, far enough
/// from the front, of a packet too long to be copied.
#[test]
fn a_later_edit_does_not_reach_an_earlier_copy() {
    let mut rig = Rig::new();
    let mut frame = tunnelled(1, 10, &inner(1, 2, 1000));
    // Outer CE on an inner ECT(0), so that decap writes; checksums of both right again.
    let mut guest_frame = inner(1, 2, 1000);
    ecn::set_tos(&mut guest_frame, 2);
    frame[50..].copy_from_slice(&guest_frame);
    ecn::set_tos(&mut frame, 3);
    let list = [out(A), decap_of(None), out(B)];
    assert_eq!(rig.act(UPLINK, &list, &frame), Verdict::Forwarded);
    assert_eq!(rig.sent(A), [frame]);
    ecn::set_tos(&mut guest_frame, 3);
    assert_eq!(rig.sent(B), [guest_frame]);
}

#[test]
fn drops_and_punts_end() {
    let frame = inner(1, 2, 10);
    let mut rig = Rig::new();
    let reason = DropReason::LinkLocal;
    let list = [drop(reason), out(B)];
    assert_eq!(rig.act(A, &list, &frame), Verdict::Dropped(reason));
    assert_eq!(rig.moved(), "0.received 1, 0.dropped.link_local 1");
    let list = [out(B), drop(reason)];
    assert_eq!(rig.act(A, &list, &frame), Verdict::Forwarded);
    let expected = "0.received 1, 0.forwarded 1, 0.copied 1, 0.copies_dropped.link_local 1, \
        1.enqueued 1, 1.sent 1";
    assert_eq!(rig.moved(), expected);
    let list = [out(B), Action::Punt, out(B)];
    assert_eq!(rig.act(A, &list, &frame), Verdict::Consumed);
    let punt = rig.punts.pop().unwrap();
    assert_eq!(
        (punt.ingress, punt.packet.bytes()),
        (port(A), frame.clone())
    );
    std::mem::drop(punt);
    let expected = "0.received 1, 0.consumed 1, 0.copied 1, 1.enqueued 1, 1.sent 1";
    assert_eq!(rig.moved(), expected);
    assert_eq!(
        rig.act(A, &[], &frame),
        Verdict::Dropped(DropReason::NoDestination)
    );
    assert_eq!(rig.moved(), "0.received 1, 0.dropped.no_destination 1");
}

#[test]
fn a_fault_names_the_drop_if_there_is_one() {
    let mut rig = Rig::new();
    let list = [Action::DropFault(DropReason::NoService)];
    rig.act(UPLINK, &list, &inner(1, 2, 10)[..30]);
    rig.act(UPLINK, &list, &inner(1, 2, 10));
    let expected = "2.received 2, 2.dropped.no_service 1, 2.dropped.ip_truncated 1";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn a_full_ring_to_control_drops() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.act(A, &[Action::Punt], &inner(1, 2, 10));
    }
    // Half of two places, since this is no ARP.
    let expected = "0.received 3, 0.consumed 1, 0.dropped.punt_full 2";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn a_port_takes_what_fits() {
    for (mtu, len, fits) in [
        (1500, 1518, true),
        (1500, 1519, false),
        (68, 86, true),
        (68, 87, false),
    ] {
        let mut rig = Rig::new();
        edit_port(&mut rig.snapshot, B, |port| port.mtu = mtu);
        let verdict = rig.act(A, &[out(B)], &vec![0; len]);
        let expected = if fits {
            Verdict::Forwarded
        } else {
            Verdict::Dropped(DropReason::MtuExceeded)
        };
        assert_eq!(verdict, expected, "{len} of {mtu}");
    }
}

#[test]
fn a_port_that_is_down_or_gone_drops() {
    let mut rig = Rig::new();
    for number in [DOWN, 99] {
        let verdict = rig.act(A, &[out(number)], &inner(1, 2, 10));
        assert_eq!(verdict, Verdict::Dropped(DropReason::PortDown));
    }
    assert_eq!(rig.moved(), "0.received 2, 0.dropped.port_down 2");
}

#[test]
fn a_copy_for_which_there_is_no_buffer_is_dropped() {
    let mut rig = Rig::new();
    let frame = inner(1, 2, 10);
    let held: Vec<_> = (0..63).map(|_| rig.packet(&frame)).collect();
    rig.act(A, &[out(B), out(LONE)], &frame);
    let [flood] = flood(0, From::Port(port(A)));
    std::mem::drop(rig.sent(LONE));
    rig.act(A, &[flood, out(LONE)], &frame);
    std::mem::drop(held);
    let expected = "0.received 2, 0.forwarded 2, 0.copied 2, 0.copies_dropped.no_buffer 2, \
        4.enqueued 2, 4.sent 2";
    assert_eq!(rig.moved(), expected);
}

/// A chained packet, as a flooded copy or a scattering NIC makes them.
fn chained(rig: &Rig, bytes: &[u8]) -> crate::io::heap::HeapPacket {
    use crate::io::Pool;
    let packet = rig.pool.replicate(&rig.packet(bytes), true).unwrap();
    assert!(packet.head().len() < packet.len());
    packet
}

#[test]
fn a_port_gets_no_more_segments_than_it_takes() {
    for may_chain in [true, false] {
        let mut rig = Rig::new();
        edit_port(&mut rig.snapshot, B, |port| port.may_chain = may_chain);
        edit_port(&mut rig.snapshot, UPLINK, |port| port.may_chain = may_chain);
        let frame = inner(1, 2, 1000);
        let packet = chained(&rig, &frame);
        rig.act_packet(A, &[out(B)], packet);
        let packet = chained(&rig, &frame);
        let to_remote = Action::Output(Target::Remote(remote(0)));
        rig.act_packet(A, &[to_remote], packet);
        for number in [B, UPLINK] {
            let sent = rig.sent_packets(number).pop().unwrap();
            assert!(sent.bytes().ends_with(&frame));
            assert_eq!(sent.head().len() < sent.len(), may_chain);
        }
    }
}

#[test]
fn remotes_and_bytes_are_counted() {
    let mut rig = Rig::new();
    let frame = inner(1, 2, 10);
    let to_remote = Action::Output(Target::Remote(remote(1)));
    rig.act(A, &[to_remote], &frame);
    let sent = rig.sent(UPLINK);
    assert_eq!(sent[0][..6], vtep(9).0.bytes());
    let uplink = rig.stats.port(port(UPLINK));
    assert_eq!(uplink.sent_bytes.get(), sent[0].len() as u64);
    let counters = rig.stats.remote(remote(1));
    assert_eq!(counters.sent_bytes.get(), frame.len() as u64);
    rig.act(
        UPLINK,
        &[decap_of(Some(remote(0))), out(A)],
        &tunnelled(1, 10, &frame),
    );
    let counters = rig.stats.remote(remote(0));
    assert_eq!(counters.received_bytes.get(), frame.len() as u64);
}
