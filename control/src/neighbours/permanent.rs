//! Neighbours whose link addresses are set by hand. They outlive their links, and are in the table of
//! neighbours while they are on one.

use super::state::Event;
use super::table::Neighbour;
use super::{Neighbours, Output};
use crate::config::{MAX_NEIGHBOURS, Prefix};
use fastpath::ids::LinkId;
use fastpath::snapshot::Place;
use fastpath::wire::{Mac, VlanId};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A neighbour whose link address is set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permanent {
    /// Where the link is that it is on; there need not be one yet.
    pub place: Place,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its link address.
    pub mac: Mac,
}

/// All that are set by hand, at most [`Neighbours::MAX_PERMANENT`].
#[derive(Clone, Debug, Default)]
pub(super) struct Permanents {
    /// By address and place: links may have a prefix in common. Never an empty map.
    set: BTreeMap<Ipv4Addr, BTreeMap<Place, Mac>>,
    /// How many of them are in the table.
    pub(super) placed: usize,
}

impl Permanents {
    pub(super) const fn new() -> Self {
        Permanents {
            set: BTreeMap::new(),
            placed: 0,
        }
    }

    /// By address.
    pub(super) fn iter(&self) -> impl Iterator<Item = Permanent> + '_ {
        self.set.iter().flat_map(|(address, places)| {
            places.iter().map(|(place, mac)| Permanent {
                place: *place,
                address: *address,
                mac: *mac,
            })
        })
    }

    fn get(&self, place: Place, address: Ipv4Addr) -> Option<Mac> {
        self.set.get(&address)?.get(&place).copied()
    }

    fn remove(&mut self, place: Place, address: Ipv4Addr) -> bool {
        let Some(places) = self.set.get_mut(&address) else {
            return false;
        };
        let gone = places.remove(&place).is_some();
        if places.is_empty() {
            self.set.remove(&address);
        }
        gone
    }

    /// Addresses in `prefix`.
    fn within(&self, prefix: Prefix) -> Vec<Ipv4Addr> {
        let from = self.set.range(prefix.network()..);
        let addresses = from.map(|(address, _)| *address);
        addresses
            .take_while(|address| prefix.contains(*address))
            .collect()
    }
}

/// As links have it.
fn normal(place: Place) -> Place {
    let vlan = place.vlan.filter(|vlan| *vlan != VlanId::NONE);
    Place { vlan, ..place }
}

impl Neighbours {
    /// The most neighbours that are set by hand. They are beside the [`Neighbours::MAX`] that are
    /// found out, and give way to nobody.
    pub const MAX_PERMANENT: usize = MAX_NEIGHBOURS;

    /// Sets the link address of a neighbour by hand, or another one. It is used at once, whatever is
    /// known of the neighbour, and from then on nobody is asked for it or believed who says
    /// otherwise. `false` if too many are set.
    pub fn set_permanent(&mut self, neighbour: Permanent, now: u64, out: &mut Vec<Output>) -> bool {
        let Permanent { address, mac, .. } = neighbour;
        let place = normal(neighbour.place);
        let known = self.permanent.get(place, address).is_some();
        if !known && self.permanent.iter().count() >= Self::MAX_PERMANENT {
            return false;
        }
        let places = self.permanent.set.entry(address).or_default();
        places.insert(place, mac);
        self.follow(address, now, out);
        true
    }

    /// A neighbour is not set by hand any more, and nothing is known of it then: it is asked for as
    /// soon as somebody needs it. `false` if it was not set.
    pub fn unset_permanent(
        &mut self,
        place: Place,
        address: Ipv4Addr,
        now: u64,
        out: &mut Vec<Output>,
    ) -> bool {
        let gone = self.permanent.remove(normal(place), address);
        self.follow(address, now, out);
        gone
    }

    /// All that are set by hand, by address.
    pub fn permanent(&self) -> impl Iterator<Item = Permanent> + '_ {
        self.permanent.iter()
    }

    /// Links in `prefix` came or went: those on them come and go with them.
    pub(super) fn follow_within(&mut self, prefix: Prefix, now: u64, out: &mut Vec<Output>) {
        for address in self.permanent.within(prefix) {
            self.follow(address, now, out);
        }
    }

    /// Brings the table in line with what is set for `address` on the link where it is.
    fn follow(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        match self.set_here(address) {
            Some((link, mac)) => {
                let new = || Neighbour::new(link, now);
                self.table.entry(address).or_insert_with(new);
                self.apply(address, Event::Set, Some(mac), now, out);
                // It has its place beside the others.
                self.make_room();
            }
            None => self.let_go(address, now, out),
        }
    }

    fn set_here(&self, address: Ipv4Addr) -> Option<(LinkId, Mac)> {
        let link = self.routes.on_link(address)?.link;
        let place = self.links.get(link)?.place;
        Some((link, self.permanent.get(place, address)?))
    }

    /// Forgets a neighbour that was set by hand; who needs it has it asked for.
    fn let_go(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        let neighbour = self.table.get(&address);
        if !neighbour.is_some_and(|neighbour| neighbour.state.is_permanent()) {
            return;
        }
        self.apply(address, Event::Unset, None, now, out);
        if self.ways.needs(address) {
            self.place(address, now, out);
            self.tell_users(address, out);
        }
    }
}
