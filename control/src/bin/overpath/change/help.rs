//! Help for words: the usage of each verb that takes them, and what can be said.

use super::fdb::{DEFAULT, FDB, FLUSH, MAC};
use super::said::{Key, Said};
use super::{ADDR, ADDRESS, BRIDGE_KEYS, NAME, NEIGH, PORT, PREFIX, REMOTE, SWITCH, VXLAN};
use clap::Command;

/// Verbs that take words: by noun and verb, what stands first, and what follows.
const VERBS: &[(&str, &str, Option<Key>, &[Key])] = &[
    ("port", "add", Some(NAME), PORT),
    ("port", "set", Some(NAME), PORT),
    ("port", "del", Some(NAME), &[]),
    ("addr", "add", Some(PREFIX), ADDR),
    ("addr", "set", Some(PREFIX), ADDR),
    ("addr", "del", Some(PREFIX), ADDR),
    ("neigh", "add", Some(ADDRESS), NEIGH),
    ("neigh", "set", Some(ADDRESS), NEIGH),
    ("neigh", "replace", Some(ADDRESS), NEIGH),
    ("neigh", "del", Some(ADDRESS), NEIGH),
    ("bridge", "add", Some(NAME), BRIDGE_KEYS),
    ("bridge", "set", Some(NAME), BRIDGE_KEYS),
    ("bridge", "del", Some(NAME), &[]),
    ("vxlan", "add", Some(NAME), VXLAN),
    ("vxlan", "set", Some(NAME), VXLAN),
    ("vxlan", "append", Some(NAME), REMOTE),
    ("vxlan", "del", Some(NAME), REMOTE),
    ("fdb", "add", Some(MAC), FDB),
    ("fdb", "set", Some(MAC), FDB),
    ("fdb", "replace", Some(MAC), FDB),
    ("fdb", "append", Some(MAC), DEFAULT),
    ("fdb", "del", Some(MAC), FDB),
    ("fdb", "flush", None, FLUSH),
    ("switch", "set", None, SWITCH),
];

/// The same, with what can be said behind each verb.
pub(crate) fn with_words(command: Command) -> Command {
    VERBS
        .iter()
        .fold(command, |command, (noun, verb, first, keys)| {
            let said = Said {
                first: *first,
                keys,
            };
            command.mut_subcommand(noun, |of| {
                of.mut_subcommand(verb, |verb| explained(verb, noun, said))
            })
        })
}

fn explained(verb: Command, noun: &str, said: Said) -> Command {
    let usage = format!("overpath {noun} {} {}", verb.get_name(), said.usage());
    let verb = verb.override_usage(usage);
    // The words are below, where they are explained.
    let verb = verb.mut_arg("words", |words| words.hide(true));
    match said.keys {
        [] => verb,
        _ => verb.after_help(format!(
            "Words, which can be shortened while they are clear:\n{}",
            said.help().trim_end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Arguments;
    use clap::CommandFactory;

    fn help(noun: &str, verb: &str) -> String {
        let mut command = with_words(Arguments::command());
        command.build();
        let noun = command.find_subcommand_mut(noun).unwrap();
        let verb = noun.find_subcommand_mut(verb).unwrap();
        verb.render_help().to_string()
    }

    #[test]
    fn each_verb_says_what_can_be_said() {
        with_words(Arguments::command()).debug_assert();
        for (noun, verb, _, keys) in VERBS {
            let help = help(noun, verb);
            assert!(!help.contains("[WORDS]"), "{help}");
            let said = help.matches("can be shortened").count();
            assert_eq!(said, usize::from(!keys.is_empty()), "{help}");
        }
        let set = help("addr", "set");
        assert!(
            set.contains("Usage: overpath addr set PREFIX [WORD VALUE]...\n"),
            "{set}"
        );
        let words = "  port NAME  the underlay port (or dev)\n  vlan ID    the VLAN on it; novlan: untagged\n";
        assert!(set.contains(words.trim_end()), "{set}");
        assert!(help("port", "del").contains("Usage: overpath port del NAME\n"));
    }

    /// A word without a word about it would be a gap.
    #[test]
    fn every_word_is_explained_and_the_lines_fit() {
        for (noun, verb, first, keys) in VERBS {
            let said = Said {
                first: *first,
                keys,
            };
            for line in said.help().lines() {
                let words = line.split("  ").filter(|part| !part.is_empty()).count();
                assert!(words == 2 && line.len() <= 100, "{noun} {verb}: {line}");
            }
        }
    }
}
