use super::super::tests::{lying, mlx5};
use super::*;
use fastpath::io::{Checksum, NicWord, RxChecksums};

fn tested(looped: bool, report: Report) -> Tested {
    Tested {
        asked: true,
        looped,
        link: true,
        report,
    }
}

/// Of a NIC whose own loop it is, and of one at a wire.
fn both(report: &Report) -> [Tested; 2] {
    [true, false].map(|looped| tested(looped, report.clone()))
}

fn tiers(report: &Report) -> [Option<Tier>; 2] {
    both(report).map(|tested| tested.demotion().map(|(tier, _)| tier))
}

fn distrusts(report: &Report) -> [bool; 2] {
    both(report).map(|tested| tested.distrust().is_some())
}

fn silent(word: &mut NicWord) {
    *word = NicWord::default();
}

#[test]
fn who_is_honest_keeps_all() {
    let report = lying(|_| ());
    assert_eq!(
        (tiers(&report), distrusts(&report)),
        ([None; 2], [false; 2])
    );
}

#[test]
fn what_is_wrong_counts_by_whatever_way_it_came() {
    let report = lying(|word| word.mark = word.mark.map(|mark| mark ^ 1));
    assert_eq!(tiers(&report), [Some(Tier::Parser); 2]);
    assert_eq!(distrusts(&report), [false; 2]);
    let report = lying(|word| {
        word.checksums = RxChecksums {
            ip: Checksum::Good,
            l4: Checksum::Good,
        };
    });
    assert_eq!((tiers(&report), distrusts(&report)), ([None; 2], [true; 2]));
}

/// Who says nothing gets no marks, if nobody else can have lost them; there is nothing to distrust.
#[test]
fn what_is_missing_counts_where_nobody_is_between() {
    let report = lying(silent);
    assert_eq!(tiers(&report), [Some(Tier::Parser), None]);
    assert_eq!(distrusts(&report), [false; 2]);
    // All but the first few are lost.
    let mut count = 0;
    let report = mlx5(|heard| {
        count += 1;
        if count < 4 { vec![heard] } else { vec![] }
    });
    assert!(report.is_conclusive());
    assert_eq!(tiers(&report), [Some(Tier::Parser), None]);
    assert_eq!(distrusts(&report), [true, false]);
}

#[test]
fn what_came_back_otherwise_counts_where_nobody_is_between() {
    let report = mlx5(|mut heard| {
        heard.bytes.push(0);
        vec![heard]
    });
    assert_eq!(tiers(&report), [Some(Tier::Software), None]);
    assert_eq!(distrusts(&report), [true, false]);
    let [looped, _] = both(&report);
    let (_, why) = looped.demotion().unwrap();
    assert!(why.starts_with("self-test: bytes is wrong: "), "{why}");
}

/// A NIC that takes no rules is not told to take none.
#[test]
fn a_nic_without_rules_is_not_demoted() {
    use crate::offload::model::{Model, Profile};
    use crate::offload::selftest::path::Path;
    use crate::offload::selftest::{Site, run};
    use fastpath::wire::Mac;
    let model = Model::new(Profile::I40E, 1);
    let mut path = Path::new(&model, |heard| vec![heard]);
    let site = Site::new(Mac::new([2, 0, 0, 0, 0, 1]));
    let report = run(&mut model.start(), &mut path, &site, 1);
    assert!(!report.marks.allowed && report.is_conclusive());
    assert_eq!(tiers(&report), [None; 2]);
}

#[test]
fn where_nothing_came_back_it_says_what_to_do_and_nothing_follows() {
    let report = mlx5(|_| vec![]);
    assert_eq!(
        (tiers(&report), distrusts(&report)),
        ([None; 2], [false; 2])
    );
    for (looped, link, part) in [
        (true, true, "was to give back what it sends"),
        (false, false, "has no link"),
        (false, true, "the peer has to send back"),
    ] {
        let tested = Tested {
            link,
            ..tested(looped, report.clone())
        };
        let advice = tested.advice().unwrap();
        assert!(advice.contains(part), "{advice}");
        assert_eq!(tested.to_string(), advice);
    }
    assert_eq!(tested(true, lying(|_| ())).advice(), None);
}

#[test]
fn it_is_said_in_one_line() {
    let report = lying(|_| ());
    let frames = report.frames;
    assert_eq!(
        tested(true, report).to_string(),
        format!(
            "{frames} of {frames} frames came back; marks on: packets were marked, and none wrongly; \
             checksums on: what is said of them is so"
        )
    );
}

/// Where it loops, what could not be looked at is not proved.
#[test]
fn rules_that_could_not_be_tested_are_not_used() {
    let mut report = lying(|_| ());
    report.rules = None;
    report.marks.allowed = false;
    assert_eq!(tiers(&report), [None; 2], "it takes none");
    report.rules_failed = true;
    assert_eq!(tiers(&report), [Some(Tier::Parser), None]);
}
