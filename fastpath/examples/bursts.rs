//! Moves full bursts, and ends: what `scripts/instructions` counts the instructions of.
//!
//! `bursts worker|t1|t2|t3|filter|drops|control|control-t3 CASE ROUNDS`. The control takes the same packets
//! from the same source to the same sink, without a worker. With `filter` somebody looks at the port
//! that they come in by, for an address that none of them has; with `drops`, for what is dropped there.
//! With `t1`, `t2` and `t3` packets come from a NIC that knows the tunnel's UDP port, has a rule for it, or
//! takes outer headers off, as they are for `control-t3`.

#[expect(dead_code, reason = "benches and the test of allocations use the rest")]
#[path = "../benches/support/mod.rs"]
mod support;

use fastpath::trace::filter::{Filter, Instruction};
use fastpath::trace::tap::{Limits, TapReader, tap};
use fastpath::trace::wish::{Only, Wish};
use fastpath::worker::Command;
use support::frames::{BURST_FRAMES, Case};
use support::nic::Nic;
use support::site::{Control, Site};
use support::switch::port;

/// Rounds that come before those asked for, so that all flows are known by then.
const WARM_UP: usize = 64;

fn main() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [who, case, rounds] = words.as_slice() else {
        return Err("usage: bursts WHO CASE ROUNDS".into());
    };
    let wanted = |known: &Case| known.to_string() == *case;
    let case = Case::ALL.into_iter().find(wanted);
    let case = case.ok_or("no such case")?;
    let rounds: usize = rounds.parse().map_err(|_| "no number of rounds")?;
    let expected = (WARM_UP + rounds) * BURST_FRAMES;
    let sent = match who.as_str() {
        "worker" => by_worker(Site::of(case), case, WARM_UP + rounds, None),
        "t1" => by_worker(Site::by(case, Nic::Parser), case, WARM_UP + rounds, None),
        "t2" => by_worker(Site::by(case, Nic::Rule), case, WARM_UP + rounds, None),
        "t3" => by_worker(Site::by(case, Nic::Decap), case, WARM_UP + rounds, None),
        "filter" => by_worker(
            Site::of(case),
            case,
            WARM_UP + rounds,
            Some((nobody()?, Only::Everything)),
        ),
        "drops" => by_worker(
            Site::of(case),
            case,
            WARM_UP + rounds,
            Some((Filter::everything(), Only::Dropped)),
        ),
        "control" => by_control(Control::of(case), WARM_UP + rounds),
        "control-t3" => by_control(Control::by(case, Nic::Decap), WARM_UP + rounds),
        _ => {
            return Err("none of worker, t1, t2, t3, filter, drops, control and control-t3".into());
        }
    };
    if sent == expected {
        Ok(())
    } else {
        Err(format!("{sent} of {expected} packets were sent"))
    }
}

/// `tcpdump -ddd host 203.0.113.99`, less its first line.
const NOBODY: &str = "40 0 0 12, 21 0 4 2048, 32 0 0 26, 21 8 0 3405803875, 32 0 0 30, \
    21 6 7 3405803875, 21 1 0 2054, 21 0 5 32821, 32 0 0 28, 21 2 0 3405803875, 32 0 0 38, \
    21 0 1 3405803875, 6 0 0 262144, 6 0 0 0";

fn nobody() -> Result<Filter, String> {
    let program: Result<Vec<Instruction>, _> = NOBODY.split(',').map(str::parse).collect();
    let program = program.map_err(|error| error.to_string())?;
    Filter::new(&program).map_err(|error| error.to_string())
}

/// Somebody looks at a port, for what matches and became this.
fn look(site: &mut Site, case: Case, filter: Filter, only: Only) -> TapReader {
    let ports = [port(case.ports().0)].into_iter().collect();
    let wish = Wish {
        filter,
        only,
        ..Wish::everything(ports)
    };
    let (tap, reader) = tap(wish, Limits::default());
    assert!(site.commands.push(Command::Watch(Box::new(tap))).is_ok());
    reader
}

fn by_worker(mut site: Site, case: Case, rounds: usize, wanted: Option<(Filter, Only)>) -> usize {
    let _reader = wanted.map(|(filter, only)| look(&mut site, case, filter, only));
    for _ in 0..rounds {
        site.worker.poll(0);
    }
    site.stats.port(port(case.ports().1)).sent.get() as usize
}

fn by_control(mut control: Control, rounds: usize) -> usize {
    (0..rounds).map(|_| control.poll()).sum()
}
