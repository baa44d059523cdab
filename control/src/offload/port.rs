//! One port under the agent: its NICs, which are several if it is a bond, and the marks they share.

use super::actual::{Again, Answer};
use super::agent::Change;
use super::fate::{Fate, Wanted, fates};
use super::marks::{Marks, QUARANTINE};
use super::member::{ASK_HITS, Context, Member};
use super::nic::Nic;
use super::plan::{self, Op};
use super::ports::Needed;
use super::retry::Retry;
use super::target::{Target, Targets};
use super::tier::{Offload, Tier};
use arrayvec::ArrayVec;
use fastpath::ids::PortId;
use fastpath::offload::{Mark, Pattern, Width};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How often rules are asked what they matched, in milliseconds.
pub(super) const HITS_EVERY: u64 = 1_000;

/// One port. It stays known while it is stopped, so that its marks rest.
pub(super) struct Port<N: Nic> {
    pub(super) members: Vec<Member<N>>,
    /// UDP ports that each member may know from the time before it was stopped.
    pub(super) still: Vec<BTreeSet<u16>>,
    pub(super) cap: Offload,
    /// Until the process ends it does no more than that, because.
    pub(super) demoted: Option<(Tier, String)>,
    /// Its NIC recovers from an error, and is not called.
    pub(super) suspended: bool,
    /// How often it started, was reset or recovered.
    pub(super) generation: u64,
    pub(super) marks: Marks,
    /// Marks that state was told.
    pub(super) announced: BTreeMap<Target, Mark>,
    /// Targets whose marks all workers know.
    published: BTreeSet<Target>,
    /// Workers may have its queues.
    pub(super) served: bool,
    /// Marks of packets without outer headers, which stay known until none is on its way.
    fading: VecDeque<(u64, Width, Mark)>,
    /// What it was last said to do.
    pub(super) tier: (Tier, Option<String>),
    /// When there is something to do, in milliseconds.
    pub(super) due: u64,
    next_hits: u64,
    hits_from: Option<(usize, Target)>,
}

/// What the host wants.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Of the port.
    pub(super) targets: &'a Targets,
    /// Of all ports together.
    pub(super) needed: &'a Needed,
}

impl<N: Nic> Default for Port<N> {
    fn default() -> Self {
        Port {
            members: Vec::new(),
            still: Vec::new(),
            cap: Offload::Off,
            demoted: None,
            suspended: false,
            generation: 0,
            marks: Marks::new(Width::Bits24, 0),
            announced: BTreeMap::new(),
            published: BTreeSet::new(),
            served: false,
            fading: VecDeque::new(),
            tier: (Tier::Software, None),
            due: u64::MAX,
            next_hits: 0,
            hits_from: None,
        }
    }
}

impl<N: Nic> Port<N> {
    /// The most that it is to do.
    pub(super) fn limit(&self) -> Tier {
        let demoted = self.demoted.as_ref().map(|(tier, _)| *tier);
        demoted.map_or(self.cap.cap(), |tier| tier.min(self.cap.cap()))
    }

