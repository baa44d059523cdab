//! Who is who, and the frames of each case: as many flows as a burst has packets, each with stations of its own.

use super::switch::{GUESTS, SERVERS, UPLINK, port, remote};
use fastpath::fdb::Destination;
use fastpath::io::BURST;
use fastpath::wire::craft::{self, Pair};
use fastpath::wire::{EtherType, Mac, Protocol, Sum, Tag, VlanId, Vni, udp};
use std::fmt;
use std::net::Ipv4Addr;

/// Frames of a case, as many as a burst has.
pub(crate) const BURST_FRAMES: usize = BURST;
/// Of the tunnel.
pub(crate) const VNI: Vni = Vni::from_bytes([0, 0, 10]);
/// Of no tunnel here.
pub(crate) const OTHER_VNI: Vni = Vni::from_bytes([0, 0, 11]);
/// The switch among the hosts of the underlay.
pub(super) const US: u8 = 2;
/// The link of [`Case::DecapTagged`].
pub(super) const TAGGED: VlanId = VlanId::new(7).unwrap();
/// Bytes before the UDP header.
const UDP_AT: usize = 34;
/// UDP payload of a frame of 64 bytes.
const PAYLOAD: usize = 22;
/// That of a frame of 1442 bytes.
const LONG_PAYLOAD: usize = 1400;

/// What is done with all packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// From port to port.
    Bridge,
    /// VXLAN of 114 bytes in, a frame of 64 bytes out.
    Decap,
    /// The reverse.
    Encap,
    /// From two remotes in turns.
    DecapTurns,
    /// To two remotes in turns.
    EncapTurns,
    /// As `Decap`, by a link that is a VLAN: no memo keeps its outer headers.
    DecapTagged,
    /// As `Decap`, with a checksum in the outer UDP header.
    DecapSummed,
    /// As `Encap`, with frames of 1442 bytes and a checksum in the outer UDP header.
    EncapSummed,
    /// The same, with a NIC that makes the checksum.
    EncapLeft,
}

impl Case {
    /// All of them.
    pub(crate) const ALL: [Case; 9] = [
        Case::Bridge,
        Case::Decap,
        Case::Encap,
        Case::DecapTurns,
        Case::EncapTurns,
        Case::DecapTagged,
        Case::DecapSummed,
        Case::EncapSummed,
        Case::EncapLeft,
    ];

    /// Where its frames come in, and where they leave.
    pub(crate) const fn ports(self) -> (usize, usize) {
        match self {
            Case::Bridge => (GUESTS, SERVERS),
            Case::Decap | Case::DecapTurns | Case::DecapTagged | Case::DecapSummed => {
                (UPLINK, SERVERS)
            }
            Case::Encap | Case::EncapTurns | Case::EncapSummed | Case::EncapLeft => {
                (GUESTS, UPLINK)
            }
        }
    }

    /// A burst of frames.
    pub(crate) fn frames(self) -> Vec<Vec<u8>> {
        let flows = 1..=BURST_FRAMES as u8;
        flows.map(|flow| self.frame(flow)).collect()
    }

    fn frame(self, flow: u8) -> Vec<u8> {
        match self {
            Case::Bridge => between(Side::Guest, Side::Server, flow),
            Case::Decap => tunnelled(VNI, 1, &between(Side::Far, Side::Server, flow)),
            Case::Encap => between(Side::Guest, Side::Far, flow),
            Case::EncapSummed | Case::EncapLeft => {
                long_between(Side::Guest, Side::Far, flow, LONG_PAYLOAD)
            }
            Case::DecapTurns if flow % 2 == 1 => {
                tunnelled(VNI, 3, &between(Side::Farther, Side::Server, flow))
            }
            Case::EncapTurns if flow % 2 == 1 => between(Side::Guest, Side::Farther, flow),
            Case::DecapTagged => {
                let tag = Tag::from_bits(TAGGED.get());
                craft::tagged(&Case::Decap.frame(flow), EtherType::VLAN, tag)
            }
            Case::DecapSummed => summed(Case::Decap.frame(flow)),
            Case::DecapTurns => Case::Decap.frame(flow),
            Case::EncapTurns => Case::Encap.frame(flow),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Case::Bridge => "bridge",
            Case::Decap => "decap",
            Case::Encap => "encap",
            Case::DecapTurns => "decap-turns",
            Case::EncapTurns => "encap-turns",
            Case::DecapTagged => "decap-tagged",
            Case::DecapSummed => "decap-summed",
            Case::EncapSummed => "encap-summed",
            Case::EncapLeft => "encap-left",
        })
    }
}

