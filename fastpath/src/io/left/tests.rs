//! What is found in a frame, and what is made of it.

use super::*;
use crate::io::Pool;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::wire::craft::{Pair, tagged};
use crate::wire::{EtherType, Mac, Tag};

fn pair() -> Pair {
    let end = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
    Pair::new(end(1), end(2))
}

/// IPv6 with the UDP datagram of [`Pair::udp6`] behind these headers, the first of this kind.
fn behind(first: u8, headers: &[u8]) -> Vec<u8> {
    let datagram = pair().udp6(1, 2, b"odd")[54..].to_vec();
    pair().ipv6(Protocol(first), &[headers, &datagram].concat())
}

/// IPv4 with options.
fn with_options() -> Vec<u8> {
    let mut frame = pair().tcp(1, 2, b"odd");
    frame[14] = 0x46;
    frame[17] += 4;
    frame.splice(34..34, [1, 1, 1, 0]);
    frame
}

/// The frame, whose checksum is right, as a sender leaves it that does not make it.
fn opened(frame: &[u8], left: Left) -> Vec<u8> {
    let mut open = frame.to_vec();
    let field = left.field()..left.field() + 2;
    let right = u16::from_be_bytes([frame[field.start], frame[field.start + 1]]);
    open[field.clone()].fill(0);
    let rest = Sum::new().add_bytes(&open[left.at()..]).finish();
    let pseudo = !Sum::new().add_u16(!right).add_u16(rest).finish();
    open[field].copy_from_slice(&pseudo.to_be_bytes());
    open
}

#[test]
fn what_is_found_is_made_as_it_was() {
    let (tcp, udp, udp6) = (
        pair().tcp(1, 2, b"odd"),
        pair().udp(1, 2, b"odd"),
        pair().udp6(1, 2, b"odd"),
    );
    let tag = |frame: &[u8]| tagged(frame, EtherType::VLAN, Tag::from_bits(5));
    let two = [&[43, 0][..], &[0; 6], &[17, 1], &[0; 14]].concat();
    for (what, frame, place) in [
        ("TCP", tcp.clone(), (14, 20, 20)),
        ("UDP", udp, (14, 20, 8)),
        ("UDP over IPv6", udp6, (14, 40, 8)),
        ("one tag", tag(&tcp), (18, 20, 20)),
        ("two tags", tag(&tag(&tcp)), (22, 20, 20)),
        ("options", with_options(), (14, 24, 20)),
        (
            "hop by hop",
            behind(0, &[17, 0, 1, 4, 0, 0, 0, 0]),
            (14, 48, 8),
        ),
        ("two headers", behind(60, &two), (14, 64, 8)),
    ] {
        let left = Left::of(&frame).unwrap();
        assert_eq!((left.l2_len, left.l3_len, left.l4_len), place, "{what}");
        let open = opened(&frame, left);
        assert_ne!(open, frame, "{what}");
        let pool = HeapPool::new(1);
        let mut packet = pool.alloc(&open).unwrap();
        left.finish(&mut packet);
        assert_eq!(packet.bytes(), frame, "{what}");
        drop(packet);
        // The same with outer headers in front of it, whatever is in them.
        let outer = [&[7; 18 + 20 + 8 + 8][..], &open].concat();
        let mut packet = pool.alloc(&outer).unwrap();
        let inside = left.inside(18, 20);
        assert_eq!(inside.word(&packet), left.word(&pool_of(&open)), "{what}");
        inside.finish(&mut packet);
        assert_eq!(packet.bytes()[54..], frame, "{what}");
    }
}

fn pool_of(frame: &[u8]) -> HeapPacket {
    HeapPool::with_data_room(1, 4096).alloc(frame).unwrap()
}

