//! `[[tunnel]]`.

use super::{Field, Section, list, number, read_address};
use crate::config::model::{Accept, Df, Dscp, ReservedBits, Ttl, Tunnel, ZeroChecksum};
use crate::config::report::{At, Span};
use fastpath::wire::Vni;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::ops::RangeInclusive;

/// One `[[tunnel]]`.
pub(in crate::config) struct TunnelTable {
    pub(in crate::config) span: Span,
    pub(in crate::config) name: Option<At<String>>,
    pub(in crate::config) bridge: Option<At<String>>,
    pub(in crate::config) vni: Option<At<Vni>>,
    pub(in crate::config) local: Option<At<Ipv4Addr>>,
    pub(in crate::config) remotes: Vec<At<RemoteItem>>,
    pub(in crate::config) udp_port: u16,
    pub(in crate::config) source_ports: RangeInclusive<u16>,
    pub(in crate::config) ttl: Ttl,
    pub(in crate::config) dscp: Dscp,
    pub(in crate::config) df: Df,
    pub(in crate::config) udp_checksum: bool,
    pub(in crate::config) accept: Accept,
    /// At the table where it is left out.
    pub(in crate::config) zero_checksum: At<ZeroChecksum>,
    pub(in crate::config) reserved_bits: ReservedBits,
    pub(in crate::config) learning: bool,
}

/// One item of a tunnel's `remotes`.
pub(in crate::config) struct RemoteItem {
    pub(in crate::config) address: Ipv4Addr,
    /// None: as the tunnel.
    pub(in crate::config) reserved_bits: Option<ReservedBits>,
}

pub(in crate::config) fn read_tunnel(mut s: Section<'_>) -> TunnelTable {
    let df = [
        ("set", Df::Set),
        ("unset", Df::Unset),
        ("inherit", Df::Inherit),
    ];
    let accept = [("known", Accept::Known), ("any", Accept::Any)];
    let tunnel = TunnelTable {
        span: s.span(),
        name: s.require("name").and_then(Field::text),
        bridge: s.require("bridge").and_then(Field::text),
        vni: s.require("vni").and_then(read_vni),
        local: s.require("local").and_then(read_address),
        remotes: list(&mut s, "remotes", "a list of addresses", read_remote),
        udp_port: number(&mut s, "udp_port", 1..=65_535, Tunnel::UDP_PORT),
        source_ports: s
            .get("source_ports")
            .and_then(Field::range)
            .unwrap_or(Tunnel::SOURCE_PORTS),
        ttl: s
            .get("ttl")
            .and_then(read_ttl)
            .unwrap_or(Ttl::Fixed(Tunnel::TTL)),
        dscp: s.get("dscp").and_then(read_dscp).unwrap_or(Dscp::Fixed(0)),
        df: s.get("df").and_then(|f| f.one_of(&df)).unwrap_or(Df::Set),
        udp_checksum: s
            .get("udp_checksum")
            .and_then(Field::boolean)
            .unwrap_or(false),
        accept: s
            .get("accept")
            .and_then(|f| f.one_of(&accept))
            .unwrap_or(Accept::Known),
        zero_checksum: read_zero_checksum(&mut s),
        reserved_bits: s
            .get("reserved_bits")
            .and_then(read_reserved_bits)
            .unwrap_or_default(),
        learning: s.get("learning").and_then(Field::boolean).unwrap_or(true),
    };
    s.finish();
    tunnel
}

fn read_ttl(field: Field<'_>) -> Option<Ttl> {
    let ttl = field.number_or_inherit(1..=255)?;
    Some(
        ttl.and_then(NonZeroU8::new)
            .map_or(Ttl::Inherit, Ttl::Fixed),
    )
}

fn read_dscp(field: Field<'_>) -> Option<Dscp> {
    Some(
        field
            .number_or_inherit(0..=63)?
            .map_or(Dscp::Inherit, Dscp::Fixed),
    )
}

fn read_vni(field: Field<'_>) -> Option<At<Vni>> {
    let span = field.span();
    let value = field.number(0..=Vni::MAX).and_then(Vni::new)?;
    Some(At { value, span })
}

fn read_zero_checksum(s: &mut Section<'_>) -> At<ZeroChecksum> {
    let field = s.get("zero_checksum");
    let span = field.as_ref().map_or_else(|| s.span(), Field::span);
    let words = [
        ("accept", ZeroChecksum::Accept),
        ("refuse", ZeroChecksum::Refuse),
    ];
    let value = field.and_then(|f| f.one_of(&words)).unwrap_or_default();
    At { value, span }
}

fn read_reserved_bits(field: Field<'_>) -> Option<ReservedBits> {
    field.one_of(&[
        ("strict", ReservedBits::Strict),
        ("lenient", ReservedBits::Lenient),
    ])
}

/// `"192.0.2.1"`, or `{ address = "192.0.2.1", reserved_bits = "lenient" }`.
pub(in crate::config) fn read_remote(field: Field<'_>) -> Option<At<RemoteItem>> {
    let allowed = "an IPv4 address, or { address = ..., reserved_bits = ... }";
    if !field.is_table() {
        let At {
            value: address,
            span,
        } = field.parse(allowed, |text| text.parse().ok())?;
        return Some(At {
            value: RemoteItem {
                address,
                reserved_bits: None,
            },
            span,
        });
    }
    let mut s = field.table("tunnel.remotes.", allowed)?;
    let address = s.require("address").and_then(read_address);
    let reserved_bits = s.get("reserved_bits").and_then(read_reserved_bits);
    s.finish();
    let At {
        value: address,
        span,
    } = address?;
    Some(At {
        value: RemoteItem {
            address,
            reserved_bits,
        },
        span,
    })
}
