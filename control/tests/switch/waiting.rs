//! Packets that wait for a neighbour: how many, how long, in which order, and what becomes of them.

use crate::common::{Switch, opened, peer, station, us, vxlan};
use control::config::Wanted;
use control::waiting::Waiting;
use fastpath::wire::craft::Pair;

const ONE: &str = "remotes = [\"192.0.2.1\"]\n[[fdb]]\nbridge = \"br10\"\n\
    mac = \"02:00:00:00:02:02\"\ntunnel = \"vx10\"\nremote = \"192.0.2.1\"";
const FEW: usize = Waiting::<()>::PER_NEIGHBOUR;

/// Nobody has answered yet.
fn unresolved(workers: usize) -> Switch {
    let mut switch = Switch::cold(Wanted::parse(&vxlan(ONE), "test").unwrap(), workers);
    switch.settle();
    switch
}

fn numbered(number: u8) -> Vec<u8> {
    Pair::new(station(1), station(2)).udp(1000, 2000, &[number])
}

fn answer(switch: &mut Switch) -> Vec<(String, Vec<u8>)> {
    switch.pass("uplink", &Pair::new(peer(1), us()).arp_reply())
}

#[test]
fn the_first_few_wait_and_go_in_their_order_when_the_neighbour_answers() {
    for workers in [1, 3] {
        let mut switch = unresolved(workers);
        let count = FEW as u8 + 3;
        for number in 0..count {
            assert_eq!(switch.pass("a", &numbered(number)), []);
        }
        let moved = switch.moved();
        assert_eq!(moved["held"], FEW as i64);
        assert_eq!(moved["drop.neighbour_unresolved"], 3);
        let waited = |switch: &mut Switch| {
            let ports = switch.rig.stats().ports;
            ports.iter().map(|port| port.waited).sum::<u64>()
        };
        let verdict = waited(&mut switch);
        let out = answer(&mut switch);
        let sent: Vec<_> = out.iter().map(|(_, frame)| opened(frame).1).collect();
        let expected: Vec<_> = (0..FEW as u8).map(numbered).collect();
        assert_eq!(sent, expected, "with {workers} workers");
        assert_eq!(waited(&mut switch), verdict, "the verdict was given before");
        let moved = switch.moved();
        assert_eq!((moved["held"], moved["sent"]), (-(FEW as i64), FEW as i64));
        assert!(!moved.contains_key("dropped"));
        switch.close();
    }
}

#[test]
fn a_flood_of_packets_costs_control_no_more_than_the_few() {
    let mut switch = unresolved(1);
    for number in 0..1000 {
        assert!(switch.rig.send("a", &numbered(number as u8)));
        if number % 32 == 31 {
            switch.rig.run(1);
        }
    }
    switch.rig.run(3);
    let moved = switch.moved();
    assert_eq!(moved["received"], 1000);
    assert_eq!(moved["held"], FEW as i64);
    assert_eq!(moved["drop.neighbour_unresolved"], 1000 - FEW as i64);
    // What control refused was in the ring before it could say so: one burst or two.
    let waited: u64 = switch.rig.stats().ports.iter().map(|p| p.waited).sum();
    assert!(waited <= 64, "{waited} were handed over");
    switch.close();
}

#[test]
fn who_waits_in_vain_is_dropped_by_name() {
    let mut switch = unresolved(1);
    switch.pass("a", &numbered(1));
    switch.expect_moved("received held fdb_learned");
    let patience = Waiting::<()>::PATIENCE;
    for _ in 0..patience / 100 + 1 {
        switch.rig.leap(100);
    }
    let moved = switch.moved();
    assert_eq!((moved["held"], moved["dropped"]), (-1, 1));
    assert_eq!(moved["drop.neighbour_unresolved"], 1);
    // The next one waits again, and the neighbour is asked again.
    switch.pass("a", &numbered(3));
    assert_eq!(switch.moved()["held"], 1);
    let out = answer(&mut switch);
    assert_eq!(opened(&out[0].1).1, numbered(3));
    switch.close();
}

#[test]
fn who_answers_late_has_packets_wait_for_it_again() {
    let mut switch = unresolved(1);
    switch.pass("a", &numbered(1));
    for _ in 0..Waiting::<()>::PATIENCE / 100 + 1 {
        switch.rig.leap(100);
    }
    answer(&mut switch);
    switch.rig.set_link("uplink", false);
    switch.rig.set_link("uplink", true);
    switch.settle();
    switch.pass("a", &numbered(2));
    assert_eq!(switch.moved()["held"], 1);
    switch.close();
}

#[test]
fn what_still_waits_at_the_end_is_dropped_by_name() {
    let mut switch = unresolved(1);
    switch.pass("a", &numbered(1));
    // And one that control has not taken yet.
    switch.rig.send("a", &numbered(2));
    switch.rig.poll(0);
    let stats = switch.rig.worker_stats();
    let account = switch.rig.close();
    assert_eq!(account.dropped, 2);
    let port = fastpath::ids::PortId::new(1).unwrap();
    let shutdown = fastpath::drop::DropReason::Shutdown;
    let dropped: u64 = stats
        .iter()
        .map(|stats| stats.port(port).wait_dropped.get(shutdown))
        .sum();
    assert_eq!(dropped, 2);
}
