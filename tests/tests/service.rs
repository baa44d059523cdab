//! The daemon as a service manager meets it: ready, alive, stopping; and what it says when a part of
//! it stands still.

use overpath_tests::command::Background;
use overpath_tests::daemon::{Daemon, Setup, binary};
use overpath_tests::hold::{hold, thread};
use overpath_tests::manager::Manager;
use overpath_tests::netns::unique;
use overpath_tests::wait::{self, LONG};
use overpath_tests::{Result, need};
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// Those that wait for drivers and for other threads may stand still for longer: see
/// `control::service`, whose patience this is.
#[test]
#[ignore = "takes two minutes"]
fn who_may_stand_still_for_long_is_named_and_the_watchdog_hears_nothing_then() -> Result {
    need!("python3");
    let parts = [
        ("keeper", "the keeper", Duration::from_secs(90)),
        ("device", "the device thread", Duration::from_secs(120)),
    ];
    for (comm, name, patience) in parts {
        let mut manager = Manager::new()?;
        let daemon = start(&manager)?;
        assert!(manager.hears(FORWARDING, LONG)?, "{}", daemon.log());
        let held = hold(thread(daemon.id(), comm)?, daemon.dir())?;
        let words = format!("{name} has not come round for");
        let patient = std::time::Instant::now();
        while patient.elapsed() < patience - WATCHDOG {
            manager.forget()?;
            assert!(manager.hears("WATCHDOG=1", LONG)?, "{}", daemon.log());
            assert!(!daemon.log().contains(&words), "{}", daemon.log());
        }
        let named = || Ok(daemon.log().contains(&words).then_some(()));
        wait::until(&words, LONG, named)?;
        manager.forget()?;
        assert!(!manager.hears("WATCHDOG=1", WATCHDOG)?, "{comm} is held");
        drop(held);
        assert!(manager.hears("WATCHDOG=1", LONG)?, "{}", daemon.log());
        daemon.stop()?.check()?;
    }
    Ok(())
}

/// `ExecStart` of the unit with the variables of its environment file, each word by itself.
fn exec_start(unit: &str, environment: &str) -> Result<Vec<String>> {
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .ok_or("the unit has no ExecStart")?;
    let variable = |name: &str| {
        let mut lines = environment.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value
            .map(|value| value.trim_matches('"').to_owned())
            .ok_or_else(|| format!("the environment file has no {name}"))
    };
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        match word.strip_prefix('$') {
            Some(name) => words.extend(variable(name)?.split_whitespace().map(str::to_owned)),
            None => words.push(word.to_owned()),
        }
    }
    Ok(words)
}

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging")
        .join(name)
}

#[test]
fn the_units_command_line_comes_up_with_the_files_of_the_package() -> Result {
    let dir = tempfile::tempdir()?;
    let read = |name: &str| std::fs::read_to_string(packaging(name));
    let mut words = exec_start(&read("overpathd.service")?, &read("overpath.default")?)?;
    assert_eq!(words[0], "/usr/sbin/overpathd");
    words[0] = binary("overpathd")?.to_string_lossy().into_owned();
    let config = words.iter_mut().find(|word| word.ends_with(".toml"));
    *config.ok_or("no configuration in ExecStart")? =
        packaging("overpath.toml").to_string_lossy().into_owned();
    let divider = words.iter().position(|word| word == "--");
    let divider = divider.ok_or("no divider in ExecStart")?;
    let prefix = unique("eal");
    words.splice(divider..divider, ["--file-prefix".to_owned(), prefix]);

    let mut manager = Manager::new()?;
    let socket = dir.path().join("overpath.sock");
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg("--socket").arg(&socket);
    command.env("NOTIFY_SOCKET", manager.path());
    command.env("RUNTIME_DIRECTORY", dir.path());
    command.env("WATCHDOG_USEC", "20000000");
    let mut daemon = Background::start(&mut command, dir.path(), "overpathd")?;
    assert!(manager.hears("READY=1", LONG)?, "{}", daemon.stderr());
    assert!(manager.hears("WATCHDOG=1", LONG)?, "{}", daemon.stderr());
    // EAL's files are in the folder of the service.
    assert!(dir.path().join("dpdk").is_dir());
    daemon.signal("TERM")?;
    assert!(daemon.wait(LONG)?.success(), "{}", daemon.stderr());
    assert!(manager.hears("STOPPING=1", LONG)?);
    Ok(())
}
