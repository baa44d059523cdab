//! Whole self-tests, of models of NICs that are honest or not, over a way that is good or not.

use super::path::Path;
use super::*;
use crate::offload::Tier;
use crate::offload::model::{Call, Model, Profile};
use fastpath::io::{Checksum, NicWord, RxChecksums};
use nix::errno::Errno;

const RUN: u32 = 1;

fn test_on(model: &Model, way: impl FnMut(Heard) -> Vec<Heard>) -> Report {
    let mut site = Site::new(Mac::new([2, 0, 0, 0, 0, 1]));
    if model.chip().profile().tell_before {
        model.chip().tell_before(&[site.udp_port]);
        site.told.push(site.udp_port);
    }
    let mut nic = model.start();
    let report = run(&mut nic, &mut Path::new(model, way), &site, RUN);
    model.chip().stop();
    report
}

pub(crate) fn mlx5(way: impl FnMut(Heard) -> Vec<Heard>) -> Report {
    test_on(&Model::new(Profile::MLX5, 2), way)
}

/// A NIC that says something else than it should.
pub(crate) fn lying(mut lie: impl FnMut(&mut NicWord)) -> Report {
    mlx5(|mut heard| {
        lie(&mut heard.word);
        vec![heard]
    })
}

fn outcome(report: &Report, topic: Topic) -> Outcome {
    let mut lines = report.lines.iter();
    lines.find(|line| line.topic == topic).unwrap().outcome
}

#[test]
fn an_honest_nic_may_do_what_it_can_and_is_left_as_it_was() {
    let marking = [
        "mlx5_pci",
        "net_ice",
        "net_sfc_efx",
        "net_bnxt",
        "net_cn10k",
    ];
    for profile in Profile::ALL {
        let model = Model::new(profile, 2);
        let report = test_on(&model, |heard| vec![heard]);
        let driver = profile.driver;
        let wrong = report.lines.iter().find(|line| line.wrong > 0);
        assert_eq!(wrong, None, "{driver}");
        assert_eq!(report.heard, report.frames, "{driver}");
        assert_eq!(report.lost, [""; 0], "{driver}");
        let marks = marking.contains(&driver);
        assert_eq!(report.marks.allowed, marks, "{driver}: {}", report.marks);
        assert!(report.checksums.allowed, "{driver}: {}", report.checksums);
        let tier = if marks { Tier::Rule } else { Tier::Parser };
        assert_eq!(report.tier(), tier, "{driver}");
        assert_eq!(report.left, None, "{driver}");
        let chip = model.chip();
        assert_eq!(chip.rules(), [], "{driver}");
        let told = profile.tell_before && profile.keeps_ports;
        assert_eq!(chip.ports().is_empty(), !told, "{driver}");
    }
}

#[test]
fn why_there_are_no_marks_is_told() {
    for (profile, reason) in [
        (Profile::NONE, "the driver has no rules"),
        (
            Profile::IXGBE,
            "rules for tunnels would set the UDP port of net_ixgbe back to 4789",
        ),
        (Profile::I40E, "eth / ipv4 / udp / vxlan: "),
    ] {
        let report = test_on(&Model::new(profile, 1), |heard| vec![heard]);
        let told = report.no_rules.unwrap();
        assert!(told.starts_with(reason), "{told}");
        assert_eq!(report.marks.reason, format!("there are no rules: {told}"));
        assert_eq!(report.rules, None);
    }
}

/// It says nothing of packets whose inner header is none of IPv4, and that is right.
#[test]
fn a_packet_without_a_mark_is_not_wrong() {
    let report = test_on(&Model::new(Profile::ICE, 1), |heard| vec![heard]);
    let mark = report
        .lines
        .iter()
        .find(|line| line.topic == Topic::Mark)
        .unwrap();
    assert_eq!((mark.outcome, mark.wrong), (Outcome::Equal, 0));
    assert!(mark.silent > 10 && mark.equal > 20, "{mark}");
    let mut every_other = 0;
    let report = lying(|word| {
        every_other += 1;
        if every_other % 2 == 0 {
            word.mark = None;
        }
    });
    assert!(report.marks.allowed, "{}", report.marks);
}

