//! The underlay links by number and by place.

use super::Place;
use crate::ids::{LinkId, PortId};

/// The underlay links: what next hops lead out of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// By [`LinkId`]; `None` where there is none any more.
    numbered: Vec<Option<Place>>,
    /// Those there are, sorted.
    places: Vec<(Place, LinkId)>,
}

impl Links {
    /// One more link, under the next number. Nothing happens if no number is left.
    pub fn push(&mut self, place: Place) {
        if let Some(id) = LinkId::new(self.numbered.len()) {
            self.numbered.push(Some(place));
            let at = self.places.partition_point(|known| *known < (place, id));
            self.places.insert(at, (place, id));
        }
    }

    /// Where the link is, if there is one of this number.
    pub fn get(&self, id: LinkId) -> Option<Place> {
        self.numbered.get(id.index()).copied().flatten()
    }

    /// The link that is there, if there is one.
    pub fn at(&self, place: Place) -> Option<LinkId> {
        let at = self.places.partition_point(|known| known.0 < place);
        let (known, id) = self.places.get(at)?;
        (*known == place).then_some(*id)
    }

    /// Whether there are links at `port`.
    pub fn has(&self, port: PortId) -> bool {
        let first = self.places.partition_point(|known| known.0.port < port);
        self.places
            .get(first)
            .is_some_and(|known| known.0.port == port)
    }
}

impl FromIterator<Option<Place>> for Links {
    /// By number. What has none is left out.
    fn from_iter<I: IntoIterator<Item = Option<Place>>>(all: I) -> Self {
        let numbered: Vec<_> = all.into_iter().take(LinkId::LIMIT).collect();
        let numbers = (0..).map_while(LinkId::new).zip(&numbered);
        let mut places: Vec<_> = numbers
            .filter_map(|(id, place)| Some(((*place)?, id)))
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
