//! The Linux kernel's own VXLAN on one side, plain hosts on the other, overpath between them; over
//! net_tap, over net_af_packet on veth, and the heart of it over net_af_xdp on veth.

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{HOST_END, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{
    self, HOST_DEVICE, MARKED, Plan, Site, VTEP_DEVICE, host_ip, host_mac, marked, vtep_ip,
    vtep_mac,
};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, need, skip, wait};

const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";
/// A station that exists only in frames that tests send.
const STATION: &str = "02:00:00:00:0c:01";

fn ping_both_ways(link: Link) -> Result {
    let site = Site::new(Plan::new(link))?;
    site.warm_up()?;
    let fits = link.mtus().1 - 28;
    for payload in [64, 65, 200, 512, 1000, 1400, fits, 1450] {
        traffic::ping(site.host(1), &vtep_ip(1), 5, payload)?.all()?;
        traffic::ping(site.vtep(1), &host_ip(1), 5, payload)?.all()?;
    }
    // The largest inner packet, in one piece.
    let whole = ["-M", "do", "-W", "10", "-s", &fits.to_string()];
    traffic::ping_with(site.host(1), &vtep_ip(1), 5, &whole)?.all()?;
    traffic::ping_with(site.vtep(1), &host_ip(1), 5, &whole)?.all()?;
    site.wait_fdb(&host_mac(1), "port", "lan1")?;
    let entry = site.wait_fdb(&vtep_mac(1), "remote", &site::underlay(1))?;
    assert_eq!(entry["tunnel"], "vx10", "{entry}");
    assert_eq!(entry["kind"], "learned", "{entry}");
    site.finish()
}

fn iperf3_both_ways(link: Link) -> Result {
    let site = Site::new(Plan::new(link))?;
    site.warm_up()?;
    let (vtep, host) = (site.vtep(1), site.host(1));
    let udp = ["-u", "-b", "20M", "-l", "1200"];
    traffic::iperf3(vtep, host, &host_ip(1), &[])?;
    traffic::iperf3(host, vtep, &vtep_ip(1), &[])?;
    traffic::iperf3(vtep, host, &host_ip(1), &udp)?;
    traffic::iperf3(host, vtep, &vtep_ip(1), &udp)?;
    site.finish()
}

/// Captures marked frames where a VTEP or a host sees the overlay.
fn watch(ns: &Netns, device: &str) -> Result<Capture> {
    // Those that this host sends itself are left out.
    Capture::start(ns, device, &format!("-Q in ether proto {MARKED:#x}"))
}

fn broadcast_reaches_everyone_once(link: Link) -> Result {
    let site = Site::new(Plan::new(link).hosts(2))?;
    let seen = [
        watch(site.vtep(1), VTEP_DEVICE)?,
        watch(site.host(1), HOST_DEVICE)?,
        watch(site.host(2), HOST_DEVICE)?,
    ];
    let frame = |mark| marked(BROADCAST, STATION, mark);
    site.host(1)
        .send_frames(HOST_DEVICE, &[frame(1), frame(2), frame(3)], 1)?;
    seen[2].wait(3)?;
    assert_eq!(seen[0].wait(3)?, [frame(1), frame(2), frame(3)]);
    site.vtep(1)
        .send_frames(VTEP_DEVICE, &[frame(4), frame(5)], 1)?;
    seen[1].wait(2)?;
    seen[2].wait(5)?;
    assert_eq!(seen[0].settle()?.len(), 3, "the VTEP got its own back");
    assert_eq!(seen[1].settle()?, [frame(4), frame(5)]);
    assert_eq!(seen[2].settle()?.len(), 5);
    site.finish()
}

