//! The miss path: from a key to a decision, on the worker, in the same burst.
//!
//! Everything here sees the packet through a [`Recorder`], so the mask of a decision is complete by
//! construction. Stages read as late as they can: a packet for another station is decided by its
//! MAC, whatever is inside. The stations of a bridge are not read at all: [`Action::Bridge`] looks
//! them up for each packet.

mod underlay;

use crate::action::{Action, Actions, From, Inlet, Program, Target};
use crate::drop::DropReason;
use crate::event::Origin;
use crate::key::{Field, FlowKey, Mask, Recorder};
use crate::snapshot::{Port, Snapshot};

/// What to do with the packets of a flow, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The compiled actions.
    pub program: Program,
    /// The bits of the key that they rest on.
    pub mask: Mask,
}

/// Resolves `key` against `snapshot`.
pub fn resolve(key: &FlowKey, snapshot: &Snapshot) -> Resolution {
    let mut resolver = Resolver {
        key: Recorder::new(key),
        snapshot,
        actions: Actions::new(),
    };
    let last = resolver.ingress();
    resolver.actions.push(last);
    Resolution {
        program: Program::compile(&resolver.actions),
        mask: resolver.key.mask(),
    }
}

struct Resolver<'a> {
    key: Recorder<'a>,
    snapshot: &'a Snapshot,
    actions: Actions,
}

impl<'a> Resolver<'a> {
    /// The first stage: what kind of port did it come from? Each stage returns the last action.
    fn ingress(&mut self) -> Action {
        let snapshot = self.snapshot;
        let Some(port) = self.key.ingress().and_then(|id| snapshot.port(id)) else {
            return Action::Drop(DropReason::PortDown);
        };
        if !self.key.is(Field::HAS_ETHERNET) {
            return Action::Drop(DropReason::FrameRunt);
        }
        match port.uplink {
            Some(uplink) => Action::Output(Target::Port(uplink)),
            None if port.addresses.is_empty() => self.local(port),
            None => self.underlay(port),
        }
    }

    /// A frame from a port enters the port's bridge as it is.
    fn local(&self, port: &Port) -> Action {
        let bridge = port.bridge.and_then(|id| self.snapshot.bridge(id));
        bridge.map_or(Action::Drop(DropReason::NoBridge), |bridge| {
            Action::Bridge(Inlet {
                bridge: bridge.id,
                from: From::Port(port.id),
                origin: Origin::Port(port.id),
                learning: bridge.learning,
            })
        })
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod soundness;
#[cfg(not(loom))]
#[cfg(test)]
mod tests;
