//! How a daemon is started.

use super::Daemon;
use crate::command::Background;
use crate::netns::{Netns, unique};
use crate::{Result, placement};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

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
    store: Option<PathBuf>,
    environment: Vec<(String, OsString)>,
}

impl Setup {
    /// With this configuration, one worker, no huge pages, no namespace, no store.
    #[must_use]
    pub fn new(config: &str) -> Self {
        let (eal, wrapper) = (Vec::new(), Vec::new());
        Self {
            config: config.to_owned(),
            workers: 1,
            eal,
            netns: None,
            wrapper,
            store: None,
            environment: Vec::new(),
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

    /// With a store of its own.
    #[must_use]
    pub fn store(mut self, path: &Path) -> Self {
        self.store = Some(path.to_owned());
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
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
        let store = self.store.as_deref().unwrap_or(Path::new("none"));
        command.arg("--store").arg(store);
        command.envs(self.environment.iter().cloned());
        let process = Background::start(&mut command, dir.path(), "overpathd")?;
        Ok(Daemon::new(process, socket, prefix, dir))
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
