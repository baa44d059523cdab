//! The lab proves itself: testpmd, a plain wire, stands where overpathd will. If these fail, no
//! failure of the other tests says anything about overpath.

use overpath_tests::command::Background;
use overpath_tests::lab::{self, Lab, Link, Segment};
use overpath_tests::netns::Netns;
use overpath_tests::testpmd::{self, Testpmd};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, frame, need, skip, wait};

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

/// Answers each echo request to its host, the second after 300 ms.
const LATE: &str = r"
import socket, struct, time
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print('listening', flush=True)
while True:
    packet, (sender, _) = raw.recvfrom(9216)
    if packet[20] != 8:
        continue
    if struct.unpack('!H', packet[26:28])[0] == 2:
        time.sleep(0.3)
    # Another type is all that changes: the one's complement sum of RFC 792 goes up by its 8 << 8.
    total = struct.unpack('!H', packet[22:24])[0] + 0x800
    total = (total & 0xffff) + (total >> 16)
    raw.sendto(b'\0\0' + struct.pack('!H', total) + packet[24:], (sender, 0))
";

/// A stalled machine is no lost packet.
#[test]
fn a_late_answer_is_an_answer() -> Result {
    need!(skip::LAB, "ping", "python3", "ethtool");
    let segment = Segment::new(1500)?;
    let (a, b) = (Netns::new("a")?, Netns::new("b")?);
    segment.host(&a, "a", "02:00:00:00:00:01", "192.0.2.1/24")?;
    segment.host(&b, "b", "02:00:00:00:00:02", "192.0.2.2/24")?;
    b.write_proc("net/ipv4/icmp_echo_ignore_all", "1")?;
    let dir = tempfile::tempdir()?;
    let late = Background::start(b.command("python3").args(["-c", LATE]), dir.path(), "late")?;
    wait::until_true("the late one to listen", || {
        Ok(late.stdout().contains("listening"))
    })?;
    traffic::ping(&a, "192.0.2.2", 3, 56)?.all().map(drop)
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
