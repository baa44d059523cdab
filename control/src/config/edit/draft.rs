//! What is wanted, taken apart into tables, so that one of them can be changed.

use super::Command;
use super::words::{self, Words};
use crate::config::file::{BridgeTable, FdbTable, File, NOWHERE, read_switch};
use crate::config::model::{FdbEntry, FdbTarget, Wanted};
use crate::config::report::{At, Problem, Report};
use crate::config::section::{Field, Section};
use crate::config::validate::{Names, validate};
use std::collections::{HashMap, HashSet};

/// Tables that are being changed.
pub(super) struct Draft<'a> {
    pub(super) before: &'a Wanted,
    pub(super) report: &'a Report,
    pub(super) file: File,
}

/// The kinds of things that have names.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Port,
    Bridge,
    Tunnel,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Kind::Port => "port",
            Kind::Bridge => "bridge",
            Kind::Tunnel => "tunnel",
        }
    }
}

impl<'a> Draft<'a> {
    /// What is wanted once a command about anything but static entries is carried out. `None` if
    /// that is reported to be wrong.
    pub(super) fn edit(
        before: &'a Wanted,
        report: &'a Report,
        command: Command,
        words: &Words,
    ) -> Option<Wanted> {
        let file = File::without_fdb(before);
        let mut draft = Draft {
            before,
            report,
            file,
        };
        draft.carry_out(command, words);
        if !report.is_empty() {
            return None;
        }
        draft.keep_entries();
        Some(validate(report, &draft.file))
    }

    /// What cannot be done is reported.
    fn carry_out(&mut self, command: Command, words: &Words) -> Option<()> {
        match command {
            Command::SwitchSet => {
                let all = words::over(self.before.switch.settings(), words);
                self.file.switch = self.read("switch.", &all, read_switch);
                Some(())
            }
            Command::PortAdd => self.port_add(words),
            Command::PortSet => self.port_set(words),
            Command::PortDel => self.port_del(words),
            Command::AddrAdd => self.addr_add(words),
            Command::AddrSet => self.addr_set(words),
            Command::AddrDel => self.addr_del(words),
            Command::RouteAdd => self.route_add(words),
            Command::RouteSet => self.route_set(words),
            Command::RouteReplace => self.route_replace(words),
            Command::RouteDel => self.route_del(words),
            Command::NeighAdd => self.neigh_add(words),
            Command::NeighSet => self.neigh_set(words),
            Command::NeighReplace => self.neigh_replace(words),
            Command::NeighDel => self.neigh_del(words),
            Command::BridgeAdd => self.bridge_add(words),
            Command::BridgeSet => self.bridge_set(words),
            Command::BridgeDel => self.bridge_del(words),
            Command::VxlanAdd => self.vxlan_add(words),
            Command::VxlanSet => self.vxlan_set(words),
            Command::VxlanDel => self.vxlan_del(words),
            Command::RemoteAdd => self.remote_add(words),
            Command::RemoteDel => self.remote_del(words),
            // These have a way of their own, since there may be many entries.
            Command::FdbAdd
            | Command::FdbSet
            | Command::FdbReplace
            | Command::FdbDel
            | Command::FdbFlush => None,
        }
    }

    /// Has `words` read as one table.
    pub(super) fn read<T>(
        &self,
        prefix: &'static str,
        words: &Words,
        reader: impl FnOnce(Section<'_>) -> T,
    ) -> T {
        words::read(self.report, prefix, words, &NOWHERE, reader)
    }

    /// The place, in the order of what is wanted, of the thing that `name` of `words` names.
    pub(super) fn find(&self, kind: Kind, words: &Words) -> Option<usize> {
        let name = self.read(kind.prefix(), words, |mut section| {
            section.require("name").and_then(Field::text)
        });
        self.place(kind, kind.key(), &name?)
    }

    /// As [`Draft::find`], where `words` may have nothing else.
    pub(super) fn find_only(&self, kind: Kind, words: &Words) -> Option<usize> {
        let name = self.read(kind.prefix(), words, |mut section| {
            let name = section.require("name").and_then(Field::text);
            section.finish();
            name
        });
        self.place(kind, kind.key(), &name?)
    }

    /// The place of the thing that is named as `key`; reported if there is none.
    pub(super) fn place(&self, kind: Kind, key: &str, name: &At<String>) -> Option<usize> {
        let names = self.names(kind);
        // Those that are there are known to be right: nothing is reported about them.
        let known = Names::declare(self.report, kind.word(), names.iter().copied());
        known.resolve(self.report, key, name)?;
        let same = |given: &&Option<At<String>>| is(given, &name.value);
        names.iter().position(same)
    }

    fn names(&self, kind: Kind) -> Vec<&Option<At<String>>> {
        match kind {
            Kind::Port => self.file.ports.iter().map(|table| &table.name).collect(),
            Kind::Bridge => self.file.bridges.iter().map(|table| &table.name).collect(),
            Kind::Tunnel => self.file.tunnels.iter().map(|table| &table.name).collect(),
        }
    }

    /// Reports that something cannot be done, for a reason that is not in its own words.
    pub(super) fn refuse(&self, key: &str, text: String, allowed: &str) {
        let problem = Problem::new(&NOWHERE, key, text);
        self.report.add(problem.allowed(allowed));
    }

    /// Static entries stay as long as their bridge, and their port or tunnel is in it, as with a
    /// Linux bridge; those of what has left it are gone with it.
    fn keep_entries(&mut self) {
        let bridges = self.file.bridges.iter();
        let ports: HashSet<(&str, &str)> = bridges
            .filter_map(|table| Some((table, text(&table.name)?)))
            .flat_map(|(table, name)| table.ports.iter().map(move |p| (name, p.value.as_str())))
            .collect();
        let tunnels = self.file.tunnels.iter();
        let tunnels: HashMap<&str, &str> = tunnels
            .filter_map(|table| Some((text(&table.name)?, text(&table.bridge)?)))
            .collect();
        let stays = |entry: &&FdbEntry| match &entry.target {
            FdbTarget::Port(port) => ports.contains(&(entry.bridge.as_str(), port.as_str())),
            FdbTarget::Remote { tunnel, .. } => {
                tunnels.get(tunnel.as_str()) == Some(&entry.bridge.as_str())
            }
        };
        let stay = self.before.fdb.iter().filter(stays);
        self.file.fdb = stay.map(FdbTable::of).collect();
    }

    /// Takes the port of this name out of its bridge, if it is in one.
    pub(super) fn leave(&mut self, port: &str) {
        for BridgeTable { ports, .. } in &mut self.file.bridges {
            ports.retain(|member| member.value != port);
        }
    }
}

impl Kind {
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Kind::Port => "port.",
            Kind::Bridge => "bridge.",
            Kind::Tunnel => "tunnel.",
        }
    }

    pub(super) const fn key(self) -> &'static str {
        match self {
            Kind::Port => "port.name",
            Kind::Bridge => "bridge.name",
            Kind::Tunnel => "tunnel.name",
        }
    }
}

/// Whether this is the name.
pub(super) fn is(given: &Option<At<String>>, name: &str) -> bool {
    text(given) == Some(name)
}

fn text(given: &Option<At<String>>) -> Option<&str> {
    given.as_ref().map(|at| at.value.as_str())
}
