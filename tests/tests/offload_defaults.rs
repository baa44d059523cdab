//! Hosts behind veth and tap as the kernel makes them: checksums are left to a device that does not
//! exist, and data to one that would cut it into segments.

use overpath_tests::account::counters_moved;
use overpath_tests::lab::{HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{self, HOST_DEVICE, Plan, Site, host_ip, vtep_ip};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, frame, need, skip, wait};
use serde_json::Value;

const RECOMPUTE: &str = "rx_checksum = \"recompute\"";

fn drops_of(site: &Site, before: &Value) -> Result<Vec<String>> {
    let moved = counters_moved(before, &site.lab.daemon()?.wait_quiet()?)?;
    Ok(moved.into_keys().collect())
}

/// TCP between two hosts on one bridge, and between a host and a kernel VTEP.
fn tcp_works(link: Link, port: &'static str) -> Result {
    need!(skip::LAB, skip::VXLAN, "iperf3", "ping", "ethtool");
    need!(link.need());
    let site = Site::new(Plan::new(link).hosts(2).port(port).default_offloads())?;
    site.warm_up()?;
    traffic::reach(site.host(1), &host_ip(2))?;
    let before = site.lab.daemon()?.wait_quiet()?;
    let (vtep, host, other) = (site.vtep(1), site.host(1), site.host(2));
    traffic::iperf3(host, other, &host_ip(2), &[])?;
    traffic::iperf3(host, vtep, &vtep_ip(1), &[])?;
    traffic::iperf3(vtep, host, &host_ip(1), &[])?;
    traffic::iperf3(vtep, host, &host_ip(1), &["-u", "-b", "5M", "-l", "1201"])?;
    let dropped = drops_of(&site, &before)?;
    // A burst may be more than a ring holds; nothing is dropped for what is in it.
    let strange = dropped.iter().find(|reason| *reason != "tx_full");
    assert_eq!(strange, None, "{dropped:?}");
    site.finish()
}

#[test]
fn tcp_works_over_net_af_xdp_with_checksums_computed_anew() -> Result {
    tcp_works(Link::AfXdp, RECOMPUTE)
}

#[test]
fn tcp_works_over_net_af_packet_with_checksums_computed_anew() -> Result {
    tcp_works(Link::AfPacket, RECOMPUTE)
}

/// The kernel finishes what it writes to a tap.
#[test]
fn tcp_works_over_net_tap_as_it_is() -> Result {
    tcp_works(Link::Tap, "")
}

/// Without it a kernel VTEP is not heard, and the account says why.
fn unfinished_outer_checksums_are_dropped(link: Link) -> Result {
    need!(skip::LAB, skip::VXLAN, "ping", "ethtool");
    need!(link.need());
    let site = Site::new(Plan::new(link).default_offloads())?;
    let before = site.lab.daemon()?.wait_quiet()?;
    wait::until_true("a drop by name", || {
        traffic::ping_with(site.vtep(1), &host_ip(1), 1, &["-W", "1"])?.none()?;
        Ok(!drops_of(&site, &before)?.is_empty())
    })?;
    assert_eq!(drops_of(&site, &before)?, ["udp_checksum"]);
    site.finish()
}

#[test]
fn unfinished_outer_checksums_are_dropped_by_name_over_net_af_xdp() -> Result {
    unfinished_outer_checksums_are_dropped(Link::AfXdp)
}

#[test]
fn unfinished_outer_checksums_are_dropped_by_name_over_net_af_packet() -> Result {
    unfinished_outer_checksums_are_dropped(Link::AfPacket)
}

const BRIDGE: &str = "[[bridge]]\nname = \"br\"\nports = [\"left\", \"right\"]\n";

/// A frame of `len` bytes from the left host to the right one.
fn frame_of(len: usize) -> Vec<u8> {
    let (dst, src) = (site::host_mac(2), site::host_mac(1));
    let payload: Vec<u8> = (0..len - 14).map(|at| at as u8).collect();
    frame::ethernet(site::mac(&dst), site::mac(&src), site::MARKED, &payload)
}

/// Two hosts on one bridge, over ports of this MTU and with these device arguments beside those of
/// the lab.
fn pair(link: Link, mtu: u32, arguments: &str) -> Result<(Lab, [Netns; 2])> {
    let mut lab = Lab::new(link)?;
    let ports = [lab.port("left", mtu)?, lab.port("right", mtu)?];
    let tables = ["iface=p0", "iface=p1"]
        .iter()
        .fold(lab.ports_toml(|_| ""), |text, iface| {
            text.replace(iface, &format!("{iface}{arguments}"))
        });
    lab.start_with(&(tables + BRIDGE))?;
    let hosts = [Netns::new("left")?, Netns::new("right")?];
    for (n, (port, host)) in (1..).zip(ports.iter().zip(&hosts)) {
        lab.plug(port, host, &site::host_mac(n), None)?;
    }
    Ok((lab, hosts))
}

fn watch(host: &Netns) -> Result<Capture> {
    Capture::start(
        host,
        HOST_END,
        &format!("-Q in ether proto {:#x}", site::MARKED),
    )
}

/// The ring of net_af_packet holds 1982 bytes of a frame; one that fills it may have been longer.
#[test]
fn what_a_ring_may_have_cut_is_dropped_by_name() -> Result {
    need!(skip::LAB, "ethtool", "python3", "tcpdump");
    let (mut lab, hosts) = pair(Link::AfPacket, 2100, "")?;
    let log = lab.daemon()?.log();
    assert!(log.contains("framesz=3072,blocksz=12288"), "{log}");
    let seen = watch(&hosts[1])?;
    let before = lab.daemon()?.wait_quiet()?;
    let frames = [1980, 1981, 1982, 1983, 2100, 64].map(frame_of);
    hosts[0].send_frames(HOST_DEVICE, &frames, 5)?;
    let whole = [&frames[0], &frames[1], &frames[5]];
    assert!(seen.wait(3)?.iter().eq(whole), "what is left is whole");
    let moved = counters_moved(&before, &lab.daemon()?.wait_quiet()?)?;
    assert_eq!(moved.get("frame_truncated"), Some(&3), "{moved:?}");
    lab.stop()?.check().map(drop)
}

/// The longest frame of the MTU arrives, and nothing is said of frames that would not.
fn the_longest_frame_arrives(link: Link, mtu: u32, arguments: &str) -> Result {
    need!(skip::LAB, "ethtool", "python3", "tcpdump");
    need!(link.need());
    let (mut lab, hosts) = pair(link, mtu, arguments)?;
    assert!(!lab.daemon()?.log().contains("framesz="));
    let seen = watch(&hosts[1])?;
    let longest = frame_of(mtu as usize + 14);
    hosts[0].send_frames(HOST_DEVICE, std::slice::from_ref(&longest), 1)?;
    assert_eq!(seen.wait(1)?, [longest]);
    lab.stop()?.check().map(drop)
}

#[test]
fn a_ring_of_larger_frames_takes_what_the_mtu_allows() -> Result {
    the_longest_frame_arrives(Link::AfPacket, 2100, ",framesz=3072,blocksz=12288")
}

/// Buffers of one page, less what XDP and the driver keep in front.
#[test]
fn net_af_xdp_takes_an_mtu_of_2794() -> Result {
    the_longest_frame_arrives(Link::AfXdp, 2794, "")
}

/// Where a buffer has no place left for what XDP keeps in front, unless the pool sees to it.
#[test]
fn net_af_xdp_takes_an_mtu_of_1900() -> Result {
    the_longest_frame_arrives(Link::AfXdp, 1900, "")
}
