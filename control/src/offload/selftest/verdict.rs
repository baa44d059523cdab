//! From what was said of all frames to what may be switched on.

use super::exchange::Exchange;
use super::frames::Frame;
use super::judge::{Judge, Judged, Side};
use super::report::{Answer, Example, Line, Outcome, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// Wrong frames of each topic that are told.
const EXAMPLES: usize = 3;

/// What was said of one topic.
#[derive(Clone, Debug, Default)]
struct Tally {
    equal: usize,
    silent: usize,
    wrong: usize,
    /// Whether anything was heard of which yes is to be said, and no.
    yes: bool,
    no: bool,
    examples: Vec<Example>,
}

/// What was said of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    tallies: BTreeMap<Topic, Tally>,
    /// Marks that were found to be right.
    marks: BTreeSet<u32>,
}

impl Verdict {
    /// Judges all that was heard.
    pub(super) fn of(judge: &Judge<'_>, frames: &[Frame], exchange: &Exchange) -> Self {
        let mut verdict = Verdict::default();
        for (frame, all) in frames.iter().zip(&exchange.heard) {
            for heard in all {
                for (topic, judged) in judge.judge(&frame.bytes, heard) {
                    if topic == Topic::Mark && matches!(judged, Judged::Equal(_)) {
                        verdict.marks.extend(heard.word.mark);
                    }
                    let tally = verdict.tallies.entry(topic).or_default();
                    tally.add(topic, &frame.name, judged);
                }
            }
        }
        verdict
    }

    /// Of each topic.
    pub(super) fn lines(&self) -> Vec<Line> {
        let line = |topic| {
            let tally = self.tallies.get(&topic).cloned().unwrap_or_default();
            Line {
                topic,
                outcome: tally.outcome(topic),
                equal: tally.equal,
                silent: tally.silent,
                wrong: tally.wrong,
                examples: tally.examples,
            }
        };
        Topic::ALL.map(line).to_vec()
    }

    /// Whether marks of so many rules may be used.
    pub(super) fn marks(&self, rules: usize) -> Answer {
        if let Some(reason) = self.wrong(&[Topic::Bytes, Topic::Mark]) {
            return off(reason);
        }
        match self.outcome(Topic::Mark) {
            Outcome::Silent => off("no packet was marked"),
            Outcome::Equal if self.marks.len() == rules => {
                on("packets were marked, and none wrongly")
            }
            Outcome::Equal => off("packets of one rule were marked, those of another were not"),
            Outcome::Wrong | Outcome::Unseen => off(UNSEEN),
        }
    }

    /// Whether verdicts on outer checksums may be believed.
    pub(super) fn checksums(&self) -> Answer {
        let all = [Topic::Bytes, Topic::Tunnel, Topic::OuterIp, Topic::OuterL4];
        if let Some(reason) = self.wrong(&all) {
            return off(reason);
        }
        let outcomes = [Topic::OuterIp, Topic::OuterL4].map(|topic| self.outcome(topic));
        if outcomes.contains(&Outcome::Unseen) {
            return off(UNSEEN);
        }
        match outcomes {
            [Outcome::Silent, Outcome::Silent] => off("nothing is said of them"),
            [Outcome::Equal, Outcome::Silent] => on("what is said of IP is so; of L4 nothing is"),
            [Outcome::Silent, _] => on("what is said of L4 is so; of IP nothing is"),
            _ => on("what is said of them is so"),
        }
    }

    fn outcome(&self, topic: Topic) -> Outcome {
        let tally = self.tallies.get(&topic);
        tally.map_or(Outcome::Unseen, |tally| tally.outcome(topic))
    }

    /// The first thing that was wrong of these.
    fn wrong(&self, topics: &[Topic]) -> Option<String> {
        let wrong = |topic: &Topic| {
            let example = self.tallies.get(topic)?.examples.first()?;
            Some(format!("{} is wrong: {example}", topic.words()))
        };
        topics.iter().find_map(wrong)
    }
}

const UNSEEN: &str = "too few frames came back to tell";

impl Tally {
    fn add(&mut self, topic: Topic, frame: &str, judged: Judged) {
        let mut side = |side| match side {
            Side::Yes => self.yes = true,
            Side::No => self.no = true,
        };
        match judged {
            Judged::NotAsked => {}
            Judged::Silent(which) => {
                side(which);
                self.silent += usize::from(topic.is_missed(which));
            }
            Judged::Equal(which) => {
                side(which);
                self.equal += 1;
            }
            Judged::Wrong(said, is) => {
                self.wrong += 1;
                if self.examples.len() < EXAMPLES {
                    let frame = frame.to_owned();
                    self.examples.push(Example { frame, said, is });
                }
            }
        }
    }

    /// "Right" may be believed only if something wrong was heard and not called so, and a mark only if
    /// what is not to be marked was heard, too.
    fn outcome(&self, topic: Topic) -> Outcome {
        let both = self.yes && (self.no || topic == Topic::Bytes);
        match (self.wrong, both, self.equal) {
            (1.., _, _) => Outcome::Wrong,
            (0, false, _) => Outcome::Unseen,
            (0, true, 0) => Outcome::Silent,
            (0, true, 1..) => Outcome::Equal,
        }
    }
}

impl Topic {
    /// Whether something is missing if nothing is said. Where there is none to be told, nothing is.
    pub(super) fn is_missed(self, which: Side) -> bool {
        which == Side::Yes || self.has_two_sides()
    }

    /// Whether both answers are said, and not one of them by saying nothing.
    const fn has_two_sides(self) -> bool {
        !matches!(self, Topic::Bytes | Topic::Mark | Topic::Tunnel)
    }
}

fn on(reason: impl Into<String>) -> Answer {
    Answer {
        allowed: true,
        reason: reason.into(),
    }
}

fn off(reason: impl Into<String>) -> Answer {
    Answer {
        allowed: false,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests;
