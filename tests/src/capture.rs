//! `overpath capture`: started and ended as a user does it, its file read as a user reads it.

use crate::command::{self, Background};
use crate::daemon::{Daemon, binary};
use crate::{Result, wait};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tempfile::TempDir;

/// A capture under way.
#[derive(Debug)]
pub struct Capture {
    process: Background,
    reader: Option<Reader>,
    file: PathBuf,
    // Held for its files.
    _dir: TempDir,
}

impl Capture {
    /// Starts a capture of what these words say, and returns when its file has begun.
    ///
    /// # Errors
    /// If the client does not start, or the daemon refuses; with what the client said.
    pub fn start(daemon: &Daemon, words: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("capture.pcapng");
        let mut client = client(daemon, words)?;
        let process = Background::start(client.arg("-w").arg(&file), dir.path(), "overpath")?;
        Self::begin(process, None, file, dir)
    }

    /// As [`Capture::start`], through a pipe with a reader who is much too slow for traffic until
    /// [`Capture::hurry`] is called.
    ///
    /// # Errors
    /// As [`Capture::start`].
    pub fn slow(daemon: &Daemon, words: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("capture.pcapng");
        let pipe = dir.path().join("pipe");
        command::run(Command::new("mkfifo").arg(&pipe))?;
        let reader = Reader::start(pipe.clone(), file.clone());
        let mut shell = Command::new("sh");
        // The client itself, with the process id of the shell.
        shell.arg("-c").arg(r#"pipe=$1; shift; exec "$@" >"$pipe""#);
        let client = client(daemon, words)?;
        shell.arg("sh").arg(&pipe).arg(client.get_program());
        shell.args(client.get_args());
        let process = Background::start(&mut shell, dir.path(), "overpath")?;
        Self::begin(process, Some(reader), file, dir)
    }

    fn begin(
        mut process: Background,
        reader: Option<Reader>,
        file: PathBuf,
        dir: TempDir,
    ) -> Result<Self> {
        wait::until_true("the capture to begin", || {
            if let Some(status) = process.ended()? {
                return Err(format!("it ended: {status}: {}", process.stderr()).into());
            }
            Ok(file.metadata().is_ok_and(|file| file.len() > 0))
        })?;
        Ok(Self {
            process,
            reader,
            file,
            _dir: dir,
        })
    }

    /// A slow reader reads as fast as it can from now on.
    pub fn hurry(&self) {
        if let Some(reader) = &self.reader {
            reader.hurry.store(true, Ordering::Relaxed);
        }
    }

    /// Ends it as Ctrl-C does, and gives what it says then.
    ///
    /// # Errors
    /// As [`Capture::end`].
    pub fn stop(&mut self) -> Result<String> {
        self.process.signal("INT")?;
        self.end()
    }

    /// Waits until it ends by itself, and gives what it says then.
    ///
    /// # Errors
    /// If it does not end, or fails.
    pub fn end(&mut self) -> Result<String> {
        let status = self.process.wait(wait::LONG)?;
        let said = self.process.stderr();
        if !status.success() {
            return Err(format!("the capture ended with {status}: {said}").into());
        }
        if let Some(reader) = self.reader.take() {
            reader.end()?;
        }
        Ok(said)
    }

    /// Kills the client (SIGKILL): the daemon finds its connection closed.
    pub fn kill(self) {}

    /// The packets so far, each as a line of tcpdump's.
    ///
    /// # Errors
    /// If tcpdump does not understand the file.
    pub fn tcpdump(&self) -> Result<Vec<String>> {
        lines(
            Command::new("tcpdump")
                .args(["-n", "-t", "-r"])
                .arg(&self.file),
        )
    }

    /// Waits until it has at least so many packets. Meanwhile the file may end within a block.
    ///
    /// # Errors
    /// If it never has.
    pub fn wait(&self, packets: usize) -> Result {
        wait::until_true(&format!("{packets} copies"), || {
            Ok(self.tcpdump().is_ok_and(|seen| seen.len() >= packets))
        })
        .map_err(|error| format!("{error}; {}", self.process.stderr()).into())
    }

    /// The packets so far: of each the interface and the comment, as tshark finds them.
    ///
    /// # Errors
    /// As [`Capture::fields`].
    pub fn tshark(&self) -> Result<Vec<String>> {
        self.fields(&["frame.interface_name", "frame.comment"])
    }

    /// The packets so far: of each these fields of tshark's, with tabs between.
    ///
    /// # Errors
    /// If tshark does not understand the file.
    pub fn fields(&self, names: &[&str]) -> Result<Vec<String>> {
        let mut tshark = Command::new("tshark");
        tshark.args(["-n", "-T", "fields", "-r"]).arg(&self.file);
        lines(tshark.args(names.iter().flat_map(|name| ["-e", name])))
    }
}

fn client(daemon: &Daemon, words: &[&str]) -> Result<Command> {
    let mut client = Command::new(binary("overpath")?);
    client.arg("--socket").arg(daemon.socket()).arg("capture");
    client.args(words);
    Ok(client)
}

fn lines(reader: &mut Command) -> Result<Vec<String>> {
    Ok(command::run(reader)?.lines().map(str::to_owned).collect())
}

/// The lines that have all of these words.
#[must_use]
pub fn with<'a>(lines: &'a [String], words: &[&str]) -> Vec<&'a String> {
    let all = |line: &&String| words.iter().all(|word| line.contains(word));
    lines.iter().filter(all).collect()
}

/// Who reads a pipe into a file, 40 kB in a second.
#[derive(Debug)]
struct Reader {
    hurry: Arc<AtomicBool>,
    thread: JoinHandle<Result>,
}

impl Reader {
    fn start(from: PathBuf, to: PathBuf) -> Self {
        let hurry = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&hurry);
        let thread = thread::spawn(move || read(&from, &to, &told));
        Self { hurry, thread }
    }

    /// All that was written is read then.
    fn end(self) -> Result {
        self.hurry.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the reader panicked")?
    }
}

fn read(from: &Path, to: &Path, hurry: &AtomicBool) -> Result {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut bytes = [0; 4096];
    loop {
        let count = from.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&bytes[..count])?;
        if !hurry.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(100));
        }
    }
}
