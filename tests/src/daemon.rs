//! Running overpathd: its configuration, its log, its socket, its end.

use crate::account::Account;
use crate::command::{self, Background};
use crate::netns::{Netns, unique};
use crate::{Result, placement, rpc, wait};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;
use tempfile::TempDir;

/// The line of the log that says that all ports were tried and workers poll has this word.
const READY: &str = "forwarding";
/// How long a start may take; under valgrind it takes most of it.
const START: Duration = Duration::from_secs(180);
/// How long an orderly stop may take.
const STOP: Duration = Duration::from_secs(60);

/// One of the product's binaries: beside what OVERPATHD names, else of the release or debug build.
///
/// # Errors
/// If it was not built, with the command that builds it.
pub fn binary(name: &str) -> Result<PathBuf> {
    let mut places = Vec::new();
    if let Some(daemon) = std::env::var_os("OVERPATHD") {
        places.push(Path::new(&daemon).with_file_name(name));
    } else {
        // target/<profile>/deps/<this test>
        let test = std::env::current_exe()?;
        let target = test
            .ancestors()
            .nth(3)
            .ok_or("no target directory above the test")?;
        places.extend(["release", "debug"].map(|profile| target.join(profile).join(name)));
    }
    places
        .iter()
        .find(|place| place.is_file())
        .cloned()
        .ok_or_else(|| {
            format!("no {name} at {places:?}: cargo build --release -p control --features dpdk")
                .into()
        })
}

/// How to start the daemon.
#[derive(Clone, Debug)]
pub struct Setup {
    config: String,
    workers: usize,
    eal: Vec<String>,
    netns: Option<String>,
    wrapper: Vec<String>,
}

impl Setup {
    /// With this configuration, one worker, no huge pages, no namespace.
    #[must_use]
    pub fn new(config: &str) -> Self {
        let (eal, wrapper) = (Vec::new(), Vec::new());
        Self {
            config: config.to_owned(),
            workers: 1,
            eal,
            netns: None,
            wrapper,
        }
    }

    /// On so many worker lcores; with 0 the main lcore is the only one.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// With a further EAL argument, such as a `--vdev`.
    #[must_use]
    pub fn eal(mut self, argument: &str) -> Self {
        self.eal.push(argument.to_owned());
        self
    }

    /// In a namespace.
    #[must_use]
    pub fn inside(mut self, ns: &Netns) -> Self {
        self.netns = Some(ns.name().to_owned());
        self
    }

    /// Under another program: its command line goes before the daemon's.
    #[must_use]
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Starts the process and returns at once.
    ///
    /// # Errors
    /// If the binary is not there or cannot be run.
    pub fn spawn(&self) -> Result<Daemon> {
        let dir = tempfile::Builder::new()
            .prefix("overpath-test.")
            .tempdir()?;
        let socket = dir.path().join("sock");
        self.spawn_at(dir, socket)
    }

    /// As [`Setup::spawn`], with a socket of the caller's choice.
    ///
    /// # Errors
    /// As [`Setup::spawn`].
    pub fn spawn_on(&self, socket: &Path) -> Result<Daemon> {
        let dir = tempfile::Builder::new()
            .prefix("overpath-test.")
            .tempdir()?;
        self.spawn_at(dir, socket.to_owned())
    }

    fn spawn_at(&self, dir: TempDir, socket: PathBuf) -> Result<Daemon> {
        let config = dir.path().join("overpath.toml");
        std::fs::write(&config, &self.config)?;
        let prefix = unique("eal");
        let mut words: Vec<String> = Vec::new();
        if let Some(ns) = &self.netns {
            words.extend(["ip", "netns", "exec", ns].map(str::to_owned));
        }
        words.extend(self.wrapper.iter().cloned());
        words.push(binary("overpathd")?.to_string_lossy().into_owned());
        words.extend(["--lcores".into(), placement::lcores(self.workers)?]);
        words.extend(["--no-huge", "--no-shconf", "--no-pci", "-m", "256"].map(str::to_owned));
        words.extend(["--file-prefix".into(), prefix.clone()]);
        words.extend(self.eal.iter().cloned());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .arg("--")
            .arg("--config")
            .arg(&config);
        command.arg("--socket").arg(&socket);
        let process = Background::start(&mut command, dir.path(), "overpathd")?;
        Ok(Daemon {
            process,
            socket,
            prefix,
            dir,
        })
    }

    /// Starts the daemon and waits until it forwards.
    ///
    /// # Errors
    /// If it ends before, or never does; with its log.
    pub fn start(&self) -> Result<Daemon> {
        let mut daemon = self.spawn()?;
        daemon.wait_forwarding()?;
        Ok(daemon)
    }
}

/// A running overpathd. Killed by its process id when dropped.
#[derive(Debug)]
pub struct Daemon {
    process: Background,
    socket: PathBuf,
    prefix: String,
    dir: TempDir,
}

impl Daemon {
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
            std::thread::sleep(Duration::from_millis(200));
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
    /// If it does not within a minute; with its log.
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
