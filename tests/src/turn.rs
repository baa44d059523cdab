//! Tests that want the machine for themselves.

use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Waits until nobody else has a turn, and has it until this is dropped.
///
/// A switch polls a CPU. With as many of them as there are CPUs there is too little left for what the
/// kernel does now and then, as to wait until no CPU uses a socket that is closed: that can take it
/// tens of seconds. So tests that start many switches, or send many frames one by one at certain
/// times, come one after the other.
pub fn turn() -> MutexGuard<'static, ()> {
    // A test that failed has left nothing that the next one meets.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
