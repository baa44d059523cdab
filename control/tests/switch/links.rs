//! Links that come and go, devices that are pulled out and put back.

use crate::common::{LAN, Switch, asked, broadcast, from_to, vxlan};
use control::api::messages::PortState;

#[test]
fn a_lost_link_takes_what_was_learned_there() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.pass("c", &from_to(3, 1));
    switch.settle();
    switch.rig.set_link("a", false);
    switch.expect_moved("fdb_flushed");
    assert_eq!(
        ["1", "2", "3"].map(|n| switch.place(n.parse().unwrap())),
        ["", "b", "c"]
    );
    assert_eq!(switch.port("a").state, PortState::Down);
    let flooded = "received copied sent dropped drop.port_down";
    switch.bridges("c", &from_to(3, 1), &["b"], flooded);
    switch.bridges("c", &from_to(3, 2), &["b"], "received sent");
    switch.rig.set_link("a", true);
    assert_eq!(switch.port("a").state, PortState::Up);
    switch.bridges("c", &from_to(3, 1), &["a", "b"], "received copied sent=2");
    switch.close();
}

/// The frame was received, its port lost its link, and only then control hears of its station.
#[test]
fn what_comes_too_late_is_not_learned() {
    let mut switch = Switch::new(LAN);
    switch.rig.send("a", &broadcast(1));
    switch.rig.poll(0);
    switch.rig.set_link("a", false);
    switch.rig.run(3);
    assert_eq!(switch.fdb(), []);
    switch.expect_moved("received copied sent=2");
    switch.close();
}

#[test]
fn an_unknown_link_change_changes_nothing() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    switch.settle();
    switch.rig.set_link("a", true);
    switch.expect_moved("");
    assert_eq!(switch.place(1), "a");
    switch.close();
}

#[test]
fn a_device_is_pulled_out_and_comes_back() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.pass("b", &from_to(2, 1));
    switch.settle();
    switch.rig.remove_device("a");
    switch.rig.run(3);
    switch.expect_moved("fdb_flushed");
    let port = switch.port("a");
    assert_eq!(port.state, PortState::Failed);
    assert_eq!(port.reason.as_deref(), Some("the device was removed"));
    let flooded = "received copied sent dropped drop.port_down";
    switch.bridges("b", &from_to(2, 1), &["c"], flooded);
    // What lies in the receive queue waits for the port.
    assert!(switch.rig.send("a", &from_to(1, 2)));
    switch.rig.run(3);
    switch.expect_moved("");
    switch.rig.run(3_000);
    assert_eq!(switch.port("a").state, PortState::Up);
    assert_eq!(switch.out(), [("b".to_owned(), from_to(1, 2))]);
    switch.expect_moved("received sent fdb_learned");
    switch.bridges("b", &from_to(2, 1), &["a"], "received sent");
    switch.close();
}

#[test]
fn a_device_that_cannot_go_on_says_why_and_comes_back() {
    let mut switch = Switch::new(LAN);
    switch.rig.lose_device("a", "the device wants to be reset");
    switch.rig.run(3);
    let port = switch.port("a");
    assert_eq!(port.state, PortState::Failed);
    assert_eq!(port.reason.as_deref(), Some("the device wants to be reset"));
    switch.rig.run(3_000);
    assert_eq!(switch.port("a").state, PortState::Up);
    switch.close();
}

/// Tried again after 1 second, then after twice as long each time, as the doubling of [`Port`]'s
/// own test: what counts here is that state asks, says why not, and goes on.
///
/// [`Port`]: control::ports::Port
#[test]
fn a_broken_device_is_tried_until_it_works() {
    let mut switch = Switch::new(LAN);
    switch.rig.set_broken("a", true);
    switch.rig.remove_device("a");
    switch.rig.run(3);
    let reason = |switch: &mut Switch| switch.port("a").reason.unwrap_or_default();
    assert_eq!(reason(&mut switch), "the device was removed");
    switch.rig.run(2_100);
    assert_eq!(reason(&mut switch), "no such device");
    // Mended in the first second of a wait of two.
    switch.rig.set_broken("a", false);
    switch.rig.run(500);
    assert_eq!(switch.port("a").state, PortState::Failed);
    switch.rig.run(3_000);
    assert_eq!(switch.port("a").state, PortState::Up);
    switch.bridges(
        "b",
        &broadcast(2),
        &["a", "c"],
        "received copied sent=2 fdb_learned",
    );
    switch.close();
}

