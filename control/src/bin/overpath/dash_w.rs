//! What `-w` says. `--watch` is an option of all words, `--write` takes its place for a capture: to
//! clap they are one option, whose value has one type.

use clap::builder::{OsStringValueParser, TypedValueParser};
use std::path::PathBuf;

/// The value of `-w`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DashW {
    /// Show it anew every so many seconds.
    Every(u32),
    /// Write it to this file; `-` is standard output.
    Into(PathBuf),
}

/// Of what is shown.
pub(crate) fn seconds(text: &str) -> Result<DashW, String> {
    let seconds = text.parse().ok().filter(|s| (1..=86_400).contains(s));
    let expected = || "expected seconds, from 1 to 86400".to_owned();
    seconds.map(DashW::Every).ok_or_else(expected)
}

/// Of a capture.
pub(crate) fn file() -> impl TypedValueParser<Value = DashW> {
    OsStringValueParser::new().map(|path| DashW::Into(path.into()))
}
