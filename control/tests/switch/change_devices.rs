//! What a port is made of changes while the switch runs.

use crate::change::{applied, ports, with};
use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};
use control::api::Refused;
use control::api::messages::{Method, PortState, Reply};
use control::change::Done;
use control::config::Wanted;

#[test]
fn a_port_gets_another_mtu_while_it_runs_or_is_opened_anew() {
    for fixed in [false, true] {
        let device = if fixed { "\"fixed1\"" } else { "\"heap1\"" };
        let config = LAN.replace("\"heap1\"", device);
        let mut switch = Switch::new(&config);
        let long = |len: usize| {
            let mut frame = broadcast(1);
            frame.resize(14 + len, 0);
            frame
        };
        applied(
            &mut switch,
            &config.replace(device, &format!("{device}\nmtu = 1000")),
        );
        let out = switch.pass("a", &long(1200));
        assert_eq!(out.iter().map(|(port, _)| port).collect::<Vec<_>>(), ["c"]);
        applied(&mut switch, &config);
        assert_eq!(switch.pass("a", &long(1200)).len(), 2);
        switch.settle();
        switch.close();
    }
}

/// The number of queues, and who polls them, in a switch of several workers.
#[test]
fn queues_come_and_move_from_worker_to_worker() {
    let config = |queues: u16, workers: &str| {
        let queues = format!("\"heap0\"\nrx_queues = {queues}\nrx_workers = \"{workers}\"");
        LAN.replace("\"heap0\"", &queues)
    };
    let mut switch = Switch::cold(Wanted::parse(&config(1, "0"), "test").unwrap(), 3);
    let received = |switch: &mut Switch| {
        let workers = switch.rig.stats().workers.into_iter();
        workers.map(|worker| worker.received).collect::<Vec<_>>()
    };
    switch.rig.send("a", &broadcast(1));
    switch.settle();
    assert_eq!(received(&mut switch), [1, 0, 0]);
    applied(&mut switch, &config(1, "2"));
    switch.rig.send("a", &broadcast(1));
    switch.settle();
    assert_eq!(received(&mut switch), [1, 0, 1]);
    applied(&mut switch, &config(2, "2,1"));
    for queue in [0, 1] {
        assert!(switch.rig.send_by("a", queue, &broadcast(1)));
    }
    switch.settle();
    assert_eq!(received(&mut switch), [1, 1, 2]);
    let refused = switch.apply(&config(2, "2,3")).unwrap_err();
    assert_eq!(
        refused.0,
        "port a: rx_workers: there is no worker 3, but 3, from 0"
    );
    applied(&mut switch, &config(1, "1"));
    switch.rig.send("a", &broadcast(1));
    switch.settle();
    assert_eq!(received(&mut switch), [1, 2, 2]);
    switch.close();
}

