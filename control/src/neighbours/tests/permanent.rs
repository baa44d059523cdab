//! Neighbours whose link addresses are set by hand.

use super::*;
use crate::api::messages::NeighbourHappened;

fn of(place: Place, address: Ipv4Addr, mac: Mac) -> Permanent {
    Permanent {
        place,
        address,
        mac,
    }
}

impl Host {
    /// Sets the link address of 192.0.2.1.
    fn set(&mut self, mac: Mac) -> Vec<Output> {
        self.set_at(place(0), PEER_IP, mac)
    }

    fn set_at(&mut self, place: Place, address: Ipv4Addr, mac: Mac) -> Vec<Output> {
        let (now, out) = (self.now, &mut self.out);
        let neighbour = of(place, address, mac);
        assert!(self.neighbours.set_permanent(neighbour, now, out));
        self.taken()
    }

    fn unset(&mut self) -> Vec<Output> {
        let (now, out) = (self.now, &mut self.out);
        assert!(self.neighbours.unset_permanent(place(0), PEER_IP, now, out));
        self.taken()
    }

    fn heard(&mut self) -> Vec<(NeighbourHappened, NeighbourState)> {
        let (news, more) = self.neighbours.news(|_| String::new());
        assert_eq!(more, 0);
        news.into_iter()
            .map(|news| (news.event, news.neighbour.state))
            .collect()
    }
}

const PERMANENT: Option<NeighbourState> = Some(NeighbourState::Permanent);

#[test]
fn who_is_set_is_never_asked_and_never_forgotten() {
    let mut host = Host::new();
    assert_eq!(host.set(PEER), [], "nobody needs it");
    assert_eq!(host.state(PEER_IP), PERMANENT);
    assert_eq!(host.want(PEER_IP), [changed(Some(PEER))]);
    assert_eq!(host.needed(PEER_IP), []);
    assert_eq!(host.neighbours.next_deadline(), None);
    host.now += 1_000_000_000;
    host.neighbours.tick(host.now, &mut host.out);
    assert_eq!(host.taken(), []);
    host.neighbours.unwant(PEER_IP);
    assert_eq!(host.after(1_000_000_000), []);
    assert_eq!(host.state(PEER_IP), PERMANENT);
    assert_eq!(host.counted(), []);
}

#[test]
fn who_is_set_takes_the_place_of_what_is_known() {
    // Asked and not answered; answered; failed; heard once, and wanted by nobody.
    let mut asked = Host::new();
    asked.want(PEER_IP);
    let mut known = Host::new();
    known.want(PEER_IP);
    known.input(&answer(OTHER));
    let mut failed = Host::new();
    failed.want(PEER_IP);
    for _ in 0..3 {
        failed.after(1_000);
    }
    assert_eq!(failed.state(PEER_IP), Some(NeighbourState::Failed));
    for mut host in [asked, known, failed] {
        assert_eq!(host.set(PEER), [changed(Some(PEER))]);
        assert_eq!(host.after(1_000_000), []);
        assert_eq!(host.neighbours.next_deadline(), None);
        assert_eq!(host.set(PEER), [], "no news");
        assert_eq!(host.set(OTHER), [changed(Some(OTHER))], "at once");
        assert_eq!(host.hop(PEER_IP), Some((link(0), OTHER)));
    }
    let mut heard = Host::new();
    heard.input(&Pair::new((OTHER, PEER_IP), (OUR_MAC, OUR_IP)).arp_request());
    assert_eq!(heard.set(PEER), []);
    assert_eq!(heard.after(60_000), []);
    assert_eq!(heard.want(PEER_IP), [changed(Some(PEER))]);
}

#[test]
fn who_waits_for_its_turn_is_not_asked_once_it_is_set() {
    let mut host = Host::new();
    for n in 0..60 {
        host.want([192, 0, 9, n].into());
    }
    assert_eq!(host.want(PEER_IP), [changed(None)], "its turn comes later");
    assert_eq!(host.set(PEER), [changed(Some(PEER))]);
    assert_eq!(host.neighbours.queue.len(), 60 - 50);
    host.now += 1_000;
    host.neighbours.tick(host.now, &mut host.out);
    assert!(!host.taken().contains(&question()));
}

#[test]
fn nothing_that_is_said_changes_who_is_set() {
    let mut host = Host::new();
    host.set(PEER);
    host.want(PEER_IP);
    let request = |mac| Pair::new((mac, PEER_IP), (OUR_MAC, OUR_IP)).arp_request();
    let reply = Pair::new((OUR_MAC, OUR_IP), (OTHER, PEER_IP)).arp_reply();
    for frame in [answer(OTHER), announcement(OTHER)] {
        host.now += 10_000;
        assert_eq!(host.input(&frame), []);
    }
    assert_eq!(host.input(&request(OTHER)), [send(reply)], "it is answered");
    assert_eq!(
        host.counted(),
        [("arp_request_answered", 1), ("arp_permanent", 3)]
    );
    // What it says itself is nothing new.
    assert_eq!(host.input(&announcement(PEER)), []);
    assert_eq!(host.input(&request(PEER)).len(), 1);
    assert_eq!(host.input(&answer(PEER)), []);
    assert_eq!(
        host.counted(),
        [
            ("arp_request_answered", 2),
            ("arp_unasked", 1),
            ("arp_permanent", 3)
        ]
    );
    assert_eq!(host.state(PEER_IP), PERMANENT);
    assert_eq!(host.hop(PEER_IP), Some((link(0), PEER)));
    assert_eq!(host.neighbours.next_deadline(), None);
}

