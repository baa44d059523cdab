//! What follows from a self-test for the port that it was made on.

use super::report::{Outcome, Report, Topic};
use crate::offload::Tier;
use std::fmt;

/// A self-test that was made on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Somebody asked for it; if not the port was started.
    pub asked: bool,
    /// The device itself gave back what it sent; if not, a wire and whoever is at its end.
    pub looped: bool,
    /// There was link when frames were sent.
    pub link: bool,
    /// What was found.
    pub report: Report,
}

impl Tested {
    /// The most that the NIC is to do as long as its device is behind the port, and why; `None` if it may
    /// do what it can.
    ///
    /// Of what came by a wire only that counts of which nobody but the NIC can be the cause: what it said
    /// of bytes as they arrived. What did not arrive, or arrived otherwise, may be the fault of who sent
    /// it back.
    pub fn demotion(&self) -> Option<(Tier, String)> {
        let report = &self.report;
        if !report.is_conclusive() {
            return None;
        }
        let changed = self.wrong(&[Topic::Bytes]).filter(|_| self.looped);
        let rules = report.rules.is_some() || report.rules_failed;
        let unproved = self.looped && rules && !report.marks.allowed;
        let (tier, why) = match (changed, unproved) {
            (Some(why), _) => (Tier::Software, why),
            (None, true) => (Tier::Parser, report.marks.reason.clone()),
            (None, false) => (Tier::Parser, self.wrong(&[Topic::Mark])?),
        };
        Some((tier, format!("self-test: {why}")))
    }

    /// Why what the NIC says of checksums is not heeded as long as its device is behind the port; `None`
    /// if it is.
    pub fn distrust(&self) -> Option<String> {
        const ALL: [Topic; 3] = [Topic::Tunnel, Topic::OuterIp, Topic::OuterL4];
        let report = &self.report;
        if !report.is_conclusive() {
            return None;
        }
        let why = match self.looped {
            // Who says nothing is not heeded anyway.
            true if !report.checksums.allowed && !self.says_nothing() => {
                report.checksums.reason.clone()
            }
            _ => self.wrong(&ALL)?,
        };
        Some(format!("self-test: {why}"))
    }

    /// What is to be done for frames to come back, if none did.
    pub fn advice(&self) -> Option<String> {
        if self.report.is_conclusive() {
            return None;
        }
        let why = match (self.looped, self.link) {
            (true, _) => {
                "the device was to give back what it sends, and did not: try a loopback plug, or a \
                 peer that sends back what it gets"
            }
            (false, false) => {
                "the port has no link, and its device does not loop by itself: put in a loopback \
                 plug, a fibre from its transmitter to its receiver, or a cable to a peer that sends \
                 back what it gets"
            }
            (false, true) => {
                "the device does not loop by itself: the peer has to send back what it gets, as it \
                 is; with a loopback plug it comes back by itself"
            }
        };
        Some(format!("no frame came back: {why}"))
    }

    fn says_nothing(&self) -> bool {
        let outer = [Topic::OuterIp, Topic::OuterL4];
        let lines = self.report.lines.iter();
        let mut outer = lines.filter(|line| outer.contains(&line.topic));
        self.wrong(&[Topic::Bytes]).is_none() && outer.all(|line| line.outcome == Outcome::Silent)
    }

    /// The first that was wrong of these, if any was.
    fn wrong(&self, topics: &[Topic]) -> Option<String> {
        let lines = self.report.lines.iter();
        let mut lines = lines.filter(|line| topics.contains(&line.topic));
        let (topic, example) = lines.find_map(|line| Some((line.topic, line.examples.first()?)))?;
        Some(format!("{} is wrong: {example}", topic.words()))
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            heard,
            frames,
            marks,
            checksums,
            ..
        } = &self.report;
        match self.advice() {
            Some(advice) => f.write_str(&advice),
            None => write!(
                f,
                "{heard} of {frames} frames came back; marks {marks}; checksums {checksums}"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
