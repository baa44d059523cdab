//! What a worker remembers, and for how long.

use super::*;
use crate::snapshot::Snapshot;
use std::collections::HashMap;

/// The ports of which a worker remembers how a frame is decided: a guest's from A, a remote's from
/// the uplink.
fn remembers(site: &Site) -> [bool; 2] {
    let frames = [
        (A, inner(1, 2, 0)),
        (UPLINK, tunnelled(1, 10, &inner(1, 2, 0))),
    ];
    frames.map(|(number, frame)| {
        site.arrive(number, &frame);
        let memo = &site.workers[0].decider.memo;
        memo.recall(port(number), &frame, frame.len()).is_some()
    })
}

/// The switch in which guests have no bridge, and tunnel 0 knows nobody.
fn barred() -> Snapshot {
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| {
        port.bridge = None;
        port.generation += 1;
    });
    edit_port(&mut snapshot, UPLINK, |port| port.generation += 1);
    Arc::make_mut(&mut snapshot.tunnels[0]).known = HashMap::new();
    snapshot
}

#[test]
fn a_new_snapshot_is_obeyed_by_the_very_next_packet_and_a_change_forgets_nothing() {
    let mut site = Site::alone(16);
    assert_eq!(remembers(&site), [false, false]);
    site.poll(0, 0);
    assert_eq!(remembers(&site), [true, true]);
    site.poll(0, 0);
    site.publisher.change();
    site.poll(0, 0);
    assert_eq!(remembers(&site), [true, true], "the snapshot is the same");
    site.publisher.publish(barred());
    site.poll(0, 0);
    let stats = site.stop();
    let counters = moved(&stats[0]);
    assert!(counters.contains("0.dropped.no_bridge 1"), "{counters}");
    assert!(
        counters.contains("2.dropped.remote_unknown 1"),
        "{counters}"
    );
    assert!(counters.contains("hits 2, misses 4"), "{counters}");
}

#[test]
fn a_cache_that_is_turned_off_remembers_nothing() {
    let mut site = Site::alone(0);
    for _ in 0..3 {
        assert_eq!(remembers(&site), [false, false]);
        site.poll(0, 0);
    }
    let counters = moved(&site.stop()[0]);
    assert!(counters.ends_with("misses 6"), "{counters}");
    assert!(!counters.contains("hits"), "{counters}");
}

/// A tunnel of the guest's own is none of the bridge's business, but the checksum inside is left
/// open by the same sender: a memo of the port would not say where it is.
#[test]
fn a_port_that_recomputes_checksums_has_every_packet_parsed() {
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| {
        port.rx_checksum = RxChecksum::Recompute;
    });
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, vtep(2).0, to_port(B)));
    let whole = tunnelled(1, 10, &inner(1, 2, 33));
    let mut open = whole.clone();
    open[50 + 40..50 + 42].copy_from_slice(&[0x12, 0x34]);
    for _ in 0..3 {
        site.arrive(A, &open);
        site.poll(0, 0);
    }
    assert_eq!(site.sent(B), [&whole[..]; 3]);
    let counters = moved(&site.stop()[0]);
    assert!(counters.contains("hits 2, misses 1"), "{counters}");
}
