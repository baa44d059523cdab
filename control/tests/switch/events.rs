//! What a client that listens is told of a whole switch.

use crate::common::{Switch, broadcast, from_peer, vxlan};
use control::api::Subscription;
use control::api::messages::{EventKind, EventKinds, Method, Reply, What};
use control::rig::Rig;
use serde_json::{Value, json};

pub(crate) fn listen(rig: &mut Rig, kinds: EventKinds) -> Subscription {
    match rig.ask(Method::EventsSubscribe(kinds)) {
        Some(Reply::Subscribed(subscription)) => *subscription,
        other => panic!("{other:?}"),
    }
}

/// What was told since the last call, without times.
pub(crate) fn heard(subscription: &mut Subscription) -> Vec<Value> {
    let events = std::iter::from_fn(|| subscription.take());
    let told = events.map(|event| serde_json::to_value(&event.what).unwrap());
    told.collect()
}

pub(crate) fn at_port(port: &str) -> Value {
    json!({"port": port, "tunnel": null, "remote": null})
}

pub(crate) fn at_remote(remote: &str) -> Value {
    json!({"port": null, "tunnel": "vx10", "remote": remote})
}

fn station(event: &str, at: &Value, from: &Value) -> Value {
    let mut told = at.clone();
    told["event"] = event.into();
    told["bridge"] = "br10".into();
    told["mac"] = "02:00:00:00:02:01".into();
    told["from"] = from.clone();
    json!({ "fdb": told })
}

fn port(name: &str, event: &str, reason: Option<&str>) -> Value {
    json!({"port": {"port": name, "event": event, "reason": reason}})
}

fn tunnel(event: &str, reason: Option<&str>) -> Value {
    json!({"tunnel": {"tunnel": "vx10", "event": event, "reason": reason}})
}

pub(crate) fn switch() -> Switch {
    Switch::new(&vxlan(r#"remotes = ["192.0.2.1"]"#))
}

#[test]
fn a_station_is_followed_from_place_to_place() {
    let mut switch = switch();
    let mut told = listen(&mut switch.rig, [EventKind::Fdb].into_iter().collect());
    let (none, a, b) = (Value::Null, at_port("a"), at_port("b"));
    switch.pass("a", &broadcast(1));
    switch.pass("a", &broadcast(1));
    assert_eq!(heard(&mut told), [station("learned", &a, &none)]);
    switch.pass("b", &broadcast(1));
    let far = at_remote("192.0.2.1");
    switch.pass("uplink", &from_peer(1, &broadcast(1)));
    let moves = [station("moved", &b, &a), station("moved", &far, &b)];
    assert_eq!(heard(&mut told), moves);
    switch.rig.leap(301_000);
    assert_eq!(heard(&mut told), [station("aged", &far, &none)]);
    switch.pass("a", &broadcast(1));
    switch.rig.set_link("a", false);
    let gone = [station("learned", &a, &none), station("flushed", &a, &none)];
    assert_eq!(heard(&mut told), gone);
    switch.close();
}

#[test]
fn ports_tunnels_and_neighbours_are_told_as_they_come_and_go() {
    let mut switch = switch();
    let mut told = listen(&mut switch.rig, EventKinds::all());
    switch.rig.set_link("uplink", false);
    let neighbour = |event: &str| {
        json!({"neigh": {
            "event": event, "port": "uplink", "vlan": null, "address": "192.0.2.1",
            "mac": "02:00:00:00:01:01", "state": "reachable",
        }})
    };
    let down = [
        port("uplink", "link_down", None),
        neighbour("forgotten"),
        tunnel("down", Some("port uplink has no link")),
    ];
    assert_eq!(heard(&mut told), down);
    switch.rig.set_link("uplink", true);
    switch.answer_all();
    let up = [
        port("uplink", "link_up", None),
        tunnel("up", None),
        neighbour("resolved"),
    ];
    assert_eq!(heard(&mut told), up);
    switch.rig.lose_device("b", "it burns");
    let lost = ["failed", "closed"].map(|event| port("b", event, Some("it burns")));
    assert_eq!(heard(&mut told), lost);
    switch.rig.leap(1_000);
    assert_eq!(heard(&mut told), [port("b", "started", None)]);
    // Nobody answers any more.
    switch.rig.leap(40_000);
    for _ in 0..8 {
        switch.rig.leap(1_000);
    }
    let events = heard(&mut told);
    let failed = events
        .iter()
        .filter(|told| told["neigh"]["event"] == "failed");
    assert_eq!(failed.count(), 1, "{events:?}");
    switch.rig.received("uplink");
    switch.close();
}

#[test]
fn a_change_of_what_is_wanted_is_told_with_its_steps() {
    let mut switch = switch();
    let mut told = listen(&mut switch.rig, EventKinds::all());
    let teller = switch.rig.teller();
    let steps = vec!["route del default".to_owned()];
    std::thread::spawn(move || teller.config(7, &steps))
        .join()
        .unwrap();
    switch.rig.step();
    let change = json!({"config": {"revision": 7, "steps": ["route del default"]}});
    assert_eq!(heard(&mut told), [change]);
    switch.close();
}

#[test]
fn each_hears_what_it_asked_for_and_few_may_listen() {
    let mut switch = switch();
    let one = |kind: EventKind| [kind].into_iter().collect();
    let mut ports = listen(&mut switch.rig, one(EventKind::Port));
    let mut stations = listen(&mut switch.rig, one(EventKind::Fdb));
    let others: Vec<_> = (2..8)
        .map(|_| listen(&mut switch.rig, EventKinds::all()))
        .collect();
    let ask = || Method::EventsSubscribe(EventKinds::all());
    let why = switch.rig.refusal(ask()).unwrap();
    assert!(why.starts_with("8 clients listen"), "{why}");
    switch.pass("a", &broadcast(1));
    switch.rig.set_link("b", false);
    assert_eq!(heard(&mut ports), [port("b", "link_down", None)]);
    assert_eq!(heard(&mut stations).len(), 1);
    drop(others);
    // Who has gone makes room without a word.
    assert_eq!(listen(&mut switch.rig, EventKinds::all()).take(), None);
    switch.close();
}

#[test]
fn who_does_not_listen_for_long_is_told_how_much_was_missed() {
    let mut switch = switch();
    let mut told = listen(&mut switch.rig, [EventKind::Port].into_iter().collect());
    for turn in 0..3_000 {
        switch.rig.set_link("a", turn % 2 == 1);
        switch.rig.set_link("b", turn % 2 == 1);
    }
    let kept = heard(&mut told).len();
    switch.rig.step();
    let last = told.take().unwrap();
    assert_eq!(last.what, What::Missed(6_000 - kept as u64));
    assert!(kept >= 1_000);
    assert_eq!(told.take(), None);
    switch.close();
}
