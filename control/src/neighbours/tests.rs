//! The switch as a host, seen from outside.

use super::*;
use crate::api::messages::NeighbourState;
use fastpath::wire::VlanId;
use fastpath::wire::craft::Pair;

mod belief;
mod duplicates;
mod errors;
mod frames;
mod limits;
mod noise;
mod permanent;
mod room;
mod talk;
mod vlans;
mod ways;

const OUR_MAC: Mac = Mac::new([2, 0, 0, 0, 0, 2]);
const OUR_IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const PEER_IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
const OTHER: Mac = Mac::new([2, 0, 0, 0, 0, 9]);

fn port(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn link(number: usize) -> LinkId {
    LinkId::new(number).unwrap()
}

/// Untagged, on the port of the same number.
fn place(number: usize) -> Place {
    Place {
        port: port(number),
        vlan: None,
    }
}

fn vlan(number: usize, vlan: u16) -> Place {
    Place {
        port: port(number),
        vlan: VlanId::new(vlan),
    }
}

/// A switch with one link, 192.0.2.2/16 (so that 65,000 may be on it), and a clock.
struct Host {
    neighbours: Neighbours,
    now: u64,
    out: Vec<Output>,
    /// What has been counted before.
    before: Vec<u64>,
}

impl Host {
    /// With an address that is ours alone.
    fn new() -> Self {
        let mut host = Host::empty();
        host.link(0, place(0), OUR_MAC, &["192.0.2.2/16"]);
        host.settled()
    }

    fn empty() -> Self {
        Host {
            neighbours: Neighbours::new(),
            now: 1_000_000,
            out: Vec::new(),
            before: vec![0; Counter::ALL.len()],
        }
    }

    /// Puts a link in, and up.
    fn link(&mut self, number: usize, place: Place, mac: Mac, prefixes: &[&str]) -> Vec<Output> {
        let prefixes: Vec<_> = prefixes.iter().map(|text| prefix(text)).collect();
        let settings = LinkSettings {
            place,
            mac,
            prefixes: &prefixes,
        };
        let (now, out) = (self.now, &mut self.out);
        self.neighbours.add_link(link(number), settings, now, out);
        self.neighbours.set_link_up(link(number), true, now, out);
        self.taken()
    }

    fn set_up(&mut self, number: usize, up: bool) -> Vec<Output> {
        let (now, out) = (self.now, &mut self.out);
        self.neighbours.set_link_up(link(number), up, now, out);
        self.taken()
    }

    /// Once the addresses are probed and announced; that is not counted.
    fn settled(mut self) -> Self {
        for _ in 0..5 {
            self.now += 2_000;
            self.neighbours.tick(self.now, &mut self.out);
        }
        self.out.clear();
        let counters = self.neighbours.counters();
        self.before = counters.map(|(_, count)| count).collect();
        self
    }

    fn want(&mut self, address: Ipv4Addr) -> Vec<Output> {
        self.neighbours.want(address, self.now, &mut self.out);
        self.taken()
    }

    fn needed(&mut self, address: Ipv4Addr) -> Vec<Output> {
        self.neighbours.needed(address, self.now, &mut self.out);
        self.taken()
    }

    fn input(&mut self, frame: &[u8]) -> Vec<Output> {
        self.neighbours
            .input(port(0), frame, self.now, &mut self.out);
        self.taken()
    }

    /// Goes on by `ms`, with a tick just before the end and one at it; only the last may do
    /// anything.
    fn after(&mut self, ms: u64) -> Vec<Output> {
        self.now += ms - 1;
        self.neighbours.tick(self.now, &mut self.out);
        assert_eq!(self.out, [], "too early");
        self.now += 1;
        self.neighbours.tick(self.now, &mut self.out);
        self.taken()
    }

    /// The only hop to `destination`.
    fn hop(&self, destination: Ipv4Addr) -> Hop {
        let way = self.neighbours.way(destination);
        assert!(way.len() <= 1);
        way.first().copied().flatten()
    }

    fn taken(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    fn state(&self, address: Ipv4Addr) -> Option<NeighbourState> {
        let rows = self.neighbours.show(|port| format!("p{port}"));
        let row = rows.into_iter().find(|row| row.address == address)?;
        assert_eq!(row.port, "p0");
        if let [hop] = self.neighbours.way(address)[..] {
            assert_eq!(row.mac, hop.map(|(_, mac)| mac));
        }
        Some(row.state)
    }

    /// The counters that are not zero.
    fn counted(&self) -> Vec<(&'static str, u64)> {
        let counters = self.neighbours.counters().zip(&self.before);
        counters
            .map(|((name, count), before)| (name, count - before))
            .filter(|(_, count)| *count != 0)
            .collect()
    }
}

fn send(frame: Vec<u8>) -> Output {
    let port = port(0);
    Output::Send { port, frame }
}

/// The way to 192.0.2.1, by itself.
fn changed(mac: Option<Mac>) -> Output {
    way(PEER_IP, &[mac.map(|mac| (link(0), mac))])
}

fn way(destination: Ipv4Addr, hops: &[Hop]) -> Output {
    let hops = hops.iter().copied().collect();
    Output::Way { destination, hops }
}

/// Who has 192.0.2.1? From us to all.
fn question() -> Output {
    send(Pair::new((OUR_MAC, OUR_IP), (PEER, PEER_IP)).arp_request())
}

/// The same to one station.
fn question_to(mac: Mac) -> Output {
    let mut frame = Pair::new((OUR_MAC, OUR_IP), (PEER, PEER_IP)).arp_request();
    frame[..6].copy_from_slice(&mac.bytes());
    send(frame)
}

/// 192.0.2.1 is at `mac`. To us.
fn answer(mac: Mac) -> Vec<u8> {
    Pair::new((mac, PEER_IP), (OUR_MAC, OUR_IP)).arp_reply()
}

/// The same to all: gratuitous.
fn announcement(mac: Mac) -> Vec<u8> {
    Pair::new((mac, PEER_IP), (mac, PEER_IP)).arp_request()
}

#[test]
fn who_answers_is_reachable() {
    let mut host = Host::new();
    assert_eq!(host.want(PEER_IP), [question(), changed(None)]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.hop(PEER_IP), None);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    assert_eq!(host.hop(PEER_IP), Some((link(0), PEER)));
    assert_eq!(host.after(30_000), [question_to(PEER)]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
    assert_eq!(host.input(&answer(PEER)), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    assert_eq!(host.counted(), [("arp_request_sent", 2)]);
}

#[test]
fn who_never_answers_has_failed_and_is_asked_now_and_then() {
    let mut host = Host::new();
    assert_eq!(host.want(PEER_IP), [question(), changed(None)]);
    for _ in 0..2 {
        assert_eq!(host.after(1_000), [question()]);
    }
    assert_eq!(host.after(1_000), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Failed));
    for _ in 0..3 {
        assert_eq!(host.after(5_000), [question()]);
    }
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
}

#[test]
fn who_falls_silent_is_asked_in_unicast_then_by_all_and_has_failed() {
    let mut host = Host::new();
    host.want(PEER_IP);
    host.input(&answer(PEER));
    assert_eq!(host.after(30_000), [question_to(PEER)]);
    for _ in 0..2 {
        assert_eq!(host.after(1_000), [question_to(PEER)]);
    }
    for _ in 0..3 {
        assert_eq!(host.after(1_000), [question()]);
        assert_eq!(host.hop(PEER_IP), Some((link(0), PEER)));
    }
    assert_eq!(host.after(1_000), [changed(None)]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Failed));
    assert_eq!(
        host.input(&announcement(PEER)),
        [changed(Some(PEER)), question_to(PEER)]
    );
}

#[test]
fn packets_make_us_ask_at_once_but_once_a_second() {
    let mut host = Host::new();
    host.want(PEER_IP);
    for _ in 0..3 {
        // Packets do not keep the timer from running out.
        host.now += 500;
        assert_eq!(host.needed(PEER_IP), []);
        host.now += 500;
        host.neighbours.tick(host.now, &mut host.out);
        host.taken();
    }
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Failed));
    assert_eq!(host.needed(PEER_IP), [question()]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));

    // Back to failed, then asked by its timer: a packet right after it has to wait.
    let outputs = [
        host.after(1_000),
        host.after(1_000),
        host.after(1_000),
        host.after(5_000),
    ];
    assert_eq!(outputs.concat(), [question(), question(), question()]);
    host.now += 999;
    assert_eq!(host.needed(PEER_IP), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Failed));
    host.now += 1;
    assert_eq!(host.needed(PEER_IP), [question()]);
    assert_eq!(
        host.counted(),
        [("arp_request_sent", 8), ("arp_request_suppressed", 1)]
    );
    assert_eq!(host.needed([192, 0, 2, 77].into()), [], "nobody wants it");
}

