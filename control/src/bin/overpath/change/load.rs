//! `overpath fdb load`: many static entries from a file.

use super::Said;
use super::fdb::{FDB, MAC};
use crate::failure::{Failure, Kind};
use crate::progress::Progress;
use control::api::client::{Client, ClientError};
use control::api::messages::{Changed, Method};
use control::config::{Edit, Words};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Entries that are one change.
const CHUNK: usize = 100_000;

/// Sends the entries of `file`, a chunk at a time, and says how far it is.
///
/// # Errors
/// The line that is wrong, before anything is sent; or what the daemon says.
pub(crate) fn load(
    connect: impl FnOnce() -> Result<Client, ClientError>,
    file: &Path,
    complain: impl Fn(&ClientError) -> Failure,
) -> Result<Changed, Failure> {
    let entries = read(file).map_err(|fault| fault.of(file))?;
    let mut client = connect().map_err(|error| complain(&error))?;
    let progress = Progress::of(format!("loading {}", file.display()));
    progress.at(0, entries.len());
    let (mut sent, mut last) = (0, Changed::default());
    for chunk in entries.chunks(CHUNK) {
        let text = format!("[{}]", chunk.join(","));
        let edit = Method::Edit(Edit::Load(text.into()));
        let answer = client.call(&edit).map_err(|error| {
            let done = match sent {
                0 => String::new(),
                sent => format!("\nthe {sent} entries before them are done"),
            };
            complain(&error).and(&done)
        })?;
        sent += chunk.len();
        let read = serde_json::from_str(answer.get());
        last = read.map_err(|error| complain(&ClientError::Answer(error)))?;
        progress.at(sent, entries.len());
    }
    Ok(last)
}

/// Why a file has no entries to send.
enum Fault {
    /// A line of it is wrong.
    Line(String),
    /// It cannot be read.
    System(io::Error),
}

impl Fault {
    fn of(self, file: &Path) -> Failure {
        let file = file.display();
        match self {
            Fault::Line(text) => Failure::new(Kind::Refused, format!("{file}: {text}")),
            Fault::System(error) => Failure::failed(format!("{file}: {error}")),
        }
    }
}

/// The entries of all lines, each as an object. Empty lines and comments are passed over.
fn read(file: &Path) -> Result<Vec<String>, Fault> {
    let from: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).map_err(Fault::System)?))
    };
    let mut entries = Vec::new();
    for (at, line) in from.lines().enumerate() {
        let line = line.map_err(Fault::System)?;
        let wrong = |error| Fault::Line(format!("line {}: {error}", at + 1));
        let entry = entry(&line).map_err(wrong)?;
        entries.extend(entry.map(|words| serde_json::Value::from(words).to_string()));
    }
    Ok(entries)
}

/// What one line says; nothing, if it is empty or a comment. Those of `config diff` are understood
/// too.
pub(super) fn entry(line: &str) -> Result<Option<Words>, String> {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_whitespace().peekable();
    words.next_if_eq(&"fdb");
    let op = words.next_if(|word| ["add", "replace", "del"].contains(word));
    if words.peek().is_none() && op.is_none() {
        return Ok(None);
    }
    let first = Some(MAC);
    let mut said = Said { first, keys: FDB }.read(words)?;
    said.extend(op.map(|op| ("op".to_owned(), op.into())));
    Ok(Some(said))
}