fn a_mac_moves(link: Link) -> Result {
    let site = Site::new(Plan::new(link).hosts(2))?;
    site.warm_up()?;
    let hello =
        |ns: &Netns, device: &str| ns.send_frames(device, &[marked(BROADCAST, STATION, 0)], 1);
    let seen = [
        watch(site.vtep(1), VTEP_DEVICE)?,
        watch(site.host(1), HOST_DEVICE)?,
        watch(site.host(2), HOST_DEVICE)?,
    ];
    let arrivals = |mark: u8| -> Result<Vec<usize>> {
        let marked = |frame: &Vec<u8>| frame[14] == mark;
        seen.iter()
            .map(|c| Ok(c.frames()?.iter().filter(|f| marked(f)).count()))
            .collect()
    };

    hello(site.host(1), HOST_DEVICE)?;
    site.wait_fdb(STATION, "port", "lan1")?;
    site.vtep(1)
        .send_frames(VTEP_DEVICE, &[marked(STATION, &vtep_mac(1), 1)], 1)?;
    wait::until_true("a frame at its first place", || {
        Ok(arrivals(1)? == [0, 1, 0])
    })?;

    hello(site.host(2), HOST_DEVICE)?;
    site.wait_fdb(STATION, "port", "lan2")?;
    site.vtep(1)
        .send_frames(VTEP_DEVICE, &[marked(STATION, &vtep_mac(1), 2)], 1)?;
    wait::until_true("a frame at its second place", || {
        Ok(arrivals(2)? == [0, 0, 1])
    })?;

    hello(site.vtep(1), VTEP_DEVICE)?;
    site.wait_fdb(STATION, "remote", &site::underlay(1))?;
    site.host(1)
        .send_frames(HOST_DEVICE, &[marked(STATION, &host_mac(1), 3)], 1)?;
    wait::until_true("a frame at its remote place", || {
        Ok(arrivals(3)? == [1, 0, 0])
    })?;

    hello(site.host(1), HOST_DEVICE)?;
    site.wait_fdb(STATION, "port", "lan1")?;
    site.host(2)
        .send_frames(HOST_DEVICE, &[marked(STATION, &host_mac(2), 4)], 1)?;
    wait::until_true("a frame back at its first place", || {
        Ok(arrivals(4)? == [0, 1, 0])
    })?;
    site.finish()
}

fn a_silent_mac_ages_and_is_flooded_again(link: Link) -> Result {
    let site = Site::new(Plan::new(link).hosts(2).bridge("ageing = 2"))?;
    site.warm_up()?;
    let seen = watch(site.host(2), HOST_DEVICE)?;
    site.host(1)
        .send_frames(HOST_DEVICE, &[marked(BROADCAST, STATION, 1)], 1)?;
    seen.wait(1)?;
    site.wait_fdb_gone(STATION)?;
    site.vtep(1)
        .send_frames(VTEP_DEVICE, &[marked(STATION, &vtep_mac(1), 2)], 1)?;
    assert_eq!(seen.wait(2)?[1], marked(STATION, &vtep_mac(1), 2));
    site.finish()
}

fn a_remote_goes_and_comes_back(link: Link) -> Result {
    let site = Site::new(Plan::new(link))?;
    site.warm_up()?;
    let (vtep, host) = (site.vtep(1), site.host(1));
    vtep.ip(&format!("link set {HOST_END} down"))?;
    traffic::ping_with(host, &vtep_ip(1), 3, &["-W", "1"])?.none()?;
    vtep.ip(&format!("link set {HOST_END} up"))?;
    site.warm_up()?;
    traffic::ping(host, &vtep_ip(1), 5, 64)?.all()?;

    // It comes back with another MAC, and the switch hears of it when it speaks.
    let renewed = "02:00:00:00:01:99";
    vtep.ip(&format!("link set {HOST_END} down"))?;
    vtep.ip(&format!("link set {HOST_END} address {renewed}"))?;
    vtep.ip(&format!("link set {HOST_END} up"))?;
    traffic::reach(vtep, &host_ip(1))?;
    traffic::ping(host, &vtep_ip(1), 5, 64)?.all()?;
    let neighbour = site
        .lab
        .daemon()?
        .find("neigh.show", "address", &site::underlay(1))?;
    assert_eq!(neighbour.ok_or("no neighbour")?["mac"], renewed);
    site.finish()
}

