//! Open vSwitch with its userspace datapath as the remote VTEP.

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::ovs::{self, Ovs, UNDERLAY};
use overpath_tests::site::{self, MARKED, SWITCH, host_ip, host_mac, marked};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, need, skip, wait};

const BROADCAST: &str = "ff:ff:ff:ff:ff:ff";
/// The host behind Open vSwitch.
const FAR: &str = "02:00:00:00:0a:01";
const FAR_IP: &str = "10.0.0.1";

/// In untagged frames.
const PLAIN: &str = "\"192.0.2.254/24\"";
/// On a VLAN.
const ON_VLAN: &str = "{ address = \"192.0.2.254/24\", vlan = 100 }";

/// The switch with one local host, and a port with an address towards Open vSwitch.
fn switch(link: Link, address: &str) -> Result<(Lab, Netns, Netns)> {
    let (underlay, overlay) = link.mtus();
    let mut lab = Lab::new(link)?;
    let (uplink, lan) = (lab.port("uplink", underlay)?, lab.port("lan", overlay)?);
    let ports = lab.ports_toml(|name| match name {
        "uplink" => format!("addresses = [{address}]"),
        _ => String::new(),
    });
    lab.start_with(&format!(
        "{ports}[[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n\
         [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = 10\n\
         local = \"{SWITCH}\"\nremotes = [\"192.0.2.1\"]\n"
    ))?;
    let (vtep, host) = (Netns::new("ovs")?, Netns::new("host")?);
    lab.plug(&uplink, &vtep, "02:00:00:00:01:01", None)?;
    lab.plug(&lan, &host, &host_mac(1), Some(&(host_ip(1) + "/24")))?;
    Ok((lab, vtep, host))
}

/// Both ends know who is where: stations, and each other.
fn check_tables(lab: &Lab, ovs: &Ovs) -> Result {
    let daemon = lab.daemon()?;
    wait::until_true("the switch to learn the far host", || {
        let entry = daemon.find("fdb.show", "mac", FAR)?;
        Ok(entry.is_some_and(|entry| entry["remote"] == "192.0.2.1"))
    })?;
    ovs.wait_fdb(&host_mac(1), "vx10")?;
    ovs.wait_fdb(FAR, "h0")?;
    let port = daemon.find("port.show", "name", "uplink")?;
    let ours = port.ok_or("no uplink")?["mac"].clone();
    let cache = ovs.ask("tnl/neigh/show")?;
    let line = cache.lines().find(|line| line.contains(SWITCH));
    let line = line.ok_or_else(|| format!("the switch is no neighbour: {cache}"))?;
    assert!(line.contains(ours.as_str().unwrap_or("?")), "{ours} {line}");
    let neighbour = daemon.find("neigh.show", "address", "192.0.2.1")?;
    assert_eq!(neighbour.ok_or("no neighbour")?["mac"], ovs.mac(UNDERLAY)?);
    Ok(())
}

/// Open vSwitch forgets the switch, asks by ARP, and sends on.
fn asks_again(lab: &Lab, ovs: &Ovs, far: &Netns) -> Result {
    let answered = || -> Result<u64> {
        let stats = lab.daemon()?.stats()?;
        let count = stats["events"]["neigh_arp_request_answered"].as_u64();
        Ok(count.unwrap_or(0))
    };
    let before = answered()?;
    ovs.ask("tnl/neigh/flush")?;
    traffic::reach(far, &host_ip(1))?;
    traffic::ping(far, &host_ip(1), 3, 64)?.all()?;
    assert!(answered()? > before, "it was not asked");
    Ok(())
}

