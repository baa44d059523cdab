use super::bench::{Bench, id};
use crate::offload::model::{Profile, target};
use crate::offload::target::Target;
use crate::offload::{Offload, Tier};
use fastpath::wire::VlanId;
use nix::errno::Errno;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Ports of a run: the first is a bond.
const PORTS: usize = 2;

#[derive(Clone, Debug)]
enum Act {
    Want(usize, u32),
    Cap(usize, usize),
    Up(usize),
    Stop(usize),
    Unplug(usize),
    Reset(usize),
    Suspend(usize),
    Recover(usize, bool),
    Fail(usize, usize, u64, usize),
    CannotCreate(usize, bool),
    Demote(usize),
    Publish,
    Turn,
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let port = || 0..PORTS;
    prop_oneof![
        6 => (port(), any::<u32>()).prop_map(|(port, which)| Act::Want(port, which)),
        1 => (port(), 0..5usize).prop_map(|(port, cap)| Act::Cap(port, cap)),
        4 => port().prop_map(Act::Up),
        2 => port().prop_map(Act::Stop),
        1 => port().prop_map(Act::Unplug),
        1 => port().prop_map(Act::Reset),
        1 => port().prop_map(Act::Suspend),
        2 => (port(), any::<bool>()).prop_map(|(port, keeps)| Act::Recover(port, keeps)),
        5 => (port(), 0..2usize, 0..40u64, 0..9usize)
            .prop_map(|(port, member, nth, errno)| Act::Fail(port, member, nth, errno)),
        1 => (port(), any::<bool>()).prop_map(|(port, on)| Act::CannotCreate(port, on)),
        1 => port().prop_map(Act::Demote),
        3 => Just(Act::Publish),
        8 => Just(Act::Turn),
        4 => (1..12_000u64).prop_map(Act::Pass),
    ]
}

/// Errors, those that pass by themselves first.
const ERRNOS: [Errno; 9] = [
    Errno::EAGAIN,
    Errno::EBUSY,
    Errno::ETIMEDOUT,
    Errno::ENOSPC,
    Errno::ENOMEM,
    Errno::EINVAL,
    Errno::ENOTSUP,
    Errno::EIO,
    Errno::ENODEV,
];
const PASSING: usize = 5;
/// Runs of each property.
const CASES: u32 = 256;

/// All that is ever wanted.
fn pool() -> Vec<Target> {
    let mut pool = Vec::new();
    for udp_port in [4789, 8472, 4790] {
        for vni in [0, 1, 2] {
            let plain = target(udp_port, vni);
            let vlan = VlanId::new(7);
            pool.extend([plain, Target { vlan, ..plain }]);
        }
        for last in [8, 9] {
            let remote = Some([192, 0, 2, last].into());
            let plain = target(udp_port, 1);
            pool.push(Target { remote, ..plain });
        }
    }
    pool
}

/// Of the pool what the bits say, and of each remote the end point too.
fn chosen(bits: u32) -> Vec<Target> {
    let pool = pool().into_iter().enumerate();
    let chosen = pool.filter(|(bit, _)| bits >> bit & 1 != 0);
    chosen
        .flat_map(|(_, target)| [target, target.anyone()])
        .collect()
}

fn step(bench: &mut Bench, act: &Act, errnos: usize) {
    match *act {
        Act::Want(port, bits) => bench.want(port, &chosen(bits)),
        Act::Cap(port, cap) => {
            bench.caps[port] = Offload::ALL[cap];
            bench.agent.set_cap(id(port), bench.caps[port]);
        }
        Act::Up(port) if !bench.is_up(port) => bench.up(port),
        Act::Stop(port) if bench.is_up(port) => bench.stop(port),
        Act::Unplug(port) if bench.is_up(port) => {
            bench.models[port]
                .iter()
                .for_each(|model| model.chip().unplug());
            bench.lose(port);
        }
        Act::Reset(port) if bench.is_up(port) && gone(bench, port) == 0 => {
            bench.models[port]
                .iter()
                .for_each(|model| model.chip().reset());
            bench.agent.reset(id(port), bench.now);
        }
        Act::Suspend(port) if bench.is_up(port) => {
            bench.models[port]
                .iter()
                .for_each(|model| model.chip().suspend());
            bench.agent.suspended(id(port));
        }
        Act::Recover(port, keeps) if bench.is_up(port) => {
            bench.models[port]
                .iter()
                .for_each(|model| model.chip().recover(keeps));
            bench.agent.recovered(id(port), bench.now);
        }
        Act::Fail(port, member, nth, errno) => {
            let models = &bench.models[port];
            let mut chip = models[member % models.len()].chip();
            chip.fail(nth, ERRNOS[errno % errnos]);
        }
        Act::CannotCreate(port, on) => {
            bench.models[port][0]
                .chip()
                .fail_creates(on.then_some(Errno::ENOMEM));
        }
        Act::Demote(port) => bench.agent.demote(id(port), Tier::Parser, "it lied"),
        Act::Publish => bench.publish(),
        Act::Turn => {
            bench.turn();
        }
        Act::Pass(time) => bench.pass(time),
        _ => {}
    }
}

