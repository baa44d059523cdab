//! What a self-test found: for people, and for programs.

use super::cases::Case;
use crate::offload::Tier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that a NIC says of a packet, or does with it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// It delivers a frame as it came.
    Bytes,
    /// The mark of a rule.
    Mark,
    /// That there is a tunnel: whether verdicts are of inner or of outer headers.
    Tunnel,
    /// The outermost IPv4 header checksum.
    OuterIp,
    /// The outermost TCP or UDP checksum.
    OuterL4,
    /// The IPv4 header checksum in a tunnel. Nothing depends on it.
    InnerIp,
    /// The TCP or UDP checksum in a tunnel. Nothing depends on it.
    InnerL4,
}

impl Topic {
    /// All, in the order in which they are told.
    pub const ALL: [Topic; 7] = [
        Topic::Bytes,
        Topic::Mark,
        Topic::Tunnel,
        Topic::OuterIp,
        Topic::OuterL4,
        Topic::InnerIp,
        Topic::InnerL4,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Topic::Bytes => "bytes",
            Topic::Mark => "mark",
            Topic::Tunnel => "tunnel",
            Topic::OuterIp => "outer IP checksum",
            Topic::OuterL4 => "outer L4 checksum",
            Topic::InnerIp => "inner IP checksum",
            Topic::InnerL4 => "inner L4 checksum",
        }
    }
}

/// How what a NIC says of one topic stands to what software finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Whatever it said is so.
    Equal,
    /// It said nothing.
    Silent,
    /// It said something that is not so.
    Wrong,
    /// Too few frames came back to tell.
    Unseen,
}

impl Outcome {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Outcome::Equal => "equal",
            Outcome::Silent => "silent",
            Outcome::Wrong => "WRONG",
            Outcome::Unseen => "unseen",
        }
    }
}

/// Of one topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Which.
    pub topic: Topic,
    /// What came of it.
    pub outcome: Outcome,
    /// Frames of which it said what is so.
    pub equal: usize,
    /// Frames of which it might have said something and did not.
    pub silent: usize,
    /// Frames of which it said what is not so.
    pub wrong: usize,
    /// The first of those.
    pub examples: Vec<Example>,
}

/// A frame of which a NIC said what is not so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// What is in it.
    pub frame: String,
    /// What the NIC said.
    pub said: String,
    /// What is so.
    pub is: String,
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: said {}, is {}", self.frame, self.said, self.is)
    }
}

/// Whether something may be switched on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// It may.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.allowed { "on" } else { "off" };
        write!(f, "{word}: {}", self.reason)
    }
}

/// What a self-test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The UDP port that its tunnels used.
    pub udp_port: u16,
    /// Why the parser of the NIC does not know that port, if so.
    pub parser: Option<String>,
    /// What rules were installed, in the words of testpmd.
    pub rules: Option<String>,
    /// Why none were, if so.
    pub no_rules: Option<String>,
    /// That was an error, not a NIC that takes none: it may take some later, of which nothing is known.
    #[serde(default)]
    pub rules_failed: bool,
    /// Different frames.
    pub frames: usize,
    /// Those that came back.
    pub heard: usize,
    /// Those that did not, however often they were sent.
    pub lost: Vec<String>,
    /// Frames that were sent, those sent again included.
    pub sent: usize,
    /// Packets that came back although the same had before.
    pub doubled: usize,
    /// Packets of others.
    pub foreign: usize,
    /// Of each topic.
    pub lines: Vec<Line>,
    /// Of each frame.
    pub cases: Vec<Case>,
    /// Whether marks may be used.
    pub marks: Answer,
    /// Whether verdicts on outer checksums may be believed.
    pub checksums: Answer,
    /// What the NIC was told for the test and could not be made to forget, if anything. Its port is to
    /// be stopped before it carries traffic.
    pub left: Option<String>,
}

impl Report {
    /// Whether anything came back. If not it says nothing about the NIC: there is no loop.
    pub const fn is_conclusive(&self) -> bool {
        self.heard > 0
    }

    /// The most that the NIC may be asked for.
    pub fn tier(&self) -> Tier {
        let changed = self
            .lines
            .iter()
            .any(|line| line.topic == Topic::Bytes && line.outcome == Outcome::Wrong);
        match (self.marks.allowed, changed) {
            (_, true) => Tier::Software,
            (true, false) => Tier::Rule,
            (false, false) => Tier::Parser,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { frames, heard, .. } = self;
        write!(f, "{heard} of {frames} frames came back")?;
        if self.sent > self.frames {
            write!(f, ", {} sent", self.sent)?;
        }
        for (count, words) in [(self.doubled, "doubled"), (self.foreign, "of others")] {
            if count > 0 {
                write!(f, ", {count} {words}")?;
            }
        }
        writeln!(f)?;
        match &self.parser {
            None => writeln!(f, "UDP port {}: known", self.udp_port)?,
            Some(reason) => writeln!(f, "UDP port {}: {reason}", self.udp_port)?,
        }
        for (what, text) in [("rules", &self.rules), ("no rules", &self.no_rules)] {
            if let Some(text) = text {
                writeln!(f, "{what}: {text}")?;
            }
        }
        for line in &self.lines {
            write!(f, "{line}")?;
        }
        for name in &self.lost {
            writeln!(f, "lost: {name}")?;
        }
        if let Some(left) = &self.left {
            writeln!(f, "left in the NIC: {left}")?;
        }
        writeln!(f, "marks {}", self.marks)?;
        write!(f, "checksums {}", self.checksums)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<18} {:<7}", self.topic.words(), self.outcome.words())?;
        let Line {
            equal,
            silent,
            wrong,
            ..
        } = self;
        writeln!(f, "{equal:>5} equal {silent:>5} silent {wrong:>5} wrong")?;
        for example in &self.examples {
            writeln!(f, "    {example}")?;
        }
        Ok(())
    }
}
