//! Random commands against a plain model, and a kill or a stop at a random moment of the last of them:
//! what is there afterwards is what was acknowledged, or that and the command that was on its way.

mod exported;
mod model;

use exported::exported;
use model::{Kept, Model, Random, command};
use overpath_tests::Result;
use overpath_tests::daemon::{Daemon, Setup};
use std::path::Path;
use std::thread;
use std::time::Duration;

const PORTS: &str = "[[port]]\nname = \"a\"\ndevice = \"net_null0,no-rx=1\"\n\
                     [[port]]\nname = \"b\"\ndevice = \"net_null1,no-rx=1\"\n\
                     [[port]]\nname = \"up\"\ndevice = \"net_null2,no-rx=1\"\n\
                     addresses = [\"192.0.2.254/24\"]\n";
const KILLS: u32 = 25;
const COMMANDS: u32 = 16;

/// Some commands, each answered as the model says.
fn some(daemon: &Daemon, random: &mut Random, kept: &mut Kept) -> Result {
    for _ in 0..random.below(COMMANDS.into()) {
        let (line, next) = command(random, kept);
        let words: Vec<_> = line.split(' ').collect();
        match (daemon.client(&words), next) {
            (Ok(_), Some(next)) => *kept = kept.then(next),
            (Err(_), None) => {}
            (said, next) => return Err(format!("{line}: {said:?}, expected {next:?}").into()),
        }
    }
    Ok(())
}

/// One more command, and a signal while it is under way. Returns whether it was answered well, and
/// what is there if it was made.
fn end_in_the_midst(
    daemon: &Daemon,
    signal: &str,
    random: &mut Random,
    kept: &Kept,
) -> Result<(bool, Model)> {
    let (line, next) = command(random, kept);
    let words: Vec<_> = line.split(' ').collect();
    let pause = Duration::from_micros(random.below(12_000));
    let answered = thread::scope(|scope| {
        let client = scope.spawn(|| daemon.client(&words).is_ok());
        thread::sleep(pause);
        let killed = daemon.signal(signal).map_err(|error| error.to_string());
        let answered = client.join().map_err(|_| "the client panicked".to_owned());
        killed.and(answered)
    })?;
    Ok((answered, next.unwrap_or_else(|| kept.now.clone())))
}

fn start(store: &Path) -> Result<Daemon> {
    Setup::new(PORTS).store(store).start()
}

#[test]
fn what_is_there_after_a_kill_is_what_was_acknowledged() -> Result {
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("store");
    let seed = u64::from(std::process::id()) << 20 | 0x9e37;
    let mut random = Random(seed);
    let mut kept = Kept::default();
    for port in ["a", "b"] {
        kept.now.ports.insert(port.to_owned(), 1500);
    }
    // Commands that would have changed something and were not answered: made, and not made.
    let mut cut_off = [0, 0];
    for kill in 0..KILLS {
        let daemon = start(&store)?;
        some(&daemon, &mut random, &mut kept)
            .map_err(|error| format!("seed {seed}, before kill {kill}: {error}"))?;
        let there = exported(&daemon)?;
        assert_eq!(there, kept.now, "seed {seed}, before kill {kill}");
        let signal = ["KILL", "TERM"][usize::from(kill % 3 == 0)];
        let (answered, after) = end_in_the_midst(&daemon, signal, &mut random, &kept)?;
        let ended = daemon.wait_end()?;
        if signal == "TERM" {
            ended.check()?;
        }
        let daemon = start(&store)?;
        let there = exported(&daemon)?;
        let whole = there == after || (!answered && there == kept.now);
        assert!(
            whole,
            "seed {seed}, kill {kill}: {there:?} is neither {kept:?} nor {after:?}"
        );
        if !answered && after != kept.now {
            cut_off[usize::from(there != after)] += 1;
        }
        kept = kept.then(there);
        daemon.stop()?.check()?;
    }
    println!("of {KILLS} commands {cut_off:?} were cut off: made, and not made");
    assert_ne!(cut_off, [0, 0], "the kills came too late");
    Ok(())
}
