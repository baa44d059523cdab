//! Waiting for what happens by itself, with a limit that only a broken system reaches.

use crate::Result;
use std::time::{Duration, Instant};

/// The limit of waits for something that takes well under a second on an idle machine.
pub const LONG: Duration = Duration::from_secs(180);

/// Asks again and again until `poll` gives a value.
///
/// # Errors
/// The error of `poll`, at once; or that `what` has not happened within `limit`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut poll: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = poll()? {
            return Ok(value);
        }
        if Instant::now() >= end {
            return Err(format!("waited {} s for {what}, in vain", limit.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until `poll` says true, for at most [`LONG`].
///
/// # Errors
/// As [`until`].
pub fn until_true(what: &str, mut poll: impl FnMut() -> Result<bool>) -> Result {
    until(what, LONG, || Ok(poll()?.then_some(())))
}

/// Calls `attempt` until it succeeds, for at most [`LONG`]; the last error if it never does.
///
/// # Errors
/// The last error of `attempt`.
pub fn until_ok<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let end = Instant::now() + LONG;
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
