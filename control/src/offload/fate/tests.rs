use super::*;
use crate::offload::driver::Driver;
use crate::offload::model::target;
use crate::offload::ports::Parser;
use fastpath::offload::{Delivery, Width};

fn shape(pattern: Pattern) -> Shape {
    Shape {
        pattern,
        delivery: Delivery::Plain,
        width: Width::Bits16,
        count: false,
    }
}

/// What is to be done for each target by a NIC whose parser was told `told`, and which gave the same
/// answer to all questions.
fn all(
    driver: &str,
    told: &[u16],
    answer: Option<Answer>,
    limit: Tier,
    wanted: &[Target],
) -> Vec<String> {
    let mut actual: Actual<()> = Actual::new(
        Driver::of(driver),
        Parser::told_before(told.iter().copied()),
    );
    if let Some(answer) = answer {
        let answers = wanted
            .iter()
            .map(|target| (Ask::about(target), answer.clone()));
        actual.answers = answers.collect();
    }
    let targets: Targets = wanted.iter().copied().collect();
    let needed = targets.iter().map(|it| it.end_point.udp_port).collect();
    let wanted = Wanted {
        targets: &targets,
        needed: &needed,
        limit,
        settled: true,
    };
    let words = |fate: &Fate<'_>| match fate {
        Fate::Rule(_) => "rule".to_owned(),
        Fate::Unasked => "ask".to_owned(),
        Fate::Limited => "limit".to_owned(),
        Fate::Not(reason) => reason.to_string(),
    };
    fates(&wanted, &actual).values().map(words).collect()
}

fn yes(pattern: Pattern) -> Option<Answer> {
    Some(Answer::Given(Ok(shape(pattern))))
}

const BARE: &str = "its rules name no UDP port, and the parser knows several";

#[test]
fn a_rule_needs_a_limit_a_port_and_an_answer() {
    let one = [target(4789, 1)];
    let tunnel = || yes(Pattern::Tunnel);
    assert_eq!(
        all("net_ice", &[4789], tunnel(), Tier::Rule, &one),
        ["rule"]
    );
    assert_eq!(
        all("net_ice", &[4789], tunnel(), Tier::Parser, &one),
        ["limit"]
    );
    assert_eq!(all("net_ice", &[4789], None, Tier::Rule, &one), ["ask"]);
    assert_eq!(
        all("net_ice", &[], tunnel(), Tier::Rule, &one),
        ["it was not told yet"]
    );
    let no = Some(Answer::Given(Err("no".to_owned())));
    assert_eq!(all("net_ice", &[4789], no, Tier::Rule, &one), ["no"]);
    // A rule that finds the port itself needs no parser.
    assert_eq!(
        all("mlx5_pci", &[], tunnel(), Tier::Rule, &[target(8472, 1)]),
        ["rule"]
    );
    let reason = &all("net_ixgbe", &[4789], tunnel(), Tier::Rule, &one)[0];
    assert!(reason.contains("net_ixgbe"), "{reason}");
}

#[test]
fn a_rule_without_a_udp_port_is_for_one_port_alone() {
    let bare = || yes(Pattern::VniOnly);
    let two = [target(4789, 1), target(8472, 2)];
    assert_eq!(
        all("net_ice", &[4789], bare(), Tier::Rule, &two[..1]),
        ["rule"]
    );
    assert_eq!(
        all("net_ice", &[4789, 8472], bare(), Tier::Rule, &two),
        [BARE, BARE]
    );
    // One that is told for another port of the host counts as well.
    assert_eq!(
        all("net_ice", &[4789, 8472], bare(), Tier::Rule, &two[..1]),
        [BARE]
    );
    let fates = all("mlx5_pci", &[], bare(), Tier::Rule, &two);
    assert_eq!(fates, ["rule", "its rules name no UDP port, and mean 4789"]);
    assert_eq!(
        all(
            "net_ice",
            &[4789, 8472],
            yes(Pattern::Tunnel),
            Tier::Rule,
            &two
        ),
        ["rule", "rule"]
    );
}

#[test]
fn a_rule_without_an_address_is_for_one_tunnel_of_its_vni() {
    let one = target(4789, 1);
    let mut two = one;
    two.end_point.local = [192, 0, 2, 77].into();
    let other = target(4789, 2);
    let fates = all(
        "net_ice",
        &[4789],
        yes(Pattern::VniOnly),
        Tier::Rule,
        &[one, two, other],
    );
    let taken = "its rules name no address, and another tunnel has the VNI";
    assert_eq!(fates, ["rule", "rule", taken]);
    let fates = all(
        "net_ice",
        &[4789],
        yes(Pattern::Tunnel),
        Tier::Rule,
        &[one, two, other],
    );
    assert_eq!(fates, ["rule", "rule", "rule"]);
}

#[test]
fn rules_of_remotes_take_the_place_of_that_of_their_end_point() {
    let one = target(4789, 1);
    let remote = Target {
        remote: Some([198, 51, 100, 1].into()),
        ..one
    };
    let wanted = [one, remote, target(4789, 2)];
    let tunnel = || yes(Pattern::Tunnel);
    let own = "its remotes have rules of their own";
    assert_eq!(
        all("mlx5_pci", &[], tunnel(), Tier::Decap, &wanted),
        [own, "rule", "rule"]
    );
    assert_eq!(
        all("mlx5_pci", &[], tunnel(), Tier::Rule, &wanted),
        ["rule", "limit", "rule"]
    );
    let no = "the driver cannot take outer headers off";
    assert_eq!(
        all("net_ice", &[4789], tunnel(), Tier::Decap, &wanted),
        ["rule", no, "rule"]
    );
    assert_eq!(
        all("mlx5_pci", &[], None, Tier::Decap, &wanted),
        ["ask", "ask", "ask"]
    );
}
