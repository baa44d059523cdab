//! net_null ports: as many packets as the machine gives, on several lcores, counted to the last.

use overpath_tests::account::{self, Account};
use overpath_tests::daemon::{Daemon, Setup};
use overpath_tests::{Result, wait};

/// Two ports that receive without end, in one bridge, with queues for each of two workers.
const TWO_PORTS: &str = "
[[port]]
name = \"a\"
device = \"net_null0\"
rx_queues = 2

[[port]]
name = \"b\"
device = \"net_null1\"
rx_queues = 2

[[bridge]]
name = \"br\"
ports = [\"a\", \"b\"]
";

fn run_for_a_while(daemon: Daemon) -> Result<Account> {
    daemon.wait_received(1_000_000)?;
    let stopped = daemon.stop()?;
    let account = stopped.check()?;
    // net_null gives zeros: no source address that a bridge takes.
    assert_eq!(account.dropped, account.received, "{}", stopped.account);
    Ok(account)
}

#[test]
fn several_workers_close_one_account() -> Result {
    let daemon = Setup::new(TWO_PORTS).workers(2).start()?;
    daemon.wait_received(1)?;
    let stats = daemon.stats()?;
    assert_eq!(
        stats["workers"].as_array().map(Vec::len),
        Some(2),
        "{stats}"
    );
    run_for_a_while(daemon).map(drop)
}

#[test]
fn every_worker_has_its_share() -> Result {
    let daemon = Setup::new(TWO_PORTS).workers(2).start()?;
    wait::until_true("both workers to see packets", || {
        let stats = daemon.stats()?;
        let seen = |worker: &serde_json::Value| {
            let cache = &worker["cache"];
            cache["hits"].as_u64().unwrap_or(0) + cache["misses"].as_u64().unwrap_or(0) > 1000
        };
        Ok(stats["workers"]
            .as_array()
            .is_some_and(|workers| workers.iter().all(seen)))
    })?;
    run_for_a_while(daemon).map(drop)
}

#[test]
fn a_single_lcore_polls_too_and_says_so() -> Result {
    let daemon = Setup::new(TWO_PORTS).workers(0).start()?;
    let log = daemon.log();
    assert!(log.contains("single lcore"), "{log}");
    // It still answers while it polls.
    assert_eq!(daemon.call("version")?["name"], "overpath");
    run_for_a_while(daemon).map(drop)
}

#[test]
fn fewer_transmit_queues_than_workers_are_shared_by_hand_off() -> Result {
    let one_queue = TWO_PORTS.replace("rx_queues = 2", "rx_queues = 2\ntx_queues = 1");
    let daemon = Setup::new(&one_queue).workers(2).start()?;
    daemon.wait_received(100_000)?;
    let stats = daemon.stats()?;
    assert!(Account::from_stats(&stats)?.received > 0);
    assert!(
        account::drops(&stats)?
            .keys()
            .all(|name| name == "source_invalid"),
        "{stats}"
    );
    run_for_a_while(daemon).map(drop)
}
