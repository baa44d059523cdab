//! Routes: one for each network, by gateways on our links.

use super::Check;
use crate::config::file::RouteTable;
use crate::config::prefix::Prefix;
use crate::config::report::{Problem, Span};
use crate::config::route::{MAX_GATEWAYS, MAX_ROUTES, Route, add, on_link};
use std::collections::HashMap;

impl Check<'_> {
    pub(super) fn check_routes(&self) -> Vec<Route> {
        let tables = &self.file.routes;
        let spans = tables.iter().map(|t| &t.span);
        self.limit("route", spans, MAX_ROUTES, "routes");
        self.check_networks();
        let own: Vec<Prefix> = self.prefixes().collect();
        let routes = tables.iter().filter_map(|table| self.route(table, &own));
        routes.collect()
    }

    fn check_networks(&self) {
        let mut seen: HashMap<Prefix, &Span> = HashMap::new();
        for to in self.file.routes.iter().filter_map(|t| t.to.as_ref()) {
            if let Some(first) = seen.get(&to.value) {
                let refused = Route::duplicate(to.value);
                self.report
                    .add(Problem::refused(&to.span, "route.to", refused).first(first));
            } else {
                seen.insert(to.value, &to.span);
            }
        }
    }

    fn route(&self, table: &RouteTable, own: &[Prefix]) -> Option<Route> {
        let mut all = Vec::new();
        for via in table.via.iter().take(MAX_GATEWAYS + 1) {
            let added = add(&mut all, via.value);
            if let Err(refused) = added.and_then(|()| on_link(via.value, own)) {
                let problem = Problem::refused(&via.span, "route.via", refused);
                self.report.add(problem);
            }
        }
        Some(Route {
            to: table.to.as_ref()?.value,
            via: all,
        })
    }
}
