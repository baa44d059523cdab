//! The switch as a host, seen from outside.

use super::table::EVICTED_AT_ONCE;
use super::*;
use crate::api::messages::NeighbourState;
use fastpath::wire::craft::Pair;

mod frames;
mod noise;
mod talk;

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

/// A switch with one port, 192.0.2.2/16 (so that 65,000 may be on its link), and a clock.
struct Host {
    neighbours: Neighbours,
    now: u64,
    out: Vec<Output>,
}

impl Host {
    fn new() -> Self {
        let mut host = Host {
            neighbours: Neighbours::new(),
            now: 1_000_000,
            out: Vec::new(),
        };
        let own = [prefix("192.0.2.2/16")];
        host.neighbours
            .add_port(port(0), OUR_MAC, &own, host.now, &mut host.out);
        host.neighbours
            .set_link(port(0), true, host.now, &mut host.out);
        host
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

    fn taken(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    fn state(&self, address: Ipv4Addr) -> Option<NeighbourState> {
        let rows = self.neighbours.show(|port| format!("p{port}"));
        let row = rows.into_iter().find(|row| row.address == address)?;
        assert_eq!(row.port, "p0");
        assert_eq!(
            row.mac,
            self.neighbours.next_hop(address).map(|(_, mac)| mac)
        );
        Some(row.state)
    }

    /// The counters that are not zero.
    fn counted(&self) -> Vec<(&'static str, u64)> {
        self.neighbours
            .counters()
            .filter(|(_, count)| *count != 0)
            .collect()
    }
}

fn send(frame: Vec<u8>) -> Output {
    let port = port(0);
    Output::Send { port, frame }
}

fn changed(mac: Option<Mac>) -> Output {
    let next_hop = mac.map(|mac| (port(0), mac));
    let address = PEER_IP;
    Output::Changed { address, next_hop }
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
    assert_eq!(host.want(PEER_IP), [question()]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.neighbours.next_hop(PEER_IP), None);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    assert_eq!(host.neighbours.next_hop(PEER_IP), Some((port(0), PEER)));
    assert_eq!(host.after(30_000), [question_to(PEER)]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
    assert_eq!(host.input(&answer(PEER)), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    assert_eq!(host.counted(), [("arp_request_sent", 2)]);
}

#[test]
fn who_never_answers_has_failed_and_is_asked_now_and_then() {
    let mut host = Host::new();
    assert_eq!(host.want(PEER_IP), [question()]);
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
        assert_eq!(host.neighbours.next_hop(PEER_IP), Some((port(0), PEER)));
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
fn a_new_link_address_counts_at_once() {
    let mut host = Host::new();
    host.want(PEER_IP);
    host.input(&answer(PEER));
    // Said unasked: used, and asked whether it is true, not more than once a second.
    host.now += 1_000;
    assert_eq!(
        host.input(&announcement(OTHER)),
        [changed(Some(OTHER)), question_to(OTHER)]
    );
    assert_eq!(host.input(&announcement(OTHER)), []);
    assert_eq!(host.input(&announcement(PEER)), [changed(Some(PEER))]);
    assert_eq!(host.after(1_000), [question_to(PEER)]);
    // Said when asked.
    assert_eq!(host.input(&answer(OTHER)), [changed(Some(OTHER))]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Reachable));
    // A late second answer is one unasked.
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
    let moved = [
        ("arp_request_sent", 3),
        ("arp_request_suppressed", 2),
        ("neighbour_moved", 4),
    ];
    assert_eq!(host.counted(), moved);
}

#[test]
fn wants_are_counted_and_the_unwanted_is_not_asked() {
    let mut host = Host::new();
    assert_eq!(host.want(PEER_IP), [question()]);
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
        [question_to(OTHER)],
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

    // A port comes up on whose link it is.
    let (now, out) = (host.now, &mut host.out);
    host.neighbours
        .add_port(port(1), OTHER, &[prefix("198.51.100.2/24")], now, out);
    assert_eq!(*out, []);
    host.neighbours.set_link(port(1), true, now, out);
    let asks = Pair::new((OTHER, [198, 51, 100, 2].into()), (PEER, far));
    let frame = asks.arp_request();
    assert_eq!(
        *out,
        [Output::Send {
            port: port(1),
            frame
        }]
    );
    host.taken();
    let next_hop = Some((port(1), PEER));
    host.neighbours
        .input(port(1), &asks.reversed().arp_reply(), now, &mut host.out);
    assert_eq!(
        host.taken(),
        [Output::Changed {
            address: far,
            next_hop
        }]
    );

    // The port goes, and takes its neighbours with it; others stay.
    host.want(PEER_IP);
    host.neighbours.remove_port(port(1), now, &mut host.out);
    assert_eq!(
        host.taken(),
        [Output::Changed {
            address: far,
            next_hop: None
        }]
    );
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.neighbours.next_hop(far), None);
}

#[test]
fn a_link_that_was_away_starts_anew() {
    let mut host = Host::new();
    host.want(PEER_IP);
    host.input(&answer(PEER));
    host.neighbours
        .set_link(port(0), false, host.now, &mut host.out);
    assert_eq!(host.taken(), [changed(None)]);
    assert_eq!(host.after(60_000), []);
    assert_eq!(host.input(&answer(PEER)), []);
    host.neighbours
        .set_link(port(0), true, host.now, &mut host.out);
    assert_eq!(host.taken(), [question()]);
    assert_eq!(host.counted(), [("arp_request_sent", 2), ("port_down", 1)]);
}

#[test]
fn a_changed_address_of_ours_is_used_for_the_next_question() {
    let mut host = Host::new();
    host.want(PEER_IP);
    let own = [prefix("192.0.2.3/24")];
    host.neighbours
        .add_port(port(0), OTHER, &own, host.now, &mut host.out);
    assert_eq!(host.taken(), [], "the neighbour is where it was");
    let frame = Pair::new((OTHER, [192, 0, 2, 3].into()), (PEER, PEER_IP)).arp_request();
    assert_eq!(host.after(1_000), [send(frame)]);
}

fn nth(n: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(192, 0, 16, 0).to_bits() + n as u32)
}

/// The `n`th stranger asks for our address.
fn stranger(n: usize) -> Vec<u8> {
    Pair::new((OTHER, nth(n)), (OUR_MAC, OUR_IP)).arp_request()
}

#[test]
fn strangers_give_way_oldest_first_and_the_wanted_never() {
    let mut host = Host::new();
    host.want(PEER_IP);
    for n in 1..Neighbours::MAX {
        host.now += 1;
        host.input(&stranger(n));
    }
    host.now += 1;
    host.input(&stranger(1));
    assert_eq!(host.neighbours.table.len(), Neighbours::MAX);
    host.input(&stranger(5_000));
    assert_eq!(
        host.neighbours.table.len(),
        Neighbours::MAX + 1 - EVICTED_AT_ONCE
    );
    assert_eq!(
        host.neighbours.counter(Counter::NeighbourEvicted),
        EVICTED_AT_ONCE as u64
    );
    let gone: Vec<usize> = (1..Neighbours::MAX)
        .filter(|n| host.state(nth(*n)).is_none())
        .collect();
    assert_eq!(
        gone,
        (2..2 + EVICTED_AT_ONCE).collect::<Vec<_>>(),
        "1 was heard again"
    );
    assert!(host.state(PEER_IP).is_some() && host.state(nth(5_000)).is_some());
}

#[test]
fn the_wanted_wait_for_room() {
    let mut host = Host::new();
    for n in 0..Neighbours::MAX {
        host.want(nth(n));
    }
    assert_eq!(host.want(PEER_IP), []);
    assert_eq!(host.state(PEER_IP), None);
    assert_eq!(
        host.input(&stranger(5_000)).len(),
        1,
        "answered, not remembered"
    );
    assert_eq!(host.neighbours.counter(Counter::NeighbourTableFull), 2);
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.taken(), []);
    host.neighbours.unwant(nth(7));
    assert!(host.neighbours.next_deadline().unwrap() <= host.now);
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.taken(), [question()]);
    assert_eq!(host.state(nth(7)), None);
    assert_eq!(host.neighbours.table.len(), Neighbours::MAX);
}