/// A port goes, another one is to be opened anew and cannot: both are there again.
#[test]
fn what_went_comes_back_if_the_rest_cannot_be() {
    let pinned =
        LAN.to_owned() + "[[fdb]]\nbridge = \"br0\"\nmac = \"02:00:00:00:02:09\"\nport = \"c\"\n";
    let mut switch = Switch::new(&pinned);
    let next = with(LAN, "[[port]]\nname = \"c\"\ndevice = \"heap2\"\n", "");
    let next = with(&next, r#", "c"]"#, "]").replace("\"heap1\"", "\"heap1\"\nrx_queues = 2");
    switch.rig.set_broken("b", true);
    let refused = switch.apply(&next).unwrap_err();
    assert_eq!(refused, Refused("port b: no such device".to_owned()));
    switch.rig.set_broken("b", false);
    switch.rig.leap(40_000);
    switch.settle();
    assert_eq!(ports(&mut switch).len(), 3, "{:?}", ports(&mut switch));
    assert!(
        ports(&mut switch)
            .iter()
            .all(|(_, state)| *state == PortState::Up)
    );
    switch.bridges("a", &from_to(1, 9), &["c"], "received sent fdb_learned");
    switch.close();
}

/// Nothing that was learned leads to a number that is another's now.
#[test]
fn stations_of_what_went_are_forgotten_if_it_comes_back() {
    let config = "[switch]\nfdb_entries = 4\n".to_owned() + &vxlan("remotes = [\"192.0.2.1\"]");
    let mut switch = Switch::new(&config);
    for number in 5..8 {
        switch.pass("uplink", &from_peer(1, &from_to(number, 1)));
    }
    switch.settle();
    let entry = |mac: u8| {
        format!("[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:02:{mac:02x}\"\nport = \"b\"\n")
    };
    let at = config.find("[[tunnel]]").unwrap();
    let next = format!("{}{}{}{}", &config[..at], entry(5), entry(20), entry(21));
    let refused = switch.apply(&next).unwrap_err();
    assert!(refused.0.starts_with("fdb: no room"), "{refused}");
    switch.answer_all();
    assert_eq!(switch.place(6), "vx10 192.0.2.1", "nothing was touched");
    switch.tunnels("a", &from_to(1, 6), &[1], &[], "received sent fdb_learned");
    switch.close();
}

/// The address of a tunnel moves to another port: the tunnel goes up with that.
#[test]
fn an_underlay_port_is_replaced() {
    let config = vxlan("remotes = [\"192.0.2.1\"]");
    let mut switch = Switch::new(&config);
    let next = with(
        &config,
        "name = \"uplink\"\ndevice = \"heap0\"",
        "name = \"up2\"\ndevice = \"heap9\"",
    );
    assert_eq!(switch.apply(&next), Ok(Done::default()));
    switch.answer_all();
    switch.probe_all();
    let Some(Reply::Tunnels(tunnels)) = switch.rig.ask(Method::VxlanShow) else {
        panic!("no answer");
    };
    assert_eq!(tunnels[0].reason, None);
    let out = switch.pass("a", &broadcast(1));
    assert_eq!(
        out.iter().filter(|(port, _)| port == "up2").count(),
        1,
        "{out:?}"
    );
    switch.settle();
    switch.close();
}

/// A port whose device goes just now has nothing to do with a change.
#[test]
fn a_port_that_fails_by_itself_undoes_nothing() {
    let mut switch = Switch::new(LAN);
    switch.rig.set_broken("c", true);
    switch.rig.lose_device("c", "it broke");
    let more = format!("{LAN}[[bridge]]\nname = \"br9\"\n");
    assert_eq!(switch.apply(&more), Ok(Done::default()));
    assert_eq!(ports(&mut switch)[2].1, PortState::Failed);
    switch.settle();
    switch.close();
}

/// What is acknowledged is so: the MTU is that of the device, and the queue is polled.
#[test]
fn the_answer_comes_when_the_device_has_the_mtu() {
    let mut switch = Switch::new(LAN);
    let next = with(LAN, "\"heap1\"", "\"heap1\"\nmtu = 1000");
    let wanted = Wanted::parse(&next, "test").unwrap();
    let mtu = |switch: &mut Switch| match switch.rig.ask(Method::PortShow) {
        Some(Reply::Ports(ports)) => ports[1].mtu,
        other => panic!("{other:?}"),
    };
    switch.rig.set_stuck(fastpath::ids::PortId::new(1));
    let answer = switch.rig.apply_later(wanted);
    switch.rig.run(5);
    assert!(answer.is_empty(), "the device has not got it yet");
    switch.rig.set_stuck(None);
    while answer.is_empty() {
        switch.rig.run(1);
    }
    assert_eq!(
        (answer.recv().unwrap(), mtu(&mut switch)),
        (Ok(Done::default()), 1000)
    );
    // One that cannot be had is refused, and the port is as it was.
    let fixed = with(LAN, "\"heap1\"", "\"fixed1\"");
    let mut switch_fixed = Switch::new(&fixed);
    switch_fixed.rig.set_broken("b", true);
    let refused = switch_fixed.apply(&with(&fixed, "\"fixed1\"", "\"fixed1\"\nmtu = 1000"));
    assert_eq!(refused, Err(Refused("port b: no such device".to_owned())));
    for mut switch in [switch, switch_fixed] {
        switch.settle();
        switch.close();
    }
}

/// A device that never answers costs the change, and no other.
#[test]
fn a_device_that_does_not_answer_is_given_up_on() {
    let mut switch = Switch::new(LAN);
    let next = format!("{LAN}[[port]]\nname = \"d\"\ndevice = \"heap3\"\n");
    switch.rig.set_stuck(fastpath::ids::PortId::new(3));
    let answer = switch
        .rig
        .apply_later(Wanted::parse(&next, "test").unwrap());
    switch.rig.run(5);
    assert!(answer.is_empty());
    switch.rig.leap(15_000);
    switch.rig.leap(15_000);
    let refused = answer.try_recv().unwrap().unwrap_err();
    assert_eq!(refused.0, "port d: its device did not open in 15 s");
    switch.settle();
    switch.close();
}

/// Each may be tested before it has traffic: one that came is a reason to wait for the next, not for ever.
#[test]
fn devices_that_come_one_after_the_other_are_waited_for() {
    for answers in [true, false] {
        let mut switch = Switch::new(LAN);
        let next = format!(
            "{LAN}[[port]]\nname = \"d\"\ndevice = \"heap3\"\n\
             [[port]]\nname = \"e\"\ndevice = \"heap4\"\n"
        );
        switch.rig.set_stuck(fastpath::ids::PortId::new(4));
        switch.rig.set_busy(true);
        let answer = switch
            .rig
            .apply_later(Wanted::parse(&next, "test").unwrap());
        switch.rig.run(5);
        switch.rig.leap(14_000);
        switch.rig.set_busy(false);
        switch.rig.run(5);
        switch.rig.leap(10_000);
        assert!(answer.is_empty(), "the first came ten seconds ago");
        if answers {
            switch.rig.set_stuck(None);
            switch.rig.run(20);
            assert!(answer.try_recv().unwrap().is_ok());
        } else {
            switch.rig.leap(2_000);
            // What was made is undone.
            switch.rig.leap(15_000);
            let refused = answer.try_recv().unwrap().unwrap_err();
            assert_eq!(refused.0, "port e: its device did not open in 25 s");
        }
        switch.settle();
        switch.close();
    }
}

/// Who was let in by `accept = "any"` is a stranger when only those listed may send.
#[test]
fn those_who_were_let_in_are_strangers_again() {
    let config = vxlan("accept = \"any\"");
    let mut switch = Switch::new(&config);
    for _ in 0..2 {
        switch.pass("uplink", &from_peer(9, &from_to(7, 1)));
    }
    assert_eq!(switch.place(7), "vx10 192.0.2.9");
    applied(&mut switch, &vxlan(""));
    switch.drops("uplink", &from_peer(9, &from_to(7, 1)), "remote_unknown");
    assert_eq!(switch.place(7), "");
    switch.close();
}

/// The numbers at the ends of the MACs that ports have from their devices.
fn devices(switch: &mut Switch) -> Vec<Option<u8>> {
    match switch.rig.ask(Method::PortShow) {
        Some(Reply::Ports(ports)) => ports
            .iter()
            .map(|port| port.mac.map(|mac| mac.bytes()[5]))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// The devices of these numbers for the ports of [`LAN`].
fn on(numbers: [&str; 3]) -> String {
    let config = ["\"heap0\"", "\"heap1\"", "\"heap2\""]
        .into_iter()
        .zip(["A", "B", "C"])
        .fold(LAN.to_owned(), |config, (old, new)| {
            config.replace(old, new)
        });
    ["A", "B", "C"]
        .into_iter()
        .zip(numbers)
        .fold(config, |config, (old, number)| {
            config.replace(
                &format!("device = {old}"),
                &format!("device = \"heap{number}\""),
            )
        })
}

/// Ports that swap their devices have each other's then; nobody opens what is open.
#[test]
fn devices_are_swapped_in_one_change() {
    let mut switch = Switch::new(LAN);
    for (numbers, places) in [
        (["1", "0", "2"], [1, 0, 2]),
        (["2", "1", "0"], [2, 1, 0]),
        (["0", "2", "1"], [0, 2, 1]),
    ] {
        applied(&mut switch, &on(numbers));
        assert_eq!(devices(&mut switch), places.map(Some));
        let out = switch.pass("a", &broadcast(1));
        let ports: Vec<_> = out.iter().map(|(port, _)| port).collect();
        assert_eq!(ports, ["b", "c"], "{numbers:?}");
    }
    switch.settle();
    switch.close();
}

/// Two swap, and a third cannot have what it is to: each has its own again.
#[test]
fn a_swap_is_taken_back() {
    let mut switch = Switch::new(LAN);
    for numbers in [["1", "0", "9broken"], ["1", "9broken", "0"]] {
        let refused = switch.apply(&on(numbers)).unwrap_err();
        assert!(refused.0.ends_with("no such device"), "{refused}");
        assert_eq!(devices(&mut switch), [0, 1, 2].map(Some), "{numbers:?}");
        let states = ports(&mut switch).into_iter();
        assert!(states.into_iter().all(|(_, state)| state == PortState::Up));
        let out = switch.pass("a", &broadcast(1));
        assert_eq!(out.len(), 2, "{numbers:?}");
    }
    switch.settle();
    switch.close();
}

/// A port whose device takes long to close is wanted again before that is done.
#[test]
fn a_port_that_is_still_going_is_wanted_again() {
    let mut switch = Switch::new(LAN);
    let without = with(LAN, "[[port]]\nname = \"c\"\ndevice = \"heap2\"\n", "");
    let without = with(&without, r#", "c"]"#, "]");
    switch.rig.set_stuck(fastpath::ids::PortId::new(2));
    let answer = switch
        .rig
        .apply_later(Wanted::parse(&without, "test").unwrap());
    switch.rig.run(5);
    assert!(answer.is_empty());
    switch.rig.leap(15_000);
    let done = answer.try_recv().unwrap().unwrap();
    assert_eq!(done.later, ["port c: its device takes long"]);
    // Another port comes too: while it is opened the first one is closed.
    let both = with(
        LAN,
        "[[bridge]]",
        "[[port]]\nname = \"d\"\ndevice = \"heap3\"\n[[bridge]]",
    );
    let answer = switch
        .rig
        .apply_later(Wanted::parse(&both, "test").unwrap());
    switch.rig.wait(1);
    switch.rig.step();
    switch.rig.set_stuck(None);
    switch.rig.run(20);
    assert_eq!(answer.try_recv(), Ok(Ok(Done::default())));
    let states = ports(&mut switch);
    assert_eq!(states.len(), 4, "{states:?}");
    assert!(states.iter().all(|(_, state)| *state == PortState::Up));
    switch.bridges(
        "a",
        &broadcast(1),
        &["b", "c"],
        "received copied sent=2 fdb_learned",
    );
    switch.close();
}
