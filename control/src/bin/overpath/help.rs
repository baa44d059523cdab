//! `overpath --help`: nouns by what they are for, and examples. clap has no groups of commands.

use crate::args::Arguments;
use crate::change::with_words;
use clap::builder::Styles;
use clap::{ArgMatches, Command, CommandFactory};
use std::fmt::Write;

/// The nouns, in the order in which they are shown.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Set up, and show what is set up:",
        &[
            "port", "addr", "route", "neigh", "bridge", "vxlan", "fdb", "switch",
        ],
    ),
    ("Whole configurations:", &["config"]),
    (
        "Look and find out:",
        &[
            "drops", "stats", "explain", "capture", "monitor", "cache", "offload",
        ],
    ),
    ("Other:", &["version", "completion", "help"]),
];

/// What stands below the options.
pub(crate) const EXAMPLES: &str = "\
Examples:
  A port of a guest, in a bridge; then what a tunnel of the bridge does:
    overpath port add guest1 device net_vhost0,iface=/run/overpath/g1.sock bridge br10
    overpath vxlan show
  What is lost, second by second; why a frame went where it went:
    overpath drops -w
    overpath explain guest1 --pcap frame.pcap
  All of it from a file, taken back after a minute unless `overpath config confirm` comes:
    overpath config diff new.toml && overpath config apply new.toml --confirm 60

A noun alone shows what there is; `overpath NOUN --help` and `overpath NOUN VERB --help` have the
words. Words can be shortened while they are clear: `overpath f s` is `overpath fdb show`.
Exit status: 0 done, 1 refused or failed, 2 words not understood, 3 the daemon is not there.";

/// The command that was said, without its words: `overpath addr add`.
pub(crate) fn path(said: &ArgMatches) -> String {
    let mut path = "overpath".to_owned();
    let mut said = Some(said);
    while let Some((name, behind)) = said.and_then(ArgMatches::subcommand) {
        path = path + " " + name;
        said = Some(behind);
    }
    path
}

/// What is parsed, with the help as it is to be.
pub(crate) fn command() -> Command {
    let command = words();
    let template = template(command.clone());
    command.help_template(template)
}

/// The same, with the help of clap for all nouns.
pub(crate) fn words() -> Command {
    with_words(Arguments::command())
}

fn template(mut command: Command) -> String {
    // So that `help` is among the commands.
    command.build();
    let styles = Styles::styled();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    for (title, nouns) in GROUPS {
        let _ = writeln!(text, "{header}{title}{header:#}");
        for noun in nouns
            .iter()
            .filter_map(|noun| command.find_subcommand(noun))
        {
            let name = noun.get_name();
            let about = noun.get_about().map(ToString::to_string);
            let _ = writeln!(
                text,
                "  {literal}{name:<10}{literal:#}  {}",
                about.unwrap_or_default()
            );
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn each_noun_stands_in_one_group() {
        let mut command = Arguments::command();
        command.build();
        let shown = command.get_subcommands().filter(|noun| !noun.is_hide_set());
        let mut shown: Vec<_> = shown.map(|noun| noun.get_name().to_owned()).collect();
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|(_, nouns)| *nouns).collect();
        shown.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, shown.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_help_fits_a_terminal_and_has_groups_options_and_examples() {
        let help = command().render_long_help().to_string();
        for part in [
            "Usage: overpath",
            "\nLook and find out:\n  drops ",
            "--socket",
            "\nExamples:\n",
        ] {
            assert!(help.contains(part), "{part}: {help}");
        }
        let long = help.lines().filter(|line| line.chars().count() > 100);
        assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn the_command_is_known_without_its_words() {
        let path = |line: &str| path(&command().try_get_matches_from(line.split(' ')).unwrap());
        assert_eq!(
            path("overpath -s a a 192.0.2.2/24 port x"),
            "overpath addr add"
        );
        assert_eq!(path("overpath f"), "overpath fdb");
    }

    #[test]
    fn the_examples_are_understood() {
        let lines = EXAMPLES
            .lines()
            .filter_map(|line| line.strip_prefix("    "));
        let commands: Vec<_> = lines.flat_map(|line| line.split(" && ")).collect();
        assert_eq!(commands.len(), 6);
        for line in commands {
            let arguments = Arguments::try_parse_from(line.split(' '));
            assert!(arguments.is_ok(), "{line}: {arguments:?}");
            // The capture is not here.
            if !line.contains("--pcap") && !line.contains(".toml") {
                assert!(arguments.unwrap().method().is_ok(), "{line}");
            }
        }
    }
}
