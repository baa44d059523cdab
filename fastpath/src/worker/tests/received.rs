//! What a port does to packets before they are decided.

use super::*;
use crate::fdb::FdbKey;
use crate::snapshot::{Port, Snapshot};
use crate::testing::bridge;
use crate::wire::udp::Udp;

/// One worker, and a switch whose port of that number was edited.
fn site(number: usize, edit: impl FnOnce(&mut Port)) -> Site {
    let mut snapshot: Snapshot = switch();
    edit_port(&mut snapshot, number, edit);
    Site::with_all(16, snapshot)
}

/// A tunnelled frame whose outer checksum is not that of its bytes, and what is inside.
fn unfinished() -> (Vec<u8>, Vec<u8>) {
    let inside = inner(1, 2, 33);
    let mut frame = tunnelled(1, 10, &inside);
    Udp::new(&mut frame[34..]).unwrap().set_checksum(0x1234);
    (frame, inside)
}

#[test]
fn an_unfinished_outer_checksum_passes_where_it_is_trusted_or_computed_anew() {
    let (frame, inside) = unfinished();
    for (mode, passes) in [
        (RxChecksum::Verify, false),
        (RxChecksum::Trust, true),
        (RxChecksum::Recompute, true),
    ] {
        let mut site = site(UPLINK, |port| port.rx_checksum = mode);
        site.learn(learned(0, guest(2).0, to_port(A)));
        site.arrive(UPLINK, &frame);
        site.poll(0, 0);
        let sent = site.sent(A);
        let counters = moved(&site.stop()[0]);
        if passes {
            assert_eq!(sent.concat(), inside, "{mode:?}");
            assert!(counters.contains("2.forwarded 1"), "{mode:?}: {counters}");
        } else {
            assert!(sent.is_empty(), "{mode:?}");
            let dropped = "2.received 1, 2.dropped.udp_checksum 1";
            assert!(counters.contains(dropped), "{mode:?}: {counters}");
        }
    }
}

#[test]
fn a_wrong_ip_checksum_passes_only_where_it_is_trusted() {
    let mut frame = tunnelled(1, 10, &inner(1, 2, 33));
    frame[24] ^= 0x10;
    for (mode, passes) in [
        (RxChecksum::Verify, false),
        (RxChecksum::Trust, true),
        (RxChecksum::Recompute, false),
    ] {
        let mut site = site(UPLINK, |port| port.rx_checksum = mode);
        site.learn(learned(0, guest(2).0, to_port(A)));
        site.arrive(UPLINK, &frame);
        site.poll(0, 0);
        assert_eq!(site.sent(A).len(), usize::from(passes), "{mode:?}");
        let counters = moved(&site.stop()[0]);
        assert_eq!(
            counters.contains("2.dropped.ip_checksum 1"),
            !passes,
            "{mode:?}: {counters}"
        );
    }
}

#[test]
fn a_bridged_frame_leaves_with_the_checksum_that_it_lacked() {
    let whole = inner(1, 2, 33);
    let mut open = whole.clone();
    open[40..42].copy_from_slice(&[0x12, 0x34]);
    for (mode, expected) in [
        (RxChecksum::Verify, &open),
        (RxChecksum::Trust, &open),
        (RxChecksum::Recompute, &whole),
    ] {
        let mut site = site(A, |port| port.rx_checksum = mode);
        site.learn(learned(0, guest(2).0, to_port(B)));
        site.arrive(A, &open);
        // The mode is that of the port, not of the round.
        site.arrive(UPLINK, &unfinished().0);
        site.poll(0, 0);
        assert_eq!(site.sent(B).concat(), *expected, "{mode:?}");
        let counters = moved(&site.stop()[0]);
        assert!(
            counters.contains("2.dropped.udp_checksum 1"),
            "{mode:?}: {counters}"
        );
    }
}

#[test]
fn a_frame_that_may_have_been_cut_is_dropped_by_name() {
    let mut site = site(A, |port| port.rx_limit = Some(1000));
    site.learn(learned(0, guest(2).0, to_port(B)));
    let frames = [957, 958, 959].map(|payload| inner(1, 2, payload));
    assert_eq!(frames.each_ref().map(Vec::len), [999, 1000, 1001]);
    for frame in &frames {
        site.arrive(A, frame);
    }
    // Chains count with all that is in them.
    let whole = site.pool.alloc(&frames[2]).unwrap();
    let chain = Pool::replicate(&site.pool, &whole, true).unwrap();
    assert!(chain.head().len() < 1000);
    drop(whole);
    assert!(site.rx[A].push(chain).is_ok());
    site.poll(0, 0);
    assert_eq!(site.sent(B), frames[..1]);
    let counters = moved(&site.stop()[0]);
    assert!(
        counters.contains("0.received 4, 0.forwarded 1, 0.dropped.frame_truncated 3"),
        "{counters}"
    );
}

#[test]
fn what_is_refused_is_no_sign_of_life() {
    let whole = tunnelled(1, 10, &inner(1, 2, 33));
    let mut broken = whole.clone();
    broken[24] ^= 0x10;
    let mut site = Site::alone(16);
    site.learn(learned(0, guest(1).0, Destination::Remote(remote(0))));
    site.learn(learned(0, guest(2).0, to_port(A)));
    let key = FdbKey::new(bridge(0), guest(1).0);
    for (second, frame, expected) in [
        (5, &whole, (1, 5)),
        (9, &broken, (0, 5)),
        (9, &whole, (1, 9)),
    ] {
        site.arrive(UPLINK, frame);
        site.poll(0, second * 1000);
        let seen = site.fdb.get(key).unwrap().seen;
        assert_eq!((site.sent(A).len(), seen), expected);
    }
    let counters = moved(&site.stop()[0]);
    let expected = "2.received 3, 2.forwarded 2, 2.dropped.ip_checksum 1";
    assert!(counters.contains(expected), "{counters}");
}
