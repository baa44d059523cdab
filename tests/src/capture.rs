//! `overpath capture`: started and ended as a user does it, its file read as a user reads it.

use crate::command::{self, Background};
use crate::daemon::{Daemon, binary};
use crate::{Result, wait};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A capture under way.
#[derive(Debug)]
pub struct Capture {
    process: Background,
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
        let mut client = Command::new(binary("overpath")?);
        client.arg("--socket").arg(daemon.socket()).arg("capture");
        client.args(words).arg("-w").arg(&file);
        let mut process = Background::start(&mut client, dir.path(), "overpath")?;
        wait::until_true("the capture to begin", || {
            if let Some(status) = process.ended()? {
                return Err(format!("it ended: {status}: {}", process.stderr()).into());
            }
            Ok(file.metadata().is_ok_and(|file| file.len() > 0))
        })?;
        let _dir = dir;
        Ok(Self {
            process,
            file,
            _dir,
        })
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
        if status.success() {
            return Ok(said);
        }
        Err(format!("the capture ended with {status}: {said}").into())
    }

    /// Kills the client (SIGKILL): the daemon finds its connection closed.
    pub fn kill(self) {}

    /// The packets so far, each as a line of tcpdump's.
    ///
    /// # Errors
    /// If tcpdump does not understand the file.
    pub fn tcpdump(&self) -> Result<Vec<String>> {
        self.lines("tcpdump -n -t -r", "")
    }

    /// The packets so far: of each the interface and the comment, as tshark finds them.
    ///
    /// # Errors
    /// If tshark does not understand the file.
    pub fn tshark(&self) -> Result<Vec<String>> {
        let fields = "-T fields -e frame.interface_name -e frame.comment";
        self.lines("tshark -n -r", fields)
    }

    fn lines(&self, reader: &str, fields: &str) -> Result<Vec<String>> {
        let mut words = reader.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg(&self.file);
        let text = command::run(command.args(fields.split_whitespace()))?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The lines that have all of these words.
#[must_use]
pub fn with<'a>(lines: &'a [String], words: &[&str]) -> Vec<&'a String> {
    let all = |line: &&String| words.iter().all(|word| line.contains(word));
    lines.iter().filter(all).collect()
}
