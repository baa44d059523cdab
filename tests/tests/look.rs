//! A user who looks: what the switch says of packets is what the kernel's own tools find in them.

use overpath_tests::capture::{Capture, with};
use overpath_tests::command::Background;
use overpath_tests::daemon::{Daemon, binary};
use overpath_tests::lab::Link;
use overpath_tests::site::{self, HOST_DEVICE, Plan, Site, host_mac, underlay, vtep_ip, vtep_mac};
use overpath_tests::{Result, need, skip, traffic, wait};
use std::process::Command;
use std::thread;
use tempfile::TempDir;

fn ping(site: &Site, count: u32) -> Result {
    traffic::ping(site.host(1), &vtep_ip(1), count, 64)?
        .all()
        .map(drop)
}

#[test]
fn captures_are_understood_by_tcpdump_and_tshark() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "tcpdump", "tshark");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let mut port = Capture::start(daemon, &["lan1", "icmp"])?;
    let mut tunnel = Capture::start(daemon, &["tunnel", "vx10", "-c", "6"])?;
    let mut bridge = Capture::start(daemon, &["bridge", "br10"])?;
    ping(&site, 5)?;
    let said = tunnel.end()?;
    assert!(said.contains("6 packets, 0 lost"), "{said}");
    for (capture, least) in [(&mut port, 10), (&mut bridge, 20)] {
        capture.wait(least)?;
        let said = capture.stop()?;
        assert!(said.contains(" 0 lost"), "{said}");
    }

    let seen = port.tcpdump()?;
    let echoes = ["request", "reply"].map(|kind| with(&seen, &["ICMP echo", kind]).len());
    assert_eq!((echoes, seen.len()), ([5, 5], 10), "{seen:?}");
    let notes = port.tshark()?;
    let received = with(&notes, &["lan1", "verdict forwarded", "decided by"]);
    assert_eq!((received.len(), notes.len()), (5, 10), "{notes:?}");

    let seen = tunnel.tcpdump()?;
    let outer = with(&seen, &["VXLAN, flags [I] (0x08), vni 10"]);
    assert_eq!(outer.len(), 6, "{seen:?}");
    let notes = tunnel.tshark()?;
    assert_eq!(with(&notes, &["uplink"]).len(), 6, "{notes:?}");

    let notes = bridge.tshark()?;
    for port in ["uplink", "lan1"] {
        assert!(with(&notes, &[port]).len() >= 10, "{notes:?}");
    }
    site.finish()
}

#[test]
fn when_the_daemon_stops_a_capture_ends_in_good_order() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "tcpdump", "tshark");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let mut capture = Capture::start(site.lab.daemon()?, &["lan1", "icmp"])?;
    ping(&site, 3)?;
    site.finish()?;
    let said = capture.end()?;
    let end = ["6 packets, 0 lost", "; the daemon stopped"];
    assert!(end.iter().all(|part| said.contains(part)), "{said}");
    assert_eq!(capture.tcpdump()?.len(), 6);
    Ok(())
}

#[test]
fn a_capture_goes_through_a_pipe_while_packets_come() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "tcpdump");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let (program, socket) = (binary("overpath")?, daemon.socket());
    let capture = format!("{program:?} --socket {socket:?} capture lan1 icmp");
    let line = format!("{capture} | tcpdump -n -l -c 4 -r -");
    let mut shell = Command::new("sh");
    let mut pipe = Background::start(shell.args(["-c", &line]), daemon.dir(), "pipe")?;
    // Nothing tells when the capture has begun.
    wait::until_true("four packets", || {
        ping(&site, 1)?;
        Ok(pipe.ended()?.is_some())
    })?;
    let (seen, said) = (pipe.stdout(), pipe.stderr());
    assert_eq!(seen.matches("ICMP echo").count(), 4, "{seen}{said}");
    site.finish()
}

