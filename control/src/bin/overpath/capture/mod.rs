//! `overpath capture`: takes a capture from the daemon to a file or a pipe.

mod blocks;
mod words;

pub(crate) use words::CaptureWords;

use crate::dash_w::DashW;
use crate::failure::Failure;
use blocks::Blocks;
use control::api::client::{Client, Ender};
use control::api::messages::Capture;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::Path;

/// Captures until it is interrupted, the daemon ends it, or nobody reads any more.
///
/// # Errors
/// What went wrong, for a human.
pub(crate) fn run(socket: &Path, wanted: &Capture, to: Option<&DashW>) -> Result<(), Failure> {
    let path = match to {
        Some(DashW::Into(path)) if path != Path::new("-") => Some(path),
        _ => None,
    };
    if to.is_none() && io::stdout().is_terminal() {
        let hint = "say -w FILE, or send it through a pipe: | tcpdump -n -r -";
        let why = format!("a capture is nothing for a terminal: {hint}");
        return Err(Failure::usage(why));
    }
    let client = Client::connect(socket).and_then(|client| client.capture(wanted.clone()));
    let (told, stream) = client.map_err(|error| Failure::of_call(&error, socket))?;
    let failed = |error: &io::Error| Failure::failed(format!("cannot wait for signals: {error}"));
    let ender = stream.ender().map_err(|error| failed(&error))?;
    end_on_signals(ender).map_err(|error| failed(&error))?;
    say(&format!("capturing {}; Ctrl-C ends it", told.of));
    let mut blocks = Blocks::new(stream);
    let copied = match path {
        None => copy(&mut blocks, &mut io::stdout().lock()),
        Some(path) => File::create(path).and_then(|mut file| copy(&mut blocks, &mut file)),
    };
    say(&blocks.summary());
    match copied {
        Ok(End::Complete) => Ok(()),
        Ok(End::Torn) => Err(Failure::gone().and("; the file has what came before")),
        Err(error) => Err(Failure::failed(match path {
            None => format!("cannot write the capture: {error}"),
            Some(path) => format!("{}: cannot write the capture: {error}", path.display()),
        })),
    }
}

/// How a file ended.
enum End {
    /// All of it is there, or as much as somebody wanted.
    Complete,
    /// The connection broke.
    Torn,
}

/// Nothing but whole blocks. A reader that has seen enough, such as `head`, is no error.
fn copy(blocks: &mut Blocks<impl Read>, to: &mut impl Write) -> io::Result<End> {
    while let Some(whole) = blocks.next()? {
        match to.write_all(whole).and_then(|()| to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(End::Complete),
            written => written?,
        }
    }
    Ok(if blocks.is_complete() {
        End::Complete
    } else {
        End::Torn
    })
}

/// The first signal asks the daemon for the rest of the file, the second one does not wait for it.
fn end_on_signals(ender: Ender) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() && ender.end().is_ok() {
            signals.next();
        }
        std::process::exit(1);
    })?;
    Ok(())
}

/// Beside the file, which may be on standard output.
fn say(text: &str) {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "{text}");
}
