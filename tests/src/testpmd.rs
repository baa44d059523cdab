//! dpdk-testpmd: a peer on the other end of a vhost socket, and a plain wire between two ports.

use crate::command::Background;
use crate::netns::{Netns, unique};
use crate::{Result, placement, wait};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The program.
pub const PROGRAM: &str = "dpdk-testpmd";

const PROMPT: &str = "testpmd>";

/// A running testpmd, at its prompt. Killed by its process id when dropped.
#[derive(Debug)]
pub struct Testpmd {
    process: Background,
    prefix: String,
    // Held for its files.
    _dir: TempDir,
}

impl Testpmd {
    /// Starts testpmd on one worker with these devices and a forward mode, maybe in a namespace,
    /// and waits for its prompt. It forwards once it is told `start`.
    ///
    /// # Errors
    /// If it does not come up; with its output.
    pub fn start(ns: Option<&Netns>, devices: &[&str], mode: &str) -> Result<Self> {
        Self::start_with(ns, devices, mode, &[])
    }

    /// As [`Testpmd::start`], with arguments of testpmd's own.
    ///
    /// # Errors
    /// As [`Testpmd::start`].
    pub fn start_with(
        ns: Option<&Netns>,
        devices: &[&str],
        mode: &str,
        args: &[&str],
    ) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let prefix = unique("pmd");
        // Line buffered, or its counters never reach the file.
        let mut command = match ns {
            Some(ns) => ns.command("stdbuf"),
            None => Command::new("stdbuf"),
        };
        command.args(["-oL", PROGRAM, "--lcores", &placement::lcores(1)?]);
        command.args(["--no-huge", "--no-shconf", "--no-pci", "-m", "160"]);
        command.args(["--file-prefix", &prefix]);
        command.args(devices.iter().map(|device| format!("--vdev={device}")));
        command.args([
            "--",
            "-i",
            "--nb-cores=1",
            "--total-num-mbufs=8192",
            "--no-flush-rx",
        ]);
        command
            .arg(format!("--forward-mode={mode}"))
            .args(args)
            .stdin(Stdio::piped());
        let process = Background::start(&mut command, dir.path(), "testpmd")?;
        let mut testpmd = Self {
            process,
            prefix,
            _dir: dir,
        };
        wait::until_true("testpmd's prompt", || {
            if let Some(status) = testpmd.process.ended()? {
                return Err(format!("testpmd ended: {status}: {}", testpmd.output()).into());
            }
            Ok(testpmd.process.stdout().contains(PROMPT))
        })?;
        Ok(testpmd)
    }

    /// Gives a command and waits for the next prompt: it is done then.
    ///
    /// # Errors
    /// If testpmd is gone.
    pub fn tell(&mut self, line: &str) -> Result {
        let prompts = |testpmd: &Self| testpmd.process.stdout().matches(PROMPT).count();
        let before = prompts(self);
        let stdin = self.process.stdin().ok_or("testpmd has no input")?;
        writeln!(stdin, "{line}")?;
        stdin.flush()?;
        wait::until_true(&format!("testpmd to do {line:?}"), || {
            Ok(prompts(self) > before)
        })
    }

    /// Everything it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.stdout() + &self.process.stderr()
    }

    /// A counter of a port, such as "RX-packets", as `show port stats` prints it now.
    ///
    /// # Errors
    /// If testpmd does not print it.
    pub fn counter(&mut self, port: u32, name: &str) -> Result<u64> {
        let before = self.process.stdout().len();
        self.tell(&format!("show port stats {port}"))?;
        let output = self.process.stdout();
        let mut words = output.get(before..).unwrap_or_default().split_whitespace();
        let label = format!("{name}:");
        let value = words.find(|word| *word == label).and_then(|_| words.next());
        let value = value.and_then(|word| word.parse().ok());
        value.ok_or_else(|| format!("testpmd prints no {name}: {output}").into())
    }
}

impl Drop for Testpmd {
    fn drop(&mut self) {
        let _ = self.process.signal("KILL");
        let _ = std::fs::remove_dir_all(Path::new("/var/run/dpdk").join(&self.prefix));
    }
}
