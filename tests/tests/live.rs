//! A daemon that is changed while it runs, killed, and started again.

use overpath_tests::daemon::{Daemon, Setup};
use overpath_tests::wait::{self, LONG};
use overpath_tests::{Result, command, need, skip};
use std::path::Path;
use std::process::Command;

const ONE_PORT: &str = "[[port]]\nname = \"a\"\ndevice = \"net_null0,no-rx=1\"\n";

fn start(store: &Path) -> Result<Daemon> {
    Setup::new(ONE_PORT).store(store).start()
}

/// Ends without a word, as at a loss of power.
fn kill(daemon: Daemon) -> Result {
    daemon.signal("KILL")?;
    daemon.wait_end().map(drop)
}

fn export(daemon: &Daemon) -> Result<String> {
    daemon.client(&["config", "export"])
}

#[test]
fn what_was_acknowledged_survives_a_kill() -> Result {
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("store");
    let daemon = start(&store)?;
    for words in [
        "port add b device net_null1,no-rx=1 mtu 1400",
        "bridge add br port a",
        "port set b bridge br mtu 1450",
        "fdb add 02:00:00:00:00:01 bridge br port b",
        "fdb add 02:00:00:00:00:02 bridge br port a",
        "fdb del 02:00:00:00:00:02 bridge br",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let told = daemon.client(&words)?;
        // On a busy machine a worker may not have had its turn in time.
        assert!(
            told.is_empty() || told.starts_with("done, "),
            "{words:?}: {told}"
        );
    }
    let port = daemon.find("port.show", "name", "b")?;
    let port = port.ok_or("the port is not there")?;
    assert_eq!((&port["state"], &port["mtu"]), (&"up".into(), &1450.into()));
    let before = export(&daemon)?;
    kill(daemon)?;

    let daemon = start(&store)?;
    assert_eq!(export(&daemon)?, before);
    assert!(daemon.find("port.show", "name", "b")?.is_some());
    let station = daemon.find("fdb.show", "mac", "02:00:00:00:00:01")?;
    assert_eq!(station.ok_or("the entry is not there")?["port"], "b");
    assert!(
        daemon.log().contains("the store counts"),
        "{}",
        daemon.log()
    );
    // And back, over the restart.
    daemon.client(&["config", "rollback"])?;
    assert!(
        daemon
            .find("fdb.show", "mac", "02:00:00:00:00:02")?
            .is_some()
    );
    daemon.stop()?.check()?;
    Ok(())
}

#[test]
fn what_was_not_confirmed_does_not_survive() -> Result {
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("store");
    let other = dir.path().join("other.toml");
    std::fs::write(&other, ONE_PORT.replace("\"a\"", "\"z\""))?;
    let other = other.to_str().ok_or("no text")?;
    let daemon = start(&store)?;
    let told = daemon.client(&["config", "apply", other, "--confirm", "600"])?;
    assert!(told.contains("not kept until it is confirmed"), "{told}");
    assert!(daemon.find("port.show", "name", "z")?.is_some());
    kill(daemon)?;

    let daemon = start(&store)?;
    assert!(daemon.find("port.show", "name", "a")?.is_some());
    assert!(daemon.find("port.show", "name", "z")?.is_none());
    daemon.client(&["config", "apply", other, "--confirm", "1"])?;
    wait::until("the switch to go back", LONG, || {
        Ok(daemon.find("port.show", "name", "a")?.map(drop))
    })?;
    daemon.client(&["config", "apply", other, "--confirm", "600"])?;
    daemon.client(&["config", "confirm"])?;
    kill(daemon)?;

    let daemon = start(&store)?;
    assert!(daemon.find("port.show", "name", "z")?.is_some());
    daemon.stop()?.check()?;
    Ok(())
}

