//! Ways to remotes: by VLANs, by several paths, and by waiting.

use super::*;
use crate::io::Pool;
use crate::snapshot::{Hop, Place, Way};
use crate::stats::Account;
use crate::testing::{Site, guest, learned, link};
use crate::tx::{Handoff, HandoffTo, Why};
use crate::wire::craft::{Pair, tagged};
use crate::wire::vlan::Tag;
use crate::wire::{EtherType, Mac, VlanId};

fn list() -> [Action; 1] {
    [Action::Output(Target::Remote(remote(0)))]
}

fn way(rig: &Rig, paths: u8, hold: bool) {
    let down = false;
    let hops = &rig.snapshot.remote(remote(0)).unwrap().next_hops;
    hops.set_way(Way { down, paths, hold });
}

fn hop(rig: &Rig, path: usize, to: Option<(usize, u8)>) {
    let hop = to.map(|(at, mac)| Hop {
        link: link(at),
        mac: Mac::new([2, 0, 0, 0, 9, mac]),
    });
    rig.snapshot
        .remote(remote(0))
        .unwrap()
        .next_hops
        .store(path, hop);
}

/// The second link: the uplink's VLAN 0x5a5.
fn onto_vlan(rig: &mut Rig) {
    rig.snapshot.links.push(Place {
        port: port(UPLINK),
        vlan: VlanId::new(0x5a5),
    });
    let mac = vtep(1).0;
    let there = Some(Hop { link: link(1), mac });
    let hops = &rig.snapshot.remote(remote(0)).unwrap().next_hops;
    hops.store(0, there);
}

#[test]
fn a_link_on_a_vlan_is_tagged() {
    // With 77 bytes taken of its headroom the header fits there, and its tag does not.
    for taken in [0, 77] {
        let mut rig = Rig::new();
        let mut packet = rig.packet(&inner(1, 2, 100));
        packet.prepend(taken).unwrap().fill(0xcc);
        let frame = packet.bytes();
        rig.act(A, &list(), &frame);
        let plain = rig.sent(UPLINK).pop().unwrap();
        onto_vlan(&mut rig);
        rig.act_packet(A, &list(), packet);
        let expected = tagged(&plain, EtherType::VLAN, Tag::from_bits(0x5a5));
        assert_eq!(rig.sent(UPLINK), [&*expected], "{taken} bytes taken");
        assert!(rig.moved().contains("r0.sent 2"));
    }
}

#[test]
fn a_tag_does_not_count_against_the_mtu() {
    let mut rig = Rig::new();
    onto_vlan(&mut rig);
    let fits = inner(1, 2, 100);
    edit_port(&mut rig.snapshot, UPLINK, |port| {
        port.mtu = (fits.len() + 36) as u16;
    });
    rig.act(A, &list(), &fits);
    rig.act(A, &list(), &inner(1, 2, 101));
    let expected = "0.received 2, 0.forwarded 1, 0.dropped.mtu_exceeded 1, \
        2.enqueued 1, 2.sent 1, r0.sent 1";
    assert_eq!(rig.moved(), expected);
}

#[test]
fn a_flow_keeps_its_path_and_flows_use_all() {
    let mut rig = Rig::new();
    rig.snapshot.links.push(Place {
        port: port(B),
        vlan: None,
    });
    way(&rig, 3, false);
    hop(&rig, 0, Some((0, 1)));
    hop(&rig, 1, Some((1, 2)));
    hop(&rig, 2, None);
    edit_port(&mut rig.snapshot, B, |port| port.mtu = 1600);
    let frame = |flow: u16| Pair::new(guest(1), guest(2)).udp(flow, 80, &[]);
    let mut ways = [0, 0];
    for flow in 0..60 {
        let mut first = None;
        for _ in 0..2 {
            rig.act(A, &list(), &frame(flow));
            let by = [rig.sent(UPLINK).len(), rig.sent(B).len()];
            assert_eq!(by.iter().sum::<usize>(), 1);
            assert_eq!(*first.get_or_insert(by), by);
        }
        ways[first.unwrap()[1]] += 1;
    }
    assert!(ways.iter().all(|count| *count > 10), "{ways:?}");
    rig.moved();
    // The port of one path is down: flows that took it are dropped until control has noticed.
    hop(&rig, 0, None);
    rig.act(A, &list(), &frame(1));
    assert_eq!(rig.sent(B).len(), 1, "the paths that are left are used");
    rig.moved();
    edit_port(&mut rig.snapshot, B, |port| port.up = false);
    rig.act(A, &list(), &frame(1));
    assert_eq!(rig.moved(), "0.received 1, 0.dropped.port_down 1");
}

#[test]
fn each_way_that_is_none_has_a_name() {
    let mut rig = Rig::new();
    hop(&rig, 0, None);
    let hops = |rig: &Rig, way| {
        rig.snapshot
            .remote(remote(0))
            .unwrap()
            .next_hops
            .set_way(way)
    };
    for (way, name) in [
        (
            Way {
                down: true,
                paths: 1,
                hold: true,
            },
            "tunnel_down",
        ),
        (Way::default(), "no_route"),
        (
            Way {
                down: false,
                paths: 1,
                hold: false,
            },
            "neighbour_unresolved",
        ),
    ] {
        hops(&rig, way);
        rig.act(A, &list(), &inner(1, 2, 0));
        assert_eq!(rig.moved(), format!("0.received 1, 0.dropped.{name} 1"));
    }
}

