//! The frames of the self-test: for its tunnels, nearly for them, and for nobody.

use super::Site;
use super::id::Id;
use super::inner::{self, Inner};
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Protocol, Tag, VlanId, Vni, ethernet, ipv4, tcp, udp};
use std::net::Ipv4Addr;

/// The end point of the test, and who sends to it: RFC 2544, appendix C.2.2, for tests of devices, so
/// that nobody else has them should a frame leave.
pub(super) const LOCAL: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);

/// The VNIs that rules are installed for, and one that none is for.
pub(super) const VNIS: [u32; 2] = [0xff_fffd, 0xff_fffc];
const NOBODYS: u32 = 0xff_fffb;

/// How often each frame is sent: a NIC may be wrong now and then.
const COPIES: usize = 2;

/// UDP ports of no tunnel: known to nobody's parser, and one of a protocol that all know.
const OTHER_PORTS: [u16; 2] = [40_000, 53];
const SOURCE_PORT: u16 = 50_000;
/// The VLAN of frames with a tag.
const VLAN: u16 = 7;

/// Offsets in an untagged frame without IPv4 options.
const IP: usize = ethernet::HEADER_LEN;
pub(super) const IP_SUM: usize = IP + 10;
const L4: usize = IP + ipv4::HEADER_LEN;
const UDP_SUM: usize = L4 + udp::CHECKSUM_AT;
pub(super) const TCP_SUM: usize = L4 + tcp::CHECKSUM_AT;
const VXLAN: usize = L4 + udp::HEADER_LEN;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// What it is, in words, for people.
    pub(super) name: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// The outer UDP checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Zero,
    Right,
    Wrong,
}

impl Sum {
    const ALL: [Sum; 3] = [Sum::Zero, Sum::Right, Sum::Wrong];

    const fn words(self) -> &'static str {
        match self {
            Sum::Zero => "UDP checksum zero",
            Sum::Right => "UDP checksum right",
            Sum::Wrong => "UDP checksum wrong",
        }
    }
}

/// All frames of test `run`, in the order of their places.
pub(super) fn frames(site: &Site, run: u32) -> Vec<Frame> {
    let mut maker = Maker {
        site,
        run,
        frames: Vec::new(),
    };
    for _ in 0..COPIES {
        maker.ours();
        maker.nearly();
        maker.others();
        maker.plain();
    }
    maker.frames
}

struct Maker<'a> {
    site: &'a Site,
    run: u32,
    frames: Vec<Frame>,
}

