//! The daemon as an operator meets it: what it says when something is wrong, how it ends.

use overpath_tests::account::Account;
use overpath_tests::command::{self, Background};
use overpath_tests::daemon::{Setup, binary};
use overpath_tests::wait::LONG;
use overpath_tests::{Result, skip};
use std::process::Command;

const ONE_PORT: &str = "[[port]]\nname = \"a\"\ndevice = \"net_null0,no-rx=1\"\n";

/// Starts the daemon on a configuration that it must refuse, and gives what it said.
fn refused(config: &str) -> Result<String> {
    let stopped = Setup::new(config).spawn()?.wait_end()?;
    if stopped.status.success() {
        return Err(format!("accepted: {config}").into());
    }
    Ok(stopped.log)
}

#[test]
fn a_bad_configuration_is_refused_with_file_line_and_key() -> Result {
    let bridge = "[[bridge]]\nname = \"br\"\nports = [\"a\"]\n";
    for (config, line, word) in [
        (format!("{ONE_PORT}colour = \"red\"\n"), 4, "colour"),
        (format!("{ONE_PORT}mtu = \"big\"\n"), 4, "mtu"),
        (format!("{ONE_PORT}mtu = 67\n"), 4, "mtu"),
        (format!("{ONE_PORT}{bridge}ageing = -1\n"), 7, "ageing"),
        (
            format!("{ONE_PORT}[[bridge]]\nname = \"br\"\nports = [\"b\"]\n"),
            6,
            "b",
        ),
        (format!("{ONE_PORT}\n[[port]\n"), 5, ""),
    ] {
        let log = refused(&config)?;
        let place = format!("overpath.toml:{line}");
        assert!(
            log.contains(&place) || log.contains(&format!("line {line}")),
            "{config}\n{log}"
        );
        assert!(
            log.contains("overpath.toml") && log.contains(word),
            "{config}\n{log}"
        );
    }
    Ok(())
}

#[test]
fn a_configuration_that_is_not_there_is_named() -> Result {
    let dir = tempfile::tempdir()?;
    let mut command = Command::new(binary("overpathd")?);
    command.args(["--no-huge", "--no-shconf", "--no-pci", "-m", "64", "--"]);
    command.args(["--store", "none", "--config", "/nowhere/overpath.toml"]);
    let mut daemon = Background::start(&mut command, dir.path(), "overpathd")?;
    let status = daemon.wait(LONG)?;
    assert!(!status.success());
    assert!(
        daemon.stderr().contains("/nowhere/overpath.toml"),
        "{}",
        daemon.stderr()
    );
    Ok(())
}

#[test]
fn missing_huge_pages_are_named_with_the_command_that_mends_it() -> Result {
    let pages = std::fs::read_to_string("/proc/meminfo")?;
    let free = pages
        .lines()
        .find_map(|line| line.strip_prefix("HugePages_Free:"));
    if free.is_some_and(|free| free.trim() != "0") {
        skip!("this host has huge pages");
    }
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("overpath.toml");
    std::fs::write(&config, ONE_PORT)?;
    let mut command = Command::new(binary("overpathd")?);
    command
        .args(["--in-memory", "--no-pci", "-m", "64", "--"])
        .args(["--store", "none", "--config"])
        .arg(&config);
    let mut daemon = Background::start(&mut command, dir.path(), "overpathd")?;
    let status = daemon.wait(LONG)?;
    let log = daemon.stderr();
    assert!(!status.success(), "{log}");
    let mends = ["dpdk-hugepages.py", "nr_hugepages", "--no-huge"];
    assert!(mends.iter().any(|word| log.contains(word)), "{log}");
    Ok(())
}

