//! `overpath completion`.

use crate::help;
use clap_complete::{Shell, generate};

/// The script for `shell`. Made in memory, since making it into a closed pipe would panic.
pub(crate) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut help::words(), "overpath", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_the_nouns() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::Elvish,
            Shell::PowerShell,
        ] {
            let script = script(shell);
            assert!(
                script.contains("neigh") && script.contains("socket"),
                "{shell}"
            );
        }
    }
}
