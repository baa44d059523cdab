//! Packets that a guest left to be cut, and that do not get through.

use super::*;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::snapshot::{Place, TxChecksums, Way};
use crate::testing::{CUTS, Stream, bridge, carried};
use crate::tx::HandoffTo;
use std::num::NonZeroU16;

/// From guest 1 to guest 2.
fn stream() -> Stream {
    Stream::new()
}

/// One of them arrives at A, to be cut into four.
fn arrive(site: &Site) {
    let packet = site.pool.alloc(&stream().whole(&[7; 1600])).unwrap();
    let packet = packet.with_segments(NonZeroU16::new(400));
    assert!(site.rx[A].push(packet).is_ok());
}

fn opened() -> Snapshot {
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| port.rx_open = true);
    snapshot
}

/// Of a switch whose pool has so many buffers.
fn site(buffers: usize) -> Site {
    Site::of_pool(HeapPool::new(buffers), 1, 16, opened()).serving_all()
}

#[test]
fn without_buffers_a_packet_is_lost_as_one() {
    for (to, egress) in [(to_port(B), B), (Destination::Remote(remote(0)), UPLINK)] {
        let mut site = site(4);
        site.learn(learned(0, guest(2).0, to));
        site.learn(learned(0, guest(1).0, to_port(A)));
        arrive(&site);
        site.poll(0, 0);
        assert_eq!(site.sent(egress).len(), 0);
        let stats = site.stop();
        let expected = "0.received 1, 0.dropped.no_buffer 1, misses 1, inserted 1";
        assert_eq!(moved(&stats[0]), expected);
        assert_eq!(carried(&stats[0]), "b0.received 1, b0.dropped 1");
    }
}

#[test]
fn without_buffers_one_that_is_flooded_is_lost_as_one() {
    let mut site = site(4);
    site.learn(learned(0, guest(1).0, to_port(A)));
    arrive(&site);
    site.poll(0, 0);
    let stats = site.stop();
    let expected = "0.received 1, 0.dropped.no_buffer 1, misses 1, inserted 1";
    assert_eq!(moved(&stats[0]), expected);
    assert_eq!(carried(&stats[0]), "b0.received 1, b0.dropped 1");
}

/// To B and to two remotes.
#[test]
fn one_that_is_flooded_is_cut_before() {
    let mut site = site(100);
    site.learn(learned(0, guest(1).0, to_port(A)));
    arrive(&site);
    site.poll(0, 0);
    assert_eq!((site.sent(B).len(), site.sent(UPLINK).len()), (4, 8));
    let stats = site.stop();
    let expected = "0.received 1, 0.forwarded 1, 0.copied 11, 1.enqueued 4, 1.sent 4, \
        2.enqueued 8, 2.sent 8, r0.sent 4, r1.sent 4, misses 1, inserted 1";
    assert_eq!(moved(&stats[0]), expected);
    let carried = carried(&stats[0]);
    assert!(
        carried.contains("b0.received 1, b0.copied 11, b0.unknown 4"),
        "{carried}"
    );
}

#[test]
fn one_that_is_dropped_is_not_cut_for_it() {
    let mut snapshot = opened();
    edit_port(&mut snapshot, A, |port| port.bridge = None);
    // Buffers for the packet alone.
    let mut site = Site::of_pool(HeapPool::new(1), 1, 16, snapshot).serving_all();
    arrive(&site);
    site.poll(0, 0);
    let expected = "0.received 1, 0.dropped.no_bridge 1, misses 1, inserted 1";
    assert_eq!(moved(&site.stop()[0]), expected);
}

/// No buffer holds what no port takes: the name is that of the straight way.
#[test]
fn segments_that_no_port_takes_are_too_long_and_want_no_buffer() {
    for known in [false, true] {
        let mut site = site(100);
        site.learn(learned(0, guest(1).0, to_port(A)));
        if known {
            site.learn(learned(0, guest(2).0, to_port(B)));
        }
        let packet = site.pool.alloc_chain(&stream().whole(&[7; 30_000]), 1000);
        let packet = packet.unwrap().with_segments(NonZeroU16::new(9000));
        assert!(site.rx[A].push(packet).is_ok());
        site.poll(0, 0);
        let expected = "0.received 1, 0.dropped.mtu_exceeded 1, misses 1, inserted 1";
        assert_eq!(moved(&site.stop()[0]), expected, "{known}");
    }
}

#[test]
fn segments_wait_for_a_neighbour_one_by_one() {
    let snapshot = opened();
    let hops = &snapshot.remotes[0].as_ref().unwrap().next_hops;
    hops.set_way(Way {
        paths: 1,
        hold: true,
        ..Way::default()
    });
    hops.store(0, None);
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, Destination::Remote(remote(0))));
    site.learn(learned(0, guest(1).0, to_port(A)));
    arrive(&site);
    site.poll(0, 0);
    let kept: Vec<_> = std::iter::from_fn(|| site.punts[0].pop().ok()).collect();
    let bytes: Vec<_> = kept.iter().map(|punt| punt.packet.bytes()).collect();
    assert_eq!(bytes, stream().segments(&[7; 1600], 400));
    drop(kept);
    let stats = &site.stats[0];
    let expected = "0.received 1, 0.waited 1, 0.copied 3";
    assert!(moved(stats).starts_with(expected), "{}", moved(stats));
    let carried = carried(stats);
    assert!(
        carried.contains("b0.received 1, b0.copied 3, b0.waited 4"),
        "{carried}"
    );
}

/// Handed to another worker whole, for a NIC that is another one by then.
#[test]
fn what_no_nic_cuts_any_more_is_dropped() {
    let packet = |pool: &HeapPool| -> HeapPacket {
        let whole = pool.alloc(&stream().whole(&[7; 1600])).unwrap();
        let mut packet = whole.with_segments(NonZeroU16::new(400));
        let left = crate::cut::uncut(&packet).unwrap();
        packet.clear_rx_checksums();
        packet.leave(Some(left));
        packet
    };
    for (tx, expected) in [
        (CUTS, "1.enqueued 1, 1.sent 1"),
        (TxChecksums::default(), "1.tx_dropped.mtu_exceeded 1"),
    ] {
        let mut snapshot = switch();
        edit_port(&mut snapshot, B, |port| port.tx = tx);
        let mut site = Site::with_all(16, snapshot);
        site.poll(0, 0);
        let handoff = Handoff {
            packet: packet(&site.pool),
            to: HandoffTo::Originated(port(B)),
        };
        assert!(site.rings[0].push(handoff).is_ok());
        site.poll(0, 0);
        let counters = moved(&site.stop()[0]);
        assert!(counters.contains(expected), "{counters}");
    }
}

/// Of an underlay port that is in a bridge too.
#[test]
fn segments_that_leave_by_an_underlay_port_are_frames_of_its_links() {
    let mut snapshot = switch();
    snapshot.links.push(Place {
        port: port(BOTH),
        vlan: None,
    });
    let inside = snapshot.ports[A].as_mut().unwrap();
    Arc::make_mut(inside).bridge = Some(bridge(1));
    edit_port(&mut snapshot, A, |port| port.rx_open = true);
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(1, guest(2).0, to_port(BOTH)));
    site.learn(learned(1, guest(1).0, to_port(A)));
    arrive(&site);
    site.poll(0, 0);
    assert_eq!(site.sent(BOTH).len(), 4);
    let stats = site.stop();
    let carried = carried(&stats[0]);
    assert!(carried.contains("l1.frames.enqueued 4"), "{carried}");
}
