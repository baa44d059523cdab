//! Marks: of bonds, of packets without outer headers, and when there are too few.

use super::*;
use crate::offload::Change;

#[test]
fn outer_headers_come_off_when_the_workers_know_what_that_means() {
    let one = target(4789, 1);
    let wanted = [one, remote(one, 1), remote(one, 2)];
    let mut bench = Bench::one(Profile::MLX5, Offload::T3, &wanted);
    assert!(bench.chip().rules().is_empty());
    assert_eq!(bench.report(0).marks, Some((Width::Bits24, 2)));
    let reason = bench.lines()[1].1.clone();
    assert_eq!(
        reason.as_deref(),
        Some("the workers do not know its mark yet")
    );
    bench.publish();
    bench.run();
    let strip: Vec<_> = bench.chip().rules().iter().map(|rule| rule.strip).collect();
    assert_eq!(strip, [wanted[1].remote, wanted[2].remote]);
    assert_eq!(bench.report(0).tier, Tier::Decap);

    // The mark keeps its meaning while packets may be on their way: the bench looks after that.
    bench.want(0, &wanted[..2]);
    bench.pass(QUARANTINE - 1);
    assert_eq!(bench.published.len(), 2);
    bench.pass(1);
    assert_eq!(bench.published.len(), 1);
    bench.agent.set_cap(id(0), Offload::Auto);
    bench.run();
    let rules = bench.chip().rules();
    assert_eq!((rules.len(), rules[0].strip), (1, None));
}

/// What says that it is gone may go on all the same, and its packets have no outer headers.
#[test]
fn marks_of_a_nic_that_says_it_is_gone_keep_their_meaning_until_its_port_stops() {
    let one = target(4789, 1);
    let wanted = [one, remote(one, 1), remote(one, 2)];
    let site = || {
        let mut bench = Bench::one(Profile::MLX5, Offload::T3, &wanted);
        bench.publish();
        bench.run();
        assert_eq!(bench.chip().rules().len(), 2);
        bench
    };
    // While it takes a rule away.
    let mut bench = site();
    bench.chip().fail(0, Errno::EIO);
    bench.want(0, &wanted[..2]);
    bench.pass(3 * QUARANTINE);
    assert!(bench.report(0).members[0].gone.is_some());
    assert_eq!((bench.chip().rules().len(), bench.published.len()), (2, 2));
    bench.stop(0);
    assert_eq!(bench.published.len(), 0);

    // While it installs one more, which may be there or not.
    let mut bench = site();
    bench.want(0, &[one, wanted[1], wanted[2], remote(one, 3)]);
    bench.run();
    bench.publish();
    bench.chip().fail(0, Errno::ENODEV);
    bench.pass(3 * QUARANTINE);
    assert!(bench.report(0).members[0].gone.is_some());
    assert_eq!(bench.published.len(), 3);

    // One that was reset has no rules any more.
    bench.chip().reset();
    bench.agent.reset(id(0), bench.now);
    bench.want(0, &[]);
    bench.pass(QUARANTINE);
    assert_eq!(bench.published.len(), 0);
}

#[test]
fn marks_of_a_port_that_was_lost_keep_their_meaning_until_it_stops() {
    let one = target(4789, 1);
    let mut bench = Bench::one(Profile::MLX5, Offload::T3, &[one, remote(one, 1)]);
    bench.publish();
    bench.run();
    drop(bench.agent.port_lost(id(0), bench.now));
    for time in [0, 3 * QUARANTINE] {
        bench.agent.turn(bench.now + time);
        let changes = bench.agent.changes();
        let gone = |change: &Change| matches!(change, Change::Unmarked { .. });
        assert!(!changes.iter().any(gone), "{changes:?}");
    }
    drop(bench.agent.port_stopping(id(0), bench.now));
    assert!(matches!(
        bench.agent.changes()[..],
        [Change::Unmarked { .. }]
    ));
}

