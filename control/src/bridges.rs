//! The bridges as control sees them: by number and by name.

use crate::config::{Bridge, Name};
use crate::numbers::{Given, Numbers};
use fastpath::ids::BridgeId;
use fastpath::publish::Change;

/// All bridges.
#[derive(Clone, Debug)]
pub struct Bridges(Numbers<Name, Bridge>);

impl Default for Bridges {
    fn default() -> Self {
        Bridges(Numbers::new(BridgeId::LIMIT))
    }
}

impl Bridges {
    /// What is wanted of a bridge; `None` if there is none of this number.
    pub fn get(&self, id: BridgeId) -> Option<&Bridge> {
        self.0.get(id.index())
    }

    /// The number of the bridge of this name.
    pub fn by_name(&self, name: Name) -> Option<BridgeId> {
        self.0.by_name(name).and_then(BridgeId::new)
    }

    /// All bridges, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (BridgeId, &Bridge)> {
        let all = self.0.iter();
        all.filter_map(|(at, bridge)| Some((BridgeId::new(at)?, bridge)))
    }

    /// By number, up to the largest ever given; `None` where there is no bridge.
    pub fn places(&self) -> impl Iterator<Item = Option<&Bridge>> {
        self.0.places()
    }

    /// The bridge that a port is in.
    pub fn of_port(&self, port: Name) -> Option<BridgeId> {
        let mut all = self.iter();
        let found = all.find(|(_, bridge)| bridge.ports.contains(&port));
        found.map(|(id, _)| id)
    }

    /// See [`Numbers::free`].
    pub fn free(&self, name: Name, now: u64, passed: impl Fn(Change) -> bool) -> Option<Given> {
        self.0.free(name, now, passed)
    }

    /// See [`Numbers::have_room`].
    pub fn have_room(
        &self,
        names: impl IntoIterator<Item = Name>,
        now: u64,
        passed: impl Fn(Change) -> bool,
    ) -> bool {
        self.0.have_room(names, 0, now, passed)
    }

    /// See [`Numbers::recall`].
    pub fn recall(&mut self, since: u64) {
        self.0.recall(since);
    }

    /// A bridge comes, under a number that is free for it.
    pub fn put(&mut self, given: Given, bridge: Bridge) {
        self.0.put(given, bridge.name, bridge);
    }

    /// A bridge is wanted otherwise, or has other ports.
    pub fn set(&mut self, bridge: &Bridge) {
        let known = self
            .0
            .by_name(bridge.name)
            .and_then(|at| self.0.get_mut(at));
        if let Some(known) = known {
            known.clone_from(bridge);
        }
    }

    /// A bridge goes. Returns its number.
    pub fn remove(&mut self, name: Name, now: u64) -> Option<BridgeId> {
        let (at, _) = self.0.remove(name, now)?;
        BridgeId::new(at)
    }

    /// See [`Numbers::seal`].
    pub fn seal(&mut self, change: Change) {
        self.0.seal(change);
    }
}
