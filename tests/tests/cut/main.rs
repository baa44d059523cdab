//! What a guest leaves to be cut, on a net_vhost with `tso=1`, arrives as segments of TCP wherever it goes.
//!
//! The kernel of the guest hands out up to 30,000 bytes at once. What arrives at its peer is compared byte
//! by byte, and kernels take no segment whose checksum is wrong.

mod frames;
mod measure;
mod place;

use frames::{assert_cut, payload};
use overpath_tests::account::of_port;
use overpath_tests::lab::{HOST_END, Link};
use overpath_tests::site::{SWITCH, VNI, VTEP_DEVICE, host_ip, host_mac, underlay};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, capture, frame, need, skip, stream, testpmd};
use place::{Place, host_ipv6};

/// Of each stream.
const BYTES: u32 = 2_000_000;
/// Of a stream of which much is lost.
const FEW: u32 = 20_000;
/// In front of inner headers.
const OUTER: usize = 50;
/// Such a segment with IPv6 inside is as long as the underlay allows; Linux has 12 bytes of options.
const SEGMENT: u16 = 1500 - 50 - 40 - 20 - 12;

/// With both IP protocols; and what comes back is as it was.
fn a_bridged_port_gets_segments(link: Link) -> Result {
    need!(skip::LAB, "ethtool", "ping", "python3", "tcpdump");
    need!(link.need(), testpmd::PROGRAM);
    let place = Place::new(link, &["lan"], &[("guest", "tso=1", "")], "")?;
    let host = place.host("lan", 1)?;
    let mut guest = place.guest("guest", 2, 1500, Some(1400))?;
    for ip in [host_ip(1), host_ipv6(1)] {
        traffic::reach(&guest.ns, &ip)?;
        let seen = Capture::start(&host, HOST_END, "-Q in")?;
        let sent = || stream::send(&guest.ns, &host, &ip, BYTES);
        let (counted, frames) = place.watch(&seen, sent)?;
        assert_cut(&frames, 0, 1400, BYTES);
        let became = counted.became("guest")?;
        assert_eq!(counted.of("lan", "enqueued")?, became);
        let lost = counted.lost("lan")?;
        assert!(link != Link::Tap || lost == 0, "{lost}");
        assert_eq!(frames.len() as u64 + lost, became);
        assert!(counted.of("guest", "copied")? > counted.of("guest", "received")?);
    }
    for ip in [host_ip(2), host_ipv6(2)] {
        let counted = place.count(|| stream::send(&host, &guest.ns, &ip, BYTES))?;
        assert_eq!(counted.of("lan", "copied")?, 0);
    }
    let stats = place.daemon()?.wait_quiet()?;
    let received = of_port(&stats, "guest", "received")?;
    assert_eq!(guest.testpmd.counter(1, "TX-packets")?, received);
    place.finish()
}

#[test]
fn a_bridged_af_packet_gets_segments() -> Result {
    a_bridged_port_gets_segments(Link::AfPacket)
}

#[test]
fn a_bridged_tap_gets_segments() -> Result {
    a_bridged_port_gets_segments(Link::Tap)
}

/// The table of the tunnel, with such lines.
fn tunnel(lines: &str) -> String {
    let remote = underlay(1);
    format!(
        "[[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\nlocal = \"{SWITCH}\"\n\
         remotes = [\"{remote}\"]\n{lines}\n"
    )
}

/// To a kernel behind a tunnel, whose outer headers are of each segment.
fn a_tunnel_gets_segments(link: Link, checksums: bool) -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "bridge",
        "ping",
        "python3",
        "tcpdump"
    );
    need!(link.need(), testpmd::PROGRAM);
    let tunnel = tunnel(&format!("udp_checksum = {checksums}"));
    let place = Place::new(link, &["uplink"], &[("guest", "tso=1", "")], &tunnel)?;
    let vtep = place.vtep(1)?;
    let guest = place.guest("guest", 2, 1450, Some(SEGMENT))?;
    for ip in [host_ip(1), host_ipv6(1)] {
        traffic::reach(&guest.ns, &ip)?;
        let seen = Capture::start(&vtep, HOST_END, "-Q in udp dst port 4789")?;
        let sent = || stream::send(&guest.ns, &vtep, &ip, BYTES);
        let (counted, frames) = place.watch(&seen, sent)?;
        assert_cut(&frames, OUTER, SEGMENT, BYTES);
        for frame in &frames {
            // Zero is none.
            let right = frame::has_udp_checksum(frame);
            assert_eq!(
                (right, frame[40..42] == [0, 0]),
                (checksums, !checksums),
                "{frame:02x?}"
            );
        }
        let became = counted.became("guest")?;
        let lost = counted.lost("uplink")?;
        // It has no ring.
        assert!(link != Link::Tap || lost == 0, "{lost}");
        assert_eq!(frames.len() as u64 + lost, became);
        assert_eq!(counted.tunnel("packets")?, became);
        let inner: usize = frames.iter().map(|frame| frame.len() - OUTER).sum();
        let bytes = counted.tunnel("bytes")?;
        assert!(lost > 0 || bytes == inner as u64, "{bytes}, but {inner}");
        assert!(counted.of("guest", "copied")? > counted.of("guest", "received")?);
    }
    place.count(|| stream::send(&vtep, &guest.ns, &host_ip(2), BYTES))?;
    place.finish()
}

