//! What can be said on the command line.

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Where the daemon listens if nothing else is said.
pub(crate) const SOCKET: &str = "/run/overpath/overpath.sock";

/// Ask the overpath daemon what it does.
///
/// Words can be shortened as long as they stay clear: `overpath f s` is `overpath fdb show`.
#[derive(Debug, Parser)]
#[command(name = "overpath", version, infer_subcommands = true)]
pub(crate) struct Arguments {
    /// Where the daemon listens
    #[arg(long, global = true, value_name = "PATH", default_value = SOCKET)]
    pub(crate) socket: PathBuf,

    /// Print the daemon's answer as it is, as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// The versions of the daemon and of DPDK
    Version,
    /// Ports: state, device, counters
    #[command(infer_subcommands = true)]
    Port {
        #[command(subcommand)]
        verb: Option<Verb>,
    },
    /// Forwarding tables: which address is where
    #[command(infer_subcommands = true)]
    Fdb {
        #[command(subcommand)]
        verb: Option<Verb>,
    },
    /// Neighbours on underlay links
    #[command(infer_subcommands = true)]
    Neigh {
        #[command(subcommand)]
        verb: Option<Verb>,
    },
    /// Counters: where every packet went
    #[command(infer_subcommands = true)]
    Stats {
        #[command(subcommand)]
        verb: Option<Verb>,
    },
    /// A script that teaches a shell to complete these words
    Completion {
        /// Which shell
        shell: Shell,
    },
}

/// What to do with a noun; show it, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show all of them
    Show,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::path::Path;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn words_can_be_shortened_and_the_verb_left_out() {
        for line in [
            "overpath fdb show",
            "overpath f s",
            "overpath fdb",
            "overpath f --json",
        ] {
            assert!(
                matches!(parse(line).unwrap().noun, Noun::Fdb { .. }),
                "{line}"
            );
        }
        assert!(parse("overpath fdb add").is_err());
        assert!(parse("overpath").is_err());
    }

    #[test]
    fn options_stand_anywhere() {
        for line in [
            "overpath --json --socket /s port show",
            "overpath p s --socket /s --json",
        ] {
            let arguments = parse(line).unwrap();
            assert!(
                arguments.json && arguments.socket == Path::new("/s"),
                "{line}"
            );
        }
        assert_eq!(
            parse("overpath version").unwrap().socket,
            PathBuf::from(SOCKET)
        );
    }
}