#[test]
fn a_port_that_does_not_start_is_named_and_the_others_forward() -> Result {
    let config = format!(
        "{ONE_PORT}[[port]]\nname = \"gone\"\ndevice = \"net_af_packet0,iface=nowhere0\"\n\
         [[port]]\nname = \"odd\"\ndevice = \"net_nothing0\"\n"
    );
    let daemon = Setup::new(&config).start()?;
    let log = daemon.log();
    assert!(log.contains("1 of 3 ports"), "{log}");
    assert_eq!(
        daemon.find("port.show", "name", "a")?.ok_or("no port a")?["state"],
        "up"
    );
    for name in ["gone", "odd"] {
        let port = daemon
            .find("port.show", "name", name)?
            .ok_or("no such port")?;
        assert_eq!(port["state"], "failed", "{port}");
        assert!(
            port["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{port}"
        );
        assert!(log.contains(name), "{log}");
    }
    daemon.stop()?.check().map(drop)
}

#[test]
fn each_signal_ends_it_with_the_account() -> Result {
    for signal in ["TERM", "INT", "HUP"] {
        let daemon = Setup::new("[[port]]\nname = \"a\"\ndevice = \"net_null0\"\n").start()?;
        daemon.wait_received(1000)?;
        daemon.signal(signal)?;
        let account = daemon.wait_end()?.check()?;
        assert!(account.received >= 1000, "SIG{signal}: {account:?}");
    }
    Ok(())
}

#[test]
fn a_second_daemon_on_one_socket_is_refused_and_a_dead_ones_socket_is_taken_over() -> Result {
    let first = Setup::new(ONE_PORT).start()?;
    let socket = first.socket().to_owned();
    let stopped = Setup::new(ONE_PORT).spawn_on(&socket)?.wait_end()?;
    assert!(!stopped.status.success());
    assert!(
        stopped.log.contains(&*socket.to_string_lossy()),
        "{}",
        stopped.log
    );
    // The first one is none the worse for it.
    assert_eq!(first.call("version")?["name"], "overpath");
    first.signal("KILL")?;
    let mut third = Setup::new(ONE_PORT).spawn_on(&socket)?;
    third.wait_forwarding()?;
    assert_eq!(third.call("version")?["name"], "overpath");
    third.stop()?.check()?;
    assert!(!socket.exists(), "the socket was left behind");
    Ok(())
}

#[test]
fn help_and_version_need_no_configuration_and_no_rights() -> Result {
    for name in ["overpathd", "overpath"] {
        let help = command::run(Command::new(binary(name)?).arg("--help"))?;
        assert!(
            help.contains("Usage") && help.contains("--socket"),
            "{help}"
        );
        let version = command::run(Command::new(binary(name)?).arg("--version"))?;
        assert!(version.contains("0."), "{version}");
    }
    Ok(())
}

#[test]
fn the_command_line_shows_what_the_daemon_has() -> Result {
    let config = "[[port]]\nname = \"a\"\ndevice = \"net_null0,no-rx=1\"\n\
         [[bridge]]\nname = \"br\"\nports = [\"a\"]\n\
         [[fdb]]\nbridge = \"br\"\nmac = \"02:00:00:00:00:07\"\nport = \"a\"\n";
    let daemon = Setup::new(config).start()?;
    for (words, expected) in [
        (&["version"][..], "overpath"),
        (&["port", "show"], "net_null"),
        (&["fdb", "show"], "02:00:00:00:00:07"),
        (&["stats", "show"], "received"),
    ] {
        let text = daemon.client(words)?;
        assert!(text.contains(expected), "{words:?}: {text}");
        let json = daemon.client(&[&["--json"], words].concat())?;
        let _: serde_json::Value = serde_json::from_str(&json)?;
        assert!(json.contains(expected), "{words:?}: {json}");
    }
    daemon.client(&["neigh", "show"])?;
    let fdb = daemon
        .find("fdb.show", "mac", "02:00:00:00:00:07")?
        .ok_or("no entry")?;
    assert_eq!(
        (&fdb["kind"], &fdb["port"]),
        (&"static".into(), &"a".into())
    );
    daemon.stop()?.check().map(drop)
}

#[test]
fn an_account_is_all_zero_where_nothing_came() -> Result {
    let account = Setup::new(ONE_PORT).start()?.stop()?.check()?;
    assert_eq!(account, Account::default());
    Ok(())
}
