//! Switches and what happens to them, at random but from small pools, so that flows repeat and
//! addresses turn up in several places.

use super::setup::{Setup, setup};
use control::rig::Rig;
use fastpath::wire::craft::{self, Pair};
use fastpath::wire::ethernet::EtherType;
use fastpath::wire::vlan::Tag;
use fastpath::wire::{Dscp, Ecn, Mac, icmp, ipv4, udp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::net::Ipv4Addr;

/// A switch and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) flows: Vec<Flow>,
    pub(crate) steps: Vec<Step>,
}

/// Something that happens. Ports and flows are numbers that may be too large; the rest of the
/// division by how many there are counts.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Frames(Vec<usize>),
    Run(u64),
    Leap(u64),
    Link(usize, bool),
    Remove(usize),
    /// Every peer of the first port answers.
    Answer,
}

/// Frames that look alike.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) port: usize,
    kind: Kind,
    /// A byte that is changed, and a length to which the frame is cut.
    broken: Option<(usize, u8)>,
    cut: Option<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Local(Inner),
    Tunnelled(Inner, Outer),
    ArpReply(usize, u8),
    ArpRequest(usize),
    Echo(usize),
}

#[derive(Clone, Debug)]
struct Inner {
    from: usize,
    to: usize,
    payload: usize,
    family: u8,
    tos: u8,
    ttl: u8,
    df: bool,
    fragment: bool,
    tagged: bool,
}

#[derive(Clone, Debug)]
struct Outer {
    from: usize,
    vni: u32,
    tos: u8,
    udp_port: u16,
    checksum: Option<bool>,
    reserved: bool,
    fragment: bool,
}

pub(super) const REMOTES: [Ipv4Addr; 6] = [
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(192, 0, 2, 3),
    Ipv4Addr::new(192, 0, 2, 4),
    Ipv4Addr::new(198, 51, 100, 1),
    Ipv4Addr::new(203, 0, 113, 1),
    Ipv4Addr::new(224, 0, 0, 1),
];
pub(super) const OWN: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 2), Ipv4Addr::new(198, 51, 100, 2)];
pub(super) const MACS: [Mac; 9] = [
    Mac::new([2, 0, 0, 0, 2, 0]),
    Mac::new([2, 0, 0, 0, 2, 1]),
    Mac::new([2, 0, 0, 0, 2, 2]),
    Mac::new([2, 0, 0, 0, 2, 3]),
    Mac::BROADCAST,
    Mac::new([1, 0, 0x5e, 0, 0, 5]),
    Mac::new([1, 0x80, 0xc2, 0, 0, 0]),
    Mac::new([1, 0x80, 0xc2, 0, 0, 0xe]),
    Mac::ZERO,
];

/// What the peers of the first port say when they are asked.
pub(crate) fn answers() -> impl Iterator<Item = Flow> {
    let kinds = (0..3).map(|from| Kind::ArpReply(from, from as u8));
    kinds.map(|kind| Flow {
        port: 0,
        kind,
        broken: None,
        cut: None,
    })
}

impl Flow {
    /// One frame of it, into a port of this number. `serial` tells it from the others.
    pub(crate) fn frame(&self, port: usize, serial: u32) -> Vec<u8> {
        let own = OWN[port.min(1)];
        let us = (Rig::mac(port as u8), own);
        let them = |from: usize| (Mac::new([2, 0, 0, 0, 1, from as u8]), REMOTES[from]);
        let mut frame = match &self.kind {
            Kind::Local(inner) => inner.frame(serial),
            Kind::Tunnelled(inner, outer) => {
                outer.frame(Pair::new(them(outer.from), us), &inner.frame(serial))
            }
            Kind::ArpReply(from, mac) => {
                let (_, address) = them(*from);
                Pair::new((Mac::new([2, 0, 0, 0, 1, *mac]), address), us).arp_reply()
            }
            Kind::ArpRequest(from) => Pair::new(them(*from), us).arp_request(),
            Kind::Echo(from) => Pair::new(them(*from), us).echo(
                icmp::Repr {
                    echo: icmp::Echo::Request,
                    ident: 1,
                    sequence: serial as u16,
                },
                &[5; 20],
            ),
        };
        if let Some((at, bits)) = self.broken {
            let at = at % frame.len();
            frame[at] ^= bits;
        }
        if let Some(len) = self.cut {
            frame.truncate(len);
        }
        frame
    }
}

