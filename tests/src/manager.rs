//! A stand-in for the service manager: the socket on which it hears of its service.

use crate::Result;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A manager that writes down what it is told.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
    dir: TempDir,
}

impl Manager {
    /// One that nobody has told anything.
    ///
    /// # Errors
    /// If there are no sockets.
    pub fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let socket = UnixDatagram::bind(dir.path().join("notify"))?;
        let heard = Vec::new();
        Ok(Self { socket, heard, dir })
    }

    /// What `NOTIFY_SOCKET` is to be.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("notify")
    }

    /// Waits for a line for at most `limit`; whether it came. Lines that come before it are kept.
    ///
    /// # Errors
    /// If the socket fails, or what comes is no text.
    pub fn hears(&mut self, line: &str, limit: Duration) -> Result<bool> {
        let end = Instant::now() + limit;
        let mut bytes = [0; 4096];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.socket.set_read_timeout(Some(left))?;
            let Ok(len) = self.socket.recv(&mut bytes) else {
                continue;
            };
            let text = std::str::from_utf8(&bytes[..len])?;
            let before = self.heard.len();
            self.heard.extend(text.lines().map(str::to_owned));
            if self.heard[before..].iter().any(|heard| heard == line) {
                return Ok(true);
            }
        }
    }

    /// All that was told, in order.
    #[must_use]
    pub fn heard(&self) -> &[String] {
        &self.heard
    }

    /// Forgets what was told, and what nobody has read yet.
    ///
    /// # Errors
    /// If the socket fails.
    pub fn forget(&mut self) -> Result {
        self.hears("", Duration::from_millis(1))?;
        self.heard.clear();
        Ok(())
    }
}
