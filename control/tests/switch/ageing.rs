//! Learned stations that fall silent, and those that are never learned.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};

fn ageing(seconds: u32) -> String {
    format!("{LAN}ageing = {seconds}\n")
}

#[test]
fn silence_longer_than_the_limit_is_the_end() {
    let mut switch = Switch::new(&ageing(10));
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.settle();
    switch.rig.leap(9_000);
    switch.bridges("a", &from_to(1, 2), &["b"], "received sent");
    // 1 was heard 3 seconds ago, 2 was only sent to.
    switch.rig.leap(3_000);
    switch.expect_moved("fdb_aged");
    assert_eq!((switch.place(1), switch.place(2)), ("a".into(), "".into()));
    switch.bridges("a", &from_to(1, 2), &["b", "c"], "received copied sent=2");
    switch.rig.leap(12_000);
    switch.expect_moved("fdb_aged");
    assert_eq!(switch.fdb(), []);
    switch.bridges(
        "b",
        &from_to(2, 1),
        &["a", "c"],
        "received copied sent=2 fdb_learned",
    );
    switch.close();
}

/// Nothing is resolved but who enters by which port, and control hears nothing of it.
#[test]
fn cached_traffic_keeps_its_source_alive() {
    let mut switch = Switch::new(&ageing(10));
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.settle();
    for _ in 0..20 {
        switch.rig.leap(4_000);
        switch.bridges("a", &from_to(1, 2), &["b"], "received sent");
        switch.bridges("b", &from_to(2, 1), &["a"], "received sent");
        assert!(switch.fdb().iter().all(|entry| entry.age == Some(0)));
    }
    let cache = switch.rig.stats().workers[0].cache;
    assert_eq!((cache.hits, cache.misses), (40, 2));
    switch.close();
}

#[test]
fn a_station_behind_a_remote_ages_alike() {
    let mut switch = Switch::new(&vxlan(
        "remotes = [\"192.0.2.1\"]\n[[bridge]]\nname = \"x\"\nports = []\n",
    ));
    switch.pass("uplink", &from_peer(1, &from_to(2, 1)));
    switch.pass("a", &from_to(1, 2));
    switch.settle();
    for _ in 0..4 {
        switch.rig.leap(100_000);
        switch.answer_all();
        switch.pass("a", &from_to(1, 2));
    }
    assert_eq!((switch.place(1), switch.place(2)), ("a".into(), "".into()));
    switch.close();
}

#[test]
fn age_zero_learns_nothing_and_floods() {
    let mut switch = Switch::new(&ageing(0));
    for _ in 0..2 {
        switch.bridges("a", &from_to(1, 2), &["b", "c"], "received copied sent=2");
        switch.bridges("b", &from_to(2, 1), &["a", "c"], "received copied sent=2");
    }
    assert_eq!(switch.fdb(), []);
    switch.close();
}

#[test]
fn a_bridge_can_be_told_not_to_learn() {
    let mut switch = Switch::new(&format!("{LAN}learning = false\n"));
    for _ in 0..2 {
        switch.bridges("a", &from_to(1, 2), &["b", "c"], "received copied sent=2");
        switch.bridges("b", &from_to(2, 1), &["a", "c"], "received copied sent=2");
    }
    assert_eq!(switch.fdb(), []);
    switch.close();
}

#[test]
fn a_tunnel_can_be_told_not_to_learn() {
    let mut switch = Switch::new(&vxlan("remotes = [\"192.0.2.1\"]\nlearning = false"));
    let from_far = from_peer(1, &from_to(2, 1));
    assert_eq!(switch.pass("uplink", &from_far).len(), 2);
    switch.expect_moved("received copied sent=2");
    switch.tunnels(
        "a",
        &from_to(1, 2),
        &[1],
        &["b"],
        "received copied sent=2 fdb_learned",
    );
    assert_eq!(
        switch.pass("uplink", &from_far),
        [("a".into(), from_to(2, 1))]
    );
    switch.expect_moved("received sent");
    assert_eq!((switch.place(1), switch.place(2)), ("a".into(), "".into()));
    switch.close();
}
