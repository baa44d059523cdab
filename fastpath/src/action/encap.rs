//! `encap`: the remote's header template, with the few fields that differ from packet to packet.

use super::Context;
use super::run::Road;
use crate::drop::DropReason;
use crate::io::{Io, Packet, Pool};
use crate::snapshot::{Df, EncapSettings, Inherit, OUTER_LEN};
use crate::wire::{Ecn, InnerIp, Sum, VlanId};

const MACS_LEN: usize = 12;
const TAG_LEN: usize = 4;
const ETHERNET_LEN: usize = 14;
const IP_LEN: usize = 20;
const UDP_AT: usize = ETHERNET_LEN + IP_LEN;
const DONT_FRAGMENT: u8 = 0x40;

/// Length of the outer IPv4 packet around an inner frame of `inner_len` bytes.
pub(super) const fn outer_ip_len(inner_len: usize) -> usize {
    inner_len + OUTER_LEN - ETHERNET_LEN
}

/// Puts the outer stack for the road's remote before `packet`. A packet whose front cannot grow is
/// replaced by a replica with a front of its own.
#[inline]
pub(super) fn encap<I: Io>(
    context: &mut Context<'_, I>,
    road: &Road<'_>,
    mut packet: I::Packet,
) -> Result<I::Packet, DropReason> {
    let fields = Fields::new(road, packet.head(), context.outputs.next_ip_id());
    let header = outer(road, packet.len(), &fields);
    let len = OUTER_LEN + road.vlan.map_or(0, |_| TAG_LEN);
    if let Some(front) = packet.prepend(len) {
        write(front, &header, road.vlan);
        return Ok(packet);
    }
    let mut replica = context
        .pool
        .replicate(&packet, road.port.may_chain)
        .ok_or(DropReason::NoBuffer)?;
    let front = replica.prepend(len).ok_or(DropReason::NoHeadroom)?;
    write(front, &header, road.vlan);
    Ok(replica)
}

/// Writes the header to a front of its length and, on a VLAN, that of a tag.
fn write(front: &mut [u8], header: &[u8; OUTER_LEN], vlan: Option<VlanId>) {
    let Some(vlan) = vlan else {
        return front.copy_from_slice(header);
    };
    let (macs, rest) = header.split_at(MACS_LEN);
    let [high, low] = vlan.get().to_be_bytes();
    // The tag's priority is zero: nothing of the inner frame is told to the underlay's bridges.
    front[..MACS_LEN].copy_from_slice(macs);
    front[MACS_LEN..MACS_LEN + TAG_LEN].copy_from_slice(&[0x81, 0x00, high, low]);
    front[MACS_LEN + TAG_LEN..].copy_from_slice(rest);
}

/// What depends on the inner frame.
struct Fields {
    tos: u8,
    ttl: u8,
    df: bool,
    ip_id: u16,
    source_port: u16,
}

impl Fields {
    fn new(road: &Road<'_>, frame: &[u8], next_id: u16) -> Self {
        let settings = &road.remote.settings;
        let inner = InnerIp::of(frame);
        let dscp = match settings.dscp {
            Inherit::Fixed(dscp) => dscp,
            Inherit::Inner(other) => inner.map_or(other, |ip| ip.dscp().get()),
        };
        // RFC 6040, 4.1, normal mode: the outer field is a copy, CE included.
        let ecn = inner.map_or(Ecn::NotEct, |ip| Ecn::encapsulate(ip.ecn()));
        let ttl = match settings.ttl {
            Inherit::Fixed(ttl) => ttl,
            Inherit::Inner(other) => inner.map_or(other, |ip| ip.ttl),
        };
        let df = match settings.df {
            Df::Set => true,
            Df::Unset => false,
            Df::Inherit => inner.is_some_and(|ip| ip.dont_fragment),
        };
        Fields {
            tos: dscp << 2 | ecn.bits(),
            ttl,
            df,
            // RFC 6864, 4.1: what cannot be fragmented needs no identification.
            ip_id: if df { 0 } else { next_id },
            source_port: source_port(settings, road.flow),
        }
    }
}

/// RFC 7348, 5: the source port carries the entropy of the inner flow.
fn source_port(settings: &EncapSettings, hash: u32) -> u16 {
    let (first, last) = (*settings.source_ports.start(), *settings.source_ports.end());
    let count = u64::from(last.saturating_sub(first)) + 1;
    first + ((u64::from(hash) * count) >> 32) as u16
}

#[inline]
fn outer(road: &Road<'_>, inner_len: usize, fields: &Fields) -> [u8; OUTER_LEN] {
    let mut header = road.remote.template;
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    // The caller has checked that the packet fits the MTU, which is below 2^16.
    let ip_len = outer_ip_len(inner_len) as u16;
    put(0, &road.mac.bytes());
    put(6, &road.port.mac.bytes());
    put(ETHERNET_LEN + 1, &[fields.tos]);
    put(ETHERNET_LEN + 2, &ip_len.to_be_bytes());
    put(ETHERNET_LEN + 4, &fields.ip_id.to_be_bytes());
    put(
        ETHERNET_LEN + 6,
        &[if fields.df { DONT_FRAGMENT } else { 0 }],
    );
    put(ETHERNET_LEN + 8, &[fields.ttl]);
    put(UDP_AT, &fields.source_port.to_be_bytes());
    put(UDP_AT + 4, &(ip_len - IP_LEN as u16).to_be_bytes());
    let checksum = Sum::new().add_bytes(&header[ETHERNET_LEN..UDP_AT]).finish();
    header[ETHERNET_LEN + 10..ETHERNET_LEN + 12].copy_from_slice(&checksum.to_be_bytes());
    header
}