/// The marks of the two rules.
fn marks() -> [u32; 2] {
    use fastpath::offload::{Mark, Width};
    [0, 1].map(|which| Mark::trial(Width::Bits24, which).get())
}

#[test]
fn a_nic_that_marks_wrongly_gets_no_marks_and_keeps_its_checksums() {
    let [first, second] = marks();
    type Lie = Box<dyn FnMut(&mut NicWord)>;
    let lies: [(&str, Lie); 7] = [
        (
            "each the other",
            Box::new(move |word| word.mark = word.mark.map(|mark| first + second - mark)),
        ),
        (
            "one for all",
            Box::new(move |word| word.mark = word.mark.map(|_| first)),
        ),
        (
            "on all packets",
            Box::new(move |word| word.mark = word.mark.or(Some(first))),
        ),
        (
            "cut to 16 bits",
            Box::new(|word| word.mark = word.mark.map(|mark| mark & 0xffff)),
        ),
        ("zero", Box::new(|word| word.mark = word.mark.map(|_| 0))),
        ("none", Box::new(|word| word.mark = None)),
        (
            "none of one rule",
            Box::new(move |word| word.mark = word.mark.filter(|mark| *mark == first)),
        ),
    ];
    for (name, lie) in lies {
        let report = lying(lie);
        assert!(!report.marks.allowed, "{name}: {}", report.marks);
        assert!(report.checksums.allowed, "{name}: {}", report.checksums);
        assert_eq!(report.tier(), Tier::Parser, "{name}");
    }
    assert_eq!(
        lying(|word| word.mark = None).marks.reason,
        "no packet was marked"
    );
}

#[test]
fn one_wrong_mark_of_all_is_found_and_shown() {
    let [first, second] = marks();
    let mut seen = 0;
    let report = lying(|word| {
        seen += usize::from(word.mark == Some(first));
        if seen == 17 && word.mark == Some(first) {
            word.mark = Some(second);
        }
    });
    let mark = report
        .lines
        .iter()
        .find(|line| line.topic == Topic::Mark)
        .unwrap();
    assert_eq!(mark.wrong, 1);
    let example = &mark.examples[0];
    assert_eq!(example.said, format!("mark {second}"));
    assert_eq!(example.is, format!("mark {first}"));
    assert_eq!(report.marks.reason, format!("mark is wrong: {example}"));
}

#[test]
fn a_nic_that_misjudges_checksums_is_not_believed_and_keeps_its_marks() {
    let good = RxChecksums {
        ip: Checksum::Good,
        l4: Checksum::Good,
    };
    type Lie = Box<dyn FnMut(&mut NicWord)>;
    let lies: [(&str, Topic, Lie); 5] = [
        (
            "all IP is right",
            Topic::OuterIp,
            Box::new(|word| word.checksums.ip = Checksum::Good),
        ),
        (
            "all L4 is right",
            Topic::OuterL4,
            Box::new(|word| word.checksums.l4 = Checksum::Good),
        ),
        (
            "all L4 is wrong",
            Topic::OuterL4,
            Box::new(|word| word.checksums.l4 = Checksum::Bad),
        ),
        (
            "inner for outer",
            Topic::OuterL4,
            Box::new(|word| {
                if word.tunnel {
                    (word.tunnel, word.checksums) = (false, word.inner);
                }
            }),
        ),
        (
            "tunnels everywhere",
            Topic::Tunnel,
            Box::new(move |word| (word.tunnel, word.inner) = (true, good)),
        ),
    ];
    for (name, topic, lie) in lies {
        let report = lying(lie);
        assert_eq!(outcome(&report, topic), Outcome::Wrong, "{name}\n{report}");
        assert!(!report.checksums.allowed, "{name}: {}", report.checksums);
        assert!(report.marks.allowed, "{name}: {}", report.marks);
    }
}

#[test]
fn inner_checksums_are_told_and_nothing_depends_on_them() {
    let report = lying(|word| {
        if word.tunnel {
            word.inner.l4 = Checksum::Good;
        }
    });
    assert_eq!(outcome(&report, Topic::InnerL4), Outcome::Wrong);
    assert_eq!(outcome(&report, Topic::InnerIp), Outcome::Equal);
    assert!(report.checksums.allowed && report.marks.allowed);
}

