//! What is to be done for a target, or why nothing is.

use super::actual::{Actual, Answer};
use super::driver::{Bare, IANA, Rules};
use super::ports::Needed;
use super::probe::{Ask, Shape};
use super::target::{Target, Targets};
use super::tier::Tier;
use fastpath::offload::Pattern;
use fastpath::wire::{VlanId, Vni};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of the port.
    pub targets: &'a Targets,
    /// UDP ports of the host.
    pub needed: &'a Needed,
    /// The most that the port is to do.
    pub limit: Tier,
    /// Whether rules may be created: all members of the port were asked what marks they deliver.
    pub settled: bool,
}

/// What is to be done for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// A rule of this shape.
    Rule(Shape),
    /// The NIC has to be asked first.
    Unasked,
    /// No more is asked for.
    Limited,
    /// Nothing, because.
    Not(Cow<'a, str>),
}

impl<'a> Fate<'a> {
    const fn because(reason: &'a str) -> Self {
        Fate::Not(Cow::Borrowed(reason))
    }
}

/// What is to be done for each target that is wanted.
pub fn fates<'a, H>(wanted: &Wanted<'_>, actual: &'a Actual<H>) -> BTreeMap<Target, Fate<'a>> {
    let mut fates = BTreeMap::new();
    let mut bare = BTreeSet::new();
    let mut targets = wanted.targets.iter().copied().peekable();
    while let Some(target) = targets.next() {
        let mut remotes = Vec::new();
        while let Some(remote) = targets.next_if(|next| next.anyone() == target) {
            remotes.push(remote);
        }
        let strip = remotes
            .first()
            .map(|first| fate(wanted, actual, first, &mut bare));
        let stripped = matches!(strip, Some(Fate::Rule(_)));
        for remote in remotes {
            let strip = strip.clone().unwrap_or(Fate::Limited);
            fates.insert(remote, strip);
        }
        let own = if stripped {
            Fate::because("its remotes have rules of their own")
        } else {
            fate(wanted, actual, &target, &mut bare)
        };
        fates.insert(target, own);
    }
    fates
}

fn fate<'a, H>(
    wanted: &Wanted<'_>,
    actual: &'a Actual<H>,
    target: &Target,
    bare: &mut BTreeSet<(Option<VlanId>, Vni)>,
) -> Fate<'a> {
    let driver = actual.driver;
    let port = target.end_point.udp_port;
    let least = match target.remote {
        None => Tier::Rule,
        Some(_) => Tier::Decap,
    };
    if wanted.limit < least {
        return Fate::Limited;
    }
    if target.remote.is_some() && !driver.strips {
        return Fate::because("the driver cannot take outer headers off");
    }
    match driver.rules {
        Rules::Never(reason) => return Fate::because(reason),
        Rules::Parser => {
            if let Some(reason) = actual.parser.reason(driver, port) {
                return Fate::Not(reason);
            }
        }
        Rules::Alone => {}
    }
    let shape = match actual.answers.get(&Ask::about(target)) {
        None => return Fate::Unasked,
        Some(Answer::Later(_, reason) | Answer::Given(Err(reason))) => {
            return Fate::because(reason);
        }
        Some(Answer::Given(Ok(shape))) => shape,
    };
    if shape.pattern == Pattern::VniOnly {
        let known = actual.parser.count(driver);
        if driver.bare == Bare::Known && known > 1 {
            return Fate::because("its rules name no UDP port, and the parser knows several");
        }
        if driver.bare == Bare::Iana && port != IANA {
            return Fate::because("its rules name no UDP port, and mean 4789");
        }
        if !bare.insert((target.vlan, target.end_point.vni)) {
            return Fate::because("its rules name no address, and another tunnel has the VNI");
        }
    }
    Fate::Rule(*shape)
}

#[cfg(test)]
mod tests;
