//! `overpath man`: the manual pages, one for each command and one for the daemon, made of what
//! `--help` says.

mod daemon;

use crate::help;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::fs::{File, create_dir_all};
use std::io::{self, Write};
use std::path::Path;

/// Exit status, and what it means.
const STATUS: [(&str, &str); 4] = [
    ("0", "It is done."),
    ("1", "The daemon refused it, or a file could not be read."),
    ("2", "The words were not understood."),
    ("3", "The daemon is not there, or went away."),
];

/// Writes them into `folder`, those of commands below man1, that of the daemon below man8. Folders
/// are made if need be.
///
/// # Errors
/// Those of the system.
pub(crate) fn write(folder: &Path) -> Result<String, String> {
    let fault = |error: io::Error| format!("{}: {error}", folder.display());
    let (commands, daemon) = (folder.join("man1"), folder.join("man8"));
    [&commands, &daemon]
        .into_iter()
        .try_for_each(create_dir_all)
        .map_err(fault)?;
    let mut command = help::words().disable_help_subcommand(true);
    command.build();
    pages(&command, &commands).map_err(fault)?;
    daemon::page(&daemon).map_err(fault)?;
    Ok(String::new())
}

/// Those of a command and of all commands below it.
fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    let shown = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    for below in shown {
        pages(below, folder)?;
    }
    let man = Man::new(command.clone())
        .source(source())
        .manual("overpath");
    let mut file = File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    man.render_synopsis_section(&mut file)?;
    description(&mut file, command)?;
    man.render_options_section(&mut file)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut file)?;
    }
    if let Some(more) = command.get_after_help() {
        let title = match command.has_subcommands() {
            true => "EXAMPLES",
            false => "WORDS",
        };
        as_it_stands(&mut file, title, &more.to_string())?;
    }
    if command.get_name() == "overpath" {
        list(&mut file, "EXIT STATUS", &STATUS)?;
    }
    list(&mut file, "SEE ALSO", &[("overpathd(8)", "")])?;
    file.flush()
}

fn source() -> String {
    format!("overpath {}", env!("CARGO_PKG_VERSION"))
}

/// Examples, which are paragraphs of commands, keep their lines.
fn description(file: &mut File, command: &Command) -> io::Result<()> {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::default();
    roff.control("SH", ["DESCRIPTION"]);
    for part in about.split("\n\n") {
        let is_example = part.starts_with("overpath ");
        roff.control("PP", []);
        if is_example {
            roff.control("nf", []);
        }
        for line in part.lines() {
            roff.text([roman(line)]);
        }
        if is_example {
            roff.control("fi", []);
        }
    }
    roff.to_writer(file)
}

/// A section whose lines stay lines.
fn as_it_stands(file: &mut File, title: &str, text: &str) -> io::Result<()> {
    let mut roff = Roff::default();
    roff.control("SH", [title]).control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.to_writer(file)
}

/// A section of things and what they are.
fn list(file: &mut File, title: &str, things: &[(&str, &str)]) -> io::Result<()> {
    let mut roff = Roff::default();
    roff.control("SH", [title]);
    for (thing, what) in things {
        roff.control("TP", []).text([bold(*thing)]);
        if !what.is_empty() {
            roff.text([roman(*what)]);
        }
    }
    roff.to_writer(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("man")).unwrap();
        folder
    }

    fn page(folder: &tempfile::TempDir, name: &str) -> String {
        let path = folder.path().join("man").join(name);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn every_noun_and_verb_has_a_page() {
        let folder = written();
        for name in ["overpath", "overpath-vxlan", "overpath-config-apply"] {
            let text = page(&folder, &format!("man1/{name}.1"));
            assert!(text.contains(".TH") && text.contains("socket"), "{name}");
            assert!(text.contains("overpathd(8)"), "{text}");
        }
        let root = page(&folder, "man1/overpath.1");
        assert!(
            root.contains(".SH EXAMPLES") && root.contains(".SH \"EXIT STATUS\""),
            "{root}"
        );
        assert!(root.contains("overpath drops \\-w"), "{root}");
        let verb = page(&folder, "man1/overpath-addr-set.1");
        assert!(
            verb.contains(".SH WORDS") && verb.contains("the underlay port"),
            "{verb}"
        );
        let example = "\n.nf\noverpath addr set 192.0.2.2/25\noverpath addr set ";
        assert!(verb.contains(example), "{verb}");
        let hidden = folder.path().join("man/man1/overpath-man.1");
        assert!(!hidden.exists(), "it is for packagers");
    }

    #[test]
    fn the_daemon_has_a_page_of_its_own() {
        let page = page(&written(), "man8/overpathd.8");
        for part in [
            ".TH overpathd 8",
            "[EAL arguments] \\-\\-",
            ".SH \"EAL ARGUMENTS\"",
            "\\-\\-socket\\-group",
            ".SH FILES",
            ".SH \"EXIT STATUS\"",
            "overpath(1)",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
