//! What a port does to packets before they are decided.

use super::*;
use crate::fdb::FdbKey;
use crate::io::Left;
use crate::io::heap::HeapPool;
use crate::snapshot::{Inside, Port, Snapshot, TxChecksums};
use crate::testing::{bridge, edit_remote};
use crate::wire::udp::Udp;
use crate::wire::{Protocol, Sum, Transport};

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

/// A TCP segment as it leaves, and as its sender leaves it that makes no checksum.
fn segment() -> (Vec<u8>, Vec<u8>) {
    let made = Pair::new(guest(1), guest(2)).tcp(1, 2, &[7; 999]);
    let found = Transport::of(&made, made.len()).unwrap();
    let mut open = made.clone();
    let pseudo = !found.pseudo.finish();
    open[found.checksum_at()..][..2].copy_from_slice(&pseudo.to_be_bytes());
    (made, open)
}

/// What leaves by a port for which a guest at A left a checksum open, and how many its NIC made.
fn passed(to: Destination, egress: usize, sums: bool, tx: TxChecksums) -> (Vec<u8>, usize) {
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| port.rx_open = true);
    edit_port(&mut snapshot, egress, |port| port.tx = tx);
    edit_remote(&mut snapshot, 0, |settings| settings.udp_checksum = sums);
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, to));
    // Where something is to be said of a packet it is made first.
    site.learn(learned(0, guest(1).0, to_port(A)));
    let packet = site.pool.alloc(&segment().1).unwrap().with_open_checksum();
    assert!(site.rx[A].push(packet).is_ok());
    site.poll(0, 0);
    let (sent, made) = (site.sent(egress).concat(), site.tx[egress].finished());
    site.stop();
    (sent, made)
}

#[test]
fn what_a_guest_leaves_open_is_made_by_the_nic_that_it_leaves_by() {
    let made = segment().0;
    let none = TxChecksums::default();
    let udp = TxChecksums { udp: true, ..none };
    let both = TxChecksums { tcp: true, ..udp };
    for (tx, by_nic) in [(none, 0), (udp, 0), (both, 1)] {
        let sent = passed(to_port(B), B, false, tx);
        assert_eq!(sent, (made.clone(), by_nic), "{tx:?}");
    }
    for (inside, within) in [
        (Inside::Never, 0),
        (Inside::Always, 1),
        (Inside::Behind(4789), 1),
        (Inside::Behind(8472), 0),
    ] {
        let tx = TxChecksums { inside, ..both };
        for (sums, by_nic) in [(false, within), (true, 1)] {
            let remote = Destination::Remote(remote(0));
            let (sent, count) = passed(remote, UPLINK, sums, tx);
            assert_eq!(
                (&sent[50..], count),
                (&made[..], by_nic),
                "{inside:?}, {sums}"
            );
            let outer = Udp::new(&sent[34..]).unwrap();
            assert_eq!(outer.checksum() != 0, sums);
            assert!(outer.verify_v4(vtep(2).1, vtep(1).1), "{inside:?}");
        }
    }
}

/// The frame, whose checksum is right, as its sender leaves it that makes none.
fn opened(made: &[u8]) -> Vec<u8> {
    let place = Left::of(made).unwrap();
    let mut open = made.to_vec();
    let right = place.word(&HeapPool::new(1).alloc(made).unwrap());
    open[place.field()..][..2].fill(0);
    let rest = Sum::new().add_bytes(&open[place.at()..]).finish();
    let pseudo = !Sum::new().add_u16(!right).add_u16(rest).finish();
    open[place.field()..][..2].copy_from_slice(&pseudo.to_be_bytes());
    open
}

