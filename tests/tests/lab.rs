//! The lab proves itself: testpmd, a plain wire, stands where overpathd will. If these fail, no
//! failure of the other tests says anything about overpath.

use overpath_tests::lab::{self, Lab, Link, Segment};
use overpath_tests::netns::Netns;
use overpath_tests::testpmd::{self, Testpmd};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, frame, need, skip};

/// Two kernel VTEPs with a wire between them, made of two ports of `link`.
fn two_vteps_over_a_wire(link: Link) -> Result {
    let mut lab = Lab::new(link)?;
    let (underlay, _) = link.mtus();
    let ports = [lab.port("left", underlay)?, lab.port("right", underlay)?];
    let devices = [ports[0].device(), ports[1].device()];
    let mut wire = Testpmd::start(Some(lab.switch()), &devices, "io")?;
    wire.tell("start")?;
    let hosts = [Netns::new("left")?, Netns::new("right")?];
    for (n, (port, host)) in ports.iter().zip(&hosts).enumerate() {
        let (mine, other) = (n + 1, 2 - n);
        let address = format!("192.0.2.{mine}/24");
        lab.plug(
            port,
            host,
            &format!("02:00:00:00:01:0{mine}"),
            Some(&address),
        )?;
        let (local, remote) = (format!("192.0.2.{mine}"), format!("192.0.2.{other}"));
        let mac = format!("02:00:00:00:00:0{mine}");
        lab::kernel_vxlan(
            host,
            10,
            (&local, &[&remote]),
            &mac,
            &format!("10.0.0.{mine}/24"),
        )?;
    }
    traffic::ping(&hosts[0], "10.0.0.2", 5, 1450)?.all()?;
    traffic::iperf3(&hosts[0], &hosts[1], "10.0.0.2", &[])?;
    traffic::iperf3(
        &hosts[1],
        &hosts[0],
        "10.0.0.1",
        &["-u", "-b", "10M", "-l", "1200"],
    )?;
    Ok(())
}

#[test]
fn kernel_vteps_talk_through_a_wire_of_taps() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        skip::VXLAN,
        testpmd::PROGRAM,
        "iperf3"
    );
    two_vteps_over_a_wire(Link::Tap)
}

#[test]
fn kernel_vteps_talk_through_a_wire_of_veths() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        testpmd::PROGRAM,
        "iperf3",
        "ethtool"
    );
    two_vteps_over_a_wire(Link::AfPacket)
}

#[test]
fn a_segment_connects_hosts_and_captures_show_raw_frames() -> Result {
    need!(skip::LAB, "tcpdump", "ethtool");
    let segment = Segment::new(1500)?;
    let (a, b) = (Netns::new("a")?, Netns::new("b")?);
    segment.host(&a, "a", "02:00:00:00:00:01", "192.0.2.1/24")?;
    segment.host(&b, "b", "02:00:00:00:00:02", "192.0.2.2/24")?;
    traffic::ping(&a, "192.0.2.2", 2, 56)?.all()?;
    traffic::ping_with(&a, "192.0.2.9", 1, &["-W", "1"])?.none()?;
    let capture = Capture::start(&b, lab::HOST_END, "ether proto 0x88b5")?;
    let sent = frame::ethernet(frame::mac(2), frame::mac(1), 0x88b5, &[7; 46]);
    a.send_frames(lab::HOST_END, &[sent.clone(), sent.clone()], 1)?;
    assert_eq!(capture.wait(2)?, [sent.clone(), sent]);
    Ok(())
}

#[test]
fn a_namespace_is_gone_when_dropped() -> Result {
    need!(skip::LAB);
    let ns = Netns::new("gone")?;
    let name = ns.name().to_owned();
    let there = || std::path::Path::new("/run/netns").join(&name).exists();
    assert!(there());
    drop(ns);
    assert!(!there());
    Ok(())
}
