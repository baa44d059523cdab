//! Neighbours whose link addresses are set.

use super::draft::Draft;
use super::words::Words;
use crate::config::file::{NOWHERE, NeighbourTable, read_neighbour, read_which_neighbour};
use crate::config::neighbour::Link;
use crate::config::report::Problem;

const PREFIX: &str = "neighbour.";

impl Draft<'_> {
    pub(super) fn neigh_add(&mut self, words: &Words) -> Option<()> {
        let table = self.read(PREFIX, words, read_neighbour);
        self.file.neighbours.push(table);
        Some(())
    }

    pub(super) fn neigh_replace(&mut self, words: &Words) -> Option<()> {
        let table = self.read(PREFIX, words, read_neighbour);
        match self.neighbour(&table) {
            Some(at) => *self.file.neighbours.get_mut(at)? = table,
            None => self.file.neighbours.push(table),
        }
        Some(())
    }

    pub(super) fn neigh_set(&mut self, words: &Words) -> Option<()> {
        let table = self.read(PREFIX, words, read_neighbour);
        let at = self.known_neighbour(&table)?;
        *self.file.neighbours.get_mut(at)? = table;
        Some(())
    }

    pub(super) fn neigh_del(&mut self, words: &Words) -> Option<()> {
        let which = self.read(PREFIX, words, read_which_neighbour);
        let at = self.known_neighbour(&which)?;
        let address = which.address.as_ref()?;
        let known = self.file.neighbours.get(at)?.mac.as_ref()?.value;
        if let Some(mac) = which.mac.filter(|mac| mac.value != known) {
            let text = format!(
                "{} is not that of {}, which is {known}",
                mac.value, address.value
            );
            self.refuse("neighbour.mac", text, "its link address, or nothing");
            return None;
        }
        self.file.neighbours.remove(at);
        Some(())
    }

    /// The place of the one that `which` means, which has to be there.
    fn known_neighbour(&self, which: &NeighbourTable) -> Option<usize> {
        let found = self.neighbour(which);
        if found.is_none() {
            let (port, address) = (which.port.as_ref()?, which.address.as_ref()?);
            let link = Link(&port.value, which.vlan);
            let text = format!("{} is no neighbour of {link} that is set", address.value);
            let problem = Problem::new(&NOWHERE, "neighbour.address", text);
            let here = self.file.neighbours.iter();
            let here = here.filter(|table| is_on(table, &port.value) && table.vlan == which.vlan);
            let here = here.filter_map(|table| Some(table.address.as_ref()?.value.to_string()));
            let names: Vec<String> = here.collect();
            let near = names.iter().map(String::as_str);
            let problem = problem.allowed("one that is permanent: see neigh show");
            let problem = problem.nearest(&address.value.to_string(), near);
            self.report.add(problem);
        }
        found
    }

    /// The place of the one that `table` means.
    fn neighbour(&self, table: &NeighbourTable) -> Option<usize> {
        let (port, address) = (table.port.as_ref()?, table.address.as_ref()?);
        let same = |other: &NeighbourTable| {
            let there = other.address.as_ref().map(|at| at.value);
            is_on(other, &port.value) && other.vlan == table.vlan && there == Some(address.value)
        };
        self.file.neighbours.iter().position(same)
    }

    /// Those of a port go with it.
    pub(super) fn lose_neighbours(&mut self, port: &str) {
        let neighbours = &mut self.file.neighbours;
        neighbours.retain(|table| !is_on(table, port));
    }
}

fn is_on(table: &NeighbourTable, port: &str) -> bool {
    table.port.as_ref().is_some_and(|at| at.value == port)
}
