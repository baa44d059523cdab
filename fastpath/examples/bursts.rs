//! Moves full bursts, and ends: what `scripts/instructions` counts the instructions of.
//!
//! `bursts worker|control bridge|decap|encap ROUNDS`. The control takes the same packets from the
//! same source to the same sink, without a worker.

#[expect(dead_code, reason = "benches and the test of allocations use the rest")]
#[path = "../benches/support/mod.rs"]
mod support;

use support::frames::{BURST_FRAMES, Case};
use support::site::{Control, Site};
use support::switch::port;

/// Rounds that come before those asked for, so that all flows are known by then.
const WARM_UP: usize = 64;

fn main() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [who, case, rounds] = words.as_slice() else {
        return Err("usage: bursts worker|control bridge|decap|encap ROUNDS".into());
    };
    let wanted = |known: &Case| known.to_string() == *case;
    let case = Case::ALL.into_iter().find(wanted);
    let case = case.ok_or("no such case")?;
    let rounds: usize = rounds.parse().map_err(|_| "no number of rounds")?;
    let expected = (WARM_UP + rounds) * BURST_FRAMES;
    let sent = match who.as_str() {
        "worker" => by_worker(case, WARM_UP + rounds),
        "control" => by_control(case, WARM_UP + rounds),
        _ => return Err("neither worker nor control".into()),
    };
    if sent == expected {
        Ok(())
    } else {
        Err(format!("{sent} of {expected} packets were sent"))
    }
}

fn by_worker(case: Case, rounds: usize) -> usize {
    let mut site = Site::of(case);
    for _ in 0..rounds {
        site.worker.poll(0);
    }
    site.stats.port(port(case.ports().1)).sent.get() as usize
}

fn by_control(case: Case, rounds: usize) -> usize {
    let mut control = Control::of(case);
    (0..rounds).map(|_| control.poll()).sum()
}
