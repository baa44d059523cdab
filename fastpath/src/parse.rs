//! Frame to key: one walk over outer and inner headers, before anything is known of the packet.
//!
//! The parser judges structure only. Headers that are not there or make no sense leave their
//! presence bit clear, and the first thing wrong with the outer ones is kept as the *fault*: what a
//! decision names when it needed that header. Lengths and checksums are no part of the key; the
//! `decap` action checks them on each packet.

use crate::drop::DropReason;
use crate::ids::PortId;
use crate::key::{Field, FlowKey};
use crate::snapshot::UdpPorts;
use crate::wire::{Cursor, VlanId};

const VLAN: u16 = 0x8100;
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const ICMP: u8 = 1;
const UDP: u8 = 17;
/// Bytes of a UDP header.
const UDP_LEN: usize = 8;
/// Shortest Ethernet frame without its checksum: two MACs and an EtherType.
pub const ETHERNET_LEN: usize = 14;

/// What the walk found in one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The fields.
    pub key: FlowKey,
    /// Where the headers are.
    pub layout: Layout,
}

/// Where the headers of one packet are, for the actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The first thing wrong with the outer headers.
    pub fault: Option<DropReason>,
    /// It is ARP, which control should not miss.
    pub arp: bool,
    /// Bytes before the outer IPv4 header.
    pub ip_at: u16,
    /// Bytes before the outer UDP header.
    pub udp_at: u16,
    /// Bytes before the inner frame; zero without a VXLAN header.
    pub inner_at: u16,
    /// Bytes of the packet up to the end of the UDP payload; anything behind is padding.
    pub end: u32,
}

/// The VLAN that the tag of a frame names, as [`parse`] sees it.
pub(crate) fn vlan(head: &[u8]) -> Option<VlanId> {
    let [ether_type, tci, _] = head.get(12..18)?.as_chunks().0 else {
        return None;
    };
    let vid = u16::from_be_bytes(*tci) & VlanId::MAX;
    let tagged = u16::from_be_bytes(*ether_type) == VLAN && vid != 0;
    VlanId::new(vid).filter(|_| tagged)
}

/// Parses the frame whose first segment is `head` and whose length over all segments is `len`.
pub fn parse(ingress: PortId, head: &[u8], len: usize, udp_ports: &UdpPorts) -> Parsed {
    let mut walk = Walk {
        parsed: Parsed::default(),
        len,
        udp_ports,
    };
    walk.parsed
        .key
        .set(Field::INGRESS, u64::from(ingress.get()));
    let mut cursor = Cursor::new(head);
    if walk.ethernet(&mut cursor).is_none() {
        walk.fault(DropReason::FrameRunt);
    }
    walk.parsed
}

struct Walk<'a> {
    parsed: Parsed,
    len: usize,
    udp_ports: &'a UdpPorts,
}

