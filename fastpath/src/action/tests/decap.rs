//! What is checked on each packet before the outer headers go.

use super::*;
use crate::io::heap::HeapPacket;
use crate::io::{Checksum, Pool, RxChecksums};
use crate::wire::udp::Udp;

/// Decapsulates and sends to A.
fn list() -> [Action; 2] {
    [decap_of(Some(remote(0))), out(A)]
}

/// A frame for the tunnel, and what is inside.
fn good(len: usize) -> (Vec<u8>, Vec<u8>) {
    let inner = inner(1, 2, len);
    (tunnelled(1, 10, &inner), inner)
}

/// The same with a right UDP checksum.
fn with_checksum(len: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut frame, inner) = good(len);
    let (src, dst) = (vtep(1).1, vtep(2).1);
    Udp::new(&mut frame[34..])
        .unwrap()
        .fill_checksum_v4(src, dst);
    (frame, inner)
}

fn verdict_of(packet: impl FnOnce(&Rig) -> HeapPacket) -> (Verdict, Vec<Vec<u8>>) {
    let mut rig = Rig::new();
    let packet = packet(&rig);
    let verdict = rig.act_packet(UPLINK, &list(), packet);
    let sent = rig.sent(A);
    let expected = match verdict {
        Verdict::Dropped(reason) => format!("2.received 1, 2.dropped.{}", reason.name()) + " 1",
        _ => "0.enqueued 1, 0.sent 1, 2.received 1, 2.forwarded 1, r0.received 1".into(),
    };
    assert_eq!(rig.moved(), expected);
    (verdict, sent)
}

fn dropped(reason: DropReason) -> (Verdict, Vec<Vec<u8>>) {
    (Verdict::Dropped(reason), vec![])
}

fn forwarded(inner: Vec<u8>) -> (Verdict, Vec<Vec<u8>>) {
    (Verdict::Forwarded, vec![inner])
}

#[test]
fn the_outer_headers_go_and_nothing_else() {
    for len in [0, 1, 18, 700, 1400] {
        let (frame, inner) = good(len);
        assert_eq!(verdict_of(|rig| rig.packet(&frame)), forwarded(inner));
    }
}

#[test]
fn padding_goes_too() {
    let (frame, inner) = good(0);
    let padded = [&frame[..], &[0xee; 100]].concat();
    assert_eq!(
        verdict_of(|rig| rig.packet(&padded)),
        forwarded(inner.clone())
    );
    // So does what UDP leaves over of IP's payload.
    let (mut frame, inner) = good(20);
    let udp_len = (frame.len() - 34 - 5) as u16;
    frame[38..40].copy_from_slice(&udp_len.to_be_bytes());
    let cut = inner[..inner.len() - 5].to_vec();
    assert_eq!(verdict_of(|rig| rig.packet(&frame)), forwarded(cut));
}

#[test]
fn a_fault_of_the_parser_drops() {
    let (frame, _) = good(20);
    for (at, bytes, reason) in [
        (16, [0, 200], DropReason::IpTotalLength),
        (38, [0, 7], DropReason::UdpLength),
        (38, [0, 200], DropReason::UdpLength),
        (38, [0, 15], DropReason::VxlanTruncated),
    ] {
        let mut frame = frame.clone();
        frame[at..at + 2].copy_from_slice(&bytes);
        assert_eq!(verdict_of(|rig| rig.packet(&frame)), dropped(reason));
    }
}

#[test]
fn the_ip_checksum_by_us_or_by_the_nic() {
    let (good, inner) = good(20);
    let mut bad = good.clone();
    bad[24] ^= 0x10;
    for (frame, nic, passes) in [
        (&good, Checksum::Unknown, true),
        (&bad, Checksum::Unknown, false),
        (&bad, Checksum::Good, true),
        (&good, Checksum::Good, true),
        (&good, Checksum::Bad, false),
    ] {
        let verdicts = RxChecksums {
            ip: nic,
            ..RxChecksums::default()
        };
        let found = verdict_of(|rig| rig.packet(frame).with_rx_checksums(verdicts));
        let expected = if passes {
            forwarded(inner.clone())
        } else {
            dropped(DropReason::IpChecksum)
        };
        assert_eq!(found, expected, "{nic:?}");
    }
}

