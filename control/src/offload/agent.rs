//! Keeps what NICs do in line with what is wanted of them. The device thread runs it.
//!
//! It is told what is wanted, never what changed, and what happens to ports. At each turn it makes
//! a bounded number of calls and says when it wants the next one. What is refused for the moment is
//! asked again, later and later; what is refused for good stays in software, with the reason kept.
//!
//! A port starts in software and stays there until all is in place. Rules go before it stops, and
//! what names them is forgotten with the port's NIC, which the agent gives back: it cannot use it
//! any more.

use super::driver::Driver;
use super::member::Member;
use super::nic::Nic;
use super::port::{Port, Wish};
use super::ports::{Needed, Parser};
use super::report::PortReport;
use super::target::{Target, Targets};
use super::tier::{Offload, Tier};
use fastpath::ids::PortId;
use fastpath::offload::{Mark, Width};
use fastpath::wire::vxlan;
use std::collections::{BTreeMap, BTreeSet};

/// Most calls to NICs in one turn.
pub const CALLS: usize = 64;

/// Something that state and the workers have to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Packets that arrive at `port` with `mark` are likely to be for `target`. If outer headers are
    /// taken off, the rule is installed after [`Agent::published`] only.
    Marked {
        /// The port.
        port: PortId,
        /// How wide its marks are.
        width: Width,
        /// The mark.
        mark: Mark,
        /// What it stands for.
        target: Target,
        /// The rule names the VNI alone, so that packets for other addresses have the mark too.
        by_vni: bool,
    },
    /// A mark stands for nothing any more.
    Unmarked {
        /// The port.
        port: PortId,
        /// How wide its marks are.
        width: Width,
        /// The mark.
        mark: Mark,
    },
    /// A port does more or less than before, or for another reason.
    Tier {
        /// The port.
        port: PortId,
        /// What it does for the tunnel for which it does most.
        tier: Tier,
        /// Why not more, if more is asked for.
        reason: Option<String>,
    },
}

/// A NIC that has started.
pub struct Started<N> {
    /// It.
    pub nic: N,
    /// UDP ports that its parser was told before it started: see [`Agent::before_start`].
    pub told: Vec<u16>,
}

/// All ports of the switch.
pub struct Agent<N: Nic> {
    ports: BTreeMap<PortId, Port<N>>,
    wanted: BTreeMap<PortId, Targets>,
    needed: Needed,
    changes: Vec<Change>,
    /// The port whose turn came first the last time.
    first: Option<PortId>,
}

impl<N: Nic> Default for Agent<N> {
    fn default() -> Self {
        Agent {
            ports: BTreeMap::new(),
            wanted: BTreeMap::new(),
            needed: Needed::default(),
            changes: Vec::new(),
            first: None,
        }
    }
}

/// What is wanted of a port of which nothing is.
static NOTHING: Targets = Targets::new();

impl<N: Nic> Agent<N> {
    /// What is wanted of all ports from now on, those that are not open included.
    pub fn set_wanted(&mut self, wanted: BTreeMap<PortId, Targets>) {
        let targets = wanted.values().flatten();
        let needed: Needed = targets.map(|target| target.end_point.udp_port).collect();
        let same = self.needed == needed;
        self.needed = needed;
        let before = std::mem::replace(&mut self.wanted, wanted);
        for (id, port) in &mut self.ports {
            if !same || before.get(id) != self.wanted.get(id) {
                port.due = 0;
            }
        }
    }

    /// UDP ports that the NIC of a port is to be told before it starts, because its driver takes
    /// none later. Whoever starts it says in [`Started`] which it took.
    pub fn before_start(&self, id: PortId, driver: &str, cap: Offload) -> Vec<u16> {
        let driver = Driver::of(driver);
        if !driver.told_before() || cap.cap() < Tier::Parser {
            return Vec::new();
        }
        let own: BTreeSet<_> = self
            .targets(id)
            .iter()
            .map(|target| target.end_point.udp_port)
            .collect();
        let mut ports: Vec<_> = self.needed.ports().collect();
        ports.sort_by_key(|port| (!own.contains(port), *port));
        ports.truncate(driver.room());
        ports
    }

    /// The UDP port behind which a self-test of the port's NIC looks for tunnels: one that they use.
    pub fn test_port(&self, id: PortId) -> u16 {
        let own = self.targets(id).iter();
        let own = own.map(|target| target.end_point.udp_port).min();
        own.or_else(|| self.needed.ports().next())
            .unwrap_or(vxlan::PORT)
    }

    /// A port has started: with one NIC, or with all members of a bond. Nothing of what was there
    /// before it stopped is taken to be there still.
    pub fn port_up(&mut self, id: PortId, nics: Vec<Started<N>>, cap: Offload, now: u64) {
        drop(self.stop(id, true, now));
        let port = self.ports.entry(id).or_default();
        port.served = true;
        let still = std::mem::take(&mut port.still);
        let mut still = still.into_iter();
        let member = |started: Started<N>| {
            let still = still.next().unwrap_or_default();
            let parser = Parser::told_before(started.told).or_still(still);
            Member::new(started.nic, parser)
        };
        port.members = nics.into_iter().map(member).collect();
        port.cap = cap;
        port.generation += 1;
        port.due = now;
    }

