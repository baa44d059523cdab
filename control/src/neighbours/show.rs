//! What is shown of neighbours and of our own addresses.

use super::Neighbours;
use super::address::Check;
use crate::api::messages::{self, NeighbourEvent, NeighbourHappened, NeighbourState};
use crate::config::Prefix;
use fastpath::ids::{LinkId, PortId};
use fastpath::snapshot::Place;
use fastpath::wire::{Mac, VlanId};
use std::net::Ipv4Addr;

/// What is known of an address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressState {
    /// In use, but not yet known to be ours alone, or the link is down.
    Tentative,
    /// In use; nobody else has it.
    Preferred,
    /// Not in use: this station has it, or had it when we asked last.
    Duplicate(Mac),
}

/// An address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address and its prefix length.
    pub prefix: Prefix,
    /// The link that has it.
    pub link: LinkId,
    /// Where that is.
    pub place: Place,
    /// What is known of it.
    pub state: AddressState,
}

/// Something that happened to a neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) what: NeighbourHappened,
    pub(super) place: Place,
    pub(super) address: Ipv4Addr,
    pub(super) mac: Option<Mac>,
    pub(super) state: NeighbourState,
}

impl From<Check> for AddressState {
    fn from(check: Check) -> Self {
        match check {
            Check::Idle | Check::Probing { .. } => AddressState::Tentative,
            Check::Announcing | Check::Settled => AddressState::Preferred,
            Check::Taken { by, .. } => AddressState::Duplicate(by),
        }
    }
}

impl Neighbours {
    /// The answer to `neigh.show`, by address. `name` gives the names of ports. Those that are set by
    /// hand are there also while their link is not.
    pub fn show(&self, name: impl Fn(PortId) -> String) -> Vec<messages::Neighbour> {
        let row = |place: Place, address, mac, state| messages::Neighbour {
            port: name(place.port),
            vlan: place.vlan.map(VlanId::get),
            address,
            mac,
            state,
        };
        let found = self.table.iter();
        let found = found.filter(|(_, neighbour)| !neighbour.state.is_permanent());
        let found = found.filter_map(|(address, neighbour)| {
            let place = self.links.get(neighbour.link)?.place;
            let mac = neighbour.hop().map(|(_, mac)| mac);
            Some(row(place, *address, mac, neighbour.state.into()))
        });
        let set = self.permanent().map(|set| {
            let state = NeighbourState::Permanent;
            row(set.place, set.address, Some(set.mac), state)
        });
        let mut rows: Vec<_> = found.chain(set).collect();
        rows.sort_by_key(|row| row.address);
        rows
    }

    /// Somebody wants to hear what happens to neighbours, or nobody does any more.
    pub fn listen(&mut self, listened: bool) {
        self.news.listen(listened);
    }

    /// What happened to neighbours since the last call, and how much more did after it. `name` gives
    /// the names of ports.
    pub fn news(&mut self, name: impl Fn(PortId) -> String) -> (Vec<NeighbourEvent>, u64) {
        let (changes, more) = self.news.take();
        let told = changes.into_iter().map(|change| NeighbourEvent {
            event: change.what,
            neighbour: messages::Neighbour {
                port: name(change.place.port),
                vlan: change.place.vlan.map(VlanId::get),
                address: change.address,
                mac: change.mac,
                state: change.state,
            },
        });
        (told.collect(), more)
    }

    /// All addresses of ours, by link and in the order in which they were given.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.links.iter().flat_map(|(id, link)| {
            link.own.iter().map(move |own| Address {
                prefix: own.prefix,
                link: id,
                place: link.place,
                state: own.check.into(),
            })
        })
    }
}
