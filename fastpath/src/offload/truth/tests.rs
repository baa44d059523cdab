//! What is so of packets, and whom they are for.

use super::*;
use crate::io::Pool;
use crate::io::heap::{HeapPacket, HeapPool};
use crate::offload::{Mark, Width};
use crate::snapshot::EndPoint;
use crate::testing::{guest, inner, outer, tunnelled, udp_ports, vtep};
use crate::wire::craft::{Pair, tagged};
use crate::wire::{EtherType, Tag, Vni, vxlan};

/// Offsets in an untagged frame without IPv4 options.
const IP_SUM: usize = 14 + 10;
const UDP_SUM: usize = 14 + 20 + 6;
const TUNNEL: usize = 50;

fn packet(frame: &[u8]) -> HeapPacket {
    HeapPool::new(1).alloc(frame).unwrap()
}

fn truth(frame: &[u8]) -> Truth {
    Truth::of(&packet(frame), &udp_ports())
}

fn broken(frame: &[u8], at: usize) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] ^= 1;
    frame
}

fn sums(ip: Checksum, l4: Checksum) -> RxChecksums {
    RxChecksums { ip, l4 }
}

fn expected() -> Expected {
    let end_point = EndPoint {
        local: vtep(2).1,
        udp_port: vxlan::PORT,
        vni: Vni::new(10).unwrap(),
    };
    Expected::new(Mark::trial(Width::Bits16, 0), end_point, None)
}

fn fit(frame: &[u8]) -> Fit {
    let packet = packet(frame);
    truth(frame).fit(&packet, &expected(), &udp_ports())
}

/// With an outer checksum that is right.
fn checked(vni: u8) -> Vec<u8> {
    let header = [0x08, 0, 0, 0, 0, 0, vni, 0];
    outer(1).udp(
        50_000,
        vxlan::PORT,
        &[&header[..], &inner(1, 2, 9)].concat(),
    )
}

#[test]
fn outer_and_inner_checksums_of_a_tunnel_are_judged_apart() {
    use Checksum::{Bad, Good, Unknown};
    let (zero, right) = (tunnelled(1, 10, &inner(1, 2, 9)), checked(10));
    for (frame, outer, inner) in [
        (zero.clone(), sums(Good, Unknown), sums(Good, Good)),
        (right.clone(), sums(Good, Good), sums(Good, Good)),
        (broken(&right, UDP_SUM), sums(Good, Bad), sums(Good, Good)),
        (broken(&right, IP_SUM), sums(Bad, Good), sums(Good, Good)),
        // What is broken further in is broken for the outer checksum too.
        (
            broken(&right, TUNNEL + UDP_SUM),
            sums(Good, Bad),
            sums(Good, Bad),
        ),
        (
            broken(&zero, TUNNEL + IP_SUM),
            sums(Good, Unknown),
            sums(Bad, Good),
        ),
        (
            tunnelled(1, 10, &Pair::new(guest(1), guest(2)).arp_request()),
            sums(Good, Unknown),
            sums(Unknown, Unknown),
        ),
    ] {
        let found = truth(&frame);
        assert_eq!((found.outer, found.inner), (outer, inner), "{frame:02x?}");
    }
}

#[test]
fn what_is_in_no_tunnel_has_no_inner_checksums() {
    use Checksum::{Bad, Good, Unknown};
    let pair = Pair::new(guest(1), guest(2));
    let tcp = pair.tcp(1000, 2000, b"odd");
    let udp6 = pair.udp6(1000, 2000, b"odd");
    for (frame, outer) in [
        (tcp.clone(), sums(Good, Good)),
        (broken(&tcp, 14 + 20 + 16), sums(Good, Bad)),
        (broken(&tcp, IP_SUM), sums(Bad, Good)),
        (udp6.clone(), sums(Unknown, Good)),
        (broken(&udp6, 14 + 40 + 6), sums(Unknown, Bad)),
        (pair.arp_request(), sums(Unknown, Unknown)),
        (outer(1).udp(1, 53, &[]), sums(Good, Good)),
    ] {
        let found = truth(&frame);
        assert_eq!(found.outer, outer, "{frame:02x?}");
        assert_eq!(found.inner, RxChecksums::default());
    }
}

#[test]
fn a_fragment_or_an_impossible_length_has_no_checksum_of_its_own() {
    use Checksum::{Good, Unknown};
    let mut pair = outer(1);
    pair.ip.more_fragments = true;
    let fragment = truth(&pair.udp(1, vxlan::PORT, &[0; 32]));
    assert_eq!(fragment.outer, sums(Good, Unknown));
    let mut long = checked(10);
    long[38] = 0xff;
    let long = truth(&long);
    assert!(long.parsed.layout.fault.is_some());
    assert_eq!(long.outer, sums(Good, Unknown));
    assert_eq!(long.inner, RxChecksums::default());
}

#[test]
fn a_packet_is_for_a_tunnel_or_may_be_or_is_not() {
    let tag = Tag::from_bits(7);
    let mut reserved = checked(10);
    reserved[43] = 1;
    let mut invalid = checked(10);
    invalid[42] = 0;
    let mut fragment = checked(10);
    fragment[20] = 0x20;
    let other = outer(1).reversed();
    for (frame, expected) in [
        (checked(10), Fit::Confirmed),
        (broken(&checked(10), UDP_SUM), Fit::Confirmed),
        (tagged(&checked(10), EtherType::VLAN, tag), Fit::Open),
        (reserved, Fit::Open),
        (invalid, Fit::Open),
        (fragment, Fit::Open),
        (checked(10)[..45].to_vec(), Fit::Open),
        (checked(20), Fit::Other),
        (
            other.vxlan(50_000, Vni::new(10).unwrap(), &[0; 20]),
            Fit::Other,
        ),
        (outer(1).udp(50_000, 53, &[0; 40]), Fit::Other),
        (outer(1).tcp(1, vxlan::PORT, &[0; 40]), Fit::Other),
        (outer(1).udp6(50_000, vxlan::PORT, &[0; 40]), Fit::Other),
        (outer(1).arp_request(), Fit::Other),
    ] {
        assert_eq!(fit(&frame), expected, "{frame:02x?}");
    }
}
