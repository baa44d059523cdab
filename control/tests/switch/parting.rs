//! What a client that listens is told of what is forgotten because something else leaves.

use crate::change::{applied, with};
use crate::common::{Switch, broadcast, from_peer, vxlan};
use crate::events::{at_port, at_remote, heard, listen, switch};
use control::api::Subscription;
use control::api::messages::{EventKind, EventKinds};
use serde_json::{Value, json};

fn flushed(mac: u8, at: &Value) -> Value {
    let mut told = at.clone();
    told["event"] = "flushed".into();
    told["bridge"] = "br10".into();
    told["mac"] = format!("02:00:00:00:02:{mac:02x}").into();
    told["from"] = Value::Null;
    json!({ "fdb": told })
}

fn forgotten() -> Value {
    json!({"neigh": {
        "event": "forgotten", "port": "uplink", "vlan": null, "address": "192.0.2.1",
        "mac": "02:00:00:00:01:01", "state": "reachable",
    }})
}

fn kinds(kinds: &[EventKind]) -> EventKinds {
    kinds.iter().copied().collect()
}

/// Stations behind a, behind b and behind the remote, whose neighbour answers; then somebody listens.
fn known(of: &[EventKind]) -> (Switch, Subscription, String) {
    let config = vxlan(r#"remotes = ["192.0.2.1"]"#);
    let mut switch = switch();
    switch.rig.run(3);
    switch.answer_all();
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.pass("uplink", &from_peer(1, &broadcast(3)));
    let told = listen(&mut switch.rig, kinds(of));
    (switch, told, config)
}

/// In whatever order the table has them.
fn heard_in_order(told: &mut Subscription) -> Vec<Value> {
    let mut events = heard(told);
    events.sort_by_key(ToString::to_string);
    events
}

#[test]
fn the_stations_of_a_bridge_that_goes_are_told_with_where_they_were() {
    let (mut switch, mut told, config) = known(&[EventKind::Fdb]);
    let (ports, _) = config.split_once("[[bridge]]").unwrap();
    applied(&mut switch, ports);
    let mut all = [
        flushed(1, &at_port("a")),
        flushed(2, &at_port("b")),
        flushed(3, &at_remote("192.0.2.1")),
    ];
    all.sort_by_key(ToString::to_string);
    assert_eq!(heard_in_order(&mut told), all);
    switch.close();
}

#[test]
fn stations_are_told_where_they_were_though_that_leaves() {
    let (mut switch, mut told, config) = known(&[EventKind::Fdb]);
    let alone = with(&config, r#"["a", "b"]"#, r#"["a"]"#);
    applied(&mut switch, &alone);
    assert_eq!(heard(&mut told), [flushed(2, &at_port("b"))]);
    let (bridge, _) = alone.split_once("[[tunnel]]").unwrap();
    applied(&mut switch, bridge);
    assert_eq!(heard(&mut told), [flushed(3, &at_remote("192.0.2.1"))]);
    let (first, second) = bridge.split_once("[[port]]\nname = \"a\"").unwrap();
    let (_, rest) = second.split_once("[[port]]").unwrap();
    let without = format!("{first}[[port]]{rest}").replace(r#"["a"]"#, "[]");
    applied(&mut switch, &without);
    assert_eq!(heard(&mut told), [flushed(1, &at_port("a"))]);
    // And nothing of it is there.
    assert!(switch.rig.fdb().is_empty());
    switch.close();
}

#[test]
fn neighbours_are_told_that_go_with_their_link() {
    let (mut switch, mut told, config) = known(&[EventKind::Neigh]);
    let (alone, _) = config.split_once("[[tunnel]]").unwrap();
    applied(
        &mut switch,
        &with(alone, "addresses = [\"192.0.2.2/24\"]\n", ""),
    );
    assert_eq!(heard(&mut told), [forgotten()]);
    switch.close();

    let (mut switch, mut told, _) = known(&[EventKind::Neigh]);
    switch.rig.set_link("uplink", false);
    assert_eq!(heard(&mut told), [forgotten()]);
    switch.close();
}