impl Maker<'_> {
    /// What stands in the payload of the next frame.
    fn id(&self) -> [u8; 16] {
        let place = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        let run = self.run;
        Id { run, place }.bytes()
    }

    fn add(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        let name = name.into();
        self.frames.push(Frame { name, bytes });
    }

    /// From somebody on the underlay to the end point of the test, or to `dst`.
    fn outer(&self, dst: Ipv4Addr) -> Pair {
        let src = (Mac::new([2, 0x73, 0x65, 0x6c, 0x66, 1]), REMOTE);
        Pair::new(src, (self.site.mac, dst))
    }

    /// A packet for the end point of the test.
    fn vxlan(&self, vni: u32, sum: Sum, inner: &[u8]) -> Vec<u8> {
        let payload = [&header(vni)[..], inner].concat();
        let outer = self.outer(LOCAL);
        let frame = outer.udp(SOURCE_PORT, self.site.udp_port, &payload);
        with_sum(frame, sum)
    }

    /// For both tunnels, with all that may be in them.
    fn ours(&mut self) {
        for sum in [Sum::Zero, Sum::Right] {
            for what in Inner::ALL {
                let frame = self.vxlan(VNIS[0], sum, &what.frame(&self.id()));
                self.add(format!("tunnel, {}, inner {what}", sum.words()), frame);
            }
        }
        for what in [Inner::Udp(Sum::Right), Inner::Udp(Sum::Wrong), Inner::Arp] {
            let frame = self.vxlan(VNIS[0], Sum::Wrong, &what.frame(&self.id()));
            self.add(format!("tunnel, UDP checksum wrong, inner {what}"), frame);
        }
        for sum in [Sum::Zero, Sum::Right] {
            let what = Inner::Tcp(Sum::Right);
            let frame = self.vxlan(VNIS[1], sum, &what.frame(&self.id()));
            self.add(
                format!("other tunnel, {}, inner {what}", sum.words()),
                frame,
            );
        }
        for sum in Sum::ALL {
            let frame = broken(self.vxlan(VNIS[0], sum, &self.tenant()), IP_SUM);
            self.add(format!("tunnel, IP checksum wrong, {}", sum.words()), frame);
        }
    }

    /// For them, but for something that a rule may or may not see.
    fn nearly(&mut self) {
        for sum in Sum::ALL {
            let frame = with_tag(&self.vxlan(VNIS[0], sum, &self.tenant()));
            self.add(format!("tunnel, VLAN tag, {}", sum.words()), frame);
        }
        let mut flagless = self.vxlan(VNIS[0], Sum::Zero, &self.tenant());
        flagless[VXLAN] = 0;
        self.add("tunnel, I flag clear", flagless);
        let mut reserved = self.vxlan(VNIS[0], Sum::Zero, &self.tenant());
        reserved[VXLAN + 1] = 1;
        self.add("tunnel, reserved bit set", reserved);
        for (name, offset, more) in [("first", 0, true), ("last", 64, false)] {
            let mut outer = self.outer(LOCAL);
            (outer.ip.fragment_offset, outer.ip.more_fragments) = (offset, more);
            let payload = [&header(VNIS[0])[..], &self.tenant()].concat();
            let frame = outer.udp(SOURCE_PORT, self.site.udp_port, &payload);
            self.add(format!("tunnel, {name} fragment"), frame);
        }
        let outer = self.outer(LOCAL);
        let payload = [&header(VNIS[0])[..], &self.tenant()].concat();
        let frame = outer.udp6(SOURCE_PORT, self.site.udp_port, &payload);
        self.add("tunnel over IPv6", frame);
    }

    /// VXLAN that is for neither.
    fn others(&mut self) {
        for sum in Sum::ALL {
            let frame = self.vxlan(NOBODYS, sum, &self.tenant());
            self.add(format!("VNI of no rule, {}", sum.words()), frame);
        }
        let payload = [&header(VNIS[0])[..], &self.tenant()].concat();
        let elsewhere = self.outer(REMOTE);
        let frame = elsewhere.udp(SOURCE_PORT, self.site.udp_port, &payload);
        self.add("tunnel's VNI, other address", frame);
        let known = |port: &u16| *port == self.site.udp_port || self.site.told.contains(port);
        for port in OTHER_PORTS.into_iter().filter(|port| !known(port)) {
            for sum in Sum::ALL {
                let payload = [&header(VNIS[0])[..], &self.tenant()].concat();
                let frame = self.outer(LOCAL).udp(SOURCE_PORT, port, &payload);
                let name = format!("tunnel's VNI, UDP port {port}, {}", sum.words());
                self.add(name, with_sum(frame, sum));
            }
        }
    }

    /// What is in no tunnel at all: what may be in one, on the underlay.
    fn plain(&mut self) {
        for what in Inner::ALL {
            let frame = inner::frame_of(&self.outer(LOCAL), what, &self.id());
            self.add(format!("no tunnel, {what}"), frame);
        }
        let what = Inner::Tcp(Sum::Wrong);
        let frame = inner::frame_of(&self.outer(LOCAL), what, &self.id());
        self.add(format!("no tunnel, VLAN tag, {what}"), with_tag(&frame));
    }

    fn tenant(&self) -> Vec<u8> {
        Inner::Udp(Sum::Right).frame(&self.id())
    }
}

/// The VXLAN header of a VNI.
fn header(vni: u32) -> [u8; 8] {
    let [_, a, b, c] = vni.to_be_bytes();
    [0x08, 0, 0, 0, a, b, c, 0]
}

fn with_tag(frame: &[u8]) -> Vec<u8> {
    let tag = Tag {
        pcp: 0,
        dei: false,
        vid: VlanId::new(VLAN).unwrap_or(VlanId::NONE),
    };
    tagged(frame, EtherType::VLAN, tag)
}

/// The frame, whose UDP checksum is right, with another.
pub(super) fn with_sum(mut frame: Vec<u8>, sum: Sum) -> Vec<u8> {
    match sum {
        Sum::Right => frame,
        Sum::Wrong => broken(frame, UDP_SUM),
        Sum::Zero => {
            if let Some(field) = frame.get_mut(UDP_SUM..UDP_SUM + 2) {
                field.fill(0);
            }
            frame
        }
    }
}

/// The frame with a wrong checksum in place of the right one at `at`; never zero, which means that
/// there is none.
pub(super) fn broken(mut frame: Vec<u8>, at: usize) -> Vec<u8> {
    if let Some(field) = frame
        .get_mut(at..)
        .and_then(|rest| rest.first_chunk_mut::<2>())
    {
        let right = u16::from_be_bytes(*field);
        let wrong = if right ^ 1 == 0 { right ^ 2 } else { right ^ 1 };
        *field = wrong.to_be_bytes();
    }
    frame
}

/// The VNI as rules have it.
pub(super) fn vni(vni: u32) -> Vni {
    let [_, a, b, c] = vni.to_be_bytes();
    Vni::from_bytes([a, b, c])
}

/// The protocol that experiments have (RFC 3692): neither TCP nor UDP.
pub(super) const EXPERIMENT: Protocol = Protocol(253);

#[cfg(test)]
mod tests;
