//! Ways out that are full, missing or withdrawn.

use super::*;
use crate::io::Pool;
use crate::io::heap::{HeapIo, HeapPool, HeapQueue};
use crate::snapshot::Snapshot;
use crate::testing::{
    A, B, DOWN, RING, Rig, Site, TX, UPLINK, edit_port, edit_remote, inner, moved, port, switch,
    worker,
};
use crate::wire::udp;
use proptest::prelude::*;
use std::sync::Arc;

#[test]
fn who_sends_for_whom() {
    let mut snapshot = switch();
    for (queues, number, owner) in [
        (0, 3, None),
        (1, 0, Some(0)),
        (1, 3, Some(0)),
        (2, 3, Some(1)),
        (4, 3, Some(3)),
        (8, 3, Some(3)),
    ] {
        edit_port(&mut snapshot, A, |port| port.tx_queues = queues);
        let port = snapshot.port(port(A)).unwrap();
        let found = port.tx_owner(worker(number)).map(WorkerId::index);
        assert_eq!(found, owner, "{queues} queues, worker {number}");
    }
}

/// Outputs of one worker with one queue, for A, of `room` places.
fn outputs(room: usize) -> (Outputs<HeapIo>, HeapQueue, HeapPool, Snapshot) {
    let (punt, _) = rtrb::RingBuffer::new(1);
    let mut outputs = Outputs::new(worker(0), vec![None], punt);
    let wire = HeapQueue::new(port(A), room);
    assert!(outputs.add_queue(wire.clone()).is_ok());
    (outputs, wire, HeapPool::new(200), switch())
}

#[test]
fn packets_leave_in_order_and_the_rest_is_dropped() {
    let (mut outputs, wire, pool, snapshot) = outputs(80);
    let stats = WorkerStats::default();
    let target = snapshot.port(port(A)).unwrap();
    for n in 0..90u8 {
        outputs.enqueue(target, pool.alloc(&[n; 20]).unwrap(), &stats);
    }
    // The buffer was full once.
    assert_eq!(moved(&stats), "0.enqueued 90, 0.sent 64");
    outputs.flush(&stats);
    outputs.flush(&stats);
    assert_eq!(
        moved(&stats),
        "0.enqueued 90, 0.sent 80, 0.tx_dropped.tx_full 10"
    );
    assert_eq!(stats.port(port(A)).sent_bytes.get(), 1600);
    let order: Vec<u8> = std::iter::from_fn(|| wire.pop())
        .map(|p| p.head()[0])
        .collect();
    assert!(order.into_iter().eq(0..80));
    assert_eq!(pool.out(), 0);
}

proptest! {
    /// Whatever is in the buffer, and however many come at once, from bursts that are whole or not.
    #[test]
    fn all_of_every_burst_leave_in_order(
        bursts in prop::collection::vec((0..=BURST, any::<bool>()), 1..8),
    ) {
        let (mut outputs, wire, _, snapshot) = outputs(8 * BURST);
        let pool = HeapPool::new(8 * BURST);
        let stats = WorkerStats::default();
        let target = snapshot.port(port(A)).unwrap();
        let mut numbers = 0..;
        for (count, whole) in &bursts {
            let numbers = numbers.by_ref().take(*count);
            let packets = numbers.map(|n: u16| pool.alloc(&n.to_be_bytes()).unwrap());
            let mut burst: Burst<_> = packets.collect();
            let mut way = outputs.way_out(port(A));
            if *whole {
                way.push_burst(target, &mut burst, &stats);
            } else {
                way.push_all(target, burst.drain(..), &stats);
            }
            prop_assert!(burst.is_empty());
        }
        outputs.flush(&stats);
        let count: usize = bursts.iter().map(|(count, _)| count).sum();
        let sent = stats.port(port(A));
        prop_assert_eq!((sent.sent.get(), sent.sent_bytes.get()), (count as u64, 2 * count as u64));
        let left = std::iter::from_fn(|| wire.pop()).map(|packet| packet.bytes());
        prop_assert!(left.eq((0..count).map(|n| (n as u16).to_be_bytes())));
        prop_assert_eq!(pool.out(), 0);
    }
}

