//! Destinations behind gateways.

use super::*;

const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);

fn gateway(n: u8) -> Ipv4Addr {
    [192, 0, 2, n].into()
}

fn mac(n: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, n])
}

fn hop(n: u8) -> Hop {
    Some((link(0), mac(n)))
}

impl Host {
    fn route(&mut self, to: &str, via: &[Ipv4Addr]) -> Vec<Output> {
        let (now, out) = (self.now, &mut self.out);
        self.neighbours
            .add_route(prefix(to), via, now, out)
            .unwrap();
        self.taken()
    }

    fn unroute(&mut self, to: &str) -> Vec<Output> {
        let (now, out) = (self.now, &mut self.out);
        assert!(self.neighbours.del_route(prefix(to), now, out));
        self.taken()
    }

    /// A gateway answers.
    fn answers(&mut self, n: u8) -> Vec<Output> {
        self.input(&Pair::new((mac(n), gateway(n)), (OUR_MAC, OUR_IP)).arp_reply())
    }

    /// What is said of ways.
    fn ways(out: Vec<Output>) -> Vec<Output> {
        let way = |output: &Output| matches!(output, Output::Way { .. });
        out.into_iter().filter(way).collect()
    }
}

#[test]
fn a_gateway_leads_to_what_is_behind_it() {
    let mut host = Host::new();
    host.route("10.0.0.0/8", &[PEER_IP]);
    assert_eq!(host.want(FAR), [question(), way(FAR, &[None])]);
    assert_eq!(host.answers(1), [way(FAR, &[hop(1)])]);
    host.now += 1_000;
    let moved = [way(FAR, &[Some((link(0), OTHER))]), question_to(OTHER)];
    assert_eq!(host.input(&announcement(OTHER)), moved);
    host.neighbours.unwant(FAR);
    assert_eq!(host.after(1_000), [], "nobody needs the gateway");
    assert_eq!(host.neighbours.way(FAR)[..], []);
}

#[test]
fn all_gateways_lead_there_in_the_order_of_the_route() {
    let mut host = Host::new();
    host.route("10.0.0.0/8", &[gateway(5), gateway(3), gateway(4)]);
    assert_eq!(Host::ways(host.want(FAR)), [way(FAR, &[None, None, None])]);
    assert_eq!(host.answers(3), [way(FAR, &[None, hop(3), None])]);
    assert_eq!(host.answers(5), [way(FAR, &[hop(5), hop(3), None])]);
    assert_eq!(host.answers(5), [], "no news");
    let eight: Vec<_> = (11..19).map(gateway).collect();
    assert_eq!(
        Host::ways(host.route("10.9.0.0/16", &eight)),
        [way(FAR, &[None; 8])]
    );
    let before = [hop(5), hop(3), None];
    assert_eq!(Host::ways(host.unroute("10.9.0.0/16")), [way(FAR, &before)]);
}

#[test]
fn a_gateway_of_ten_thousand_is_asked_once_and_all_are_told() {
    let mut host = Host::new();
    host.route("10.0.0.0/8", &[PEER_IP]);
    let far = |n: u32| Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits() + n);
    assert_eq!(host.want(far(0)), [question(), way(far(0), &[None])]);
    for n in 1..10_000 {
        assert_eq!(host.want(far(n)), [way(far(n), &[None])]);
    }
    let told: Vec<_> = (0..10_000).map(|n| way(far(n), &[hop(1)])).collect();
    assert_eq!(host.answers(1), told);
    assert_eq!(host.neighbours.table.len(), 1);
    for n in 0..9_999 {
        host.neighbours.unwant(far(n));
    }
    host.now += 1_000;
    let last = way(far(9_999), &[Some((link(0), OTHER))]);
    assert_eq!(host.input(&announcement(OTHER))[..1], [last]);
}

#[test]
fn routes_come_and_go() {
    let mut host = Host::new();
    assert_eq!(host.want(FAR), [], "no route, which is nothing new");
    let first = [question(), way(FAR, &[None])];
    assert_eq!(host.route("0.0.0.0/0", &[PEER_IP]), first);
    host.answers(1);
    assert_eq!(
        Host::ways(host.route("10.9.9.0/24", &[gateway(7)])),
        [way(FAR, &[None])]
    );
    assert_eq!(
        host.route("10.0.0.0/8", &[gateway(8)]),
        [],
        "shorter, so not used"
    );
    let back = [way(FAR, &[hop(1)])];
    host.unroute("10.0.0.0/8");
    assert_eq!(Host::ways(host.unroute("10.9.9.0/24")), back);
    assert_eq!(host.unroute("0.0.0.0/0"), [way(FAR, &[])]);
    let (now, out) = (host.now, &mut host.out);
    assert!(!host.neighbours.del_route(prefix("0.0.0.0/0"), now, out));
    assert_eq!(host.neighbours.routes().count(), 0);
    // What is connected is not led astray.
    host.want(PEER_IP);
    assert_eq!(host.route("192.0.0.0/16", &[gateway(7)]), []);
    assert_eq!(
        Host::ways(host.route("192.0.2.1/32", &[gateway(7)])),
        [changed(None)]
    );
}

#[test]
fn a_gateway_that_loses_its_link_leads_nowhere() {
    let mut host = Host::new();
    let our_other = Mac::new([2, 0, 0, 0, 0, 0x42]);
    host.link(1, place(1), our_other, &["203.0.113.1/24"]);
    let mut host = host.settled();
    let other = Ipv4Addr::new(203, 0, 113, 7);
    host.route("10.0.0.0/8", &[PEER_IP, other]);
    host.route("0.0.0.0/0", &[gateway(9)]);
    host.want(FAR);
    host.answers(1);
    let pair = Pair::new((mac(7), other), (our_other, [203, 0, 113, 1].into()));
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.input(port(1), &pair.arp_reply(), now, out);
    let both = [hop(1), Some((link(1), mac(7)))];
    assert_eq!(host.taken(), [way(FAR, &both)]);
    assert_eq!(host.set_up(1, false), [way(FAR, &[hop(1)])]);
    let again = Host::ways(host.set_up(1, true));
    assert_eq!(
        again,
        [way(FAR, &[hop(1), None])],
        "others may be there now"
    );
    // With no gateway left the shorter route counts.
    host.set_up(1, false);
    assert_eq!(
        Host::ways(host.route("10.0.0.0/8", &[other])),
        [way(FAR, &[None])]
    );
    assert_eq!(host.answers(9), [way(FAR, &[hop(9)])]);
    assert_eq!(host.set_up(0, false), [way(FAR, &[])]);
}

#[test]
fn a_packet_that_waits_makes_us_ask_all_gateways() {
    let mut host = Host::new();
    host.route("10.0.0.0/8", &[gateway(3), gateway(4)]);
    host.want(FAR);
    for _ in 0..3 {
        host.now += 1_000;
        host.neighbours.tick(host.now, &mut host.out);
    }
    host.taken();
    assert_eq!(host.state(gateway(3)), Some(NeighbourState::Failed));
    assert_eq!(host.needed(FAR).len(), 2);
    assert_eq!(host.needed(FAR), [], "once a second");
    host.answers(3);
    host.now += 1_000;
    assert_eq!(host.needed(FAR), []);
}

#[test]
fn who_is_known_already_leads_there_at_once() {
    let mut host = Host::new();
    host.input(&Pair::new((PEER, PEER_IP), (OUR_MAC, OUR_IP)).arp_request());
    host.want(FAR);
    let out = host.route("0.0.0.0/0", &[PEER_IP]);
    assert_eq!(out, [question_to(PEER), way(FAR, &[hop(1)])]);
}
