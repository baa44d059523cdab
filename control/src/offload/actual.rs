//! What one NIC does, as far as is known, and what it refused.

use super::driver::Driver;
use super::fate::Wanted;
use super::ports::Parser;
use super::probe::{Ability, Ask};
use super::retry::Retry;
use super::target::Target;
use super::tier::Tier;
use fastpath::offload::Rule;
use std::collections::{BTreeMap, BTreeSet};

/// What a NIC does, as far as is known, and what it refused.
#[derive(Debug)]
pub struct Actual<H> {
    /// What is known of its driver.
    pub driver: &'static Driver,
    /// UDP ports.
    pub parser: Parser,
    /// Rules that are installed.
    pub rules: BTreeMap<Target, Installed<H>>,
    /// Rules that it did not take.
    pub refused: BTreeMap<Target, Refused>,
    /// What it said when it was asked.
    pub answers: BTreeMap<Ask, Answer>,
    /// Rules of probes that it did not give back.
    pub left: Vec<(H, Retry)>,
    /// All its rules are to be flushed then, and none of its handles is good for anything.
    pub flush: Option<Retry>,
    /// It has no room for more rules, and is asked again then.
    pub full: Option<(Retry, String)>,
}

/// A rule that is installed.
#[derive(Debug)]
pub struct Installed<H> {
    /// What the driver knows it by.
    pub handle: H,
    /// The rule.
    pub rule: Rule,
    /// Packets that it matched, when it was last asked.
    pub hits: Option<u64>,
    /// It could not be taken away, and is to go then.
    pub leaving: Option<Retry>,
}

/// A rule that could not be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: String,
    /// When it is tried again.
    pub again: Again,
}

/// When something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Not as long as the port runs.
    Never,
    /// Then.
    At(Retry),
    /// When the workers know the mark: packets without outer headers mean nothing without it.
    Published,
}

/// What a NIC said when it was asked for a shape of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// That.
    Given(Ability),
    /// It is asked again then.
    Later(Retry, String),
}

impl<H> Actual<H> {
    /// A NIC that has started, was told what `parser` says, and has no rules.
    pub const fn new(driver: &'static Driver, parser: Parser) -> Self {
        Actual {
            driver,
            parser,
            rules: BTreeMap::new(),
            refused: BTreeMap::new(),
            answers: BTreeMap::new(),
            left: Vec::new(),
            flush: None,
            full: None,
        }
    }

    /// What it does for a target.
    pub fn tier(&self, target: &Target) -> Tier {
        // What is to be flushed may be gone already.
        let rules = self.rules.get(target).filter(|_| self.flush.is_none());
        match rules {
            Some(installed) if installed.rule.strip.is_some() => Tier::Decap,
            Some(_) => Tier::Rule,
            None if self.parser.knows(self.driver, target.end_point.udp_port) => Tier::Parser,
            None => Tier::Software,
        }
    }

    /// Forgets refusals and answers that nobody asks for any more.
    pub fn prune(&mut self, wanted: &Wanted<'_>) {
        self.parser.prune(wanted.needed);
        self.refused.retain(|target, refused| {
            let waits = refused.again == Again::Published;
            wanted.targets.contains(target) && !(waits && wanted.limit < Tier::Decap)
        });
        if !self.answers.is_empty() {
            let asks: BTreeSet<_> = wanted.targets.iter().map(Ask::about).collect();
            self.answers.retain(|ask, _| asks.contains(ask));
        }
    }
}
