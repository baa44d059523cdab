//! Buffers as a guest may fill them.

use super::*;
use crate::cut::uncut;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::testing::Stream;
use proptest::prelude::*;
use std::num::NonZeroU16;

fn stream(ipv6: bool) -> Stream {
    Stream {
        ipv6,
        ..Stream::new()
    }
}

/// A packet with so many bytes of payload, of which the first buffer has `first` and the headers.
fn packet(len: usize, first: usize, size: u16) -> (HeapPacket, Left) {
    let stream = stream(false);
    let frame = stream.whole(&vec![7; len]);
    let pool = HeapPool::with_data_room(1, 70_000);
    let first = stream.header_len() + first;
    let packet = pool.alloc_chain(&frame, first).unwrap();
    let packet = packet.with_segments(NonZeroU16::new(size));
    let left = uncut(&packet).unwrap();
    (packet, left)
}

fn suits(len: usize, first: usize, size: u16) -> bool {
    let (packet, left) = packet(len, first, size);
    assert!(left.is_plain(&packet));
    suits_nics(&packet, left)
}

#[test]
fn a_segment_has_a_size_that_no_nic_takes_for_malice() {
    for (len, size, taken) in [
        (1500, 255, false),
        (1500, 256, true),
        (20_000, 9668, true),
        (20_000, 9669, false),
    ] {
        assert_eq!(suits(len, len / 2, size), taken, "{size}");
    }
}

#[test]
fn what_only_the_first_segment_may_say_is_not_left_to_a_nic() {
    let (mut packet, left) = packet(1500, 1500, 500);
    assert!(suits_nics(&packet, left));
    packet.head_mut()[left.at() + 13] |= flag::CWR;
    assert!(!suits_nics(&packet, left));
}

#[test]
fn a_buffer_is_no_longer_than_a_descriptor_can_say() {
    assert!(suits(32_000, 0x3fff - 54, 1448));
    assert!(!suits(32_000, 0x4000 - 54, 1448), "the first");
    assert!(suits(16_383 + 500, 500, 1448));
    assert!(!suits(16_384 + 500, 500, 1448), "the second");
}

/// A whole packet of 54 bytes of headers, in such buffers.
fn buffers(lens: &[usize], size: usize) -> Buffers {
    let mut buffers = Buffers::new(packet(600, 600, 256).1, size);
    assert_eq!((buffers.l2_len, buffers.headers), (14, 54));
    lens.iter().for_each(|len| buffers.go_on(*len));
    buffers
}

#[test]
fn a_packet_is_in_no_more_buffers_than_ixgbe_takes() {
    for (count, taken) in [(40, true), (41, false)] {
        assert_eq!(buffers(&vec![1000; count], 1448).suit(), taken, "{count}");
    }
}

#[test]
fn a_segment_is_in_no_more_buffers_than_intels_nics_fetch() {
    let tail = |len| [[54 + 1448].as_slice(), &[len; 9], &[2000]].concat();
    // 1448 bytes in six whole ones and the ends of two.
    assert!(buffers(&tail(1448 / 7 + 1), 1448).suit());
    assert!(!buffers(&tail(1448 / 8 + 1), 1448).suit());
    // Headers alone count as the one that is fetched beside.
    let apart = |count: usize| [[54].as_slice(), &vec![10; count], &[2000]].concat();
    assert!(buffers(&apart(6), 1448).suit() && !buffers(&apart(7), 1448).suit());
}

#[test]
fn the_outermost_header_can_say_how_long_the_whole_is() {
    for (last, taken) in [(15_549, true), (15_550, false)] {
        let lens = [10_000, 10_000, 10_000, 10_000, 10_000, last];
        assert_eq!(buffers(&lens, 1448).suit(), taken, "{last}");
    }
    let left = packet(600, 600, 256).1;
    assert_eq!(Buffers::new(left.inside(18, 20), 256).l2_len, 18);
}

#[test]
fn plain_headers_are_no_longer_than_mlx5_takes() {
    let mut longest = packet(600, 600, 256).1;
    (longest.ipv6, longest.l2_len, longest.l3_len, longest.l4_len) = (true, 18, 40, 60);
    assert_eq!(longest.inside(18, 20).payload_at(), 172);
}

proptest! {
    #[test]
    fn no_segment_is_in_more_buffers_than_are_counted(
        lens in prop::collection::vec(1..400usize, 1..60),
        size in 1..600usize,
    ) {
        // The buffer of each byte.
        let each = lens.iter().enumerate();
        let bytes: Vec<usize> = each.flat_map(|(buffer, len)| vec![buffer; *len]).collect();
        let of_segment = |segment: &[usize]| segment[segment.len() - 1] - segment[0] + 1;
        let most = bytes.iter().skip(54).copied().collect::<Vec<_>>();
        let most = most.chunks(size).map(of_segment).max().unwrap_or(0);
        prop_assert_eq!(buffers(&lens, size).most, most);
    }
}
