//! What a tenant may send, and an underlay carry beside tunnels.

use super::frames::{EXPERIMENT, IP_SUM, Sum, TCP_SUM, broken, with_sum};
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Tag, ethernet, icmp, ipv6, udp};
use std::fmt;

/// IEEE 802, for experiments: nobody's parser knows it.
const UNKNOWN: EtherType = EtherType(0x88b5);
const UDP6_SUM: usize = ethernet::HEADER_LEN + ipv6::HEADER_LEN + udp::CHECKSUM_AT;
/// Bytes behind the identifier: an odd number, as checksums may get that wrong.
const REST: [u8; 15] = [0x5a; 15];

/// What is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    Udp(Sum),
    Tcp(Sum),
    Echo,
    Other,
    WrongIp,
    Fragment,
    Tagged,
    Udp6(Sum),
    Arp,
    Unknown,
}

impl Inner {
    pub(super) const ALL: [Inner; 14] = [
        Inner::Udp(Sum::Right),
        Inner::Udp(Sum::Wrong),
        Inner::Udp(Sum::Zero),
        Inner::Tcp(Sum::Right),
        Inner::Tcp(Sum::Wrong),
        Inner::Echo,
        Inner::Other,
        Inner::WrongIp,
        Inner::Fragment,
        Inner::Tagged,
        Inner::Udp6(Sum::Right),
        Inner::Udp6(Sum::Wrong),
        Inner::Arp,
        Inner::Unknown,
    ];

    /// From one guest to another, with this in its payload.
    pub(super) fn frame(self, id: &[u8]) -> Vec<u8> {
        let guest = |n| {
            let mac = Mac::new([2, 0x73, 0x65, 0x6c, 0x66, 0x10 + n]);
            (mac, [10, 0, 0, n].into())
        };
        frame_of(&Pair::new(guest(1), guest(2)), self, id)
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, sum) = match self {
            Inner::Udp(sum) => ("IPv4 UDP", Some(sum)),
            Inner::Tcp(sum) => ("IPv4 TCP", Some(sum)),
            Inner::Udp6(sum) => ("IPv6 UDP", Some(sum)),
            Inner::Echo => ("IPv4 ICMP", None),
            Inner::Other => ("IPv4 of another protocol", None),
            Inner::WrongIp => ("IPv4 with a wrong header checksum", None),
            Inner::Fragment => ("IPv4 fragment", None),
            Inner::Tagged => ("IPv4 with a tag", None),
            Inner::Arp => ("ARP", None),
            Inner::Unknown => ("unknown EtherType", None),
        };
        f.write_str(what)?;
        match sum {
            Some(Sum::Zero) => f.write_str(" with checksum zero"),
            Some(Sum::Right) => f.write_str(" with checksum right"),
            Some(Sum::Wrong) => f.write_str(" with checksum wrong"),
            None => Ok(()),
        }
    }
}

/// The frame between these two, with this in its payload.
pub(super) fn frame_of(pair: &Pair, what: Inner, id: &[u8]) -> Vec<u8> {
    let payload = &[id, &REST[..]].concat();
    match what {
        Inner::Udp(sum) => with_sum(pair.udp(1000, 2000, payload), sum),
        // There is no zero of TCP.
        Inner::Tcp(Sum::Wrong) => broken(pair.tcp(1000, 2000, payload), TCP_SUM),
        Inner::Tcp(_) => pair.tcp(1000, 2000, payload),
        Inner::Echo => {
            let echo = icmp::Repr {
                echo: icmp::Echo::Request,
                ident: 1,
                sequence: 1,
            };
            pair.echo(echo, payload)
        }
        Inner::Other => pair.ipv4(EXPERIMENT, payload),
        Inner::WrongIp => broken(pair.udp(1000, 2000, payload), IP_SUM),
        Inner::Fragment => {
            let mut pair = *pair;
            pair.ip.more_fragments = true;
            pair.udp(1000, 2000, &[&payload[..], &[0]].concat())
        }
        Inner::Tagged => {
            let tag = Tag::from_bits(9);
            tagged(&pair.udp(1000, 2000, payload), EtherType::VLAN, tag)
        }
        Inner::Udp6(Sum::Wrong) => broken(pair.udp6(1000, 2000, payload), UDP6_SUM),
        Inner::Udp6(_) => pair.udp6(1000, 2000, payload),
        // Behind it lies what a frame of the shortest length is filled up with.
        Inner::Arp => [pair.arp_request(), payload.clone()].concat(),
        // No shorter than a frame is on a wire, where it would be filled up.
        Inner::Unknown => pair.ethernet(UNKNOWN, &[&payload[..], &REST].concat()),
    }
}
