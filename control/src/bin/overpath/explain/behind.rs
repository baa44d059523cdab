//! `overpath explain --entry`, `--drop` and `--fdb`: from what is counted or kept to what is behind
//! it.

use super::end_text;
use super::page::Page;
use crate::cache::{line, origin};
use crate::table::{Cell, line as line_of, word};
use crate::{addr, drops, fdb, port, vxlan};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use control::api::messages::{
    BridgeBehind, CacheAction, CacheEntry, DropBehind, EntryBehind, EntryNumber, Method,
    StationBehind,
};
use fastpath::drop::DropReason;
use fastpath::wire::Mac;

/// Something that is not a frame.
#[derive(Debug, clap::Args)]
#[group(id = "behind", multiple = false)]
pub(crate) struct BehindWords {
    /// An entry of a flow cache, by its number, and what it was derived from
    #[arg(long, value_name = "WORKER:ENTRY")]
    entry: Option<EntryNumber>,
    /// A reason for drops: where they are, what it means, what leads to it
    #[arg(long, value_name = "REASON", value_parser = reasons())]
    drop: Option<DropReason>,
    /// A station: where each bridge knows it to be, and what would become of a frame for it
    #[arg(long, value_name = "MAC")]
    fdb: Option<Mac>,
}

/// The names of all reasons, which a shell can complete and a mistyped one is compared with.
pub(super) fn reasons() -> impl clap::builder::TypedValueParser<Value = DropReason> {
    let names = DropReason::ALL.iter().map(|reason| reason.name());
    let names = PossibleValuesParser::new(names);
    names.try_map(|name| DropReason::named(&name).ok_or("there is no such reason"))
}

impl BehindWords {
    /// What to ask the daemon, if it is about any of these.
    pub(crate) fn method(&self) -> Option<Method> {
        let entry = self.entry.map(Method::ExplainEntry);
        let drop = || self.drop.map(Method::ExplainDrop);
        entry
            .or_else(drop)
            .or_else(|| self.fdb.map(Method::ExplainFdb))
    }
}

pub(crate) fn entry(behind: &EntryBehind) -> String {
    let mut page = Page::default();
    let entry = &behind.entry;
    of_entry(&mut page, 0, entry);
    if !entry.current {
        let why = "stale: something has changed that it rests on; its next packet is decided anew";
        page.line(2, why);
    }
    page.lines(2, &port::text(&behind.ports));
    page.lines(2, &addr::text(&behind.addresses));
    page.lines(2, &vxlan::text(&behind.tunnels));
    if let Some(bridge) = &behind.bridge {
        page.line(2, bridge_text(bridge));
    }
    for action in &entry.actions {
        if let CacheAction::Drop(why) | CacheAction::Fault(why) = action {
            let (reason, meaning, advice) = (&why.reason, &why.meaning, &why.advice);
            page.line(2, format_args!("{reason}: {meaning} {advice}"));
        }
    }
    page.text()
}

/// The entry, and what it was derived from.
fn of_entry(page: &mut Page, indent: usize, entry: &CacheEntry) {
    page.line(indent, line(entry));
    page.line(indent + 2, format_args!("from {}", origin(entry)));
}

fn bridge_text(bridge: &BridgeBehind) -> String {
    let named = |kind: &str, names: &[String]| match names {
        [] => Cell::default(),
        names => word(kind, names.join(" ")),
    };
    line_of(&[
        word("bridge", &bridge.bridge),
        named("ports", &bridge.ports),
        named("tunnels", &bridge.tunnels),
        word("stations", bridge.stations),
    ])
}

pub(crate) fn drop(behind: &DropBehind) -> String {
    let mut page = Page::default();
    if behind.counters.is_empty() {
        let why = &behind.reason;
        let (reason, meaning, advice) = (&why.reason, &why.meaning, &why.advice);
        page.line(0, format_args!("{reason} was not counted since the start"));
        page.line(0, format_args!("{reason}: {meaning} {advice}"));
    }
    page.lines(0, &drops::text(&behind.counters));
    for cause in &behind.causes {
        page.line(0, format_args!("leads to it: {cause}"));
    }
    for entry in &behind.entries {
        of_entry(&mut page, 0, entry);
    }
    if behind.more > 0 {
        page.line(0, format_args!("and {} more entries", behind.more));
    }
    page.text()
}

pub(crate) fn stations(stations: &[StationBehind]) -> String {
    let mut page = Page::default();
    if stations.is_empty() {
        let told = "no bridge knows it: a frame for it goes to everybody else in its bridge";
        page.line(0, told);
    }
    for station in stations {
        page.lines(0, &fdb::text(std::slice::from_ref(&station.entry)));
        page.line(2, "a frame for it, simulated: nothing is sent or asked for");
        end_text(&mut page, &station.end, SHORTEST);
        page.lines(2, &vxlan::text(station.tunnel.as_slice()));
        page.lines(2, &port::text(station.port.as_slice()));
        if let Some(mtu) = station.mtu {
            let told =
                format_args!("packets of up to {mtu} bytes get there, without Ethernet header");
            page.line(2, told);
        }
    }
    page.text()
}

/// Bytes of the frame that is tried.
const SHORTEST: usize = 60;

#[cfg(test)]
mod tests;
