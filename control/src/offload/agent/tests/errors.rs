//! What drivers refuse.

use super::*;

#[test]
fn errors_that_pass_are_asked_again_later_and_later() {
    let mut bench = Bench::new(&[&[Profile::I40E]], Offload::T1);
    bench.want(0, &[target(4789, 1)]);
    bench.up(0);
    for wait in [
        100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ] {
        bench.chip().fail(0, Errno::EAGAIN);
        bench.run();
        assert_eq!(bench.deadline, Some(bench.now + wait));
        bench.now += wait - 1;
        assert_eq!(bench.calls(), []);
        bench.now += 1;
    }
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Parser]);
}

#[test]
fn errors_that_stay_are_not_asked_about_again() {
    let mut bench = Bench::new(&[&[Profile::MLX5]], Offload::Auto);
    bench.want(0, &[target(4789, 0), target(4789, 1)]);
    bench.up(0);
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Parser, Tier::Rule]);
    let reason = bench.lines()[0].1.clone().unwrap();
    assert!(reason.contains("a VNI of zero"), "{reason}");
    assert_eq!(bench.calls_in(200_000), []);
    bench.agent.set_wanted(bench.wanted.clone());
    assert_eq!(bench.calls_in(200_000), []);
    // Until it starts anew.
    bench.stop(0);
    bench.chip().profile().vni_zero = true;
    bench.up(0);
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Rule, Tier::Rule]);
}

#[test]
fn a_full_nic_keeps_what_it_has_and_takes_more_when_there_is_room() {
    let profile = Profile {
        room: 2,
        ..Profile::ICE
    };
    let mut bench = Bench::one(profile, Offload::Auto, &tunnels(4));
    use Tier::{Parser as T1, Rule as T2};
    assert_eq!(tiers(&bench), [T2, T2, T1, T1]);
    let reason = bench.lines()[2].1.clone().unwrap();
    assert!(reason.contains("No space"), "{reason}");
    assert_eq!(bench.report(0).members[0].full, Some(reason));
    // It is asked about one rule at a time.
    bench.now = bench.deadline.unwrap();
    let creates = bench.calls();
    assert_eq!(creates.len(), 1, "{creates:?}");

    bench.want(0, &tunnels(4)[1..]);
    bench.run();
    assert_eq!(tiers(&bench), [T2, T2, T1]);
}

#[test]
fn a_rule_that_is_never_given_back_is_flushed_with_the_others() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(3));
    bench.chip().fail(0, Errno::EINVAL);
    bench.want(0, &tunnels(3)[..2]);
    let calls = bench.calls();
    assert!(
        matches!(calls[..2], [Call::Destroy(_), Call::Flush]),
        "{calls:?}"
    );
    assert_eq!(bench.chip().rules().len(), 2);

    // One that is busy is asked again.
    bench.chip().fail(0, Errno::EBUSY);
    bench.want(0, &tunnels(3)[..1]);
    assert!(matches!(bench.calls()[..], [Call::Destroy(_)]));
    assert_eq!(bench.chip().rules().len(), 2);
    bench.pass(100);
    assert_eq!(bench.chip().rules().len(), 1);
}

#[test]
fn no_rule_comes_before_a_flush_has_worked() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(2));
    bench.chip().recover(true);
    bench.agent.recovered(id(0), bench.now);
    bench.chip().fail(0, Errno::EBUSY);
    bench.want(0, &tunnels(3));
    let calls = bench.calls();
    assert_eq!(calls, [Call::Flush, Call::Del(4789), Call::Add(4789)]);
    assert_eq!(bench.report(0).tier, Tier::Parser);
    bench.pass(100);
    assert_eq!(bench.chip().rules().len(), 3);
}

#[test]
fn what_a_driver_cannot_forget_is_not_told_again() {
    let full = UdpPorts::Register(Register {
        first: None,
        duplicate: crate::offload::model::Duplicate::Accepted,
        full: Some(Errno::ENOSPC),
    });
    let profile = Profile {
        udp_ports: full,
        ..Profile::BNXT
    };
    let mut bench = Bench::one(profile, Offload::Auto, &tunnels(1));
    bench.want(0, &[]);
    bench.chip().fail(1, Errno::ENOTSUP);
    assert!(matches!(
        bench.calls()[..],
        [Call::Destroy(_), Call::Del(4789)]
    ));
    bench.want(0, &tunnels(1));
    assert!(matches!(
        bench.calls()[..],
        [Call::Create(_), Call::Destroy(_), Call::Create(_)]
    ));
    assert_eq!(tiers(&bench), [Tier::Rule]);
}

/// Of what has outer headers taken off, too, though no worker knows its mark.
#[test]
fn a_rule_of_a_probe_that_stays_matches_no_packet() {
    let mut bench = Bench::new(&[&[Profile::MLX5]], Offload::T3);
    let (one, top) = (target(4789, 1), target(4789, 0xff_fffe));
    bench.want(0, &[top, remote(top, 1), one, remote(one, 1)]);
    bench.up(0);
    // That of whoever sends, then a shape, the width, the count, the rule, and away with it.
    bench.chip().fail(9, Errno::EBUSY);
    bench.turn();
    let rules = bench.chip().rules();
    let left = rules.iter().find(|rule| rule.strip.is_some()).unwrap();
    assert_eq!(left.end_point.vni.get(), 0xff_fffd);
    assert_eq!(left.strip, Some(left.end_point.local));
}

#[test]
fn a_rule_of_a_probe_goes_in_the_end() {
    for flushed in [false, true] {
        let mut bench = Bench::new(&[&[Profile::MLX5]], Offload::Auto);
        bench.want(0, &tunnels(1));
        bench.up(0);
        // A shape, the width, the count, the rule, and away with it.
        bench.chip().fail(4, Errno::EBUSY);
        bench.run();
        let rules = bench.chip().rules();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[0].end_point.vni.get(), 0xff_fffe);
        bench.now += 100;
        if flushed {
            bench.chip().fail(0, Errno::EINVAL);
            let calls = bench.calls();
            let again = Call::Create(rules[1]);
            assert_eq!(calls, [Call::Destroy(rules[0]), Call::Flush, again]);
        } else {
            assert_eq!(bench.calls(), [Call::Destroy(rules[0])]);
        }
        assert_eq!(bench.chip().rules(), rules[1..]);
    }
}

/// It would not forget the port, and took it no second time: it has it through all that follows.
#[test]
fn a_udp_port_that_is_known_and_refused_for_it_is_known_after_a_start() {
    let mut bench = Bench::one(Profile::I40E, Offload::T1, &[target(4789, 1)]);
    assert_eq!(tiers(&bench), [Tier::Parser]);
    bench.chip().fail(0, Errno::EINVAL);
    bench.agent.recovered(id(0), bench.now);
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Software]);
    bench.agent.recovered(id(0), bench.now);
    bench.stop(0);
    bench.up(0);
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Parser]);
}

/// Nothing is left in a NIC for ever that said once that it is not there.
#[test]
fn a_udp_port_that_a_nic_denied_is_asked_for_at_the_next_start() {
    let mut bench = Bench::one(Profile::ICE, Offload::T1, &[target(4789, 1)]);
    bench.chip().suspend();
    bench.agent.suspended(id(0));
    bench.stop(0);
    bench.caps[0] = Offload::Off;
    bench.chip().fail(0, Errno::EINVAL);
    bench.up(0);
    bench.run();
    assert_eq!(bench.chip().ports().len(), 1);
    bench.stop(0);
    bench.up(0);
    bench.run();
    assert_eq!(bench.chip().ports().len(), 0);
}
