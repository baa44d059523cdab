//! What is done with a packet: actions as plain values, and the flat program that a hit runs.
//!
//! An action list has a defined meaning: an output takes the packet as it stands, and what comes
//! after it works on a copy. The last action always ends the packet.

mod around;
mod bridge;
mod decap;
mod encap;
mod flood;
mod packets;
mod prepare;
mod road;
mod run;
mod straight;
mod tally;

pub(crate) use bridge::Gate;
pub(crate) use decap::{ip_is_sound, udp_is_sound};
pub(crate) use encap::IpIds;
pub use road::release;
pub use run::{Context, Outcome, Verdict, run};
pub(crate) use straight::{Facts, Scratch, Straight};

use crate::drop::DropReason;
use crate::event::Origin;
use crate::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId};
use arrayvec::ArrayVec;

/// Where an output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Out of a port.
    Port(PortId),
    /// Encapsulated, to a remote.
    Remote(RemoteId),
}

/// Where a flooded frame came from, and so must not go again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A port of the bridge.
    Port(PortId),
    /// A tunnel: none of its remotes gets a copy.
    Tunnel(TunnelId),
}

/// Where frames enter a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inlet {
    /// The bridge.
    pub bridge: BridgeId,
    /// Where a flooded frame does not go again.
    pub from: From,
    /// Where a source is learned to be.
    pub origin: Origin,
    /// Whether sources are looked at at all.
    pub learning: bool,
}

/// What a packet that comes out of a tunnel is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Who sent it, if it has a record.
    pub remote: Option<RemoteId>,
    /// The underlay link that it came by.
    pub link: Option<LinkId>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Check lengths and checksums of the outer headers, apply RFC 6040 and strip them; counted for
    /// where it came from.
    Decap(Arrival),
    /// Send it.
    Output(Target),
    /// Let it into a bridge, which knows by the forwarding table of now where it goes.
    Bridge(Inlet),
    /// Hand it to control.
    Punt,
    /// Drop it by name.
    Drop(DropReason),
    /// Drop it by the name of what the parser found wrong with it, or else by this one.
    DropFault(DropReason),
}

impl Action {
    /// Nothing is left of the packet afterwards, unless it is copied before.
    const fn ends(self) -> bool {
        !matches!(self, Action::Decap(_))
    }

    /// It writes to the packet.
    const fn edits(self) -> bool {
        matches!(self, Action::Decap(_))
    }

    /// It can be given a copy.
    const fn sends(self) -> bool {
        matches!(self, Action::Output(_) | Action::Bridge(_))
    }
}

/// Most actions of a list.
pub const MAX_ACTIONS: usize = 4;

/// A list of actions.
pub type Actions = ArrayVec<Action, MAX_ACTIONS>;

/// One instruction: an action, and what becomes of the packet afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    action: Action,
    /// It is still needed: the action gets a copy.
    keep: bool,
    /// It is written to: such a copy may share no bytes with it.
    edited: bool,
}

const NOTHING: Step = Step {
    action: Action::Drop(DropReason::NoDestination),
    keep: false,
    edited: false,
};

/// What a program comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// The packet enters a bridge.
    Bridge(Gate),
    /// What is inside enters a bridge.
    Decap(Arrival, Gate),
    /// Something else.
    Other,
}

/// A compiled action list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program([Step; MAX_ACTIONS]);

impl Program {
    /// Drops as [`DropReason::NoDestination`]: what an empty list compiles to.
    pub(crate) const NOTHING: Program = Program([NOTHING; MAX_ACTIONS]);

    /// Drops as `reason`.
    pub(crate) const fn drop(reason: DropReason) -> Self {
        let mut steps = [NOTHING; MAX_ACTIONS];
        steps[0].action = Action::Drop(reason);
        Program(steps)
    }

    /// Whether it is of one of the two kinds that nearly all packets take.
    #[inline]
    pub(crate) fn shape(&self) -> Shape {
        let [first, second, ..] = self.0;
        match (first.action, second.action) {
            (Action::Bridge(inlet), _) if !first.keep => Shape::Bridge(Gate::new(inlet)),
            (Action::Decap(arrival), Action::Bridge(inlet)) if !second.keep => {
                Shape::Decap(arrival, Gate::new(inlet))
            }
            _ => Shape::Other,
        }
    }

    /// Compiles a list. A list that leaves the packet over drops it as
    /// [`DropReason::NoDestination`]; what stands behind the action that ends it is not done.
    pub fn compile(actions: &Actions) -> Self {
        let mut steps = [NOTHING; MAX_ACTIONS];
        for (at, (step, action)) in steps.iter_mut().zip(actions).enumerate() {
            let later = &actions[at + 1..];
            *step = Step {
                action: *action,
                keep: action.sends() && later.iter().any(|later| later.ends()),
                edited: later.iter().any(|later| later.edits()),
            };
        }
        Program(steps)
    }

    /// What the last action drops as, if it does nothing else.
    pub(crate) fn refusal(&self) -> Option<DropReason> {
        match self.actions().last() {
            Some(Action::Drop(reason) | Action::DropFault(reason)) => Some(reason),
            _ => None,
        }
    }

    /// The actions up to the one that ends the packet.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        let last = self
            .0
            .iter()
            .position(|step| step.action.ends() && !step.keep);
        self.0
            .iter()
            .take(last.map_or(MAX_ACTIONS, |last| last + 1))
            .map(|step| step.action)
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
