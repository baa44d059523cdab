//! What has to be known before words are understood: how it is to be told that they are not.

use clap::{ColorChoice, ValueEnum};
use std::ffi::OsString;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Early {
    /// `--json` is said.
    pub(crate) json: bool,
    /// What `--color` says, for help and errors too.
    pub(crate) color: ColorChoice,
}

impl Early {
    /// What is said by `args`, whatever else is wrong with them.
    pub(crate) fn of(args: impl IntoIterator<Item = OsString>) -> Self {
        let mut early = Early {
            json: false,
            color: ColorChoice::Auto,
        };
        let args = args.into_iter().take_while(|arg| arg != "--");
        let mut args = args.filter_map(|arg| arg.into_string().ok());
        while let Some(arg) = args.next() {
            let color = match arg.split_once('=') {
                Some(("--color", when)) => Some(when.to_owned()),
                _ if arg == "--color" => args.next(),
                _ => None,
            };
            early.json |= arg == "--json";
            let color = color.and_then(|when| ColorChoice::from_str(&when, false).ok());
            early.color = color.unwrap_or(early.color);
        }
        early
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_among_words_that_are_wrong() {
        let early = |line: &str| Early::of(line.split(' ').map(OsString::from));
        let said = |json, color| Early { json, color };
        assert_eq!(early("overpath prot"), said(false, ColorChoice::Auto));
        assert_eq!(early("overpath prot --json"), said(true, ColorChoice::Auto));
        let never = said(true, ColorChoice::Never);
        assert_eq!(early("overpath --json --color=never x"), never);
        assert_eq!(early("overpath x --color never --json"), never);
        let line = "overpath --color sometimes -- --json --color never";
        assert_eq!(early(line), said(false, ColorChoice::Auto));
    }
}
