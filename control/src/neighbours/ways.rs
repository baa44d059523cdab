//! Who leads to each wanted destination, and to whom each neighbour leads.

use super::state::Event;
use super::table::{Neighbour, Table};
use super::{Hops, Neighbours, Output};
use crate::config::Prefix;
use crate::routes::Gateways;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// A destination that somebody needs.
#[derive(Clone, Debug, Default)]
struct Way {
    /// How many need it.
    wants: u32,
    via: Gateways,
    /// What the caller knows.
    told: Hops,
}

/// All wanted destinations, and the index from neighbours to them. As many as the caller wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    destinations: BTreeMap<Ipv4Addr, Way>,
    /// By neighbour, the destinations that it leads to; never an empty set.
    users: BTreeMap<Ipv4Addr, BTreeSet<Ipv4Addr>>,
}

impl Ways {
    pub(super) const fn new() -> Self {
        Ways {
            destinations: BTreeMap::new(),
            users: BTreeMap::new(),
        }
    }

    /// `true` if nobody has wanted it so far.
    pub(super) fn want(&mut self, destination: Ipv4Addr) -> bool {
        let way = self.destinations.entry(destination).or_default();
        way.wants = way.wants.saturating_add(1);
        way.wants == 1
    }

    /// `true` if nobody wants it any more.
    pub(super) fn unwant(&mut self, destination: Ipv4Addr) -> bool {
        let Some(way) = self.destinations.get_mut(&destination) else {
            return false;
        };
        way.wants -= 1;
        let last = way.wants == 0;
        if last {
            self.lead(destination, Gateways::new());
            self.destinations.remove(&destination);
        }
        last
    }

    /// From now on `via` leads to `destination`.
    pub(super) fn lead(&mut self, destination: Ipv4Addr, via: Gateways) {
        let Some(way) = self.destinations.get_mut(&destination) else {
            return;
        };
        let before = std::mem::replace(&mut way.via, via.clone());
        for neighbour in before.iter().filter(|before| !via.contains(before)) {
            if let Some(users) = self.users.get_mut(neighbour) {
                users.remove(&destination);
                if users.is_empty() {
                    self.users.remove(neighbour);
                }
            }
        }
        for neighbour in via {
            let users = self.users.entry(neighbour).or_default();
            users.insert(destination);
        }
    }

    /// Somebody needs this neighbour.
    pub(super) fn needs(&self, neighbour: Ipv4Addr) -> bool {
        self.users.contains_key(&neighbour)
    }

    /// All neighbours that somebody needs.
    pub(super) fn needed(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.users.keys().copied()
    }

    /// Who leads to `destination`; nobody if it is not wanted.
    pub(super) fn via(&self, destination: Ipv4Addr) -> Gateways {
        let way = self.destinations.get(&destination);
        way.map(|way| way.via.clone()).unwrap_or_default()
    }

    /// Wanted destinations in `prefix`.
    pub(super) fn within(&self, prefix: Prefix) -> impl Iterator<Item = Ipv4Addr> + '_ {
        let from = self.destinations.range(prefix.network()..);
        from.map(|(destination, _)| *destination)
            .take_while(move |destination| prefix.contains(*destination))
    }
}

impl Neighbours {
    /// Finds out who leads to these destinations, takes in those that are new, and tells of what
    /// changed.
    pub(super) fn lead(
        &mut self,
        destinations: &BTreeSet<Ipv4Addr>,
        now: u64,
        out: &mut Vec<Output>,
    ) {
        for destination in destinations {
            let via = self.routes.resolve(*destination);
            self.ways.lead(*destination, via);
        }
        // Some may have been given up.
        self.make_room();
        let via = destinations.iter().flat_map(|to| self.ways.via(*to));
        for neighbour in via.collect::<BTreeSet<_>>() {
            if self.table.contains_key(&neighbour) {
                self.apply(neighbour, Event::Needed, None, now, out);
            } else {
                self.place(neighbour, now, out);
            }
        }
        for destination in destinations {
            self.tell(*destination, out);
        }
    }

    /// A neighbour changed: tells of each destination that it leads to.
    pub(super) fn tell_users(&mut self, neighbour: Ipv4Addr, out: &mut Vec<Output>) {
        let Some(users) = self.ways.users.get(&neighbour) else {
            return;
        };
        for destination in users {
            if let Some(way) = self.ways.destinations.get_mut(destination) {
                let hops = hops(&self.table, &way.via);
                out.extend(way.changed(*destination, hops));
            }
        }
    }

    fn tell(&mut self, destination: Ipv4Addr, out: &mut Vec<Output>) {
        if let Some(way) = self.ways.destinations.get_mut(&destination) {
            let hops = hops(&self.table, &way.via);
            out.extend(way.changed(destination, hops));
        }
    }

    pub(super) fn hops(&self, destination: Ipv4Addr) -> Hops {
        hops(&self.table, &self.ways.via(destination))
    }
}

impl Way {
    fn changed(&mut self, destination: Ipv4Addr, hops: Hops) -> Option<Output> {
        if self.told == hops {
            return None;
        }
        self.told.clone_from(&hops);
        Some(Output::Way { destination, hops })
    }
}

fn hops(table: &Table, via: &Gateways) -> Hops {
    let hop = |neighbour| table.get(neighbour).and_then(Neighbour::hop);
    via.iter().map(hop).collect()
}
