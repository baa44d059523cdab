//! What CHECKSUM_PARTIAL leaves is made whole, and everything else stays as it is.

use super::*;
use crate::io::Pool;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::parse::parse;
use crate::testing::{UPLINK, guest, inner, outer, port, tunnelled, udp_ports};
use crate::wire::craft::{Pair, tagged};
use crate::wire::udp::Udp;
use crate::wire::{EtherType, Tag, Vni};
use proptest::prelude::*;

/// The bytes of a packet after it was received on a port that recomputes.
fn received(mut packet: HeapPacket) -> Vec<u8> {
    let parsed = parse(port(UPLINK), packet.head(), packet.len(), &udp_ports());
    recompute(&mut packet, &parsed.layout);
    packet.bytes()
}

fn recomputed(frame: &[u8]) -> Vec<u8> {
    received(HeapPool::new(1).alloc(frame).unwrap())
}

/// The same for a packet of two segments, the first of 200 bytes, if it is long enough for them.
fn recomputed_chain(frame: &[u8]) -> Vec<u8> {
    let pool = HeapPool::new(2);
    let (front, rest) = frame.split_at(72.min(frame.len()));
    let whole = pool.alloc(rest).unwrap();
    let mut chain = pool.replicate(&whole, true).unwrap();
    drop(whole);
    chain.prepend(front.len()).unwrap().copy_from_slice(front);
    assert!(rest.len() <= 256 || chain.head().len() == 200);
    received(chain)
}

/// The frame as the kernel leaves it to a device, from the byte `at`: in place of the checksum the
/// sum of the pseudo header, which is not complemented.
fn unfinished(mut frame: Vec<u8>, at: usize) -> Vec<u8> {
    let found = Transport::of(&frame[at..], frame.len() - at).unwrap();
    let field = at + found.checksum_at();
    frame[field..][..2].copy_from_slice(&(!found.pseudo.finish()).to_be_bytes());
    frame
}

/// With a right UDP checksum in the outer header.
fn with_outer_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    let pair = outer(1);
    let mut view = Udp::new(&mut frame[34..]).unwrap();
    view.fill_checksum_v4(pair.ip.src, pair.ip.dst);
    frame
}

fn tcp6(pair: &Pair, payload: &[u8]) -> Vec<u8> {
    let v4 = pair.tcp(1, 2, payload);
    let mut frame = pair.ipv6(Protocol::TCP, &v4[34..]);
    let found = Transport::of(&frame, frame.len()).unwrap();
    frame[found.checksum_at()..][..2].fill(0);
    let sum = found.pseudo.add_bytes(&frame[found.at..]).finish();
    frame[found.checksum_at()..][..2].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// TCP or UDP over IPv4 or IPv6, with no tag, one or two, and maybe padded. Checksums are right.
fn plain() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 0..600);
    let kinds = (0..4u8, 0..3usize, 0..3usize, payload);
    (kinds, any::<u32>()).prop_map(|((kind, tags, padding, payload), address)| {
        let mut pair = Pair::new(guest(1), guest(2));
        pair.ip.src = address.into();
        let mut frame = match kind {
            0 => pair.tcp(1, 2, &payload),
            1 => pair.udp(1, 2, &payload),
            2 => tcp6(&pair, &payload),
            _ => pair.udp6(1, 2, &payload),
        };
        for _ in 0..tags {
            frame = tagged(&frame, EtherType::VLAN, Tag::from_bits(5));
        }
        frame.resize(frame.len() + padding, 0xa5);
        frame
    })
}

proptest! {
    #[test]
    fn what_is_unfinished_becomes_what_it_was(frame in plain()) {
        let open = unfinished(frame.clone(), 0);
        prop_assert_eq!(&recomputed(&open), &frame);
        prop_assert_eq!(&recomputed_chain(&open), &frame);
        prop_assert_eq!(recomputed(&frame), frame, "what was right stays");
    }

    #[test]
    fn either_checksum_of_a_tunnel_may_be_unfinished(inside in plain(), sums: bool) {
        let frame = tunnelled(1, 10, &inside);
        let frame = if sums { with_outer_checksum(frame) } else { frame };
        let open_inside = unfinished(frame.clone(), 50);
        prop_assert_eq!(&recomputed(&open_inside), &frame);
        prop_assert_eq!(&recomputed_chain(&open_inside), &frame);
        if sums {
            let open_outside = unfinished(frame.clone(), 0);
            prop_assert_eq!(&recomputed(&open_outside), &frame);
            prop_assert_eq!(&recomputed_chain(&open_outside), &frame);
        }
    }

    #[test]
    fn noise_changes_in_checksums_only(frame in plain(), at: prop::sample::Index, value: u8) {
        let mut broken = tunnelled(1, 10, &frame);
        let at = at.index(broken.len());
        broken[at] = value;
        let after = recomputed(&broken);
        let changed = broken.iter().zip(&after).filter(|(a, b)| a != b).count();
        prop_assert_eq!(after.len(), broken.len());
        prop_assert!(changed <= 4, "{} bytes changed", changed);
        prop_assert_eq!(recomputed(&after), after, "once is enough");
    }
}

