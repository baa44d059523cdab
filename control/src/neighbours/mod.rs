//! The switch as a host on its underlay links: it asks for the link addresses of those that
//! tunnels lead to (ARP, RFC 826), answers those who ask for its own, and answers ICMP echo
//! requests (RFC 792). IPv4 only; an address is reached if a prefix of a port contains it.
//!
//! Nothing here sends, sleeps or reads a clock. Time is an argument, in milliseconds since any
//! moment the caller likes; frames to send and next hops that changed are pushed to a list of the
//! caller's: at most two [`Output`]s per neighbour and call, and the answer to a frame.
//!
//! ```
//! use control::neighbours::{Neighbours, Output};
//! use fastpath::{ids::PortId, wire::Mac};
//!
//! let (mut neighbours, mut out) = (Neighbours::new(), Vec::new());
//! let port = PortId::new(0).unwrap();
//! let mac = Mac::new([2, 0, 0, 0, 0, 2]);
//! neighbours.add_port(port, mac, &["192.0.2.2/24".parse().unwrap()], 0, &mut out);
//! neighbours.set_link(port, true, 0, &mut out);
//! neighbours.want([192, 0, 2, 1].into(), 0, &mut out);
//! assert!(matches!(&out[..], [Output::Send { .. }]), "an ARP request");
//! ```

mod counter;
mod echo;
mod input;
mod links;
mod state;
mod table;

pub use counter::Counter;

use crate::api::messages;
use crate::config::Prefix;
use counter::Counters;
use fastpath::ids::PortId;
use fastpath::wire::Mac;
use links::Links;
use state::Event;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use table::Neighbour;

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send an Ethernet frame, without frame check sequence and not padded.
    Send {
        /// By this port.
        port: PortId,
        /// From the first byte of the Ethernet header.
        frame: Vec<u8>,
    },
    /// The way to a wanted address is another one now.
    Changed {
        /// The address.
        address: Ipv4Addr,
        /// What [`Neighbours::next_hop`] says now.
        next_hop: Option<(PortId, Mac)>,
    },
}

/// The neighbours on all underlay links. Belongs to one thread.
#[derive(Clone, Debug)]
pub struct Neighbours {
    links: Links,
    table: BTreeMap<Ipv4Addr, Neighbour>,
    /// How many need an address; those on no link are here too, and wait for one.
    wanted: BTreeMap<Ipv4Addr, u32>,
    /// A wanted address found no room.
    waiting: bool,
    /// Nobody can give way: all are wanted, and there are as many as there may be.
    full: bool,
    /// No deadline is before this.
    due: u64,
    counters: Counters,
}

impl Default for Neighbours {
    fn default() -> Self {
        Neighbours::new()
    }
}

impl Neighbours {
    /// The most neighbours that are kept. When there is no room for another one, some give way that
    /// nobody needs, those first that were heard least recently; if all are needed, the newcomer
    /// waits.
    pub const MAX: usize = 1024;

    /// No ports, no neighbours.
    pub const fn new() -> Self {
        Neighbours {
            links: Links::new(),
            table: BTreeMap::new(),
            wanted: BTreeMap::new(),
            waiting: false,
            full: false,
            due: u64::MAX,
            counters: Counters::new(),
        }
    }

    /// Makes `port` an underlay port with link address `mac` and our own addresses `prefixes`, or
    /// changes these. A new port is without link until [`Neighbours::set_link`].
    pub fn add_port(
        &mut self,
        port: PortId,
        mac: Mac,
        prefixes: &[Prefix],
        now: u64,
        out: &mut Vec<Output>,
    ) {
        self.links.set(port, mac, prefixes);
        self.settle(now, out);
    }

    /// `port` is no underlay port any more. Its neighbours are forgotten.
    pub fn remove_port(&mut self, port: PortId, now: u64, out: &mut Vec<Output>) {
        self.links.remove(port);
        self.settle(now, out);
    }

    /// The link of `port` came or went. The neighbours on a link that went are forgotten: they may
    /// be others when it comes back. A port that is not an underlay port is passed over.
    pub fn set_link(&mut self, port: PortId, up: bool, now: u64, out: &mut Vec<Output>) {
        self.links.set_up(port, up);
        self.settle(now, out);
    }

    /// Somebody needs the way to `address` from now on, until as many calls of
    /// [`Neighbours::unwant`]. It is kept up without traffic; an [`Output::Changed`] comes whenever
    /// it is another one than [`Neighbours::next_hop`] says after this call.
    pub fn want(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        *self.wanted.entry(address).or_insert(0) += 1;
        if self.table.contains_key(&address) {
            self.apply(address, Event::Needed, None, now, out);
        } else {
            self.place(address, now, out);
        }
    }

    /// One fewer needs the way to `address`.
    pub fn unwant(&mut self, address: Ipv4Addr) {
        let Some(count) = self.wanted.get_mut(&address) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.wanted.remove(&address);
            self.make_room();
        }
    }

    /// A packet has to go to `address` and cannot. Somebody who does not answer is asked again, at
    /// most once a second. Nothing happens if the address is not wanted.
    pub fn needed(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        if self.wanted.contains_key(&address) {
            self.apply(address, Event::Needed, None, now, out);
        }
    }

    /// The port and link address that lead to `address`, if they are known.
    pub fn next_hop(&self, address: Ipv4Addr) -> Option<(PortId, Mac)> {
        self.table.get(&address)?.next_hop()
    }

    /// Does what is due. To be called at [`Neighbours::next_deadline`] or as often as is convenient;
    /// while nothing is due it costs nothing.
    pub fn tick(&mut self, now: u64, out: &mut Vec<Output>) {
        if now < self.due {
            return;
        }
        if self.waiting && !self.full {
            self.settle(now, out);
        }
        let table = self.table.iter();
        let expired = table.filter(|(_, neighbour)| neighbour.deadline <= now);
        let expired: Vec<Ipv4Addr> = expired.map(|(address, _)| *address).collect();
        for address in expired {
            self.apply(address, Event::Expired, None, now, out);
        }
        let deadlines = self.table.values().map(|neighbour| neighbour.deadline);
        self.due = deadlines.min().unwrap_or(u64::MAX);
    }

    /// A time before which nothing is due, `None` while there are no neighbours.
    pub fn next_deadline(&self) -> Option<u64> {
        (self.due != u64::MAX).then_some(self.due)
    }

    /// How often `counter` has counted.
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }

    /// All counters with their names.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Counter::ALL
            .into_iter()
            .map(|counter| (counter.name(), self.counters.get(counter)))
    }

    /// The answer to `neigh.show`, by address. `name` gives the names of ports.
    pub fn show(&self, name: impl Fn(PortId) -> String) -> Vec<messages::Neighbour> {
        let row = |(address, neighbour): (&Ipv4Addr, &Neighbour)| messages::Neighbour {
            port: name(neighbour.port),
            address: *address,
            mac: neighbour.next_hop().map(|(_, mac)| mac),
            state: neighbour.state.into(),
        };
        self.table.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests;
