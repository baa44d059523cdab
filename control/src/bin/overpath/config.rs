//! `overpath config`: all that is wanted, as a file.

use crate::failure::{Failure, Kind};
use clap::Subcommand;
use control::api::messages::{Checked, ConfigText, Differing, Exported, Method};
use control::config::Wanted;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Say what is wrong with a file; the daemon need not run
    Check {
        /// The file, in TOML; - is standard input
        file: PathBuf,
    },
    /// The commands that `apply` would carry out
    Diff {
        /// The file, in TOML; - is standard input
        file: PathBuf,
    },
    /// Make a file what is wanted, all of it or nothing
    Apply {
        /// The file, in TOML; - is standard input
        file: PathBuf,
        /// Go back after so many seconds, unless `overpath config confirm` comes by then; also if
        /// the daemon ends meanwhile
        #[arg(long, value_name = "SECONDS")]
        confirm: Option<NonZeroU32>,
    },
    /// Keep what was applied with --confirm
    Confirm,
    /// Go back to what was before the last change
    Rollback,
    /// What is wanted, as a file
    Export,
}

impl Verb {
    pub(crate) fn method(&self) -> Result<Method, Failure> {
        Ok(match self {
            // It is done here.
            Verb::Check { .. } => Method::Version,
            Verb::Diff { file } => Method::ConfigDiff(text(file)?),
            Verb::Apply { file, confirm } => Method::ConfigApply {
                file: text(file)?,
                confirm: *confirm,
            },
            Verb::Confirm => Method::ConfigConfirm,
            Verb::Rollback => Method::ConfigRollback,
            Verb::Export => Method::ConfigExport,
        })
    }

    pub(crate) fn is_done_here(&self) -> bool {
        matches!(self, Verb::Check { .. })
    }

    /// # Errors
    /// All that is wrong with the file.
    pub(crate) fn here(&self, json: bool) -> Result<String, Failure> {
        let Verb::Check { file } = self else {
            return Ok(String::new());
        };
        let ConfigText { text, name } = text(file)?;
        let wanted = Wanted::parse(&text, &name)
            .map_err(|errors| Failure::new(Kind::Refused, errors.to_string()))?;
        let counts = [
            ("ports", wanted.ports.len()),
            ("routes", wanted.routes.len()),
            ("bridges", wanted.bridges.len()),
            ("tunnels", wanted.tunnels.len()),
            ("fdb", wanted.fdb.len()),
        ];
        if json {
            let counts = counts.map(|(what, count)| (what.to_owned(), count.into()));
            let counts = serde_json::Map::from_iter(counts);
            return Ok(format!("{}\n", serde_json::Value::from(counts)));
        }
        let counts = counts.map(|(what, count)| format!("{what} {count}"));
        Ok(format!("{}\n", counts.join(" ")))
    }
}

/// The text of a file, and what errors call it.
fn text(file: &Path) -> Result<ConfigText, Failure> {
    let name = file.display().to_string();
    let mut text = String::new();
    let read = match name.as_str() {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| Failure::failed(format!("{name}: {error}")))?;
    Ok(ConfigText { text, name })
}

pub(crate) fn checked(checked: &Checked) -> String {
    format!("steps {}\n", checked.steps)
}

/// A line for each step; nothing, if there is nothing to do.
pub(crate) fn differing(differing: &Differing) -> String {
    let lines = differing.steps.iter().map(|step| format!("{step}\n"));
    lines.collect()
}

/// The file, and what hinders changes as a comment before it.
pub(crate) fn exported(exported: &Exported) -> String {
    let trouble = exported.store_trouble.as_ref();
    let trouble = trouble.map(|why| format!("changes are refused: {why}"));
    let lines = trouble.iter().flat_map(|why| why.lines());
    let comment: String = lines.map(|line| format!("# {line}\n")).collect();
    comment + &exported.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_checked_without_a_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        let check = || Verb::Check { file: file.clone() }.here(false);
        std::fs::write(&file, "[[bridge]]\nname = 'b'\n").unwrap();
        assert_eq!(
            check().unwrap(),
            "ports 0 routes 0 bridges 1 tunnels 0 fdb 0\n"
        );
        let json = Verb::Check { file: file.clone() }.here(true).unwrap();
        assert!(json.contains("\"bridges\":1"), "{json}");
        std::fs::write(&file, "[[bridge]]\n").unwrap();
        let told = check().unwrap_err();
        assert_eq!(told.kind, Kind::Refused);
        let told = told.message;
        assert!(
            told.contains("c.toml:1:1: bridge.name: is missing"),
            "{told}"
        );
        std::fs::remove_file(&file).unwrap();
        let told = check().unwrap_err();
        assert!(told.message.contains("c.toml: No such file"), "{told:?}");
        assert_eq!(told.kind, Kind::Failed);
    }

    #[test]
    fn steps_are_lines() {
        let steps = vec!["port del a".to_owned(), "bridge del b".to_owned()];
        assert_eq!(
            differing(&Differing { steps }),
            "port del a\nbridge del b\n"
        );
        assert_eq!(differing(&Differing { steps: Vec::new() }), "");
    }
}
