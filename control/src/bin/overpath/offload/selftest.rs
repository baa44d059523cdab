//! `overpath offload selftest`: what was found of a NIC, in short, by topic, and frame by frame.

use crate::table::{Cell, Hue, Table, maybe, word};
use control::api::messages::{SelfTest, SelfTestFound};
use control::offload::selftest::{Answer, Case, Line, Outcome, Report, Said};

/// Each line begins with the port, so that `grep` finds it.
pub(super) fn text(test: &SelfTest) -> String {
    let report = &test.report;
    let name = Cell::from(&test.port).hued(Hue::Name);
    let mut tables: [Table; 7] = Default::default();
    let [first, answers, known, rules, topics, cases, last] = &mut tables;
    first.push_all(begin(&name, summary(test)));
    for (what, answer) in [("marks", &report.marks), ("checksums", &report.checksums)] {
        answers.push_all(begin(&name, answered(what, answer)));
    }
    known.push_all(begin(&name, knows(report)));
    let refused = report.no_rules.as_ref();
    rules.push_all(begin(
        &name,
        vec![
            maybe("rules", report.rules.as_ref()),
            maybe("no rules", refused),
        ],
    ));
    for line in &report.lines {
        topics.push_all(begin(&name, topic(line)));
    }
    for one in &report.cases {
        cases.push_all(begin(&name, case(one)));
    }
    for (what, why) in follows(test) {
        last.push_all(begin(&name, vec![word(what, why).hued(Hue::Bad)]));
    }
    tables.iter().map(Table::to_string).collect()
}

fn begin(name: &Cell, cells: Vec<Cell>) -> impl Iterator<Item = Cell> {
    std::iter::once(name.clone()).chain(cells)
}

fn summary(test: &SelfTest) -> Vec<Cell> {
    let SelfTestFound {
        frames,
        heard,
        looped,
        ..
    } = test.found;
    let report = &test.report;
    let some = |count: usize| (count > 0).then_some(count);
    vec![
        maybe("may do", test.tier),
        if test.found.conclusive {
            ""
        } else {
            "inconclusive"
        }
        .into(),
        word("frames", frames),
        word("heard", heard).hued(Hue::of(heard == frames)),
        word("sent", report.sent),
        maybe("doubled", some(report.doubled)),
        maybe("of others", some(report.foreign)),
        word("by", if looped { "the device" } else { "a wire" }),
    ]
}

fn answered(what: &str, Answer { allowed, reason }: &Answer) -> Vec<Cell> {
    let word_of = if *allowed { "on" } else { "off" };
    vec![
        word(what, word_of).hued(Hue::of(*allowed)),
        word("reason", reason),
    ]
}

/// Whether its parser knows the UDP port of the test.
fn knows(report: &Report) -> Vec<Cell> {
    let reason = report.parser.as_ref();
    vec![
        word("dstport", report.udp_port),
        if reason.is_none() { "known" } else { "unknown" }.into(),
        maybe("reason", reason),
    ]
}

fn topic(line: &Line) -> Vec<Cell> {
    vec![
        word("topic", line.topic.words()),
        outcome(line.outcome),
        word("equal", line.equal),
        word("silent", line.silent),
        word("wrong", line.wrong).hued_if(line.wrong > 0, Hue::Bad),
    ]
}

fn case(case: &Case) -> Vec<Cell> {
    let words = |said: Option<Said>| said.map(|said| said.to_string());
    vec![
        word("case", case.outcome.words()).hued_if(case.outcome == Outcome::Wrong, Hue::Bad),
        if case.changed { "changed" } else { "" }.into(),
        Cell::from(&case.frame),
        maybe("said", words(case.said)),
        maybe("is", words(case.is)),
    ]
}

/// What becomes of the port, and what is to be done.
fn follows(test: &SelfTest) -> impl Iterator<Item = (&'static str, String)> {
    let demoted = test.found.demoted.as_ref();
    let demoted = demoted.map(|it| ("demoted", format!("to {}: {}", it.tier, it.reason)));
    let distrusted = test.found.distrusted.clone();
    let left = test.report.left.as_ref();
    let left =
        left.map(|left| format!("for the NIC to forget it, its port was started anew: {left}"));
    let rest = [
        ("distrusted", distrusted),
        ("note", left),
        ("note", test.advice.clone()),
    ];
    let rest = rest
        .into_iter()
        .filter_map(|(what, why)| Some((what, why?)));
    let notes = test.notes.iter().map(|note| ("note", note.clone()));
    demoted.into_iter().chain(rest).chain(notes)
}

fn outcome(outcome: Outcome) -> Cell {
    let cell = Cell::from(outcome.words());
    match outcome {
        Outcome::Equal => cell.hued(Hue::Good),
        Outcome::Wrong => cell.hued(Hue::Bad),
        Outcome::Silent | Outcome::Unseen => cell,
    }
}
