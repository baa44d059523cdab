//! Tunnels that listen to anybody, and remember who spoke.

use crate::common::{Switch, broadcast, from_peer, from_to, peer, station, us, vni, vxlan};
use control::api::messages::{Method, Reply};
use control::tunnels::MAX_LEARNED;
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, icmp};
use std::net::Ipv4Addr;

const ANY: &str = "accept = \"any\"\nremotes = [\"192.0.2.1\"]";

#[test]
fn a_stranger_is_heard_learned_and_answered() {
    let mut switch = Switch::new(&vxlan(ANY));
    // The first packet tells of the remote, the second of the station.
    let inner = from_to(2, 1);
    let to_all = [("a".into(), inner.clone()), ("b".into(), inner.clone())];
    assert_eq!(switch.pass("uplink", &from_peer(7, &inner))[1..], to_all);
    switch.expect_moved("received copied sent=3 originated neigh_arp_request_sent");
    switch
        .rig
        .send("uplink", &Pair::new(peer(7), us()).arp_reply());
    switch.settle();
    assert_eq!(switch.pass("uplink", &from_peer(7, &inner)), to_all);
    switch.expect_moved("received copied sent=2 fdb_learned");
    assert_eq!(switch.place(2), "vx10 192.0.2.7");
    switch.tunnels("a", &from_to(1, 2), &[7], &[], "received sent fdb_learned");
    // Only configured remotes are on the replication list.
    switch.tunnels("a", &broadcast(1), &[1], &["b"], "received copied sent=2");
    switch.close();
}

#[test]
fn a_remote_to_which_nothing_leads_is_forgotten() {
    let config = vxlan(ANY).replace(
        "ports = [\"a\", \"b\"]",
        "ports = [\"a\", \"b\"]\nageing = 20",
    );
    let mut switch = Switch::new(&config);
    let asks = |switch: &mut Switch| {
        switch.rig.run(200);
        let before = switch.neighbours().len();
        switch.pass("uplink", &from_peer(7, &from_to(2, 1)));
        (before, switch.neighbours().len())
    };
    assert_eq!(asks(&mut switch), (1, 2), "7 is wanted now");
    assert_eq!(asks(&mut switch), (2, 2));
    assert_eq!(switch.place(2), "vx10 192.0.2.7");
    for _ in 0..40 {
        switch.rig.leap(1_000);
    }
    // Its station has aged, then the remote went, and its neighbour when it failed.
    assert_eq!(switch.place(2), "");
    assert_eq!(asks(&mut switch), (1, 2), "and is learned again");
    switch.close();
}

/// Packets from and to a remote, as shown.
fn traffic(switch: &mut Switch, number: u8) -> (u64, u64) {
    let Some(Reply::Tunnels(tunnels)) = switch.rig.ask(Method::VxlanShow) else {
        panic!("no answer")
    };
    let mut remotes = tunnels.iter().flat_map(|tunnel| &tunnel.remotes);
    let remote = remotes.find(|remote| remote.address == peer(number).1);
    let remote = remote.unwrap();
    assert!(remote.learned);
    (remote.rx.packets, remote.tx.packets)
}

/// Records come and go, and a number that is used again leads to the new remote only.
#[test]
fn numbers_are_used_again_for_others() {
    let config = vxlan(ANY).replace(
        "ports = [\"a\", \"b\"]",
        "ports = [\"a\", \"b\"]\nageing = 5",
    );
    let mut switch = Switch::new(&config);
    for number in 20..40 {
        for _ in 0..2 {
            switch.rig.run(100);
            switch.pass("uplink", &from_peer(number, &from_to(number, 1)));
        }
        switch
            .rig
            .send("uplink", &Pair::new(peer(number), us()).arp_reply());
        switch.settle();
        let place = format!("vx10 192.0.2.{number}");
        assert_eq!(switch.place(number), place);
        let sent = switch.pass("a", &from_to(1, number));
        let to: Vec<_> = sent
            .iter()
            .map(|(_, frame)| crate::common::opened(frame).0)
            .collect();
        assert_eq!(to, [peer(number).1]);
        assert_eq!(traffic(&mut switch, number), (1, 1), "its own");
        for _ in 0..18 {
            switch.rig.leap(1_000);
        }
        assert_eq!(switch.fdb(), []);
    }
    switch.close();
}

