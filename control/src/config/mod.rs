//! The configuration: a TOML file is read, checked and turned into [`Wanted`].
//!
//! ```text
//! text -> section, file: types and ranges -> validate: names and rules -> model: Wanted
//!                  \________________________/
//!                   report: all that is wrong, told at once with its place as ConfigErrors
//!
//! model: Wanted -> written, export -> text, which is read as the same again
//! ```
//!
//! ```
//! let wanted = control::config::Wanted::parse(
//!     r#"
//!     [[port]]
//!     name = "uplink"
//!     device = "net_tap0"
//!     addresses = ["192.0.2.2/24"]
//!     "#,
//!     "example.toml",
//! )?;
//! assert!(wanted.ports[0].is_underlay());
//!
//! let errors = control::config::Wanted::parse("[[prot]]", "example.toml").unwrap_err();
//! assert_eq!(errors.errors()[0].nearest.as_deref(), Some("port"));
//! # Ok::<(), control::config::ConfigErrors>(())
//! ```

mod bounded;
mod edit;
mod error;
mod export;
mod file;
mod model;
mod name;
mod neighbour;
mod prefix;
mod report;
mod route;
mod section;
mod validate;
mod written;

pub use edit::{Command, Edit, Words};
pub(crate) use edit::{NoWords, words};
pub use error::{ConfigError, ConfigErrors, Place, Refused};
pub(crate) use export::join;
pub use model::{
    Accept, Address, Bridge, Device, Df, Dscp, FdbEntry, FdbTarget, Port, Remote, ReservedBits,
    SwitchSettings, Ttl, Tunnel, Wanted, ZeroChecksum,
};
pub use name::{Name, NameError};
pub use neighbour::{MAX_NEIGHBOURS, Neighbour};
pub use prefix::{Prefix, PrefixError, is_unicast};
pub use report::{nearest, no_such};
pub use route::{MAX_GATEWAYS, MAX_ROUTES, Route};
pub use written::{Setting, Written};

use report::{Problem, Report};
use std::path::Path;
use toml::de::DeTable;

impl Wanted {
    /// The wanted state of the file at `path`. Blocks while it is read.
    ///
    /// # Errors
    /// All that is wrong with it, at once; or that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|e| e.to_string())
            .and_then(|bytes| {
                String::from_utf8(bytes).map_err(|e| format!("not UTF-8 text: {}", e.utf8_error()))
            });
        match text {
            Ok(text) => Self::parse(&text, &name),
            Err(problem) => Err(ConfigErrors::unreadable(name, problem)),
        }
    }

    /// The wanted state of a text that somebody else has sent: as [`Wanted::parse`], with a limit on
    /// what it takes to read it. In memory that is about a gigabyte at most, and some hundred megabytes as a
    /// rule.
    ///
    /// # Errors
    /// As those of [`Wanted::parse`]; or that there is too much of it.
    pub fn parse_bounded(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        let report = Report::default();
        bounded::check(&report, text, bounded::MAX_PIECES);
        match report.finish(file, text) {
            Some(errors) => Err(errors),
            None => Self::parse(text, file),
        }
    }

    /// The wanted state of a text; errors name it as `file`.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        let report = Report::default();
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            report.add(Problem::syntax(
                &error.span().unwrap_or_default(),
                error.message(),
            ));
        }
        let wanted = validate::validate(&report, &file::File::read(&report, &document));
        match report.finish(file, text) {
            Some(errors) => Err(errors),
            None => Ok(wanted),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
