//! The daemon under valgrind: every instruction counted, a finite input, an account that closes.
//! Slow, and not of every run: `scripts/test callgrind`.

use overpath_tests::golden::{Golden, inner, outer};
use overpath_tests::{Result, need};

#[test]
#[ignore = "slow: scripts/test callgrind runs it"]
fn the_daemon_runs_under_callgrind_and_its_account_closes() -> Result {
    need!("valgrind");
    let dir = tempfile::tempdir()?;
    let file = format!(
        "--callgrind-out-file={}/callgrind.out",
        dir.path().display()
    );
    let golden = Golden {
        uplink: (0..200).map(|mark| outer().emit(&inner(mark))).collect(),
        lan: Vec::new(),
        ..Golden::default()
    };
    let valgrind = ["valgrind", "--tool=callgrind", "--fair-sched=try", &file];
    let output = golden.run_with(0, &valgrind)?;
    assert_eq!(output.lan, (0..200).map(inner).collect::<Vec<_>>());
    let counts = std::fs::read_to_string(dir.path().join("callgrind.out"))?;
    let total = counts
        .lines()
        .find(|line| line.starts_with("totals:"))
        .ok_or("no total")?;
    let instructions: u64 = total.trim_start_matches("totals:").trim().parse()?;
    assert!(instructions > 1_000_000, "{total}");
    Ok(())
}