#[test]
fn a_tunnel_over_af_packet_gets_segments() -> Result {
    a_tunnel_gets_segments(Link::AfPacket, false)
}

#[test]
fn a_tunnel_over_af_packet_gets_segments_with_outer_checksums() -> Result {
    a_tunnel_gets_segments(Link::AfPacket, true)
}

#[test]
fn a_tunnel_over_tap_gets_segments() -> Result {
    a_tunnel_gets_segments(Link::Tap, false)
}

/// net_tap makes them.
#[test]
fn a_tunnel_over_tap_gets_segments_with_outer_checksums() -> Result {
    a_tunnel_gets_segments(Link::Tap, true)
}

/// The guest's queue is another worker's than that of the port by which its segments leave.
#[test]
fn another_worker_sends_segments() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "bridge",
        "ping",
        "python3",
        "tcpdump"
    );
    need!(testpmd::PROGRAM);
    let guests = [("guest", "tso=1", "")];
    let place = Place::on(2, Link::AfPacket, &["uplink"], &guests, &tunnel(""))?;
    let vtep = place.vtep(1)?;
    let guest = place.guest("guest", 2, 1450, Some(SEGMENT))?;
    traffic::reach(&guest.ns, &host_ip(1))?;
    let seen = Capture::start(&vtep, HOST_END, "-Q in udp dst port 4789")?;
    let sent = || stream::send(&guest.ns, &vtep, &host_ip(1), BYTES);
    let (counted, frames) = place.watch(&seen, sent)?;
    assert_cut(&frames, OUTER, SEGMENT, BYTES);
    let became = counted.became("guest")?;
    assert_eq!(frames.len() as u64 + counted.lost("uplink")?, became);
    let stats = place.daemon()?.stats()?;
    assert!(
        stats["events"]["handed_off"].as_u64() >= Some(became),
        "{stats}"
    );
    place.finish()
}

/// In a bridge that learns nobody each segment goes to all: two ports and a tunnel.
#[test]
fn floods_are_of_segments() -> Result {
    need!(
        skip::LAB,
        skip::VXLAN,
        "ethtool",
        "bridge",
        "ping",
        "python3",
        "tcpdump"
    );
    need!(testpmd::PROGRAM);
    let more = format!("learning = false\n{}", tunnel(""));
    let lans = ["uplink", "lan1", "lan2"];
    let place = Place::new(Link::Tap, &lans, &[("guest", "tso=1", "")], &more)?;
    let (host, other) = (place.host("lan1", 1)?, place.host("lan2", 3)?);
    let vtep = place.vtep(4)?;
    let guest = place.guest("guest", 2, 1450, Some(SEGMENT))?;
    traffic::reach(&guest.ns, &host_ip(1))?;
    let from = format!("-Q in ether src {}", host_mac(2));
    let ends = [(&other, HOST_END), (&vtep, VTEP_DEVICE)];
    let others = ends.map(|(ns, device)| Capture::start(ns, device, &from));
    let seen = Capture::start(&host, HOST_END, &from)?;
    let sent = || stream::send(&guest.ns, &host, &host_ip(1), BYTES);
    let (counted, frames) = place.watch(&seen, sent)?;
    assert_eq!(counted.lost("lan1")?, 0);
    assert_cut(&frames, 0, SEGMENT, BYTES);
    assert_eq!(counted.became("guest")?, 3 * frames.len() as u64);
    for capture in others {
        let all = capture?.settle()?;
        assert!(all.windows(frames.len()).any(|some| some == frames));
    }
    place.finish()
}

/// No guest is told that it may get what is longer than its MTU.
#[test]
fn another_guest_gets_segments() -> Result {
    need!(
        skip::LAB,
        "ethtool",
        "ping",
        "python3",
        "tcpdump",
        testpmd::PROGRAM
    );
    let guests = [("guest1", "tso=1", ""), ("guest2", "tso=1", "")];
    let place = Place::new(Link::AfPacket, &[], &guests, "")?;
    let guests = [
        place.guest("guest1", 1, 1500, Some(1400))?,
        place.guest("guest2", 2, 1500, Some(1400))?,
    ];
    for (from, to) in [(1, 2), (2, 1)] {
        let [sender, receiver] = [from, to].map(|n: u8| &guests[usize::from(n) - 1].ns);
        traffic::reach(sender, &host_ip(to))?;
        let seen = Capture::start(receiver, HOST_END, "-Q in")?;
        let sent = || stream::send(sender, receiver, &host_ip(to), BYTES);
        let (counted, frames) = place.watch(&seen, sent)?;
        assert_cut(&frames, 0, 1400, BYTES);
        let (from, to) = (format!("guest{from}"), format!("guest{to}"));
        let became = counted.became(&from)?;
        assert_eq!(counted.of(&to, "enqueued")?, became);
        assert!(frames.len() as u64 + counted.lost(&to)? <= became);
    }
    place.finish()
}