#[test]
fn who_cannot_count_is_not_gone() {
    let one = target(4789, 1);
    let mut bench = Bench::one(Profile::MLX5, Offload::T3, &[one, remote(one, 1)]);
    bench.publish();
    bench.run();
    bench.now = bench.deadline.unwrap();
    bench.chip().fail(0, Errno::EIO);
    bench.pass(3 * QUARANTINE);
    assert_eq!(bench.report(0).members[0].gone, None);
    assert_eq!(bench.report(0).tier, Tier::Decap);
}

#[test]
fn who_cannot_take_headers_off_marks_packets() {
    let one = target(4789, 1);
    let bench = Bench::one(Profile::ICE, Offload::T3, &[one, remote(one, 1)]);
    let reason = Some("the driver cannot take outer headers off".to_owned());
    assert_eq!(bench.lines(), [(Tier::Rule, None), (Tier::Rule, reason)]);
    let rules = bench.chip().rules();
    assert_eq!((rules.len(), rules[0].strip), (1, None));
}

#[test]
fn members_of_a_bond_write_the_same_marks_the_narrowest_ones() {
    let mut bench = Bench::new(&[&[Profile::MLX5, Profile::BNXT]], Offload::Auto);
    bench.want(0, &tunnels(3));
    bench.up(0);
    bench.run();
    let marks = |member: usize| -> Vec<_> {
        let rules = bench.models[0][member].chip().rules();
        rules.iter().map(|rule| rule.mark).collect()
    };
    assert_eq!(marks(0), marks(1));
    assert_eq!(bench.report(0).marks, Some((Width::Bits16, 3)));
    assert_eq!(bench.report(0).tier, Tier::Rule);

    // One that is gone takes nothing from the other.
    bench.models[0][0].chip().unplug();
    bench.pass(2_000);
    assert!(bench.report(0).members[0].gone.is_some());
    assert_eq!(bench.models[0][1].chip().rules().len(), 3);
}

#[test]
fn a_member_that_is_said_to_be_lost_is_not_called_and_the_other_goes_on() {
    let mut bench = Bench::new(&[&[Profile::MLX5, Profile::BNXT]], Offload::Auto);
    bench.want(0, &tunnels(3));
    bench.up(0);
    bench.run();
    bench.agent.nic_lost(id(0), 0, "it burns", bench.now);
    bench
        .agent
        .nic_lost(id(0), 2, "there is no such", bench.now);
    bench.want(0, &tunnels(2));
    bench.agent.recovered(id(0), bench.now);
    bench.pass(2_000);
    let members = bench.report(0).members;
    assert_eq!(members[0].gone.as_deref(), Some("it burns"));
    assert_eq!(members[1].gone, None);
    let rules = [0, 1].map(|member| bench.models[0][member].chip().rules().len());
    assert_eq!(rules, [3, 2]);
    assert_eq!(bench.report(0).tier, Tier::Rule);
}

#[test]
fn a_member_that_turns_out_narrower_later_has_all_marks_given_out_anew() {
    let mut bench = Bench::new(&[&[Profile::MLX5, Profile::BNXT]], Offload::Auto);
    bench.want(0, &tunnels(3));
    bench.models[0][1].chip().fail(1, Errno::EBUSY);
    bench.up(0);
    bench.run();
    assert_eq!(bench.report(0).marks, Some((Width::Bits24, 3)));
    bench.pass(2 * QUARANTINE);
    assert_eq!(bench.report(0).marks, Some((Width::Bits16, 3)));
    assert_eq!(bench.report(0).tier, Tier::Rule);
}

#[test]
fn tunnels_that_find_no_mark_stay_in_software() {
    let profile = Profile {
        marks: Some(0xff),
        ..Profile::ICE
    };
    let mut bench = Bench::one(profile, Offload::Auto, &tunnels(40));
    let slots = Width::Bits8.slots() - 1;
    assert_eq!(bench.chip().rules().len(), slots);
    let reason = bench.lines()[39].1.clone().unwrap();
    assert_eq!(reason, "none of the 31 marks of the port is free");
    bench.want(0, &tunnels(40)[10..]);
    bench.run();
    assert_eq!(bench.chip().rules().len(), slots - 10);
    bench.pass(QUARANTINE + 30_000);
    assert_eq!(bench.chip().rules().len(), 30);
}
