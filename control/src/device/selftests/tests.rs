use super::*;
use crate::offload::Tier;
use crate::offload::model::ModelNic;
use crate::offload::selftest::Report;
use crate::offload::selftest::tests::{lying, mlx5};

/// Devices with NICs, and the device thread that tests them.
#[derive(Default)]
struct Bench {
    tests: SelfTests,
    agent: Agent<ModelNic>,
}

fn id(number: usize) -> PortId {
    PortId::new(number).unwrap()
}

fn looped(report: Report) -> Tested {
    Tested {
        asked: false,
        looped: true,
        link: true,
        report,
    }
}

/// Its marks are wrong.
fn liar() -> Tested {
    looped(lying(|word| word.mark = word.mark.map(|mark| mark ^ 1)))
}

fn honest() -> Tested {
    looped(lying(|_| ()))
}

fn deaf() -> Tested {
    looped(mlx5(|_| vec![]))
}

impl Bench {
    fn is_due(&self, device: &str) -> bool {
        self.tests.is_due(device, Offload::Auto)
    }

    fn opened(&mut self, device: &str) -> ToldOf {
        self.tests.opened(&mut self.agent, id(1), device)
    }

    /// What the agent holds the port to.
    fn demoted(&self) -> Option<Tier> {
        let report = self.agent.report();
        let port = report.iter().find(|port| port.port == id(1));
        port.and_then(|port| port.demoted.as_ref().map(|(tier, _)| *tier))
    }
}

#[test]
fn a_device_is_tested_once_and_each_test_has_a_number_of_its_own() {
    let mut tests = SelfTests::numbered(u32::MAX);
    assert!(!tests.is_due("a", Offload::Off));
    assert!(tests.is_due("a", Offload::T1) && tests.is_due("a", Offload::Auto));
    assert_eq!((tests.begin(), tests.begin()), (0, 1));
    tests.found(id(1), "a", honest());
    assert!(!tests.is_due("a", Offload::Auto) && tests.is_due("b", Offload::Auto));
}

#[test]
fn what_is_known_of_a_device_goes_with_it_from_number_to_number() {
    let mut bench = Bench::default();
    bench.tests.found(id(2), "a", liar());
    bench.tests.opened(&mut bench.agent, id(2), "a");
    assert_eq!(
        bench.opened("a").known.demotion.map(|it| it.0),
        Some(Tier::Parser)
    );
    assert_eq!(bench.demoted(), Some(Tier::Parser));
    assert!(!bench.is_due("a"));
    // The number that it was behind is told nothing of it once another device is there.
    let told = bench.tests.opened(&mut bench.agent, id(2), "b");
    assert_eq!(told.known, Known::default());
    let report = bench.agent.report();
    assert_eq!(
        report.iter().filter(|port| port.demoted.is_some()).count(),
        1
    );
    // And back.
    let told = bench.tests.opened(&mut bench.agent, id(2), "a");
    assert!(told.known.demotion.is_some());
}

#[test]
fn a_start_that_fails_after_a_test_loses_nothing_of_it() {
    let mut bench = Bench::default();
    bench.tests.found(id(1), "a", liar());
    assert!(!bench.is_due("a"));
    // It is opened at the next try.
    let told = bench.opened("a");
    assert_eq!(bench.demoted(), Some(Tier::Parser));
    assert!(told.tested.is_some() && told.known.demotion.is_some());
    // And closed, removed, added, and opened again.
    let told = bench.opened("a");
    assert!(told.tested.is_none() && told.known.demotion.is_some());
    assert_eq!(bench.demoted(), Some(Tier::Parser));
}

#[test]
fn only_a_device_that_was_opened_takes_the_place_of_another() {
    let mut bench = Bench::default();
    bench.tests.found(id(1), "a", liar());
    bench.opened("a");
    // One that was tested, and cannot be started.
    bench.tests.found(id(1), "b", honest());
    assert_eq!(bench.demoted(), Some(Tier::Parser));
    assert!(!bench.is_due("a") && !bench.is_due("b"));
    assert!(bench.opened("a").known.demotion.is_some());
    bench.tests.found(id(1), "b", honest());
    let told = bench.opened("b");
    assert_eq!((told.known.demotion, bench.demoted()), (None, None));
    assert!(!bench.is_due("b") && bench.is_due("a"));
    // What the agent was told by others belongs to the device likewise.
    bench.agent.demote(id(1), Tier::Parser, "a packet");
    bench.opened("b");
    assert_eq!(bench.demoted(), Some(Tier::Parser));
    bench.opened("c");
    assert_eq!(bench.demoted(), None);
}

#[test]
fn where_nothing_came_back_it_is_tried_again_a_few_times() {
    let mut bench = Bench::default();
    for _ in 0..TRIES {
        assert!(bench.is_due("a"));
        bench.tests.found(id(1), "a", deaf());
        bench.opened("a");
    }
    assert!(!bench.is_due("a"));
    // Nor does what somebody asked for count, or what came by a wire.
    let mut bench = Bench::default();
    for tested in [deaf(), deaf(), deaf(), honest()] {
        let (asked, looped) = (true, !tested.report.is_conclusive());
        let tested = Tested {
            asked,
            looped,
            ..tested
        };
        bench.tests.found(id(1), "a", tested);
        assert!(bench.is_due("a"));
    }
    bench.tests.found(id(1), "a", honest());
    assert!(!bench.is_due("a"));
}
