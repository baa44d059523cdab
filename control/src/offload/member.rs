//! One NIC under the agent: makes the calls that the plan names, and keeps what came of them.

use super::actual::{Actual, Again, Answer, Installed, Refused};
use super::driver::Driver;
use super::marks::Marks;
use super::nic::{Meaning, Nic, NicError, NicFacts};
use super::plan::Op;
use super::ports::Parser;
use super::probe::{self, Probe, Shape};
use super::retry::Retry;
use super::target::{Target, Targets};
use fastpath::offload::Width;
use nix::errno::Errno;
use std::collections::BTreeSet;

/// Most calls of [`Member::ask_hits`].
pub(super) const ASK_HITS: usize = 2;

/// One NIC. While it is gone it is kept, and not called.
pub(super) struct Member<N: Nic> {
    nic: N,
    pub(super) facts: NicFacts,
    pub(super) driver: &'static Driver,
    /// What it does; `None`: it is gone.
    pub(super) actual: Option<Actual<N::Handle>>,
    /// Why it is gone.
    pub(super) gone: Option<String>,
    /// What it may take outer headers off of though it is gone: nobody has seen these rules go.
    stranded: BTreeSet<Target>,
}

/// What a call needs to know of the port.
pub(super) struct Context<'a> {
    /// Milliseconds.
    pub(super) now: u64,
    /// Marks of the port.
    pub(super) marks: &'a mut Marks,
    /// Widths of marks that a probe may ask for.
    pub(super) widths: &'a [Width],
    /// What is wanted of the port.
    pub(super) wanted: &'a Targets,
    /// Targets whose marks the workers know.
    pub(super) published: &'a BTreeSet<Target>,
}

impl<N: Nic> Member<N> {
    /// A NIC that has started. `parser` is what it was told.
    pub(super) fn new(nic: N, parser: Parser) -> Self {
        let facts = nic.facts();
        let driver = Driver::of(&facts.driver);
        let mut actual = Actual::new(driver, parser);
        if facts.keeps_rules {
            // Those from before it was stopped, whose handles nobody has.
            actual.flush = Some(Retry::at_once());
        }
        Member {
            nic,
            facts,
            driver,
            actual: Some(actual),
            gone: None,
            stranded: BTreeSet::new(),
        }
    }

    /// Makes a call. Returns how many it counts for, at most.
    pub(super) fn perform(&mut self, op: Op, context: &mut Context<'_>) -> usize {
        let now = context.now;
        match op {
            Op::Flush => self.flush(now),
            Op::DestroyLeft => self.destroy_left(now),
            Op::Destroy(target) => self.destroy(&target, now),
            Op::Tell(port) => self.tell(port, now),
            Op::Forget(port) => self.forget(port, now),
            Op::Probe(target) => {
                self.probe(target, context);
                return probe::CALLS;
            }
            Op::Create(target, shape) => return self.create(target, shape, context),
        }
        1
    }

    /// It is not called any more. What it does meanwhile nobody knows: packets may come without outer
    /// headers as before, until the port stops.
    fn lose(&mut self, error: &NicError) {
        let rules = self.actual.take().map(|actual| actual.rules);
        let targets = rules.unwrap_or_default().into_keys();
        self.stranded.extend(targets.filter(Target::is_stripped));
        self.gone = Some(error.to_string());
    }

    /// The same, while it was asked for the rule of `target`, or to take it away.
    fn lose_at(&mut self, target: Target, error: &NicError) {
        self.stranded
            .extend(Some(target).filter(Target::is_stripped));
        self.lose(error);
    }

    /// Whether it may take outer headers off of packets for a target, though it is gone.
    pub(super) fn is_stranded(&self, target: &Target) -> bool {
        self.stranded.contains(target)
    }

    /// Whether there is any such target.
    pub(super) fn has_stranded(&self) -> bool {
        !self.stranded.is_empty()
    }

