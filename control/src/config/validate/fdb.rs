//! Static entries: each leads to one place, within its bridge.

use super::Check;
use crate::config::file::FdbTable;
use crate::config::model::{FdbEntry, FdbTarget};
use crate::config::report::{At, Problem, Span};
use crate::config::section::excerpt;
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

/// Which port and which tunnel is in which bridge, by the names in the file.
struct Members<'a> {
    ports: HashSet<(&'a str, &'a str)>,
    tunnels: HashMap<&'a str, usize>,
}

impl<'a> Check<'a> {
    pub(super) fn check_fdb(&self) -> Vec<FdbEntry> {
        let tables = &self.file.fdb;
        let limit = self.file.switch.fdb_entries as usize;
        let what = "entries, the value of switch.fdb_entries";
        self.limit("fdb", tables.iter().map(|t| &t.span), limit, what);
        self.check_macs();
        let members = self.members();
        tables
            .iter()
            .filter_map(|table| self.entry(table, &members))
            .collect()
    }

    fn members(&self) -> Members<'a> {
        let named = |name: &'a Option<At<String>>| name.as_ref().map(|at| at.value.as_str());
        let bridges = self.file.bridges.iter().filter_map(|table| {
            let bridge = named(&table.name)?;
            Some(
                table
                    .ports
                    .iter()
                    .map(move |port| (bridge, port.value.as_str())),
            )
        });
        let tunnels = self.file.tunnels.iter().enumerate();
        Members {
            ports: bridges.flatten().collect(),
            tunnels: tunnels
                .filter_map(|(at, table)| Some((named(&table.name)?, at)))
                .collect(),
        }
    }

    fn check_macs(&self) {
        let mut seen: HashMap<_, &Span> = HashMap::with_capacity(self.file.fdb.len());
        for table in &self.file.fdb {
            let (Some(bridge), Some(mac)) = (&table.bridge, &table.mac) else {
                continue;
            };
            if let Some(first) = seen.get(&(bridge.value.as_str(), mac.value)) {
                let text = format!("{} has an entry in this bridge already", mac.value);
                let allowed = "one entry for an address, a group address included, in each bridge";
                let problem = Problem::new(&mac.span, "fdb.mac", text);
                self.report.add(problem.first(first).allowed(allowed));
            } else {
                seen.insert((bridge.value.as_str(), mac.value), &mac.span);
            }
        }
    }

    fn entry(&self, table: &FdbTable, members: &Members<'_>) -> Option<FdbEntry> {
        let resolve = |at| self.bridges.resolve(self.report, "fdb.bridge", at);
        let bridge = table.bridge.as_ref().and_then(resolve);
        let target = match (&table.port, &table.tunnel, &table.remote) {
            _ if table.broken => None,
            (Some(port), None, None) => self.to_port(table, port, members),
            (None, Some(tunnel), Some(remote)) => self.to_remote(table, tunnel, remote, members),
            _ => {
                let problem = Problem::new(&table.span, "fdb", "does not say where the address is");
                let allowed = "either port, or tunnel and remote together";
                self.report.add(problem.allowed(allowed).absence());
                None
            }
        };
        Some(FdbEntry {
            bridge: bridge?,
            mac: table.mac.as_ref()?.value,
            target: target?,
        })
    }

    fn to_port(
        &self,
        table: &FdbTable,
        port: &At<String>,
        members: &Members<'_>,
    ) -> Option<FdbTarget> {
        let name = self.ports.resolve(self.report, "fdb.port", port)?;
        if let Some(bridge) = &table.bridge
            && !members
                .ports
                .contains(&(bridge.value.as_str(), port.value.as_str()))
        {
            self.outside("fdb.port", port, bridge);
        }
        Some(FdbTarget::Port(name))
    }

    fn to_remote(
        &self,
        table: &FdbTable,
        tunnel: &At<String>,
        remote: &At<Ipv4Addr>,
        members: &Members<'_>,
    ) -> Option<FdbTarget> {
        let name = self.tunnels.resolve(self.report, "fdb.tunnel", tunnel)?;
        let at = members.tunnels.get(tunnel.value.as_str())?;
        let through = self.file.tunnels.get(*at)?;
        if let (Some(bridge), Some(its)) = (&table.bridge, &through.bridge)
            && bridge.value != its.value
        {
            self.outside("fdb.tunnel", tunnel, bridge);
        }
        self.check_remote("fdb.remote", remote.value, &remote.span, through);
        Some(FdbTarget::Remote {
            tunnel: name,
            remote: remote.value,
        })
    }

    /// Silent if there is no such bridge, which is reported by itself.
    fn outside(&self, key: &str, member: &At<String>, bridge: &At<String>) {
        if self.bridges.has(&bridge.value) {
            let text = format!(
                "{} is not in bridge {}",
                member.value,
                excerpt(&bridge.value)
            );
            let allowed = "a port or a tunnel of the entry's bridge";
            self.report.add(
                Problem::new(&member.span, key, text)
                    .allowed(allowed)
                    .absence(),
            );
        }
    }
}
