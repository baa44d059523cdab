//! Packets that a guest of net_vhost leaves to be cut.

use crate::open::{Running, across, pair_of};
use crate::rig::{bytes, on_eal, pattern, pool};
use fastpath::dpdk::{Eal, Mbuf, Mempool, PoolConfig};
use fastpath::io::{Left, Packet, Pool};
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, Transport};
use std::num::NonZeroU16;

/// Bytes of payload of the whole and of a segment.
const WHOLE: usize = 8000;
const SEGMENT: NonZeroU16 = NonZeroU16::new(1000).unwrap();

/// A guest's pool, whose buffers hold the whole.
fn guest_pool(eal: &Eal, name: &str) -> Mempool {
    let config = PoolConfig {
        name: format!("guest_{name}"),
        mbufs: 255,
        mtu: 9000,
        socket: None,
    };
    Mempool::new(eal, &config).unwrap()
}

/// A packet with its checksum, and with that left open.
fn frames() -> (Vec<u8>, Vec<u8>) {
    let end = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
    let made = Pair::new(end(1), end(2)).tcp(1, 2, &pattern(WHOLE));
    let found = Transport::of(&made, made.len()).unwrap();
    let mut open = made.clone();
    let pseudo = !found.pseudo.finish();
    open[found.checksum_at()..][..2].copy_from_slice(&pseudo.to_be_bytes());
    (made, open)
}

/// As the guest leaves it: to be cut, or whole with an open checksum.
fn left(pool: &Mempool, segment: Option<NonZeroU16>) -> Mbuf {
    let open = frames().1;
    let mut packet = pool.alloc(&open).unwrap();
    let left = Left::of(&open).unwrap();
    packet.leave(Some(Left { segment, ..left }));
    packet
}

/// The ends of a socket whose host has these arguments beside `tso=1`, and what is to be the same at the end.
fn with_ends(
    name: &'static str,
    more: &'static str,
    offload: bool,
    test: fn([&mut Running; 2], [&Mempool; 2]),
) {
    on_eal(move |eal| {
        let pools = [pool(eal, name), guest_pool(eal, name)];
        let arguments = format!(",tso=1{more}");
        let [mut host, mut guest] =
            pair_of(eal, name, [&pools[0], &pools[1]], offload, [&arguments, ""]);
        test([&mut host, &mut guest], [&pools[0], &pools[1]]);
        for (port, rx, tx) in [guest, host] {
            drop(port.stop(vec![rx], vec![tx]).unwrap());
        }
        assert_eq!(pools.map(|pool| pool.in_use()), [0, 0]);
    });
}

fn has_note(host: &Running, begins: &str) -> bool {
    let notes = &host.0.settings().notes;
    notes.iter().any(|note| note.starts_with(begins))
}

#[test]
fn a_guest_says_how_long_segments_are_to_be_and_pieces_are_taken_out_of_the_chain() {
    with_ends("uncut", "", true, |[host, guest], [pool, guests]| {
        assert!(!has_note(host, "tso=1"), "{:?}", host.0.settings());
        let open = frames().1;
        let packet = across(&mut guest.2, &mut host.1, left(guests, Some(SEGMENT)));
        assert!(packet.is_open() && bytes(&packet) == open);
        assert_eq!(packet.segment(), Some(SEGMENT));
        let room = pool.room();
        assert_eq!(packet.buffers(), open.len().div_ceil(room));
        let at = open.len() - WHOLE;
        for (from, len) in [
            (at, 1000),
            (room - 1, 2),
            (room, 1000),
            (2 * room - 700, 1000),
            (room - 10, 1900),
            (open.len() - 1, 1),
        ] {
            let piece = pool.piece(&open[..at], &packet, from, len).unwrap();
            let expected = [&open[..at], &open[from..from + len]].concat();
            assert!(bytes(&piece) == expected, "{len} from {from}");
            assert_eq!(
                (piece.buffers(), piece.left(), piece.segment()),
                (1, None, None)
            );
        }
        assert!(
            pool.piece(&[], &packet, open.len() - 1, 2).is_none(),
            "beyond the end"
        );
        assert!(
            pool.piece(&open[..at], &packet, at, room).is_none(),
            "no room"
        );
        assert!(pool.piece(&open[..at], &packet, at, room - at).is_some());
        assert_eq!(pool.in_use(), packet.buffers(), "pieces went back");
    });
}

#[test]
fn what_is_not_to_be_cut_has_no_size_of_segments() {
    with_ends("closed", "", true, |[host, guest], [_, guests]| {
        let mut packet = across(&mut guest.2, &mut host.1, left(guests, None));
        assert_eq!((packet.is_open(), packet.segment()), (true, None));
        // What is asked as it is sent is not what was said as it came.
        let asked = Left {
            segment: Some(SEGMENT),
            ..Left::of(packet.head()).unwrap()
        };
        packet.leave(Some(asked));
        assert_eq!((packet.is_open(), packet.segment()), (true, None));
        drop(packet);
        packet = across(&mut guest.2, &mut host.1, left(guests, Some(SEGMENT)));
        packet.clear_rx_checksums();
        assert_eq!((packet.is_open(), packet.segment()), (false, None));
    });
}

#[test]
fn without_offload_packets_come_long_and_closed_and_a_note_says_so() {
    with_ends("made_long", "", false, |[host, guest], [_, guests]| {
        assert!(
            has_note(host, "tso=1, and the driver is not asked what is open"),
            "{:?}",
            host.0.settings()
        );
        let packet = across(&mut guest.2, &mut host.1, left(guests, Some(SEGMENT)));
        assert!(bytes(&packet) == frames().0, "with its checksum");
        assert_eq!((packet.is_open(), packet.segment()), (false, None));
    });
}

#[test]
fn with_legacy_flags_packets_come_long_and_a_note_says_so() {
    with_ends(
        "legacy",
        ",legacy-ol-flags=1",
        true,
        |[host, guest], [_, guests]| {
            assert!(
                has_note(host, "tso=1 with legacy-ol-flags=1"),
                "{:?}",
                host.0.settings()
            );
            let packet = across(&mut guest.2, &mut host.1, left(guests, Some(SEGMENT)));
            assert!(bytes(&packet) == frames().1, "without its checksum");
            assert_eq!(
                (packet.is_open(), packet.segment(), packet.left()),
                (false, None, None)
            );
        },
    );
}
