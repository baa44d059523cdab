//! Each frame of a self-test as a line: what the NIC said of it, and what is so.

use super::exchange::{Exchange, Heard};
use super::frames::Frame;
use super::judge::{Judge, Judged};
use super::report::{Outcome, Topic};
use fastpath::io::{Checksum, NicWord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A frame of a self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// What is in it.
    pub frame: String,
    /// Equal: all that was said of it is so, much or little. Silent: nothing was said though there is
    /// something to say. Unseen: it did not come back.
    pub outcome: Outcome,
    /// It did not come back as it was sent.
    pub changed: bool,
    /// What the NIC said of it; none if it did not come back.
    pub said: Option<Said>,
    /// What software finds in what came back.
    pub is: Option<Said>,
}

/// What is said of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The mark of its rule.
    pub mark: Option<u32>,
    /// It is a tunnel's.
    pub tunnel: bool,
    /// The outermost IPv4 header checksum.
    pub outer_ip: Option<Sum>,
    /// The outermost TCP or UDP checksum.
    pub outer_l4: Option<Sum>,
    /// The IPv4 header checksum in the tunnel.
    pub inner_ip: Option<Sum>,
    /// The TCP or UDP checksum in the tunnel.
    pub inner_l4: Option<Sum>,
}

/// A checksum of which something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sum {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
}

impl Sum {
    /// `None` if nothing is said of it.
    pub(super) const fn of(checksum: Checksum) -> Option<Self> {
        match checksum {
            Checksum::Unknown => None,
            Checksum::Good => Some(Sum::Right),
            Checksum::Bad => Some(Sum::Wrong),
        }
    }
}

impl From<NicWord> for Said {
    fn from(word: NicWord) -> Self {
        Said {
            mark: word.mark,
            tunnel: word.tunnel,
            outer_ip: Sum::of(word.checksums.ip),
            outer_l4: Sum::of(word.checksums.l4),
            inner_ip: Sum::of(word.inner.ip),
            inner_l4: Sum::of(word.inner.l4),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = self.mark.map(|mark| format!("mark {mark}"));
        let tunnel = self.tunnel.then(|| "tunnel".to_owned());
        let sums = [
            ("outer IP", self.outer_ip),
            ("outer L4", self.outer_l4),
            ("inner IP", self.inner_ip),
            ("inner L4", self.inner_l4),
        ];
        let sums = sums.into_iter().filter_map(|(name, sum)| {
            let word = match sum? {
                Sum::Right => "right",
                Sum::Wrong => "wrong",
            };
            Some(format!("{name} {word}"))
        });
        let all: Vec<_> = mark.into_iter().chain(tunnel).chain(sums).collect();
        match all.is_empty() {
            true => f.write_str("nothing"),
            false => f.write_str(&all.join(", ")),
        }
    }
}

/// All frames, in the order in which they were sent. Copies of one of which the same was said are one.
pub(super) fn cases(judge: &Judge<'_>, frames: &[Frame], exchange: &Exchange) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (frame, all) in frames.iter().zip(&exchange.heard) {
        let lost = all.is_empty().then(|| lost(frame));
        let heard = all.iter().map(|heard| case(judge, frame, heard));
        for case in lost.into_iter().chain(heard) {
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
    }
    cases
}

fn lost(frame: &Frame) -> Case {
    Case {
        frame: frame.name.clone(),
        outcome: Outcome::Unseen,
        changed: false,
        said: None,
        is: None,
    }
}

fn case(judge: &Judge<'_>, frame: &Frame, heard: &Heard) -> Case {
    let judged = judge.judge(&frame.bytes, heard);
    let wrong = |(_, judged): &(Topic, Judged)| matches!(judged, Judged::Wrong(..));
    let missed = |(topic, judged): &(Topic, Judged)| match judged {
        Judged::Silent(side) => topic.is_missed(*side),
        _ => false,
    };
    let said = Said::from(heard.word);
    let silent = said == Said::default() && judged.iter().any(missed);
    let outcome = match (judged.iter().any(wrong), silent) {
        (true, _) => Outcome::Wrong,
        (false, true) => Outcome::Silent,
        (false, false) => Outcome::Equal,
    };
    Case {
        frame: frame.name.clone(),
        outcome,
        changed: heard.bytes != frame.bytes,
        said: Some(said),
        is: judge.finds(heard),
    }
}