#[test]
fn wants_are_counted_and_the_unwanted_is_not_asked() {
    let mut host = Host::new();
    assert_eq!(host.want(PEER_IP), [question(), changed(None)]);
    assert_eq!(host.want(PEER_IP), []);
    host.input(&answer(PEER));
    host.neighbours.unwant(PEER_IP);
    assert_eq!(
        host.after(30_000),
        [question_to(PEER)],
        "one still wants it"
    );
    host.neighbours.unwant(PEER_IP);
    host.neighbours.unwant(PEER_IP);
    assert_eq!(host.after(1_000), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
    assert_eq!(host.input(&announcement(OTHER)), [], "nobody to tell");
    assert_eq!(
        host.want(PEER_IP),
        [question_to(OTHER), changed(Some(OTHER))],
        "still known, and worth a question"
    );
    host.neighbours.unwant(PEER_IP);
    assert_eq!(host.after(1_000), []);
    assert_eq!(host.after(60_000), []);
    assert_eq!(host.state(PEER_IP), None);
    assert_eq!(host.neighbours.next_deadline(), None);
}

#[test]
fn a_way_needs_a_link() {
    let mut host = Host::new();
    let far = Ipv4Addr::new(198, 51, 100, 1);
    for no in [
        far,
        OUR_IP,
        [192, 0, 255, 255].into(),
        [192, 0, 0, 0].into(),
    ] {
        assert_eq!(host.want(no), [], "{no}");
        assert_eq!(host.needed(no), [], "{no}");
    }
    assert_eq!(host.neighbours.show(|_| String::new()), []);

    // A link comes up that it is on.
    let asks = Pair::new((OTHER, [198, 51, 100, 2].into()), (PEER, far));
    let frame = asks.arp_request();
    let out = host.link(1, place(1), OTHER, &["198.51.100.2/24"]);
    let send = Output::Send {
        port: port(1),
        frame,
    };
    assert_eq!(out[..2], [send, way(far, &[None])]);
    let (now, out) = (host.now, &mut host.out);
    host.neighbours
        .input(port(1), &asks.reversed().arp_reply(), now, out);
    assert_eq!(host.taken(), [way(far, &[Some((link(1), PEER))])]);

    // The link goes, and takes its neighbours with it; others stay.
    host.want(PEER_IP);
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.remove_link(link(1), now, out);
    assert_eq!(host.taken(), [way(far, &[])]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.hop(far), None);
}

#[test]
fn a_link_that_was_away_starts_anew() {
    let mut host = Host::new();
    host.want(PEER_IP);
    host.input(&answer(PEER));
    assert_eq!(host.set_up(0, false), [way(PEER_IP, &[])]);
    assert_eq!(host.after(60_000), []);
    assert_eq!(host.input(&answer(PEER)), []);
    let out = host.set_up(0, true);
    assert_eq!(out[..2], [question(), changed(None)]);
    let counted = [("arp_request_sent", 2), ("probe_sent", 1), ("link_down", 1)];
    assert_eq!(host.counted(), counted);
}

#[test]
fn a_changed_address_of_ours_is_used_for_the_next_question() {
    let mut host = Host::new();
    host.want(PEER_IP);
    let out = host.link(0, place(0), OTHER, &["192.0.2.3/24"]);
    assert_eq!(out.len(), 1, "a probe; the neighbour is where it was");
    let asks = |to| Pair::new((OTHER, [192, 0, 2, 3].into()), (PEER, to)).arp_request();
    assert!(host.after(1_000).contains(&send(asks(PEER_IP))));
    // What we had is an address like any other.
    let out = host.want(OUR_IP);
    assert_eq!(out, [send(asks(OUR_IP)), way(OUR_IP, &[None])]);
}
