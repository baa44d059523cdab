//! The switch as a host of its underlay, seen from outside.

use crate::common::{Switch, asked, from_to, is_probe, opened, peer, us, vxlan};
use control::api::messages::NeighbourState;
use control::config::Wanted;
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, icmp};

const ONE: &str = "remotes = [\"192.0.2.1\"]";

fn unresolved() -> Switch {
    Switch::cold(Wanted::parse(&vxlan(ONE), "test").unwrap(), 1)
}

#[test]
fn a_remote_is_asked_for_before_it_is_needed() {
    let mut switch = unresolved();
    let mut out = switch.out();
    out.retain(|(_, frame)| !is_probe(frame));
    assert_eq!(
        out,
        [(
            "uplink".to_owned(),
            Pair::new(us(), (Mac::ZERO, peer(1).1)).arp_request()
        )]
    );
    assert_eq!(asked(&out[0].1), Some(1));
    let neighbour = &switch.neighbours()[0];
    assert_eq!(
        (neighbour.state, neighbour.mac),
        (NeighbourState::Incomplete, None)
    );
    // What is for the remote waits, and goes as soon as it answers.
    let waits = "received copied sent held fdb_learned";
    switch.bridges("a", &from_to(1, 2), &["b"], waits);
    let reply = Pair::new(peer(1), us()).arp_reply();
    let out = switch.pass("uplink", &reply);
    assert_eq!(opened(&out[0].1), (peer(1).1, &from_to(1, 2)[..]));
    switch.expect_moved("received consumed sent held=-1");
    let neighbour = &switch.neighbours()[0];
    assert_eq!(
        (neighbour.state, neighbour.mac),
        (NeighbourState::Reachable, Some(peer(1).0))
    );
    switch.tunnels("a", &from_to(1, 2), &[1], &["b"], "received copied sent=2");
    switch.close();
}

#[test]
fn nobody_answers() {
    let mut switch = unresolved();
    let mut requests = 0;
    for _ in 0..60 {
        switch.rig.leap(1_000);
        requests += switch.out().len();
    }
    assert_eq!(switch.neighbours()[0].state, NeighbourState::Failed);
    assert!(
        (10..40).contains(&requests),
        "{requests}: goes on asking, and not all the time"
    );
    switch.moved();
    let waits = "received copied sent held fdb_learned";
    switch.rig.run(500);
    switch.out();
    switch.moved();
    let out = switch.pass("a", &from_to(1, 2));
    assert_eq!(out.last(), Some(&("b".to_owned(), from_to(1, 2))));
    let mut moved = switch.moved();
    moved.retain(|name, _| !name.starts_with("neigh_") && name != "originated");
    moved.insert("sent".to_owned(), 1);
    let expected = waits.split(' ').map(|name| (name.to_owned(), 1)).collect();
    assert_eq!(moved, expected);
    switch.close();
}

/// A remote that answers with another address has the next packet there.
#[test]
fn a_remote_that_moves() {
    let mut switch = Switch::new(&vxlan(ONE));
    switch.tunnels(
        "a",
        &from_to(1, 2),
        &[1],
        &["b"],
        "received copied sent=2 fdb_learned",
    );
    let other = Mac::new([2, 0, 0, 0, 1, 0x99]);
    let gratuitous = Pair::new((other, peer(1).1), (Mac::BROADCAST, peer(1).1)).arp_request();
    switch.rig.send("uplink", &gratuitous);
    switch.rig.run(3);
    let out = switch.pass("a", &from_to(1, 2));
    let outer: Vec<_> = out.iter().filter(|(port, _)| port == "uplink").collect();
    assert_eq!(outer.last().unwrap().1[..6], other.bytes());
    let moved = switch.moved();
    assert_eq!(moved.get("neigh_neighbour_moved"), Some(&1));
    switch.close();
}

#[test]
fn somebody_asks_for_us() {
    let mut switch = Switch::new(&vxlan(ONE));
    let out = switch.pass("uplink", &Pair::new(peer(9), us()).arp_request());
    assert_eq!(
        out,
        [("uplink".to_owned(), Pair::new(us(), peer(9)).arp_reply())]
    );
    switch.expect_moved("received consumed originated sent neigh_arp_request_answered");
    // Somebody else is asked for.
    let other = Pair::new(peer(9), peer(8)).arp_request();
    switch.drops("uplink", &other, "not_for_us");
    switch.close();
}

#[test]
fn echo_is_answered() {
    let mut switch = Switch::new(&vxlan(ONE));
    let message = |echo| icmp::Repr {
        echo,
        ident: 7,
        sequence: 8,
    };
    let pair = Pair::new(peer(9), us());
    let out = switch.pass("uplink", &pair.echo(message(icmp::Echo::Request), b"hello"));
    let mut back = pair.reversed();
    back.ip.dont_fragment = true;
    let reply = back.echo(message(icmp::Echo::Reply), b"hello");
    assert_eq!(out, [("uplink".to_owned(), reply.clone())]);
    switch.expect_moved("received consumed originated sent neigh_echo_answered");
    let mut stray = reply;
    stray[..12].copy_from_slice(&[us().0.bytes(), peer(9).0.bytes()].concat());
    stray[26..34].copy_from_slice(&[peer(9).1.octets(), us().1.octets()].concat());
    assert_eq!(switch.pass("uplink", &stray), []);
    switch.expect_moved("received consumed neigh_icmp_type");
    switch.close();
}