/// Floods cross once, and do not come back.
fn floods(near: &Netns, far: &Netns) -> Result {
    let filter = format!("-Q in ether proto {MARKED:#x}");
    let seen = [near, far].map(|ns| Capture::start(ns, HOST_END, &filter));
    let [seen_near, seen_far] = seen;
    let (seen_near, seen_far) = (seen_near?, seen_far?);
    let (out, back) = (
        marked(BROADCAST, &host_mac(1), 1),
        marked(BROADCAST, FAR, 2),
    );
    near.send_frames(HOST_END, std::slice::from_ref(&out), 1)?;
    assert_eq!(seen_far.wait(1)?, std::slice::from_ref(&out));
    far.send_frames(HOST_END, std::slice::from_ref(&back), 1)?;
    assert_eq!(seen_near.wait(1)?, std::slice::from_ref(&back));
    assert_eq!(seen_near.settle()?.len(), 1);
    assert_eq!(seen_far.frames()?.len(), 1);
    Ok(())
}

/// Whether the outer UDP checksums of what Open vSwitch sends are there.
fn sums(vtep: &Netns, far: &Netns) -> Result<bool> {
    let sent = Capture::start(vtep, HOST_END, "-Q out udp dst port 4789")?;
    traffic::ping(far, &host_ip(1), 1, 64)?.all()?;
    let frames = sent.wait(1)?;
    Ok(frames[0][40..42] != [0, 0])
}

fn open_vswitch_is_a_remote(link: Link) -> Result {
    let (mut lab, vtep, near) = switch(link, PLAIN)?;
    let far = Netns::new("far")?;
    let ovs = Ovs::start(&vtep)?;
    ovs.underlay("192.0.2.1/24")?;
    ovs.tunnel(10, SWITCH, "")?;
    let mtu = link.mtus().1;
    ovs.host(&far, FAR, &format!("{FAR_IP}/24"), mtu)?;
    traffic::reach(&near, FAR_IP)?;
    traffic::reach(&far, &host_ip(1))?;
    let before = lab.daemon()?.stats()?;
    for payload in [64, 512, mtu - 28] {
        traffic::ping(&near, FAR_IP, 3, payload)?.all()?;
        traffic::ping(&far, &host_ip(1), 3, payload)?.all()?;
    }
    check_tables(&lab, &ovs)?;
    traffic::iperf3(&near, &far, FAR_IP, &["-t", "1"])?;
    traffic::iperf3(&far, &near, &host_ip(1), &["-t", "1"])?;
    floods(&near, &far)?;
    asks_again(&lab, &ovs, &far)?;
    assert!(!sums(&vtep, &far)?);
    ovs.vsctl("set interface vx10 options:csum=true")?;
    traffic::reach(&far, &host_ip(1))?;
    assert!(sums(&vtep, &far)?);
    let moved = counters_moved(&before, &lab.daemon()?.wait_quiet()?)?;
    let drops: u64 = moved.values().sum();
    assert_eq!(drops, 0, "{moved:?}");
    lab.stop()?.check().map(drop)
}

#[test]
fn open_vswitch_is_a_remote_over_net_tap() -> Result {
    need!(skip::LAB, skip::TAP, "ethtool", "iperf3", "ping", "tcpdump");
    need!(ovs::PROGRAM, "ovsdb-server", "ovs-vsctl", "python3");
    open_vswitch_is_a_remote(Link::Tap)
}

#[test]
fn open_vswitch_is_a_remote_over_net_af_packet() -> Result {
    need!(skip::LAB, "ethtool", "iperf3", "ping", "tcpdump");
    need!(ovs::PROGRAM, "ovsdb-server", "ovs-vsctl", "python3");
    open_vswitch_is_a_remote(Link::AfPacket)
}

