//! The miss path: from a key to a decision, on the worker, in the same burst.
//!
//! Everything here sees the packet through a [`Recorder`] and the FDB through one method
//! which remembers what was asked. So the mask and the dependencies of a decision are complete by
//! construction. Stages read as late as they can: a packet for another station is decided by its
//! MAC, whatever is inside.

mod bridge;
mod underlay;

use crate::action::{Action, Actions, Program, Target};
use crate::drop::DropReason;
use crate::event::Event;
use crate::fdb::{FdbKey, FdbReader, FdbValue, SlotId};
use crate::key::{Field, FlowKey, Mask, Recorder};
use crate::snapshot::Snapshot;
use arrayvec::ArrayVec;

/// What is to be done about the source MAC of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nothing.
    Ignored,
    /// It is where the FDB says: keep the entry fresh.
    Known(SlotId),
    /// It is unknown or elsewhere: tell control.
    Ask(Event),
}

/// What to do with the packets of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The compiled actions.
    pub program: Program,
    /// What [`Action::Learn`] does.
    pub source: Source,
}

/// A decision, and what it rests on.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The decision.
    pub decision: Decision,
    /// The bits of the key that it rests on.
    pub mask: Mask,
    /// The FDB entries, present or absent, that it rests on.
    pub dependencies: Dependencies,
}

/// The FDB keys that a decision asked for: source and destination.
pub type Dependencies = ArrayVec<FdbKey, 2>;

/// Resolves `key` against `snapshot` and `fdb`.
pub fn resolve(key: &FlowKey, snapshot: &Snapshot, fdb: &FdbReader) -> Resolution {
    let mut resolver = Resolver {
        key: Recorder::new(key),
        snapshot,
        fdb,
        dependencies: Dependencies::new(),
        source: Source::Ignored,
        actions: Actions::new(),
    };
    let last = resolver.ingress();
    resolver.actions.push(last);
    Resolution {
        decision: Decision {
            program: Program::compile(&resolver.actions),
            source: resolver.source,
        },
        mask: resolver.key.mask(),
        dependencies: resolver.dependencies,
    }
}

struct Resolver<'a> {
    key: Recorder<'a>,
    snapshot: &'a Snapshot,
    fdb: &'a FdbReader,
    dependencies: Dependencies,
    source: Source,
    actions: Actions,
}

impl<'a> Resolver<'a> {
    /// Looks a MAC up, and remembers that the decision rests on the answer.
    fn fdb(&mut self, key: FdbKey) -> Option<(SlotId, FdbValue)> {
        if !self.dependencies.contains(&key) {
            self.dependencies.push(key);
        }
        self.fdb.lookup(key)
    }

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
}

#[cfg(not(loom))]
#[cfg(test)]
mod soundness;
#[cfg(not(loom))]
#[cfg(test)]
mod tests;