#[test]
fn what_has_no_checksum_of_its_own_is_not_found() {
    let mut fragment = pair();
    fragment.ip.more_fragments = true;
    let mut endless = pair().ipv6(Protocol(0), &[0; 80]);
    endless[54..].fill(0);
    let short = |frame: Vec<u8>, len: usize| frame[..len].to_vec();
    for (what, frame) in [
        ("fragment", fragment.udp(1, 2, b"odd")),
        ("fragment of IPv6", behind(44, &[17, 0, 0, 1, 0, 0, 0, 0])),
        ("ICMP", pair().ipv4(Protocol(1), &[0; 30])),
        ("ARP", pair().arp_request()),
        ("headers without end", endless),
        ("a cut header", short(pair().udp(1, 2, b""), 41)),
        ("a cut segment", short(pair().tcp(1, 2, b""), 53)),
        ("a cut extension", short(behind(0, &[17, 3]), 55)),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(Left::of(&frame), None, "{what}");
    }
}

/// UDP behind hop by hop options of so many bytes, a multiple of 8.
fn hops(len: usize) -> Vec<u8> {
    let mut header = vec![0; len];
    (header[0], header[1]) = (17, (len / 8 - 1) as u8);
    behind(0, &header)
}

/// The frame with the sum of its pseudo header in the checksum's place, as far as one can be told.
fn with_pseudo(frame: &[u8], left: Left) -> HeapPacket {
    let mut packet = pool_of(frame);
    if let Some(found) = Transport::of(frame, frame.len()) {
        left.open(&mut packet, found.pseudo);
    }
    packet
}

#[test]
fn only_what_every_nic_understands_is_left_to_one() {
    let (tcp, udp, udp6) = (
        pair().tcp(1, 2, b"odd"),
        pair().udp(1, 2, b"odd"),
        pair().udp6(1, 2, b"odd"),
    );
    let tag = |frame: &[u8]| tagged(frame, EtherType::VLAN, Tag::from_bits(5));
    let with = |frame: &[u8], at: usize, byte: u8| {
        let mut frame = frame.to_vec();
        frame[at] = byte;
        frame
    };
    for (what, frame, plain) in [
        ("TCP", tcp.clone(), true),
        ("UDP", udp.clone(), true),
        ("UDP over IPv6", udp6.clone(), true),
        ("one tag", tag(&tcp), true),
        ("two tags", tag(&tag(&tcp)), false),
        ("options", with_options(), false),
        ("an extension header", hops(8), false),
        ("a TCP header too short", with(&tcp, 46, 0x40), false),
        ("a TCP header too long", with(&tcp, 46, 0xf0), false),
        ("padding", [&tcp[..], &[0; 3]].concat(), false),
        ("padding of IPv6", [&udp6[..], &[0; 3]].concat(), false),
        ("IP that ends before the packet", with(&tcp, 17, 42), false),
        ("UDP that ends before IP", with(&udp, 39, 10), false),
    ] {
        let left = Left::of(&frame).unwrap();
        assert_eq!(left.is_plain(&with_pseudo(&frame, left)), plain, "{what}");
    }
    let left = Left::of(&tcp).unwrap();
    let mut packet = with_pseudo(&tcp, left);
    assert!(!left.inside(14, 20).is_plain(&packet));
    // NICs that write the sum of the pseudo header anew would not come to the same.
    packet.head_mut()[33] ^= 1;
    assert!(!left.is_plain(&packet));
}

#[test]
fn what_a_nic_cannot_be_told_is_known() {
    // 40 and 472 bytes are 512, whose nine lowest bits are zero.
    for (len, fits) in [(464, true), (472, false), (2040, false)] {
        let frame = hops(len);
        let left = Left::of(&frame).unwrap();
        assert_eq!((usize::from(left.l3_len), left.fits()), (40 + len, fits));
        assert!(!left.is_plain(&with_pseudo(&frame, left)));
    }
    let left = Left::of(&pair().tcp(1, 2, b"")).unwrap();
    for (l2_len, l3_len, fits) in [(127, 511, true), (128, 511, false), (127, 512, false)] {
        let outer = Some((l2_len, l3_len));
        assert_eq!(Left { outer, ..left }.fits(), fits);
        let alone = Left {
            l2_len,
            l3_len,
            ..left
        };
        assert_eq!(alone.fits(), fits);
    }
}
