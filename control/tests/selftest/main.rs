//! The self-test of a NIC over the queues of a port that receives what it sends, against a model of a
//! NIC that is honest, or lies.
//!
//! The model stands before DPDK's own functions, or is a driver of its own: see
//! `fastpath/tests/nic/main.rs`, whose processes these are.

#![expect(
    clippy::unwrap_used,
    reason = "a failure in what tests share fails the test"
)]

mod nic;
#[path = "../../../fastpath/tests/nic/rig.rs"]
mod rig;

use control::offload::Tier;
use control::offload::selftest::{Outcome, Report, Topic};
use nic::test;
use rig::{under, with};

fn outcome(report: &Report, topic: Topic) -> Outcome {
    let mut lines = report.lines.iter();
    lines.find(|line| line.topic == topic).unwrap().outcome
}

#[test]
fn an_honest_nic_may_do_what_it_can_and_is_left_without_rules() {
    for (dialect, driver, marks) in [
        ("any", "net_ring", true),
        ("mlx5", "mlx5_pci", true),
        ("ice", "net_ice", true),
        ("markless", "net_enic", false),
        ("none", "net_null", false),
    ] {
        under(dialect, |bench| {
            let report = test(bench, driver, 1);
            let wrong = report.lines.iter().find(|line| line.wrong > 0);
            assert_eq!(wrong, None, "{dialect}\n{report}");
            assert_eq!(report.heard, report.frames, "{dialect}\n{report}");
            assert_eq!(report.marks.allowed, marks, "{dialect}\n{report}");
            assert!(report.checksums.allowed, "{dialect}\n{report}");
            assert_eq!(report.left, None, "{dialect}");
            // That of the probe, and two.
            let destroyed = bench.asked("destroy").len();
            assert_eq!(destroyed, if marks { 3 } else { 0 }, "{dialect}");
            assert_eq!(bench.asked("flush"), [""; 0], "{dialect}");
        });
    }
}

#[test]
fn a_nic_that_verifies_outer_checksums_says_both() {
    under("any", |bench| {
        let report = test(bench, "net_ring", 1);
        for topic in Topic::ALL {
            assert_eq!(outcome(&report, topic), Outcome::Equal, "{report}");
        }
    });
}

#[test]
fn a_nic_that_lies_gets_nothing_that_it_lies_about() {
    for (lies, every, marks, checksums) in [
        ("wrong", "1", false, true),
        ("stale", "1", false, true),
        ("range", "1", false, true),
        ("zero", "1", false, true),
        ("missing", "1", false, true),
        ("stray", "1", false, true),
        ("good", "1", true, false),
        ("tunnel", "1", true, false),
        ("blind", "1", true, false),
        ("wrong,good", "1", false, false),
        // Now and then, too.
        ("wrong", "11", false, true),
        ("stray", "11", false, true),
        ("good", "11", true, false),
        // What is not said is not wrong.
        ("missing", "2", true, true),
    ] {
        let model = [
            ("NICMODEL", "any"),
            ("NICMODEL_LIES", lies),
            ("NICMODEL_LIE_EVERY", every),
        ];
        with(&model, |bench| {
            let report = test(bench, "net_ring", 1);
            let found = (report.marks.allowed, report.checksums.allowed);
            assert_eq!(found, (marks, checksums), "{lies} {every}\n{report}");
            let tier = if marks { Tier::Rule } else { Tier::Parser };
            assert_eq!(report.tier(), tier, "{lies} {every}");
        });
    }
}

#[test]
fn rules_that_the_driver_holds_on_to_are_flushed() {
    with(&[("NICMODEL", "any"), ("NICMODEL_STUCK", "1")], |bench| {
        let report = test(bench, "net_ring", 1);
        assert_eq!(report.left, None);
        assert_eq!(bench.asked("flush"), ["0 flush of 3"]);
    });
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn frames_are_heard_on_whichever_queue_they_come_in() {
    under("any", |bench| {
        let report = test(bench, "net_ring", 4);
        assert_eq!(report.heard, report.frames, "{report}");
        assert!(report.marks.allowed && report.checksums.allowed, "{report}");
    });
}
