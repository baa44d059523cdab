//! The underlay links by number and by place.

use super::Place;
use crate::ids::{LinkId, PortId};

/// The underlay links: what next hops lead out of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// By [`LinkId`]; `None` where there is none any more.
    numbered: Vec<Option<Place>>,
    /// Those there are by [`key`], sorted.
    places: Vec<(u32, LinkId)>,
}

/// A place as one number, so that a look-up, of which each run of packets needs one or two, takes
/// few instructions; those of a port are together.
fn key(place: Place) -> u32 {
    let vlan = place.vlan.map_or(0, |vlan| u32::from(vlan.get()) + 1);
    first(place.port) | vlan
}

/// The first of a port.
fn first(port: PortId) -> u32 {
    u32::from(port.get()) << 16
}

impl Links {
    /// One more link, under the next number. Nothing happens if no number is left.
    pub fn push(&mut self, place: Place) {
        if let Some(id) = LinkId::new(self.numbered.len()) {
            self.numbered.push(Some(place));
            let new = (key(place), id);
            let at = self.places.partition_point(|known| *known < new);
            self.places.insert(at, new);
        }
    }

    /// Where the link is, if there is one of this number.
    pub fn get(&self, id: LinkId) -> Option<Place> {
        self.numbered.get(id.index()).copied().flatten()
    }

    /// The link that is there, if there is one.
    pub fn at(&self, place: Place) -> Option<LinkId> {
        let key = key(place);
        let (known, id) = self.at_least(key)?;
        (known == key).then_some(id)
    }

    /// Whether there are links at `port`.
    pub fn has(&self, port: PortId) -> bool {
        let first = first(port);
        self.at_least(first)
            .is_some_and(|(known, _)| known >> 16 == first >> 16)
    }

    /// The link that is there, and whether there are any at its port, by one search.
    pub fn look(&self, place: Place) -> (Option<LinkId>, bool) {
        let key = key(place);
        let at = self.places.partition_point(|(known, _)| *known < key);
        let of_port = |(known, _): &&(u32, LinkId)| *known >> 16 == key >> 16;
        match self.places.get(at).filter(of_port) {
            Some((known, id)) => ((*known == key).then_some(*id), true),
            None => {
                let before = at.checked_sub(1).and_then(|at| self.places.get(at));
                (None, before.filter(of_port).is_some())
            }
        }
    }

    /// The first that is not below `key`.
    fn at_least(&self, key: u32) -> Option<(u32, LinkId)> {
        let at = self.places.partition_point(|(known, _)| *known < key);
        self.places.get(at).copied()
    }
}

impl FromIterator<Option<Place>> for Links {
    /// By number. What has none is left out.
    fn from_iter<I: IntoIterator<Item = Option<Place>>>(all: I) -> Self {
        let numbered: Vec<_> = all.into_iter().take(LinkId::LIMIT).collect();
        let numbers = (0..).map_while(LinkId::new).zip(&numbered);
        let mut places: Vec<_> = numbers
            .filter_map(|(id, place)| Some((key((*place)?), id)))
            .collect();
        places.sort_unstable();
        Links { numbered, places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::VlanId;

    fn place(port: usize, vlan: u16) -> Place {
        Place {
            port: PortId::new(port).unwrap(),
            vlan: VlanId::new(vlan).filter(|vlan| *vlan != VlanId::NONE),
        }
    }

    #[test]
    fn links_are_found_by_number_and_by_place_and_gone_ones_are_not() {
        let all = [
            Some(place(3, 7)),
            None,
            Some(place(1, 0)),
            Some(place(3, 0)),
        ];
        let links: Links = all.into_iter().collect();
        for (number, known) in all.into_iter().enumerate() {
            let id = LinkId::new(number).unwrap();
            assert_eq!(links.get(id), known);
            assert_eq!(known.and_then(|known| links.at(known)), known.map(|_| id));
        }
        assert_eq!(links.get(LinkId::new(4).unwrap()), None);
        assert_eq!(links.at(place(1, 7)), None);
        assert_eq!(
            [0, 1, 2, 3].map(|port| links.has(place(port, 0).port)),
            [false, true, false, true]
        );
        for port in 0..5 {
            for vlan in [0, 1, 7, 8, VlanId::MAX] {
                let place = place(port, vlan);
                let expected = (links.at(place), links.has(place.port));
                assert_eq!(links.look(place), expected, "{place:?}");
            }
        }
        let mut pushed = Links::default();
        for known in [place(3, 7), place(1, 0)] {
            pushed.push(known);
        }
        assert_eq!(
            pushed,
            [Some(place(3, 7)), Some(place(1, 0))].into_iter().collect()
        );
    }
}
