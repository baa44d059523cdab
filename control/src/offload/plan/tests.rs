use super::*;
use crate::offload::actual::{Installed, Refused};
use crate::offload::driver::Driver;
use crate::offload::model::target;
use crate::offload::ports::{Needed, Parser};
use crate::offload::target::Targets;
use fastpath::offload::{Delivery, Mark, Pattern, Width};

const SHAPE: Shape = Shape {
    pattern: Pattern::Tunnel,
    delivery: Delivery::Plain,
    width: Width::Bits16,
    count: false,
};
const ROOM: usize = 64;

/// What is wanted of a port, and what one NIC of it does.
struct Case {
    targets: Targets,
    needed: Needed,
    limit: Tier,
    settled: bool,
    actual: Actual<u32>,
}

impl Case {
    /// A NIC that knows the ports `told`, and was asked about them.
    fn new(driver: &str, wanted: &[Target], told: &[u16]) -> Self {
        let targets: Targets = wanted.iter().copied().collect();
        let parser = Parser::told_before(told.iter().copied());
        let mut actual = Actual::new(Driver::of(driver), parser);
        let answer = || Answer::Given(Ok(SHAPE));
        let asks = wanted.iter().map(|target| (Ask::about(target), answer()));
        actual.answers = asks.collect();
        Case {
            needed: targets.iter().map(|it| it.end_point.udp_port).collect(),
            targets,
            limit: Tier::Rule,
            settled: true,
            actual,
        }
    }

    fn install(&mut self, target: Target, leaving: Option<Retry>) {
        let mark = Mark::first(Width::Bits16, 1).unwrap();
        let installed = Installed {
            handle: 7,
            rule: SHAPE.rule(&target, 1, mark),
            hits: None,
            leaving,
        };
        self.actual.rules.insert(target, installed);
    }

    fn next(&self, now: u64, room: usize) -> Next {
        let wanted = Wanted {
            targets: &self.targets,
            needed: &self.needed,
            limit: self.limit,
            settled: self.settled,
        };
        next(&wanted, &self.actual, now, room)
    }

    fn ops(&self) -> Vec<Op> {
        self.next(0, ROOM).ops
    }
}

fn at(due: u64) -> Retry {
    Retry::after(None, due - super::super::retry::FIRST)
}

#[test]
fn what_is_as_it_should_be_needs_no_call() {
    let mut case = Case::new("net_ice", &[target(4789, 1)], &[4789]);
    case.install(target(4789, 1), None);
    assert_eq!(case.next(0, ROOM), Next::default());
}

#[test]
fn the_way_up_is_port_question_rule() {
    let one = target(4789, 1);
    let mut case = Case::new("net_ice", &[one], &[]);
    case.actual.answers.clear();
    assert_eq!(case.ops(), [Op::Tell(4789)]);
    case.actual.parser = Parser::told_before([4789]);
    assert_eq!(case.ops(), [Op::Probe(one)]);
    case.actual
        .answers
        .insert(Ask::about(&one), Answer::Given(Ok(SHAPE)));
    assert_eq!(case.ops(), [Op::Create(one, SHAPE)]);
}

#[test]
fn the_way_down_is_rule_port() {
    let one = target(4789, 1);
    let mut case = Case::new("net_ice", &[], &[4789]);
    case.install(one, None);
    assert_eq!(case.ops(), [Op::Destroy(one)]);
    // One that does not go keeps its port.
    case.install(one, Some(at(500)));
    let next = case.next(0, ROOM);
    assert_eq!((next.ops, next.wake), (vec![], Some(500)));
    assert_eq!(case.next(500, ROOM).ops, [Op::Destroy(one)]);
    case.actual.rules.clear();
    assert_eq!(case.ops(), [Op::Forget(4789)]);
}

#[test]
fn a_flush_comes_before_anything_about_rules() {
    let one = target(4789, 1);
    let mut case = Case::new("net_ice", &[one, target(8472, 2)], &[4789]);
    case.install(one, None);
    case.actual.flush = Some(at(100));
    assert_eq!(case.next(100, ROOM).ops, [Op::Flush]);
    // UDP ports need not wait for it.
    assert_eq!(case.next(0, ROOM).ops, [Op::Tell(8472)]);
    case.actual.parser = Parser::told_before([4789, 8472]);
    let next = case.next(0, ROOM);
    assert_eq!((next.ops, next.wake), (vec![], Some(100)));
}