#[test]
fn a_nic_that_changes_packets_is_left_alone() {
    for change in [
        (|bytes| bytes.truncate(bytes.len() - 1)) as fn(&mut Vec<u8>),
        |bytes| bytes[20] ^= 1,
        |bytes| bytes.push(0),
    ] {
        let report = mlx5(|mut heard| {
            change(&mut heard.bytes);
            vec![heard]
        });
        assert_eq!(outcome(&report, Topic::Bytes), Outcome::Wrong);
        assert!(!report.marks.allowed && !report.checksums.allowed);
        assert_eq!(report.tier(), Tier::Software);
    }
}

#[test]
fn a_bad_way_changes_nothing_but_counts() {
    let (mut count, mut late) = (0, Vec::new());
    let report = mlx5(|heard| {
        count += 1;
        let foreign = Heard {
            bytes: vec![0; 64],
            ..heard.clone()
        };
        match count % 7 {
            // Lost, and sent again.
            0 => vec![],
            1 => {
                late.push(heard);
                vec![foreign]
            }
            2 => vec![heard.clone(), heard],
            3 => late.drain(..).chain([heard]).collect(),
            _ => vec![heard],
        }
    });
    assert_eq!(report.heard, report.frames, "{report}");
    assert!(report.sent > report.frames && report.doubled > 0 && report.foreign > 0);
    assert!(report.marks.allowed && report.checksums.allowed, "{report}");
}

#[test]
fn where_nothing_comes_back_nothing_is_found() {
    let report = mlx5(|_| vec![]);
    assert!(!report.is_conclusive() && report.heard == 0);
    assert!(!report.lost.is_empty());
    assert!(!report.marks.allowed && !report.checksums.allowed);
    assert!(
        report
            .lines
            .iter()
            .all(|line| line.outcome == Outcome::Unseen)
    );
}

/// A port that drops what is broken: whether it would have been told as right is not known.
#[test]
fn what_was_not_heard_is_not_believed() {
    let report = mlx5(|heard| {
        let checksums = [heard.word.checksums, heard.word.inner];
        let broken = checksums
            .iter()
            .any(|of| [of.ip, of.l4].contains(&Checksum::Bad));
        // Of these the model says nothing.
        let outer = heard
            .bytes
            .get(14..34)
            .is_some_and(|ip| fastpath::wire::Sum::new().add_bytes(ip).finish() != 0);
        if broken || outer { vec![] } else { vec![heard] }
    });
    assert!(report.is_conclusive() && !report.lost.is_empty());
    assert_eq!(
        outcome(&report, Topic::OuterIp),
        Outcome::Unseen,
        "{report}"
    );
    assert!(!report.checksums.allowed, "{report}");
}

/// Calls of a test, by their number.
fn calls() -> Vec<Call> {
    let model = Model::new(Profile::MLX5, 2);
    test_on(&model, |heard| vec![heard]);
    model.chip().log()
}

#[test]
fn a_rule_that_stays_is_flushed_and_one_that_cannot_be_is_told() {
    let all = calls();
    let last = all
        .iter()
        .rposition(|call| matches!(call, Call::Destroy(_)));
    let last = last.unwrap() as u64;
    let model = Model::new(Profile::MLX5, 2);
    model.chip().fail(last, Errno::EBUSY);
    assert_eq!(test_on(&model, |heard| vec![heard]).left, None);
    assert_eq!(model.chip().rules(), []);
    assert!(model.chip().log().contains(&Call::Flush));

    let model = Model::new(Profile::MLX5, 2);
    model.chip().fail(last, Errno::EBUSY);
    model.chip().fail(last + 1, Errno::EBUSY);
    let left = test_on(&model, |heard| vec![heard]).left.unwrap();
    assert!(left.starts_with("rules: "), "{left}");
}

