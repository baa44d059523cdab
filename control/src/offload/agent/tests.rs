mod errors;
mod lifecycle;
mod marks;

use super::CALLS;
use super::bench::{Bench, id};
use crate::offload::marks::QUARANTINE;
use crate::offload::model::{Call, Profile, Register, UdpPorts, target};
use crate::offload::target::Target;
use crate::offload::{Offload, Tier};
use fastpath::offload::Width;
use fastpath::wire::VlanId;
use nix::errno::Errno;

fn tunnels(count: u32) -> Vec<Target> {
    (1..=count).map(|vni| target(4789, vni)).collect()
}

fn remote(of: Target, last: u8) -> Target {
    let remote = Some([198, 51, 100, last].into());
    Target { remote, ..of }
}

fn tiers(bench: &Bench) -> Vec<Tier> {
    bench.lines().into_iter().map(|(tier, _)| tier).collect()
}

/// What a NIC of each kind does for 4789, 8472, and 4789 in a VLAN.
#[test]
fn each_kind_of_nic_does_what_it_can() {
    use Tier::{Parser as T1, Rule as T2, Software as T0};
    let tagged = Target {
        vlan: VlanId::new(7),
        ..target(4789, 3)
    };
    for (profile, tiers, rules) in [
        (Profile::NONE, [T0, T0, T0], 0),
        (Profile::VIRTIO, [T0, T0, T0], 0),
        (Profile::MLX5, [T2, T2, T2], 3),
        (Profile::I40E, [T1, T1, T1], 0),
        (Profile::ICE, [T2, T2, T1], 2),
        (Profile::SFC, [T2, T2, T1], 2),
        (Profile::BNXT, [T2, T0, T2], 2),
        (Profile::IXGBE, [T1, T0, T1], 0),
        (Profile::ENIC, [T1, T0, T1], 0),
        (Profile::CNXK, [T2, T0, T1], 1),
    ] {
        let wanted = [target(4789, 1), target(8472, 2), tagged];
        let bench = Bench::one(profile, Offload::Auto, &wanted);
        assert_eq!(self::tiers(&bench), tiers, "{}", profile.driver);
        assert_eq!(bench.chip().rules().len(), rules, "{}", profile.driver);
        for (tier, reason) in bench.lines() {
            assert_eq!(reason.is_some(), tier < T2, "{}", profile.driver);
        }
    }
}

#[test]
fn the_cap_holds_whatever_the_nic_can() {
    for (cap, tier, rules, ports) in [
        (Offload::Off, Tier::Software, 0, 0),
        (Offload::T1, Tier::Parser, 0, 1),
        (Offload::T2, Tier::Rule, 1, 1),
        (Offload::Auto, Tier::Rule, 1, 1),
    ] {
        let bench = Bench::one(Profile::ICE, cap, &[target(4789, 1)]);
        assert_eq!(bench.report(0).tier, tier, "{cap}");
        assert_eq!(bench.report(0).reason, None, "{cap}");
        let chip = bench.chip();
        assert_eq!(
            (chip.rules().len(), chip.ports().len()),
            (rules, ports),
            "{cap}"
        );
    }
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &[target(4789, 1)]);
    bench.agent.set_cap(id(0), Offload::Off);
    bench.run();
    assert!(bench.chip().rules().is_empty() && bench.chip().ports().is_empty());
}

#[test]
fn a_udp_port_is_told_before_its_rules_and_forgotten_after_them() {
    let mut bench = Bench::new(&[&[Profile::ICE]], Offload::Auto);
    bench.want(0, &[target(4789, 1), target(8472, 2)]);
    bench.up(0);
    let calls = bench.calls();
    assert_eq!(calls[..2], [Call::Add(4789), Call::Add(8472)]);
    assert!(
        calls[2..]
            .iter()
            .all(|call| matches!(call, Call::Create(_) | Call::Destroy(_)))
    );
    let rules = bench.chip().rules();
    assert_eq!(rules.len(), 2);

    bench.want(0, &[target(4789, 1)]);
    assert_eq!(bench.calls(), [Call::Destroy(rules[1]), Call::Del(8472)]);
}

#[test]
fn one_turn_makes_few_calls_and_every_port_has_its_turn() {
    let mut bench = Bench::new(&[&[Profile::ICE], &[Profile::MLX5]], Offload::Auto);
    bench.want(0, &tunnels(500));
    bench.want(1, &tunnels(500));
    bench.up(0);
    bench.up(1);
    // The bench counts the calls of each.
    let mut both = false;
    for _ in 0..8 {
        assert!(bench.turn());
        both |= bench
            .models
            .iter()
            .all(|model| !model[0].chip().rules().is_empty());
    }
    assert!(both);
    let mut turns = 8;
    while bench.turn() {
        turns += 1;
    }
    assert!(turns >= 1_000 / CALLS, "{turns}");
    for model in &bench.models {
        assert_eq!(model[0].chip().rules().len(), 500);
    }
}

