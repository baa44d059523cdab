//! Programs that read captures.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a program prints that is given `input`. `None`, said loudly, if it is not installed.
pub(crate) fn printed(program: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    let spawned = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        let line =
            format!("SKIPPED: {name}: {program} is not installed: scripts/install-deps lab test\n");
        // Past the capture of the test runner.
        let _ = std::io::stderr().write_all(line.as_bytes());
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    // It may have much to say before it has read all.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}
