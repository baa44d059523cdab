//! The daemon as a service manager meets it: ready, alive, stopping; and what it says when a part of
//! it stands still.

use overpath_tests::daemon::{Daemon, Setup};
use overpath_tests::hold::{hold, thread};
use overpath_tests::manager::Manager;
use overpath_tests::wait::{self, LONG};
use overpath_tests::{Result, need};
use std::time::Duration;

const CONFIG: &str = "[[port]]\nname = \"a\"\ndevice = \"net_null0,no-rx=1\"\n\
                      [[port]]\nname = \"gone\"\ndevice = \"net_af_packet0,iface=nowhere0\"\n";
/// What the watchdog is told to be, and half of it: when a part that stands still is late.
const WATCHDOG: Duration = Duration::from_secs(6);
const HALF: Duration = Duration::from_secs(3);
const FORWARDING: &str = "STATUS=forwarding: 1 of 2 ports started, 1 worker";

fn start(manager: &Manager) -> Result<Daemon> {
    Setup::new(CONFIG)
        .environment("NOTIFY_SOCKET", manager.path())
        .environment("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
        .spawn()
}

#[test]
fn a_manager_hears_that_it_is_ready_alive_and_stopping() -> Result {
    let mut manager = Manager::new()?;
    let daemon = start(&manager)?;
    assert!(manager.hears("READY=1", LONG)?, "{}", daemon.log());
    // Every port was tried, also the one that cannot start.
    assert!(daemon.log().contains("iface=nowhere0"), "{}", daemon.log());
    assert!(manager.heard().iter().any(|line| line == FORWARDING));
    assert_eq!(daemon.call("version")?["name"], "overpath");
    for _ in 0..3 {
        assert!(manager.hears("WATCHDOG=1", LONG)?, "{}", daemon.log());
    }
    let ready = manager.heard().iter().filter(|line| *line == "READY=1");
    assert_eq!(ready.count(), 1);
    daemon.stop()?.check()?;
    assert!(manager.hears("STOPPING=1", LONG)?);
    Ok(())
}

/// Holds one thread of the daemon until `said` is in its log, if it can say anything then.
fn stands_still(comm: &str, said: Option<&str>) -> Result {
    let mut manager = Manager::new()?;
    let daemon = start(&manager)?;
    assert!(manager.hears(FORWARDING, LONG)?, "{}", daemon.log());
    let held = hold(thread(daemon.id(), comm)?, daemon.dir())?;
    if let Some(name) = said {
        let words = format!("{name} has not come round for");
        wait::until_true(&words, || Ok(daemon.log().contains(&words)))?;
        let status = format!("STATUS=standing still: {name}");
        assert!(manager.hears(&status, LONG)?, "{:?}", manager.heard());
    } else {
        std::thread::sleep(HALF);
    }
    manager.forget()?;
    assert!(!manager.hears("WATCHDOG=1", WATCHDOG)?, "{comm} is held");
    drop(held);
    assert!(manager.hears("WATCHDOG=1", LONG)?, "{}", daemon.log());
    if let Some(name) = said {
        let named = daemon
            .log()
            .matches(&format!("{name} has not come"))
            .count();
        assert_eq!(named, 1, "{}", daemon.log());
    }
    daemon.stop()?.check().map(drop)
}

#[test]
fn a_worker_that_stands_still_is_named_and_the_watchdog_hears_nothing() -> Result {
    need!("python3");
    // DPDK calls it rte-worker-1 or dpdk-worker1.
    stands_still("worker", Some("worker 0"))
}

#[test]
fn an_api_thread_that_stands_still_is_named_and_the_watchdog_hears_nothing() -> Result {
    need!("python3");
    stands_still("api", Some("the api thread"))
}

#[test]
fn state_that_stands_still_tells_nobody_anything() -> Result {
    need!("python3");
    stands_still("overpathd", None)
}
