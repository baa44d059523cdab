//! Holding one thread of a process while the others go on: a signal can only stop all of them.

use crate::command::Background;
use crate::{Result, wait};
use std::path::Path;
use std::process::Command;

/// ptrace(2): seize, interrupt, and let go when told to end or the pipe closes.
const HOLD: &str = "\
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
for request in PTRACE_SEIZE, PTRACE_INTERRUPT:
    if libc.ptrace(request, int(sys.argv[1]), 0, 0):
        sys.exit(f'ptrace: errno {ctypes.get_errno()}')
print('held', flush=True)
sys.stdin.read()
";

/// A thread that stands still until this is dropped.
#[derive(Debug)]
pub struct Held {
    _tracer: Background,
}

/// The number of the first thread that has this in its name.
///
/// # Errors
/// If there is none.
pub fn thread(process: u32, name: &str) -> Result<u32> {
    let mut names = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let task = task?;
        let comm = std::fs::read_to_string(task.path().join("comm"))?;
        if comm.contains(name) {
            let number = task.file_name().to_string_lossy().parse()?;
            return Ok(number);
        }
        names.push(comm.trim().to_owned());
    }
    Err(format!("process {process} has no thread {name}, but {names:?}").into())
}

/// Holds a thread. `dir` gets what the tracer says.
///
/// # Errors
/// If the system does not let us.
pub fn hold(thread: u32, dir: &Path) -> Result<Held> {
    let mut command = Command::new("python3");
    command.args(["-c", HOLD, &thread.to_string()]);
    command.stdin(std::process::Stdio::piped());
    let mut tracer = Background::start(&mut command, dir, &format!("hold{thread}"))?;
    wait::until_true("a thread to be held", || match tracer.ended()? {
        Some(_) => Err(format!("cannot hold a thread: {}", tracer.stderr()).into()),
        None => Ok(tracer.stdout().contains("held")),
    })?;
    Ok(Held { _tracer: tracer })
}
