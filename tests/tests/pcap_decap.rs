//! Bytes in, bytes out, from the underlay to a local port: what is accepted, and that each outer
//! header that is not good ends in its own named drop.

use overpath_tests::Result;
use overpath_tests::frame::{self, Ipv4, Outer};
use overpath_tests::golden::{Golden, LOCAL, REMOTE, REMOTE_MAC, UPLINK_MAC, inner, outer};
use std::net::Ipv4Addr;

/// Offsets in a frame with plain IPv4 outside.
const IP: usize = 14;
const UDP: usize = IP + 20;
const VXLAN: usize = UDP + 8;

/// Sends frames into the uplink and expects these out of the local port, and these drops.
fn expect(frames: Vec<Vec<u8>>, out: &[Vec<u8>], drops: &str, tunnel: &str) -> Result {
    let output = Golden::from_uplink(frames.clone()).tunnel(tunnel).run()?;
    assert_eq!(output.dropped(), drops, "{frames:02x?}");
    assert_eq!(output.lan, out, "{frames:02x?}");
    assert_eq!(
        output.encapsulated()?.len(),
        0,
        "something went back: {frames:02x?}"
    );
    Ok(())
}

fn refused(frame: Vec<u8>, reason: &str) -> Result {
    expect(vec![frame], &[], &format!("{reason}=1"), "")
        .map_err(|e| format!("{reason}: {e}").into())
}

/// A good frame with some bytes changed, its IPv4 header checksum made right again.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = outer().emit(&inner(1));
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    fix_checksum(&mut frame);
    frame
}

fn fix_checksum(frame: &mut [u8]) {
    frame[IP + 10..IP + 12].fill(0);
    let sum = frame::checksum(&frame[IP..UDP]);
    frame[IP + 10..IP + 12].copy_from_slice(&sum.to_be_bytes());
}

/// An IPv4 packet to the switch that carries these bytes of UDP.
fn carrying(datagram: &[u8]) -> Vec<u8> {
    let ip = Ipv4::new(REMOTE, LOCAL, 17);
    frame::ethernet(UPLINK_MAC, REMOTE_MAC, 0x0800, &ip.emit(datagram))
}

fn from_source(src: Ipv4Addr) -> Vec<u8> {
    let good = outer();
    Outer {
        ip: Ipv4 { src, ..good.ip },
        ..good
    }
    .emit(&inner(1))
}

#[test]
fn a_good_frame_comes_out_as_it_went_in() -> Result {
    let frames: Vec<_> = (0..40).map(|mark| outer().emit(&inner(mark))).collect();
    expect(frames, &(0..40).map(inner).collect::<Vec<_>>(), "", "")
}

#[test]
fn what_a_sender_may_choose_is_accepted() -> Result {
    let good = outer();
    let inner = inner(1);
    let mut with_checksum = good.clone();
    let plain = with_checksum.emit(&inner);
    with_checksum.udp_checksum = frame::udp_checksum(REMOTE, LOCAL, &plain[UDP..]);
    let with_df_clear = Outer {
        ip: Ipv4 {
            fragment: 0,
            id: 99,
            ..good.ip
        },
        ..good.clone()
    };
    let with_low_ttl = Outer {
        ip: Ipv4 {
            ttl: 1,
            tos: 0xb8,
            ..good.ip
        },
        ..good.clone()
    };
    let from_any_port = Outer {
        ports: (1, 4789),
        ..good.clone()
    };
    // Four bytes of options (RFC 791: no operation), and Ethernet padding behind the packet.
    let mut options = good.emit(&inner);
    options[IP] = 0x46;
    options[IP + 3] += 4;
    options.splice(UDP..UDP, [1, 1, 1, 1]);
    options[IP + 10..IP + 12].fill(0);
    let sum = frame::checksum(&options[IP..UDP + 4]);
    options[IP + 10..IP + 12].copy_from_slice(&sum.to_be_bytes());
    let padded = [good.emit(&inner), vec![0; 12]].concat();
    let others = [with_checksum, with_df_clear, with_low_ttl, from_any_port];
    let mut frames: Vec<_> = others.iter().map(|outer| outer.emit(&inner)).collect();
    frames.extend([options, padded]);
    let count = frames.len();
    expect(frames, &vec![inner; count], "", "")
}

