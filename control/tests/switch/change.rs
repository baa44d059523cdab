//! What is wanted changes while the switch runs: all of it, or nothing, and what it does not concern
//! is left alone.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};
use control::api::Refused;
use control::api::messages::{CacheEntry, Caches, Entries, Learned, Method, PortState, Reply};
use control::change::Done;
use control::config::Wanted;

const D: &str = "[[port]]\nname = \"d\"\ndevice = \"heap3\"\n";

pub(crate) fn with(config: &str, old: &str, new: &str) -> String {
    assert!(config.contains(old), "{old}");
    config.replace(old, new)
}

fn caches(switch: &mut Switch) -> Vec<CacheEntry> {
    match switch.rig.ask_workers(Method::CacheShow(Entries::All)) {
        Some(Reply::Caches(caches)) => {
            let Caches { entries, .. } = *caches;
            entries
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn ports(switch: &mut Switch) -> Vec<(String, PortState)> {
    match switch.rig.ask(Method::PortShow) {
        Some(Reply::Ports(ports)) => ports.into_iter().map(|p| (p.name, p.state)).collect(),
        other => panic!("{other:?}"),
    }
}

fn up(names: &[&str]) -> Vec<(String, PortState)> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), PortState::Up))
        .collect()
}

#[track_caller]
pub(crate) fn applied(switch: &mut Switch, config: &str) {
    assert_eq!(switch.apply(config), Ok(Done::default()));
    switch.settle();
}

