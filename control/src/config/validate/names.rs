//! The names of one kind of thing: unique where they are given, known where they are used.

use crate::config::Name;
use crate::config::report::{At, Problem, Report, Span};
use crate::config::section::excerpt;
use std::collections::HashMap;

/// The names of one kind, in the order of the file.
pub(in crate::config) struct Names<'a> {
    kind: &'static str,
    order: Vec<&'a str>,
    known: HashMap<&'a str, &'a Span>,
}

impl<'a> Names<'a> {
    /// Takes the names that are given, and reports those that are no names or given twice. A name
    /// that is wrong is known all the same, so that its uses are not reported too.
    pub(in crate::config) fn declare(
        report: &Report,
        kind: &'static str,
        given: impl Iterator<Item = &'a Option<At<String>>>,
    ) -> Self {
        let mut names = Names {
            kind,
            order: Vec::new(),
            known: HashMap::new(),
        };
        for name in given.flatten() {
            let key = format!("{kind}.name");
            if name.value.parse::<Name>().is_err() {
                let text = format!("`{}` is not a name", excerpt(&name.value));
                report.add(Problem::new(&name.span, &*key, text).allowed(Name::ALLOWED));
            }
            if let Some(first) = names.known.get(name.value.as_str()) {
                let text = format!("`{}` is the name of another {kind}", excerpt(&name.value));
                report.add(Problem::new(&name.span, key, text).first(first));
            } else {
                names.known.insert(&name.value, &name.span);
                names.order.push(&name.value);
            }
        }
        names
    }

    /// The name that `used` refers to; reported if there is none.
    pub(in crate::config) fn resolve(
        &self,
        report: &Report,
        key: &str,
        used: &At<String>,
    ) -> Option<Name> {
        if self.has(&used.value) {
            return used.value.parse().ok();
        }
        let text = format!("there is no {} `{}`", self.kind, excerpt(&used.value));
        let mut problem = Problem::new(&used.span, key, text)
            .allowed(self.allowed())
            .absence();
        if !report.is_full() {
            problem = problem.nearest(&used.value, self.order.iter().copied());
        }
        report.add(problem);
        None
    }

    /// Whether something has this name.
    pub(in crate::config) fn has(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// The first few names.
    fn allowed(&self) -> String {
        const FEW: usize = 8;
        let few: Vec<String> = self
            .order
            .iter()
            .take(FEW)
            .map(|name| excerpt(name))
            .collect();
        match self.order.len() {
            0 => format!("none, as no {} is configured", self.kind),
            1..=FEW => few.join(", "),
            more => format!("{} and {} more", few.join(", "), more - FEW),
        }
    }
}
