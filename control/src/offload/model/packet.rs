//! What the NIC makes of a packet.

use super::chip::Chip;
use fastpath::io::{Checksum, RxChecksums};
use fastpath::offload::{Delivery, Pattern, Rule};
use fastpath::wire::ethernet::Ethernet;
use fastpath::wire::ipv4::Ipv4;
use fastpath::wire::udp::{self, Udp};
use fastpath::wire::vlan::{self, Vlan};
use fastpath::wire::vxlan::{self, Vxlan};
use fastpath::wire::{EtherType, Protocol, Transport, VlanId, Vni, ethernet, flow_hash};
use std::net::Ipv4Addr;

/// A packet as it reaches the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The mark that a rule wrote.
    pub mark: Option<u32>,
    /// The packet type says that it is a tunnel's.
    pub tunnel: bool,
    /// What stands in the flags for the checksums: of inner headers if `tunnel`, else of outer ones.
    pub checksums: RxChecksums,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether outer headers were taken off.
    pub stripped: bool,
    /// The queue.
    pub queue: u16,
}

/// Headers of a VXLAN packet over IPv4, with at most one tag, that is no fragment.
struct Outer<'a> {
    vlan: Option<VlanId>,
    src: Ipv4Addr,
    dst: Ipv4Addr,
    udp_port: u16,
    /// What the VXLAN header would say, if it is one. The flags are not looked at.
    vni: Vni,
    inner: &'a [u8],
}

impl<'a> Outer<'a> {
    fn of(frame: &'a [u8]) -> Option<Self> {
        let eth = Ethernet::new(frame)?;
        let (mut ethertype, mut rest) = (eth.ethertype(), frame.get(ethernet::HEADER_LEN..)?);
        let mut vlan = None;
        if ethertype.is_tag() {
            let tag = Vlan::new(rest)?;
            vlan = Some(tag.tag().vid);
            (ethertype, rest) = (tag.ethertype(), rest.get(vlan::HEADER_LEN..)?);
        }
        let ip = Ipv4::new(rest).filter(|_| ethertype == EtherType::IPV4)?;
        ip.check(rest.len()).ok()?;
        if ip.is_fragment() || ip.protocol() != Protocol::UDP {
            return None;
        }
        let datagram = Ipv4::new(rest)?.payload();
        let udp = Udp::new(datagram)?;
        let segment = datagram.get(udp::HEADER_LEN..)?;
        Some(Outer {
            vlan,
            src: ip.src(),
            dst: ip.dst(),
            udp_port: udp.dst_port(),
            vni: Vxlan::new(segment)?.vni(),
            inner: segment.get(vxlan::HEADER_LEN..)?,
        })
    }

    fn matches(&self, rule: &Rule) -> bool {
        let end = &rule.end_point;
        let addressed = self.dst == end.local && self.udp_port == end.udp_port;
        let inner = || Ethernet::new(self.inner);
        self.vlan == rule.vlan
            && self.vni == end.vni
            && rule.strip.is_none_or(|remote| self.src == remote)
            && match rule.pattern {
                Pattern::VniOnly => true,
                Pattern::Tunnel | Pattern::Whole => addressed,
                Pattern::InnerEthernet => addressed && inner().is_some(),
                Pattern::InnerIpv4 => {
                    addressed && inner().is_some_and(|eth| eth.ethertype() == EtherType::IPV4)
                }
            }
    }
}

impl Chip {
    pub(super) fn receive(&mut self, frame: &[u8]) -> Seen {
        let outer = Outer::of(frame);
        let known = |udp_port: u16| self.knows(udp_port);
        let tunnel = outer.as_ref().is_some_and(|outer| known(outer.udp_port));
        let own_ports = self.profile().own_ports;
        let mut rules = self.rules.values_mut();
        let hit = outer.as_ref().and_then(|outer| {
            let finds = |rule: &Rule| {
                let own = own_ports && rule.pattern != Pattern::VniOnly;
                (tunnel || own) && outer.matches(rule)
            };
            rules.find(|(rule, _)| finds(rule))
        });
        let hit = hit.map(|(rule, hits)| {
            *hits += 1;
            *rule
        });
        let inner = outer.as_ref().map_or(frame, |outer| outer.inner);
        let stripped = hit.is_some_and(|rule| rule.strip.is_some());
        let by_inner = match hit.map(|rule| rule.delivery) {
            Some(Delivery::InnerRss) => true,
            _ => stripped,
        };
        let bytes = if stripped { inner } else { frame };
        let hash = flow_hash(if by_inner { inner } else { frame });
        Seen {
            mark: hit.map(|rule| rule.mark.get()),
            tunnel,
            checksums: checksums(if tunnel { inner } else { frame }),
            bytes: bytes.to_vec(),
            stripped,
            queue: u16::try_from(hash % u32::from(self.facts().rx_queues.max(1))).unwrap_or(0),
        }
    }
}

/// Verdicts on the first headers of a frame.
fn checksums(frame: &[u8]) -> RxChecksums {
    let verdict = |right: bool| match right {
        true => Checksum::Good,
        false => Checksum::Bad,
    };
    let mut said = RxChecksums::default();
    let Some(eth) = Ethernet::new(frame) else {
        return said;
    };
    let mut packet = (
        eth.ethertype(),
        frame.get(ethernet::HEADER_LEN..).unwrap_or(&[]),
    );
    if let (true, Some(tag)) = (packet.0.is_tag(), Vlan::new(packet.1)) {
        packet = (
            tag.ethertype(),
            packet.1.get(vlan::HEADER_LEN..).unwrap_or(&[]),
        );
    }
    if packet.0 == EtherType::IPV4
        && let Some(ip) = Ipv4::new(packet.1)
        && ip.check(packet.1.len()).is_ok()
    {
        said.ip = verdict(ip.verify_checksum());
    }
    let Some(segment) = Transport::of(frame, frame.len()) else {
        return said;
    };
    let bytes = frame
        .get(segment.at..segment.at + segment.len)
        .unwrap_or(&[]);
    let field = frame.get(segment.checksum_at()..segment.checksum_at() + 2);
    let none = segment.protocol == Protocol::UDP && field == Some(&[0, 0]);
    if !none {
        said.l4 = verdict(segment.pseudo.add_bytes(bytes).finish() == 0);
    }
    said
}