/// It may take them later, and nothing is known of them then.
#[test]
fn rules_that_could_not_be_installed_are_none_that_were_refused() {
    let last = calls()
        .iter()
        .rposition(|call| matches!(call, Call::Create(_)));
    let model = Model::new(Profile::MLX5, 2);
    model.chip().fail(last.unwrap() as u64, Errno::ENOSPC);
    let report = test_on(&model, |heard| vec![heard]);
    assert!(report.rules.is_none() && report.rules_failed, "{report}");
    assert!(
        report
            .marks
            .reason
            .starts_with("rules could not be tested: "),
        "{report}"
    );
    assert_eq!((report.left, model.chip().rules().len()), (None, 0));
    let refused = test_on(&Model::new(Profile::I40E, 2), |heard| vec![heard]);
    assert!(refused.no_rules.is_some() && !refused.rules_failed);
}

#[test]
fn it_makes_as_few_calls_as_it_says() {
    assert!(calls().len() <= 30, "{:?}", calls());
}

/// What the model says beside a frame is not all that there is to say, and is never something else.
#[test]
fn each_frame_is_told_with_what_was_said_and_what_is_so() {
    let report = mlx5(|heard| vec![heard]);
    let [first, second] = marks();
    let mut marked = BTreeSet::new();
    for case in &report.cases {
        let (said, is) = (case.said.unwrap(), case.is.unwrap());
        assert!(!case.changed && case.outcome != Outcome::Unseen, "{case:?}");
        if case.outcome == Outcome::Equal && !case.frame.contains("fragment") {
            let pairs = [
                (said.outer_ip, is.outer_ip),
                (said.outer_l4, is.outer_l4),
                (said.inner_ip, is.inner_ip),
                (said.inner_l4, is.inner_l4),
            ];
            assert!(
                pairs.iter().all(|(said, is)| said.is_none() || said == is),
                "{case:?}"
            );
        }
        marked.extend(is.mark);
        let ours = case.frame.starts_with("tunnel, UDP checksum ");
        assert!(
            !ours || (said.mark, is.mark) == (Some(first), Some(first)),
            "{case:?}"
        );
        assert!(!ours || (said.tunnel && is.tunnel), "{case:?}");
    }
    assert_eq!(marked, BTreeSet::from([first, second]));
    let names: BTreeSet<_> = report.cases.iter().map(|case| &case.frame).collect();
    assert_eq!(
        names.len(),
        report.frames / 2,
        "each frame is sent twice, and told once"
    );

    // A few have nothing to be said of them; of others something was.
    let silent = |report: &Report| {
        let cases = report.cases.iter();
        cases.filter(|case| case.outcome == Outcome::Silent).count()
    };
    assert_eq!(silent(&report), 0);
    let mute = lying(|word| *word = NicWord::default());
    assert!(silent(&mute) > names.len() / 2, "{}", silent(&mute));
    assert!(mute.cases.iter().all(|case| case.outcome != Outcome::Wrong));

    // Those that show what is wrong, and those that were lost.
    let report = lying(|word| word.mark = word.mark.map(|_| second));
    let wrong = report
        .cases
        .iter()
        .filter(|case| case.outcome == Outcome::Wrong);
    let line = report
        .lines
        .iter()
        .find(|line| line.topic == Topic::Mark)
        .unwrap();
    assert_eq!(wrong.count() * 2, line.wrong);
    let report = mlx5(|_| vec![]);
    let lost = |case: &Case| case.outcome == Outcome::Unseen && case.said.is_none();
    assert!(report.cases.iter().all(lost) && report.cases.len() == names.len());
}

#[test]
fn a_report_is_told_in_words_and_is_read_back_from_json() {
    let [first, _] = marks();
    let report = lying(|word| word.mark = word.mark.map(|_| first));
    let text = report.to_string();
    for part in [
        "frames came back\n",
        "UDP port 4789: known\n",
        "rules: eth / ipv4 / udp / vxlan -> mark / count / rss level 2\n",
        "mark               WRONG ",
        "outer L4 checksum  equal ",
        ", inner IPv4 TCP with checksum right: said mark 16777198, is mark 16777197\n",
        "\nmarks off: mark is wrong: ",
        "\nchecksums on: what is said of them is so",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["marks"]["allowed"], false);
    assert_eq!(json["lines"][1]["topic"], "mark");
    assert_eq!(json["lines"][1]["outcome"], "wrong");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}
