//! Neighbours: hosts on a link of their port, each once.

use super::Check;
use crate::config::file::NeighbourTable;
use crate::config::name::Name;
use crate::config::neighbour::{Link, MAX_NEIGHBOURS, Neighbour, check};
use crate::config::prefix::Prefix;
use crate::config::report::{At, Problem, Span};
use fastpath::wire::VlanId;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// Our addresses, by the names in the file.
struct Own<'a> {
    all: Vec<Prefix>,
    by_link: HashMap<(&'a str, Option<VlanId>), Vec<Prefix>>,
}

impl<'a> Check<'a> {
    pub(super) fn check_neighbours(&self) -> Vec<Neighbour> {
        let tables = &self.file.neighbours;
        let spans = tables.iter().map(|t| &t.span);
        self.limit("neighbour", spans, MAX_NEIGHBOURS, "neighbours");
        self.check_neighbour_keys();
        let own = self.own();
        tables
            .iter()
            .filter_map(|table| self.neighbour(table, &own))
            .collect()
    }

    fn own(&self) -> Own<'a> {
        let mut by_link: HashMap<_, Vec<Prefix>> = HashMap::new();
        for table in &self.file.ports {
            let Some(name) = &table.name else {
                continue;
            };
            for own in &table.addresses {
                let link = (name.value.as_str(), own.value.vlan);
                by_link.entry(link).or_default().push(own.value.prefix);
            }
        }
        let all = self.prefixes().collect();
        Own { all, by_link }
    }

    fn check_neighbour_keys(&self) {
        let mut seen: HashMap<_, &Span> = HashMap::new();
        for table in self.file.neighbours.iter().filter(|table| !table.broken) {
            let (Some(port), Some(address)) = (&table.port, &table.address) else {
                continue;
            };
            let key = (port.value.as_str(), table.vlan, address.value);
            if let Some(first) = seen.get(&key) {
                let link = Link(&port.value, table.vlan);
                let text = format!("{} is a neighbour of {link} already", address.value);
                let problem = Problem::new(&address.span, "neighbour.address", text).first(first);
                self.report
                    .add(problem.allowed("each neighbour of a link once"));
            } else {
                seen.insert(key, &address.span);
            }
        }
    }

    fn neighbour(&self, table: &NeighbourTable, own: &Own<'_>) -> Option<Neighbour> {
        let (port, address) = (table.port.as_ref(), table.address.as_ref());
        let name = port.and_then(|at| self.ports.resolve(self.report, "neighbour.port", at));
        if let (Some(name), Some(address), false) = (name, address, table.broken) {
            self.check_link(name, table.vlan, address, own);
        }
        Some(Neighbour {
            port: name?,
            vlan: table.vlan,
            address: address?.value,
            mac: table.mac.as_ref()?.value,
        })
    }

    fn check_link(&self, port: Name, vlan: Option<VlanId>, address: &At<Ipv4Addr>, own: &Own<'_>) {
        let here = own.by_link.get(&(port.as_str(), vlan));
        let here = here.map(Vec::as_slice).unwrap_or_default();
        let link = Link(port.as_str(), vlan);
        if let Err(refused) = check(address.value, &link, here, &own.all) {
            let problem = Problem::refused(&address.span, "neighbour.address", refused);
            self.report.add(problem.absence());
        }
    }
}
