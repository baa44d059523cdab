//! How far a long change is, for who waits for it at a terminal. A pipe gets nothing of it.

use control::api::messages::{ConfigText, Method};
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it is said anew.
const EVERY: Duration = Duration::from_millis(200);
/// What is done sooner is not spoken of.
const PATIENCE: Duration = Duration::from_millis(500);
/// Back to the beginning of the line, which is erased (ECMA-48: EL).
const ERASE: &str = "\r\x1b[K";

/// A line on standard error that says how far it is, until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Progress(Option<Teller>);

#[derive(Debug)]
struct Teller {
    /// Steps that are done, of so many. Dropped, it ends the thread.
    told: Option<Sender<(usize, usize)>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins, if standard error is a terminal.
    pub(crate) fn of(what: String) -> Self {
        if !io::stderr().is_terminal() {
            return Progress::default();
        }
        let (told, steps) = channel();
        let tell = move || tell(&steps, &what, &mut io::stderr(), EVERY, PATIENCE);
        // Without a thread it is not told, and goes on all the same.
        let thread = std::thread::Builder::new().spawn(tell).ok();
        let told = Some(told);
        Progress(Some(Teller { told, thread }))
    }

    /// That of a request, if it may take long.
    pub(crate) fn of_request(method: &Method) -> Self {
        let file = |verb: &str, file: &ConfigText| {
            let (name, size) = (&file.name, file.text.len().div_ceil(1024));
            Progress::of(format!("{verb} {name} ({size} KiB)"))
        };
        match method {
            Method::ConfigApply { file: text, .. } => file("applying", text),
            Method::ConfigDiff(text) => file("comparing", text),
            Method::OffloadSelftest(port) => Progress::of(format!("testing the NIC of {port}")),
            Method::ConfigRollback => Progress::of("going back".to_owned()),
            _ => Progress::default(),
        }
    }

    /// So many are done, of so many.
    pub(crate) fn at(&self, done: usize, of: usize) {
        if let Some(told) = self.0.as_ref().and_then(|teller| teller.told.as_ref()) {
            // Who cannot be told does not matter.
            let _ = told.send((done, of));
        }
    }
}

/// Nothing is printed behind it before the line is erased.
impl Drop for Teller {
    fn drop(&mut self) {
        drop(self.told.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tells until the other end is dropped.
fn tell(
    steps: &Receiver<(usize, usize)>,
    what: &str,
    out: &mut impl Write,
    every: Duration,
    patience: Duration,
) {
    let begun = Instant::now();
    let (mut last, mut shown) = (None, false);
    loop {
        match steps.recv_timeout(every) {
            Ok(step) => last = Some(step),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let passed = begun.elapsed();
        if passed >= patience {
            shown = true;
            // There is nobody left to tell if this fails.
            let _ = write!(out, "{ERASE}{}", text(what, last, passed));
            let _ = out.flush();
        }
    }
    if shown {
        let _ = write!(out, "{ERASE}");
        let _ = out.flush();
    }
}

fn text(what: &str, last: Option<(usize, usize)>, passed: Duration) -> String {
    let seconds = passed.as_secs();
    match last {
        None => format!("{what}: {seconds} s"),
        Some((done, of)) => {
            let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
            let left = match done {
                0 => String::new(),
                _ => {
                    let left = passed.as_secs_f64() * of.saturating_sub(done) as f64;
                    format!(", {:.0} s left", (left / done as f64).ceil())
                }
            };
            format!("{what}: {done} of {of}, {percent}%, {seconds} s{left}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_it_is_and_how_long_it_will_be() {
        let at = |last, seconds| text("load", last, Duration::from_secs(seconds));
        assert_eq!(at(None, 3), "load: 3 s");
        assert_eq!(at(Some((0, 400)), 1), "load: 0 of 400, 0%, 1 s");
        assert_eq!(
            at(Some((100, 400)), 2),
            "load: 100 of 400, 25%, 2 s, 6 s left"
        );
        assert_eq!(
            at(Some((400, 400)), 9),
            "load: 400 of 400, 100%, 9 s, 0 s left"
        );
    }

    fn told(patience: Duration) -> String {
        let (sender, steps) = channel();
        let mut out = Vec::new();
        std::thread::scope(|scope| {
            let out = &mut out;
            scope.spawn(move || tell(&steps, "load", out, Duration::from_millis(1), patience));
            sender.send((1, 2)).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            drop(sender);
        });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_line_is_written_anew_and_erased_at_the_end() {
        let text = told(Duration::ZERO);
        let first = format!("{ERASE}load: 1 of 2, 50%, 0 s");
        assert!(text.starts_with(&first), "{text:?}");
        assert!(text.ends_with(ERASE) && !text.contains('\n'), "{text:?}");
    }

    #[test]
    fn what_is_soon_done_is_not_spoken_of() {
        assert_eq!(told(Duration::from_secs(60)), "");
    }
}