/// Where the driver does not say what is to be cut, what is longer than the MTU goes nowhere, and TCP
/// comes down to what fits.
fn long_packets_are_dropped(arguments: &str, lines: &str, command: Option<&str>) -> Result {
    need!(skip::LAB, "ethtool", "ping", "python3", testpmd::PROGRAM);
    let place = Place::new(Link::AfPacket, &["lan"], &[("guest", arguments, lines)], "")?;
    let host = place.host("lan", 1)?;
    let mut guest = place.guest("guest", 2, 1500, Some(1448))?;
    if let Some(command) = command {
        guest.set(command)?;
    }
    traffic::reach(&guest.ns, &host_ip(1))?;
    let counted = place.count(|| stream::send(&guest.ns, &host, &host_ip(1), FEW))?;
    assert_eq!(counted.reasons()?, ["mtu_exceeded"]);
    assert_eq!(counted.of("guest", "copied")?, 0);
    traffic::ping(&guest.ns, &host_ip(1), 3, 1400)?.all()?;
    place.finish()
}

#[test]
fn with_offload_off_long_packets_are_dropped() -> Result {
    long_packets_are_dropped("tso=1", "offload = \"off\"", None)
}

/// Checksums that are left open stay so there: testpmd makes those of packets that are not long.
#[test]
fn with_legacy_flags_long_packets_are_dropped() -> Result {
    long_packets_are_dropped("tso=1,legacy-ol-flags=1", "", Some("csum set tcp sw 1"))
}

/// Segments of 1 or 40 bytes would be too many, of 512 bytes are many, and of more than the MTU do not fit.
#[test]
fn a_guest_that_asks_for_odd_segments_goes_on() -> Result {
    need!(
        skip::LAB,
        "ethtool",
        "ping",
        "python3",
        "tcpdump",
        testpmd::PROGRAM
    );
    let place = Place::new(Link::AfPacket, &["lan"], &[("guest", "tso=1", "")], "")?;
    let host = place.host("lan", 1)?;
    let mut guest = place.guest("guest", 2, 1500, Some(1400))?;
    for (segment, cut) in [
        (1, false),
        (40, false),
        (512, true),
        (1500, false),
        (9000, false),
    ] {
        guest.set(&format!("tso set {segment} 1"))?;
        traffic::reach(&guest.ns, &host_ip(1))?;
        let seen = Capture::start(&host, HOST_END, "-Q in tcp")?;
        let sent = || stream::send(&guest.ns, &host, &host_ip(1), FEW);
        let (counted, frames) = place.watch(&seen, sent)?;
        let longest = frames.iter().filter_map(|frame| payload(frame, 0)).max();
        assert_eq!(longest == Some(segment), cut, "{longest:?}");
        // Of what is short enough 8 are made of any size.
        let few = counted.of("guest", "copied")? < 20;
        assert!(few != cut, "{segment}");
        let reasons = counted.reasons()?;
        assert!(cut || reasons == ["mtu_exceeded"], "{segment}: {reasons:?}");
        assert!(reasons.len() <= 1, "{segment}: {reasons:?}");
    }
    place.finish()
}

/// A user who looks sees a packet as it came, and what it became.
#[test]
fn a_capture_shows_the_packet_and_its_segments() -> Result {
    need!(
        skip::LAB,
        skip::TAP,
        "ping",
        "python3",
        "tcpdump",
        testpmd::PROGRAM
    );
    let place = Place::new(Link::Tap, &["lan"], &[("guest", "tso=1", "")], "")?;
    let host = place.host("lan", 1)?;
    let guest = place.guest("guest", 2, 1500, Some(1400))?;
    traffic::reach(&guest.ns, &host_ip(1))?;
    // Of those with payload, how many bytes, in order.
    let payloads = |capture: &mut capture::Capture| -> Result<Vec<usize>> {
        let said = capture.stop()?;
        assert!(said.contains(", 0 lost"), "{said}");
        let lines = capture.tcpdump()?;
        let from = format!("IP {}.", host_ip(2));
        let sent = lines.iter().filter(|line| line.starts_with(&from));
        let lens = sent.filter_map(|line| line.rsplit_once("length ")?.1.parse().ok());
        Ok(lens.filter(|len| *len > 0).collect())
    };
    let mut came = capture::Capture::start(place.daemon()?, &["guest"])?;
    let mut went = capture::Capture::start(place.daemon()?, &["lan"])?;
    place.count(|| stream::send(&guest.ns, &host, &host_ip(1), FEW))?;
    let (came, went) = (payloads(&mut came)?, payloads(&mut went)?);
    assert!(came.iter().any(|len| *len > 1500), "{came:?}");
    let pieces = |len: &usize| {
        (0..*len)
            .step_by(1400)
            .map(|at| (*len - at).min(1400))
            .collect()
    };
    let cut: Vec<usize> = came
        .iter()
        .flat_map(|len| -> Vec<usize> { pieces(len) })
        .collect();
    assert_eq!(went, cut);
    place.finish()
}