#[test]
fn a_port_comes_and_goes() {
    let mut switch = Switch::new(LAN);
    let four = with(LAN, "[[bridge]]", &format!("{D}[[bridge]]"));
    let four = with(&four, r#""c"]"#, r#""c", "d"]"#);
    switch.bridges(
        "a",
        &broadcast(1),
        &["b", "c"],
        "received copied sent=2 fdb_learned",
    );
    applied(&mut switch, &four);
    assert_eq!(ports(&mut switch), up(&["a", "b", "c", "d"]));
    switch.bridges(
        "a",
        &broadcast(1),
        &["b", "c", "d"],
        "received copied=2 sent=3",
    );
    switch.bridges("d", &from_to(4, 1), &["a"], "received sent fdb_learned");
    // It goes, and what was learned behind it.
    applied(&mut switch, LAN);
    assert_eq!(ports(&mut switch), up(&["a", "b", "c"]));
    assert_eq!(
        (switch.place(1), switch.place(4)),
        ("a".to_owned(), String::new())
    );
    switch.bridges("a", &from_to(1, 4), &["b", "c"], "received copied sent=2");
    let gone = switch.rig.stats().gone.ports;
    assert_eq!((gone.received, gone.sent), (1, 1));
    // It comes back, and so do its counters.
    switch.rig.leap(5_000);
    applied(&mut switch, &four);
    let stats = switch.rig.stats();
    assert_eq!((stats.ports[3].received, stats.gone.ports.received), (1, 0));
    switch.close();
}

#[test]
fn a_port_moves_to_another_bridge() {
    let moved = with(
        LAN,
        r#""b", "c"]"#,
        "\"b\"]\n[[bridge]]\nname = \"br1\"\nports = [\"c\"]",
    );
    let mut switch = Switch::new(LAN);
    switch.bridges(
        "c",
        &broadcast(3),
        &["a", "b"],
        "received copied sent=2 fdb_learned",
    );
    switch.bridges("a", &from_to(1, 3), &["c"], "received sent fdb_learned");
    applied(&mut switch, &moved);
    assert_eq!(switch.place(3), "");
    switch.bridges("a", &from_to(1, 3), &["b"], "received sent");
    switch.drops_learning("c", &broadcast(3), "no_destination");
    applied(&mut switch, LAN);
    switch.bridges("a", &from_to(1, 3), &["b", "c"], "received copied sent=2");
    switch.close();
}

#[test]
fn settings_of_a_bridge_are_those_of_the_next_packet() {
    let mut switch = Switch::new(LAN);
    switch.bridges(
        "a",
        &broadcast(1),
        &["b", "c"],
        "received copied sent=2 fdb_learned",
    );
    applied(
        &mut switch,
        &with(LAN, "name = \"br0\"", "name = \"br0\"\nlearning = false"),
    );
    switch.bridges("b", &broadcast(2), &["a", "c"], "received copied sent=2");
    applied(
        &mut switch,
        &with(LAN, "name = \"br0\"", "name = \"br0\"\nageing = 5"),
    );
    switch.rig.leap(7_000);
    assert_eq!(switch.place(1), "", "it is too old now");
    switch.settle();
    switch.close();
}

#[test]
fn a_tunnel_comes_changes_and_goes() {
    let config = vxlan("remotes = [\"192.0.2.1\"]");
    let mut switch = Switch::new(&config);
    switch.tunnels(
        "a",
        &broadcast(1),
        &[1],
        &["b"],
        "received copied sent=2 fdb_learned",
    );
    // A second remote.
    let two = with(&config, r#"["192.0.2.1"]"#, r#"["192.0.2.1", "192.0.2.3"]"#);
    assert_eq!(switch.apply(&two), Ok(Done::default()));
    switch.answer_all();
    switch.tunnels(
        "a",
        &broadcast(1),
        &[1, 3],
        &["b"],
        "received copied=2 sent=3",
    );
    let known = from_peer(3, &from_to(9, 1));
    assert_eq!(
        switch.pass("uplink", &known),
        [("a".to_owned(), from_to(9, 1))]
    );
    switch.expect_moved("received sent fdb_learned");
    // The first one goes: what was learned from it is nowhere, and it is a stranger.
    applied(
        &mut switch,
        &with(&config, r#""192.0.2.1""#, r#""192.0.2.3""#),
    );
    switch.tunnels("a", &broadcast(1), &[3], &["b"], "received copied sent=2");
    switch.drops("uplink", &from_peer(1, &from_to(8, 1)), "remote_unknown");
    // Another VNI.
    applied(&mut switch, &with(&two, "vni = 10", "vni = 11"));
    switch.answer_all();
    switch.drops("uplink", &known, "vni_unknown");
    let out = switch.pass("a", &broadcast(1));
    let outer: Vec<_> = out.iter().filter(|(port, _)| port == "uplink").collect();
    assert_eq!(outer.len(), 2);
    assert!(
        outer.iter().all(|(_, frame)| frame[46..49] == [0, 0, 11]),
        "the VNI"
    );
    switch.settle();
    // No tunnel.
    let at = config.find("[[tunnel]]").unwrap();
    applied(&mut switch, &config[..at]);
    switch.bridges("a", &broadcast(1), &["b"], "received sent");
    switch.drops("uplink", &known, "no_service");
    let traffic = switch.rig.stats().gone;
    assert_eq!(
        (traffic.tunnels_rx.packets, traffic.tunnels_tx.packets),
        (1, 6)
    );
    switch.close();
}

#[test]
fn addresses_and_routes_come_and_go() {
    let config = vxlan("remotes = [\"192.0.2.1\"]");
    let mut switch = Switch::new(&config);
    let more = with(
        &config,
        r#""192.0.2.2/24""#,
        r#""192.0.2.2/24", "198.51.100.2/24""#,
    ) + "[[route]]\nto = \"203.0.113.0/24\"\nvia = [\"198.51.100.1\"]\n";
    assert_eq!(switch.apply(&more), Ok(Done::default()));
    switch.probe_all();
    let shown = |switch: &mut Switch| match (
        switch.rig.ask(Method::AddrShow),
        switch.rig.ask(Method::RouteShow),
    ) {
        (Some(Reply::Addresses(own)), Some(Reply::Routes(routes))) => {
            let own = own.iter().map(|own| own.address.to_string());
            let routes = routes.iter().map(|route| route.to.to_string());
            (own.collect::<Vec<_>>(), routes.collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    let (own, routes) = shown(&mut switch);
    assert_eq!(own, ["192.0.2.2", "198.51.100.2"]);
    assert!(routes.contains(&"203.0.113.0/24".to_owned()), "{routes:?}");
    applied(&mut switch, &config);
    let (own, routes) = shown(&mut switch);
    assert_eq!((own.len(), routes.len()), (1, 1), "{routes:?}");
    switch.tunnels(
        "a",
        &broadcast(1),
        &[1],
        &["b"],
        "received copied sent=2 fdb_learned",
    );
    switch.close();
}

#[test]
fn static_entries_come_move_and_go() {
    let entry =
        |to: &str| format!("[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:02:09\"\n{to}\n");
    let config = vxlan("remotes = [\"192.0.2.1\"]");
    let mut switch = Switch::new(&config);
    let far = config.clone() + &entry("tunnel = \"vx10\"\nremote = \"192.0.2.7\"");
    assert_eq!(switch.apply(&far), Ok(Done::default()));
    switch.answer_all();
    switch.tunnels("a", &from_to(1, 9), &[7], &[], "received sent fdb_learned");
    applied(&mut switch, &(config.clone() + &entry("port = \"b\"")));
    switch.bridges("a", &from_to(1, 9), &["b"], "received sent");
    // Nothing leads to the remote any more: it is a stranger.
    switch.drops("uplink", &from_peer(7, &from_to(8, 1)), "remote_unknown");
    applied(&mut switch, &config);
    let fdb = switch.rig.stats().fdb;
    assert_eq!((fdb.static_entries, fdb.entries), (0, 1));
    switch.tunnels("a", &from_to(1, 9), &[1], &["b"], "received copied sent=2");
    switch.close();
}

/// Entries of flows that a change does not concern keep number and count, be their port concerned.
#[test]
fn what_is_decided_the_same_keeps_its_entry() {
    let config = vxlan("remotes = [\"192.0.2.1\", \"192.0.2.3\"]");
    let mut switch = Switch::new(&config);
    for frame in [from_peer(1, &from_to(7, 1)), from_peer(3, &from_to(8, 1))] {
        for _ in 0..3 {
            switch.pass("uplink", &frame);
        }
    }
    switch.pass("a", &from_to(1, 7));
    let mut before = caches(&mut switch);
    // Not the answers to questions.
    before.retain(|entry| entry.packets == 3 || entry.port == "a");
    assert_eq!(before.len(), 3);
    let other = "[[bridge]]\nname = \"br11\"\n[[tunnel]]\nname = \"vx11\"\nbridge = \"br11\"\n\
                 vni = 11\nlocal = \"192.0.2.2\"\nremotes = [\"192.0.2.1\"]\n";
    applied(&mut switch, &(config.clone() + other));
    for frame in [from_peer(1, &from_to(7, 1)), from_peer(3, &from_to(8, 1))] {
        switch.pass("uplink", &frame);
    }
    switch.pass("a", &from_to(1, 7));
    for entry in &before {
        let all = caches(&mut switch);
        let after = all.iter().find(|after| after.entry == entry.entry).unwrap();
        assert_eq!(
            (after.packets, after.current),
            (entry.packets + 1, true),
            "{after:?}"
        );
        assert_eq!((&after.port, &after.fields), (&entry.port, &entry.fields));
    }
    switch.settle();
    switch.close();
}

#[test]
fn a_change_that_fails_leaves_everything_as_it_was() {
    let mut switch = Switch::new(LAN);
    switch.bridges(
        "a",
        &from_to(1, 2),
        &["b", "c"],
        "received copied sent=2 fdb_learned",
    );
    let broken = with(
        LAN,
        "[[bridge]]",
        &format!("{}[[bridge]]", D.replace("heap3", "heapbroken")),
    );
    let broken = with(&broken, r#"["a", "b", "c"]"#, r#"["a", "d"]"#);
    let refused = switch.apply(&broken).unwrap_err();
    assert_eq!(refused, Refused("port d: no such device".to_owned()));
    assert_eq!(ports(&mut switch), up(&["a", "b", "c"]));
    switch.settle();
    switch.bridges("a", &broadcast(1), &["b", "c"], "received copied sent=2");
    // A port that is there gets a device that cannot be had: it has the old one again.
    let refused = switch.apply(&with(LAN, "heap1", "heapbroken"));
    assert_eq!(refused, Err(Refused("port b: no such device".to_owned())));
    assert_eq!(ports(&mut switch), up(&["a", "b", "c"]));
    // The same with a device that was there.
    switch.rig.set_broken("b", true);
    let refused = switch
        .apply(&with(LAN, "\"heap1\"", "\"heap1\"\nrx_queues = 2"))
        .unwrap_err();
    assert_eq!(refused, Refused("port b: no such device".to_owned()));
    switch.settle();
    switch.rig.set_broken("b", false);
    switch.rig.leap(40_000);
    assert_eq!(ports(&mut switch), up(&["a", "b", "c"]));
    switch.close();
}

#[test]
fn static_entries_without_room_are_refused_together() {
    let small = format!("[switch]\nfdb_entries = 2\n{LAN}");
    let mut switch = Switch::new(&small);
    for number in [1, 2] {
        switch.pass("a", &broadcast(number));
    }
    switch.settle();
    let entry = |mac: u8| {
        format!("[[fdb]]\nbridge = \"br0\"\nmac = \"02:00:00:00:02:{mac:02x}\"\nport = \"b\"\n")
    };
    let refused = switch
        .apply(&format!("{small}{}{}", entry(1), entry(9)))
        .unwrap_err();
    assert!(
        refused
            .0
            .starts_with("fdb: no room for 02:00:00:00:02:09 in bridge br0"),
        "{refused}"
    );
    let fdb = switch.rig.stats().fdb;
    assert_eq!(fdb.static_entries, 0);
    switch.settle();
    switch.close();
}

#[test]
fn what_the_next_start_changes_is_said() {
    let mut switch = Switch::new(LAN);
    let done = switch
        .apply(&format!("[switch]\nmbufs = 4096\n{LAN}"))
        .unwrap();
    assert_eq!(
        done.later,
        ["switch.mbufs 4096 takes effect with the next start"]
    );
    switch.settle();
    switch.close();
}

/// The device of a port that goes is at once that of another.
#[test]
fn a_device_passes_from_port_to_port() {
    let mut switch = Switch::new(LAN);
    let renamed = LAN.replace("\"c\"", "\"z\"");
    applied(&mut switch, &renamed);
    switch.rig.leap(5_000);
    assert_eq!(ports(&mut switch), up(&["a", "b", "z"]));
    switch.bridges(
        "a",
        &broadcast(1),
        &["b", "z"],
        "received copied sent=2 fdb_learned",
    );
    switch.close();
}

/// What is said of a change while the second of two workers does not come round.
fn with_one_worker_of_two(next: &str) -> (Switch, Done) {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 2);
    let answer = switch.rig.apply_later(Wanted::parse(next, "test").unwrap());
    for _ in 0..40 {
        switch.rig.wait(1);
        switch.rig.step();
        switch.rig.poll(0);
    }
    (switch, answer.try_recv().unwrap().unwrap())
}

fn lagging(done: &Done) -> Vec<usize> {
    done.lagging.iter().map(|worker| worker.index()).collect()
}

/// A worker that does not come round is named, and nothing is taken from it.
#[test]
fn a_worker_that_lags_is_named() {
    let next = with(LAN, r#""b", "c"]"#, r#""b"]"#);
    let (mut switch, done) = with_one_worker_of_two(&next);
    assert_eq!(lagging(&done), [1]);
    switch.settle();
    switch.close();
}

/// A port that goes waits for its queues, and who has them does not come round: that is said, and not
/// waited for until devices would be given up on.
#[test]
fn a_worker_that_keeps_queues_is_named_soon() {
    let next = with(LAN, "[[port]]\nname = \"b\"\ndevice = \"heap1\"\n", "");
    let (mut switch, done) = with_one_worker_of_two(&with(&next, r#""b", "#, ""));
    assert_eq!(lagging(&done), [1]);
    let said = "port b: not all workers have given back its queues yet";
    assert_eq!(done.later, [said]);
    switch.settle();
    switch.close();
}

/// A step of state that takes long takes nothing of the time that workers have.
#[test]
fn workers_have_their_time_after_the_step_that_made_the_change() {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 1);
    let next = with(LAN, r#""b", "c"]"#, r#""b"]"#);
    let answer = switch
        .rig
        .apply_later(Wanted::parse(&next, "test").unwrap());
    switch.rig.step();
    // The next one begins after this one has taken 50 ms, and before the worker has come round.
    switch.rig.wait(50);
    switch.rig.step();
    switch.rig.poll(0);
    switch.rig.run(2);
    assert_eq!(answer.try_recv().unwrap().unwrap().lagging, []);
    let mut answer = switch
        .rig
        .ask_later(Method::FdbFlush(Learned::default()))
        .unwrap();
    switch.rig.step();
    switch.rig.wait(50);
    switch.rig.step();
    switch.rig.poll(0);
    switch.rig.run(2);
    match answer.try_recv().unwrap().unwrap() {
        Reply::Changed(changed) => assert!(changed.lagging.is_empty(), "{changed:?}"),
        other => panic!("{other:?}"),
    }
    switch.settle();
    switch.close();
}
