//! Everything is replaced again and again, beyond what there are numbers for: nobody is taken for who
//! had the number before.

use crate::common::{Station, Switch, asked, from_peer, is_probe, opened, peer, station, sums};
use crate::numbers::{bridges, ports, remotes, tunnels};
use control::api::messages::{BridgeStats, PortStats, Stats, Traffic};
use control::change::Done;
use control::config::Wanted;
use fastpath::ids::{BridgeId, PortId, RemoteId, TunnelId};
use fastpath::wire::arp::Arp;
use fastpath::wire::craft::Pair;

/// Longer than a number rests.
const RESTED: u64 = 4_100;
const TURNS: usize = 16;
/// Nobody answers for it.
const SILENT: u8 = 250;

const UPLINK: &str = "[[port]]\nname = \"uplink\"\ndevice = \"heap0\"\nmtu = 1600\n\
    addresses = [\"192.0.2.2/24\"]\n";

/// What is there in a turn: two guests, an underlay port, a bridge, a tunnel with a remote, and static
/// entries that lead to a guest, to the remote, and to one that nobody answers for.
fn turn(number: usize) -> String {
    let to = peer(remote(number)).1;
    let entry = |mac: u8, to: &str| {
        format!("[[fdb]]\nbridge = \"br-{number}\"\nmac = \"02:00:00:00:02:{mac:02x}\"\n{to}\n")
    };
    let far = |to| format!("tunnel = \"vx-{number}\"\nremote = \"{to}\"");
    format!(
        "{UPLINK}[[port]]\nname = \"a-{number}\"\ndevice = \"heap1\"\n\
         [[port]]\nname = \"b-{number}\"\ndevice = \"heap2\"\n\
         [[port]]\nname = \"u-{number}\"\ndevice = \"heap3\"\naddresses = [\"198.51.100.2/24\"]\n\
         [[bridge]]\nname = \"br-{number}\"\nports = [\"a-{number}\", \"b-{number}\"]\n\
         [[tunnel]]\nname = \"vx-{number}\"\nbridge = \"br-{number}\"\nvni = 10\n\
         local = \"192.0.2.2\"\nremotes = [\"{to}\"]\n{}{}{}",
        entry(1, &format!("port = \"b-{number}\"")),
        entry(2, &far(to)),
        entry(3, &far(peer(SILENT).1)),
    )
}

/// The remote of a turn.
fn remote(number: usize) -> u8 {
    11 + (number % 5) as u8
}

/// The station that is heard of in a turn only.
fn heard(number: usize) -> Station {
    station(100 + number as u8)
}

/// A frame that says in which turn it was sent.
fn frame(from: Station, to: Station, number: usize) -> Vec<u8> {
    Pair::new(from, to).udp(1, 2, &[number as u8; 64])
}

fn sent_in(frame: &[u8]) -> usize {
    frame[frame.len() - 1].into()
}

/// All numbers that there are were somebody's once.
fn use_up(switch: &mut Switch) {
    let all = [
        format!("{UPLINK}{}", ports(4..PortId::LIMIT + 3)),
        format!("{UPLINK}{}", bridges(0..BridgeId::LIMIT)),
        format!(
            "{UPLINK}[[bridge]]\nname = \"br10\"\n{}{}",
            tunnels(0..TunnelId::LIMIT),
            remotes(0..RemoteId::LIMIT)
        ),
    ];
    for config in all {
        switch.rig.leap(RESTED);
        assert_eq!(switch.apply(&config), Ok(Done::default()));
        assert_eq!(switch.apply(UPLINK), Ok(Done::default()));
    }
    switch.rig.leap(RESTED);
}

fn both(rx: Traffic, tx: Traffic) -> Vec<u64> {
    vec![rx.packets, rx.bytes, tx.packets, tx.bytes]
}

fn of_port(p: &PortStats) -> Vec<u64> {
    vec![
        p.received,
        p.sent,
        p.enqueued,
        p.forwarded,
        p.received_bytes,
    ]
}

fn of_bridge(b: &BridgeStats) -> Vec<u64> {
    vec![b.received, b.copied, b.sent, b.fdb.learned]
}

fn plus(one: Vec<u64>, other: Vec<u64>) -> Vec<u64> {
    match one.is_empty() {
        true => other,
        false => one.iter().zip(other).map(|(a, b)| a + b).collect(),
    }
}

/// What ports, bridges, tunnels and links counted whose names end with `-number`, and what all did
/// that are gone.
fn with_gone(stats: &Stats, number: usize) -> [Vec<u64>; 4] {
    let ends = format!("-{number}");
    let gone = &stats.gone;
    let ports = stats.ports.iter().filter(|port| port.port.ends_with(&ends));
    let bridges = stats.bridges.iter().filter(|b| b.bridge.ends_with(&ends));
    let tunnels = stats.tunnels.iter().filter(|t| t.tunnel.ends_with(&ends));
    let links = stats.links.iter().filter(|link| link.port.ends_with(&ends));
    [
        ports.map(of_port).fold(of_port(&gone.ports), plus),
        bridges.map(of_bridge).fold(of_bridge(&gone.bridges), plus),
        tunnels
            .map(|t| both(t.rx, t.tx))
            .fold(both(gone.tunnels_rx, gone.tunnels_tx), plus),
        links
            .map(|link| both(link.rx, link.tx))
            .fold(both(gone.links_rx, gone.links_tx), plus),
    ]
}

