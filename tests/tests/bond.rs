//! A bond of DPDK over two NICs: each is told UDP ports, and has rules of its own.

use overpath_tests::command::run;
use overpath_tests::daemon::{Daemon, Setup};
use overpath_tests::nicmodel::library;
use overpath_tests::{Result, need, wait};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A bond whose members give back what they send, with one tunnel behind a UDP port that no parser
/// knows by itself. `member` is DPDK's word.
fn config(member: &str, ring: &str) -> String {
    format!(
        "[[port]]\nname = \"up\"\n\
         device = \"net_bonding0,mode=1,mac=02:00:00:00:00:bb,{member}={ring}_a,{member}={ring}_b\"\n\
         mtu = 1500\naddresses = [\"192.0.2.1/24\"]\n\
         [[port]]\nname = \"lan\"\ndevice = \"net_ring_lan\"\n\
         [[bridge]]\nname = \"br\"\nports = [\"lan\"]\n\
         [[tunnel]]\nname = \"vx\"\nbridge = \"br\"\nvni = 10\nudp_port = 8472\n\
         local = \"192.0.2.1\"\nremotes = [\"192.0.2.2\"]\n"
    )
}

/// What DPDK calls a member in the arguments of a bond: from 23.11 on, and before.
fn word() -> Result<&'static str> {
    let version = run(Command::new("pkg-config").args(["--modversion", "libdpdk"]))?;
    let mut numbers = version.split('.').map(|part| part.trim().parse::<u32>());
    let release = (
        numbers.next().ok_or("no version")??,
        numbers.next().ok_or("no month")??,
    );
    Ok(if release >= (23, 11) {
        "member"
    } else {
        "slave"
    })
}

/// Two NICs of a dialect, whose driver has such a name.
struct Bond {
    daemon: Daemon,
    dir: TempDir,
}

fn journal(dir: &TempDir) -> PathBuf {
    dir.path().join("journal")
}

/// What the NICs were asked that begins so.
fn asked(dir: &TempDir, what: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(journal(dir))?;
    let of = |line: &&str| {
        let call = line.split_once(' ');
        call.is_some_and(|(_, call)| call.starts_with(what))
    };
    Ok(text.lines().filter(of).map(str::to_owned).collect())
}

impl Bond {
    fn new(dialect: &str, driver: &str) -> Result<Self> {
        Bond::over(
            "net_ring",
            library()?,
            &[("NICMODEL", dialect), ("NICMODEL_DRIVER", driver)],
        )
    }

    /// Over two devices whose names begin so, with the model preloaded.
    fn over(name: &str, preload: &Path, model: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut setup = Setup::new(&config(word()?, name))
            .eal(&format!("--vdev={name}_a"))
            .eal(&format!("--vdev={name}_b"))
            .environment("LD_PRELOAD", preload)
            .environment("NICMODEL_DEVICES", format!("{name}_a,{name}_b"))
            .environment("NICMODEL_JOURNAL", journal(&dir));
        for (name, value) in model {
            setup = setup.environment(name, value);
        }
        let daemon = setup.start()?;
        Ok(Bond { daemon, dir })
    }

    /// What each NIC does, as soon as it does what is looked for.
    fn nics(&self, done: impl Fn(&Value) -> bool) -> Result<Vec<Value>> {
        let mut nics = Vec::new();
        wait::until_true("both NICs to be told", || {
            let shown = self.daemon.find("offload.show", "port", "up")?;
            let shown = shown.ok_or("no port")?;
            nics = shown["nics"].as_array().cloned().unwrap_or_default();
            Ok(nics.len() == 2 && nics.iter().all(&done))
        })?;
        Ok(nics)
    }

    /// Stops the daemon, and returns what the NICs were asked that begins so.
    fn finish(self, what: &str) -> Result<Vec<String>> {
        let Bond { daemon, dir } = self;
        daemon.stop()?.check()?;
        asked(&dir, what)
    }
}

#[test]
fn each_member_is_told_udp_ports_and_marks_packets() -> Result {
    need!("pkg-config");
    let bond = Bond::new("ice", "net_ice")?;
    let nics = bond.nics(|nic| nic["tunnels"][0]["tier"] == "t2")?;
    for nic in &nics {
        assert_eq!(nic["driver"], "net_ice", "{nic}");
        assert_eq!(nic["udp_ports"][0]["udp_port"], 8472, "{nic}");
        assert_eq!(nic["udp_ports"][0]["reason"], Value::Null, "{nic}");
    }
    let mark = |nic: &Value| nic["tunnels"][0]["mark"].clone();
    assert!(mark(&nics[0]).is_number() && mark(&nics[0]) == mark(&nics[1]));
    let told = bond.finish("udp_")?;
    for port in ["0", "1"] {
        let of = |line: &&String| line.starts_with(port);
        let of: Vec<_> = told.iter().filter(of).collect();
        let expected = ["add", "del"].map(|call| format!("{port} udp_{call} 8472: 0"));
        assert!(of.iter().copied().eq(&expected), "{told:?}");
    }
    Ok(())
}

#[test]
fn a_member_that_refuses_is_shown_with_its_reason() -> Result {
    need!("pkg-config");
    let bond = Bond::new("mlx5", "net_unheard_of")?;
    let refused = |nic: &Value| nic["udp_ports"][0]["reason"].is_string();
    for nic in bond.nics(refused)? {
        let reason = &nic["udp_ports"][0]["reason"];
        assert_eq!(
            reason, "Operation not supported on transport endpoint",
            "{nic}"
        );
    }
    let shown = bond.daemon.client(&["offload", "show", "up"])?;
    assert!(
        shown.contains("up nic 0 device net_ring_a driver net_unheard_of"),
        "{shown}"
    );
    assert!(
        shown.contains("up nic 1 device net_ring_b driver net_unheard_of"),
        "{shown}"
    );
    bond.finish("")?;
    Ok(())
}

/// What a member reports is heard. The bond hands its MTU on to each, and some have the model report
/// something.
#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn members_that_recover_are_told_anew_and_those_that_do_not_are_left_alone() -> Result {
    need!("pkg-config");
    let driver = PathBuf::from(std::env::var("OVERPATH_NIC_DRIVER")?);
    let bond = Bond::over("net_nicmodel", &driver, &[("NICMODEL", "any")])?;
    let is_marked = |nic: &Value| nic["tunnels"][0]["tier"] == "t2";
    bond.nics(is_marked)?;
    let report = |mtu: &str| bond.daemon.client(&["port", "set", "up", "mtu", mtu]);
    report("1401")?;
    wait::until_true("them to be left alone", || {
        let shown = bond.daemon.find("offload.show", "port", "up")?;
        Ok(shown.ok_or("no port")?["suspended"] == true)
    })?;
    report("1402")?;
    wait::until_true("both to be told anew", || {
        Ok(asked(&bond.dir, "udp_add 8472: 0")?.len() == 4)
    })?;
    bond.nics(is_marked)?;
    report("1405")?;
    for nic in bond.nics(|nic| nic["gone"].is_string())? {
        assert_eq!(nic["gone"], "the device was removed");
    }
    let calls = asked(&bond.dir, "")?.len();
    let rest = bond.finish("")?;
    let rest = rest.get(calls..).ok_or("a shorter journal")?;
    assert!(
        rest.iter()
            .all(|call| !call.contains("udp") && !call.contains("flush")),
        "{rest:?}"
    );
    Ok(())
}