#[test]
fn the_ip_checksum_covers_options() {
    let (frame, inner) = good(20);
    let mut frame = [&frame[..34], &[1; 8], &frame[34..]].concat();
    frame[14] = 0x47;
    frame[17] += 8;
    crate::wire::ipv4::Ipv4::new(&mut frame[14..])
        .unwrap()
        .fill_checksum();
    assert_eq!(verdict_of(|rig| rig.packet(&frame)), forwarded(inner));
    frame[40] ^= 2;
    assert_eq!(
        verdict_of(|rig| rig.packet(&frame)),
        dropped(DropReason::IpChecksum)
    );
}

#[test]
fn the_udp_checksum_by_us_or_by_the_nic() {
    let (right, inner) = with_checksum(21);
    let mut wrong = right.clone();
    wrong[40] ^= 0x10;
    let mut none = right.clone();
    none[40..42].fill(0);
    for (frame, nic, passes) in [
        (&right, Checksum::Unknown, true),
        (&right, Checksum::Good, true),
        (&right, Checksum::Bad, false),
        (&wrong, Checksum::Unknown, false),
        (&wrong, Checksum::Good, true),
        (&wrong, Checksum::Bad, false),
        (&none, Checksum::Unknown, true),
        (&none, Checksum::Good, true),
        // RFC 7348, 4.1: zero is accepted, whatever the NIC makes of it.
        (&none, Checksum::Bad, true),
    ] {
        let verdicts = RxChecksums {
            l4: nic,
            ..RxChecksums::default()
        };
        let found = verdict_of(|rig| rig.packet(frame).with_rx_checksums(verdicts));
        let expected = if passes {
            forwarded(inner.clone())
        } else {
            dropped(DropReason::UdpChecksum)
        };
        assert_eq!(found, expected, "{nic:?}");
    }
}

#[test]
fn the_udp_checksum_over_segments_and_not_over_padding() {
    for len in [300, 301, 1000] {
        let (frame, inner) = with_checksum(len);
        let padded = [&frame[..], &[0x5a; 33]].concat();
        let chain = |bytes: &[u8]| {
            let bytes = bytes.to_vec();
            move |rig: &Rig| rig.pool.replicate(&rig.packet(&bytes), true).unwrap()
        };
        assert_eq!(verdict_of(chain(&frame)), forwarded(inner.clone()));
        assert_eq!(verdict_of(chain(&padded)), forwarded(inner));
        for at in [63, 64, 200, frame.len() - 1] {
            let mut wrong = padded.clone();
            wrong[at] ^= 0x80;
            assert_eq!(
                verdict_of(chain(&wrong)),
                dropped(DropReason::UdpChecksum),
                "{at}"
            );
        }
    }
}

/// The pseudo header counts: a checksum that is right for other addresses is wrong.
#[test]
fn the_udp_checksum_covers_the_addresses() {
    let (mut frame, _) = with_checksum(20);
    frame[29] ^= 1;
    crate::wire::ipv4::Ipv4::new(&mut frame[14..])
        .unwrap()
        .fill_checksum();
    assert_eq!(
        verdict_of(|rig| rig.packet(&frame)),
        dropped(DropReason::UdpChecksum)
    );
}

#[test]
fn the_verdicts_of_the_nic_go_with_the_headers_they_are_of() {
    let mut rig = Rig::new();
    let good = RxChecksums {
        ip: Checksum::Good,
        l4: Checksum::Good,
    };
    let (frame, _) = with_checksum(20);
    let packet = rig.packet(&frame).with_rx_checksums(good);
    rig.act_packet(UPLINK, &list(), packet);
    let sent = rig.sent_packets(A);
    assert_eq!(sent[0].rx_checksums(), RxChecksums::default());
}
