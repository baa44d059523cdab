//! Bridges: a port is in one of them at most.

use super::Check;
use crate::config::file::BridgeTable;
use crate::config::model::Bridge;
use crate::config::name::Name;
use crate::config::report::{Problem, Span};
use fastpath::ids::BridgeId;
use std::collections::HashMap;
use std::time::Duration;

impl<'a> Check<'a> {
    pub(super) fn check_bridges(&self) -> Vec<Bridge> {
        let tables = &self.file.bridges;
        self.limit(
            "bridge",
            tables.iter().map(|t| &t.span),
            BridgeId::LIMIT,
            "bridges",
        );
        let mut taken = HashMap::new();
        tables
            .iter()
            .filter_map(|table| self.bridge(table, &mut taken))
            .collect()
    }

    fn bridge(
        &self,
        table: &'a BridgeTable,
        taken: &mut HashMap<Name, &'a Span>,
    ) -> Option<Bridge> {
        let key = "bridge.ports";
        let mut ports = Vec::new();
        for used in &table.ports {
            let Some(port) = self.ports.resolve(self.report, key, used) else {
                continue;
            };
            if let Some(first) = taken.get(&port) {
                let problem =
                    Problem::new(&used.span, key, format!("{port} is in a bridge already"));
                let allowed = "each port in one bridge at most, once";
                self.report.add(problem.first(first).allowed(allowed));
            } else {
                taken.insert(port, &used.span);
                ports.push(port);
            }
        }
        Some(Bridge {
            name: table.name.as_ref()?.value.parse().ok()?,
            ports,
            ageing: Duration::from_secs(table.ageing.into()),
            learning: table.learning,
        })
    }
}
