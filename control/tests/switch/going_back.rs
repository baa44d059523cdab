//! To go back to what was is not refused for want of what cannot be had any more, and what is refused
//! is so before anything is touched.

use crate::change::{applied, ports, with};
use crate::common::{LAN, Switch, broadcast};
use control::api::messages::PortState;
use control::config::Wanted;

fn wanted(config: &str) -> Wanted {
    Wanted::parse(config, "test").unwrap()
}

/// LAN without its third port.
fn two() -> String {
    let next = with(LAN, "[[port]]\nname = \"c\"\ndevice = \"heap2\"\n", "");
    with(&next, r#", "c"]"#, "]")
}

fn state(switch: &mut Switch, name: &str) -> Option<PortState> {
    let found = ports(switch).into_iter().find(|(port, _)| port == name);
    found.map(|(_, state)| state)
}

/// That port alone is not there, and is tried again.
#[test]
fn the_way_back_does_not_end_at_one_device() {
    let mut switch = Switch::new(LAN);
    applied(
        &mut switch,
        &with(&two(), "[[bridge]]\n", "[[bridge]]\nageing = 7\n"),
    );
    // Its number rests until then.
    switch.rig.run(6_000);
    switch.rig.set_broken("c", true);
    switch.rig.go_back(wanted(LAN)).unwrap();
    assert_eq!(switch.rig.wanted(), &wanted(LAN));
    assert_eq!(state(&mut switch, "c"), Some(PortState::Failed));
    switch.rig.send("a", &broadcast(1));
    switch.rig.run(2);
    assert_eq!(switch.rig.received("b"), [broadcast(1)]);
    switch.rig.set_broken("c", false);
    switch.rig.run(10_000);
    assert_eq!(state(&mut switch, "c"), Some(PortState::Up));
    switch.rig.send("a", &broadcast(1));
    switch.rig.run(2);
    assert_eq!(switch.rig.received("c"), [broadcast(1)]);
    switch.settle();
    switch.close();
}

/// The same of a port that is to be opened anew.
#[test]
fn a_port_that_does_not_come_back_is_tried_again() {
    let mut switch = Switch::new(LAN);
    applied(
        &mut switch,
        &with(LAN, "\"heap1\"", "\"heap1\"\nrx_queues = 2"),
    );
    switch.rig.set_broken("b", true);
    switch.rig.go_back(wanted(LAN)).unwrap();
    assert_eq!(state(&mut switch, "b"), Some(PortState::Failed));
    switch.rig.set_broken("b", false);
    switch.rig.run(10_000);
    assert_eq!(state(&mut switch, "b"), Some(PortState::Up));
    switch.settle();
    switch.close();
}

/// A guest that shows many stations cannot keep a change from being taken back.
#[test]
fn stations_make_way_for_entries_that_come_back() {
    let entry = |number: u8| {
        format!("[[fdb]]\nbridge = \"br0\"\nmac = \"02:00:00:00:03:{number:02x}\"\nport = \"b\"\n")
    };
    let small = format!("[switch]\nfdb_entries = 4\n{LAN}");
    let pinned = format!("{small}{}{}", entry(1), entry(2));
    let mut switch = Switch::new(&pinned);
    applied(&mut switch, &small);
    for number in 1..=4 {
        switch.rig.send("a", &broadcast(number));
    }
    switch.settle();
    let fdb = switch.rig.stats().fdb;
    assert_eq!((fdb.entries, fdb.static_entries), (4, 0));
    let refused = switch.apply(&pinned).unwrap_err();
    assert!(
        refused.0.starts_with("fdb: no room for 02:00:00:00:03:01"),
        "{refused:?}"
    );
    switch.rig.go_back(wanted(&pinned)).unwrap();
    assert_eq!(switch.rig.stats().fdb.static_entries, 2);
    switch.settle();
    switch.close();
}

/// What was wanted when there were more workers does not stand in the way of anything else.
#[test]
fn a_worker_that_is_gone_is_complained_of_once() {
    let many = with(LAN, "\"heap0\"", "\"heap0\"\nrx_workers = \"3\"");
    let mut switch = Switch::cold(wanted(&many), 1);
    applied(
        &mut switch,
        &with(&many, "[[bridge]]\n", "[[bridge]]\nageing = 7\n"),
    );
    let refused = switch.apply(&with(&many, "\"3\"", "\"2\"")).unwrap_err();
    assert_eq!(
        refused.0,
        "port a: rx_workers: there is no worker 2, but 1, from 0"
    );
    applied(&mut switch, LAN);
    switch.rig.go_back(wanted(&many)).unwrap();
    switch.settle();
    switch.close();
}

/// A driver that does not let go of its device is not asked to open it again.
#[test]
fn a_device_that_opens_once_is_not_closed_for_other_settings() {
    for device in ["\"once1\"", "\"fixedonce1\""] {
        let config = LAN.replace("\"heap1\"", device);
        let mut switch = Switch::new(&config);
        let with = |setting: &str| config.replace(device, &format!("{device}\n{setting}"));
        let refused = switch.apply(&with("rx_queues = 2")).unwrap_err();
        let said = "port b: driver heap can be set up only once in the life of the daemon: change it in \
                    the file, and restart with --replace";
        assert_eq!(refused.0, said);
        let other = switch.apply(&with("mtu = 1000"));
        if device.contains("fixed") {
            assert_eq!(other.unwrap_err().0, said);
        } else {
            other.unwrap();
        }
        assert_eq!(state(&mut switch, "b"), Some(PortState::Up));
        switch.rig.send("a", &broadcast(1));
        switch.rig.run(2);
        assert_eq!(switch.rig.received("b"), [broadcast(1)]);
        switch.settle();
        switch.close();
    }
}

/// Nor for another port, nor if it would have to be had again.
#[test]
fn a_device_that_opens_once_is_not_given_to_another_port() {
    let config = LAN.replace("\"heap1\"", "\"once1\"");
    let mut switch = Switch::new(&config);
    let renamed = config
        .replace("\"b\"\ndevice", "\"z\"\ndevice")
        .replace("\"b\", \"c\"", "\"z\", \"c\"");
    assert_ne!(renamed, config);
    let refused = switch.apply(&renamed).unwrap_err();
    let said = "port z: driver heap can be set up only once in the life of the daemon: change it in the \
                file, and restart with --replace";
    assert_eq!(refused.0, said);
    let gone = with(&config, "[[port]]\nname = \"b\"\ndevice = \"once1\"\n", "");
    let gone = with(&gone, r#""b", "#, "");
    let refused = switch.rig.try_out(wanted(&gone)).unwrap_err();
    let said = "port b: driver heap can be set up only once in the life of the daemon, so that this change \
                could not be taken back: apply it without --confirm";
    assert_eq!(refused.0, said);
    assert_eq!(state(&mut switch, "b"), Some(PortState::Up));
    switch.rig.send("a", &broadcast(1));
    switch.rig.run(2);
    assert_eq!(switch.rig.received("b"), [broadcast(1)]);
    applied(&mut switch, &gone);
    switch.settle();
    switch.close();
}

/// What a port that fails already is to be is no reason to refuse anything: it could not be mended
/// step by step.
#[test]
fn a_port_that_fails_may_be_changed_and_fail_again() {
    let mut switch = Switch::new(LAN);
    switch.rig.set_broken("b", true);
    switch.rig.lose_device("b", "it is gone");
    switch.rig.run(20);
    assert_eq!(state(&mut switch, "b"), Some(PortState::Failed));
    let more = with(LAN, "\"heap1\"", "\"heap1\"\nrx_queues = 2");
    let done = switch.apply(&more).unwrap();
    assert_eq!(done.later.len(), 1, "{done:?}");
    assert!(
        done.later[0].starts_with("port b: still fails: "),
        "{done:?}"
    );
    switch.rig.set_broken("b", false);
    switch.rig.run(20_000);
    assert_eq!(state(&mut switch, "b"), Some(PortState::Up));
    // One that works is not to fail.
    switch.rig.set_broken("b", true);
    switch.apply(LAN).unwrap_err();
    switch.rig.set_broken("b", false);
    switch.rig.run(20_000);
    switch.settle();
    switch.close();
}

/// The pool is made for the MTUs of the start. Larger ones are kept for the next.
#[test]
fn an_mtu_that_packets_have_no_room_for_is_had_with_the_next_start() {
    let mut switch = Switch::new(LAN);
    let large = with(LAN, "\"heap1\"", "\"heap1\"\nmtu = 9000");
    let done = switch.apply(&large).unwrap();
    assert_eq!(
        done.later,
        [
            "port b: mtu 9000 takes effect with the next start, which makes room for it; 2026 until then"
        ]
    );
    assert_eq!(switch.rig.wanted(), &wanted(&large));
    assert_eq!(switch.port("b").mtu, 2026);
    // It is said once, not with each change.
    applied(
        &mut switch,
        &with(&large, "[[bridge]]\n", "[[bridge]]\nageing = 7\n"),
    );
    assert_eq!(switch.port("b").mtu, 2026);
    // A device that is opened anew has no more.
    applied(
        &mut switch,
        &with(&large, "mtu = 9000", "mtu = 9000\nrx_queues = 2"),
    );
    assert_eq!(switch.port("b").mtu, 2026);
    applied(&mut switch, LAN);
    assert_eq!(switch.port("b").mtu, 1500);
    switch.settle();
    switch.close();
}
