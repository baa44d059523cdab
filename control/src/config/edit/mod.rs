//! What commands change: one part of what is wanted, checked by the very readers and rules that
//! check a file.
//!
//! ```text
//! words of a command -> a table as in a file -> file: read -> Draft: added, set, removed
//!                                                 -> validate, as a whole -> Wanted
//! ```
//!
//! The parameters of a command have the keys of the file's tables. `add` of what is there is
//! refused, and so is `set` or `del` of what is not; `replace` does either.

mod bridges;
mod command;
mod draft;
mod fdb;
mod neighbours;
mod once;
mod ports;
mod routes;
mod tunnels;
mod words;

pub use command::Command;
pub(crate) use once::{NoWords, words};
pub use words::Words;

use super::error::ConfigErrors;
use super::model::Wanted;
use super::report::Report;
use draft::Draft;

/// A change of what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// One command and its parameters.
    Do(Command, Words),
    /// Many static entries at once: the text of a JSON list of objects, each with the parameters of
    /// [`Command::FdbAdd`], and what is done with it as `op`: `add`, which it is if nothing is said,
    /// `replace` or `del`. Each address is there once.
    Load(Box<str>),
}

impl Wanted {
    /// What is wanted once `edit` is made. Nothing is changed by what is refused.
    ///
    /// # Errors
    /// All that is wrong with it, by itself or beside what is wanted already.
    pub fn edited(&self, edit: &Edit) -> Result<Wanted, ConfigErrors> {
        let report = Report::default();
        let edited = match edit {
            Edit::Load(items) => fdb::load(self, &report, items),
            Edit::Do(
                Command::FdbAdd
                | Command::FdbSet
                | Command::FdbReplace
                | Command::FdbDel
                | Command::FdbFlush,
                _,
            ) => fdb::one(self, &report, edit),
            Edit::Do(command, words) => Draft::edit(self, &report, *command, words),
        };
        match (report.finish_edit(), edited) {
            (None, Some(edited)) => Ok(edited),
            (Some(errors), _) => Err(errors),
            (None, None) => Ok(self.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
