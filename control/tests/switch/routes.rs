//! Remotes behind gateways: the longest prefix, several gateways, and changes under traffic.

use crate::common::{Switch, from_to, peer, us, vxlan};
use control::api::Refused;
use control::api::messages::{Method, Reply};
use control::change::Done;
use control::config::{Command, Edit, Wanted, Words};
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, arp::Arp};
use serde_json::json;

const FAR: &str = "remotes = [\"203.0.113.9\"]\n[[fdb]]\nbridge = \"br10\"\n\
    mac = \"02:00:00:00:02:02\"\ntunnel = \"vx10\"\nremote = \"203.0.113.9\"";

fn route(to: &str, via: &[u8]) -> Words {
    let via = via.iter().map(|number| peer(*number).1.to_string());
    let via: Vec<_> = via.collect();
    serde_json::from_value(json!({"to": to, "via": via})).unwrap()
}

fn network(to: &str) -> Words {
    serde_json::from_value(json!({"to": to})).unwrap()
}

fn add(switch: &mut Switch, to: &str, via: &[u8]) {
    let added = switch.rig.edit(Command::RouteReplace, route(to, via));
    assert_eq!(added, Ok(Done::default()));
    switch.answer_all();
}

fn del(switch: &mut Switch, to: &str) {
    let gone = switch.rig.edit(Command::RouteDel, network(to));
    assert_eq!(gone, Ok(Done::default()));
    switch.answer_all();
}

/// The gateways that flows from station 1 go by, each flow's.
fn gateways(switch: &mut Switch) -> Vec<Mac> {
    let mut used = Vec::new();
    for flow in 0..40 {
        let frame = Pair::new(crate::common::station(1), crate::common::station(2));
        let out = switch.pass("a", &frame.udp(flow, 80, &[]));
        let outer = out.iter().filter(|(port, _)| port == "uplink");
        used.extend(outer.map(|(_, frame)| Mac::new(frame[..6].try_into().unwrap())));
    }
    used
}

fn distinct(mut macs: Vec<Mac>) -> Vec<Mac> {
    macs.sort_by_key(|mac| mac.to_u64());
    macs.dedup();
    macs
}

#[test]
fn the_longest_prefix_leads_and_a_changed_route_is_used_when_it_is_acknowledged() {
    let mut switch = Switch::new(&vxlan(FAR));
    switch.drops_learning("a", &from_to(1, 2), "no_route");
    let expect = |switch: &mut Switch, number: u8| {
        let out = switch.pass("a", &from_to(1, 2));
        assert_eq!(out.len(), 1, "{out:?}");
        assert_eq!(out[0].1[..6], peer(number).0.bytes());
        assert_eq!(out[0].1[30..34], [203, 0, 113, 9]);
    };
    add(&mut switch, "0.0.0.0/0", &[11]);
    expect(&mut switch, 11);
    add(&mut switch, "203.0.113.0/24", &[12]);
    expect(&mut switch, 12);
    add(&mut switch, "203.0.0.0/16", &[13]);
    expect(&mut switch, 12);
    add(&mut switch, "203.0.113.0/24", &[14]);
    expect(&mut switch, 14);
    del(&mut switch, "203.0.113.0/24");
    expect(&mut switch, 13);
    del(&mut switch, "203.0.0.0/16");
    expect(&mut switch, 11);
    switch.settle();
    del(&mut switch, "0.0.0.0/0");
    switch.moved();
    switch.drops("a", &from_to(1, 2), "no_route");
    switch.close();
}

#[test]
fn flows_spread_over_gateways_and_one_that_falls_silent_is_left_out() {
    let mut switch = Switch::new(&vxlan(FAR));
    switch.pass("a", &from_to(1, 2));
    add(&mut switch, "203.0.113.0/24", &[11, 12, 13]);
    let before = gateways(&mut switch);
    assert_eq!(before.len(), 40);
    let all = [11, 12, 13].map(|number| peer(number).0);
    assert_eq!(distinct(before.clone()), all);
    assert_eq!(gateways(&mut switch), before, "a flow stays on its way");
    // Number 12 answers no more; the others do.
    for _ in 0..60 {
        switch.rig.leap(1_000);
        for (port, frame) in switch.out() {
            let asked = crate::common::asked(&frame).filter(|n| *n == 11 || *n == 13);
            if let Some(number) = asked {
                let own = Arp::new(&frame[14..]).unwrap();
                let asker = (own.sender_mac(), own.sender_ip());
                let reply = Pair::new(peer(number), asker).arp_reply();
                switch.rig.send(&port, &reply);
            }
        }
    }
    switch.settle();
    let after = gateways(&mut switch);
    assert_eq!(distinct(after.clone()), [peer(11).0, peer(13).0]);
    for (before, after) in before.iter().zip(&after) {
        assert!(
            before == after || *before == peer(12).0,
            "nobody else moved"
        );
    }
    switch.close();
}

#[test]
fn gateways_that_a_route_has_no_more_are_not_used_while_the_new_one_is_asked() {
    let mut switch = Switch::new(&vxlan(FAR));
    add(&mut switch, "0.0.0.0/0", &[11, 12]);
    let route = route("0.0.0.0/0", &[13]);
    let changed = switch.rig.edit(Command::RouteReplace, route);
    assert_eq!(changed, Ok(Done::default()));
    switch.settle();
    switch.bridges("a", &from_to(1, 2), &[], "received held fdb_learned");
    switch.close();
}