#[test]
fn rules_are_asked_once_a_second_what_they_matched() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(100));
    let hits = |bench: &Bench| {
        bench
            .tunnels()
            .iter()
            .filter(|it| it.hits.is_some())
            .count()
    };
    assert_eq!(hits(&bench), 100);
    bench.chip().log();
    let end = bench.now + 10_000;
    while bench.now < end {
        bench.now = bench.deadline.unwrap().max(bench.now);
        bench.deadline = bench.agent.turn(bench.now);
    }
    let calls = bench.chip().log().len();
    assert!((900..=1_000).contains(&calls), "{calls}");
}

#[test]
fn a_port_of_the_host_is_told_to_all_and_room_for_one_is_never_overwritten() {
    let kinds: [&[Profile]; 3] = [&[Profile::I40E], &[Profile::IXGBE], &[Profile::BNXT]];
    let mut bench = Bench::new(&kinds, Offload::Auto);
    bench.want(0, &[target(4789, 1)]);
    for port in 0..3 {
        bench.up(port);
    }
    bench.run();
    // The model would not have a second one.
    bench.want(1, &[target(8472, 2)]);
    bench.run();
    let ports = |bench: &Bench| -> Vec<Vec<u16>> {
        let models = bench.models.iter();
        models
            .map(|model| model[0].chip().ports().into_iter().collect())
            .collect()
    };
    // The second port needs 8472 itself, and the third neither.
    assert_eq!(ports(&bench), [vec![4789, 8472], vec![8472], vec![4789]]);
    let report = &bench.report(2).members[0];
    let reason = report.udp_ports[1].1.clone().unwrap();
    assert_eq!(
        reason,
        "the parser has room for 1 UDP ports, and they are in use"
    );

    bench.want(0, &[]);
    bench.run();
    assert_eq!(ports(&bench), [vec![8472], vec![8472], vec![8472]]);
    bench.want(1, &[]);
    bench.run();
    assert_eq!(ports(&bench), [vec![], vec![], Vec::<u16>::new()]);
}

#[test]
fn a_driver_that_wants_udp_ports_before_the_start_gets_none_later() {
    let mut bench = Bench::one(Profile::SFC, Offload::Auto, &tunnels(1));
    assert_eq!(bench.chip().ports().into_iter().collect::<Vec<_>>(), [4789]);
    bench.want(0, &[target(4789, 1), target(8472, 2)]);
    bench.chip().log();
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Rule, Tier::Software]);
    let reason = bench.lines()[1].1.clone().unwrap();
    assert!(reason.ends_with("it has to start anew"), "{reason}");
    let told = |call: &Call| matches!(call, Call::Add(_) | Call::Del(_));
    bench.stop(0);
    assert!(!bench.chip().log().iter().any(told));
    bench.up(0);
    bench.run();
    assert_eq!(tiers(&bench), [Tier::Rule, Tier::Rule]);
    let before = |driver, cap| bench.agent.before_start(id(0), driver, cap);
    assert!(before("net_ice", Offload::Auto).is_empty());
    assert!(before("net_sfc_efx", Offload::Off).is_empty());
}

#[test]
fn a_port_that_lied_does_no_more_until_the_process_ends() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(2));
    bench.agent.demote(id(0), Tier::Parser, "marks were wrong");
    bench.run();
    assert!(bench.chip().rules().is_empty());
    let told = (0, Tier::Parser, Some("marks were wrong".to_owned()));
    assert_eq!(bench.tiers.last(), Some(&told));
    bench.stop(0);
    bench.up(0);
    bench.run();
    bench.agent.demote(id(0), Tier::Rule, "not so bad");
    bench.run();
    assert_eq!(bench.report(0).tier, Tier::Parser);
    let demoted = (Tier::Parser, "marks were wrong".to_owned());
    assert_eq!(bench.report(0).demoted, Some(demoted));
}

#[test]
fn what_a_port_does_is_told_when_it_changes() {
    let mut bench = Bench::one(Profile::ICE, Offload::Auto, &tunnels(1));
    assert_eq!(bench.tiers.last(), Some(&(0, Tier::Rule, None)));
    let told = bench.tiers.len();
    bench.pass(10_000);
    assert_eq!(bench.tiers.len(), told);
    bench.want(0, &[]);
    bench.run();
    assert_eq!(bench.tiers.last(), Some(&(0, Tier::Software, None)));
}

#[test]
fn a_port_that_somebody_else_told_is_used_where_the_driver_says_so() {
    for (profile, tier) in [
        (Profile::ICE, Tier::Rule),
        (Profile::I40E, Tier::Software),
        (Profile::BNXT, Tier::Rule),
    ] {
        let mut bench = Bench::new(&[&[profile]], Offload::Auto);
        bench.chip().told_by_others(4789);
        bench.want(0, &tunnels(1));
        bench.up(0);
        bench.run();
        assert_eq!(tiers(&bench), [tier], "{}", profile.driver);
    }
}
