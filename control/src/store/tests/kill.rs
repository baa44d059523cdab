//! A process that commits is killed at any time, and nothing that it acknowledged is lost.

use super::disk::Rng;
use super::*;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

const STORE: &str = "OVERPATH_TEST_STORE";
const SAID: &str = "acknowledged ";

/// The process that is killed: this test alone, where the variable names a store.
#[test]
#[ignore = "the other half of the test below, which runs it"]
fn commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let mut store = Store::open(Path::new(&path)).unwrap();
    let saved = store.load().unwrap();
    let mut now = saved.map_or(0, |saved| saved.revision);
    for next in now + 1.. {
        now = store.commit(&state(now), &state(next)).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{SAID}{now}")
            .and_then(|()| out.flush())
            .unwrap();
    }
}

/// Runs the other process for so long, and gives the last revision that it acknowledged.
fn killed_after(path: &Path, life: Duration) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("store::tests::kill::commits_until_it_is_killed")
        .env(STORE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    // It has begun; how long that takes says nothing.
    let said = |line: &str| {
        line.strip_prefix(SAID)
            .map(|number| number.parse().unwrap())
    };
    let first = out.by_ref().find_map(|line| said(&line.unwrap()));
    std::thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    // The last line may be cut.
    let rest = out.map_while(Result::ok).filter_map(|line| {
        let number = line.strip_prefix(SAID)?;
        number.parse().ok()
    });
    rest.last().or(first)
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut rng, mut last) = (folder.path().join("store"), Rng(8), 0);
    for round in 0..100 {
        let life = Duration::from_micros(rng.below(8_000) as u64);
        let acknowledged = killed_after(&path, life).expect("it commits at all");
        let mut store = Store::open(&path).unwrap();
        let found = store.load().unwrap().unwrap();
        assert!(acknowledged > last, "round {round}");
        let whole = acknowledged..=acknowledged + 1;
        assert!(
            whole.contains(&found.revision),
            "round {round}: {acknowledged}, {}",
            found.revision
        );
        assert_eq!(
            Some(&found),
            saved(found.revision).as_ref(),
            "round {round}"
        );
        last = found.revision;
    }
}
