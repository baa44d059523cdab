//! What can be said of flow caches on the command line.

use clap::Subcommand;
use control::api::messages::{Entries, EntryNumber, Method};
use control::config::Name;

/// What to do with flow caches; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the entries, those of most packets first
    Show {
        /// The port of whose packets they are; all, if none is said
        port: Option<Name>,
        /// The one of this number
        #[arg(long, value_name = "WORKER:ENTRY", conflicts_with = "port")]
        entry: Option<EntryNumber>,
        /// Say also what each was derived from
        #[arg(id = "statistics", short = 's', long = "details")]
        details: bool,
    },
    /// Remove all entries, so that every packet is decided anew
    Flush,
}

/// What to ask the daemon.
pub(crate) fn method(verb: Option<&Verb>) -> Method {
    verb.map_or(Method::CacheShow(Entries::All), Verb::method)
}

impl Verb {
    /// Whether more than a line is wanted of each entry.
    pub(crate) fn details(&self) -> bool {
        matches!(self, Verb::Show { details: true, .. })
    }

    fn method(&self) -> Method {
        Method::CacheShow(match self {
            Verb::Flush => return Method::CacheFlush,
            Verb::Show {
                entry: Some(entry), ..
            } => Entries::Entry(*entry),
            Verb::Show {
                port: Some(port), ..
            } => Entries::Port(*port),
            Verb::Show { .. } => Entries::All,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Noun};
    use clap::Parser;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn a_cache_is_shown_whole_or_in_part_and_flushed() {
        let method = |line: &str| parse(line).unwrap().method();
        let show = |entries| Ok(Method::CacheShow(entries));
        for line in ["overpath cache", "overpath cac show", "overpath cache s -w"] {
            assert_eq!(method(line), show(Entries::All), "{line}");
        }
        let port = Entries::Port("lan".parse().unwrap());
        assert_eq!(method("overpath cache show lan"), show(port));
        let entry = EntryNumber {
            worker: 1,
            place: 17,
        };
        let line = "overpath cache show --entry 1:17";
        assert_eq!(method(line), show(Entries::Entry(entry)));
        assert_eq!(method("overpath cache flush"), Ok(Method::CacheFlush));
        assert!(method("overpath cache flush -w").is_err());
        for line in [
            "overpath cache lan",
            "overpath cache show --entry 17",
            "overpath cache show lan --entry 0:17",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        let details = |line: &str| match parse(line).unwrap().noun {
            Noun::Cache { verb } => verb.unwrap().details(),
            noun => panic!("{noun:?}"),
        };
        assert!(details("overpath cache show lan -s") && !details("overpath cache show lan"));
    }
}
