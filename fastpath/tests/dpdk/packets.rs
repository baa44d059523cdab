//! Packets and pools.

use crate::rig::{bytes, on_eal, packet, pattern, pool};
use fastpath::io::{Packet, Pool};

/// Segments that have data.
fn segments(packet: &impl Packet) -> usize {
    let mut count = 0;
    packet.for_each_segment(0, |segment| count += usize::from(!segment.is_empty()));
    count
}

/// Nobody else refers to the bytes of the first segment.
fn is_writable(packet: &mut impl Packet) -> bool {
    !packet.head_mut().is_empty()
}

#[test]
fn a_packet_grows_and_shrinks_at_its_front() {
    on_eal(|eal| {
        let pool = pool(eal, "front");
        let mut packet = packet(&pool, 100);
        assert_eq!((packet.len(), packet.head()), (100, &pattern(100)[..]));
        packet.prepend(28).unwrap().fill(0xaa);
        assert_eq!(
            (packet.len(), packet.head()[27], packet.head()[28]),
            (128, 0xaa, 0)
        );
        assert!(packet.prepend(101).is_none(), "beyond the headroom");
        assert!(packet.prepend(70_000).is_none());
        assert_eq!(packet.prepend(100).unwrap().len(), 100);
        assert!(packet.trim_front(128) && !packet.trim_front(101));
        assert_eq!(bytes(&packet), pattern(100));
        assert!(packet.truncate(60) && packet.truncate(61));
        assert_eq!(bytes(&packet), pattern(60));
        packet.head_mut()[0] = 9;
        assert_eq!(packet.head()[0], 9);
        assert_eq!(pool.in_use(), 1);
    });
}

#[test]
fn a_pool_holds_what_it_says_and_gets_it_back() {
    on_eal(|eal| {
        let pool = pool(eal, "whole");
        assert_eq!(
            (pool.capacity(), pool.in_use(), pool.available()),
            (1023, 0, 1023)
        );
        let packets: Vec<_> = std::iter::from_fn(|| pool.alloc(&[1; 60])).collect();
        assert_eq!((packets.len(), pool.in_use()), (1023, 1023));
        assert!(pool.replicate(&packets[0], false).is_none());
        drop(packets);
        assert_eq!(pool.in_use(), 0);
        let fits = pool.alloc(&vec![0; pool.room()]);
        assert_eq!(fits.map(|packet| packet.len()), Some(2048));
        assert!(pool.alloc(&vec![0; pool.room() + 1]).is_none());
        assert_eq!(pool.in_use(), 0, "a packet that did not fit was kept");
    });
}

#[test]
fn a_pool_is_freed_with_its_last_clone_but_not_before_its_packets() {
    on_eal(|eal| {
        let first = pool(eal, "again");
        let clone = first.clone();
        drop(first);
        assert!(clone.alloc(&[0; 60]).is_some());
        drop(clone);
        // The name is free again, so the pool is gone.
        let second = pool(eal, "again");
        let packet = packet(&second, 100);
        drop(second);
        assert_eq!(bytes(&packet), pattern(100));
    });
}