#[test]
fn a_change_is_not_acknowledged_before_the_worker_has_passed_it() {
    let mut switch = Switch::new(&vxlan(FAR));
    let edit = Edit::Do(Command::RouteAdd, route("0.0.0.0/0", &[11]));
    let next = switch.rig.wanted().edited(&edit).unwrap();
    let answer = switch.rig.apply_later(next);
    for _ in 0..3 {
        switch.rig.step();
        assert!(answer.is_empty(), "only state had a turn");
    }
    switch.rig.poll(0);
    switch.rig.step();
    assert_eq!(answer.try_recv(), Ok(Ok(Done::default())));
    switch.settle();
    switch.close();
}

/// Frames go on, one after the other, while routes come and go: each leaves once, by a gateway of
/// the route of now or of just before, and by that of now once it is acknowledged.
#[test]
fn routes_change_under_traffic() {
    let mut switch = Switch::new(&vxlan(FAR));
    add(&mut switch, "0.0.0.0/0", &[11]);
    add(&mut switch, "203.0.113.0/24", &[12]);
    switch.pass("a", &from_to(1, 2));
    switch.settle();
    let mut serial = 0u32;
    let mut send = |switch: &mut Switch| {
        for _ in 0..8 {
            serial += 1;
            let pair = Pair::new(crate::common::station(1), crate::common::station(2));
            let frame = pair.udp(7, 8, &serial.to_be_bytes());
            assert!(switch.rig.send("a", &frame));
        }
        serial
    };
    let mut seen = 0u32;
    for round in 0..20 {
        let by = if round % 2 == 0 { 11 } else { 12 };
        send(&mut switch);
        let to = "203.0.113.0/24";
        let done = match by {
            11 => switch.rig.edit(Command::RouteDel, network(to)),
            _ => switch.rig.edit(Command::RouteAdd, route(to, &[12])),
        };
        assert_eq!(done, Ok(Done::default()));
        // After the answer nothing leaves by the old way.
        let last = send(&mut switch);
        switch.rig.run(3);
        for (port, frame) in switch.out() {
            assert_eq!(port, "uplink");
            let Some(tail) = frame.last_chunk::<4>().filter(|_| frame[23] == 17) else {
                continue;
            };
            let number = u32::from_be_bytes(*tail);
            assert_eq!(number, seen + 1, "lost, doubled or out of order");
            seen = number;
            let now = frame[..6] == peer(by).0.bytes();
            assert!(now || number <= last - 8, "{number} by the old way");
        }
        assert_eq!(seen, last);
    }
    switch.close();
}

#[test]
fn what_cannot_be_a_route_is_refused_and_nothing_changes() {
    let mut switch = Switch::new(&vxlan(FAR));
    add(&mut switch, "10.0.0.0/8", &[11]);
    let off = serde_json::from_value(json!({"to": "10.0.0.0/7", "via": ["198.51.100.7"]}));
    for (command, words) in [
        (Command::RouteAdd, off.unwrap()),
        (Command::RouteAdd, route("127.0.0.0/8", &[11])),
        (Command::RouteAdd, route("10.0.0.0/8", &[12])),
        (Command::RouteDel, network("10.0.0.0/9")),
    ] {
        let refused = switch.rig.edit(command, words);
        assert!(matches!(refused, Err(Refused(_))), "{command:?}");
    }
    let own = route("10.0.0.0/7", &[us().1.octets()[3]]);
    let Err(Refused(said)) = switch.rig.edit(Command::RouteReplace, own) else {
        panic!("it is our own address");
    };
    assert!(said.contains("192.0.2.2"), "{said}");
    let Some(Reply::Routes(routes)) = switch.rig.ask(Method::RouteShow) else {
        panic!("no answer")
    };
    let routes: Vec<_> = routes.iter().map(|route| route.to.to_string()).collect();
    assert_eq!(routes, ["192.0.2.0/24", "10.0.0.0/8"]);
    switch.close();
}

#[test]
fn routes_of_the_configuration_are_there_and_shown() {
    let routes =
        format!("{FAR}\n[[route]]\nto = \"default\"\nvia = [\"192.0.2.11\", \"192.0.2.12\"]");
    let mut switch = Switch::cold(Wanted::parse(&vxlan(&routes), "test").unwrap(), 1);
    switch.answer_all();
    let Some(Reply::Routes(shown)) = switch.rig.ask(Method::RouteShow) else {
        panic!("no answer")
    };
    let shown: Vec<_> = shown
        .iter()
        .map(|route| {
            let via = route
                .via
                .iter()
                .map(|via| (via.gateway, via.mac, via.alive));
            (route.to.to_string(), via.collect::<Vec<_>>())
        })
        .collect();
    let gateway = |n| (Some(peer(n).1), Some(peer(n).0), true);
    let expected = [
        ("192.0.2.0/24".to_owned(), vec![(None, None, true)]),
        ("0.0.0.0/0".to_owned(), vec![gateway(11), gateway(12)]),
    ];
    assert_eq!(shown, expected);
    switch.rig.set_link("uplink", false);
    let Some(Reply::Routes(shown)) = switch.rig.ask(Method::RouteShow) else {
        panic!("no answer")
    };
    let mut ways = shown.iter().flat_map(|route| &route.via);
    assert!(ways.all(|via| !via.alive && via.port == "uplink"));
    switch.close();
}