fn gone(bench: &Bench, port: usize) -> usize {
    let members = &bench.agent.ports[&id(port)].members;
    members
        .iter()
        .filter(|member| member.actual.is_none())
        .count()
}

/// What there is of a port at the end: how many rules, which UDP ports, what its tunnels get.
fn outcome(bench: &Bench) -> Vec<(usize, usize, Vec<Tier>)> {
    let mut outcome = Vec::new();
    for (port, models) in bench.models.iter().enumerate() {
        for (member, model) in models.iter().enumerate() {
            let mut chip = model.chip();
            let (rules, room) = (chip.rules().len(), chip.profile().room);
            let report = bench.report(port);
            let lines = report.members[member].tunnels.iter();
            // With too little room for all it depends on what came first who has it.
            let tiers = lines.filter(|_| rules < room).map(|line| line.actual);
            outcome.push((rules, chip.ports().len(), tiers.collect()));
        }
    }
    outcome
}

/// Errors end, ports run, and time passes.
fn calm(bench: &mut Bench, restart: bool) {
    for port in 0..PORTS {
        bench.models[port]
            .iter()
            .for_each(|model| model.chip().heal());
        let before = |bench: &Bench| {
            let mut models = bench.models[port].iter();
            models.any(|model| model.chip().profile().tell_before)
        };
        if bench.is_up(port) && (restart || gone(bench, port) > 0 || before(bench)) {
            bench.stop(port);
        }
        if bench.is_up(port) {
            bench.models[port]
                .iter()
                .for_each(|model| model.chip().recover(true));
            bench.agent.recovered(id(port), bench.now);
        } else {
            bench.up(port);
        }
    }
    for _ in 0..4 {
        bench.pass(40_000);
        bench.publish();
    }
}

/// The same, with NICs that nothing ever happened to.
fn fresh(bench: &Bench, profiles: &[&[Profile]]) -> Bench {
    let mut fresh = Bench::new(profiles, Offload::Auto);
    fresh.caps.clone_from(&bench.caps);
    for (at, port) in &bench.agent.ports {
        if let Some((tier, why)) = &port.demoted {
            fresh.agent.demote(*at, *tier, why);
        }
    }
    for (port, wanted) in &bench.wanted {
        let wanted: Vec<_> = wanted.iter().copied().collect();
        fresh.want(port.index(), &wanted);
    }
    calm(&mut fresh, false);
    fresh
}

fn small(profile: usize, small: bool) -> Profile {
    let profile = Profile::ALL[profile];
    let room = if small {
        profile.room.min(3)
    } else {
        profile.room
    };
    Profile { room, ..profile }
}

fn check(kinds: [(usize, bool); 3], acts: &[Act], errnos: usize) {
    let [a, b, c] = kinds.map(|(profile, tight)| small(profile, tight));
    let profiles: [&[Profile]; PORTS] = [&[a, b], &[c]];
    let mut bench = Bench::new(&profiles, Offload::T3);
    for act in acts {
        step(&mut bench, act, errnos);
    }
    calm(&mut bench, errnos > PASSING);
    let fresh = fresh(&bench, &profiles);
    assert_eq!(
        outcome(&bench),
        outcome(&fresh),
        "{:#?}",
        bench.agent.report()
    );

    // What is reported is what there is.
    for (port, models) in bench.models.iter().enumerate() {
        for (member, model) in models.iter().enumerate() {
            let report = &bench.report(port).members[member];
            let rules: BTreeSet<_> = report.tunnels.iter().filter_map(|it| it.rule).collect();
            assert_eq!(rules, model.chip().rules().into_iter().collect());
            for line in report
                .tunnels
                .iter()
                .filter(|line| line.actual < line.wanted)
            {
                assert!(
                    line.reason.as_ref().is_some_and(|it| !it.is_empty()),
                    "{line:?}"
                );
            }
            for (udp_port, reason) in &report.udp_ports {
                let known = model.chip().knows(*udp_port) || fixed(report, *udp_port);
                assert!(known || reason.is_some(), "{report:?}");
            }
        }
    }

    // Nothing is left at the end.
    for port in 0..PORTS {
        bench.stop(port);
        for model in &bench.models[port] {
            assert_eq!(model.chip().rules(), []);
            let before = model.chip().profile().tell_before;
            assert!(before || model.chip().ports().is_empty());
        }
    }
    assert_eq!(bench.agent.turn(bench.now + 100_000), None);
}

/// What is fixed in its parser.
fn fixed(report: &crate::offload::report::MemberReport, port: u16) -> bool {
    crate::offload::driver::Driver::of(&report.driver).knows(port)
}

fn kinds() -> impl Strategy<Value = [(usize, bool); 3]> {
    let kind = || (0..Profile::ALL.len(), any::<bool>());
    [kind(), kind(), kind()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, max_shrink_iters: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever passes by itself leaves nothing behind.
    #[test]
    fn after_errors_that_pass_all_is_as_if_there_had_been_none(
        kinds in kinds(),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        check(kinds, &acts, PASSING);
    }

    /// Any error is over when the port has started anew.
    #[test]
    fn after_any_errors_a_port_that_starts_anew_is_as_a_new_one(
        kinds in kinds(),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        check(kinds, &acts, ERRNOS.len());
    }
}
