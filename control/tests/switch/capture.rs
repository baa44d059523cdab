//! Captures of a whole switch: which packets are in the file, and what is said of each.

use crate::common::{LAN, Switch, from_peer, from_to, station, to_mac, vxlan};
use crate::readers::printed;
use control::api::messages::{Capture, Method, Reply, Subject};
use control::config::Wanted;
use control::trace::recording::{Next, Recording};
use fastpath::drop::DropReason;
use fastpath::wire::craft::Pair;

const REMOTE: &str = "remotes = [\"192.0.2.1\"]";

fn asked(of: &str, filter: &str) -> Capture {
    let name = |text: &str| text.parse().unwrap();
    let of = match of.split_once(' ') {
        Some(("port", text)) => Subject::Port(name(text)),
        Some(("bridge", text)) => Subject::Bridge(name(text)),
        Some(("tunnel", text)) => Subject::Tunnel(name(text)),
        Some(("drops", text)) => Subject::Drops(DropReason::named(text)),
        _ if of == "drops" => Subject::Drops(None),
        _ => Subject::Named(name(of)),
    };
    Capture {
        filter: filter.to_owned(),
        ..Capture::of(of)
    }
}

/// A capture, and the bytes of its file so far.
pub(crate) struct Running(Recording, Vec<u8>);

impl Running {
    fn start(switch: &mut Switch, capture: Capture) -> Self {
        let Some(Reply::Capturing(feed)) = switch.rig.ask(Method::CaptureStart(capture)) else {
            panic!("refused");
        };
        // The workers take their taps.
        switch.rig.run(1);
        Running(Recording::new(*feed).unwrap(), Vec::new())
    }

    pub(crate) fn of(switch: &mut Switch, of: &str) -> Self {
        Self::start(switch, asked(of, ""))
    }

    fn fill(&mut self) -> Next {
        let next = self.0.fill().unwrap();
        self.1.append(self.0.buffer());
        next
    }

    /// Each copy as `port: comment`, with its bytes.
    pub(crate) fn copies(self) -> Vec<(String, Vec<u8>)> {
        copies(&self.file())
    }

    /// The whole file.
    fn file(mut self) -> Vec<u8> {
        while self.fill() == Next::Fill {}
        self.0.finish().unwrap();
        self.1.append(self.0.buffer());
        self.1
    }

    /// [`Running::copies`], of which tshark and tcpdump see the same.
    fn end(self) -> Vec<(String, Vec<u8>)> {
        let file = self.file();
        let copies = copies(&file);
        let lines: Vec<_> = copies.iter().map(|(text, _)| text.as_str()).collect();
        let fields = [
            "-T",
            "fields",
            "-e",
            "frame.interface_name",
            "-e",
            "frame.comment",
        ];
        let separated = ["-E", "separator=|", "-n", "-r", "-"];
        if let Some(shown) = printed("tshark", &[&fields[..], &separated].concat(), &file) {
            let shown: Vec<_> = shown.lines().map(|line| line.replace('|', ": ")).collect();
            assert_eq!(shown, lines);
        }
        if let Some(shown) = printed("tcpdump", &["-n", "-tt", "-r", "-"], &file) {
            // What is inside of others is on lines of its own, without a time.
            let begin = |line: &&str| line.split(' ').next().unwrap().parse::<f64>().is_ok();
            assert_eq!(shown.lines().filter(begin).count(), lines.len(), "{shown}");
        }
        copies
    }

    /// The same, without what decided: of each copy as much as `expected` says, and its bytes.
    #[track_caller]
    fn expect(self, expected: &[(&str, &[u8])]) {
        let copies = self.end();
        let texts: Vec<_> = copies.iter().map(|(text, _)| text).collect();
        assert_eq!(copies.len(), expected.len(), "{texts:?}");
        for ((text, bytes), (begin, frame)) in copies.iter().zip(expected) {
            assert!(text.starts_with(begin), "{text} is not {begin}");
            assert_eq!(bytes, frame, "{text}");
        }
    }
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The value of the first option of this code.
fn option(mut options: &[u8], wanted: usize) -> String {
    loop {
        let head = number(options, 0);
        let (code, len) = (head & 0xffff, head >> 16);
        if code == wanted {
            return String::from_utf8(options[4..4 + len].to_vec()).unwrap();
        }
        options = &options[4 + len.next_multiple_of(4)..];
    }
}

fn copies(mut file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut names, mut copies) = (Vec::new(), Vec::new());
    while !file.is_empty() {
        let (block, rest) = file.split_at(number(file, 4));
        match number(block, 0) {
            1 => names.push(option(&block[16..], 2)),
            6 => {
                let kept = number(block, 20);
                let comment = option(&block[28 + kept.next_multiple_of(4)..], 1);
                let port = &names[number(block, 8)];
                copies.push((format!("{port}: {comment}"), block[28..28 + kept].to_vec()));
            }
            _ => {}
        }
        file = rest;
    }
    copies
}

