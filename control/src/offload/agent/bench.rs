//! An agent over models of NICs, watched at every step.

use super::{Agent, CALLS, Change, Started};
use crate::offload::marks::QUARANTINE;
use crate::offload::model::{Call, Chip, Model, Profile};
use crate::offload::report::{PortReport, TunnelReport};
use crate::offload::target::{Target, Targets};
use crate::offload::{Offload, Tier};
use fastpath::ids::PortId;
use fastpath::offload::Mark;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

/// What state knows of a slot.
struct Slot {
    mark: Mark,
    /// What it stands for.
    target: Option<Target>,
    /// When a rule wrote it last.
    written: Option<u64>,
}

/// One port per entry, with a model for each of its members.
pub(super) struct Bench {
    pub(super) agent: Agent<crate::offload::model::ModelNic>,
    pub(super) models: Vec<Vec<Model>>,
    pub(super) wanted: BTreeMap<PortId, Targets>,
    pub(super) caps: Vec<Offload>,
    pub(super) now: u64,
    pub(super) tiers: Vec<(usize, Tier, Option<String>)>,
    /// The deadline that the last turn gave.
    pub(super) deadline: Option<u64>,
    up: Vec<bool>,
    slots: BTreeMap<(PortId, usize), Slot>,
    pub(super) published: BTreeSet<(PortId, Mark)>,
}

pub(super) fn id(port: usize) -> PortId {
    PortId::new(port).unwrap()
}

impl Bench {
    pub(super) fn new(ports: &[&[Profile]], cap: Offload) -> Self {
        let models = ports.iter().map(|members| {
            let members = members.iter();
            members.map(|profile| Model::new(*profile, 4)).collect()
        });
        Bench {
            agent: Agent::default(),
            models: models.collect(),
            wanted: BTreeMap::new(),
            caps: vec![cap; ports.len()],
            now: 1_000,
            tiers: Vec::new(),
            deadline: None,
            up: vec![false; ports.len()],
            slots: BTreeMap::new(),
            published: BTreeSet::new(),
        }
    }

    /// One port of this kind, which is up and wants that.
    pub(super) fn one(profile: Profile, cap: Offload, targets: &[Target]) -> Self {
        let mut bench = Bench::new(&[&[profile]], cap);
        bench.want(0, targets);
        bench.up(0);
        bench.run();
        bench
    }

