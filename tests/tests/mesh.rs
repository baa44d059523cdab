//! Two and three overpath switches that are each other's remotes.

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{HOST_END, Link};
use overpath_tests::mesh::Mesh;
use overpath_tests::site::{MARKED, host_ip, host_mac, marked, underlay};
use overpath_tests::traffic::{self, Capture, Ping};
use overpath_tests::{Result, need, skip, wait};

const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";
/// A station that exists only in frames that tests send.
const STATION: &str = "02:00:00:00:0c:01";

/// Every host reaches every other, and then without a loss.
fn everybody_pings(mesh: &Mesh) -> Result {
    let all = 1..=mesh.nodes.len() as u8;
    let pairs = all
        .clone()
        .flat_map(|from| all.clone().map(move |to| (from, to)));
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        traffic::reach(&mesh.node(from).host, &host_ip(to))?;
        ping(mesh, from, to)?.all()?;
    }
    Ok(())
}

fn ping(mesh: &Mesh, from: u8, to: u8) -> Result<Ping> {
    traffic::ping(&mesh.node(from).host, &host_ip(to), 2, 1000)
}

/// Captures marked frames at every host.
fn watch(mesh: &Mesh) -> Result<Vec<Capture>> {
    let filter = format!("-Q in ether proto {MARKED:#x}");
    let hosts = mesh.nodes.iter().map(|node| &node.host);
    hosts
        .map(|host| Capture::start(host, HOST_END, &filter))
        .collect()
}

/// How many frames with a mark each host has seen.
fn copies(seen: &[Capture], mark: u8) -> Result<Vec<usize>> {
    let marked = |frame: &Vec<u8>| frame[14] == mark;
    seen.iter()
        .map(|capture| Ok(capture.frames()?.iter().filter(|f| marked(f)).count()))
        .collect()
}

fn wait_copies(seen: &[Capture], mark: u8, expected: &[usize]) -> Result {
    let mut last = Vec::new();
    wait::until_true(&format!("frame {mark} where it belongs"), || {
        last = copies(seen, mark)?;
        Ok(last == expected)
    })
    .map_err(|error| format!("{error}; there were {last:?}").into())
}

fn send(mesh: &Mesh, from: u8, frame: Vec<u8>) -> Result {
    mesh.node(from).host.send_frames(HOST_END, &[frame], 1)
}

fn two_switches_are_each_others_remote(link: Link) -> Result {
    let mesh = Mesh::new(link, 2)?;
    everybody_pings(&mesh)?;
    let largest = link.mtus().1 - 28;
    traffic::ping(&mesh.node(1).host, &host_ip(2), 1, largest)?.all()?;
    let [one, two] = [1, 2].map(|n| mesh.node(n));
    one.wait_fdb(&host_mac(2), "remote", &underlay(2))?;
    two.wait_fdb(&host_mac(1), "remote", &underlay(1))?;
    traffic::iperf3(&one.host, &two.host, &host_ip(2), &["-t", "1"])?;
    mesh.finish()
}

#[test]
fn two_switches_over_net_tap() -> Result {
    need!(skip::LAB, skip::TAP, "iperf3", "ping", "ethtool");
    two_switches_are_each_others_remote(Link::Tap)
}

#[test]
fn two_switches_over_net_af_xdp() -> Result {
    need!(skip::LAB, skip::XDP, "iperf3", "ping");
    two_switches_are_each_others_remote(Link::AfXdp)
}

/// Floods of a triangle: each host gets one copy, the sender none, whatever way there would be.
#[test]
fn a_flood_reaches_every_host_of_a_triangle_once() -> Result {
    need!(skip::LAB, "ethtool", "ping", "tcpdump", "python3");
    let mesh = Mesh::new(Link::AfPacket, 3)?;
    everybody_pings(&mesh)?;
    let seen = watch(&mesh)?;
    let quiet = |n| mesh.node(n).daemon()?.wait_quiet();
    let before = [quiet(1)?, quiet(2)?, quiet(3)?];
    let unknown = "02:00:00:00:0c:99";
    let mut expected = Vec::new();
    for from in 1..=3_u8 {
        for (mark, to) in [(from, BROADCAST), (10 + from, unknown)] {
            send(&mesh, from, marked(to, &host_mac(from), mark))?;
            let copies: Vec<_> = (1..=3).map(|n| usize::from(n != from)).collect();
            wait_copies(&seen, mark, &copies)?;
            expected.push((mark, copies));
        }
    }
    // Later ones would be here by now.
    seen[0].settle()?;
    for (mark, copies_then) in expected {
        assert_eq!(copies(&seen, mark)?, copies_then, "frame {mark}");
    }
    for (n, before) in (1..).zip(before) {
        let moved = counters_moved(&before, &quiet(n)?)?;
        // The others' ARP for each other is flooded on the segment.
        assert!(moved.keys().all(|name| name == "not_for_us"), "{moved:?}");
    }
    mesh.finish()
}

/// The station speaks behind one switch, then behind another, and is found from everywhere.
#[test]
fn a_host_that_moves_to_another_switch_is_found_again() -> Result {
    need!(skip::LAB, "ethtool", "ping", "tcpdump", "python3");
    let mesh = Mesh::new(Link::AfPacket, 3)?;
    everybody_pings(&mesh)?;
    let seen = watch(&mesh)?;
    for (mark, home) in [(1, 1_u8), (2, 2), (3, 3), (4, 1)] {
        send(&mesh, home, marked(BROADCAST, STATION, 100))?;
        mesh.node(home).wait_fdb(STATION, "port", "lan")?;
        for other in (1..=3).filter(|other| *other != home) {
            let node = mesh.node(other);
            node.wait_fdb(STATION, "remote", &underlay(home))?;
        }
        for from in (1..=3).filter(|from| *from != home) {
            let mark = 10 * mark + from;
            send(&mesh, from, marked(STATION, &host_mac(from), mark))?;
            let copies: Vec<_> = (1..=3).map(|n| usize::from(n == home)).collect();
            wait_copies(&seen, mark, &copies)?;
        }
    }
    mesh.finish()
}

/// It comes back with nothing in its tables and another MAC on the underlay; the others' tables
/// are old.
#[test]
fn a_switch_that_was_killed_comes_back() -> Result {
    need!(skip::LAB, "ethtool", "ping");
    let mut mesh = Mesh::new(Link::AfPacket, 3)?;
    everybody_pings(&mesh)?;
    mesh.nodes[0].lab.kill();
    let lost = traffic::ping_with(&mesh.node(2).host, &host_ip(1), 2, &["-W", "1"])?;
    lost.none()?;
    ping(&mesh, 2, 3)?.all()?;
    let renewed = "02:00:00:00:01:99";
    let switch = mesh.node(1).lab.switch();
    switch.ip("link set p0 down")?;
    switch.ip(&format!("link set p0 address {renewed} up"))?;
    mesh.nodes[0].start()?;
    everybody_pings(&mesh)?;
    for n in [2, 3] {
        let neighbour = mesh
            .node(n)
            .daemon()?
            .find("neigh.show", "address", &underlay(1))?;
        assert_eq!(neighbour.ok_or("no neighbour")?["mac"], renewed);
    }
    mesh.finish()
}
