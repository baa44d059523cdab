//! Several workers, and ports with fewer transmit queues than these.

use crate::common::{LAN, Switch, broadcast, from_to, station};
use control::config::Wanted;
use fastpath::wire::craft::Pair;

/// The three ports of [`LAN`] with one transmit queue each: only worker 0 may send.
fn narrow(workers: usize) -> Switch {
    let config = LAN.replace("device", "tx_queues = 1\ndevice");
    Switch::cold(Wanted::parse(&config, "test").unwrap(), workers)
}

#[test]
fn who_has_no_queue_hands_over() {
    // Ports a, b and c are polled by workers 0, 1 and 2.
    let mut switch = narrow(3);
    let all = "received copied sent=2 fdb_learned";
    switch.bridges("a", &broadcast(1), &["b", "c"], all);
    switch.bridges(
        "b",
        &broadcast(2),
        &["a", "c"],
        &format!("{all} handed_off=2"),
    );
    switch.bridges(
        "c",
        &from_to(3, 1),
        &["a"],
        "received sent fdb_learned handed_off",
    );
    switch.bridges("a", &from_to(1, 3), &["c"], "received sent");
    switch.close();
}

#[test]
fn with_a_queue_for_each_nothing_is_handed_over() {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 3);
    let all = "received copied sent=2 fdb_learned";
    switch.bridges("a", &broadcast(1), &["b", "c"], all);
    switch.bridges("b", &broadcast(2), &["a", "c"], all);
    switch.bridges("c", &broadcast(3), &["a", "b"], all);
    switch.close();
}

/// Packets of one port for another keep their order, whoever sends them.
#[test]
fn order_is_kept_between_two_ports() {
    for workers in 1..=3 {
        for mut switch in [
            narrow(workers),
            Switch::cold(Wanted::parse(LAN, "test").unwrap(), workers),
        ] {
            switch.pass("c", &broadcast(3));
            switch.settle();
            for number in 0..200_u8 {
                for (port, from) in [("a", 1), ("b", 2)] {
                    let frame = Pair::new(station(from), station(3)).udp(1, 2, &[from, number]);
                    switch.rig.send(port, &frame);
                }
            }
            switch.rig.run(3);
            let out = switch.rig.received("c");
            assert_eq!(out.len(), 400);
            for from in [1, 2] {
                let of = out.iter().filter(|frame| frame[42] == from);
                assert!(of.map(|frame| frame[43]).eq(0..200), "{workers} workers");
            }
            switch.close();
        }
    }
}

#[test]
fn queues_come_back_from_every_worker() {
    let mut switch = Switch::cold(Wanted::parse(LAN, "test").unwrap(), 3);
    for _ in 0..3 {
        switch.rig.remove_device("b");
        switch.rig.run(2_500);
        switch.settle();
        switch.pass("b", &broadcast(2));
        assert_eq!(
            switch.pass("a", &from_to(1, 2)),
            [("b".to_owned(), from_to(1, 2))]
        );
    }
    switch.close();
}