#[test]
fn what_nics_do_not_agree_on_is_not_left_to_one() {
    let nic = TxChecksums {
        udp: true,
        tcp: true,
        inside: Inside::Always,
        ..TxChecksums::default()
    };
    let pair = Pair::new(guest(1), guest(2));
    // Of 40 and 472 bytes before UDP a NIC would be told of none: nine bits are not enough.
    let mut headers = vec![0; 472];
    headers[..2].copy_from_slice(&[17, 58]);
    let datagram = &pair.udp6(1, 2, &[7; 9])[54..];
    let made = pair.ipv6(Protocol(0), &[&headers, datagram].concat());
    let open = opened(&made);
    for (to, egress, outer) in [
        (to_port(B), B, 0),
        (Destination::Remote(remote(0)), UPLINK, 50),
    ] {
        let mut snapshot = switch();
        edit_port(&mut snapshot, A, |port| port.rx_open = true);
        edit_port(&mut snapshot, egress, |port| port.tx = nic);
        let mut site = Site::with_all(16, snapshot);
        site.learn(learned(0, guest(2).0, to));
        site.learn(learned(0, guest(1).0, to_port(A)));
        let packet = site.pool.alloc(&open).unwrap().with_open_checksum();
        assert!(site.rx[A].push(packet).is_ok());
        site.poll(0, 0);
        let sent = site.sent(egress).concat();
        assert!(sent[outer..] == made && site.tx[egress].finished() == 0);
        site.stop();
    }
}

#[test]
fn what_is_open_is_made_once_on_a_port_that_recomputes() {
    let (made, open) = segment();
    let pair = Pair::new(guest(1), guest(2));
    // Behind an extension header nothing is computed anew.
    let headers = [17, 0, 0, 0, 0, 0, 0, 0];
    let datagram = &pair.udp6(1, 2, &[7; 9])[54..];
    let made6 = pair.ipv6(Protocol(0), &[&headers, datagram].concat());
    let open6 = opened(&made6);
    let nic = TxChecksums {
        udp: true,
        tcp: true,
        inside: Inside::Always,
        ..TxChecksums::default()
    };
    for (made, open) in [(made, open), (made6, open6)] {
        for tx in [TxChecksums::default(), nic] {
            let mut snapshot = switch();
            edit_port(&mut snapshot, A, |port| {
                (port.rx_open, port.rx_checksum) = (true, RxChecksum::Recompute);
            });
            edit_port(&mut snapshot, B, |port| port.tx = tx);
            let mut site = Site::with_all(16, snapshot);
            site.learn(learned(0, guest(2).0, to_port(B)));
            let packet = site.pool.alloc(&open).unwrap().with_open_checksum();
            assert!(site.rx[A].push(packet).is_ok());
            site.poll(0, 0);
            assert!(site.sent(B).concat() == made, "{tx:?}");
            assert_eq!(site.tx[B].finished(), 0, "{tx:?}");
            site.stop();
        }
    }
}

#[test]
fn what_is_put_into_another_buffer_is_still_open_or_made() {
    let (made, open) = segment();
    let nic = TxChecksums {
        udp: true,
        tcp: true,
        inside: Inside::Always,
        ..TxChecksums::default()
    };
    let tunnel = Destination::Remote(remote(0));
    // Headers in pieces, a port that takes one segment, and no room for outer headers.
    for (first, front, by_nic) in [(100, 0, 0), (300, 0, 1), (2000, 100, 1)] {
        for (to, egress, outer) in [(to_port(B), B, 0), (tunnel, UPLINK, 50)] {
            let mut snapshot = switch();
            edit_port(&mut snapshot, A, |port| port.rx_open = true);
            edit_port(&mut snapshot, egress, |port| {
                (port.tx, port.may_chain) = (nic, false);
            });
            let mut site = Site::with_all(16, snapshot);
            site.learn(learned(0, guest(2).0, to));
            site.learn(learned(0, guest(1).0, to_port(A)));
            let packet = site.pool.alloc_chain(&open[front..], first);
            let mut packet = packet.unwrap();
            if front > 0 {
                let place = packet.prepend(front).unwrap();
                place.copy_from_slice(&open[..front]);
            }
            assert!(site.rx[A].push(packet.with_open_checksum()).is_ok());
            site.poll(0, 0);
            let sent = site.sent(egress).concat();
            assert!(sent[outer..] == made, "{first}, {outer}");
            assert_eq!(site.tx[egress].finished(), by_nic, "{first}, {outer}");
            site.stop();
        }
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
