//! `overpath fdb load`: many static entries from a file.

use super::{FDB, MAC, Said};
use control::api::client::{Client, ClientError};
use control::api::messages::{Changed, Method};
use control::config::{Edit, Words};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;

/// Entries that are one change.
const CHUNK: usize = 100_000;

/// Sends the entries of `file`, a chunk at a time, and says how far it is, if a human looks on.
///
/// # Errors
/// The line that is wrong, before anything is sent; or what the daemon says.
pub(crate) fn load(
    connect: impl FnOnce() -> Result<Client, ClientError>,
    file: &Path,
    complain: impl Fn(&ClientError) -> String,
) -> Result<Changed, String> {
    let entries = read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut client = connect().map_err(|error| complain(&error))?;
    let watched = io::stderr().is_terminal();
    let (mut sent, mut last) = (0, Changed::default());
    for chunk in entries.chunks(CHUNK) {
        let text = format!("[{}]", chunk.join(","));
        let edit = Method::Edit(Edit::Load(text.into()));
        let answer = client.call(&edit).map_err(|error| {
            let done = match sent {
                0 => String::new(),
                sent => format!("\nthe {sent} entries before them are done"),
            };
            complain(&error) + &done
        })?;
        sent += chunk.len();
        last = serde_json::from_str(answer.get()).map_err(|error| error.to_string())?;
        if watched && entries.len() > CHUNK {
            let _ = write!(io::stderr(), "\r{sent} of {} entries", entries.len());
        }
    }
    if watched && entries.len() > CHUNK {
        let _ = writeln!(io::stderr());
    }
    Ok(last)
}

/// The entries of all lines, each as an object. Empty lines and comments are passed over.
fn read(file: &Path) -> Result<Vec<String>, String> {
    let from: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file).map_err(|e| e.to_string())?))
    };
    let mut entries = Vec::new();
    for (at, line) in from.lines().enumerate() {
        let line = line.map_err(|error| format!("line {}: {error}", at + 1))?;
        let entry = entry(&line).map_err(|error| format!("line {}: {error}", at + 1))?;
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