#[test]
fn what_is_refused_changes_nothing() -> Result {
    let dir = tempfile::tempdir()?;
    let daemon = start(&dir.path().join("store"))?;
    let before = export(&daemon)?;
    for (words, part) in [
        ("port add b device net_nil0", "net_nil0"),
        ("port set a mtu 20000", "allowed: a number from 68 to 9600"),
        ("port del b", "there is no port `b`"),
        ("bridge add br port c", "there is no port `c`"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        match daemon.client(&words) {
            Ok(told) => return Err(format!("{words:?} is done: {told}").into()),
            Err(error) => assert!(error.to_string().contains(part), "{words:?}: {error}"),
        }
    }
    assert_eq!(export(&daemon)?, before);
    assert!(daemon.find("port.show", "name", "b")?.is_none());
    daemon.stop()?.check()?;
    Ok(())
}

#[test]
fn fifty_thousand_entries_are_one_change() -> Result {
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("store");
    let file = dir.path().join("entries");
    let mac = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        format!("02:00:00:{a:02x}:{b:02x}:{c:02x}")
    };
    let lines: String = (1..=50_000)
        .map(|number| format!("{} bridge br port a\n", mac(number)))
        .collect();
    std::fs::write(&file, lines)?;
    let daemon = start(&store)?;
    daemon.client(&["bridge", "add", "br", "port", "a"])?;
    let load = ["fdb", "load", file.to_str().ok_or("no text")?, "--json"];
    let told = daemon.client(&load)?;
    assert!(told.contains("\"revision\":3"), "{told}");
    // All of them, or none: the second time they are there.
    let again = daemon.client(&load).err().ok_or("twice")?.to_string();
    assert!(
        again.contains("item 1: fdb.mac: 02:00:00:00:00:01 has an entry"),
        "{again}"
    );
    kill(daemon)?;

    let daemon = start(&store)?;
    let entries = daemon.call("fdb.show")?;
    assert_eq!(entries.as_array().map(Vec::len), Some(50_000));
    daemon.client(&["fdb", "flush", "static", "bridge", "br"])?;
    assert_eq!(daemon.call("fdb.show")?.as_array().map(Vec::len), Some(0));
    daemon.stop()?.check()?;
    Ok(())
}

/// As at the first start of a system whose disk is read-only: it forwards, and changes are refused until
/// they can be stored.
#[test]
fn where_no_store_can_be_made_the_file_counts() -> Result {
    need!(skip::LAB, "unshare", "nsenter");
    let dir = tempfile::tempdir()?;
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk)?;
    let disk = disk.to_str().ok_or("no text")?;
    // A file system that only this daemon sees.
    let mount = format!("mount -t tmpfs -o ro none {disk} && exec \"$@\"");
    let setup = Setup::new(ONE_PORT).store(&Path::new(disk).join("lib").join("store"));
    let setup = setup.under(&["unshare", "--mount", "sh", "-c", &mount, "sh"]);
    let daemon = setup.start()?;
    assert!(daemon.log().contains("is not stored"), "{}", daemon.log());
    assert!(daemon.find("port.show", "name", "a")?.is_some());
    let told = export(&daemon)?;
    assert!(
        told.starts_with("# changes are refused: ") && told.contains("read-only"),
        "{told}"
    );
    let add = ["bridge", "add", "br", "port", "a"];
    let refused = daemon.client(&add).err().ok_or("it is done")?.to_string();
    assert!(
        refused.contains("its file system is read-only"),
        "{refused}"
    );
    assert_eq!(export(&daemon)?, told);

    let target = daemon.id().to_string();
    let remount = [
        "--mount",
        "--target",
        &target,
        "mount",
        "-o",
        "remount,rw",
        disk,
    ];
    command::run(Command::new("nsenter").args(remount))?;
    let first = daemon.client(&["--json", "bridge", "add", "br", "port", "a"])?;
    assert!(first.contains("\"revision\":1"), "{first}");
    assert!(!export(&daemon)?.starts_with('#'));
    daemon.stop()?.check()?;
    Ok(())
}
