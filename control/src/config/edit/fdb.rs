//! Static entries, of which there may be very many: only those of the edit are read and judged, and
//! the others are copied.

use super::draft::{Draft, Kind};
use super::once;
use super::words::{Words, read};
use super::{Command, Edit};
use crate::config::Name;
use crate::config::file::{FdbTable, File, NOWHERE, at, read_fdb};
use crate::config::model::{FdbEntry, FdbTarget, Wanted};
use crate::config::report::{Problem, Report, Span};
use crate::config::section::Field;
use crate::config::validate::validate;
use fastpath::ids::RemoteId;
use fastpath::wire::Mac;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// What is done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Set,
    Replace,
    Del,
}

/// The words of [`Op`]. Many are not set: each would have to be looked up before it is read.
const OPS: [(&str, Op); 3] = [("add", Op::Add), ("replace", Op::Replace), ("del", Op::Del)];

/// One item of an edit.
struct Item {
    op: Op,
    table: FdbTable,
}

/// An entry's address in its table.
type Station = (Name, Mac);

/// What is wanted after one command about static entries.
pub(super) fn one(before: &Wanted, report: &Report, edit: &Edit) -> Option<Wanted> {
    let Edit::Do(command, words) = edit else {
        return None;
    };
    let op = match command {
        Command::FdbAdd => Op::Add,
        Command::FdbReplace => Op::Replace,
        Command::FdbSet => Op::Set,
        Command::FdbDel => Op::Del,
        _ => return flush(before, report, words),
    };
    let table = read(report, "fdb.", words, &NOWHERE, read_fdb);
    let mut item = Item { op, table };
    if op == Op::Set {
        item.keep(before, report)?;
    }
    change(before, report, vec![item])
}

/// What is wanted after many of them. Each is told by its number, from 1, if it is wrong.
pub(super) fn load(before: &Wanted, report: &Report, items: &str) -> Option<Wanted> {
    let allowed = "a list of objects with bridge, mac, and either port, or tunnel and remote";
    let Ok(texts) = serde_json::from_str::<Vec<&RawValue>>(items) else {
        let problem = Problem::new(&NOWHERE, "fdb", "is no list");
        report.add(problem.allowed(allowed));
        return None;
    };
    let mut items = Vec::new();
    for (at, text) in texts.into_iter().enumerate() {
        if report.is_over() {
            break;
        }
        let span = at + 1..at + 1;
        match once::words(text.get()) {
            Ok(words) => items.extend(item(report, words, span)),
            Err(why) => report.add(Problem::new(&span, "fdb", why.to_string()).allowed(allowed)),
        }
    }
    change(before, report, items)
}

fn item(report: &Report, mut words: Words, span: Span) -> Option<Item> {
    let mut op = Op::Add;
    if let Some(said) = words.remove("op") {
        let words = Words::from_iter([("op".to_owned(), said)]);
        op = read(report, "fdb.", &words, &span, |mut section| {
            section.require("op")?.one_of(&OPS)
        })?;
    }
    let table = read(report, "fdb.", &words, &span, read_fdb);
    Some(Item { op, table })
}

fn change(before: &Wanted, report: &Report, items: Vec<Item>) -> Option<Wanted> {
    if !report.is_empty() {
        return None;
    }
    let judged = judge(before, report, &items);
    if !report.is_empty() {
        return None;
    }
    let mut work = Work::default();
    let mut judged = judged.into_iter();
    for item in &items {
        let entry = match item.op {
            Op::Del => None,
            Op::Add | Op::Set | Op::Replace => Some(judged.next()?),
        };
        work.take(report, item, entry)?;
    }
    let fdb = work.done(before, report);
    check_room(before, report, &fdb);
    report.is_empty().then(|| Wanted {
        fdb,
        ..before.without_fdb()
    })
}

/// The entries that are added or put in the place of others, by the rules of a file that has no
/// others.
fn judge(before: &Wanted, report: &Report, items: &[Item]) -> Vec<FdbEntry> {
    let mut file = File::without_fdb(before);
    // How many fit is judged with those that are there.
    file.switch.fdb_entries = u32::MAX;
    let draft = Draft {
        before,
        report,
        file: File::without_fdb(before),
    };
    for Item { op, table } in items {
        if *op == Op::Del {
            if let Some(bridge) = &table.bridge {
                draft.place(Kind::Bridge, "fdb.bridge", bridge);
            }
        } else {
            file.fdb.push(table.clone());
        }
    }
    validate(report, &file).fdb
}

