//! The manual page of the daemon, overpathd(8).

use super::{as_it_stands, list, source};
use clap::CommandFactory;
use clap_mangen::Man;
use control::args::Options;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Signals, and what they do.
const SIGNALS: [(&str, &str); 2] = [
    (
        "SIGTERM, SIGINT, SIGHUP",
        "Stop polling, send what is buffered, close the ports, print the account, end.",
    ),
    ("The same again", "End at once, without the account."),
];

/// Exit status, and what it means.
const STATUS: [(&str, &str); 3] = [
    ("0", "It was stopped by a signal, and the account closed."),
    (
        "1",
        "It did not start, or the account did not close, or packets are missing from the pool.",
    ),
    ("2", "The command line was not understood."),
];

/// Files of the package.
const FILES: [(&str, &str); 5] = [
    (
        "/etc/overpath/overpath.toml",
        "The wanted state at the first start.",
    ),
    (
        "/etc/default/overpath",
        "EAL arguments and options for the service.",
    ),
    (
        "/var/lib/overpath/overpath.redb",
        "The store: what is wanted since then.",
    ),
    ("/run/overpath/overpath.sock", "The socket of overpath(1)."),
    (
        "/usr/share/doc/overpath/operations.md",
        "All of it at length.",
    ),
];

const SEE_ALSO: [(&str, &str); 2] = [("overpath(1)", ""), ("overpath-config(1)", "")];

pub(super) fn page(folder: &Path) -> io::Result<()> {
    let mut command = Options::command();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let more = command.get_after_help().map(ToString::to_string);
    let more = more.unwrap_or_default();
    let (arguments, examples) = more.split_once("Examples:\n").unwrap_or((&*more, ""));
    let man = Man::new(command)
        .section("8")
        .source(source())
        .manual("overpath");
    let mut file = File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    as_it_stands(&mut file, "SYNOPSIS", &outdented(&usage))?;
    man.render_description_section(&mut file)?;
    man.render_options_section(&mut file)?;
    let arguments = arguments.trim_start_matches("EAL arguments:\n");
    as_it_stands(&mut file, "EAL ARGUMENTS", arguments.trim_end())?;
    as_it_stands(&mut file, "EXAMPLES", examples)?;
    list(&mut file, "SIGNALS", &SIGNALS)?;
    list(&mut file, "EXIT STATUS", &STATUS)?;
    list(&mut file, "FILES", &FILES)?;
    list(&mut file, "SEE ALSO", &SEE_ALSO)?;
    file.flush()
}

/// Without the indent that stands for `Usage: `.
fn outdented(usage: &str) -> String {
    let lines = usage.lines();
    let lines = lines.map(|line| line.strip_prefix("       ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}
