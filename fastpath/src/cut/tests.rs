//! A guest that cuts itself sends the same.

use super::*;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::snapshot::Inside;
use crate::testing::{Stream, outer, tunnelled};
use crate::wire::Transport;
use proptest::prelude::*;
use std::num::NonZeroU16;

fn streams() -> impl Strategy<Value = Stream> {
    let place = (any::<u32>(), any::<u16>(), any::<u8>());
    let form = (any::<bool>(), 0..3usize, 0..11u8);
    (form, place).prop_map(|((ipv6, tags, options), (sequence, ident, flags))| Stream {
        src: 1,
        dst: 2,
        ipv6,
        tags: vec![5; tags],
        options,
        flags,
        sequence,
        ident,
    })
}

/// Bytes of payload, of the whole and of a segment: few segments, or larger ones.
fn lengths() -> impl Strategy<Value = (usize, usize)> {
    let few = (2..4000usize, 2..=FEW).prop_map(|(len, count)| (len, len.div_ceil(count)));
    let large = (2..60_000usize, 512..1500usize);
    prop_oneof![few, large.prop_filter("one", |(len, size)| len > size)]
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// As a guest hands it over, with so many bytes in its first segment.
fn handed(pool: &HeapPool, frame: &[u8], first: usize, size: u16) -> HeapPacket {
    let packet = pool.alloc_chain(frame, first).unwrap();
    packet.with_segments(NonZeroU16::new(size))
}

fn cut_all(pool: &HeapPool, packet: &HeapPacket, left: Left, tx: TxChecksums) -> Vec<HeapPacket> {
    let segments = cut(pool, packet, left, tx, &mut IpIds::new(0));
    segments.unwrap().into_iter().collect()
}

/// What leaves if the NIC makes what is left to it.
fn on_wire(mut packet: HeapPacket) -> Vec<u8> {
    if let Some(left) = packet.left() {
        left.finish(&mut packet);
    }
    packet.bytes()
}

const ALL: TxChecksums = TxChecksums {
    udp: true,
    tcp: true,
    segments: false,
    inside: Inside::Always,
    inside_segments: false,
};

proptest! {
    #[test]
    fn segments_are_those_that_the_guest_would_have_sent(
        stream in streams(),
        (len, size) in lengths(),
        nic: bool,
    ) {
        let payload = payload(len);
        let whole = stream.whole(&payload);
        let pool = HeapPool::with_data_room(200, 4500);
        let packet = handed(&pool, &whole, 250, size as u16);
        let left = uncut(&packet).unwrap();
        prop_assert_eq!(left.longest(packet.len()), stream.header_len() + size);
        let tx = ALL.only_if(nic);
        let segments = cut_all(&pool, &packet, left, tx);
        let by_nic = segments.iter().filter(|segment| segment.left().is_some()).count();
        let plain = stream.tags.len() < 2;
        prop_assert_eq!(by_nic, if nic && plain { segments.len() } else { 0 });
        let sent: Vec<_> = segments.into_iter().map(on_wire).collect();
        prop_assert_eq!(sent, stream.segments(&payload, size));
    }

    #[test]
    fn each_segment_gets_the_outer_headers_of_the_whole(
        stream in streams(),
        (len, size) in lengths(),
        (wanted, df, nic) in any::<(bool, bool, bool)>(),
    ) {
        let payload = payload(len);
        let pool = HeapPool::with_data_room(200, 4500);
        let inner = handed(&pool, &stream.whole(&payload), 250, size as u16);
        let left = uncut(&inner).unwrap().inside(14, 20);
        let mut frame = tunnelled(1, 10, &inner.bytes());
        frame[20] = u8::from(df) << 6;
        if wanted {
            frame[40..42].copy_from_slice(&WANTED.to_be_bytes());
        }
        let packet = pool.alloc_chain(&frame, 300).unwrap();
        let segments = cut_all(&pool, &packet, left, ALL.only_if(nic));
        let alone = stream.segments(&payload, size);
        prop_assert_eq!(segments.len(), alone.len());
        for (number, (segment, alone)) in segments.into_iter().zip(alone).enumerate() {
            let mut sent = on_wire(segment);
            let ident = u16::from_be_bytes([sent[18], sent[19]]);
            prop_assert_eq!(ident, if df { 0 } else { number as u16 });
            let udp = Udp::new(&sent[34..]).unwrap();
            let pair = outer(1);
            prop_assert!(udp.verify_v4(pair.ip.src, pair.ip.dst));
            prop_assert_eq!(udp.checksum() != 0, wanted);
            // Made anew, as for any packet that is sent.
            sent[40..42].fill(0);
            let mut expected = tunnelled(1, 10, &alone);
            let mut ip = Ipv4::new(&mut expected[14..]).unwrap();
            ip.set_ident(ident);
            ip.set_dont_fragment(df);
            ip.fill_checksum();
            prop_assert_eq!(sent, expected);
        }
    }

    #[test]
    fn noise_is_cut_without_panic_or_not_at_all(
        stream in streams(),
        at in any::<prop::sample::Index>(),
        value: u8,
        keep in 0..400usize,
        first in 1..400usize,
        size: u16,
    ) {
        let mut frame = stream.whole(&payload(300));
        frame[at.index(142)] = value;
        frame.truncate(keep);
        let pool = HeapPool::with_data_room(400, 4500);
        let packet = handed(&pool, &frame, first, size);
        if let Some(left) = uncut(&packet) {
            let segments = cut_all(&pool, &packet, left, ALL);
            let payloads: usize = segments.iter().map(|one| one.len() - left.payload_at()).sum();
            prop_assert_eq!(payloads, frame.len() - left.payload_at());
            prop_assert!(segments.iter().all(|one| one.len() <= left.longest(frame.len())));
        }
    }
}

fn stream() -> Stream {
    Stream::new()
}

#[test]
fn what_fits_into_one_segment_or_none_can_tell_how_is_not_cut() {
    let pool = HeapPool::new(1);
    let of = |frame: &[u8], size| uncut(&handed(&pool, frame, 1100, size)).is_some();
    let whole = stream().whole(&payload(1000));
    assert!(of(&whole, 999) && of(&whole, 125));
    assert!(!of(&whole, 1000) && !of(&whole, 124), "more than {FEW}");
    let long = stream().whole(&payload(65_000));
    assert!(of(&long, 512) && of(&long, 9000) && !of(&long, 511));
    assert!(!of(&whole[..900], 200), "cut short");
    assert!(!of(&[&whole[..], &[0; 4]].concat(), 200), "with padding");
    let mut udp = whole.clone();
    udp[23] = 17;
    let mut fragment = whole.clone();
    fragment[20] = 0x20;
    let mut offset = whole.clone();
    offset[46] = 0x40;
    assert!(!of(&udp, 200) && !of(&fragment, 200) && !of(&offset, 200));
    let packet = pool.alloc(&whole).unwrap().with_open_checksum();
    assert_eq!(uncut(&packet), None, "nobody said that it is to be cut");
}

#[test]
fn without_a_buffer_for_each_there_is_none() {
    let pool = HeapPool::new(8);
    let packet = handed(&pool, &stream().whole(&payload(1000)), 4000, 125);
    let left = uncut(&packet).unwrap();
    let ip_ids = &mut IpIds::new(0);
    assert!(cut(&pool, &packet, left, ALL, ip_ids).is_none());
    assert_eq!(pool.out(), 1);
}

#[test]
fn for_a_nic_no_length_is_summed_and_no_ip_checksum_is_made() {
    let pool = HeapPool::new(2);
    for ipv6 in [false, true] {
        let stream = Stream { ipv6, ..stream() };
        let inner = handed(&pool, &stream.whole(&payload(1000)), 4000, 200);
        let left = uncut(&inner).unwrap();
        let tunnel = tunnelled(1, 10, &inner.bytes());
        let packet = pool.alloc(&tunnel).unwrap();
        for (left, mut packet) in [(left, inner), (left.inside(14, 20), packet)] {
            let before = packet.bytes();
            for_nic(&mut packet, left);
            let after = packet.bytes();
            let frame = &after[left.frame_at()..];
            let ip = stream.pseudo_without_length();
            assert_eq!(left.word(&packet), !ip.finish());
            let found = Transport::of(frame, frame.len()).unwrap();
            let v4 = (!ipv6).then(|| &frame[24..26]);
            assert!(v4.is_none_or(|field| field == [0, 0]));
            if left.outer.is_some() {
                assert_eq!(after[24..26], [0, 0]);
            }
            let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            assert!(changed <= 6, "{changed}");
            assert_eq!(found.at + left.frame_at(), left.at());
        }
    }
}