/// What is to be done, by address.
#[derive(Default)]
struct Work<'a> {
    items: HashMap<Station, (&'a Item, Option<FdbEntry>)>,
    order: Vec<Station>,
}

impl<'a> Work<'a> {
    fn take(&mut self, report: &Report, item: &'a Item, entry: Option<FdbEntry>) -> Option<()> {
        let bridge: Name = item.table.bridge.as_ref()?.value.parse().ok()?;
        let mac = item.table.mac.as_ref()?;
        let station = (bridge, mac.value);
        if let Some((first, _)) = self.items.insert(station, (item, entry)) {
            let text = format!("{} of bridge {bridge} is there twice", mac.value);
            let problem = Problem::new(&mac.span, "fdb.mac", text).first(&first.table.span);
            report.add(problem.allowed("each address of a bridge once"));
        }
        self.order.push(station);
        Some(())
    }

    /// All entries afterwards: those that stay and those that have another target at their place,
    /// new ones behind them.
    fn done(mut self, before: &Wanted, report: &Report) -> Vec<FdbEntry> {
        let mut all = Vec::with_capacity(before.fdb.len() + self.items.len());
        // One name is compared faster than it is hashed.
        let only = match self.order[..] {
            [only] => Some(only),
            _ => None,
        };
        for entry in &before.fdb {
            let station = (entry.bridge, entry.mac);
            if only.is_some_and(|only| only != station) {
                all.push(*entry);
                continue;
            }
            match self.items.remove(&station) {
                None => all.push(*entry),
                Some((item, new)) => all.extend(item.meets(report, entry, new)),
            }
        }
        for station in &self.order {
            let Some((item, new)) = self.items.remove(station) else {
                continue;
            };
            match new {
                Some(new) => all.push(new),
                None => item.misses(report, before, *station),
            }
        }
        all
    }
}

impl Item {
    /// Says of a station that is to be set what was not said of its place and stays as it is. None
    /// if it has no place.
    fn keep(&mut self, before: &Wanted, report: &Report) -> Option<()> {
        let draft = Draft {
            before,
            report,
            file: File::without_fdb(before),
        };
        let said = self.table.bridge.as_ref()?;
        draft.place(Kind::Bridge, "fdb.bridge", said)?;
        let bridge: Name = said.value.parse().ok()?;
        let mac = self.table.mac.as_ref()?.value;
        let here = |entry: &&FdbEntry| entry.bridge == bridge && entry.mac == mac;
        let Some(entry) = before.fdb.iter().find(here) else {
            self.misses(report, before, (bridge, mac));
            return None;
        };
        if let FdbTarget::Remote { tunnel, remote } = &entry.target
            && self.table.port.is_none()
        {
            let table = &mut self.table;
            table.tunnel.get_or_insert_with(|| at(tunnel.to_string()));
            table.remote.get_or_insert_with(|| at(*remote));
        }
        Some(())
    }

    /// What becomes of `entry`, which has the address already.
    fn meets(&self, report: &Report, entry: &FdbEntry, new: Option<FdbEntry>) -> Option<FdbEntry> {
        if self.op == Op::Add {
            let text = format!(
                "{} has an entry in bridge {} already",
                entry.mac, entry.bridge
            );
            let problem = Problem::new(&self.table.span, "fdb.mac", text);
            report
                .add(problem.allowed("an address without an entry: fdb replace, or fdb del first"));
        }
        if self.op == Op::Del && !self.leads_to(&entry.target) {
            let text = format!("{} leads elsewhere in bridge {}", entry.mac, entry.bridge);
            let problem = Problem::new(&self.table.span, "fdb.mac", text);
            report.add(problem.allowed("where it leads, or nothing: see fdb show"));
        }
        new
    }

    /// Whether this is the target, as far as one is said.
    fn leads_to(&self, target: &FdbTarget) -> bool {
        let FdbTable {
            port,
            tunnel,
            remote,
            ..
        } = &self.table;
        match target {
            FdbTarget::Port(is) => {
                let same = port.as_ref().is_none_or(|said| said.value == is.as_str());
                same && tunnel.is_none() && remote.is_none()
            }
            FdbTarget::Remote {
                tunnel: through,
                remote: is,
            } => {
                let same = tunnel
                    .as_ref()
                    .is_none_or(|said| said.value == through.as_str());
                same && remote.as_ref().is_none_or(|said| said.value == *is) && port.is_none()
            }
        }
    }