#[test]
fn a_flushed_cache_is_filled_again_and_loses_nothing() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let decap = "actions:decap,bridge(br10)";
    let shown = daemon.client(&["cache", "show"])?;
    for words in ["port(lan1)", "port(uplink)", decap, " flushed 0 "] {
        assert!(shown.contains(words), "no {words:?} in {shown}");
    }
    let said = daemon.client(&["cache", "flush"])?;
    ping(&site, 5)?;
    let again = daemon.client(&["cache", "show", "uplink", "-s"])?;
    let source = "from port uplink tunnel vx10 remote 192.0.2.1 bridge br10";
    for words in [decap, source] {
        assert!(again.contains(words), "no {words:?} in {again}");
    }
    assert!(!again.contains(" flushed 0 "), "{said}{again}");
    assert!(!again.contains("port(lan1)"), "{again}");
    site.finish()
}

/// A copy of a marked frame.
struct Marked {
    /// In nanoseconds.
    time: u64,
    port: String,
    sent: bool,
    mark: u8,
}

/// The copies of [`site::marked`] frames in a capture, whether in a tunnel or not, as they stand there.
fn marked(capture: &Capture) -> Result<Vec<Marked>> {
    let lines = capture.fields(&[
        "frame.time_epoch",
        "frame.interface_name",
        "frame.comment",
        "data.data",
    ])?;
    let copy = |line: &String| {
        let [time, port, comment, data] = line.split('\t').collect::<Vec<_>>()[..] else {
            return None;
        };
        let mark = u8::from_str_radix(data.get(..2)?, 16).ok()?;
        Some(Marked {
            time: time.replace('.', "").parse().ok()?,
            port: port.to_owned(),
            sent: comment.starts_with("sent"),
            mark,
        })
    };
    Ok(lines.iter().filter_map(copy).collect())
}

#[test]
fn a_capture_of_two_workers_has_each_copy_of_a_flood_in_its_order() -> Result {
    const FRAMES: u8 = 200;
    need!(skip::LAB, skip::VXLAN, "ethtool", "tshark");
    let site = Site::new(Plan::new(Link::AfPacket).hosts(2).workers(2))?;
    site.warm_up()?;
    let mut capture = Capture::start(site.lab.daemon()?, &["bridge", "br10"])?;
    let all: Vec<_> = (0..FRAMES)
        .map(|mark| site::marked("ff:ff:ff:ff:ff:ff", &host_mac(1), mark))
        .collect();
    for frames in all.chunks(100) {
        site.host(1).send_frames(HOST_DEVICE, frames, 0)?;
    }
    let expected = 3 * usize::from(FRAMES);
    let all = || Ok(marked(&capture).is_ok_and(|copies| copies.len() >= expected));
    wait::until_true("all copies", all)?;
    let said = capture.stop()?;
    assert!(said.contains(" 0 lost"), "{said}");

    let copies = marked(&capture)?;
    assert_eq!(copies.len(), expected);
    let of = |port: &str, sent: bool| {
        let copies = copies.iter().filter(|c| (&*c.port, c.sent) == (port, sent));
        let (marks, times): (Vec<u8>, Vec<u64>) = copies.map(|c| (c.mark, c.time)).unzip();
        assert_eq!(marks, Vec::from_iter(0..FRAMES), "{port}");
        times
    };
    let came = of("lan1", false);
    for left in [of("lan2", true), of("uplink", true)] {
        let later = came.iter().zip(&left).all(|(came, left)| came < left);
        assert!(later, "{came:?} {left:?}");
    }
    site.finish()
}

#[test]
fn a_client_that_is_killed_gives_its_capture_back() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool", "tcpdump");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let start = || Capture::start(daemon, &["lan1", "icmp"]);
    let four = (0..4).map(|_| start()).collect::<Result<Vec<_>>>()?;
    let refused = start().map(drop).expect_err("a fifth one").to_string();
    assert!(refused.contains("no room: 4 captures can run"), "{refused}");
    thread::scope(|scope| {
        let pings = scope.spawn(|| ping(&site, 40));
        for capture in four {
            capture.wait(2)?;
            capture.kill();
        }
        pings.join().map_err(|_| "the pings panicked")?
    })?;

    let four = (0..4).map(|_| wait::until_ok(start));
    for capture in &mut four.collect::<Result<Vec<_>>>()? {
        ping(&site, 1)?;
        capture.wait(2)?;
        capture.stop()?;
    }
    site.finish()
}

