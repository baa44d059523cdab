//! Compares the parts of a file with each other, and turns what holds into [`Wanted`].

mod bridges;
mod fdb;
mod local;
mod names;
mod neighbours;
mod ports;
mod routes;
mod tunnels;

use super::file::File;
use super::model::Wanted;
use super::report::{Problem, Report, Span};
pub(super) use names::Names;
use std::collections::HashSet;
use std::net::Ipv4Addr;

/// What the checks of each kind look things up in.
struct Check<'a> {
    report: &'a Report,
    file: &'a File,
    ports: Names<'a>,
    bridges: Names<'a>,
    tunnels: Names<'a>,
    /// The addresses that mean every host of one of our links.
    broadcasts: HashSet<Ipv4Addr>,
}

/// Checks `file`. The result is whole only if `report` is empty afterwards: what is wrong is
/// reported and left out.
pub(super) fn validate(report: &Report, file: &File) -> Wanted {
    let own = file.ports.iter().flat_map(|port| &port.addresses);
    let check = Check {
        report,
        file,
        ports: Names::declare(report, "port", file.ports.iter().map(|t| &t.name)),
        bridges: Names::declare(report, "bridge", file.bridges.iter().map(|t| &t.name)),
        tunnels: Names::declare(report, "tunnel", file.tunnels.iter().map(|t| &t.name)),
        broadcasts: own.filter_map(|own| own.value.prefix.broadcast()).collect(),
    };
    Wanted {
        switch: file.switch,
        ports: check.check_ports(),
        routes: check.check_routes(),
        neighbours: check.check_neighbours(),
        bridges: check.check_bridges(),
        tunnels: check.check_tunnels(),
        fdb: check.check_fdb(),
    }
}

impl Check<'_> {
    /// Reports the first of `spans` that is beyond `limit`.
    fn limit<'s>(
        &self,
        key: &str,
        mut spans: impl Iterator<Item = &'s Span>,
        limit: usize,
        what: &str,
    ) {
        if let Some(span) = spans.nth(limit) {
            self.report.add(Problem::new(
                span,
                key,
                format!("is one of more than {limit} {what}"),
            ));
        }
    }
}
