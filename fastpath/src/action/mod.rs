//! What is done with a packet: actions as plain values, and the flat program that a hit runs.
//!
//! An action list has a defined meaning: an output takes the packet as it stands, and what comes
//! after it works on a copy. The last action always ends the packet.

mod decap;
mod encap;
mod flood;
mod road;
mod run;

pub use road::release;
pub use run::{Context, Verdict, run};

use crate::drop::DropReason;
use crate::ids::{BridgeId, PortId, RemoteId, TunnelId};
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

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Check lengths and checksums of the outer headers, apply RFC 6040 and strip them; counted for
    /// the remote if it is a known one.
    Decap(Option<RemoteId>),
    /// Keep the source MAC fresh, or tell control of it.
    Learn,
    /// Send it.
    Output(Target),
    /// Send a copy to everybody in the bridge but where it came from.
    Flood {
        /// The bridge.
        bridge: BridgeId,
        /// Where it came from.
        from: From,
    },
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
        !matches!(self, Action::Decap(_) | Action::Learn)
    }

    /// It writes to the packet.
    const fn edits(self) -> bool {
        matches!(self, Action::Decap(_))
    }

    /// It can be given a copy.
    const fn sends(self) -> bool {
        matches!(self, Action::Output(_) | Action::Flood { .. })
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

/// A compiled action list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program([Step; MAX_ACTIONS]);

impl Program {
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
