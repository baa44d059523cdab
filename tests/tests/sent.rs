//! Checksums that the switch makes, or leaves to its driver, before a kernel that drops what is wrong.

use overpath_tests::lab::{HOST_END, Link};
use overpath_tests::site::{Plan, Site, host_ip, vtep_ip};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, frame, need, skip};

const SENT: &str = "-Q in udp dst port 4789 and src host 192.0.2.254";

fn outer_checksums_are_right(link: Link, port: &'static str) -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "iperf3",
        "ping",
        "tcpdump"
    );
    need!(link.need());
    let plan = Plan::new(link).port(port).tunnel("udp_checksum = true");
    let site = Site::new(plan)?;
    site.warm_up()?;
    let (vtep, host) = (site.vtep(1), site.host(1));
    let sent = Capture::start(vtep, HOST_END, SENT)?;
    for payload in [64, 65, 1422] {
        traffic::ping(host, &vtep_ip(1), 3, payload)?.all()?;
        traffic::ping(vtep, &host_ip(1), 3, payload)?.all()?;
    }
    for frame in sent.wait(18)? {
        assert!(frame::has_udp_checksum(&frame), "{frame:02x?}");
    }
    traffic::iperf3(host, vtep, &vtep_ip(1), &["-t", "1"])?;
    site.finish()
}

#[test]
fn outer_checksums_are_made_by_net_tap() -> Result {
    outer_checksums_are_right(Link::Tap, "")
}

#[test]
fn outer_checksums_are_made_by_us_with_offload_off() -> Result {
    outer_checksums_are_right(Link::Tap, "offload = \"off\"")
}

#[test]
fn outer_checksums_are_made_by_us_for_net_af_packet() -> Result {
    outer_checksums_are_right(Link::AfPacket, "")
}