    fn flush(&mut self, now: u64) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        let answer = self.nic.flush();
        // It never had any.
        let none = |error: &NicError| error.errno == Errno::ENOSYS;
        match answer {
            answer if answer.as_ref().err().is_none_or(none) => {
                actual.flush = None;
                actual.full = None;
                actual.rules.clear();
                actual.left.clear();
            }
            Err(error) if error.is_gone() => self.lose(&error),
            _ => actual.flush = Some(Retry::after(actual.flush, now)),
        }
    }

    fn destroy_left(&mut self, now: u64) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        let due = |(_, retry): &(_, Retry)| retry.is_due(now);
        let Some(at) = actual.left.iter().position(due) else {
            return;
        };
        let (handle, retry) = actual.left.swap_remove(at);
        let Err((handle, error)) = self.nic.destroy(handle) else {
            return;
        };
        match error.meaning() {
            Meaning::Gone => return self.lose(&error),
            Meaning::Never => actual.flush = Some(Retry::at_once()),
            Meaning::Full | Meaning::Later => {}
        }
        actual.left.push((handle, Retry::after(Some(retry), now)));
    }

    /// A rule that the driver will never give back is flushed with all others, which come again.
    fn destroy(&mut self, target: &Target, now: u64) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        let Some(installed) = actual.rules.remove(target) else {
            return;
        };
        let Installed {
            handle,
            rule,
            hits,
            leaving,
        } = installed;
        let Err((handle, error)) = self.nic.destroy(handle) else {
            actual.full = None;
            return;
        };
        match error.meaning() {
            Meaning::Gone => return self.lose_at(*target, &error),
            Meaning::Never => actual.flush = Some(Retry::at_once()),
            Meaning::Full | Meaning::Later => {}
        }
        let leaving = Some(Retry::after(leaving, now));
        let installed = Installed {
            handle,
            rule,
            hits,
            leaving,
        };
        actual.rules.insert(*target, installed);
    }

    fn tell(&mut self, port: u16, now: u64) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        let answer = self.nic.add_udp_port(port);
        let error = answer.clone().err();
        let here = actual.parser.added(self.driver, port, answer, now);
        if let Some(error) = error.filter(|_| !here) {
            self.lose(&error);
        }
    }

    fn forget(&mut self, port: u16, now: u64) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        let answer = self.nic.del_udp_port(port);
        let error = answer.clone().err();
        let here = actual.parser.removed(port, answer, now);
        if let Some(error) = error.filter(|_| !here) {
            self.lose(&error);
        }
    }

    fn probe(&mut self, target: Target, context: &Context<'_>) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        let ask = probe::Ask::about(&target);
        let mut probe = Probe {
            nic: &mut self.nic,
            facts: &self.facts,
            driver: self.driver,
            target,
            nobodys: probe::nobodys(context.wanted),
            widths: context.widths,
            left: Vec::new(),
        };
        let answer = probe.run();
        let left = std::mem::take(&mut probe.left);
        let retry = Retry::after(None, context.now);
        let left = left.into_iter().map(|handle| (handle, retry));
        actual.left.extend(left);
        let answer = match answer {
            Ok(ability) => Answer::Given(ability),
            Err(error) if error.is_gone() => return self.lose(&error),
            Err(error) => {
                let before = match actual.answers.get(&ask) {
                    Some(Answer::Later(before, _)) => Some(*before),
                    _ => None,
                };
                Answer::Later(Retry::after(before, context.now), error.to_string())
            }
        };
        actual.answers.insert(ask, answer);
    }

    /// Returns the number of calls: none, if there is no mark, or the workers do not know it yet, or
    /// there was no room for the one before.
    fn create(&mut self, target: Target, shape: Shape, context: &mut Context<'_>) -> usize {
        let now = context.now;
        let Some(actual) = &mut self.actual else {
            return 0;
        };
        let full = actual.full.as_ref();
        if full.is_some_and(|(retry, _)| !retry.is_due(now)) {
            return 0;
        }
        let before = match actual.refused.get(&target).map(|refused| refused.again) {
            Some(Again::At(before)) => Some(before),
            _ => None,
        };
        let (reason, again, calls) = 'refused: {
            let Some(mark) = context.marks.give(target, now) else {
                let most = context.marks.width().slots() - 1;
                let reason = format!("none of the {most} marks of the port is free");
                break 'refused (reason, Again::At(Retry::after(before, now)), 0);
            };
            if target.remote.is_some() && !context.published.contains(&target) {
                let reason = "the workers do not know its mark yet".to_owned();
                break 'refused (reason, Again::Published, 0);
            }
            let rule = shape.rule(&target, self.facts.rx_queues, mark);
            let error = match self.nic.create(&rule) {
                Ok(handle) => {
                    let installed = Installed {
                        handle,
                        rule,
                        hits: None,
                        leaving: None,
                    };
                    actual.full = None;
                    actual.refused.remove(&target);
                    actual.rules.insert(target, installed);
                    return 1;
                }
                Err(error) => error,
            };
            let again = match error.meaning() {
                Meaning::Gone => {
                    self.lose_at(target, &error);
                    return 1;
                }
                Meaning::Never => Again::Never,
                Meaning::Later => Again::At(Retry::after(before, now)),
                Meaning::Full => {
                    let before = actual.full.take().map(|(before, _)| before);
                    actual.full = Some((Retry::after(before, now), error.to_string()));
                    return 1;
                }
            };
            (error.to_string(), again, 1)
        };
        actual.refused.insert(target, Refused { reason, again });
        calls
    }

    /// Asks how many packets the rule of a target has matched. Returns the number of calls, at most
    /// [`ASK_HITS`]. That it cannot say so does not mean that the NIC is gone: it is asked something else.
    pub(super) fn ask_hits(&mut self, target: &Target) -> usize {
        let Some(actual) = &mut self.actual else {
            return 0;
        };
        let Some(installed) = actual.rules.get_mut(target) else {
            return 0;
        };
        if actual.flush.is_some() || !installed.rule.count {
            return 0;
        }
        match self.nic.hits(&installed.handle) {
            Ok(hits) => installed.hits = Some(hits),
            Err(error) if error.is_gone() => {
                let answer = self.nic.validate(&installed.rule);
                if let Some(error) = answer.err().filter(NicError::is_gone) {
                    self.lose(&error);
                }
                return ASK_HITS;
            }
            Err(_) => {}
        }
        1
    }

    /// Makes the NIC ready to be stopped: takes rules away, then UDP ports, and forgets all handles.
    /// Returns the NIC, and the UDP ports that it may know still.
    pub(super) fn leave(mut self, silently: bool) -> (N, BTreeSet<u16>) {
        let Some(actual) = self.actual.take() else {
            return (self.nic, BTreeSet::new());
        };
        // One that was refused may be there for that very reason.
        let mut still: BTreeSet<_> = actual.parser.all().map(|(port, _)| port).collect();
        if self.driver.told_before() {
            still.clear();
        }
        if silently {
            return (self.nic, still);
        }
        let rules = !actual.rules.is_empty() || !actual.left.is_empty() || actual.flush.is_some();
        // Another failure does not matter: the port stops, and rules with it.
        let mut here = !rules || self.nic.flush().err().is_none_or(|it| !it.is_gone());
        let taken: BTreeSet<_> = actual.parser.taken().collect();
        still.retain(|port| {
            if !taken.contains(port) {
                return true;
            }
            let answer = here.then(|| self.nic.del_udp_port(*port));
            here &= !matches!(&answer, Some(Err(error)) if error.is_gone());
            answer != Some(Ok(()))
        });
        (self.nic, still)
    }

    /// The NIC was reset: it has nothing of what it had, and there is nobody to be told so.
    pub(super) fn reset(&mut self) {
        let parser = if self.driver.told_before() {
            self.actual.take().map(|actual| actual.parser)
        } else {
            None
        };
        self.actual = Some(Actual::new(self.driver, parser.unwrap_or_default()));
        self.gone = None;
        self.stranded.clear();
    }

    /// The NIC recovered from an error, and nobody knows what it still has.
    pub(super) fn recovered(&mut self) {
        let Some(actual) = &mut self.actual else {
            return;
        };
        if !actual.rules.is_empty() || !actual.left.is_empty() {
            actual.flush = Some(Retry::at_once());
        }
        if !self.driver.told_before() {
            actual.parser.doubt();
        }
    }
}
