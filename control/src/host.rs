//! Why DPDK does not come up on this host, and what mends it.
//!
//! EAL says that it found no memory; it does not say what to do. [`diagnose`] looks at facts about
//! the host and at the arguments that EAL was given, and names the causes it knows together with a
//! command for each. The facts are plain data, so that every cause is tested without such a host.

mod arguments;
mod facts;
mod memory;
mod rights;

pub use arguments::Arguments;
pub use facts::{Facts, HugeMount, HugePages, VfioGroup};

use std::fmt;

/// Something that keeps DPDK from coming up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong: one line, without a full stop.
    pub what: String,
    /// A command for a shell that mends it, or that works in spite of it.
    pub mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\n    {}", self.what, self.mend)
    }
}

/// What is wrong as far as it can be told, the most likely cause first. Empty if nothing is known
/// to be wrong: then EAL's own log has to say it.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut doctor = Doctor {
        facts,
        found: Vec::new(),
    };
    doctor.contradictions();
    if facts.arguments.no_huge {
        doctor.plain_memory();
    } else {
        doctor.huge_pages();
    }
    doctor.rights();
    doctor.vfio();
    doctor.found
}

struct Doctor<'a> {
    facts: &'a Facts,
    found: Vec<Finding>,
}

impl Doctor<'_> {
    fn find(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        let (what, mend) = (what.into(), mend.into());
        self.found.push(Finding { what, mend });
    }

    /// `command`, to be run by root.
    fn as_root(&self, command: String) -> String {
        if self.facts.uid == 0 {
            command
        } else {
            format!("sudo sh -c {}", arguments::quoted(&command))
        }
    }

    /// Arguments that EAL refuses together.
    fn contradictions(&mut self) {
        let given = &self.facts.arguments;
        if given.no_huge && given.in_memory {
            let what = "DPDK refuses --in-memory together with --no-huge, which leaves no files \
                        with memory behind either";
            self.find(what, given.command(&["in-memory"], &[]));
        }
        if given.no_huge && given.socket_mb.is_some() {
            let all = given.socket_mb.unwrap_or_default();
            let mend = given.command(&["socket-mem"], &[format!("-m {all}")]);
            self.find("DPDK refuses --socket-mem together with --no-huge", mend);
        } else if given.memory_mb.is_some() && given.socket_mb.is_some() {
            let mend = given.command(&["socket-mem"], &[]);
            self.find("DPDK refuses -m together with --socket-mem", mend);
        }
        if given.no_huge && given.huge_unlink {
            let mend = given.command(&["huge-unlink"], &[]);
            self.find("DPDK refuses --huge-unlink together with --no-huge", mend);
        }
    }
}

#[cfg(test)]
mod tests;