#[test]
fn what_finds_no_neighbour_waits_in_control_while_it_keeps_packets() {
    let mut rig = Rig::new();
    way(&rig, 1, true);
    hop(&rig, 0, None);
    let frame = inner(1, 2, 5);
    let verdict = rig.act(A, &list(), &frame);
    assert_eq!(verdict, Verdict::Waiting);
    let punt = rig.punts.pop().unwrap();
    assert_eq!(punt.packet.bytes(), frame, "not encapsulated yet");
    assert_eq!(punt.why, Why::Unresolved(remote(0)));
    assert_eq!(punt.ingress, port(A));
    assert_eq!(Account::of([&rig.stats]).held(), 1);
    assert!(
        rig.events.drain(9).next().is_none(),
        "the packet is the question"
    );
    std::mem::drop(punt);
    rig.stats
        .port(port(A))
        .wait_dropped
        .count(DropReason::NeighbourUnresolved);
    assert_eq!(
        rig.moved(),
        "0.received 1, 0.waited 1, 0.wait_dropped.neighbour_unresolved 1"
    );
}

#[test]
fn what_does_not_wait_is_dropped_where_the_ring_is_half_full() {
    let mut rig = Rig::new();
    way(&rig, 1, true);
    hop(&rig, 0, None);
    let verdicts = [0, 1].map(|_| rig.act(A, &list(), &inner(1, 2, 5)));
    let unresolved = Verdict::Dropped(DropReason::NeighbourUnresolved);
    assert_eq!(verdicts, [Verdict::Waiting, unresolved]);
}

#[test]
fn a_copy_waits_as_well_and_leaves_the_verdict_to_those_that_are_sent() {
    let mut rig = Rig::new();
    way(&rig, 1, true);
    hop(&rig, 0, None);
    let [flood] = flood(0, From::Port(port(A)));
    let frame = inner(1, 2, 900);
    assert_eq!(rig.act(A, &[flood], &frame), Verdict::Forwarded);
    let punt = rig.punts.pop().unwrap();
    assert_eq!(punt.packet.bytes(), frame);
    assert_eq!((rig.sent(B).len(), rig.sent(UPLINK).len()), (1, 1));
    assert_eq!(Account::of([&rig.stats]).held(), 1, "the copy");
    let counters = rig.stats.port(port(A));
    assert_eq!((counters.copied.get(), counters.waited.get()), (2, 0));
}

/// Control gives a packet back to a worker that can send it now.
#[test]
fn what_waited_is_encapsulated_when_it_is_released() {
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(2).0, Destination::Remote(remote(0))));
    let record = |site: &Site| site.publisher.current().remotes[0].clone().unwrap();
    let way = |hold| Way {
        down: false,
        paths: 1,
        hold,
    };
    let there = record(&site).next_hops.hop(0);
    record(&site).next_hops.store(0, None);
    record(&site).next_hops.set_way(way(true));
    for len in [1, 2] {
        site.arrive(A, &inner(1, 2, len));
    }
    site.poll(0, 0);
    assert_eq!((site.held(), site.sent(UPLINK).len()), (2, 0));
    let give = |site: &mut Site| {
        let punt = site.punts[0].pop().unwrap();
        let Why::Unresolved(remote) = punt.why else {
            panic!("{:?}", punt.why)
        };
        let (packet, ingress) = (punt.packet, punt.ingress);
        let to = HandoffTo::Remote { ingress, remote };
        assert!(site.rings[0].push(Handoff { packet, to }).is_ok());
        site.poll(0, 0);
    };
    // Too early: it is not asked for a second time.
    give(&mut site);
    assert_eq!(site.held(), 1);
    record(&site).next_hops.store(0, there);
    give(&mut site);
    assert_eq!(site.held(), 0);
    assert_eq!(site.sent(UPLINK)[0][50..], inner(1, 2, 2));
    let stats = site.stop();
    let moved = crate::testing::moved(&stats[0]);
    let expected = "0.received 2, 0.waited 2, 0.wait_dropped.neighbour_unresolved 1, \
        2.enqueued 1, 2.sent 1, r0.sent 1";
    assert!(moved.starts_with(expected), "{moved}");
}

#[test]
fn what_waits_in_a_ring_at_the_end_is_a_named_drop() {
    let mut site = Site::alone(16);
    let packet = site.pool.alloc(&inner(1, 2, 0)).unwrap();
    let (ingress, remote) = (port(A), remote(0));
    site.stats[0].port(ingress).received.add(1);
    let to = HandoffTo::Remote { ingress, remote };
    assert!(site.rings[0].push(Handoff { packet, to }).is_ok());
    let stats = site.stop();
    let drops = &stats[0].port(ingress).wait_dropped;
    assert_eq!(drops.get(DropReason::Shutdown), 1);
}
