//! A daemon that runs, and what it leaves behind.

use super::binary;
use crate::account::Account;
use crate::command::{self, Background};
use crate::{Result, rpc, wait};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;
use tempfile::TempDir;

/// The line of the log that says that all ports were tried and workers poll has this word.
const READY: &str = "forwarding";
/// How long a start may take; under valgrind it takes most of it.
const START: Duration = Duration::from_secs(180);
/// How long an orderly stop may take: a second or two, and much more where the kernel is busy.
const STOP: Duration = Duration::from_secs(180);

/// A running overpathd. Killed by its process id when dropped.
#[derive(Debug)]
pub struct Daemon {
    process: Background,
    socket: PathBuf,
    prefix: String,
    dir: TempDir,
}

impl Daemon {
    pub(super) fn new(process: Background, socket: PathBuf, prefix: String, dir: TempDir) -> Self {
        Self {
            process,
            socket,
            prefix,
            dir,
        }
    }

    /// Waits until the daemon says that it forwards.
    ///
    /// # Errors
    /// If it ends before, or does not within three minutes; with its log.
    pub fn wait_forwarding(&mut self) -> Result {
        let done = wait::until("overpathd to forward", START, || {
            if self.log().contains(READY) {
                return Ok(Some(None));
            }
            Ok(self.process.ended()?.map(Some))
        });
        match done {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                Err(format!("overpathd ended: {status}; its log:\n{}", self.log()).into())
            }
            Err(error) => Err(format!("{error}; its log:\n{}", self.log()).into()),
        }
    }

    /// What the daemon has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// Its process id, where it was started without a namespace and wrapper.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where its socket is.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where its files are; deleted with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Calls a method of its socket.
    ///
    /// # Errors
    /// As [`rpc::call`], with the log.
    pub fn call(&self, method: &str) -> Result<Value> {
        rpc::call(&self.socket, method)
            .map_err(|error| format!("{error}; the daemon's log:\n{}", self.log()).into())
    }

    /// The answer to `stats.show`.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub fn stats(&self) -> Result<Value> {
        self.call("stats.show")
    }

    /// Runs the command line client on the daemon's socket and gives what it prints.
    ///
    /// # Errors
    /// If it is not built, or fails.
    pub fn client(&self, args: &[&str]) -> Result<String> {
        let mut client = Command::new(binary("overpath")?);
        command::run(client.arg("--socket").arg(&self.socket).args(args))
    }

    /// The object of a list answer (`port.show`, `fdb.show`, ...) whose `key` is `value`, if any.
    ///
    /// # Errors
    /// As [`Daemon::call`].
    pub fn find(&self, method: &str, key: &str, value: &str) -> Result<Option<Value>> {
        let list = self.call(method)?;
        let list = list
            .as_array()
            .ok_or_else(|| format!("{method}: no list: {list}"))?;
        Ok(list.iter().find(|entry| entry[key] == value).cloned())
    }

    /// Waits until packets no longer come in: two answers with the same account, a moment apart.
    ///
    /// # Errors
    /// As [`Daemon::call`]; or if traffic never ends.
    pub fn wait_quiet(&self) -> Result<Value> {
        let mut last = None;
        wait::until("the switch to be quiet", wait::LONG, || {
            std::thread::sleep(Duration::from_millis(100));
            let stats = self.stats()?;
            let account = Account::from_stats(&stats)?;
            Ok((last.replace(account) == Some(account)).then_some(stats))
        })
    }

    /// Waits until so many packets were received.
    ///
    /// # Errors
    /// As [`Daemon::call`]; or if they never are.
    pub fn wait_received(&self, packets: u64) -> Result {
        wait::until_true(&format!("{packets} packets"), || {
            Ok(Account::from_stats(&self.stats()?)?.received >= packets)
        })
    }

    /// Sends a signal by name.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn signal(&self, name: &str) -> Result {
        self.process.signal(name)
    }

    /// Waits until the process ends by itself.
    ///
    /// # Errors
    /// If it does not within three minutes; with its log.
    pub fn wait_end(mut self) -> Result<Stopped> {
        let status = self.process.wait(STOP);
        let (account, log) = (self.process.stdout(), self.log());
        let status = status.map_err(|error| format!("{error}; its log:\n{log}"))?;
        Ok(Stopped {
            status,
            account,
            log,
        })
    }

    /// Asks the daemon to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// If it does not end within a minute; with its log.
    pub fn stop(self) -> Result<Stopped> {
        self.signal("TERM")?;
        self.wait_end()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The EAL leaves its run-time directory behind if it is killed; the name is ours alone.
        let _ = self.process.signal("KILL");
        let _ = std::fs::remove_dir_all(Path::new("/var/run/dpdk").join(&self.prefix));
    }
}

/// What a daemon left behind.
#[derive(Debug)]
pub struct Stopped {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed: the account.
    pub account: String,
    /// What it logged.
    pub log: String,
}

impl Stopped {
    /// That it ended well and its account closes; gives the account.
    ///
    /// # Errors
    /// With everything it printed.
    pub fn check(&self) -> Result<Account> {
        let all = || format!("account:\n{}\nlog:\n{}", self.account, self.log);
        if !self.status.success() {
            return Err(format!("overpathd ended with {}; {}", self.status, all()).into());
        }
        let account =
            Account::from_text(&self.account).map_err(|error| format!("{error}; {}", all()))?;
        account
            .closed()
            .map_err(|error| format!("{error}; {}", all()))?;
        Ok(account)
    }
}
