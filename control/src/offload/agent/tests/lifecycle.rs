//! Ports that stop, are reset, recover or go.

use super::*;

#[test]
fn rules_and_ports_go_before_the_port_stops() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(3));
    bench.chip().log();
    drop(bench.agent.port_stopping(id(0), bench.now));
    assert_eq!(bench.chip().log(), [Call::Flush, Call::Del(4789)]);
    assert_eq!(bench.agent.turn(bench.now), None);
    let report = bench.report(0);
    assert_eq!((report.members.len(), report.marks), (0, None));
}

#[test]
fn a_port_that_stops_while_it_recovers_is_not_called() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(3));
    bench.chip().suspend();
    bench.agent.suspended(id(0));
    bench.run();
    assert_eq!(bench.report(0).tier, Tier::Software);
    assert!(bench.report(0).suspended);
    bench.chip().log();
    bench.stop(0);
    assert_eq!(bench.chip().log(), []);

    // What it may know still is taken back before it is told.
    bench.up(0);
    let calls = bench.calls();
    assert_eq!(calls[..2], [Call::Del(4789), Call::Add(4789)]);
    assert_eq!(bench.chip().rules().len(), 3);
}

#[test]
fn what_a_nic_may_have_kept_is_flushed_and_told_anew() {
    for keeps in [true, false] {
        let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(2));
        bench.chip().suspend();
        bench.agent.suspended(id(0));
        bench.pass(5_000);
        bench.chip().recover(keeps);
        bench.agent.recovered(id(0), bench.now);
        let calls = bench.calls();
        assert_eq!(
            calls[..3],
            [Call::Flush, Call::Del(4789), Call::Add(4789)],
            "{keeps}"
        );
        assert_eq!(bench.chip().rules().len(), 2, "{keeps}");
    }
}

#[test]
fn after_a_reset_all_is_told_anew_and_nothing_taken_back() {
    let mut bench = Bench::one(Profile::BNXT, Offload::Auto, &tunnels(2));
    let generation = bench.report(0).generation;
    bench.chip().reset();
    bench.agent.reset(id(0), bench.now);
    let calls = bench.calls();
    assert_eq!(calls[0], Call::Add(4789));
    assert_eq!(bench.chip().rules().len(), 2);
    assert_eq!(bench.report(0).generation, generation + 1);
}

#[test]
fn rules_that_outlive_a_stop_are_flushed_at_the_start() {
    let mut bench = Bench::one(Profile::CNXK, Offload::Auto, &tunnels(2));
    bench.lose(0);
    assert_eq!(bench.chip().rules().len(), 2);
    bench.up(0);
    assert_eq!(bench.calls()[0], Call::Flush);
    assert_eq!(bench.chip().rules().len(), 2);
}

#[test]
fn a_nic_that_is_gone_is_not_called_again() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(2));
    bench.chip().unplug();
    bench.pass(2_000);
    let member = &bench.report(0).members[0];
    assert_eq!(member.gone.as_deref(), Some("No such device"));
    assert_eq!(bench.report(0).marks, None);
    bench.want(0, &tunnels(3));
    bench.pass(100_000);
    bench.stop(0);
    bench.up(0);
    bench.run();
    assert_eq!(bench.chip().rules().len(), 3);
}

#[test]
fn a_udp_port_that_was_refused_is_taken_back_before_it_is_told_at_the_next_start() {
    let mut bench = Bench::one(Profile::I40E, Offload::Auto, &tunnels(1));
    bench.chip().recover(true);
    bench.agent.recovered(id(0), bench.now);
    // The driver says that it is not there, and that it is.
    bench.chip().fail(0, Errno::EINVAL);
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Software]);
    bench.stop(0);
    bench.up(0);
    assert_eq!(bench.calls(), [Call::Del(4789), Call::Add(4789)]);
    assert_eq!(tiers(&bench), [Tier::Parser]);
}

#[test]
fn a_demotion_outlives_starts_but_not_the_device() {
    let mut bench = Bench::one(Profile::MLX5, Offload::Auto, &tunnels(2));
    bench.agent.demote(id(0), Tier::Parser, "it lied");
    bench.run();
    assert_eq!(
        (bench.report(0).tier, tiers(&bench)[0]),
        (Tier::Parser, Tier::Parser)
    );
    assert_eq!(bench.report(0).reason.as_deref(), Some("it lied"));
    bench.stop(0);
    bench.up(0);
    bench.run();
    assert_eq!(bench.report(0).tier, Tier::Parser);

    bench.stop(0);
    bench.agent.other_device(id(0));
    bench.up(0);
    bench.run();
    let report = bench.report(0);
    assert_eq!(
        (report.tier, report.reason, report.demoted),
        (Tier::Rule, None, None)
    );
}
