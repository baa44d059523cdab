//! Neighbours whose link addresses are set, as they are wanted.

use crate::api::Refused;
use crate::config::Wanted;
use crate::neighbours::{Neighbours, Permanent};
use crate::state::State;
use fastpath::io::Io;
use fastpath::snapshot::Place;
use std::collections::HashSet;

impl<I: Io> State<I> {
    /// Before the links: one that comes with its link is known there from the first moment, and
    /// nobody asks for it.
    pub(super) fn sync_neighbours(&mut self, next: &Wanted) -> Result<(), Refused> {
        let wanted: Vec<Permanent> = next
            .neighbours
            .iter()
            .filter_map(|set| {
                let port = self.ports.by_name(set.port)?;
                let (vlan, address, mac) = (set.vlan, set.address, set.mac);
                let place = Place { port, vlan };
                Some(Permanent {
                    place,
                    address,
                    mac,
                })
            })
            .collect();
        let stay: HashSet<_> = wanted.iter().map(|set| (set.place, set.address)).collect();
        let known: Vec<Permanent> = self.neighbours.permanent().collect();
        for Permanent { place, address, .. } in &known {
            if !stay.contains(&(*place, *address)) {
                let (now, out) = (self.now, &mut self.outbox);
                self.neighbours.unset_permanent(*place, *address, now, out);
            }
        }
        for set in wanted.into_iter().filter(|set| !known.contains(set)) {
            let (now, out) = (self.now, &mut self.outbox);
            if !self.neighbours.set_permanent(set, now, out) {
                let limit = Neighbours::MAX_PERMANENT;
                return Err(Refused(format!("neighbour: there are {limit} already")));
            }
        }
        Ok(())
    }
}
