//! `--watch`: the same question again and again.

use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::time::Duration;

/// Home, and the screen erased (ECMA-48: CUP, ED). What has scrolled away is left to the user.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// What stands before an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Separators {
    first: &'static str,
    next: &'static str,
}

impl Separators {
    /// A terminal shows one answer at a time, a pipe gets all of them.
    fn new(terminal: bool) -> Self {
        let (first, next) = if terminal { (CLEAR, CLEAR) } else { ("", "\n") };
        Separators { first, next }
    }
}

/// Takes turns with `every` between them. A turn prints what it is given before the answer, and
/// breaks if there is nobody to print for. SIGINT and SIGTERM end the process, and that is no error.
///
/// # Errors
/// The first of a turn.
pub(crate) fn repeat(
    every: Duration,
    turn: impl FnMut(&str) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    end_on_signals()
        .map_err(|error| Failure::failed(format!("cannot wait for signals: {error}")))?;
    let separators = Separators::new(io::stdout().is_terminal());
    turns(separators, || std::thread::sleep(every), turn)
}

fn turns(
    separators: Separators,
    mut wait: impl FnMut(),
    mut turn: impl FnMut(&str) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let mut before = separators.first;
    while turn(before)?.is_continue() {
        before = separators.next;
        wait();
    }
    Ok(())
}

/// A thread of its own, so that a daemon that does not answer holds nothing up.
fn end_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().spawn(move || {
        if signals.forever().next().is_some() {
            std::process::exit(0);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed in `turns` turns, with the waits.
    fn printed(terminal: bool, count: usize) -> String {
        let text = std::cell::RefCell::new(String::new());
        let mut left = count;
        let turn = |before: &str| {
            *text.borrow_mut() += &format!("{before}a\n");
            left -= 1;
            Ok(if left > 0 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        };
        let wait = || *text.borrow_mut() += "(wait)";
        turns(Separators::new(terminal), wait, turn).unwrap();
        text.into_inner()
    }

    #[test]
    fn a_pipe_gets_answers_with_a_blank_line_between() {
        assert_eq!(printed(false, 3), "a\n(wait)\na\n(wait)\na\n");
    }

    #[test]
    fn a_terminal_is_cleared_before_each_answer() {
        let expected = format!("{CLEAR}a\n(wait){CLEAR}a\n");
        assert_eq!(printed(true, 2), expected);
    }

    #[test]
    fn an_error_ends_it() {
        let mut left = 2;
        let turn = |_: &str| {
            left -= 1;
            match left {
                0 => Err(Failure::gone()),
                _ => Ok(ControlFlow::Continue(())),
            }
        };
        let ended = turns(Separators::new(false), || (), turn);
        assert_eq!((ended, left), (Err(Failure::gone()), 0));
    }
}