    /// Another device is behind a port than the last time: what the one before was told to do no
    /// more does not concern it.
    pub fn other_device(&mut self, id: PortId) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.demoted = None;
            port.still.clear();
            port.due = 0;
        }
    }

    /// Another cap for a port.
    pub fn set_cap(&mut self, id: PortId, cap: Offload) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.cap = cap;
            port.due = 0;
        }
    }

    /// A port is about to stop, and no worker has a queue of it any more: its rules and UDP ports are
    /// taken away at once, as far as its NICs let that happen. Returns the NICs.
    pub fn port_stopping(&mut self, id: PortId, now: u64) -> Vec<N> {
        let silently = self.ports.get(&id).is_some_and(|port| port.suspended);
        self.stop(id, silently, now)
    }

    fn stop(&mut self, id: PortId, silently: bool, now: u64) -> Vec<N> {
        if let Some(port) = self.ports.get_mut(&id) {
            port.served = false;
        }
        let nics = self.leave(id, silently, now);
        if let Some(port) = self.ports.get_mut(&id) {
            port.fade(id, now, &mut self.changes);
        }
        nics
    }

    /// A port is gone, or its NIC must not be called any more. Workers may have its queues still, so that
    /// marks of packets without outer headers keep their meaning until it stops. Returns the NICs.
    pub fn port_lost(&mut self, id: PortId, now: u64) -> Vec<N> {
        self.leave(id, true, now)
    }

    fn leave(&mut self, id: PortId, silently: bool, now: u64) -> Vec<N> {
        let Some(port) = self.ports.get_mut(&id) else {
            return Vec::new();
        };
        let members = std::mem::take(&mut port.members);
        if members.is_empty() {
            return Vec::new();
        }
        let left = members.into_iter().map(|member| member.leave(silently));
        let (nics, still) = left.unzip();
        port.still = still;
        port.suspended = false;
        port.due = u64::MAX;
        port.fade(id, now, &mut self.changes);
        let targets = self.wanted.get(&id).unwrap_or(&NOTHING);
        let needed = &self.needed;
        port.settle(id, Wish { targets, needed }, now, &mut self.changes);
        nics
    }

    /// One NIC of a port must not be called any more, which the others may.
    pub fn nic_lost(&mut self, id: PortId, at: usize, why: &str, now: u64) {
        let Some(port) = self.ports.get_mut(&id) else {
            return;
        };
        if let Some(member) = port.members.get_mut(at) {
            member.actual = None;
            member.gone = Some(why.to_owned());
            port.due = now;
        }
    }

    /// The NIC of a port recovers from an error by itself. It is left alone until it has.
    pub fn suspended(&mut self, id: PortId) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.suspended = !port.members.is_empty();
            port.due = 0;
        }
    }

    /// It has, and nobody knows what of its rules and UDP ports it still has: they are taken away
    /// and told anew.
    pub fn recovered(&mut self, id: PortId, now: u64) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.suspended = false;
            port.generation += 1;
            port.due = now;
            port.members.iter_mut().for_each(Member::recovered);
        }
    }

    /// The NIC of a port was reset and runs again, with nothing of what it had.
    pub fn reset(&mut self, id: PortId, now: u64) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.suspended = false;
            port.generation += 1;
            port.due = now;
            port.members.iter_mut().for_each(Member::reset);
        }
    }

    /// A port is to do no more than `to` until the process ends, however often it starts.
    pub fn demote(&mut self, id: PortId, to: Tier, why: &str) {
        let port = self.ports.entry(id).or_default();
        if port.demoted.as_ref().is_none_or(|(tier, _)| to < *tier) {
            port.demoted = Some((to, why.to_owned()));
            port.due = 0;
        }
    }

    /// All workers know what `mark` stands for.
    pub fn published(&mut self, id: PortId, mark: Mark) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.published(mark);
        }
    }

    /// Makes at most [`CALLS`] calls. Returns when it wants to be called again, at the latest: `now`,
    /// if there was more to do. Times are milliseconds of a monotonic clock.
    pub fn turn(&mut self, now: u64) -> Option<u64> {
        let mut room = CALLS;
        let first = self.next_first();
        let ids: Vec<_> = self.ports.keys().copied().collect();
        let split = ids.iter().position(|id| Some(*id) == first).unwrap_or(0);
        let (late, early) = ids.split_at(split);
        for id in early.iter().chain(late) {
            let Some(port) = self.ports.get_mut(id) else {
                continue;
            };
            port.fade(*id, now, &mut self.changes);
            if port.due > now {
                continue;
            }
            let targets = self.wanted.get(id).unwrap_or(&NOTHING);
            let needed = &self.needed;
            let wish = Wish { targets, needed };
            room -= port.turn(wish, now, room).min(room);
            port.settle(*id, wish, now, &mut self.changes);
        }
        for id in early.iter().chain(late) {
            let Some(port) = self.ports.get_mut(id).filter(|_| room > 0) else {
                continue;
            };
            room -= port.ask_hits(now, room).min(room);
        }
        self.first = first;
        let deadline = self.ports.values().map(Port::deadline).min();
        deadline.filter(|at| *at != u64::MAX).map(|at| at.max(now))
    }

    /// The port after that which came first the last time.
    fn next_first(&self) -> Option<PortId> {
        use std::ops::Bound::{Excluded, Unbounded};
        let after = self.first.map_or(Unbounded, Excluded);
        let mut next = self.ports.range((after, Unbounded));
        let next = next.next().or_else(|| self.ports.first_key_value());
        next.map(|(id, _)| *id)
    }

    /// What changed since this was last asked, in order.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// What each port does, in order: those that run or did.
    pub fn report(&self) -> Vec<PortReport> {
        let needed = &self.needed;
        let report = |(id, port): (&PortId, &Port<N>)| {
            let targets = self.targets(*id);
            port.report(*id, Wish { targets, needed })
        };
        self.ports.iter().map(report).collect()
    }

    fn targets(&self, id: PortId) -> &Targets {
        self.wanted.get(&id).unwrap_or(&NOTHING)
    }
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