/// Where stations are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Behind the first port.
    Guest,
    /// Behind the second port.
    Server,
    /// Behind remote 0.
    Far,
    /// Behind remote 1, whose next hop nobody knows.
    Lost,
    /// Nowhere that the table says.
    Stranger,
    /// Behind remote 2.
    Farther,
}

impl Side {
    /// Those that the table knows.
    pub(super) const KNOWN: [Side; 5] = [
        Side::Guest,
        Side::Server,
        Side::Far,
        Side::Lost,
        Side::Farther,
    ];

    /// A station there.
    pub(crate) const fn station(self, number: u8) -> (Mac, Ipv4Addr) {
        let side = self as u8;
        let mac = Mac::new([2, 0, 0, 0, side, number]);
        (mac, Ipv4Addr::new(10, 0, side, number))
    }

    /// What the table says of it.
    pub(super) fn destination(self) -> Destination {
        match self {
            Side::Guest => Destination::Port(port(GUESTS)),
            Side::Server | Side::Stranger => Destination::Port(port(SERVERS)),
            Side::Far => Destination::Remote(remote(0)),
            Side::Lost => Destination::Remote(remote(1)),
            Side::Farther => Destination::Remote(remote(2)),
        }
    }
}

/// A host of the underlay.
pub(super) const fn vtep(host: u8) -> (Mac, Ipv4Addr) {
    (
        Mac::new([2, 0, 0, 1, 0, host]),
        Ipv4Addr::new(192, 0, 2, host),
    )
}

/// UDP of 64 bytes from a station to one of another side.
pub(crate) fn between(from: Side, to: Side, flow: u8) -> Vec<u8> {
    long_between(from, to, flow, PAYLOAD)
}

fn long_between(from: Side, to: Side, flow: u8, payload: usize) -> Vec<u8> {
    Pair::new(from.station(flow), to.station(flow)).udp(1000, 2000, &vec![0; payload])
}

/// `inner` in VXLAN from a host of the underlay to the switch.
pub(crate) fn tunnelled(vni: Vni, host: u8, inner: &[u8]) -> Vec<u8> {
    Pair::new(vtep(host), vtep(US)).vxlan(50000, vni, inner)
}

/// What is inside a frame of a tunnel.
pub(super) fn bare(frame: &[u8]) -> Vec<u8> {
    let tag = 4 * usize::from(frame[12..14] == [0x81, 0]);
    frame[UDP_AT + 16 + tag..].to_vec()
}

/// The address of a host of the underlay.
pub(super) const fn remote_of(host: u8) -> Ipv4Addr {
    vtep(host).1
}

/// With the checksum of the outer UDP header filled in.
fn summed(mut frame: Vec<u8>) -> Vec<u8> {
    let (src, dst) = (vtep(1).1, vtep(US).1);
    let len = (frame.len() - UDP_AT) as u16;
    let sum = Sum::new().add_pseudo_v4(src, dst, Protocol::UDP, len);
    let sum = udp::on_wire(sum.add_bytes(&frame[UDP_AT..]).finish());
    frame[UDP_AT + 6..UDP_AT + 8].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// Who has our address? From a host of the underlay.
pub(crate) fn arp(host: u8) -> Vec<u8> {
    Pair::new(vtep(host), vtep(US)).arp_request()
}