#[test]
fn a_short_replica_is_a_copy() {
    on_eal(|eal| {
        let pool = pool(eal, "short");
        for (len, may_chain) in [(256, true), (1600, false)] {
            let mut packet = packet(&pool, len);
            let mut replica = pool.replicate(&packet, may_chain).unwrap();
            assert_eq!((segments(&replica), bytes(&replica)), (1, pattern(len)));
            packet.head_mut().fill(1);
            replica.head_mut()[0] = 2;
            assert_eq!((bytes(&packet), replica.head()[0]), (vec![1; len], 2));
            assert_eq!(bytes(&replica)[1..], pattern(len)[1..]);
        }
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_long_replica_shares_all_but_its_front() {
    on_eal(|eal| {
        let pool = pool(eal, "long");
        let mut packet = packet(&pool, 1000);
        let mut replica = pool.replicate(&packet, true).unwrap();
        assert_eq!(
            (segments(&replica), replica.head().len(), replica.len()),
            (2, 128, 1000)
        );
        assert_eq!((bytes(&replica), pool.in_use()), (pattern(1000), 3));
        // The replica's front is its own; the shared bytes are read only, on both sides.
        assert!(is_writable(&mut replica) && !is_writable(&mut packet));
        replica.prepend(50).unwrap().fill(0xbb);
        replica.head_mut()[50] = 0xcc;
        assert!(packet.head_mut().is_empty() && packet.prepend(1).is_none());
        assert_eq!(bytes(&packet), pattern(1000));
        // Its ends may still be moved, which only concerns its own header.
        assert!(packet.trim_front(10) && packet.truncate(900));
        assert_eq!(bytes(&packet), pattern(1000)[10..910]);
        assert!(replica.trim_front(51));
        assert_eq!(bytes(&replica), pattern(1000)[1..]);
        drop(packet);
        assert_eq!(
            bytes(&replica),
            pattern(1000)[1..],
            "the buffer outlives its packet"
        );
        drop(replica);
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_packet_is_writable_again_when_its_replicas_are_gone() {
    on_eal(|eal| {
        let pool = pool(eal, "alone");
        let mut packet = packet(&pool, 1000);
        let replicas: Vec<_> = (0..3)
            .map(|_| pool.replicate(&packet, true).unwrap())
            .collect();
        assert!(!is_writable(&mut packet));
        std::thread::spawn(move || drop(replicas)).join().unwrap();
        assert!(is_writable(&mut packet));
        assert_eq!(packet.prepend(50).unwrap().len(), 50);
        drop(packet);
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_replica_can_be_replicated() {
    on_eal(|eal| {
        let pool = pool(eal, "twice");
        let original = packet(&pool, 1500);
        let mut first = pool.replicate(&original, true).unwrap();
        first.prepend(50).unwrap().fill(0xaa);
        // Its head of 178 bytes is longer than what is copied, so that is shared too.
        let mut second = pool.replicate(&first, true).unwrap();
        assert_eq!(segments(&second), 3);
        assert_eq!(bytes(&second), bytes(&first));
        assert!(!is_writable(&mut first) && is_writable(&mut second));
        let copy = pool.replicate(&second, false).unwrap();
        assert_eq!((segments(&copy), bytes(&copy)), (1, bytes(&first)));
        drop((original, first));
        assert_eq!(bytes(&second), bytes(&copy));
        drop((second, copy));
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn segments_are_cut_and_skipped_to_the_byte() {
    on_eal(|eal| {
        let pool = pool(eal, "cut");
        let packet = packet(&pool, 300);
        for len in [0, 1, 127, 128, 129, 299, 300, 301] {
            let mut replica = pool.replicate(&packet, true).unwrap();
            assert!(replica.truncate(len));
            assert_eq!(bytes(&replica), pattern(300)[..len.min(300)], "{len}");
            assert_eq!(replica.len(), len.min(300));
            let expected = match len {
                0 => 0,
                1..=128 => 1,
                _ => 2,
            };
            assert_eq!(segments(&replica), expected, "{len}");
            let replica = pool.replicate(&packet, true).unwrap();
            let mut seen = Vec::new();
            replica.for_each_segment(len, |segment| {
                assert!(!segment.is_empty());
                seen.extend_from_slice(segment);
            });
            assert_eq!(seen, pattern(300)[len.min(300)..], "{len}");
        }
        drop(packet);
        assert_eq!(pool.in_use(), 0, "cut segments went back");
    });
}

#[test]
fn a_failed_replica_leaves_nothing_behind() {
    on_eal(|eal| {
        let pool = pool(eal, "empty");
        let mut packets: Vec<_> = std::iter::from_fn(|| pool.alloc(&pattern(1000))).collect();
        // One left: enough for the replica's own segment, not for the one that refers.
        drop(packets.pop());
        assert!(pool.replicate(&packets[0], true).is_none());
        assert_eq!(pool.in_use(), 1022);
        assert!(is_writable(&mut packets[0]));
    });
}
