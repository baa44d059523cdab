//! Routes of the underlay.

use super::draft::Draft;
use super::words::Words;
use crate::config::file::{NOWHERE, RouteTable, read_route};
use crate::config::prefix::Prefix;
use crate::config::report::Problem;
use crate::config::route::{Route, network};

impl Draft<'_> {
    pub(super) fn route_add(&mut self, words: &Words) -> Option<()> {
        let table = self.route(words);
        self.file.routes.push(table);
        Some(())
    }

    pub(super) fn route_set(&mut self, words: &Words) -> Option<()> {
        let table = self.route(words);
        let to = table.to.as_ref()?.value;
        match self.route_to(to) {
            Some(at) => *self.file.routes.get_mut(at)? = table,
            None => self.no_route(to, "the network of a route: route add makes one"),
        }
        Some(())
    }

    pub(super) fn route_replace(&mut self, words: &Words) -> Option<()> {
        let table = self.route(words);
        match self.route_to(table.to.as_ref()?.value) {
            Some(at) => *self.file.routes.get_mut(at)? = table,
            None => self.file.routes.push(table),
        }
        Some(())
    }

    pub(super) fn route_del(&mut self, words: &Words) -> Option<()> {
        let to = self.read("route.", words, |mut section| {
            let to = section.require("to");
            let to = to.and_then(|field| field.judge(Route::NETWORK, network));
            section.finish();
            to
        });
        let to = to?.value;
        if let Some(at) = self.route_to(to) {
            self.file.routes.remove(at);
            return Some(());
        }
        self.no_route(to, "the network of a route");
        None
    }

    fn no_route(&self, to: Prefix, allowed: &str) {
        let routes = self.before.routes.iter();
        let names: Vec<String> = routes.map(|route| route.to.to_string()).collect();
        let text = format!("there is no route to {to}");
        let problem = Problem::new(&NOWHERE, "route.to", text).allowed(allowed);
        let near = names.iter().map(String::as_str);
        self.report.add(problem.nearest(&to.to_string(), near));
    }

    fn route(&self, words: &Words) -> RouteTable {
        self.read("route.", words, read_route)
    }

    fn route_to(&self, to: Prefix) -> Option<usize> {
        let routes = &mut self.file.routes.iter();
        routes.position(|table| table.to.as_ref().is_some_and(|at| at.value == to))
    }
}
