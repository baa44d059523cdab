//! Running other programs: output or a sentence that says what failed.

use crate::{Result, wait};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Runs a command to its end and gives its standard output.
///
/// # Errors
/// If it cannot be started or fails; the message has the command line and its standard error.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}: {stdout}{stderr}", output.status).into())
}

/// Whether a program is found in PATH.
#[must_use]
pub fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// A program that runs beside the test. Killed by its process id when dropped.
#[derive(Debug)]
pub struct Background {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Background {
    /// Starts a command with its outputs going to files in `dir`, named after `name`.
    ///
    /// # Errors
    /// If files cannot be made or the program cannot be started.
    pub fn start(command: &mut Command, dir: &Path, name: &str) -> Result<Self> {
        let (stdout, stderr) = (
            dir.join(format!("{name}.out")),
            dir.join(format!("{name}.err")),
        );
        let child = command
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?)
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self {
            child,
            stdout,
            stderr,
        })
    }

    /// The program's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output until now.
    #[must_use]
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// Where that is written.
    #[must_use]
    pub fn stdout_file(&self) -> &Path {
        &self.stdout
    }

    /// What it wrote to standard error until now.
    #[must_use]
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// The standard input, if it was piped, to be written to.
    pub fn stdin(&mut self) -> Option<&mut std::process::ChildStdin> {
        self.child.stdin.as_mut()
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Sends a signal by name ("TERM", "INT", "KILL").
    ///
    /// # Errors
    /// If the process is gone.
    pub fn signal(&self, name: &str) -> Result {
        // The shell's own kill: no package is needed for it, and no unsafe code here.
        run(Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{name} {}", self.id())))
        .map(drop)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// If it has not ended within `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        wait::until("the program to end", limit, || self.ended())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
