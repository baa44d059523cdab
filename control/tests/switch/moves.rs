//! Stations that turn up elsewhere: the old place is gone at once, in every worker.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};
use control::config::Wanted;

#[test]
fn from_port_to_port() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.settle();
    // The way from b to a is in the cache.
    switch.bridges("b", &from_to(2, 1), &["a"], "received sent");
    switch.bridges("b", &from_to(2, 1), &["a"], "received sent");
    switch.bridges(
        "c",
        &broadcast(1),
        &["a", "b"],
        "received copied sent=2 fdb_moved",
    );
    assert_eq!(switch.place(1), "c");
    switch.bridges("b", &from_to(2, 1), &["c"], "received sent");
    switch.close();
}

/// There, here and there again, faster than a worker repeats itself: it is found where it is at the
/// latest by its first frame of the next interval.
#[test]
fn back_at_once_with_several_workers() {
    for workers in 1..=3 {
        let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), workers);
        switch.pass("a", &broadcast(1));
        for to in ["b", "a", "b", "a", "c", "a"] {
            switch.pass(to, &broadcast(1));
            let at_once = switch.place(1) == to;
            assert!(at_once || workers > 1, "one worker knows what it told last");
            switch.rig.wait(100);
            switch.pass(to, &broadcast(1));
            assert_eq!(switch.place(1), to, "{workers} workers");
            for quick in ["b", "a", "c", to] {
                switch.pass(quick, &broadcast(1));
            }
        }
        switch.close();
    }
}

#[test]
fn from_port_to_remote_and_back() {
    let mut switch = Switch::new(&vxlan(r#"remotes = ["192.0.2.1", "192.0.2.3"]"#));
    switch.pass("a", &from_to(1, 2));
    switch.pass("b", &from_to(2, 1));
    switch.settle();
    switch.tunnels("b", &from_to(2, 1), &[], &["a"], "received sent");
    // To the first remote, from there to the second, and home again.
    let moved = "received sent fdb_moved";
    assert_eq!(
        switch.pass("uplink", &from_peer(1, &from_to(1, 2))).len(),
        1
    );
    switch.expect_moved(moved);
    assert_eq!(switch.place(1), "vx10 192.0.2.1");
    switch.tunnels("b", &from_to(2, 1), &[1], &[], "received sent");
    assert_eq!(
        switch.pass("uplink", &from_peer(3, &from_to(1, 2))).len(),
        1
    );
    switch.expect_moved(moved);
    switch.tunnels("b", &from_to(2, 1), &[3], &[], "received sent");
    switch.tunnels("a", &from_to(1, 2), &[], &["b"], moved);
    switch.tunnels("b", &from_to(2, 1), &[], &["a"], "received sent");
    assert_eq!(switch.place(1), "a");
    switch.close();
}

/// A change is known to all once every worker had a round, and until then to some.
#[test]
fn a_worker_decides_by_the_new_place_from_its_next_round_on() {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 2);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.pass("b", &from_to(2, 1));
    switch.settle();
    // Port a is polled by worker 0, as is port c; port b by worker 1.
    assert!(switch.rig.send("c", &broadcast(1)));
    switch.rig.poll(0);
    switch.rig.step();
    switch.out();
    assert_eq!(switch.place(1), "c");
    assert!(switch.rig.send("b", &from_to(2, 1)));
    switch.rig.poll(1);
    assert_eq!(switch.out(), [("c".to_owned(), from_to(2, 1))]);
    switch.close();
}