    /// There is nothing to remove.
    fn misses(&self, report: &Report, before: &Wanted, (bridge, mac): Station) {
        /// So many are compared with what was mistyped.
        const FEW: usize = 4096;
        let text = format!("{mac} has no static entry in bridge {bridge}");
        let problem = Problem::new(&self.table.span, "fdb.mac", text);
        let allowed = match self.op {
            Op::Set => "an address that has one: fdb add makes one",
            _ => "an address that has one: see fdb show",
        };
        let problem = problem.allowed(allowed);
        let here = before.fdb.iter().filter(|entry| entry.bridge == bridge);
        let names = here.take(FEW).map(|entry| entry.mac.to_string());
        let names: Vec<String> = if report.is_empty() {
            names.collect()
        } else {
            Vec::new()
        };
        report.add(problem.nearest(&mac.to_string(), names.iter().map(String::as_str)));
    }
}

/// How many entries there may be, and how many remotes.
fn check_room(before: &Wanted, report: &Report, fdb: &[FdbEntry]) {
    let limit = before.switch.fdb_entries as usize;
    if fdb.len() > limit {
        let text = format!("{} static entries are too many", fdb.len());
        let allowed = format!("{limit}, the value of switch.fdb_entries");
        report.add(Problem::new(&NOWHERE, "fdb", text).allowed(allowed));
    }
    let listed = before.tunnels.iter().flat_map(|tunnel| {
        let remotes = tunnel.remotes.iter();
        remotes.map(|remote| (tunnel.name, remote.address))
    });
    let fixed = fdb.iter().filter_map(|entry| match entry.target {
        FdbTarget::Port(_) => None,
        FdbTarget::Remote { tunnel, remote } => Some((tunnel, remote)),
    });
    if listed.clone().count() + fixed.clone().count() <= RemoteId::LIMIT {
        return;
    }
    let remotes: HashSet<_> = listed.chain(fixed).collect();
    if remotes.len() > RemoteId::LIMIT {
        let text = format!(
            "{} remotes of all tunnels and static entries are too many",
            remotes.len()
        );
        let problem = Problem::new(&NOWHERE, "fdb.remote", text);
        report.add(problem.allowed(RemoteId::LIMIT.to_string()));
    }
}

/// Removes the static entries of which all that is said is true.
fn flush(before: &Wanted, report: &Report, words: &Words) -> Option<Wanted> {
    let draft = Draft {
        before,
        report,
        file: File::without_fdb(before),
    };
    let [bridge, port, tunnel] = read(report, "fdb.", words, &NOWHERE, |mut section| {
        let mut named = |kind: Kind| {
            let name = section.get(kind.word()).and_then(Field::text)?;
            draft.place(kind, kind.key(), &name)?;
            name.value.parse::<Name>().ok()
        };
        let names = [Kind::Bridge, Kind::Port, Kind::Tunnel].map(&mut named);
        section.finish();
        names
    });
    if !report.is_empty() {
        return None;
    }
    let said = |entry: &&FdbEntry| {
        let (to, through) = match entry.target {
            FdbTarget::Port(port) => (Some(port), None),
            FdbTarget::Remote { tunnel, .. } => (None, Some(tunnel)),
        };
        bridge.is_none_or(|bridge| entry.bridge == bridge)
            && (port.is_none() || to == port)
            && (tunnel.is_none() || through == tunnel)
    };
    let stay = before.fdb.iter().filter(|entry| !said(entry));
    Some(Wanted {
        fdb: stay.copied().collect(),
        ..before.without_fdb()
    })
}

impl Wanted {
    /// A copy of all but the static entries.
    fn without_fdb(&self) -> Wanted {
        Wanted {
            switch: self.switch,
            ports: self.ports.clone(),
            routes: self.routes.clone(),
            neighbours: self.neighbours.clone(),
            bridges: self.bridges.clone(),
            tunnels: self.tunnels.clone(),
            fdb: Vec::new(),
        }
    }
}