/// Everything of the tunnel has the tag: questions, answers, and frames.
#[test]
fn open_vswitch_is_a_remote_over_a_tagged_underlay() -> Result {
    need!(skip::LAB, "ethtool", "iperf3", "ping", "tcpdump");
    need!(ovs::PROGRAM, "ovsdb-server", "ovs-vsctl", "python3");
    let link = Link::AfPacket;
    let (mut lab, vtep, near) = switch(link, ON_VLAN)?;
    let far = Netns::new("far")?;
    let ovs = Ovs::start(&vtep)?;
    ovs.underlay("192.0.2.1/24")?;
    ovs.tagged(100)?;
    ovs.tunnel(10, SWITCH, "")?;
    let mtu = link.mtus().1;
    ovs.host(&far, FAR, &format!("{FAR_IP}/24"), mtu)?;
    traffic::reach(&near, FAR_IP)?;
    traffic::reach(&far, &host_ip(1))?;
    let ours = lab.daemon()?.find("port.show", "name", "uplink")?;
    let ours = ours.ok_or("no uplink")?["mac"].clone();
    let from_us = format!("ether src {}", ours.as_str().unwrap_or("?"));
    let untagged = Capture::start(&vtep, HOST_END, &format!("{from_us} and not vlan"))?;
    let tagged = Capture::start(&vtep, HOST_END, &format!("{from_us} and vlan 100"))?;
    let before = lab.daemon()?.stats()?;
    for payload in [64, mtu - 28] {
        traffic::ping(&near, FAR_IP, 3, payload)?.all()?;
        traffic::ping(&far, &host_ip(1), 3, payload)?.all()?;
    }
    check_tables(&lab, &ovs)?;
    floods(&near, &far)?;
    asks_again(&lab, &ovs, &far)?;
    assert!(
        tagged
            .wait(12)?
            .iter()
            .all(|frame| frame[12..16] == [0x81, 0, 0, 100])
    );
    assert_eq!(untagged.settle()?.len(), 0);
    traffic::iperf3(&near, &far, FAR_IP, &["-t", "1"])?;
    traffic::iperf3(&far, &near, &host_ip(1), &["-t", "1"])?;
    let moved = counters_moved(&before, &lab.daemon()?.wait_quiet()?)?;
    let drops: u64 = moved.values().sum();
    assert_eq!(drops, 0, "{moved:?}");
    let tunnels = lab.daemon()?.client(&["vxlan", "show"])?;
    assert!(tunnels.contains("port uplink vlan 100 lladdr"), "{tunnels}");
    lab.stop()?.check().map(drop)
}

/// The lab proves itself: two of them, over an underlay that is a VLAN.
#[test]
fn two_open_vswitches_talk_over_a_tagged_underlay() -> Result {
    need!(skip::LAB, "ethtool", "ping", "tcpdump");
    need!(ovs::PROGRAM, "ovsdb-server", "ovs-vsctl");
    let vteps = [Netns::new("ovs1")?, Netns::new("ovs2")?];
    let hosts = [Netns::new("host1")?, Netns::new("host2")?];
    let to = vteps[1].name();
    vteps[0].ip(&format!(
        "link add {HOST_END} mtu 1600 type veth peer name {HOST_END} mtu 1600 netns {to}"
    ))?;
    let mut switches = Vec::new();
    for (n, (vtep, host)) in (1..).zip(vteps.iter().zip(&hosts)) {
        vtep.ip(&format!("link set {HOST_END} up"))?;
        let ovs = Ovs::start(vtep)?;
        ovs.underlay(&(site::underlay(n) + "/24"))?;
        ovs.tagged(100)?;
        ovs.tunnel(10, &site::underlay(3 - n), "")?;
        ovs.host(host, &host_mac(n), &format!("{}/24", host_ip(n)), 1500)?;
        switches.push(ovs);
    }
    let tagged = Capture::start(&vteps[1], HOST_END, "vlan 100 and udp dst port 4789")?;
    traffic::reach(&hosts[0], &host_ip(2))?;
    traffic::ping(&hosts[1], &host_ip(1), 3, 1472)?.all()?;
    assert_eq!(tagged.wait(1)?[0][12..16], [0x81, 0, 0, 100]);
    switches[0].wait_fdb(&host_mac(2), "vx10")
}
