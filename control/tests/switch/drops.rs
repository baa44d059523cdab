//! Every reason for which a packet is dropped: what makes it so, and that nothing else is counted.

use crate::common::broadcast;
use crate::reasons::{single, staged, usual, with_two_workers};
use fastpath::drop::DropReason::{self, *};
use std::collections::BTreeSet;

/// Reasons that nothing from outside leads to, each with why.
const UNREACHABLE: [(DropReason, &str); 2] = [
    (
        HeadersInDoubt,
        "no NIC here takes outer headers off: control/src/state/offload/tests/stripping.rs",
    ),
    (
        NoHeadroom,
        "a fresh packet of any pool here has room for the outer headers",
    ),
];

/// Seen by [`what_waits_at_the_end`], since who is asked has stopped then.
const AT_THE_END: [DropReason; 1] = [Shutdown];

#[test]
fn every_reason_is_met_by_name() {
    let mut met = BTreeSet::new();
    for (reason, port, frame) in single() {
        let mut switch = usual();
        // Twice: resolved, and out of the cache.
        for _ in 0..2 {
            println!("{reason:?} at {port}");
            assert_eq!(switch.pass(port, &frame), []);
            let mut moved = switch.moved();
            moved.remove("fdb_learned");
            let expected = format!("drop.{}", reason.name());
            let expected = [&expected, "dropped", "received"].map(|name| (name.to_owned(), 1));
            assert_eq!(moved.into_iter().collect::<Vec<_>>(), expected);
        }
        switch.close();
        met.insert(reason.name());
    }
    for stage in staged() {
        println!("{:?}", stage.reason);
        let mut switch = (stage.build)();
        (stage.act)(&mut switch);
        switch.expect_moved(&stage.moved);
        switch.close();
        let counter = format!("drop.{}", stage.reason.name());
        assert!(stage.moved.contains(&counter));
        met.insert(stage.reason.name());
    }
    let unmet = DropReason::ALL
        .iter()
        .filter(|reason| !met.contains(reason.name()));
    let listed = UNREACHABLE
        .iter()
        .map(|(reason, _)| reason)
        .chain(&AT_THE_END);
    assert_eq!(unmet.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
}

#[test]
fn what_waits_at_the_end() {
    let mut switch = with_two_workers();
    switch.rig.send("b", &broadcast(2));
    switch.rig.poll(1);
    let held = switch.rig.stats().account.held;
    assert_eq!(held, 2, "in the ring to worker 0");
    let stats = switch.rig.worker_stats();
    let account = switch.rig.close();
    assert_eq!((account.held(), account.dropped), (0, 2));
    let ports = (0..3).filter_map(fastpath::ids::PortId::new);
    let waited = ports.map(|port| stats[0].port(port).tx_dropped.get(Shutdown));
    assert_eq!(waited.sum::<u64>(), 2);
}