#[test]
fn a_broken_ipv4_header_is_named() -> Result {
    let good = outer().emit(&inner(1));
    refused(good[..IP + 12].to_vec(), "ip_truncated")?;
    refused(changed(IP, &[0x65]), "ip_version")?;
    refused(changed(IP, &[0x44]), "ip_header_length")?;
    refused(changed(IP + 2, &[0, 19]), "ip_total_length")?;
    refused(changed(IP + 2, &[0xff, 0xff]), "ip_total_length")?;
    let mut bad = good;
    bad[IP + 10] ^= 1;
    refused(bad, "ip_checksum")
}

#[test]
fn a_fragment_is_named() -> Result {
    refused(changed(IP + 6, &[0x20, 0]), "outer_fragment")?;
    refused(changed(IP + 6, &[0, 1]), "outer_fragment")
}

#[test]
fn a_broken_udp_header_is_named() -> Result {
    refused(carrying(&[0xc3, 0x50, 0x12, 0xb5]), "udp_truncated")?;
    refused(changed(UDP + 4, &[0, 7]), "udp_length")?;
    refused(changed(UDP + 4, &[0xff, 0xff]), "udp_length")?;
    refused(changed(UDP + 6, &[0x12, 0x34]), "udp_checksum")
}

#[test]
fn a_broken_vxlan_header_is_named() -> Result {
    refused(
        carrying(&frame::udp(50000, 4789, &[8, 0, 0, 0])),
        "vxlan_truncated",
    )?;
    refused(changed(VXLAN, &[0]), "vxlan_no_vni")?;
    for at in [0, 1, 2, 3, 7] {
        let mut header = [8, 0, 0, 0, 0, 0, 10, 0];
        header[at] |= 0x40;
        refused(changed(VXLAN, &header), "vxlan_reserved")?;
    }
    refused(changed(VXLAN + 4, &[0, 0, 11]), "vni_unknown")
}

#[test]
fn reserved_bits_pass_where_the_remote_is_lenient() -> Result {
    let frame = changed(VXLAN, &[0xff, 1, 2, 3, 0, 0, 10, 4]);
    expect(
        vec![frame.clone()],
        &[inner(1)],
        "",
        "reserved_bits = \"lenient\"",
    )?;
    let lenient = "remotes = [{ address = \"192.0.2.1\", reserved_bits = \"lenient\" }]";
    expect(vec![frame], &[inner(1)], "", lenient)
}

#[test]
fn who_may_send_is_judged_by_name() -> Result {
    let stranger = from_source(Ipv4Addr::new(192, 0, 2, 77));
    refused(stranger.clone(), "remote_unknown")?;
    expect(vec![stranger], &[inner(1)], "", "accept = \"any\"")?;
    for src in [
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "127.0.0.1",
        "192.0.2.2",
    ] {
        let frame = from_source(src.parse()?);
        expect(vec![frame], &[], "outer_source=1", "accept = \"any\"")
            .map_err(|error| format!("{src}: {error}"))?;
    }
    Ok(())
}

#[test]
fn what_is_not_for_us_is_named() -> Result {
    refused(changed(0, &[2, 0, 0, 0, 0, 0x99]), "other_host")?;
    refused(changed(IP + 16, &[192, 0, 2, 99]), "not_for_us")?;
    refused(
        carrying(&frame::udp(50000, 4790, &[8, 0, 0, 0, 0, 0, 10, 0])),
        "no_service",
    )
}