#[test]
fn a_port_is_captured_on_both_sides() {
    for workers in [1, 3] {
        let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), workers);
        let running = Running::of(&mut switch, "port a");
        let (there, back, other) = (from_to(1, 2), from_to(2, 1), to_mac(3, station(2).0));
        switch.pass("a", &there);
        switch.pass("b", &back);
        switch.pass("c", &other);
        let own = to_mac(1, station(1).0);
        switch.pass("a", &own);
        running.expect(&[
            ("a: received, verdict forwarded", &there),
            ("a: sent, queue ", &back),
            ("a: received, verdict dropped, reason same_port", &own),
        ]);
        switch.close();
    }
}

#[test]
fn drops_are_captured_wherever_they_are() {
    let mut switch = Switch::new(&vxlan(REMOTE));
    let all = Running::of(&mut switch, "drops");
    let one = Running::of(&mut switch, "drops vni_unknown");
    let good = from_to(1, 2);
    switch.pass("a", &good);
    let mut unknown = from_peer(1, &good);
    unknown[46..49].copy_from_slice(&[0, 0, 99]);
    // The checksum covers the VNI; zero is none.
    unknown[40..42].fill(0);
    switch.pass("uplink", &unknown);
    let own = to_mac(1, station(1).0);
    switch.pass("a", &own);
    let vni = "uplink: received, verdict dropped, reason vni_unknown";
    one.expect(&[(vni, &unknown)]);
    all.expect(&[
        (vni, &unknown),
        ("a: received, verdict dropped, reason same_port", &own),
    ]);
    switch.close();
}

#[test]
fn what_waited_in_vain_is_captured_twice() {
    let mut switch = Switch::cold(Wanted::parse(&vxlan(REMOTE), "test").unwrap(), 1);
    let running = Running::of(&mut switch, "port a");
    let frame = from_to(1, 2);
    switch.pass("a", &frame);
    switch.rig.leap(10_000);
    let copies = running.end();
    let texts: Vec<_> = copies.iter().map(|(text, _)| text.as_str()).collect();
    assert!(copies.iter().all(|(_, bytes)| *bytes == frame), "{texts:?}");
    assert_eq!(texts.len(), 2, "{texts:?}");
    let late = "a: received, verdict dropped, reason neighbour_unresolved";
    assert!(texts[0].starts_with("a: received, ") && texts[0] != late);
    assert_eq!(texts[1], late);
    switch.close();
}

#[test]
fn there_is_room_for_four_and_for_another_when_one_ends() {
    let mut switch = Switch::new(&vxlan(REMOTE));
    let begin = |switch: &mut Switch| Running::of(switch, "port uplink");
    let mut running: Vec<_> = (0..3).map(|_| begin(&mut switch)).collect();
    running.push(Running::of(&mut switch, "b"));
    let refused = |switch: &mut Switch| {
        let capture = Method::CaptureStart(asked("a", ""));
        switch.rig.refusal(capture).unwrap_or_default()
    };
    let text = refused(&mut switch);
    let who = "now run: port uplink, port uplink, port uplink, port b";
    assert!(
        text.starts_with("no room: 4 captures can run") && text.ends_with(who),
        "{text}"
    );
    running.remove(0);
    switch.rig.run(2);
    running.push(Running::of(&mut switch, "drops"));
    assert!(refused(&mut switch).ends_with("port uplink, port uplink, port b, drops"));
    // All of them see what they are for.
    let frame = Pair::new(station(1), station(2)).udp(1000, 2000, &[7; 7]);
    switch.pass("a", &frame);
    let counts: Vec<_> = running
        .into_iter()
        .map(|running| running.end().len())
        .collect();
    assert_eq!(counts, [1, 1, 1, 0]);
    switch.close();
}

