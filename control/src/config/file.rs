//! The file as it is written: every value of the right type and in range, nothing compared with
//! anything else yet. What another part of the file must agree with keeps its place.

use super::model::{Accept, Device, Df, Dscp, Port, ReservedBits, SwitchSettings, Ttl, Tunnel};
use super::prefix::Prefix;
use super::report::{At, Report, Span};
use super::section::{Field, Section};
use fastpath::wire::{Mac, Vni};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::DeTable;

/// The whole file.
pub(super) struct File {
    pub(super) switch: SwitchSettings,
    pub(super) ports: Vec<PortTable>,
    pub(super) bridges: Vec<BridgeTable>,
    pub(super) tunnels: Vec<TunnelTable>,
    pub(super) fdb: Vec<FdbTable>,
}

/// One `[[port]]`.
pub(super) struct PortTable {
    pub(super) span: Span,
    pub(super) name: Option<At<String>>,
    pub(super) device: Option<At<Device>>,
    pub(super) mtu: u16,
    pub(super) addresses: Vec<At<Prefix>>,
    pub(super) promiscuous: bool,
    pub(super) rx_queues: u16,
    pub(super) tx_queues: Option<u16>,
    pub(super) rx_descriptors: u16,
    pub(super) tx_descriptors: u16,
}

/// One `[[bridge]]`.
pub(super) struct BridgeTable {
    pub(super) span: Span,
    pub(super) name: Option<At<String>>,
    pub(super) ports: Vec<At<String>>,
    pub(super) ageing: u32,
    pub(super) learning: bool,
}

/// One `[[tunnel]]`.
pub(super) struct TunnelTable {
    pub(super) span: Span,
    pub(super) name: Option<At<String>>,
    pub(super) bridge: Option<At<String>>,
    pub(super) vni: Option<At<Vni>>,
    pub(super) local: Option<At<Ipv4Addr>>,
    pub(super) remotes: Vec<At<RemoteItem>>,
    pub(super) udp_port: u16,
    pub(super) source_ports: RangeInclusive<u16>,
    pub(super) ttl: Ttl,
    pub(super) dscp: Dscp,
    pub(super) df: Df,
    pub(super) accept: Accept,
    pub(super) reserved_bits: ReservedBits,
    pub(super) learning: bool,
}

/// One item of a tunnel's `remotes`.
pub(super) struct RemoteItem {
    pub(super) address: Ipv4Addr,
    /// None: as the tunnel.
    pub(super) reserved_bits: Option<ReservedBits>,
}

/// One `[[fdb]]`.
pub(super) struct FdbTable {
    pub(super) span: Span,
    pub(super) bridge: Option<At<String>>,
    pub(super) mac: Option<At<Mac>>,
    pub(super) port: Option<At<String>>,
    pub(super) tunnel: Option<At<String>>,
    pub(super) remote: Option<At<Ipv4Addr>>,
    /// A key among these was there and could not be read.
    pub(super) broken: bool,
}

impl File {
    pub(super) fn read(report: &Report, document: &Spanned<DeTable<'_>>) -> File {
        let mut root = Section::root(report, document);
        let switch = root
            .get("switch")
            .and_then(|f| f.table("switch.", "a table, as [switch]"));
        let file = File {
            switch: switch.map(read_switch).unwrap_or_default(),
            ports: tables(&mut root, "port", "port.", "tables, as [[port]]", read_port),
            bridges: tables(
                &mut root,
                "bridge",
                "bridge.",
                "tables, as [[bridge]]",
                read_bridge,
            ),
            tunnels: tables(
                &mut root,
                "tunnel",
                "tunnel.",
                "tables, as [[tunnel]]",
                read_tunnel,
            ),
            fdb: tables(&mut root, "fdb", "fdb.", "tables, as [[fdb]]", read_fdb),
        };
        root.finish();
        file
    }
}

/// The items of a list that can be read; none if there is no list.
fn list<'a, T>(
    s: &mut Section<'a>,
    key: &'static str,
    allowed: &str,
    read: fn(Field<'a>) -> Option<T>,
) -> Vec<T> {
    let items = s
        .get(key)
        .map(|field| field.items(allowed))
        .unwrap_or_default();
    items.into_iter().filter_map(read).collect()
}