/// However often it is tried: who waits for all to be tried does not wait for ever.
#[test]
fn a_port_that_failed_was_tried() {
    let mut switch = Switch::new(LAN);
    switch.rig.set_broken("a", true);
    switch.rig.remove_device("a");
    switch.rig.run(3);
    for _ in 0..10_000 {
        switch.rig.wait(1);
        switch.rig.step();
        assert_eq!(switch.rig.progress(), (2, 0, 3));
    }
    switch.close();
}

#[test]
fn a_port_that_never_starts_takes_nobody_down() {
    let mut switch = Switch::new(&LAN.replace("[\"a\", \"b\", \"c\"]", "[\"a\", \"b\"]"));
    switch.rig.set_broken("c", true);
    switch.rig.remove_device("c");
    switch.settle();
    switch.bridges("a", &broadcast(1), &["b"], "received sent fdb_learned");
    switch.close();
}

/// The neighbours on the link are asked again; stations behind remotes stay known.
#[test]
fn an_uplink_that_flaps() {
    let mut switch = Switch::new(&vxlan("remotes = [\"192.0.2.1\"]"));
    switch.pass("uplink", &crate::common::from_peer(1, &from_to(2, 1)));
    switch.settle();
    switch.rig.set_link("uplink", false);
    assert_eq!(switch.place(2), "vx10 192.0.2.1");
    switch.expect_moved("");
    let lost = "received dropped drop.tunnel_down fdb_learned";
    switch.bridges("a", &from_to(1, 2), &[], lost);
    switch.rig.set_link("uplink", true);
    switch.rig.run(3);
    let out = switch.out();
    assert_eq!(
        out.iter()
            .map(|(_, frame)| asked(frame))
            .collect::<Vec<_>>(),
        [Some(1), Some(2)],
        "the remote, and for our own address"
    );
    let asked = "originated=2 sent=2 neigh_arp_request_sent neigh_probe_sent";
    switch.expect_moved(asked);
    let reply = fastpath::wire::craft::Pair::new(crate::common::peer(1), crate::common::us());
    switch.rig.send("uplink", &reply.arp_reply());
    switch.settle();
    switch.tunnels("a", &from_to(1, 2), &[1], &[], "received sent");
    switch.close();
}

/// Flows that are established live on when something else changes, however many must be renewed at
/// once: only what the change can affect is decided anew, and that is no new traffic.
#[test]
fn established_flows_survive_a_link_elsewhere() {
    let ports = ["a", "b", "c"];
    let mut text = String::from("[[bridge]]\nname = \"br1\"\nports = [\"e\"]\n");
    for (n, name) in ports.iter().chain(&["o", "e"]).enumerate() {
        text += &format!("[[port]]\nname = \"{name}\"\ndevice = \"heap{n}\"\n");
    }
    text += "[[bridge]]\nname = \"br0\"\nports = [\"a\", \"b\", \"c\", \"o\"]\n";
    let mut switch = Switch::new(&text);
    switch.pass("o", &broadcast(250));
    let all = |switch: &mut Switch| {
        for (port, first) in ports.iter().zip([0, 50, 100]) {
            for station in first..first + 32 {
                assert!(switch.rig.send(port, &from_to(station, 250)));
            }
        }
        switch.rig.run(200);
    };
    for _ in 0..5 {
        all(&mut switch);
    }
    switch.settle();
    for (port, up) in [("e", false), ("c", false), ("c", true)] {
        let before = switch.rig.stats().drops;
        switch.rig.set_link(port, up);
        switch.settle();
        all(&mut switch);
        let now = switch.rig.stats().drops;
        let budget = "resolve_budget";
        assert_eq!(now.get(budget), before.get(budget), "{port}");
        for _ in 0..5 {
            all(&mut switch);
        }
    }
    switch.rig.received("o");
    switch.close();
}
