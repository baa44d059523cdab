//! Whether what is printed has colours.

use clap::ColorChoice;
use std::env::var_os;
use std::ffi::OsStr;
use std::io::IsTerminal;

/// By what is said, and by where it goes.
pub(crate) fn is_wanted(said: ColorChoice) -> bool {
    let (no_color, term) = (var_os("NO_COLOR"), var_os("TERM"));
    let terminal = std::io::stdout().is_terminal();
    judge(said, terminal, no_color.as_deref(), term.as_deref())
}

/// A pipe gets none unless that is said; nor does a terminal that knows none, or whose user wants
/// none (no-color.org: any value but an empty one).
fn judge(
    said: ColorChoice,
    terminal: bool,
    no_color: Option<&OsStr>,
    term: Option<&OsStr>,
) -> bool {
    match said {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let unwanted = no_color.is_some_and(|value| !value.is_empty());
            terminal && !unwanted && term.is_some_and(|term| term != "dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ColorChoice::{Always, Auto, Never};

    #[test]
    fn a_terminal_gets_colours_unless_somebody_objects() {
        let judge = |said, terminal, no_color: Option<&str>, term: Option<&str>| {
            judge(
                said,
                terminal,
                no_color.map(OsStr::new),
                term.map(OsStr::new),
            )
        };
        let xterm = Some("xterm");
        assert!(judge(Auto, true, None, xterm));
        assert!(judge(Auto, true, Some(""), xterm));
        assert!(!judge(Auto, true, Some("0"), xterm));
        assert!(!judge(Auto, true, None, Some("dumb")));
        assert!(!judge(Auto, true, None, None));
        assert!(!judge(Auto, false, None, xterm));
        assert!(judge(Always, false, Some("1"), None));
        assert!(!judge(Never, true, None, xterm));
    }
}