/// All tables of one kind.
fn tables<T>(
    root: &mut Section<'_>,
    key: &'static str,
    prefix: &'static str,
    allowed: &str,
    read: fn(Section<'_>) -> T,
) -> Vec<T> {
    let items = root
        .get(key)
        .map(|field| field.items(allowed))
        .unwrap_or_default();
    items
        .into_iter()
        .filter_map(|item| item.table(prefix, allowed))
        .map(read)
        .collect()
}

/// A number, or what a table that does not say has.
fn number<T>(s: &mut Section<'_>, key: &'static str, range: RangeInclusive<T>, default: T) -> T
where
    T: TryFrom<u64> + PartialOrd + Display,
{
    s.get(key).and_then(|f| f.number(range)).unwrap_or(default)
}

fn read_switch(mut s: Section<'_>) -> SwitchSettings {
    let default = SwitchSettings::default();
    let settings = SwitchSettings {
        cache_entries: number(&mut s, "cache_entries", 16..=1 << 24, default.cache_entries),
        fdb_entries: number(&mut s, "fdb_entries", 1..=1 << 24, default.fdb_entries),
        mbufs: number(&mut s, "mbufs", 1024..=1 << 23, default.mbufs),
    };
    s.finish();
    settings
}

fn read_port(mut s: Section<'_>) -> PortTable {
    let device = "a DPDK device name or PCI address, devargs may follow after a comma";
    let port = PortTable {
        span: s.span(),
        name: s.require("name").and_then(Field::text),
        device: s
            .require("device")
            .and_then(|f| f.parse(device, Device::new)),
        mtu: number(&mut s, "mtu", 68..=9600, Port::DEFAULT_MTU),
        addresses: list(&mut s, "addresses", "a list of addresses", read_prefix),
        promiscuous: s
            .get("promiscuous")
            .and_then(Field::boolean)
            .unwrap_or(true),
        rx_queues: number(&mut s, "rx_queues", 1..=64, 1),
        tx_queues: s.get("tx_queues").and_then(|f| f.number(1..=64)),
        rx_descriptors: number(&mut s, "rx_descriptors", 32..=32_768, 1024),
        tx_descriptors: number(&mut s, "tx_descriptors", 32..=32_768, 1024),
    };
    s.finish();
    port
}

fn read_bridge(mut s: Section<'_>) -> BridgeTable {
    let bridge = BridgeTable {
        span: s.span(),
        name: s.require("name").and_then(Field::text),
        ports: list(&mut s, "ports", "a list of names of ports", Field::text),
        ageing: number(&mut s, "ageing", 0..=1_000_000, 300),
        learning: s.get("learning").and_then(Field::boolean).unwrap_or(true),
    };
    s.finish();
    bridge
}

fn read_tunnel(mut s: Section<'_>) -> TunnelTable {
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
        accept: s
            .get("accept")
            .and_then(|f| f.one_of(&accept))
            .unwrap_or(Accept::Known),
        reserved_bits: s
            .get("reserved_bits")
            .and_then(read_reserved_bits)
            .unwrap_or_default(),
        learning: s.get("learning").and_then(Field::boolean).unwrap_or(true),
    };
    s.finish();
    tunnel
}

fn read_fdb(mut s: Section<'_>) -> FdbTable {
    let mac = "an Ethernet address other than zero, as in 02:00:00:00:00:01";
    let parse = |text: &str| text.parse().ok().filter(|mac: &Mac| !mac.is_zero());
    let (port, tunnel, remote) = (s.get("port"), s.get("tunnel"), s.get("remote"));
    let there = [&port, &tunnel, &remote].into_iter().flatten().count();
    let port = port.and_then(Field::text);
    let tunnel = tunnel.and_then(Field::text);
    let remote = remote.and_then(read_address);
    let read = usize::from(port.is_some()) + usize::from(tunnel.is_some());
    let entry = FdbTable {
        span: s.span(),
        bridge: s.require("bridge").and_then(Field::text),
        mac: s.require("mac").and_then(|f| f.parse(mac, parse)),
        broken: read + usize::from(remote.is_some()) < there,
        port,
        tunnel,
        remote,
    };
    s.finish();
    entry
}

fn read_prefix(field: Field<'_>) -> Option<At<Prefix>> {
    let allowed = "a host's address and prefix length, as in 192.0.2.2/24";
    field.parse(allowed, |text| {
        text.parse().ok().filter(|p: &Prefix| p.is_host())
    })
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

fn read_address(field: Field<'_>) -> Option<At<Ipv4Addr>> {
    field.parse("an IPv4 address", |text| text.parse().ok())
}

fn read_reserved_bits(field: Field<'_>) -> Option<ReservedBits> {
    field.one_of(&[
        ("strict", ReservedBits::Strict),
        ("lenient", ReservedBits::Lenient),
    ])
}

/// `"192.0.2.1"`, or `{ address = "192.0.2.1", reserved_bits = "lenient" }`.
fn read_remote(field: Field<'_>) -> Option<At<RemoteItem>> {
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