impl Walk<'_> {
    fn fault(&mut self, reason: DropReason) {
        self.parsed.layout.fault.get_or_insert(reason);
    }

    fn set(&mut self, field: Field, value: impl Into<u64>) {
        self.parsed.key.set(field, value.into());
    }

    fn mac(&mut self, field: Field, cursor: &mut Cursor<'_>) -> Option<()> {
        let [a, b, c, d, e, f] = cursor.array()?;
        self.set(field, u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
        Some(())
    }

    fn ethernet(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let mut header = Cursor::new(cursor.take(ETHERNET_LEN)?);
        self.mac(Field::DST_MAC, &mut header)?;
        self.mac(Field::SRC_MAC, &mut header)?;
        let mut ether_type = header.u16()?;
        self.set(Field::HAS_ETHERNET, 1u8);
        if ether_type == VLAN
            && let Some(tci) = cursor.u16()
            && let Some(inner_type) = cursor.u16()
        {
            // VLAN 0 is none: the tag only carries a priority (IEEE 802.1Q, 6.9.1).
            self.set(Field::HAS_VLAN, u8::from(tci & 0xfff != 0));
            self.set(Field::VLAN_ID, tci & 0xfff);
            ether_type = inner_type;
        }
        self.set(Field::ETHER_TYPE, ether_type);
        match ether_type {
            IPV4 if self.ipv4(cursor).is_none() => self.fault(DropReason::IpTruncated),
            ARP => self.arp(cursor).unwrap_or_default(),
            _ => {}
        }
        Some(())
    }

    /// RFC 826, with the hardware and protocol lengths of IPv4 over Ethernet.
    fn arp(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.array()? != [0, 1, 0x08, 0x00, 6, 4] {
            return None;
        }
        let operation = cursor.u16()?;
        cursor.skip(6)?;
        let sender = cursor.u32()?;
        cursor.skip(6)?;
        let target = cursor.u32()?;
        self.set(Field::HAS_ARP, 1u8);
        self.parsed.layout.arp = true;
        self.set(Field::PROTOCOL, operation & 0xff);
        self.set(Field::SRC_IP, sender);
        self.set(Field::DST_IP, target);
        Some(())
    }

    /// RFC 791, 3.1. `None` if the first segment ends within the header.
    fn ipv4(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let at = cursor.position();
        let [version_ihl, _tos] = cursor.array()?;
        let total_len = usize::from(cursor.u16()?);
        let _id = cursor.u16()?;
        let fragment = cursor.u16()?;
        let [_ttl, protocol] = cursor.array()?;
        let _checksum = cursor.u16()?;
        let (src, dst) = (cursor.u32()?, cursor.u32()?);
        let header_len = usize::from(version_ihl & 0xf) * 4;
        if version_ihl >> 4 != 4 {
            self.fault(DropReason::IpVersion);
            return Some(());
        }
        if header_len < 20 {
            self.fault(DropReason::IpHeaderLength);
            return Some(());
        }
        cursor.skip(header_len - 20)?;
        if total_len < header_len || at + total_len > self.len {
            self.fault(DropReason::IpTotalLength);
        }
        self.parsed.layout.ip_at = at as u16;
        self.set(Field::HAS_IPV4, 1u8);
        self.set(Field::PROTOCOL, protocol);
        self.set(Field::SRC_IP, src);
        self.set(Field::DST_IP, dst);
        // More fragments, or a fragment offset: everything but DF and the reserved bit.
        if fragment & 0x3fff != 0 {
            self.set(Field::FRAGMENT, 1u8);
        } else if protocol == ICMP {
            let [icmp_type] = cursor.array().unwrap_or_default();
            self.set(Field::DST_PORT, icmp_type);
        } else if protocol == UDP && self.udp(cursor, at + total_len).is_none() {
            self.fault(DropReason::UdpTruncated);
        }
        Some(())
    }

    /// RFC 768. `ip_end` is where IPv4 says that its payload ends.
    fn udp(&mut self, cursor: &mut Cursor<'_>, ip_end: usize) -> Option<()> {
        let at = cursor.position();
        if at + UDP_LEN > ip_end {
            return None;
        }
        let _source = cursor.u16()?;
        let destination = cursor.u16()?;
        let udp_len = usize::from(cursor.u16()?);
        let checksum = cursor.u16()?;
        self.parsed.layout.udp_at = at as u16;
        self.set(Field::HAS_UDP, 1u8);
        self.set(Field::HAS_CHECKSUM, u8::from(checksum != 0));
        self.set(Field::DST_PORT, destination);
        // Shorter than what IPv4 carries is legal, the rest is ignored, as Linux does.
        if udp_len < UDP_LEN || at + udp_len > ip_end {
            self.fault(DropReason::UdpLength);
        }
        self.parsed.layout.end = (at + udp_len) as u32;
        if self.udp_ports.contains(destination) && self.vxlan(cursor, at + udp_len).is_none() {
            self.fault(DropReason::VxlanTruncated);
        }
        Some(())
    }

    /// RFC 7348, 5. `end` is where UDP says that its payload ends.
    fn vxlan(&mut self, cursor: &mut Cursor<'_>, end: usize) -> Option<()> {
        let [flags, r1, r2, r3] = cursor.array()?;
        let [v1, v2, v3, r4] = cursor.array()?;
        let inner_at = cursor.position();
        if inner_at > end {
            return None;
        }
        self.set(Field::HAS_VXLAN, 1u8);
        self.set(Field::VXLAN_VNI_VALID, flags >> 3 & 1);
        let reserved = flags & !0x08 | r1 | r2 | r3 | r4;
        self.set(Field::VXLAN_RESERVED, u8::from(reserved != 0));
        self.set(Field::VNI, u32::from_be_bytes([0, v1, v2, v3]));
        self.parsed.layout.inner_at = inner_at as u16;
        if inner_at + ETHERNET_LEN > end {
            return Some(());
        }
        self.inner(cursor);
        Some(())
    }

    fn inner(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let mut header = Cursor::new(cursor.rest().get(..ETHERNET_LEN)?);
        self.mac(Field::INNER_DST_MAC, &mut header)?;
        self.mac(Field::INNER_SRC_MAC, &mut header)?;
        self.set(Field::HAS_INNER, 1u8);
        Some(())
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
