//! How much is said, whatever is heard.

use super::*;
use fastpath::wire::arp::Arp;
use fastpath::wire::icmp::{Echo, Repr};
use std::collections::BTreeMap;

fn nth(n: u16) -> Ipv4Addr {
    let [high, low] = n.to_be_bytes();
    [192, 0, 16 + high, low].into()
}

/// How many of 1,000 frames at once are answered, and how many a second later.
fn answered(frame: &[u8], limited: Counter) -> [usize; 2] {
    let mut host = Host::new();
    let first = (0..1_000).map(|_| host.input(frame).len()).sum();
    assert_eq!(host.neighbours.counter(limited), 1_000 - first as u64);
    host.now += 1;
    [first, (0..10).map(|_| host.input(frame).len()).sum()]
}

#[test]
fn answers_have_a_limit() {
    let pair = Pair::new((PEER, PEER_IP), (OUR_MAC, OUR_IP));
    let echo = Repr {
        echo: Echo::Request,
        ident: 1,
        sequence: 2,
    };
    let replies = answered(&pair.arp_request(), Counter::ArpReplyLimited);
    assert_eq!(replies, [100, 1]);
    let echoes = answered(&pair.echo(echo, b"x"), Counter::EchoLimited);
    assert_eq!(echoes, [100, 1]);
}

#[test]
fn who_asks_while_too_many_ask_is_known_all_the_same() {
    let mut host = Host::new();
    let request = Pair::new((OTHER, [192, 0, 2, 9].into()), (OUR_MAC, OUR_IP)).arp_request();
    while !host.input(&request).is_empty() {}
    let pair = Pair::new((PEER, PEER_IP), (OUR_MAC, OUR_IP));
    assert_eq!(host.input(&pair.arp_request()), []);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Stale));
}

/// Lets time pass from deadline to deadline until `end`, and counts the requests to each.
fn run(host: &mut Host, end: u64, asked: &mut BTreeMap<Ipv4Addr, u32>) {
    loop {
        let mut at_once = 0;
        for output in host.taken() {
            if let Output::Send { frame, .. } = output {
                at_once += 1;
                let target = Arp::new(&frame[14..]).unwrap().target_ip();
                *asked.entry(target).or_default() += 1;
            }
        }
        assert!(at_once <= 50, "{at_once} at {}", host.now);
        let due = host.neighbours.next_deadline().unwrap();
        if due > end {
            return;
        }
        host.now = due.max(host.now + 1);
        host.neighbours.tick(host.now, &mut host.out);
    }
}

#[test]
fn a_thousand_unresolved_are_asked_in_turn_and_none_is_left_out() {
    let mut host = Host::new();
    for n in 0..1_000 {
        host.neighbours.want(nth(n), host.now, &mut host.out);
    }
    let start = host.now;
    let mut asked = BTreeMap::new();
    run(&mut host, start + 1_902, &mut asked);
    assert_eq!(asked.len(), 1_000);
    let total = |asked: &BTreeMap<_, u32>| asked.values().sum::<u32>();
    assert!(total(&asked) <= 1_002, "50 at once and 500 a second");
    run(&mut host, start + 12_000, &mut asked);
    assert!(total(&asked) <= 50 + 12 * 500);
    assert!(
        asked.values().all(|times| (4..=6).contains(times)),
        "{asked:?}"
    );
    assert!(host.neighbours.counter(Counter::ArpRequestDelayed) >= 950);
}

#[test]
fn who_is_not_needed_any_more_is_not_asked_when_its_turn_comes() {
    let mut host = Host::new();
    for n in 0..100 {
        host.neighbours.want(nth(n), host.now, &mut host.out);
    }
    for n in 0..100 {
        host.neighbours.unwant(nth(n));
    }
    let (mut asked, end) = (BTreeMap::new(), host.now + 10_000);
    host.neighbours.want(PEER_IP, host.now, &mut host.out);
    run(&mut host, end, &mut asked);
    assert_eq!(asked.len(), 51);
    assert!(asked.contains_key(&PEER_IP));
    assert_eq!(host.neighbours.table.len(), 1, "the others are forgotten");
}

#[test]
fn who_answers_while_the_next_request_waits_is_not_asked_again() {
    let mut host = Host::new();
    assert_eq!(host.want(PEER_IP), [question(), changed(None)]);
    host.now += 1_000;
    for n in 0..50 {
        host.neighbours.want(nth(n), host.now, &mut host.out);
    }
    host.neighbours.tick(host.now, &mut host.out);
    host.taken();
    assert_eq!(host.neighbours.queue, [PEER_IP]);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    assert!(host.neighbours.queue.is_empty());
}

#[test]
fn who_is_on_no_link_any_more_does_not_wait_for_its_turn() {
    let mut host = Host::new();
    for n in 0..100 {
        host.neighbours.want(nth(n), host.now, &mut host.out);
    }
    assert_eq!(host.neighbours.queue.len(), 50);
    host.set_up(0, false);
    assert_eq!(host.neighbours.queue.len(), 0);
    host.set_up(0, true);
    assert_eq!(host.neighbours.queue.len(), 100);
}

#[test]
fn many_links_come_up_and_all_are_probed_and_announced() {
    const LINKS: u16 = 1_200;
    let mut host = Host::empty();
    for n in 0..LINKS {
        let own = Prefix::new(nth(n), 32).unwrap();
        let settings = LinkSettings {
            place: vlan(0, n + 1),
            mac: OUR_MAC,
            prefixes: &[own],
        };
        let (now, out) = (host.now, &mut host.out);
        let id = link(usize::from(n));
        host.neighbours.add_link(id, settings, now, out);
        host.neighbours.set_link_up(id, true, now, out);
    }
    let mut sent: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
    for ms in 0..20_000 {
        for output in host.taken() {
            if let Output::Send { frame, .. } = output {
                let target = Arp::new(&frame[18..]).unwrap().target_ip();
                *sent.entry(target).or_default() += 1;
            }
        }
        host.now += 1;
        host.neighbours.tick(host.now, &mut host.out);
        assert!(host.out.len() <= 50);
        assert!(ms < 2_400 || sent.len() == usize::from(LINKS), "in turn");
    }
    assert!(sent.values().all(|times| *times == 5), "{sent:?}");
    assert!(host.neighbours.counter(Counter::AnnouncementDelayed) > 0);
    assert_eq!(host.neighbours.next_deadline(), None);
}
