//! A running switch is changed, by every verb of the command line, while numbered frames go between
//! a host and a kernel VTEP on a path that no change concerns: none is lost, doubled or overtaken.

use overpath_tests::daemon::{Daemon, Setup};
use overpath_tests::lab::Link;
use overpath_tests::numbered::{self, End};
use overpath_tests::site::{
    HOST_DEVICE, Plan, Site, VTEP_DEVICE, host_mac, underlay, vtep_ip, vtep_mac,
};
use overpath_tests::{Result, need, site, skip, traffic, wait};

/// While `change` goes on, frames pass as they do without.
fn under_traffic(site: &Site, change: impl FnOnce(&Daemon) -> Result) -> Result {
    let from = End {
        host: site.host(1),
        device: HOST_DEVICE,
        mac: site::mac(&host_mac(1)),
    };
    let to = End {
        host: site.vtep(1),
        device: VTEP_DEVICE,
        mac: site::mac(&vtep_mac(1)),
    };
    numbered::during(from, to, || site.lab.daemon().and_then(change)).map(drop)
}

/// Says one line on the command line.
fn say(daemon: &Daemon, line: &str) -> Result<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    daemon
        .client(&words)
        .map_err(|error| format!("overpath {line}: {error}").into())
}

/// It is refused, and this is in what it says.
fn refused(daemon: &Daemon, line: &str, why: &str) -> Result {
    match say(daemon, line) {
        Ok(said) => Err(format!("overpath {line} was not refused: {said}").into()),
        Err(error) if error.to_string().contains(why) => Ok(()),
        Err(error) => Err(format!("overpath {line} was not refused for {why}: {error}").into()),
    }
}

fn shows(daemon: &Daemon, line: &str, what: &str) -> Result<bool> {
    Ok(say(daemon, line)?.contains(what))
}

/// Neighbours 192.0.2.77 and 198.51.100.9 are set, and nothing is taken that does not fit beside them.
fn neighbours_are_set(daemon: &Daemon) -> Result {
    let shown = say(daemon, "neigh show")?;
    let set = shown
        .lines()
        .find(|line| line.starts_with("192.0.2.77 "))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let expected = "192.0.2.77 port uplink lladdr 02:00:00:00:77:02 permanent";
    assert_eq!(set.as_deref(), Some(expected), "{shown}");
    refused(
        daemon,
        "neigh add 192.0.2.77 lladdr 02:00:00:00:77:01 dev uplink",
        "already",
    )?;
    refused(
        daemon,
        "neigh add 203.0.113.1 lladdr 02:00:00:00:77:01 dev uplink",
        "on no link",
    )?;
    refused(daemon, "neigh del 192.0.2.76 dev uplink", "192.0.2.76")?;
    refused(
        daemon,
        "addr del 198.51.100.2/24 port uplink",
        "203.0.113.0/24",
    )
}

fn every_verb(daemon: &Daemon) -> Result {
    let before = say(daemon, "config export")?;
    for line in [
        "port add extra device net_null7 mtu 1400",
        "port add spare device net_null8",
        "bridge add br20 ageing 60",
        "port set extra bridge br20",
        "port set extra mtu 1300",
        "port set spare bridge br20 rx_checksum trust",
        "bridge set br20 learning off",
        "addr add 198.51.100.2/24 port uplink",
        "route add 203.0.113.0/24 via 192.0.2.1",
        "route replace 203.0.113.0/24 via 198.51.100.1",
        "neigh add 192.0.2.77 lladdr 02:00:00:00:77:01 dev uplink",
        "neigh add 198.51.100.9 lladdr 02:00:00:00:77:09 port uplink",
        "neigh replace 192.0.2.77 lladdr 02:00:00:00:77:02 dev uplink",
        "vxlan add vx20 bridge br20 vni 20 local 192.0.2.254 remote 192.0.2.77",
        "vxlan append vx20 remote 192.0.2.78",
        "vxlan set vx20 ttl 9",
        "fdb add 02:00:00:00:20:01 bridge br20 tunnel vx20 dst 192.0.2.79",
        "fdb replace 02:00:00:00:20:01 bridge br20 port extra",
        "fdb add 02:00:00:00:20:02 bridge br20 port spare",
    ] {
        say(daemon, line)?;
    }
    neighbours_are_set(daemon)?;
    for (line, what) in [
        ("port show", "extra"),
        ("bridge show", "br20"),
        ("addr show", "198.51.100.2/24"),
        ("route show", "203.0.113.0/24"),
        ("neigh show", "02:00:00:00:77:09"),
        ("vxlan show", "192.0.2.78"),
        ("vxlan show", "02:00:00:00:77:02"),
        ("fdb show", "02:00:00:00:20:01"),
        ("config export", "vni = 20"),
    ] {
        assert!(shows(daemon, line, what)?, "{line} shows no {what}");
    }
    refused(daemon, "port add extra device net_null9", "extra")?;
    refused(daemon, "port add other device net_nosuch9", "net_nosuch9")?;
    refused(daemon, "port set extra mtu 70000", "mtu")?;
    refused(daemon, "bridge del br20", "vx20")?;
    refused(
        daemon,
        "vxlan add vx21 bridge br2 vni 21 local 192.0.2.254",
        "br20",
    )?;
    refused(
        daemon,
        "fdb del 02:00:00:00:20:09 bridge br20",
        "02:00:00:00:20:09",
    )?;
    for line in [
        "neigh del 192.0.2.77 dev uplink",
        "fdb flush bridge br20",
        "vxlan del vx20 remote 192.0.2.77",
        "vxlan del vx20",
        "route del 203.0.113.0/24",
        "neigh del 198.51.100.9 dev uplink",
        "addr del 198.51.100.2/24 port uplink",
        "port set extra nobridge",
        "port del extra",
        "port del spare",
        "bridge del br20",
    ] {
        say(daemon, line)?;
    }
    assert_eq!(say(daemon, "config export")?, before);
    Ok(())
}

