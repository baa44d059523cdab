//! From what is wanted of a NIC and what it does to the calls that come next.
//!
//! Nothing here calls anybody. [`fates`] says what is to be done for each target; [`next`] says
//! which calls lead there. It gives calls of one kind at a time, since
//! what comes after depends on their outcome:
//!
//! ```text
//!   flush -> destroy rules -> forget UDP ports -> tell UDP ports -> probe -> create rules
//! ```
//!
//! A UDP port is forgotten only when no rule names it any more, and told before any rule is asked
//! about. What failed waits for its time and holds up only what depends on it.

use super::actual::{Actual, Again, Answer};
use super::fate::{Fate, Wanted, fates};
use super::ports::Told;
use super::probe::{self, Ask, Shape};
use super::retry::Retry;
use super::target::Target;
use super::tier::Tier;
use std::collections::{BTreeMap, BTreeSet};

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Flush all rules.
    Flush,
    /// Take a rule of a probe away, the first that is due.
    DestroyLeft,
    /// Take a rule away.
    Destroy(Target),
    /// Have the parser forget a UDP port.
    Forget(u16),
    /// Tell the parser a UDP port.
    Tell(u16),
    /// Ask for a shape of rules, for a target as an example.
    Probe(Target),
    /// Install a rule.
    Create(Target, Shape),
}

/// What comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// Calls, in order.
    pub ops: Vec<Op>,
    /// When something that failed is due again, if that is before anything else happens.
    pub wake: Option<u64>,
    /// There is a call for which there was not room enough.
    pub more: bool,
}

impl Next {
    /// Whether it is time; else it is remembered when.
    fn due(&mut self, retry: Option<Retry>, now: u64) -> bool {
        let Some(retry) = retry.filter(|retry| !retry.is_due(now)) else {
            return true;
        };
        self.wake = Some(self.wake.map_or(retry.due(), |wake| wake.min(retry.due())));
        false
    }

    /// Adds calls as far as there is room. Whether there are any.
    fn add(&mut self, room: usize, each: usize, ops: impl IntoIterator<Item = Op>) -> bool {
        let most = room / each;
        let mut ops = ops.into_iter();
        self.ops.extend(ops.by_ref().take(most));
        self.more |= ops.next().is_some();
        !self.ops.is_empty() || self.more
    }
}

/// Calls that come next, for at most `room` calls to the NIC.
pub fn next<H>(wanted: &Wanted<'_>, actual: &Actual<H>, now: u64, room: usize) -> Next {
    let mut next = Next::default();
    let fates = fates(wanted, actual);
    let ops = if actual.flush.is_some() {
        let due = next.due(actual.flush, now);
        due.then_some(Op::Flush).into_iter().collect()
    } else {
        away(&fates, actual, now, &mut next)
    };
    if next.add(room, 1, ops) {
        return next;
    }
    let (forget, tell) = ports(wanted, actual, now, &mut next);
    if next.add(room, 1, forget) || next.add(room, 1, tell) || actual.flush.is_some() {
        return next;
    }
    let asks = asks(&fates, actual, now, &mut next);
    if next.add(room, probe::CALLS, asks) {
        return next;
    }
    let ops = create(wanted, &fates, actual, now, &mut next);
    next.add(room, 1, ops);
    next
}

/// Rules that are to go.
fn away<H>(
    fates: &BTreeMap<Target, Fate<'_>>,
    actual: &Actual<H>,
    now: u64,
    next: &mut Next,
) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut left = false;
    for (_, retry) in &actual.left {
        left |= next.due(Some(*retry), now);
    }
    if left {
        ops.push(Op::DestroyLeft);
    }
    for (target, installed) in &actual.rules {
        let stays = matches!(fates.get(target), Some(Fate::Rule(_) | Fate::Unasked));
        if !stays && next.due(installed.leaving, now) {
            ops.push(Op::Destroy(*target));
        }
    }
    ops
}

/// UDP ports that are to be forgotten, and those that are to be told.
fn ports<H>(
    wanted: &Wanted<'_>,
    actual: &Actual<H>,
    now: u64,
    next: &mut Next,
) -> (Vec<Op>, Vec<Op>) {
    let driver = actual.driver;
    if driver.told_before() {
        return (Vec::new(), Vec::new());
    }
    let own: BTreeSet<_> = wanted
        .targets
        .iter()
        .map(|target| target.end_point.udp_port)
        .collect();
    let ports = if wanted.limit < Tier::Parser {
        BTreeSet::new()
    } else {
        actual.parser.wanted(driver, wanted.needed, &own)
    };
    let named = |port| {
        let mut rules = actual.rules.keys();
        rules.any(|target| target.end_point.udp_port == port)
    };
    let mut forget = Vec::new();
    for (port, told) in actual.parser.all() {
        let due = match told {
            Told::Known { leaving } => {
                !ports.contains(&port) && !named(port) && next.due(*leaving, now)
            }
            Told::Doubtful(retry) => next.due(*retry, now),
            Told::Kept | Told::Denied | Told::Refused { .. } => false,
        };
        if due {
            forget.push(Op::Forget(port));
        }
    }
    let mut room = driver.room().saturating_sub(actual.parser.taken().count());
    let taken: BTreeSet<_> = actual.parser.taken().collect();
    let mut tell = Vec::new();
    for port in ports.difference(&taken) {
        let again = actual.parser.all().find_map(|(at, told)| match told {
            Told::Refused { again, .. } if at == *port => *again,
            _ => None,
        });
        if room > 0 && next.due(again, now) {
            room -= 1;
            tell.push(Op::Tell(*port));
        }
    }
    (forget, tell)
}

/// What the NIC is to be asked.
fn asks<H>(
    fates: &BTreeMap<Target, Fate<'_>>,
    actual: &Actual<H>,
    now: u64,
    next: &mut Next,
) -> Vec<Op> {
    let mut seen = BTreeSet::new();
    let mut ops = Vec::new();
    for (target, fate) in fates {
        let ask = Ask::about(target);
        let due = match (fate, actual.answers.get(&ask)) {
            (Fate::Unasked, _) => true,
            (Fate::Not(_), Some(Answer::Later(retry, _))) => next.due(Some(*retry), now),
            _ => false,
        };
        if due && seen.insert(ask) {
            ops.push(Op::Probe(*target));
        }
    }
    ops
}

/// Rules that are to come.
fn create<H>(
    wanted: &Wanted<'_>,
    fates: &BTreeMap<Target, Fate<'_>>,
    actual: &Actual<H>,
    now: u64,
    next: &mut Next,
) -> Vec<Op> {
    if !wanted.settled {
        return Vec::new();
    }
    let mut ops = Vec::new();
    let full = actual.full.as_ref().map(|(retry, _)| *retry);
    for (target, fate) in fates {
        let Fate::Rule(shape) = fate else { continue };
        if actual.rules.contains_key(target) {
            continue;
        }
        let again = match actual.refused.get(target).map(|refused| refused.again) {
            Some(Again::Never | Again::Published) => continue,
            Some(Again::At(retry)) => Some(retry),
            None => None,
        };
        if next.due(again, now) && next.due(full, now) {
            ops.push(Op::Create(*target, *shape));
        }
    }
    ops
}

#[cfg(test)]
mod tests;
