//! The way to the kernel of this host: an underlay port, and a port that serves it alone.

use super::Check;
use crate::config::file::PortTable;
use crate::config::report::{At, Problem, Span};
use crate::config::section::excerpt;
use std::collections::{HashMap, HashSet};

/// What ports are already, by the names in the file.
struct Uses<'a> {
    underlay: HashSet<&'a str>,
    bridged: HashMap<&'a str, &'a Span>,
    /// The `local` of another port.
    taken: HashMap<&'a str, &'a Span>,
}

impl<'a> Check<'a> {
    pub(super) fn check_locals(&self) {
        let underlay = self.file.ports.iter().filter(|table| table.underlay);
        let name = |table: &'a PortTable| Some(table.name.as_ref()?.value.as_str());
        let members = self.file.bridges.iter().flat_map(|bridge| &bridge.ports);
        let mut uses = Uses {
            underlay: underlay.filter_map(name).collect(),
            bridged: members.map(|at| (at.value.as_str(), &at.span)).collect(),
            taken: HashMap::new(),
        };
        for table in &self.file.ports {
            if let Some(local) = &table.local {
                self.check_owner(table, local, &uses);
                self.check_local_port(table, local, &uses);
                uses.taken.entry(&local.value).or_insert(&local.span);
            }
        }
    }

    /// The port that has a `local`: it has traffic of the host, and no other place for it.
    fn check_owner(&self, table: &PortTable, local: &At<String>, uses: &Uses<'_>) {
        let name = table.name.as_ref().map(|at| at.value.as_str());
        let problem = if !table.underlay {
            Problem::new(&local.span, "port.local", "is on a port without addresses").absence()
        } else if let Some(bridged) = name.and_then(|name| uses.bridged.get(name)) {
            let text = "is on a port that is in a bridge";
            Problem::new(&local.span, "port.local", text).first(bridged)
        } else {
            return;
        };
        let allowed = "on a port that has addresses and is in no bridge";
        self.report.add(problem.allowed(allowed));
    }

    /// The port that is named serves this one alone. It has no `local` itself, as it has no
    /// addresses.
    fn check_local_port(&self, table: &PortTable, local: &At<String>, uses: &Uses<'_>) {
        let name = local.value.as_str();
        if self
            .ports
            .resolve(self.report, "port.local", local)
            .is_none()
        {
            return;
        }
        let itself = table.name.as_ref().is_some_and(|own| own.value == name);
        let (text, first) = if itself {
            ("is the port itself", None)
        } else if uses.underlay.contains(name) {
            ("has addresses", None)
        } else if let Some(bridged) = uses.bridged.get(name) {
            ("is in a bridge", Some(*bridged))
        } else if let Some(taken) = uses.taken.get(name) {
            ("is the local port of another port", Some(*taken))
        } else {
            return;
        };
        let text = format!("{} {text}", excerpt(name));
        let problem = Problem::new(&local.span, "port.local", text);
        let allowed = "a port that has neither addresses nor a bridge, and serves one port only";
        let problem = first.into_iter().fold(problem, Problem::first);
        self.report.add(problem.allowed(allowed));
    }
}
