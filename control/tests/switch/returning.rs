//! What was counted of a port goes on when it is opened anew, and when it comes back.

use crate::change::{applied, with};
use crate::common::{LAN, Switch, broadcast, sums};
use control::api::messages::{Method, Port, Reply};
use control::config::Wanted;
use control::device::DriverCounters;

fn driver(number: u64) -> DriverCounters {
    DriverCounters {
        rx_missed: number,
        rx_no_mbuf: 2 * number,
        rx_errors: 3 * number,
        tx_errors: 4 * number,
    }
}

/// What drivers counted of port `b`.
#[track_caller]
fn counted(switch: &mut Switch) -> DriverCounters {
    let Some(Reply::Ports(ports)) = switch.rig.ask(Method::PortShow) else {
        panic!("no answer");
    };
    let port = ports.into_iter().find(|port| port.name == "b").unwrap();
    let Port { rx, tx, .. } = port;
    DriverCounters {
        rx_missed: rx.missed,
        rx_no_mbuf: rx.no_mbuf,
        rx_errors: rx.errors,
        tx_errors: tx.errors,
    }
}

#[test]
fn what_drivers_counted_outlives_devices_and_settings() {
    let mut switch = Switch::new(LAN);
    switch.rig.count("b", driver(10));
    assert_eq!(counted(&mut switch), driver(10));
    // More is counted up to the end, and the next one begins at zero.
    applied(
        &mut switch,
        &with(LAN, "\"heap1\"", "\"heap1\"\nrx_queues = 2"),
    );
    assert_eq!(counted(&mut switch), driver(10));
    switch.rig.count("b", driver(3));
    assert_eq!(counted(&mut switch), driver(13));
    switch.rig.remove_device("b");
    assert_eq!(counted(&mut switch), driver(13), "while it is away");
    switch.rig.leap(2_000);
    switch.rig.count("b", driver(20));
    assert_eq!(counted(&mut switch), driver(33));
    // It is removed, and comes back under its number.
    let without = with(LAN, "[[port]]\nname = \"b\"\ndevice = \"heap1\"\n", "");
    applied(&mut switch, &with(&without, "\"b\", ", ""));
    switch.rig.leap(5_000);
    applied(&mut switch, LAN);
    assert_eq!(counted(&mut switch), driver(33));
    switch.rig.count("b", driver(1));
    assert_eq!(counted(&mut switch), driver(34));
    switch.close();
}

/// A port with four queues goes, and comes back with one: those that it had still count for it.
#[test]
fn queues_of_a_port_that_comes_back_are_told() {
    let four = with(LAN, "\"heap1\"", "\"heap1\"\nrx_queues = 4");
    let mut switch = Switch::cold(Wanted::parse(&four, "test").unwrap(), 2);
    for queue in 0..4 {
        assert!(switch.rig.send_by("b", queue, &broadcast(2)));
    }
    switch.settle();
    let without = with(LAN, "[[port]]\nname = \"b\"\ndevice = \"heap1\"\n", "");
    applied(&mut switch, &with(&without, "\"b\", ", ""));
    switch.rig.leap(5_000);
    applied(&mut switch, LAN);
    switch.pass("b", &broadcast(2));
    let stats = switch.rig.stats();
    sums::assert_closed(&stats, false);
    let received = stats.queues.iter().filter(|queue| queue.port == "b");
    let received: Vec<_> = received.map(|queue| queue.received).collect();
    assert_eq!(received, [2, 1, 1, 1]);
    switch.settle();
    switch.close();
}