impl Inner {
    fn frame(&self, serial: u32) -> Vec<u8> {
        let ip = |n: usize| Ipv4Addr::new(10, 0, 0, n as u8);
        let mut pair = Pair::new(
            (MACS[self.from], ip(self.from)),
            (MACS[self.to], ip(self.to)),
        );
        pair.ip.ttl = self.ttl;
        pair.ip.dscp = Dscp::from_tos(self.tos);
        pair.ip.ecn = Ecn::from_tos(self.tos);
        pair.ip.dont_fragment = self.df;
        pair.ip.more_fragments = self.fragment;
        let payload = [&serial.to_be_bytes()[..], &vec![7; self.payload]].concat();
        let frame = match self.family {
            0 => pair.udp(1000, 2000, &payload),
            1 => pair.tcp(1000, 2000, &payload),
            2 => pair.udp6(1000, 2000, &payload),
            3 => pair.arp_request(),
            _ => pair.ethernet(EtherType(0x88b5), &payload),
        };
        if self.tagged {
            return craft::tagged(&frame, EtherType::VLAN, Tag::from_bits(7));
        }
        frame
    }
}

impl Outer {
    fn frame(&self, mut pair: Pair, inner: &[u8]) -> Vec<u8> {
        pair.ip.dscp = Dscp::from_tos(self.tos);
        pair.ip.ecn = Ecn::from_tos(self.tos);
        pair.ip.more_fragments = self.fragment;
        let mut frame = pair.vxlan(50_000, super::vni(self.vni), inner);
        frame[43] = u8::from(self.reserved);
        let (src, dst) = (pair.ip.src, pair.ip.dst);
        let mut header = udp::Udp::new(&mut frame[34..]).unwrap();
        header.set_dst_port(self.udp_port);
        if let Some(right) = self.checksum {
            header.fill_checksum_v4(src, dst);
            let sum = header.checksum();
            header.set_checksum(if right { sum } else { sum ^ 0x0101 });
        }
        ipv4::Ipv4::new(&mut frame[14..]).unwrap().fill_checksum();
        frame
    }
}

fn inner() -> impl Strategy<Value = Inner> {
    (
        prop_oneof![30 => 0..4_usize, 1 => 0..9_usize],
        prop_oneof![5 => 0..4_usize, 2 => Just(4), 1 => 0..9_usize],
        prop_oneof![8 => 0..100_usize, 1 => 500..600_usize, 1 => 1400..1600_usize],
        0..5_u8,
        select(&[0_u8, 0, 1, 2, 3, 0xb9][..]),
        select(&[1_u8, 64, 255][..]),
        any::<bool>(),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(from, to, payload, family, tos, ttl, df, fragment, tagged)| Inner {
                from,
                to,
                payload,
                family,
                tos,
                ttl,
                df,
                fragment,
                tagged,
            },
        )
}

fn outer() -> impl Strategy<Value = Outer> {
    (
        prop_oneof![12 => 0..3_usize, 1 => 0..6_usize],
        prop_oneof![16 => Just(10_u32), 6 => 10..13_u32, 1 => 9..15_u32],
        select(&[0_u8, 0, 1, 2, 3, 0xb9][..]),
        prop_oneof![8 => Just(4789_u16), 1 => Just(8472_u16)],
        prop_oneof![4 => Just(None), 2 => Just(Some(true)), 1 => Just(Some(false))],
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.05),
    )
        .prop_map(
            |(from, vni, tos, udp_port, checksum, reserved, fragment)| Outer {
                from,
                vni,
                tos,
                udp_port,
                checksum,
                reserved,
                fragment,
            },
        )
}

fn flow() -> impl Strategy<Value = Flow> {
    let kind = prop_oneof![
        8 => inner().prop_map(Kind::Local),
        8 => (inner(), outer()).prop_map(|(inner, outer)| Kind::Tunnelled(inner, outer)),
        2 => (0..5_usize, 0..3_u8).prop_map(|(from, mac)| Kind::ArpReply(from, mac)),
        1 => (0..5_usize).prop_map(Kind::ArpRequest),
        1 => (0..5_usize).prop_map(Kind::Echo),
    ];
    let broken = prop_oneof![9 => Just(None), 1 => (0..60_usize, 1_u8..).prop_map(Some)];
    let cut = prop_oneof![19 => Just(None), 1 => (0..70_usize).prop_map(Some)];
    // Tunnels end at the first port.
    (0..8_usize, kind, broken, cut).prop_map(|(port, kind, broken, cut)| {
        let port = match kind {
            Kind::Local(_) if port > 0 => 1 + port % 3,
            _ => port / 7,
        };
        Flow {
            port,
            kind,
            broken,
            cut,
        }
    })
}

/// Any world.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let step = prop_oneof![
        16 => vec(any::<usize>(), 1..12).prop_map(Step::Frames),
        3 => (1..50_u64).prop_map(Step::Run),
        2 => (500..5_000_u64).prop_map(Step::Leap),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(port, up)| Step::Link(port, up)),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::Answer),
    ];
    (setup(), vec(flow(), 1..16), vec(step, 1..40)).prop_map(|(setup, flows, steps)| World {
        setup,
        flows,
        steps,
    })
}
