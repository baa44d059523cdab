//! The numbers of underlay links: ports, and VLANs of ports, on which the switch has addresses.

use crate::numbers::{Given, Numbers};
use fastpath::ids::{LinkId, PortId};
use fastpath::publish::Change;
use fastpath::snapshot::Place;

/// All underlay links. Next hops name them by number.
#[derive(Clone, Debug)]
pub struct Links(Numbers<Place, Place>);

impl Default for Links {
    fn default() -> Self {
        Links(Numbers::new(LinkId::LIMIT))
    }
}

impl Links {
    /// All links, by number.
    pub fn iter(&self) -> impl Iterator<Item = (LinkId, Place)> {
        let all = self.0.iter();
        all.filter_map(|(at, place)| Some((LinkId::new(at)?, *place)))
    }

    /// By number, up to the largest ever given; `None` where there is no link.
    pub fn places(&self) -> impl Iterator<Item = Option<Place>> {
        self.0.places().map(|place| place.copied())
    }

    /// The links of a port, by number.
    pub fn of(&self, port: PortId) -> Vec<(LinkId, Place)> {
        self.iter()
            .filter(|(_, place)| place.port == port)
            .collect()
    }

    /// Links that a port had, and whose numbers are nobody's now.
    pub fn gone_of(&self, port: PortId) -> Vec<LinkId> {
        let gone = self.0.gone().filter(|(_, place)| place.port == port);
        gone.filter_map(|(at, _)| LinkId::new(at)).collect()
    }

    /// A link comes: its number, if it was not there. `None` if no number can be given.
    pub fn add(
        &mut self,
        place: Place,
        now: u64,
        passed: impl Fn(Change) -> bool,
    ) -> Option<Option<Given>> {
        if self.0.by_name(place).is_some() {
            return Some(None);
        }
        let given = self.0.free(place, now, passed)?;
        self.0.put(given, place, place);
        Some(Some(given))
    }

    /// See [`Numbers::have_room`].
    pub fn have_room(
        &self,
        places: impl IntoIterator<Item = Place>,
        others: usize,
        now: u64,
        passed: impl Fn(Change) -> bool,
    ) -> bool {
        self.0.have_room(places, others, now, passed)
    }

    /// See [`Numbers::recall`].
    pub fn recall(&mut self, since: u64) {
        self.0.recall(since);
    }

    /// A link goes.
    pub fn remove(&mut self, place: Place, now: u64) -> Option<LinkId> {
        let (at, _) = self.0.remove(place, now)?;
        LinkId::new(at)
    }

    /// See [`Numbers::seal`].
    pub fn seal(&mut self, change: Change) {
        self.0.seal(change);
    }
}