#[test]
fn a_queue_that_is_withdrawn_sends_what_it_has() {
    let (mut outputs, wire, pool, snapshot) = outputs(40);
    let stats = WorkerStats::default();
    let target = snapshot.port(port(A)).unwrap();
    outputs.enqueue(target, pool.alloc(&[1; 20]).unwrap(), &stats);
    assert!(
        outputs.add_queue(wire.clone()).is_err(),
        "one queue for each port"
    );
    assert!(outputs.remove_queue(port(A), &stats).is_some());
    assert!(outputs.remove_queue(port(A), &stats).is_none());
    assert_eq!(moved(&stats), "0.enqueued 1, 0.sent 1");
    outputs.enqueue(target, pool.alloc(&[2; 20]).unwrap(), &stats);
    assert_eq!(
        moved(&stats),
        "0.enqueued 2, 0.sent 1, 0.tx_dropped.port_down 1"
    );
    assert!(outputs.add_queue(wire.clone()).is_ok());
    outputs.enqueue(target, pool.alloc(&[3; 20]).unwrap(), &stats);
    outputs.flush(&stats);
    assert_eq!(
        moved(&stats),
        "0.enqueued 3, 0.sent 2, 0.tx_dropped.port_down 1"
    );
    assert_eq!(std::iter::from_fn(|| wire.pop()).count(), 2);
    assert_eq!(pool.out(), 0);
}

#[test]
fn identifications_do_not_repeat_soon() {
    let ids = |number: usize| {
        let (punt, _) = rtrb::RingBuffer::new(1);
        let mut outputs: Outputs<HeapIo> = Outputs::new(worker(number), vec![], punt);
        std::iter::from_fn(move || Some(outputs.ip_ids().next()))
    };
    let all: std::collections::HashSet<u16> = ids(63).take(1 << 16).collect();
    assert_eq!(all.len(), 1 << 16);
    for number in 1..64 {
        assert!(
            ids(0)
                .take(500)
                .all(|id| ids(number).take(500).all(|other| id != other))
        );
    }
}

/// Two workers; the second receives at A, the first has the only queue of B.
fn two_workers() -> Site {
    let mut site = Site::new(2, 16);
    site.add_rx(1, A);
    site.add_tx(0, A);
    site.add_tx(0, B);
    site.learn(crate::testing::learned(
        0,
        crate::testing::guest(2).0,
        crate::fdb::Destination::Port(port(B)),
    ));
    site.poll(0, 0);
    site
}

#[test]
fn a_worker_without_a_queue_hands_over() {
    let mut site = two_workers();
    site.arrive(A, &inner(1, 2, 10));
    site.poll(1, 0);
    assert_eq!((site.held(), site.sent(B).len()), (1, 0));
    assert_eq!(site.poll(0, 0), 1);
    assert_eq!(site.sent(B), [inner(1, 2, 10)]);
    let stats = site.stop();
    assert_eq!(moved(&stats[0]), "1.sent 1");
    let expected = "0.received 1, 0.forwarded 1, 1.enqueued 1, handed_off 1, misses 1, inserted 1";
    assert_eq!(moved(&stats[1]), expected);
}

/// The switch, whose only uplink makes checksums or not, and whose remote 0 gets outer ones.
fn summing(nic: bool) -> Snapshot {
    let mut snapshot = switch();
    edit_port(&mut snapshot, UPLINK, |port| port.tx.udp = nic);
    edit_remote(&mut snapshot, 0, |settings| settings.udp_checksum = true);
    snapshot
}

#[test]
fn what_is_left_to_a_nic_is_made_by_who_sends_it_even_if_the_nic_is_another_one_by_then() {
    for (before, after) in [(false, false), (true, true), (true, false), (false, true)] {
        let mut site = Site::with(2, 16, summing(after));
        site.publisher.publish(summing(before));
        site.add_rx(1, A);
        site.add_tx(0, UPLINK);
        let to = crate::fdb::Destination::Remote(crate::testing::remote(0));
        site.learn(crate::testing::learned(0, crate::testing::guest(2).0, to));
        for worker in [0, 1] {
            site.poll(worker, 0);
        }
        site.arrive(A, &inner(1, 2, 1000));
        site.poll(1, 0);
        site.publisher.publish(summing(after));
        site.poll(0, 0);
        let made = site.sent(UPLINK).concat();
        let outer = udp::Udp::new(&made[34..]).unwrap();
        let (local, remote) = (crate::testing::vtep(2).1, crate::testing::vtep(1).1);
        assert!(outer.checksum() != 0 && outer.verify_v4(local, remote));
        let by_nic = usize::from(before && after);
        assert_eq!(site.tx[UPLINK].finished(), by_nic, "{before}, {after}");
        site.poll(1, 0);
        site.stop();
    }
}