#[test]
fn room_for_one_is_given_up_before_it_is_used_anew() {
    let case = Case::new("net_bnxt", &[target(4789, 1)], &[8472]);
    assert_eq!(case.ops(), [Op::Forget(8472)]);
    // A tunnel of another port of the host does not drive out one of this.
    let mut case = Case::new("net_bnxt", &[target(8472, 1)], &[8472]);
    case.needed = [4789, 8472].into_iter().collect();
    case.install(target(8472, 1), None);
    assert_eq!(case.ops(), []);
}

#[test]
fn what_was_refused_waits_alone() {
    let (one, two) = (target(4789, 1), target(4789, 2));
    let mut case = Case::new("net_ice", &[one, two], &[4789]);
    let refused = |again| Refused {
        reason: "busy".to_owned(),
        again,
    };
    for (again, now, ops, wake) in [
        (
            Again::At(at(300)),
            0,
            vec![Op::Create(two, SHAPE)],
            Some(300),
        ),
        (Again::Never, 0, vec![Op::Create(two, SHAPE)], None),
        (Again::Published, 0, vec![Op::Create(two, SHAPE)], None),
        (
            Again::At(at(300)),
            300,
            vec![Op::Create(one, SHAPE), Op::Create(two, SHAPE)],
            None,
        ),
    ] {
        case.actual.refused.insert(one, refused(again));
        let next = case.next(now, ROOM);
        assert_eq!((next.ops, next.wake), (ops, wake), "{again:?}");
    }
    case.actual.refused.clear();
    case.actual.full = Some((at(400), "full".to_owned()));
    let next = case.next(0, ROOM);
    assert_eq!((next.ops, next.wake), (vec![], Some(400)));
    assert_eq!(case.next(400, ROOM).ops.len(), 2);
}

#[test]
fn no_rule_comes_before_all_members_were_asked() {
    let mut case = Case::new("net_ice", &[target(4789, 1)], &[4789]);
    case.settled = false;
    assert_eq!(case.ops(), []);
}

#[test]
fn a_question_that_found_no_answer_is_asked_again() {
    let one = target(4789, 1);
    let mut case = Case::new("net_ice", &[one], &[4789]);
    let later = Answer::Later(at(200), "busy".to_owned());
    case.actual.answers.insert(Ask::about(&one), later);
    assert_eq!(case.next(0, ROOM).wake, Some(200));
    assert_eq!(case.next(200, ROOM).ops, [Op::Probe(one)]);
}

#[test]
fn one_question_is_asked_for_all_that_it_answers() {
    let wanted = [target(4789, 1), target(4789, 2), target(8472, 1)];
    let mut case = Case::new("net_ice", &wanted, &[4789, 8472]);
    case.actual.answers.clear();
    // There is room for two of them only.
    assert_eq!(case.ops(), [Op::Probe(wanted[0]), Op::Probe(wanted[2])]);
    let next = case.next(0, probe::CALLS - 1);
    assert_eq!((next.ops, next.more), (vec![], true));
}

#[test]
fn there_are_no_more_calls_than_there_is_room_for() {
    let wanted: Vec<_> = (1..200).map(|vni| target(4789, vni)).collect();
    let case = Case::new("net_ice", &wanted, &[4789]);
    let next = case.next(0, ROOM);
    assert_eq!((next.ops.len(), next.more), (ROOM, true));
    let next = case.next(0, 0);
    assert_eq!((next.ops.len(), next.more), (0, true));
    let next = case.next(0, 199);
    assert_eq!((next.ops.len(), next.more), (199, false));
}

#[test]
fn a_lower_limit_takes_away_what_is_above_it() {
    let one = target(4789, 1);
    let mut case = Case::new("net_ice", &[one], &[4789]);
    case.install(one, None);
    for limit in [Tier::Parser, Tier::Software] {
        case.limit = limit;
        assert_eq!(case.ops(), [Op::Destroy(one)], "{limit}");
    }
    case.actual.rules.clear();
    assert_eq!(case.ops(), [Op::Forget(4789)]);
    case.limit = Tier::Parser;
    assert_eq!(case.ops(), []);
}

#[test]
fn what_a_probe_left_is_taken_away() {
    let mut case = Case::new("net_ice", &[], &[]);
    case.actual.left.push((3, at(100)));
    assert_eq!(case.next(0, ROOM).wake, Some(100));
    assert_eq!(case.next(100, ROOM).ops, [Op::DestroyLeft]);
}

#[test]
fn a_driver_that_is_told_before_the_start_is_told_nothing_now() {
    let case = Case::new(
        "net_sfc_efx",
        &[target(4789, 1), target(8472, 1)],
        &[8472, 99],
    );
    assert_eq!(case.ops(), [Op::Create(target(8472, 1), SHAPE)]);
}