#[test]
fn who_is_set_no_more_is_asked_for_if_it_is_needed() {
    let mut host = Host::new();
    host.set(PEER);
    host.want(PEER_IP);
    assert_eq!(host.unset(), [question(), changed(None)]);
    assert_eq!(host.state(PEER_IP), Some(NeighbourState::Incomplete));
    assert_eq!(host.input(&answer(OTHER)), [changed(Some(OTHER))]);
    let (now, out) = (host.now, &mut host.out);
    assert!(!host.neighbours.unset_permanent(place(0), PEER_IP, now, out));
    assert_eq!(host.hop(PEER_IP), Some((link(0), OTHER)), "it was not set");
    // Nobody needs it.
    let mut host = Host::new();
    host.set(PEER);
    assert_eq!(host.unset(), []);
    assert_eq!(host.state(PEER_IP), None);
    assert_eq!(host.want(PEER_IP), [question(), changed(None)]);
}

#[test]
fn who_is_set_comes_and_goes_with_its_link() {
    let mut host = Host::new();
    host.set(PEER);
    host.want(PEER_IP);
    assert_eq!(host.set_up(0, false), [way(PEER_IP, &[])]);
    let shown = host.neighbours.show(|port| format!("p{port}"));
    assert_eq!((shown.len(), shown[0].mac), (1, Some(PEER)), "still set");
    let out = host.set_up(0, true);
    assert!(out.contains(&changed(Some(PEER))), "{out:?}");
    assert!(!out.contains(&question()), "{out:?}");
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.remove_link(link(0), now, out);
    assert_eq!(host.taken(), [way(PEER_IP, &[])]);
    assert_eq!(host.neighbours.table.len(), 0);
    // It was set for another link, too, and that is the one that there is.
    host.set_at(vlan(0, 20), PEER_IP, OTHER);
    let out = host.link(1, vlan(0, 20), OUR_MAC, &["192.0.2.2/24"]);
    let there = way(PEER_IP, &[Some((link(1), OTHER))]);
    assert!(out.contains(&there), "{out:?}");
    let settings = LinkSettings {
        place: place(0),
        mac: OUR_MAC,
        prefixes: &[prefix("192.0.2.3/24")],
    };
    let (now, out) = (host.now, &mut host.out);
    host.neighbours.add_link(link(1), settings, now, out);
    let here = way(PEER_IP, &[Some((link(1), PEER))]);
    assert!(host.taken().contains(&here), "the link is elsewhere now");
}

#[test]
fn who_is_set_where_it_is_not_is_found_out_where_it_is() {
    let mut host = Host::new();
    host.set_at(vlan(0, 20), PEER_IP, OTHER);
    assert_eq!(host.want(PEER_IP), [question(), changed(None)]);
    assert_eq!(host.input(&answer(PEER)), [changed(Some(PEER))]);
    let shown = host.neighbours.show(|port| format!("p{port}"));
    let shown: Vec<_> = shown.iter().map(|row| (row.vlan, row.mac)).collect();
    assert_eq!(shown, [(None, Some(PEER)), (Some(20), Some(OTHER))]);
    // Tag 0 says nothing but a priority.
    assert_eq!(
        host.set_at(vlan(0, 0), PEER_IP, OTHER),
        [changed(Some(OTHER))]
    );
    for nobody in [OUR_IP, [192, 0, 0, 0].into(), [10, 0, 0, 1].into()] {
        assert_eq!(host.set_at(place(0), nobody, PEER), []);
        assert!(host.want(nobody).is_empty(), "{nobody}");
    }
}

#[test]
fn gateways_that_are_set_lead_to_what_is_behind_them() {
    let mut host = Host::new();
    let far = Ipv4Addr::new(10, 9, 9, 9);
    host.set(PEER);
    let (now, out) = (host.now, &mut host.out);
    let to = prefix("10.0.0.0/8");
    host.neighbours.add_route(to, &[PEER_IP], now, out).unwrap();
    assert_eq!(host.want(far), [way(far, &[Some((link(0), PEER))])]);
    assert_eq!(host.set(OTHER), [way(far, &[Some((link(0), OTHER))])]);
    assert_eq!(host.unset(), [question(), way(far, &[None])]);
}

#[test]
fn those_who_listen_are_told() {
    use NeighbourHappened::{Changed, Forgotten, Resolved};
    let mut host = Host::new();
    host.neighbours.listen(true);
    host.set(PEER);
    assert_eq!(host.heard(), [(Resolved, NeighbourState::Permanent)]);
    host.set(PEER);
    assert_eq!(host.heard(), []);
    host.set(OTHER);
    assert_eq!(host.heard(), [(Changed, NeighbourState::Permanent)]);
    host.unset();
    assert_eq!(host.heard(), [(Forgotten, NeighbourState::Permanent)]);
}