#[test]
fn a_full_ring_to_a_worker_drops() {
    let mut site = two_workers();
    for _ in 0..RING + 2 {
        site.arrive(A, &inner(1, 2, 10));
    }
    site.poll(1, 0);
    let drops = &site.stats[1].port(port(B)).tx_dropped;
    assert_eq!(drops.get(DropReason::HandoffFull), 2);
    assert_eq!(site.stats[1].handed_off.get(), RING as u64);
    assert_eq!(site.poll(0, 0), RING);
    assert_eq!(site.sent(B).len(), RING);
    site.stop();
}

#[test]
fn what_waits_in_a_ring_at_a_stop_is_dropped_by_name() {
    let mut site = two_workers();
    site.arrive(A, &inner(1, 2, 10));
    site.poll(1, 0);
    site.originate(0, B, &inner(2, 1, 10));
    let stats = site.stop();
    let expected = "1.originated 1, 1.enqueued 1, 1.tx_dropped.shutdown 2";
    assert_eq!(moved(&stats[0]), expected);
}

#[test]
fn the_owner_without_a_queue_does_not_hand_it_on() {
    let mut site = two_workers();
    site.arrive(A, &inner(1, 2, 10));
    site.poll(1, 0);
    let withdraw = crate::worker::Command::Withdraw(port(B));
    assert!(site.commands[0].push(withdraw).is_ok());
    site.poll(0, 0);
    assert_eq!(moved(&site.stats[0]), "1.tx_dropped.port_down 1");
    assert_eq!(site.held(), 0);
    site.stop();
}

#[test]
fn control_sends_by_ports_that_are_up() {
    let mut site = Site::alone(0);
    for number in [A, DOWN] {
        site.originate(0, number, &[0; 60]);
    }
    assert_eq!(site.poll(0, 0), 2);
    assert_eq!((site.sent(A).len(), site.sent(DOWN).len()), (1, 0));
    let stats = site.stop();
    let expected = "0.originated 1, 0.enqueued 1, 0.sent 1, \
        5.originated 1, 5.enqueued 1, 5.tx_dropped.port_down 1";
    assert_eq!(moved(&stats[0]), expected);
}

#[test]
fn a_port_without_queues_is_down() {
    let mut snapshot = switch();
    edit_port(&mut snapshot, B, |port| port.tx_queues = 0);
    let mut site = Site::with(2, 0, snapshot);
    site.add_rx(1, A);
    site.arrive(A, &inner(1, 2, 10));
    let to = crate::fdb::Destination::Port(port(B));
    site.learn(crate::testing::learned(0, crate::testing::guest(2).0, to));
    site.poll(1, 0);
    let drops = &site.stats[1].port(port(B)).tx_dropped;
    assert_eq!(drops.get(DropReason::PortDown), 1);
    site.stop();
}

#[test]
fn a_queue_with_too_little_room_drops_the_rest() {
    let mut site = Site::alone(0);
    for _ in 0..TX + 3 {
        site.originate(0, A, &[7; 60]);
        site.poll(0, 0);
    }
    let counters = Arc::clone(&site.stats[0]);
    let counters = counters.port(port(A));
    assert_eq!(counters.sent.get(), TX as u64);
    assert_eq!(counters.tx_dropped.get(DropReason::TxFull), 3);
    assert_eq!(
        counters.enqueued.get(),
        counters.sent.get() + counters.tx_dropped.total()
    );
    site.stop();
}

#[test]
fn punts_come_back_from_a_full_ring() {
    let mut rig = Rig::new();
    for n in 0..2 {
        let packet = rig.packet(&[n; 60]);
        assert!(rig.outputs.punt(port(B), packet, Why::ForUs, true).is_ok());
    }
    let packet = rig.packet(&[2; 60]);
    let back = rig
        .outputs
        .punt(port(B), packet, Why::ForUs, true)
        .unwrap_err();
    assert_eq!(back.head(), [2; 60]);
}

#[test]
fn what_is_not_urgent_leaves_half_of_the_ring() {
    let mut rig = Rig::new();
    for (urgent, taken) in [(false, true), (false, false), (true, true), (true, false)] {
        let packet = rig.packet(&[0; 60]);
        assert_eq!(
            rig.outputs
                .punt(port(B), packet, Why::ForUs, urgent)
                .is_ok(),
            taken
        );
    }
}