fn several_remotes_share_an_overlay(link: Link) -> Result {
    let site = Site::new(Plan::new(link).vteps(3))?;
    let host = site.host(1);
    for n in 1..=3 {
        traffic::reach(host, &vtep_ip(n))?;
        traffic::ping(site.vtep(n), &host_ip(1), 3, 64)?.all()?;
        site.wait_fdb(&vtep_mac(n), "remote", &site::underlay(n))?;
    }
    let seen = site.vteps.iter().map(|vtep| watch(vtep, VTEP_DEVICE));
    let seen = seen.collect::<Result<Vec<_>>>()?;
    let here = watch(host, HOST_DEVICE)?;
    let flood = marked(BROADCAST, STATION, 1);
    host.send_frames(HOST_DEVICE, std::slice::from_ref(&flood), 1)?;
    for capture in &seen {
        assert_eq!(capture.wait(1)?, std::slice::from_ref(&flood));
    }
    // From one VTEP to the others there is no way through us: they reach each other themselves.
    let flood = marked(BROADCAST, &vtep_mac(1), 2);
    site.vtep(1)
        .send_frames(VTEP_DEVICE, std::slice::from_ref(&flood), 1)?;
    assert_eq!(here.wait(1)?, [flood]);
    let before = site.lab.daemon()?.wait_quiet()?;
    let direct = marked(&vtep_mac(2), &vtep_mac(1), 3);
    site.vtep(1).send_frames(VTEP_DEVICE, &[direct], 1)?;
    wait::until_true("a split horizon drop", || {
        let moved = counters_moved(&before, &site.lab.daemon()?.stats()?)?;
        Ok(moved.get("split_horizon") == Some(&1))
    })?;
    assert!(
        seen.iter()
            .all(|capture| capture.settle().is_ok_and(|frames| frames.len() == 1))
    );
    site.finish()
}

/// Neighbour discovery is multicast: it is flooded to remotes, and the answers are not.
fn ipv6_hosts_find_each_other(link: Link) -> Result {
    let site = Site::new(Plan::new(link))?;
    let ends = [
        (site.host(1), HOST_DEVICE, 1),
        (site.vtep(1), VTEP_DEVICE, 2),
    ];
    for (ns, device, n) in ends {
        ns.write_proc(&format!("net/ipv6/conf/{device}/disable_ipv6"), "0")?;
        ns.ip(&format!("addr add 2001:db8::{n}/64 dev {device} nodad"))?;
    }
    traffic::reach(site.host(1), "2001:db8::2")?;
    traffic::ping(site.host(1), "2001:db8::2", 5, 1000)?.all()?;
    traffic::ping(site.vtep(1), "2001:db8::1", 5, 1000)?.all()?;
    site.finish()
}

fn two_workers_share_the_ports(link: Link) -> Result {
    let site = Site::new(Plan::new(link).hosts(2).workers(2))?;
    site.warm_up()?;
    traffic::reach(site.host(1), &host_ip(2))?;
    traffic::ping(site.host(1), &host_ip(2), 20, 1000)?.all()?;
    traffic::ping(site.vtep(1), &host_ip(2), 20, 1000)?.all()?;
    traffic::iperf3(site.host(1), site.vtep(1), &vtep_ip(1), &[])?;
    if link == Link::AfPacket {
        // One transmit queue each: what the other worker has for such a port is handed over.
        let stats = site.lab.daemon()?.stats()?;
        assert!(stats["events"]["handed_off"].as_u64() > Some(0), "{stats}");
    }
    site.finish()
}

macro_rules! over {
    ($module:ident, $link:expr, $($name:ident),+) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $name() -> Result {
                    need!(skip::LAB, skip::VXLAN, "iperf3", "ping", "tcpdump", "bridge", "python3");
                    need!($link.need());
                    super::$name($link)
                }
            )+
        }
    };
    ($($name:ident),+ $(,)?) => {
        over!(tap, Link::Tap, $($name),+);
        over!(af_packet, Link::AfPacket, $($name),+);
    };
}

over!(
    ping_both_ways,
    iperf3_both_ways,
    broadcast_reaches_everyone_once,
    a_mac_moves,
    a_silent_mac_ages_and_is_flooded_again,
    a_remote_goes_and_comes_back,
    several_remotes_share_an_overlay,
    ipv6_hosts_find_each_other,
    two_workers_share_the_ports,
);

over!(
    af_xdp,
    Link::AfXdp,
    ping_both_ways,
    iperf3_both_ways,
    broadcast_reaches_everyone_once,
    several_remotes_share_an_overlay
);

/// A kernel that leaves the outer checksum open for hardware to finish, and hardware that does not
/// exist: what arrives is wrong, is dropped, and is counted as that.
#[test]
fn unfinished_outer_checksums_are_dropped_by_name() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "ping");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let before = site.lab.daemon()?.wait_quiet()?;
    site.vtep(1).run("ethtool", &["-K", HOST_END, "tx", "on"])?;
    traffic::ping_with(site.vtep(1), &host_ip(1), 3, &["-W", "1"])?.none()?;
    let moved = counters_moved(&before, &site.lab.daemon()?.wait_quiet()?)?;
    assert_eq!(moved.into_keys().collect::<Vec<_>>(), ["udp_checksum"]);
    site.finish()
}