#[test]
fn every_verb_changes_what_it_says_and_nothing_else() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "tcpdump",
        "bridge",
        "python3"
    );
    let site = Site::new(Plan::new(Link::AfPacket).workers(2))?;
    site.warm_up()?;
    under_traffic(&site, every_verb)?;
    site.finish()
}

#[test]
fn files_are_compared_applied_and_taken_back() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "tcpdump",
        "bridge",
        "python3"
    );
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    under_traffic(&site, |daemon| {
        let file = daemon.dir().join("next.toml");
        let path = file.display().to_string();
        let before = say(daemon, "config export")?;
        std::fs::write(&file, before.clone() + "\n[[bridge]]\nname = \"br30\"\n")?;
        assert!(shows(
            daemon,
            &format!("config diff {path}"),
            "bridge add br30"
        )?);
        assert_eq!(
            say(daemon, "config export")?,
            before,
            "a comparison changes nothing"
        );
        say(daemon, &format!("config apply {path}"))?;
        assert!(shows(daemon, "bridge show", "br30")?);
        say(daemon, "config rollback")?;
        assert_eq!(say(daemon, "config export")?, before);
        // Unless it is confirmed it goes back by itself.
        say(daemon, &format!("config apply {path} --confirm 1"))?;
        assert!(shows(daemon, "bridge show", "br30")?);
        wait::until_true("the change to be taken back", || {
            Ok(!shows(daemon, "bridge show", "br30")?)
        })?;
        std::fs::write(&file, "[[port]]\nname = \"x\"\ndevise = \"net_null0\"\n")?;
        refused(daemon, &format!("config apply {path}"), "device")?;
        assert_eq!(say(daemon, "config export")?, before);
        Ok(())
    })?;
    site.finish()
}

/// A VTEP that is a default remote no more gets no floods, and is a stranger; then it is one again.
#[test]
fn remotes_go_and_come_back_for_the_kernel() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "ping",
        "tcpdump",
        "bridge",
        "python3"
    );
    let site = Site::new(Plan::new(Link::AfPacket).vteps(2))?;
    site.warm_up()?;
    traffic::reach(site.vtep(2), &site::host_ip(1))?;
    let daemon = site.lab.daemon()?;
    say(daemon, &format!("vxlan del vx10 remote {}", underlay(2)))?;
    site.wait_fdb_gone(&vtep_mac(2))?;
    traffic::ping_with(site.host(1), &vtep_ip(2), 2, &["-W", "1"])?.none()?;
    traffic::ping(site.host(1), &vtep_ip(1), 3, 64)?.all()?;
    say(daemon, &format!("vxlan append vx10 remote {}", underlay(2)))?;
    traffic::reach(site.host(1), &vtep_ip(2))?;
    traffic::ping(site.host(1), &vtep_ip(2), 3, 64)?.all()?;
    site.finish()
}

/// What was acknowledged is there after the daemon was killed, and what it forwarded before.
#[test]
fn what_was_acknowledged_survives_a_kill() -> Result {
    need!(skip::LAB);
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("overpath.redb");
    let config = "[[port]]\nname = \"a\"\ndevice = \"net_null0\"\n[[bridge]]\nname = \"br0\"\n";
    let setup = Setup::new(config).store(&store);
    let mut said = 0;
    for round in 0..5 {
        let daemon = setup.start()?;
        let export = say(&daemon, "config export")?;
        for number in 0..said {
            assert!(
                export.contains(&format!("name = \"b{number}\"")),
                "{round}: {export}"
            );
        }
        for _ in 0..3 {
            say(&daemon, &format!("bridge add b{said}"))?;
            said += 1;
        }
        daemon.signal("KILL")?;
        drop(daemon);
    }
    let daemon = setup.start()?;
    let lines = say(&daemon, "config export")?;
    assert_eq!(lines.matches("[[bridge]]").count(), said + 1, "{lines}");
    daemon.stop()?.check()?;
    Ok(())
}
