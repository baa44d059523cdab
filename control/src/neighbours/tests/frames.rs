//! What each kind of frame leads to.

use super::*;
use fastpath::wire::icmp::{self, Echo, Icmp};
use fastpath::wire::ipv4::{self, Ipv4};
use fastpath::wire::{Dscp, Ecn, Protocol};

const PING: icmp::Repr = icmp::Repr {
    echo: Echo::Request,
    ident: 7,
    sequence: 9,
};

fn from_peer() -> Pair {
    Pair::new((PEER, PEER_IP), (OUR_MAC, OUR_IP))
}

/// What a fresh host says to `frame`, and what it counts.
fn say(frame: &[u8]) -> (Vec<Output>, Vec<(&'static str, u64)>) {
    let mut host = Host::new();
    let out = host.input(frame);
    (out, host.counted())
}

fn refused(frame: &[u8], why: &'static str) {
    assert_eq!(say(frame), (vec![], vec![(why, 1)]));
}

#[test]
fn who_asks_for_us_is_answered_and_known() {
    let mut host = Host::new();
    let reply = from_peer().reversed().arp_reply();
    assert_eq!(host.input(&from_peer().arp_request()), [send(reply)]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
    assert_eq!(host.counted(), [("arp_request_answered", 1)]);
    let known = [question_to(PEER), changed(Some(PEER))];
    assert_eq!(host.want(PEER_IP), known);
    // One that is wanted is told of, and verified.
    let mut host = Host::new();
    host.want(PEER_IP);
    host.now += 1_000;
    let out = host.input(&from_peer().arp_request());
    assert_eq!(out[1..], [changed(Some(PEER)), question_to(PEER)]);
}

#[test]
fn who_is_not_on_the_link_is_answered_but_not_known() {
    let mut far = from_peer();
    far.ip.src = [198, 51, 100, 1].into();
    let (out, counted) = say(&far.arp_request());
    assert_eq!(out, [send(far.reversed().arp_reply())]);
    assert_eq!(counted, [("arp_request_answered", 1), ("arp_off_link", 1)]);
}

#[test]
fn who_looks_whether_our_address_is_free_is_told() {
    let mut probe = from_peer();
    probe.ip.src = Ipv4Addr::UNSPECIFIED;
    let (out, counted) = say(&probe.arp_request());
    assert_eq!(out, [send(probe.reversed().arp_reply())]);
    assert_eq!(counted, [("arp_request_answered", 1)]);
}

#[test]
fn only_those_we_know_are_listened_to_unasked() {
    refused(&answer(PEER), "arp_unasked");
    refused(&announcement(PEER), "arp_other");
    let mut for_other = from_peer();
    for_other.ip.dst = [192, 0, 2, 3].into();
    refused(&for_other.arp_request(), "arp_other");
    for_other.ip.src = Ipv4Addr::UNSPECIFIED;
    refused(&for_other.arp_request(), "arp_other");
    for_other.ip.src = PEER_IP;
    let mut broadcast = answer(PEER);
    broadcast[..6].fill(0xff);
    refused(&broadcast, "arp_other");
    // A reply to all is no answer, but tells of one that we know.
    let mut host = Host::new();
    host.want(PEER_IP);
    assert_eq!(host.input(&broadcast), [changed(Some(PEER))]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
    assert_eq!(host.input(&for_other.arp_request()), []);
}

#[test]
fn an_answer_has_to_come_by_the_right_port() {
    let mut host = Host::new();
    host.link(1, place(1), OTHER, &["10.0.0.1/8"]);
    host.want(PEER_IP);
    let mut frame = answer(PEER);
    frame[..6].copy_from_slice(&OTHER.bytes());
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.input(port(1), &frame, now, out);
    assert_eq!(host.taken(), []);
    assert_eq!(host.neighbours.counter(Counter::ArpOffLink), 1);
    // Nor is an address of one port told on another.
    let mut ask = from_peer();
    ask.ip.src = [192, 0, 2, 5].into();
    ask.ip.dst = [10, 0, 0, 1].into();
    assert_eq!(host.input(&ask.arp_request()), []);
    // Nor does a frame of one port count on another.
    host.input(&Pair::new((OTHER, [10, 0, 0, 1].into()), (PEER, OUR_IP)).arp_request());
    assert_eq!(host.neighbours.counter(Counter::FrameLoop), 1);
}

#[test]
fn our_own_address_is_never_learned() {
    for conflict in [
        Pair::new((PEER, OUR_IP), (OUR_MAC, OUR_IP)).arp_request(),
        Pair::new((PEER, OUR_IP), (OUR_MAC, OUR_IP)).arp_reply(),
        Pair::new((PEER, OUR_IP), (PEER, PEER_IP)).arp_request(),
    ] {
        let mut host = Host::new();
        host.want(PEER_IP);
        host.input(&conflict);
        assert_eq!(host.neighbours.counter(Counter::ArpConflict), 1);
        assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
        assert_eq!(host.state(OUR_IP), None);
    }
}

#[test]
fn frames_that_are_not_for_us() {
    let good = from_peer().arp_request();
    for len in 0..14 {
        refused(&good[..len], "frame_short");
    }
    let with = |at: usize, bytes: &[u8]| {
        let mut frame = good.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        frame
    };
    refused(&with(0, &OTHER.bytes()), "frame_destination");
    refused(&with(0, &[1, 0, 0x5e, 0, 0, 1]), "frame_destination");
    refused(&with(6, &[0; 6]), "frame_source");
    refused(&with(6, &[0xff; 6]), "frame_source");
    refused(&with(6, &OUR_MAC.bytes()), "frame_loop");
    refused(&with(12, &[0x86, 0xdd]), "frame_type");
    let mut host = Host::new();
    host.neighbours
        .input(port(1), &good, host.now, &mut host.out);
    assert_eq!(host.counted(), [("link_unknown", 1)]);
}

#[test]
fn arp_that_makes_no_sense() {
    let good = from_peer().arp_request();
    for len in 14..good.len() {
        refused(&good[..len], "arp_short");
    }
    for (at, bytes, why) in [
        (0, &[0, 6][..], "arp_hardware"),
        (4, &[8], "arp_hardware"),
        (2, &[0x86, 0xdd], "arp_protocol"),
        (5, &[16], "arp_protocol"),
        (6, &[0, 3], "arp_operation"),
        (6, &[0, 0], "arp_operation"),
        (8, &[0; 6], "arp_sender_mac"),
        (8, &[0xff; 6], "arp_sender_mac"),
        (8, &OUR_MAC.bytes(), "arp_sender_mac"),
        (14, &[224, 0, 0, 1], "arp_sender_ip"),
        (14, &[255; 4], "arp_sender_ip"),
        (14, &[127, 0, 0, 1], "arp_sender_ip"),
    ] {
        let mut frame = good.clone();
        frame[14 + at..14 + at + bytes.len()].copy_from_slice(bytes);
        refused(&frame, why);
    }
    let mut unspecified = answer(PEER);
    unspecified[28..32].fill(0);
    refused(&unspecified, "arp_sender_ip");
}

#[test]
fn an_echo_comes_back() {
    for len in [0, 1, 56, 1472, 8972] {
        let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let mut ask = from_peer();
        ask.ip.ttl = 1;
        ask.ip.dscp = Dscp::new(46).unwrap();
        ask.ip.ecn = Ecn::Ect0;
        ask.ip.ident = 77;
        let mut frame = ask.echo(PING, &payload);
        let mut reply = ask.reversed();
        (reply.ip.ttl, reply.ip.ecn) = (64, Ecn::NotEct);
        (reply.ip.ident, reply.ip.dont_fragment) = (0, true);
        let pong = icmp::Repr {
            echo: Echo::Reply,
            ..PING
        };
        let expected = (
            vec![send(reply.echo(pong, &payload))],
            vec![("echo_answered", 1)],
        );
        assert_eq!(say(&frame), expected);
        frame.extend([0xaa; 18]);
        assert_eq!(say(&frame), expected, "padding is not sent back");
    }
    // From far away, by a gateway: it goes back to that.
    let mut far = from_peer();
    far.ip.src = [198, 51, 100, 1].into();
    assert_eq!(say(&far.echo(PING, b"x")).1, [("echo_answered", 1)]);
}

/// A ping, changed by `change` and with its IPv4 checksum made right again.
fn ping_with(change: impl FnOnce(&mut Ipv4<&mut [u8]>)) -> Vec<u8> {
    let mut frame = from_peer().echo(PING, b"hello");
    let mut packet = Ipv4::new(&mut frame[14..]).unwrap();
    change(&mut packet);
    packet.fill_checksum();
    frame
}

#[test]
fn ipv4_that_makes_no_sense() {
    let good = from_peer().echo(PING, b"hello");
    for len in 14..34 {
        refused(&good[..len], "ipv4_short");
    }
    for len in 34..good.len() {
        refused(&good[..len], "ipv4_total_length");
    }
    refused(&ping_with(|p| p.set_version(6)), "ipv4_version");
    refused(&ping_with(|p| p.set_header_len(16)), "ipv4_header_length");
    refused(&ping_with(|p| p.set_header_len(60)), "ipv4_header_length");
    refused(&ping_with(|p| p.set_header_len(24)), "ipv4_options");
    refused(&ping_with(|p| p.set_total_len(19)), "ipv4_total_length");
    refused(&ping_with(|p| p.set_more_fragments(true)), "ipv4_fragment");
    refused(&ping_with(|p| p.set_fragment_offset(1)), "ipv4_fragment");
    refused(
        &ping_with(|p| p.set_protocol(Protocol::UDP)),
        "ipv4_protocol",
    );
    for octets in [
        [0, 0, 0, 0],
        [127, 0, 0, 1],
        [224, 0, 0, 1],
        [192, 0, 255, 255],
        [192, 0, 2, 2],
    ] {
        refused(&ping_with(|p| p.set_src(octets.into())), "ipv4_source");
    }
    for octets in [[192, 0, 2, 3], [192, 0, 255, 255], [255, 255, 255, 255]] {
        refused(&ping_with(|p| p.set_dst(octets.into())), "ipv4_destination");
    }
    let mut broadcast = good.clone();
    broadcast[..6].fill(0xff);
    refused(&broadcast, "ipv4_destination");
    let mut wrong = good.clone();
    wrong[24] ^= 1;
    refused(&wrong, "ipv4_checksum");
}

#[test]
fn icmp_that_makes_no_sense() {
    let message = ipv4::HEADER_LEN as u16;
    for len in message..message + 8 {
        refused(&ping_with(|p| p.set_total_len(len)), "icmp_short");
    }
    let good = from_peer().echo(PING, b"hello");
    for at in 34..good.len() {
        let mut wrong = good.clone();
        wrong[at] ^= 0x10;
        refused(&wrong, "icmp_checksum");
    }
    for (kind, code) in [(0, 0), (8, 1), (13, 0), (6, 0), (14, 0)] {
        let mut frame = good.clone();
        let mut view = Icmp::new(&mut frame[34..]).unwrap();
        view.set_kind(icmp::Kind(kind));
        view.set_code(code);
        view.fill_checksum();
        refused(&frame, "icmp_type");
    }
}
