//! `encap`: the remote's header template, with the few fields that differ from packet to packet.

use super::Context;
use super::run::Road;
use crate::drop::DropReason;
use crate::io::{Io, Packet, Pool};
use crate::snapshot::{Df, EncapSettings, Inherit, OUTER_LEN};
use crate::wire::{Dscp, Ecn, VlanId};

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
#[inline(always)]
pub(super) fn encap<I: Io>(
    context: &mut Context<'_, I>,
    road: &Road<'_>,
    mut packet: I::Packet,
) -> Result<I::Packet, DropReason> {
    let fields = Fields::new(road, context);
    let inner_len = packet.len();
    let len = OUTER_LEN + road.vlan.map_or(0, |_| TAG_LEN);
    if let Some(front) = packet.prepend(len) {
        write(front, road, inner_len, &fields);
        return Ok(packet);
    }
    let mut replica = context
        .pool
        .replicate(&packet, road.port.may_chain)
        .ok_or(DropReason::NoBuffer)?;
    let front = replica.prepend(len).ok_or(DropReason::NoHeadroom)?;
    write(front, road, inner_len, &fields);
    Ok(replica)
}

/// Writes the header to a front of its length and, on a VLAN, that of a tag.
#[inline(always)]
fn write(front: &mut [u8], road: &Road<'_>, inner_len: usize, fields: &Fields) {
    match (road.vlan, front.first_chunk_mut()) {
        (None, Some(front)) => outer(front, road, inner_len, fields),
        (None, None) => {}
        (Some(vlan), _) => write_tagged(front, vlan, road, inner_len, fields),
    }
}

fn write_tagged(
    front: &mut [u8],
    vlan: VlanId,
    road: &Road<'_>,
    inner_len: usize,
    fields: &Fields,
) {
    let mut header = [0; OUTER_LEN];
    outer(&mut header, road, inner_len, fields);
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
    #[inline(always)]
    fn new<I: Io>(road: &Road<'_>, context: &mut Context<'_, I>) -> Self {
        let settings = &road.remote.settings;
        let flow = road.flow;
        let dscp = match settings.dscp {
            Inherit::Inner(_) if flow.is_ip() => Dscp::from_tos(flow.tos()).get(),
            Inherit::Fixed(dscp) | Inherit::Inner(dscp) => dscp,
        };
        // RFC 6040, 4.1, normal mode: the outer field is a copy, CE included.
        let ecn = Ecn::encapsulate(Ecn::from_tos(flow.tos()));
        let ttl = match settings.ttl {
            Inherit::Inner(_) if flow.is_ip() => flow.ttl(),
            Inherit::Fixed(ttl) | Inherit::Inner(ttl) => ttl,
        };
        let df = match settings.df {
            Df::Set => true,
            Df::Unset => false,
            Df::Inherit => flow.dont_fragment(),
        };
        Fields {
            tos: dscp << 2 | ecn.bits(),
            ttl,
            df,
            // RFC 6864, 4.1: what cannot be fragmented needs no identification.
            ip_id: if df { 0 } else { context.outputs.next_ip_id() },
            source_port: source_port(settings, flow.hash),
        }
    }
}

/// RFC 7348, 5: the source port carries the entropy of the inner flow.
fn source_port(settings: &EncapSettings, hash: u32) -> u16 {
    let (first, last) = (*settings.source_ports.start(), *settings.source_ports.end());
    let count = u64::from(last.saturating_sub(first)) + 1;
    first + ((u64::from(hash) * count) >> 32) as u16
}

#[inline(always)]
fn outer(header: &mut [u8; OUTER_LEN], road: &Road<'_>, inner_len: usize, fields: &Fields) {
    *header = road.remote.template;
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    // The caller has checked that the packet fits the MTU, which is below 2^16.
    let ip_len = outer_ip_len(inner_len) as u16;
    let df = if fields.df { DONT_FRAGMENT } else { 0 };
    put(0, &road.mac.bytes());
    put(6, &road.port.mac.bytes());
    put(ETHERNET_LEN + 1, &[fields.tos]);
    put(ETHERNET_LEN + 2, &ip_len.to_be_bytes());
    put(ETHERNET_LEN + 4, &fields.ip_id.to_be_bytes());
    put(ETHERNET_LEN + 6, &[df]);
    put(ETHERNET_LEN + 8, &[fields.ttl]);
    put(UDP_AT, &fields.source_port.to_be_bytes());
    put(UDP_AT + 4, &(ip_len - IP_LEN as u16).to_be_bytes());
    // What the template has of these words is zero, but for the first, whose low byte is.
    let words = [
        u16::from(fields.tos),
        ip_len,
        fields.ip_id,
        u16::from(df) << 8,
        u16::from(fields.ttl) << 8,
    ];
    let sum = words
        .iter()
        .fold(road.remote.ip_sum, |sum, word| sum + u32::from(*word));
    let sum = (sum & 0xffff) + (sum >> 16);
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    put(ETHERNET_LEN + 10, &checksum.to_be_bytes());
}
