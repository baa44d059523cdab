//! What a port does for its tunnels, and why not more: for people.

use super::actual::Actual;
use super::fate::{Fate, fates};
use super::member::Member;
use super::nic::Nic;
use super::port::{Port, Wish};
use super::ports::Told;
use super::probe::Ask;
use super::target::Target;
use super::tier::{Offload, Tier};
use fastpath::ids::PortId;
use fastpath::offload::{Mark, Rule, Width};
use std::collections::BTreeMap;

/// Of one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortReport {
    /// The port.
    pub port: PortId,
    /// What is asked of it.
    pub cap: Offload,
    /// What it does at best.
    pub tier: Tier,
    /// Why that is not more, if it is less than what is asked.
    pub reason: Option<String>,
    /// It was told to do no more than that until the process ends, because.
    pub demoted: Option<(Tier, String)>,
    /// Whether its NIC recovers from an error and is left alone meanwhile.
    pub suspended: bool,
    /// How often it started, was reset or recovered.
    pub generation: u64,
    /// How wide its marks are, and how many are given out; `None`: there are none.
    pub marks: Option<(Width, usize)>,
    /// Its NICs: one, or the members of a bond. None while it is stopped.
    pub members: Vec<MemberReport>,
}

/// Of one NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberReport {
    /// The device, if it is a member of a bond.
    pub device: Option<String>,
    /// Name of its driver.
    pub driver: String,
    /// Why it is not there any more, if so.
    pub gone: Option<String>,
    /// UDP ports that the host needs, in order: `None` if the parser knows it, else why not.
    pub udp_ports: Vec<(u16, Option<String>)>,
    /// What shapes of rules it takes, in words, or why none.
    pub shapes: Vec<(Ask, Result<String, String>)>,
    /// Why it takes no more rules, if it is full.
    pub full: Option<String>,
    /// Targets, in order.
    pub tunnels: Vec<TunnelReport>,
}

/// Of one target on one NIC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelReport {
    /// The target.
    pub target: Target,
    /// What is asked for it.
    pub wanted: Tier,
    /// What is done.
    pub actual: Tier,
    /// Its rule.
    pub rule: Option<Rule>,
    /// Its mark, if a rule writes it.
    pub mark: Option<Mark>,
    /// Packets that the rule matched, if it counts and was asked already.
    pub hits: Option<u64>,
    /// Why no more is done, if it is less than what is asked.
    pub reason: Option<String>,
}

impl<N: Nic> Port<N> {
    /// What it does, for people.
    pub(super) fn report(&self, id: PortId, wish: Wish<'_>) -> PortReport {
        let given = self.marks.given().count();
        let members = self.members.iter().map(|it| self.member(it, wish));
        PortReport {
            port: id,
            cap: self.cap,
            tier: self.tier.0,
            reason: self.tier.1.clone(),
            demoted: self.demoted.clone(),
            suspended: self.suspended,
            generation: self.generation,
            marks: (given > 0).then(|| (self.marks.width(), given)),
            members: members.collect(),
        }
    }

    /// What it does for each target on all of its NICs that are there, and why not more.
    pub(super) fn tunnels(&self, wish: Wish<'_>) -> Vec<(Target, Tier, Option<String>)> {
        let mut least = BTreeMap::new();
        for member in &self.members {
            if let Some(actual) = &member.actual {
                for line in self.lines(actual, wish) {
                    let entry = least.entry(line.target).or_insert((Tier::Decap, None));
                    if line.actual < entry.0 || (line.actual == entry.0 && entry.1.is_none()) {
                        *entry = (line.actual, line.reason);
                    }
                }
            }
        }
        let all = least.into_iter();
        all.map(|(target, (tier, reason))| (target, tier, reason))
            .collect()
    }

    fn member(&self, member: &Member<N>, wish: Wish<'_>) -> MemberReport {
        let mut report = MemberReport {
            device: member.facts.device.clone(),
            driver: member.facts.driver.clone(),
            gone: member.gone.clone(),
            udp_ports: Vec::new(),
            shapes: Vec::new(),
            full: None,
            tunnels: Vec::new(),
        };
        let Some(actual) = &member.actual else {
            return report;
        };
        let reason = |port| {
            let reason = actual.parser.reason(member.driver, port);
            reason.map(std::borrow::Cow::into_owned)
        };
        let ports = wish.needed.ports().map(|port| (port, reason(port)));
        report.udp_ports.extend(ports);
        let kept = actual.parser.all().filter(|(port, told)| {
            !wish.needed.contains(*port) && !matches!(told, Told::Refused { .. } | Told::Denied)
        });
        report.udp_ports.extend(kept.map(|(port, _)| (port, None)));
        report.udp_ports.sort_unstable();
        report.shapes = actual.shapes();
        report.full = actual.full.as_ref().map(|(_, reason)| reason.clone());
        report.tunnels = self.lines(actual, wish);
        report
    }

    fn lines(&self, actual: &Actual<N::Handle>, wish: Wish<'_>) -> Vec<TunnelReport> {
        let wanted = self.wanted(wish, true);
        let fates = fates(&wanted, actual);
        let line = |(target, fate): (&Target, &Fate<'_>)| {
            let most = match target.remote {
                None => Tier::Rule,
                Some(_) => Tier::Decap,
            };
            let installed = actual.rules.get(target);
            let asked = wanted.limit.min(most);
            // Without a rule of its own a remote's packets are treated as anybody's.
            let does = actual.tier(target).max(actual.tier(&target.anyone()));
            let does = does.min(wanted.limit);
            TunnelReport {
                target: *target,
                wanted: asked,
                actual: does,
                rule: installed.map(|it| it.rule),
                mark: installed.map(|it| it.rule.mark),
                hits: installed.and_then(|it| it.hits),
                reason: (does < asked).then(|| actual.why(target, fate)),
            }
        };
        let asked = |target: &Target| target.remote.is_none() || wanted.limit == Tier::Decap;
        let fates = fates.iter().filter(|(target, _)| asked(target));
        fates.map(line).collect()
    }
}

impl<H> Actual<H> {
    /// Why it does not do more for a target.
    fn why(&self, target: &Target, fate: &Fate<'_>) -> String {
        if self.flush.is_some() {
            return "all rules of the NIC are to be flushed first".to_owned();
        }
        match fate {
            Fate::Not(reason) => reason.clone().into_owned(),
            Fate::Unasked => "the NIC was not asked yet".to_owned(),
            Fate::Limited => {
                let port = target.end_point.udp_port;
                let reason = self.parser.reason(self.driver, port);
                reason.map_or_else(String::new, std::borrow::Cow::into_owned)
            }
            Fate::Rule(_) => match (self.refused.get(target), &self.full) {
                (Some(refused), _) => refused.reason.clone(),
                (None, Some((_, reason))) => reason.clone(),
                (None, None) => "its rule was not asked for yet".to_owned(),
            },
        }
    }

    fn shapes(&self) -> Vec<(Ask, Result<String, String>)> {
        use super::actual::Answer;
        let words = |answer: &Answer| match answer {
            Answer::Given(Ok(shape)) => Ok(shape.to_string()),
            Answer::Given(Err(reason)) | Answer::Later(_, reason) => Err(reason.clone()),
        };
        let all = self.answers.iter();
        all.map(|(ask, answer)| (*ask, words(answer))).collect()
    }
}