#[test]
fn nobody_waits_for_a_capture_that_is_not_taken() {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 1);
    let mut running = Running::of(&mut switch, "port a");
    let frame = from_to(1, 2);
    for _ in 0..100 {
        for _ in 0..100 {
            assert!(switch.rig.send("a", &frame));
        }
        switch.rig.run(1);
        assert_eq!(switch.out().len(), 200);
    }
    while running.fill() == Next::Fill {}
    switch.pass("a", &frame);
    let copies = copies(&running.file());
    assert_eq!(copies.len(), 8192 + 1);
    let (last, before) = copies.split_last().unwrap();
    assert!(
        last.0.ends_with(", 1808 copies lost before it"),
        "{}",
        last.0
    );
    assert!(before.iter().all(|(text, _)| !text.contains("lost")));
    switch.close();
}

#[cfg(feature = "libpcap")]
#[test]
fn a_bridge_is_captured_with_what_its_tunnels_carry() {
    let second = "[[tunnel]]\nname = \"vx11\"\nbridge = \"br11\"\nvni = 11\nlocal = \"192.0.2.2\"\n\
        accept = \"any\"\n[[bridge]]\nname = \"br11\"\n";
    let mut switch = Switch::new(&vxlan(&format!("{REMOTE}\n{second}")));
    let bridge = Running::of(&mut switch, "br10");
    let tunnel = Running::of(&mut switch, "vx10");
    let some = Running::start(&mut switch, asked("tunnel vx10", "src host 192.0.2.1"));
    let inner = from_to(7, 1);
    let outer = from_peer(1, &inner);
    let local = switch.pass("uplink", &outer);
    assert_eq!(local.len(), 2, "flooded to both");
    let back = from_to(1, 7);
    let out = switch.pass("a", &back);
    let [(port, encapsulated)] = &out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(port, "uplink");
    // Of another tunnel, and of none.
    let mut other = outer.clone();
    other[46..49].copy_from_slice(&[0, 0, 11]);
    other[40..42].fill(0);
    switch.pass("uplink", &other);
    switch.pass("uplink", &from_to(1, 2));
    let came = "uplink: received, verdict forwarded";
    some.expect(&[(came, &outer)]);
    tunnel.expect(&[(came, &outer), ("uplink: sent", encapsulated)]);
    let mut copies = bridge.end();
    // They come in at one time and by several taps.
    copies.sort();
    // By whom, and by which queue, is told at the end.
    let texts = copies.iter().map(|(text, _)| {
        let (text, by) = text.split_once(", queue 0, worker 0").unwrap();
        assert_eq!(by, "");
        text.split(", decided").next().unwrap()
    });
    let expected = [
        "a: received, verdict forwarded",
        "a: sent",
        "b: sent",
        came,
        "uplink: sent",
    ];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
    let frames: Vec<_> = copies.iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(frames, [&back, &inner, &inner, &outer, encapsulated]);
    switch.close();
}

/// By the innermost headers, as the operations manual has it.
#[test]
fn what_left_and_what_came_in_for_it_are_found_together() {
    let mut switch = Switch::new(&vxlan(REMOTE));
    let running = Running::start(&mut switch, Capture::of(Subject::All));
    let frames = [from_peer(1, &from_to(7, 1)), from_to(1, 7)];
    assert_eq!(switch.pass("uplink", &frames[0]).len(), 2);
    assert_eq!(switch.pass("a", &frames[1]).len(), 1);
    let fields = ["eth.src", "ip.src", "ip.dst", "ip.id", "frame.comment"];
    let mut arguments = vec!["-r", "-", "-E", "occurrence=l", "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let shown = printed("tshark", &arguments, &running.file());
    switch.close();
    let Some(shown) = shown else { return };
    let mut found = std::collections::BTreeMap::<_, Vec<_>>::new();
    for line in shown.lines() {
        let (frame, comment) = line.rsplit_once('\t').unwrap();
        let side = comment.split(", ").next().unwrap();
        found.entry(frame).or_default().push(side);
    }
    let sides: Vec<_> = found.into_values().collect();
    assert_eq!(
        sides,
        [vec!["received", "sent"], vec!["received", "sent", "sent"]]
    );
}

#[cfg(feature = "libpcap")]
#[test]
fn a_filter_and_a_limit_of_bytes_hold() {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 1);
    let capture = Capture {
        snap: std::num::NonZeroU16::new(20).unwrap(),
        ..asked("a", "udp")
    };
    let running = Running::start(&mut switch, capture);
    let (udp, other) = (from_to(1, 2), to_mac(1, station(2).0));
    switch.pass("a", &other);
    switch.pass("a", &udp);
    running.expect(&[("a: received, verdict forwarded", &udp[..20])]);
    switch.close();
}