/// What the guests, the bridge and the tunnel of a turn counted.
fn counted(stats: &Stats, number: usize) -> [Vec<u64>; 3] {
    let is_guest =
        |name: &str| [format!("a-{number}"), format!("b-{number}")].contains(&name.into());
    let guests = stats.ports.iter().filter(|port| is_guest(&port.port));
    let [bridge] = &stats.bridges[..] else {
        panic!("{:?}", stats.bridges);
    };
    let [tunnel] = &stats.tunnels[..] else {
        panic!("{:?}", stats.tunnels);
    };
    let guests = guests.map(of_port).fold(Vec::new(), plus);
    [guests, of_bridge(bridge), both(tunnel.rx, tunnel.tx)]
}

/// Answers those that ask for the remote of a turn, and nobody else.
fn answer(switch: &mut Switch, number: usize) {
    switch.rig.leap(1_000);
    for (port, frame) in switch.out() {
        if asked(&frame) == Some(remote(number)) && !is_probe(&frame) {
            let own = Arp::new(&frame[14..]).unwrap();
            let asker = (own.sender_mac(), own.sender_ip());
            let reply = Pair::new(peer(remote(number)), asker).arp_reply();
            switch.rig.send(&port, &reply);
        }
    }
    switch.settle();
}

/// What leaves of a frame: by which guest, or to which remote.
fn leaves(switch: &mut Switch, port: &str, frame: &[u8]) -> Vec<(String, Vec<u8>)> {
    let out = switch.pass(port, frame).into_iter();
    let mut out: Vec<_> = out
        .map(|(port, frame)| match port.as_str() {
            "uplink" => (opened(&frame).0.to_string(), opened(&frame).1.to_vec()),
            _ => (port, frame),
        })
        .collect();
    out.sort();
    out
}

/// Frames of a turn between its guests and its remote go where they are to, and count for who is there
/// now.
#[track_caller]
fn traffic(switch: &mut Switch, number: usize) {
    let (a, b) = (format!("a-{number}"), format!("b-{number}"));
    let far = peer(remote(number)).1.to_string();
    // A static entry leads to a guest, another to the remote; who was heard of before is nowhere.
    let local = frame(heard(number), station(1), number);
    assert_eq!(leaves(switch, &a, &local), [(b.clone(), local)]);
    let away = frame(heard(number), station(2), number);
    assert_eq!(leaves(switch, &a, &away), [(far.clone(), away)]);
    let back = frame(station(2), heard(number), number);
    let outer = from_peer(remote(number), &back);
    assert_eq!(leaves(switch, "uplink", &outer), [(a.clone(), back)]);
    let former = frame(station(1), heard((number + 99) % 100), number);
    let flooded = [(far, former.clone()), (a, former.clone())];
    assert_eq!(leaves(switch, &b, &former), flooded);
    let [guests, bridge, tunnel] = counted(&switch.rig.stats(), number);
    assert_eq!(
        guests[..4],
        [3, 3, 3, 3],
        "received, sent, enqueued, forwarded"
    );
    assert_eq!(bridge, [4, 1, 5, 1], "received, copied, sent, learned");
    assert_eq!([tunnel[0], tunnel[2]], [1, 2], "received, sent");
}

/// No frame of an earlier turn leaves, by whatever port.
#[track_caller]
fn expect_none_before(switch: &mut Switch, number: usize) {
    for (port, frame) in switch.out() {
        let inner = match port.as_str() {
            "uplink" if frame.len() > 114 => opened(&frame).1,
            _ => &frame[..],
        };
        let is_ours = inner.len() >= 106;
        assert!(!is_ours || sent_in(inner) >= number, "{port}: {frame:?}");
    }
}

#[test]
fn who_has_a_number_begins_at_zero_and_gets_nothing_of_the_one_before() {
    let mut switch = Switch::cold(Wanted::parse(UPLINK, "test").unwrap(), 2);
    switch.probe_all();
    use_up(&mut switch);
    let mut before = with_gone(&switch.rig.stats(), TURNS);
    let mut waited = 0;
    for number in 0..TURNS {
        // In every other turn frames for who was heard of go on while everything is replaced.
        let last = number.checked_sub(1).filter(|_| number % 2 == 1);
        let done = switch.apply_while(&turn(number), |switch| {
            if let Some(last) = last {
                let frame = frame(station(2), heard(last), last);
                switch.rig.send("uplink", &from_peer(remote(last), &frame));
                expect_none_before(switch, last);
            }
        });
        assert_eq!(done, Ok(Done::default()));
        expect_none_before(&mut switch, number.saturating_sub(1));
        let stats = switch.rig.stats();
        sums::assert_closed(&stats, false);
        if last.is_none() {
            let fresh = counted(&stats, number);
            assert!(fresh.iter().flatten().all(|n| *n == 0), "{fresh:?}");
            let gone = with_gone(&stats, TURNS);
            assert_eq!(gone, before, "turn {number}");
        }
        for _ in 0..3 {
            answer(&mut switch, number);
        }
        if last.is_none() {
            traffic(&mut switch, number);
        }
        let learned = frame(heard(number), station(1), number);
        switch.pass(&format!("a-{number}"), &learned);
        switch.probe_all();
        // This one waits for somebody who does not answer until it is gone.
        let silent = frame(heard(number), station(3), number);
        switch.pass(&format!("a-{number}"), &silent);
        waited += switch.rig.stats().account.held;
        before = with_gone(&switch.rig.stats(), number);
    }
    assert!(waited > 0);
    switch.settle();
    switch.close();
}
