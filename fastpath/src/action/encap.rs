//! `encap`: the remote's header template, with the few fields that differ from packet to packet.

use super::Context;
use crate::drop::DropReason;
use crate::io::{Io, Packet, Pool};
use crate::snapshot::{Df, EncapSettings, Inherit, OUTER_LEN, Port, Remote};
use crate::wire::{Ecn, InnerIp, Mac, Sum, flow_hash};

const ETHERNET_LEN: usize = 14;
const IP_LEN: usize = 20;
const UDP_AT: usize = ETHERNET_LEN + IP_LEN;
const DONT_FRAGMENT: u8 = 0x40;

/// Length of the outer IPv4 packet around an inner frame of `inner_len` bytes.
pub(super) const fn outer_ip_len(inner_len: usize) -> usize {
    inner_len + OUTER_LEN - ETHERNET_LEN
}

/// Puts the outer stack for `remote` before `packet`, to leave by `port` to the neighbour `mac`. A
/// packet whose front cannot grow is replaced by a replica with a front of its own.
pub(super) fn encap<I: Io>(
    context: &mut Context<'_, I>,
    remote: &Remote,
    port: &Port,
    mac: Mac,
    mut packet: I::Packet,
) -> Result<I::Packet, DropReason> {
    let inner_len = packet.len();
    let fields = Fields::new(
        &remote.settings,
        packet.head(),
        context.outputs.next_ip_id(),
    );
    let header = outer(remote, port.mac, mac, inner_len, &fields);
    if let Some(front) = packet.prepend(OUTER_LEN) {
        front.copy_from_slice(&header);
        return Ok(packet);
    }
    let mut replica = context
        .pool
        .replicate(&packet, port.may_chain)
        .ok_or(DropReason::NoBuffer)?;
    let front = replica.prepend(OUTER_LEN).ok_or(DropReason::NoHeadroom)?;
    front.copy_from_slice(&header);
    Ok(replica)
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
    fn new(settings: &EncapSettings, frame: &[u8], next_id: u16) -> Self {
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
            source_port: source_port(settings, flow_hash(frame)),
        }
    }
}

/// RFC 7348, 5: the source port carries the entropy of the inner flow.
fn source_port(settings: &EncapSettings, hash: u32) -> u16 {
    let (first, last) = (*settings.source_ports.start(), *settings.source_ports.end());
    let count = u64::from(last.saturating_sub(first)) + 1;
    first + ((u64::from(hash) * count) >> 32) as u16
}

fn outer(
    remote: &Remote,
    src: Mac,
    dst: Mac,
    inner_len: usize,
    fields: &Fields,
) -> [u8; OUTER_LEN] {
    let mut header = remote.template;
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    // The caller has checked that the packet fits the MTU, which is below 2^16.
    let ip_len = outer_ip_len(inner_len) as u16;
    put(0, &dst.bytes());
    put(6, &src.bytes());
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