/// What a port received, in bytes.
fn received(daemon: &Daemon, port: &str) -> Result<u64> {
    let stats = daemon.stats()?;
    let ports = stats["ports"].as_array().ok_or("no ports")?;
    let port = ports.iter().find(|one| one["port"] == port);
    let bytes = port.and_then(|port| port["received_bytes"].as_u64());
    Ok(bytes.ok_or("no bytes")?)
}

#[test]
fn a_slow_reader_loses_copies_and_no_packets() -> Result {
    /// More than waits for a reader, in rings, pipes and sockets.
    const PLENTY: u64 = 12 << 20;
    need!(
        skip::LAB,
        skip::VXLAN,
        skip::TAP,
        "iperf3",
        "tcpdump",
        "tshark"
    );
    let site = Site::new(Plan::new(Link::Tap))?;
    // What is looked for is lost by the switch, not by a kernel that is short of CPUs.
    for host in [site.host(1), site.vtep(1)] {
        host.ip(&format!("link set {HOST_DEVICE} txqueuelen 10000"))?;
    }
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let mut capture = Capture::slow(daemon, &["lan1"])?;
    thread::scope(|scope| {
        let pings = scope.spawn(|| ping(&site, 60));
        while received(daemon, "lan1")? < PLENTY {
            traffic::iperf3(site.host(1), site.vtep(1), &vtep_ip(1), &["-b", "100M"])?;
        }
        pings.join().map_err(|_| "the pings panicked")?
    })?;

    capture.hurry();
    let lost = |notes: &[String]| !with(notes, &["copies lost before it"]).is_empty();
    wait::until_true("a copy behind a gap", || {
        ping(&site, 1)?;
        // Until all is read the file may end within a block.
        Ok(capture.tshark().is_ok_and(|notes| lost(&notes)))
    })?;
    let said = capture.stop()?;
    assert!(!said.contains(" 0 lost"), "{said}");
    let packets = capture.tcpdump()?.len();
    assert!(said.contains(&format!("{packets} packets, ")), "{said}");
    site.finish()
}

#[test]
fn packets_to_come_are_explained_with_what_decided_them() -> Result {
    need!(skip::LAB, skip::VXLAN, "ethtool");
    let site = Site::new(Plan::new(Link::AfPacket))?;
    site.warm_up()?;
    let daemon = site.lab.daemon()?;
    let dir = TempDir::new()?;
    let mut client = Command::new(binary("overpath")?);
    client.arg("--socket").arg(daemon.socket());
    client.args(["explain", "lan1", "--next", "2", "--filter", "icmp"]);
    let mut process = Background::start(&mut client, dir.path(), "explain")?;
    wait::until_true("two explanations", || {
        ping(&site, 1)?;
        Ok(process.ended()?.is_some())
    })?;
    let text = process.stdout();
    for words in [
        "2 seen, 0 lost",
        "verdict forwarded",
        "decided by entry 0:",
        "tunnel vx10",
        "cycles",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // The entry that is named is one that there is.
    let number = text.split("decided by entry ").nth(1).ok_or("no entry")?;
    let number = number.split([' ', ',', '\n']).next().unwrap_or_default();
    let said = daemon.client(&["explain", "--entry", number])?;
    assert!(said.contains("lan1") && said.contains("br10"), "{said}");
    let said = daemon.client(&["explain", "--fdb", &vtep_mac(1)])?;
    assert!(
        said.contains("vx10") && said.contains(&underlay(1)),
        "{said}"
    );
    site.finish()
}