#[test]
fn a_bad_inner_frame_is_named() -> Result {
    refused(outer().emit(&[2; 13]), "inner_runt")?;
    let from = |src| frame::ethernet(frame::mac(0x22), src, 0x88b5, &[0; 46]);
    refused(outer().emit(&from([0; 6])), "inner_source")?;
    refused(outer().emit(&from([3, 0, 0, 0, 0, 1])), "inner_source")?;
    refused(outer().emit(&from(frame::BROADCAST)), "inner_source")
}

#[test]
fn broken_inner_headers_are_bridged_untouched() -> Result {
    let mut broken = inner(1);
    broken[14] = 0x4f;
    broken[24] ^= 0xff;
    expect(vec![outer().emit(&broken)], &[broken], "", "")
}

/// RFC 6040, figure 4: what the inner field becomes, by inner (row) and outer (column) field, each
/// in the order not-ECT, ECT(1), ECT(0), CE of their bits.
const DECAP: [[Option<u8>; 4]; 4] = [
    [Some(0), Some(0), Some(0), None],
    [Some(1), Some(1), Some(1), Some(3)],
    [Some(2), Some(1), Some(2), Some(3)],
    [Some(3), Some(3), Some(3), Some(3)],
];

fn with_ecn(ecn: u8) -> Vec<u8> {
    let (a, b) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let ip = Ipv4 {
        tos: 0xb8 | ecn,
        ..Ipv4::new(a, b, 17)
    };
    frame::udp_frame(frame::mac(0x22), frame::mac(0x11), ip, (1, 2), &[0; 40])
}

#[test]
fn ecn_is_merged_as_rfc_6040_has_it() -> Result {
    for (inner_ecn, row) in (0..).zip(DECAP) {
        for (outer_ecn, expected) in (0..).zip(row) {
            let good = outer();
            let marked = Outer {
                ip: Ipv4 {
                    tos: outer_ecn,
                    ..good.ip
                },
                ..good
            };
            let sent = vec![marked.emit(&with_ecn(inner_ecn))];
            let out: Vec<_> = expected.into_iter().map(with_ecn).collect();
            let drops = if expected.is_none() {
                "ecn_invalid=1"
            } else {
                ""
            };
            expect(sent, &out, drops, "")
                .map_err(|e| format!("inner {inner_ecn}, outer {outer_ecn}: {e}"))?;
        }
    }
    Ok(())
}

#[test]
fn arp_and_echo_requests_to_the_switch_are_answered() -> Result {
    let ask = frame::arp(1, (REMOTE_MAC, REMOTE), ([0; 6], LOCAL));
    let output = Golden::from_uplink(vec![ask]).run()?;
    let answer = frame::arp(2, (UPLINK_MAC, LOCAL), (REMOTE_MAC, REMOTE));
    let arp_len = 42;
    let answers: Vec<_> = output
        .uplink
        .iter()
        .map(|frame| &frame[..arp_len])
        .collect();
    assert!(answers.contains(&&answer[..arp_len]), "{answers:02x?}");

    let echo = |kind: u8| {
        let mut message = [&[kind, 0, 0, 0, 0x12, 0x34, 0, 1][..], &[0x5a; 40]].concat();
        let sum = frame::checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        message
    };
    let ask = Ipv4::new(REMOTE, LOCAL, 1).emit(&echo(8));
    let ask = frame::ethernet(UPLINK_MAC, REMOTE_MAC, 0x0800, &ask);
    let output = Golden::from_uplink(vec![ask]).run()?;
    let answer = output
        .uplink
        .iter()
        .find(|frame| frame[12..14] == [8, 0])
        .ok_or("no answer")?;
    assert_eq!(
        (&answer[..6], &answer[6..12]),
        (&REMOTE_MAC[..], &UPLINK_MAC[..])
    );
    assert_eq!(frame::checksum(&answer[IP..UDP]), 0, "{answer:02x?}");
    assert_eq!(
        (&answer[26..30], &answer[30..34]),
        (&LOCAL.octets()[..], &REMOTE.octets()[..])
    );
    assert_eq!(answer[UDP..], echo(0));
    assert_eq!(output.dropped(), "");
    Ok(())
}