/// A packet waits for stranger 7, whose station has been silent for nearly as long as it may.
fn waiting_for_7() -> Switch {
    let other = "[[tunnel]]\nname = \"vx11\"\nbridge = \"br10\"\nvni = 11\n\
        local = \"192.0.2.2\"\naccept = \"any\"";
    let config = vxlan(&format!("{ANY}\n{other}"));
    let ageing = "ports = [\"a\", \"b\"]\nageing = 5";
    let config = config.replace("ports = [\"a\", \"b\"]", ageing);
    let mut switch = Switch::new(&config);
    let from_7 = from_peer(7, &from_to(2, 1));
    for _ in 0..4 {
        switch.pass("uplink", &from_7);
        switch.rig.leap(4_000);
    }
    assert_eq!(switch.place(2), "vx10 192.0.2.7");
    switch.settle();
    switch.pass("a", &from_to(1, 2));
    assert_eq!(switch.moved()["held"], 1);
    switch
}

/// The first frame of a stranger whose neighbour is known.
fn stranger() -> Vec<u8> {
    Pair::new(peer(1), us()).vxlan(50_000, vni(11), &from_to(3, 1))
}

#[test]
fn what_waits_for_a_remote_goes_with_it() {
    let mut switch = waiting_for_7();
    switch.rig.wait(2_000);
    switch.rig.run(2);
    let moved = switch.moved();
    assert_eq!((moved["held"], moved["drop.neighbour_unresolved"]), (-1, 1));
    switch.pass("uplink", &stranger());
    switch.rig.run(3);
    let out = switch.rig.received("uplink");
    assert!(out.iter().all(|frame| !frame.ends_with(&from_to(1, 2))));
    switch.close();
}

/// What waited for a remote is with a worker that is late when the remote is forgotten.
#[test]
fn what_waited_for_a_forgotten_remote_is_not_sent_to_the_next_owner_of_its_number() {
    let mut switch = waiting_for_7();
    // Answers to a hundred echo requests are before it in the ring.
    let echo = icmp::Repr {
        echo: icmp::Echo::Request,
        ident: 1,
        sequence: 1,
    };
    for _ in 0..100 {
        switch
            .rig
            .send("uplink", &Pair::new(peer(1), us()).echo(echo, &[]));
    }
    while switch.rig.poll(0) > 0 {}
    switch.rig.step();
    switch
        .rig
        .send("uplink", &Pair::new(peer(7), us()).arp_reply());
    switch.rig.poll(0);
    switch.rig.step();
    // Its station ages, and it is forgotten.
    switch.rig.wait(2_000);
    switch.rig.step();
    switch.rig.poll(0);
    switch.rig.step();
    switch.rig.send("uplink", &stranger());
    switch.rig.poll(0);
    switch.rig.step();
    switch.rig.run(3);
    let out = switch.rig.received("uplink");
    assert!(out.iter().all(|frame| !frame.ends_with(&from_to(1, 2))));
    let moved = switch.moved();
    assert_eq!((moved["held"], moved["drop.port_down"]), (-1, 1));
    switch.close();
}

/// From `address`, so many that each has its own.
fn from_address(number: usize, inner: &[u8]) -> Vec<u8> {
    let [high, low] = (number as u16).to_be_bytes();
    let outer = (peer(1).0, Ipv4Addr::new(10, 9, high, low));
    Pair::new(outer, us()).vxlan(50_000, vni(10), inner)
}

#[test]
fn no_more_strangers_than_there_is_room_for() {
    let mut switch = Switch::new(&vxlan(ANY));
    let inner = |number: usize| {
        let mac = Mac::from_u64(0x0202_0000_0000 + number as u64);
        Pair::new((mac, station(9).1), station(1)).udp(1, 2, &[])
    };
    for number in 0..MAX_LEARNED + 3 {
        assert_eq!(
            switch
                .pass("uplink", &from_address(number, &inner(number)))
                .len(),
            2
        );
    }
    let moved = switch.moved();
    assert_eq!(moved.get("remotes_refused"), Some(&3));
    assert_eq!(moved["received"], MAX_LEARNED as i64 + 3);
    assert_eq!(moved["sent"], 2 * moved["received"]);
    // Who is known teaches stations, who is not does not, and is heard all the same.
    for number in [0, MAX_LEARNED - 1, MAX_LEARNED] {
        switch.rig.run(100);
        assert_eq!(
            switch
                .pass("uplink", &from_address(number, &inner(number)))
                .len(),
            2
        );
    }
    switch.expect_moved("received=3 copied=3 sent=6 fdb_learned=2 remotes_refused");
    // Those who taught nothing make room.
    for _ in 0..12 {
        switch.rig.leap(1_000);
    }
    switch.settle();
    switch.pass("uplink", &from_address(5_000, &inner(1)));
    switch.expect_moved("received copied sent=2");
    switch.pass("uplink", &from_address(5_000, &inner(1)));
    switch.expect_moved("received copied sent=2 fdb_learned");
    switch.close();
}
