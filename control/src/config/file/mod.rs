//! The file as it is written: every value of the right type and in range, nothing compared with
//! anything else yet. What another part of the file must agree with keeps its place.

mod fdb;
mod neighbours;
mod ports;
mod routes;
mod tunnels;
mod wanted;

pub(super) use fdb::{FdbTable, read_fdb};
pub(super) use neighbours::{NeighbourTable, read_neighbour, read_which_neighbour};
pub(super) use ports::{PortTable, read_own, read_port};
pub(super) use routes::{RouteTable, read_route};
pub(super) use tunnels::{RemoteItem, TunnelTable, read_remote, read_tunnel};
pub(super) use wanted::{NOWHERE, at};

use super::model::{Bridge, SwitchSettings};
use super::report::{At, Report, Span};
use super::section::{Field, Section};
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::DeTable;

/// The whole file.
pub(super) struct File {
    pub(super) switch: SwitchSettings,
    pub(super) ports: Vec<PortTable>,
    pub(super) routes: Vec<RouteTable>,
    pub(super) neighbours: Vec<NeighbourTable>,
    pub(super) bridges: Vec<BridgeTable>,
    pub(super) tunnels: Vec<TunnelTable>,
    pub(super) fdb: Vec<FdbTable>,
}

/// One `[[bridge]]`.
pub(super) struct BridgeTable {
    pub(super) span: Span,
    pub(super) name: Option<At<String>>,
    pub(super) ports: Vec<At<String>>,
    pub(super) ageing: u32,
    pub(super) learning: bool,
}

impl File {
    pub(super) fn read(report: &Report, document: &Spanned<DeTable<'_>>) -> File {
        let mut root = Section::root(report, document);
        let switch = root
            .get("switch")
            .and_then(|f| f.table("switch.", "a table, as [switch]"));
        let switch = switch.map(read_switch).unwrap_or_default();
        let file = File {
            switch,
            ports: tables(&mut root, "port", "port.", "tables, as [[port]]", read_port),
            routes: tables(
                &mut root,
                "route",
                "route.",
                "tables, as [[route]]",
                read_route,
            ),
            neighbours: tables(
                &mut root,
                "neighbour",
                "neighbour.",
                "tables, as [[neighbour]]",
                read_neighbour,
            ),
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
            fdb: read_all_fdb(report, &mut root, switch.fdb_entries as usize),
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
    items(s.get(key), allowed, read)
}

fn items<'a, T>(
    field: Option<Field<'a>>,
    allowed: &str,
    read: fn(Field<'a>) -> Option<T>,
) -> Vec<T> {
    let items = field.map(|field| field.items(allowed)).unwrap_or_default();
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

/// One entry more than there may be, so that it is seen that there are too many: the text may have
/// millions.
fn read_all_fdb(report: &Report, root: &mut Section<'_>, limit: usize) -> Vec<FdbTable> {
    let (key, allowed) = ("fdb", "tables, as [[fdb]]");
    let items = root.get(key).map(|field| field.items(allowed));
    let items = items.unwrap_or_default().into_iter().take(limit + 1);
    let items = items.take_while(|_| !report.is_over());
    let tables = items.filter_map(|item| item.table("fdb.", allowed));
    tables.map(read_fdb).collect()
}

/// A number, or what a table that does not say has.
fn number<T>(s: &mut Section<'_>, key: &'static str, range: RangeInclusive<T>, default: T) -> T
where
    T: TryFrom<u64> + PartialOrd + Display,
{
    s.get(key).and_then(|f| f.number(range)).unwrap_or(default)
}

pub(super) fn read_switch(mut s: Section<'_>) -> SwitchSettings {
    let default = SwitchSettings::default();
    let settings = SwitchSettings {
        cache_entries: number(&mut s, "cache_entries", 16..=1 << 24, default.cache_entries),
        fdb_entries: number(&mut s, "fdb_entries", 1..=1 << 24, default.fdb_entries),
        mbufs: number(&mut s, "mbufs", 1024..=1 << 23, default.mbufs),
    };
    s.finish();
    settings
}

pub(super) fn read_bridge(mut s: Section<'_>) -> BridgeTable {
    let default_ageing = Bridge::DEFAULT_AGEING.as_secs() as u32;
    let bridge = BridgeTable {
        span: s.span(),
        name: s.require("name").and_then(Field::text),
        ports: list(&mut s, "ports", "a list of names of ports", Field::text),
        ageing: number(&mut s, "ageing", 0..=1_000_000, default_ageing),
        learning: s.get("learning").and_then(Field::boolean).unwrap_or(true),
    };
    s.finish();
    bridge
}

pub(super) fn read_address(field: Field<'_>) -> Option<At<Ipv4Addr>> {
    field.parse("an IPv4 address", |text| text.parse().ok())
}
