//! What a port is made of changes while the switch runs.

use crate::common::{LAN, Switch, broadcast};
use control::change::Done;
use control::config::Wanted;

#[track_caller]
fn applied(switch: &mut Switch, config: &str) {
    assert_eq!(switch.apply(config), Ok(Done::default()));
    switch.settle();
}

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