    pub(super) fn wanted<'a>(&self, wish: Wish<'a>, settled: bool) -> Wanted<'a> {
        Wanted {
            targets: wish.targets,
            needed: wish.needed,
            limit: self.limit(),
            settled,
        }
    }

    /// Makes at most `room` calls towards what is wanted. Returns how many it made.
    pub(super) fn turn(&mut self, wish: Wish<'_>, now: u64, room: usize) -> usize {
        let mut calls = 0;
        self.due = u64::MAX;
        if self.suspended {
            return 0;
        }
        loop {
            let (mut acted, mut wake) = (false, u64::MAX);
            let narrow = self.is_too_wide();
            let mut more = narrow && self.clear();
            let settled = !narrow && self.is_settled(wish);
            for member in 0..self.members.len() {
                let wanted = self.wanted(wish, settled);
                let Some(actual) = self
                    .members
                    .get_mut(member)
                    .and_then(|it| it.actual.as_mut())
                else {
                    continue;
                };
                actual.prune(&wanted);
                let next = plan::next(&wanted, actual, now, room.saturating_sub(calls));
                more |= next.more;
                wake = wake.min(next.wake.unwrap_or(u64::MAX));
                for op in next.ops {
                    calls += self.perform(member, op, wish, now);
                    acted = true;
                }
            }
            if !acted || calls >= room {
                let at_once = more || acted;
                self.due = if at_once { now } else { wake };
                return calls;
            }
        }
    }

    /// Whether every NIC was asked all there is to ask: the narrowest marks count for all.
    fn is_settled(&self, wish: Wish<'_>) -> bool {
        let wanted = self.wanted(wish, true);
        let mut actual = self.members.iter().filter_map(|it| it.actual.as_ref());
        actual.all(|actual| {
            let fates = fates(&wanted, actual);
            fates.values().all(|fate| *fate != Fate::Unasked)
        })
    }

    fn perform(&mut self, member: usize, op: Op, wish: Wish<'_>, now: u64) -> usize {
        if matches!(op, Op::Create(..)) {
            self.choose_width(now);
        }
        let all = || Width::ALL.into_iter();
        let widths: ArrayVec<_, { Width::ALL.len() }> = match self.marks.given().next() {
            Some(_) => all().filter(|width| *width <= self.marks.width()).collect(),
            None => all().collect(),
        };
        let mut context = Context {
            now,
            marks: &mut self.marks,
            widths: &widths,
            wanted: wish.targets,
            published: &self.published,
        };
        let Some(member) = self.members.get_mut(member) else {
            return 0;
        };
        member.perform(op, &mut context)
    }

    /// The width that all NICs deliver, as far as they were asked.
    fn narrowest(&self) -> Option<Width> {
        let actual = self.members.iter().filter_map(|it| it.actual.as_ref());
        let answers = actual.flat_map(|actual| actual.answers.values());
        let widths = answers.filter_map(|answer| match answer {
            Answer::Given(Ok(shape)) => Some(shape.width),
            _ => None,
        });
        widths.min()
    }

    /// Whether marks are given out that a member of a bond does not deliver, which could not be asked
    /// before they were.
    fn is_too_wide(&self) -> bool {
        let given = self.marks.given().next().is_some();
        given
            && self
                .narrowest()
                .is_some_and(|width| width < self.marks.width())
    }

    /// Has all rules go, so that all marks do. Whether they have.
    fn clear(&mut self) -> bool {
        // Those of a NIC that is gone stay until the port stops.
        let mut none = !self.members.iter().any(Member::has_stranded);
        for actual in self.members.iter_mut().filter_map(|it| it.actual.as_mut()) {
            let waits = |again| again == Again::Published;
            actual.refused.retain(|_, refused| !waits(refused.again));
            if !actual.rules.is_empty() {
                none = false;
                actual.flush.get_or_insert(Retry::at_once());
            }
        }
        none
    }

    /// While no mark is given out, the width is the narrowest.
    fn choose_width(&mut self, now: u64) {
        let Some(width) = self.narrowest() else {
            return;
        };
        let rested = self.marks.all_rested();
        let same = width == self.marks.width();
        let waits = width > self.marks.width() && now < rested;
        if same || waits || self.marks.given().next().is_some() {
            return;
        }
        self.marks = Marks::new(width, rested);
    }

    /// Takes marks back that no rule writes any more, and says what changed.
    pub(super) fn settle(&mut self, id: PortId, wish: Wish<'_>, now: u64, out: &mut Vec<Change>) {
        let unused: Vec<_> = self
            .marks
            .given()
            .map(|(target, _)| *target)
            .filter(|target| !self.uses(target))
            .collect();
        let width = self.marks.width();
        for target in unused {
            let mark = self.marks.take_back(&target, now);
            self.published.remove(&target);
            if self.announced.remove(&target).is_none() {
                continue;
            }
            let Some(mark) = mark else { continue };
            if target.is_stripped() && self.served {
                // Of a port that was lost nobody saw the rules go.
                let lost = self.members.is_empty();
                let at = if lost { u64::MAX } else { now + QUARANTINE };
                self.fading.push_back((at, width, mark));
            } else {
                let port = id;
                out.push(Change::Unmarked { port, width, mark });
            }
        }
        for (target, mark) in self.marks.given() {
            if self.announced.insert(*target, mark).is_none() {
                out.push(Change::Marked {
                    port: id,
                    width,
                    mark,
                    target: *target,
                    by_vni: self.is_by_vni(target),
                });
            }
        }
        let tier = self.reached(wish);
        if tier != self.tier {
            self.tier = tier;
            let (tier, reason) = self.tier.clone();
            let port = id;
            out.push(Change::Tier { port, tier, reason });
        }
    }

    /// Whether the rule of `target` names its VNI alone.
    fn is_by_vni(&self, target: &Target) -> bool {
        let mut actual = self.members.iter().filter_map(|it| it.actual.as_ref());
        actual.any(|actual| {
            let installed = actual.rules.get(target);
            installed.is_some_and(|it| it.rule.pattern == Pattern::VniOnly)
        })
    }

    /// Whether a rule writes the mark of `target`, or may still, or will when the workers know it.
    fn uses(&self, target: &Target) -> bool {
        if self.members.iter().any(|it| it.is_stranded(target)) {
            return true;
        }
        let mut actual = self.members.iter().filter_map(|it| it.actual.as_ref());
        actual.any(|actual| {
            let refused = actual.refused.get(target);
            let waits = refused.is_some_and(|refused| refused.again == Again::Published);
            actual.rules.contains_key(target) || waits
        })
    }

    /// Withdraws marks of packets without outer headers, none of which is on its way any more.
    pub(super) fn fade(&mut self, id: PortId, now: u64, out: &mut Vec<Change>) {
        while let Some((at, width, mark)) = self.fading.front().copied() {
            if at > now && self.served {
                break;
            }
            self.fading.pop_front();
            let port = id;
            out.push(Change::Unmarked { port, width, mark });
        }
    }

    /// All workers know a mark by now.
    pub(super) fn published(&mut self, mark: Mark) {
        let mut announced = self.announced.iter();
        let Some((target, _)) = announced.find(|(_, known)| **known == mark) else {
            return;
        };
        let target = *target;
        self.published.insert(target);
        for actual in self.members.iter_mut().filter_map(|it| it.actual.as_mut()) {
            let waits = |it: &mut super::actual::Refused| it.again == Again::Published;
            if actual.refused.get_mut(&target).is_some_and(waits) {
                actual.refused.remove(&target);
                self.due = 0;
            }
        }
    }

    /// Asks rules what they matched, if it is time, by at most `room` calls. Returns how many.
    pub(super) fn ask_hits(&mut self, now: u64, room: usize) -> usize {
        if self.suspended || now < self.next_hits {
            return 0;
        }
        let from = self.hits_from.take();
        let rules = self.members.iter().enumerate().flat_map(|(at, member)| {
            let rules = member.actual.iter().flat_map(|actual| actual.rules.keys());
            rules.map(move |target| (at, *target))
        });
        let rules: Vec<_> = rules
            .filter(|it| from.is_none_or(|from| *it >= from))
            .collect();
        let mut calls = 0;
        for (at, target) in rules {
            if calls + ASK_HITS > room {
                self.hits_from = Some((at, target));
                return calls;
            }
            let Some(member) = self.members.get_mut(at) else {
                continue;
            };
            calls += member.ask_hits(&target);
            if member.gone.is_some() {
                self.due = now;
            }
        }
        self.next_hits = now + HITS_EVERY;
        calls
    }

    /// When it has to have a turn again.
    pub(super) fn deadline(&self) -> u64 {
        let fading = self.fading.front().map_or(u64::MAX, |(at, ..)| *at);
        let counts = self.members.iter().any(|member| {
            let mut rules = member
                .actual
                .iter()
                .flat_map(|actual| actual.rules.values());
            rules.any(|installed| installed.rule.count)
        });
        let hits = if counts && !self.suspended {
            self.next_hits
        } else {
            u64::MAX
        };
        self.due.min(fading).min(hits)
    }

    /// What it does for the tunnel for which it does most, and why not more.
    fn reached(&self, wish: Wish<'_>) -> (Tier, Option<String>) {
        if self.members.is_empty() {
            return (Tier::Software, None);
        }
        if self.suspended {
            let reason = "its NIC recovers from an error, and is left alone";
            return (Tier::Software, Some(reason.to_owned()));
        }
        let tunnels = self.tunnels(wish);
        let best = tunnels
            .into_iter()
            .max_by_key(|(_, tier, reason)| (*tier, reason.is_none()));
        let Some((_, tier, reason)) = best else {
            return (Tier::Software, None);
        };
        let demoted = self.demoted.as_ref();
        let demoted = demoted.filter(|(to, _)| *to == tier && tier < self.cap.cap());
        (tier, reason.or_else(|| demoted.map(|(_, why)| why.clone())))
    }
}
