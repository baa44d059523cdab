//! ICMP errors about what tunnels sent.

use super::*;
use fastpath::wire::Vni;
use fastpath::wire::icmp::{Fault, Icmp, Kind};
use fastpath::wire::{Protocol, ipv4::Ipv4};
use std::num::NonZeroU16;

const ROUTER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// What we sent, from the IPv4 header on.
fn sent() -> Vec<u8> {
    let pair = Pair::new((OUR_MAC, OUR_IP), (PEER, REMOTE));
    let inner = Pair::new((PEER, PEER_IP), (OTHER, REMOTE)).udp(1, 2, b"hello");
    pair.vxlan(50_000, Vni::new(10).unwrap(), &inner)[14..].to_vec()
}

/// An error from [`ROUTER`] that quotes `quote`; `word` is what stands before it.
fn error(kind: u8, code: u8, word: [u8; 4], quote: &[u8]) -> Vec<u8> {
    let mut message = [&[kind, code, 0, 0][..], &word, quote].concat();
    Icmp::new(&mut message[..]).unwrap().fill_checksum();
    Pair::new((PEER, ROUTER), (OUR_MAC, OUR_IP)).ipv4(Protocol::ICMP, &message)
}

fn told(kind: u8, code: u8, mtu: u16, vni: Option<u32>) -> Output {
    Output::Error(TunnelError {
        from: ROUTER,
        fault: Fault {
            kind: Kind(kind),
            code,
            mtu: NonZeroU16::new(mtu),
        },
        local: OUR_IP,
        remote: REMOTE,
        source_port: 50_000,
        udp_port: 4789,
        vni: vni.and_then(Vni::new),
    })
}

#[test]
fn errors_about_us_are_passed_on() {
    for (kind, code) in [
        (3, 0),
        (3, 1),
        (3, 3),
        (3, 13),
        (4, 0),
        (5, 1),
        (11, 0),
        (12, 0),
    ] {
        let mut host = Host::new();
        let frame = error(kind, code, [9, 9, 5, 0x78], &sent());
        assert_eq!(host.input(&frame), [told(kind, code, 0, Some(10))]);
        assert_eq!(host.counted(), [("icmp_error_received", 1)]);
    }
    let mut host = Host::new();
    let too_long = error(3, 4, [0, 0, 0x05, 0x78], &sent());
    assert_eq!(host.input(&too_long), [told(3, 4, 1_400, Some(10))]);
    let silent = error(3, 4, [0; 4], &sent());
    assert_eq!(host.input(&silent), [told(3, 4, 0, Some(10))]);
}

#[test]
fn a_quote_may_end_behind_the_udp_header() {
    let sent = sent();
    for len in 0..=sent.len() {
        let mut host = Host::new();
        let out = host.input(&error(3, 3, [0; 4], &sent[..len]));
        if len < 28 {
            assert_eq!(
                (out, host.counted()),
                (vec![], vec![("icmp_quote_short", 1)])
            );
        } else {
            assert_eq!(out, [told(3, 3, 0, (len >= 36).then_some(10))], "{len}");
        }
    }
}

#[test]
fn errors_about_others_are_refused_by_name() {
    let with = |change: fn(&mut Ipv4<&mut [u8]>)| {
        let mut quote = sent();
        change(&mut Ipv4::new(&mut quote[..]).unwrap());
        error(3, 3, [0; 4], &quote)
    };
    let mut wrong = error(3, 3, [0; 4], &sent());
    wrong[40] ^= 1;
    let mut elsewhere = Pair::new((PEER, ROUTER), (OUR_MAC, PEER_IP)).udp(1, 2, &[]);
    elsewhere[23] = 1;
    Ipv4::new(&mut elsewhere[14..]).unwrap().fill_checksum();
    for (frame, why) in [
        (wrong, "icmp_checksum"),
        (elsewhere, "ipv4_destination"),
        (with(|quote| quote.set_src(PEER_IP)), "icmp_quote_source"),
        (with(|quote| quote.set_version(6)), "icmp_quote_header"),
        (with(|quote| quote.set_header_len(16)), "icmp_quote_header"),
        (
            with(|quote| quote.set_fragment_offset(3)),
            "icmp_quote_fragment",
        ),
        (
            with(|quote| quote.set_protocol(Protocol::TCP)),
            "icmp_quote_protocol",
        ),
        (error(13, 0, [0; 4], &sent()), "icmp_type"),
    ] {
        let mut host = Host::new();
        assert_eq!(host.input(&frame), []);
        assert_eq!(host.counted(), [(why, 1)]);
    }
}

/// The quoted address must be the one that the error was sent to, not just any of ours.
#[test]
fn an_error_may_come_in_by_another_link() {
    let mut host = Host::new();
    host.link(1, place(1), OTHER, &["203.0.113.1/24"]);
    let mut frame = error(3, 3, [0; 4], &sent());
    frame[..6].copy_from_slice(&OTHER.bytes());
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.input(port(1), &frame, now, out);
    assert_eq!(host.taken(), [told(3, 3, 0, Some(10))]);
    let mut quote = sent();
    Ipv4::new(&mut quote[..])
        .unwrap()
        .set_src([203, 0, 113, 1].into());
    assert_eq!(host.input(&error(3, 3, [0; 4], &quote)), []);
    assert_eq!(host.neighbours.counter(Counter::IcmpQuoteSource), 1);
}

#[test]
fn a_flood_of_errors_is_not_passed_on() {
    let mut host = Host::new();
    let frame = error(3, 3, [0; 4], &sent());
    let passed: usize = (0..1_000).map(|_| host.input(&frame).len()).sum();
    assert_eq!(passed, 50);
    assert_eq!(host.neighbours.counter(Counter::IcmpErrorLimited), 950);
    host.now += 10;
    assert_eq!(host.input(&frame).len(), 1);
}