    pub(super) fn chip(&self) -> MutexGuard<'_, Chip> {
        self.models[0][0].chip()
    }

    pub(super) fn want(&mut self, port: usize, targets: &[Target]) {
        self.wanted
            .insert(id(port), targets.iter().copied().collect());
        self.agent.set_wanted(self.wanted.clone());
    }

    pub(super) fn up(&mut self, port: usize) {
        let started = self.models[port].iter().map(|model| {
            let driver = model.chip().profile().driver;
            let told = self.agent.before_start(id(port), driver, self.caps[port]);
            model.chip().tell_before(&told);
            let nic = model.start();
            Started { nic, told }
        });
        let started = started.collect();
        self.agent
            .port_up(id(port), started, self.caps[port], self.now);
        self.up[port] = true;
    }

    pub(super) fn is_up(&self, port: usize) -> bool {
        self.up[port]
    }

    pub(super) fn stop(&mut self, port: usize) {
        self.write();
        drop(self.agent.port_stopping(id(port), self.now));
        self.down(port);
    }

    pub(super) fn lose(&mut self, port: usize) {
        self.write();
        drop(self.agent.port_lost(id(port), self.now));
        // Workers have its queues for a while yet.
        self.hear();
        self.turn();
        drop(self.agent.port_stopping(id(port), self.now));
        self.down(port);
    }

    fn down(&mut self, port: usize) {
        self.up[port] = false;
        self.models[port]
            .iter()
            .for_each(|model| model.chip().stop());
        self.hear();
        let mut marked = self.slots.iter().filter(|((at, _), _)| *at == id(port));
        assert!(marked.all(|(_, slot)| slot.target.is_none()));
    }

    /// One turn. Whether there was more to do.
    pub(super) fn turn(&mut self) -> bool {
        self.logs();
        self.write();
        self.deadline = self.agent.turn(self.now);
        let calls = self.logs();
        assert!(
            calls.iter().map(Vec::len).sum::<usize>() <= CALLS,
            "{calls:?}"
        );
        self.hear();
        self.watch();
        self.deadline.is_some_and(|deadline| deadline <= self.now)
    }

    fn logs(&self) -> Vec<Vec<Call>> {
        let models = self.models.iter().flatten();
        models.map(|model| model.chip().log()).collect()
    }

    /// Turns until there is nothing to do for now.
    pub(super) fn run(&mut self) {
        for _ in 0..2_000 {
            if !self.turn() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// The calls of [`Bench::run`] on the first model, without questions.
    pub(super) fn calls(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        for _ in 0..2_000 {
            self.deadline = self.agent.turn(self.now);
            calls.extend(self.chip().log());
            if self.deadline.is_none_or(|deadline| deadline > self.now) {
                break;
            }
        }
        self.hear();
        let asks = |call: &Call| matches!(call, Call::Validate(_) | Call::Hits(_));
        calls.retain(|call| !asks(call));
        calls
    }

    /// The same while time passes.
    pub(super) fn calls_in(&mut self, milliseconds: u64) -> Vec<Call> {
        let end = self.now + milliseconds;
        let mut calls = self.calls();
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= end) {
            self.now = deadline;
            calls.extend(self.calls());
        }
        self.now = end;
        calls
    }

    /// Time passes, with turns when they are due.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        self.run();
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= end) {
            self.now = deadline;
            self.run();
        }
        self.now = end;
        self.run();
    }

    /// Workers know all marks that state was told.
    pub(super) fn publish(&mut self) {
        for ((port, _), slot) in &self.slots {
            if slot.target.is_some() {
                self.published.insert((*port, slot.mark));
                self.agent.published(*port, slot.mark);
            }
        }
    }

    /// State is told what changed.
    fn hear(&mut self) {
        for change in self.agent.changes() {
            match change {
                Change::Marked {
                    port,
                    width,
                    mark,
                    target,
                    ..
                } => {
                    assert_eq!(Mark::received(width, mark.get()), Some(mark));
                    let new = Slot {
                        mark,
                        target: Some(target),
                        written: None,
                    };
                    let before = self.slots.insert((port, mark.slot(width)), new);
                    let Some(before) = before else { continue };
                    assert_eq!(before.target, None, "a slot has two marks");
                    let rested = before.written.is_none_or(|at| self.now >= at + QUARANTINE);
                    assert!(rested, "{mark} is given out too soon");
                }
                Change::Unmarked { port, width, mark } => {
                    self.published.remove(&(port, mark));
                    let slot = self.slots.get_mut(&(port, mark.slot(width))).unwrap();
                    assert_eq!(slot.mark, mark);
                    let target = slot.target.take().expect("it was marked");
                    // Packets without outer headers have a meaning as long as there may be any.
                    let stripped = target.remote.is_some() && self.up[port.index()];
                    let fresh = slot.written.is_some_and(|at| self.now < at + QUARANTINE);
                    assert!(!(stripped && fresh), "{mark} has no meaning any more");
                }
                Change::Tier { port, tier, reason } => {
                    self.tiers.push((port.index(), tier, reason));
                }
            }
        }
    }

    /// Rules write marks until now, those of marks that have a meaning.
    fn write(&mut self) {
        for (at, models) in self.models.iter().enumerate() {
            let here = models.iter().filter(|model| !model.chip().is_gone());
            for rule in here.flat_map(|model| model.chip().rules()) {
                let mut slots = self.slots.iter_mut();
                let slot = slots.find(|((port, _), it)| *port == id(at) && it.mark == rule.mark);
                if let Some((_, slot)) = slot.filter(|(_, slot)| slot.target.is_some()) {
                    slot.written = Some(self.now);
                }
            }
        }
    }

    /// Whatever happened: what NICs have is known, and state knows what their marks mean.
    fn watch(&self) {
        for (at, models) in self
            .models
            .iter()
            .enumerate()
            .filter(|(at, _)| self.up[*at])
        {
            let port = &self.agent.ports[&id(at)];
            for (member, model) in port.members.iter().zip(models) {
                let Some(actual) = member.actual.as_ref().filter(|_| !port.suspended) else {
                    continue;
                };
                if actual.flush.is_some() {
                    continue;
                }
                let chip = model.chip();
                if chip.is_gone() {
                    continue;
                }
                let known: BTreeSet<_> = actual.rules.values().map(|it| it.rule).collect();
                let rules = chip.rules();
                let sentinels = rules.iter().filter(|rule| !known.contains(rule)).count();
                assert_eq!(sentinels, actual.left.len(), "{rules:?} {known:?}");
                assert_eq!(rules.len(), known.len() + sentinels);
                for rule in &known {
                    let width = port.marks.width();
                    let slot = &self.slots[&(id(at), rule.mark.slot(width))];
                    let target = slot.target.expect("a rule's mark has a meaning");
                    assert_eq!((slot.mark, target.end_point), (rule.mark, rule.end_point));
                    assert_eq!((target.vlan, target.remote), (rule.vlan, rule.strip));
                    let published = self.published.contains(&(id(at), rule.mark));
                    assert!(published || rule.strip.is_none(), "{rule}");
                }
            }
        }
    }

    pub(super) fn report(&self, port: usize) -> PortReport {
        self.agent
            .report()
            .into_iter()
            .find(|it| it.port == id(port))
            .unwrap()
    }

    pub(super) fn tunnels(&self) -> Vec<TunnelReport> {
        self.report(0).members[0].tunnels.clone()
    }

    /// Tiers of all targets of the first port, in order, with the reasons.
    pub(super) fn lines(&self) -> Vec<(Tier, Option<String>)> {
        let tunnels = self.tunnels().into_iter();
        tunnels.map(|line| (line.actual, line.reason)).collect()
    }
}
