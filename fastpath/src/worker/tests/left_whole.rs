//! Packets that a guest left to be cut, and that a NIC gets whole, or does not.

use super::*;
use crate::snapshot::{Df, RxChecksum, TxChecksums};
use crate::testing::{CUTS, Stream, edit_remote};
use std::num::NonZeroU16;

fn stream() -> Stream {
    Stream {
        options: 3,
        ..Stream::new()
    }
}

/// What leaves of 1400 bytes in segments of `size` by a port with that NIC: how many packets, how many of
/// these are still to be cut, and what was counted.
fn sent(
    to: Destination,
    stream: &Stream,
    size: u16,
    nic: TxChecksums,
    sums: bool,
) -> (usize, usize, String) {
    let egress = if to == to_port(B) { B } else { UPLINK };
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| port.rx_open = true);
    edit_port(&mut snapshot, egress, |port| port.tx = nic);
    edit_remote(&mut snapshot, 0, |settings| settings.udp_checksum = sums);
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, to));
    site.learn(learned(0, guest(1).0, to_port(A)));
    let packet = site.pool.alloc(&stream.whole(&[7; 1400])).unwrap();
    let packet = packet.with_segments(NonZeroU16::new(size));
    assert!(site.rx[A].push(packet).is_ok());
    site.poll(0, 0);
    let packets = site.sent_packets(egress);
    let whole = packets.iter().filter_map(Packet::left);
    let whole = whole.filter(|left| left.segment.is_some()).count();
    let count = packets.len();
    drop(packets);
    (count, whole, moved(&site.stop()[0]))
}

#[test]
fn a_nic_gets_a_packet_whole_only_if_every_nic_takes_it() {
    let plain = stream();
    let tags = Stream {
        tags: vec![0x2000; 2],
        ..stream()
    };
    for to in [to_port(B), Destination::Remote(remote(0))] {
        for (stream, size, packets, whole) in [
            (&plain, 256, 1, 1),
            // Some would take it for malice.
            (&plain, 255, 6, 0),
            (&tags, 256, 6, 0),
        ] {
            let (count, uncut, counters) = sent(to, stream, size, CUTS, false);
            assert_eq!((count, uncut), (packets, whole), "{to:?} {size} {counters}");
            let copied = counters.contains("0.copied 5");
            assert_eq!(copied, whole == 0, "{to:?} {size} {counters}");
            assert!(counters.contains("0.received 1"), "{counters}");
        }
    }
}

#[test]
fn a_nic_that_does_not_cut_there_gets_segments() {
    let none = TxChecksums {
        segments: false,
        inside_segments: false,
        ..CUTS
    };
    let only_plain = TxChecksums {
        inside_segments: false,
        ..CUTS
    };
    let remote = Destination::Remote(remote(0));
    for (to, nic, sums, packets) in [
        (to_port(B), none, false, 3),
        (to_port(B), only_plain, false, 1),
        (remote, none, false, 3),
        (remote, only_plain, false, 3),
        (remote, CUTS, false, 1),
        // Each segment has an outer checksum of its own.
        (remote, CUTS, true, 3),
    ] {
        let (count, uncut, counters) = sent(to, &stream(), 500, nic, sums);
        let whole = usize::from(packets == 1);
        assert_eq!(
            (count, uncut),
            (packets, whole),
            "{to:?} {nic:?} {sums} {counters}"
        );
    }
}

/// The NIC counts on from the identification of the whole.
#[test]
fn identifications_of_segments_are_nobody_elses() {
    let to = Destination::Remote(remote(0));
    for (df, next) in [(Df::Unset, 3), (Df::Set, 0)] {
        let mut snapshot = switch();
        edit_port(&mut snapshot, A, |port| port.rx_open = true);
        edit_port(&mut snapshot, UPLINK, |port| port.tx = CUTS);
        edit_remote(&mut snapshot, 0, |settings| settings.df = df);
        let mut site = Site::with_all(16, snapshot);
        site.learn(learned(0, guest(2).0, to));
        site.learn(learned(0, guest(1).0, to_port(A)));
        for _ in 0..2 {
            let packet = site.pool.alloc(&stream().whole(&[7; 1400])).unwrap();
            let packet = packet.with_segments(NonZeroU16::new(500));
            assert!(site.rx[A].push(packet).is_ok());
        }
        site.poll(0, 0);
        let sent = site.sent(UPLINK);
        let ident = |at: usize| u16::from_be_bytes([sent[at][18], sent[at][19]]);
        assert_eq!((sent.len(), ident(1) - ident(0)), (2, next), "{df:?}");
        site.stop();
    }
}

#[test]
fn a_port_that_computes_checksums_anew_leaves_what_is_to_be_cut_alone() {
    let mut snapshot = switch();
    edit_port(&mut snapshot, A, |port| {
        (port.rx_open, port.rx_checksum) = (true, RxChecksum::Recompute);
    });
    let mut site = Site::with_all(16, snapshot);
    site.learn(learned(0, guest(2).0, to_port(B)));
    site.learn(learned(0, guest(1).0, to_port(A)));
    let packet = site.pool.alloc(&stream().whole(&[7; 1400])).unwrap();
    let packet = packet.with_segments(NonZeroU16::new(500));
    assert!(site.rx[A].push(packet).is_ok());
    site.poll(0, 0);
    assert_eq!(site.sent(B), stream().segments(&[7; 1400], 500));
    site.stop();
}