#[test]
fn a_sum_of_zero_is_all_ones_for_udp_and_zero_for_tcp() {
    let pair = Pair::new(guest(1), guest(2));
    // The last word is chosen so that the sum comes out as all ones.
    let closing = |frame: Vec<u8>| {
        let found = Transport::of(&frame, frame.len()).unwrap();
        let mut bytes = frame[found.at..].to_vec();
        bytes[found.checksum_at() - found.at..][..2].fill(0);
        found.pseudo.add_bytes(&bytes).finish().to_be_bytes()
    };
    let udp = pair.udp(1, 2, &closing(pair.udp(1, 2, &[0, 0])));
    assert_eq!(udp[40..42], [0xff, 0xff]);
    assert_eq!(recomputed(&unfinished(udp.clone(), 0)), udp);
    let tcp = pair.tcp(1, 2, &closing(pair.tcp(1, 2, &[0, 0])));
    assert_eq!(tcp[50..52], [0, 0]);
    assert_eq!(recomputed(&unfinished(tcp.clone(), 0)), tcp);
    let mut none = pair.tcp(1, 2, b"payload");
    none[50..52].fill(0);
    assert_eq!(
        recomputed(&none),
        pair.tcp(1, 2, b"payload"),
        "to TCP zero says nothing"
    );
}

#[test]
fn a_udp_checksum_of_zero_stays_none() {
    let pair = Pair::new(guest(1), guest(2));
    let mut frame = pair.udp(1, 2, b"payload");
    frame[40..42].fill(0);
    assert_eq!(recomputed(&frame), frame);
    assert_eq!(
        recomputed(&tunnelled(1, 10, &frame)),
        tunnelled(1, 10, &frame)
    );
    let mut frame = pair.udp6(1, 2, b"payload");
    frame[60..62].fill(0);
    assert_eq!(recomputed(&frame), frame);
}

#[test]
fn fragments_stay_as_they_are() {
    for (more, offset) in [(true, 0), (true, 185), (false, 185)] {
        let mut pair = Pair::new(guest(1), guest(2));
        pair.ip.more_fragments = more;
        pair.ip.fragment_offset = offset;
        let mut frame = pair.udp(1, 2, b"payload");
        frame[40..42].fill(0x11);
        assert_eq!(recomputed(&frame), frame, "{more} {offset}");
        let tunnelled = with_outer_checksum(tunnelled(1, 10, &frame));
        assert_eq!(recomputed(&tunnelled), tunnelled, "{more} {offset}");
    }
}

#[test]
fn a_tunnel_in_a_tunnel_is_payload() {
    let nested = unfinished(tunnelled(1, 10, &inner(1, 2, 33)), 50);
    let frame = with_outer_checksum(tunnelled(1, 10, &with_outer_checksum(nested)));
    assert_eq!(recomputed(&frame), frame);
}

#[test]
fn a_datagram_longer_than_its_packet_stays_with_all_that_is_in_it() {
    let mut frame = unfinished(with_outer_checksum(tunnelled(1, 10, &inner(1, 2, 33))), 50);
    frame[38..40].copy_from_slice(&500u16.to_be_bytes());
    assert_eq!(recomputed(&frame), frame);
}

#[test]
fn a_checksum_behind_the_first_segment_stays() {
    let pool = HeapPool::new(2);
    let frame = unfinished(Pair::new(guest(1), guest(2)).udp(1, 2, &[7; 300]), 0);
    let whole = pool.alloc(&frame).unwrap();
    let mut chain = pool.replicate(&whole, true).unwrap();
    drop(whole);
    // 90 bytes in front, as of a stack of headers that nobody knows.
    chain.prepend(90).unwrap().fill(0xa5);
    let before = chain.bytes();
    assert_eq!(received(chain), before);
}

#[test]
fn other_udp_ports_have_one_checksum_only() {
    let inside = unfinished(inner(1, 2, 33), 0);
    let mut frame = outer(1).vxlan(50000, Vni::from_bytes([0, 0, 10]), &inside);
    frame[36..38].copy_from_slice(&4790u16.to_be_bytes());
    let frame = with_outer_checksum(frame);
    assert_eq!(recomputed(&frame), frame);
    assert_eq!(recomputed(&unfinished(frame.clone(), 0)), frame);
}
