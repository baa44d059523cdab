//! The switch as a host of its underlay links: it asks for the link addresses of those that lead to
//! the remotes of tunnels (ARP, RFC 826), answers those who ask for its own addresses, makes sure
//! that nobody else has them (RFC 5227), answers ICMP echo requests and reads ICMP errors (RFC 792).
//! IPv4 only.
//!
//! Nothing here sends, sleeps or reads a clock. Time is an argument, in milliseconds since any
//! moment the caller likes; what the caller is to do is pushed to a list of the caller's.
//!
//! ```text
//!                 routes.rs          ways.rs             table.rs, state.rs
//!  destination --> gateways --> next-hop neighbours --> link and MAC of each
//!                     ^                                           ^
//!  links.rs, addresses.rs: links that are up,       permanent.rs: those that are
//!           addresses that are ours alone           set by hand
//! ```
//!
//! ```
//! use control::neighbours::{LinkSettings, Neighbours, Output};
//! use fastpath::ids::{LinkId, PortId};
//! use fastpath::snapshot::Place;
//! use fastpath::wire::Mac;
//!
//! let (mut neighbours, mut out) = (Neighbours::new(), Vec::new());
//! let link = LinkId::new(0).unwrap();
//! let settings = LinkSettings {
//!     place: Place { port: PortId::new(0).unwrap(), vlan: None },
//!     mac: Mac::new([2, 0, 0, 0, 0, 2]),
//!     prefixes: &["192.0.2.2/24".parse().unwrap()],
//! };
//! neighbours.add_link(link, settings, 0, &mut out);
//! neighbours.set_link_up(link, true, 0, &mut out);
//! assert!(matches!(&out[..], [Output::Send { .. }]), "a probe for our own address");
//! neighbours.add_route("0.0.0.0/0".parse().unwrap(), &[[192, 0, 2, 1].into()], 0, &mut out)?;
//! out.clear();
//! neighbours.want([198, 51, 100, 1].into(), 0, &mut out);
//! assert!(matches!(&out[0], Output::Send { .. }), "an ARP request to the gateway");
//! assert!(matches!(&out[1], Output::Way { hops, .. } if hops[..] == [None]), "not resolved yet");
//! # Ok::<(), control::routes::RouteError>(())
//! ```

mod address;
mod addresses;
mod arp;
mod counter;
mod frame;
mod icmp;
mod input;
mod links;
mod permanent;
mod show;
mod state;
mod table;
mod ways;

pub use counter::Counter;
pub use icmp::TunnelError;
pub use permanent::Permanent;
pub use show::{Address, AddressState};

use crate::bucket::Bucket;
use crate::config::Prefix;
use crate::news::News;
use crate::routes::{Gateways, Route, RouteError, Routes};
use arrayvec::ArrayVec;
use counter::Counters;
use fastpath::ids::{LinkId, PortId};
use fastpath::snapshot::{MAX_PATHS, Place};
use fastpath::wire::Mac;
use links::Links;
use permanent::Permanents;
use state::Event;
use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use table::{Neighbour, Table};
use ways::Ways;

/// An address on a link of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnLink {
    /// Where the link is.
    pub place: Place,
    /// The MAC of who has the address, if it is known.
    pub mac: Option<Mac>,
}

/// A neighbour that leads to a destination: its link and MAC, `None` while it is not resolved.
pub type Hop = Option<(LinkId, Mac)>;

/// All neighbours that lead to a destination, in the order of the route.
pub type Hops = ArrayVec<Hop, MAX_PATHS>;

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send an Ethernet frame, without frame check sequence and not padded.
    Send {
        /// By this port.
        port: PortId,
        /// From the first byte of the Ethernet header, with the tag of its link.
        frame: Vec<u8>,
    },
    /// The way to a wanted destination is another one now.
    Way {
        /// The destination.
        destination: Ipv4Addr,
        /// What [`Neighbours::way`] says now. Empty: there is no route.
        hops: Hops,
    },
    /// An address of ours is in use no more, because another station has it, or is in use again.
    Address {
        /// The link that has it.
        link: LinkId,
        /// The address.
        address: Ipv4Addr,
        /// It may be sent from, and we answer for it.
        usable: bool,
        /// Who has it; `None` if it is usable.
        taken_by: Option<Mac>,
    },
    /// Another station has an address of ours too, and we keep it. For the log; at most once in 10 s
    /// for an address.
    Conflict {
        /// The link.
        link: LinkId,
        /// The address.
        address: Ipv4Addr,
        /// The station.
        by: Mac,
    },
    /// Somebody says that a UDP packet from an address of ours did not arrive.
    Error(TunnelError),
}

/// What a link is.
#[derive(Clone, Copy, Debug)]
pub struct LinkSettings<'a> {
    /// Where it is. No two links have the same place.
    pub place: Place,
    /// Our link address.
    pub mac: Mac,
    /// Our own addresses. No two links have one in common.
    pub prefixes: &'a [Prefix],
}

/// How much is sent and passed on at most, whatever comes in. By the second, and at once.
#[derive(Clone, Debug)]
struct Limits {
    /// ARP requests to neighbours. A full table is asked in two seconds.
    requests: Bucket,
    /// Probes and announcements of our own addresses.
    announcements: Bucket,
    /// ARP replies.
    replies: Bucket,
    /// ICMP echo replies; as many as Linux sends errors (`icmp_msgs_per_sec`).
    echoes: Bucket,
    /// ICMP errors.
    errors: Bucket,
}

impl Limits {
    const fn new() -> Self {
        Limits {
            requests: Bucket::new(500, 50),
            announcements: Bucket::new(500, 50),
            replies: Bucket::new(1_000, 100),
            echoes: Bucket::new(1_000, 100),
            errors: Bucket::new(100, 50),
        }
    }
}

/// The neighbours on all underlay links. Belongs to one thread.
#[derive(Clone, Debug)]
pub struct Neighbours {
    links: Links,
    routes: Routes,
    ways: Ways,
    table: Table,
    permanent: Permanents,
    /// Neighbours whose request waits for its turn, each once.
    queue: VecDeque<Ipv4Addr>,
    limits: Limits,
    /// A wanted neighbour found no room.
    waiting: bool,
    /// Nobody can give way: all are wanted, and there are as many as there may be.
    full: bool,
    /// No deadline is before this.
    due: u64,
    counters: Counters,
    /// What happened to neighbours.
    news: News<show::Change>,
}

impl Default for Neighbours {
    fn default() -> Self {
        Neighbours::new()
    }
}

impl Neighbours {
    /// The most neighbours that are kept of those that are found out. When there is no room for
    /// another one, some give way that nobody needs, those first that were heard least recently; if
    /// all are needed, the newcomer waits.
    pub const MAX: usize = 1024;

    /// No links, no neighbours.
    pub const fn new() -> Self {
        Neighbours {
            links: Links::new(),
            routes: Routes::new(),
            ways: Ways::new(),
            table: Table::new(),
            permanent: Permanents::new(),
            queue: VecDeque::new(),
            limits: Limits::new(),
            waiting: false,
            full: false,
            due: u64::MAX,
            counters: Counters::new(),
            news: News::new(),
        }
    }

    /// Puts a link in, or changes one. A new link is down until [`Neighbours::set_link_up`].
    pub fn add_link(
        &mut self,
        link: LinkId,
        settings: LinkSettings<'_>,
        now: u64,
        out: &mut Vec<Output>,
    ) {
        let changed = self.put_link(link, settings, now);
        self.settle(&changed, now, out);
        self.check_addresses(now, out);
    }

    /// Takes a link away. Its neighbours are forgotten.
    pub fn remove_link(&mut self, link: LinkId, now: u64, out: &mut Vec<Output>) {
        self.tell_forgotten(link);
        if let Some(gone) = self.links.remove(link) {
            let changed = self.unlink(link, &gone);
            self.settle(&changed, now, out);
        }
    }

    /// A link came or went. Its addresses are used from the first moment, and probed; one that
    /// another station had stays out of use until probes stay unanswered. The neighbours on a link
    /// that went are forgotten: they may be others when it comes back. A link that there is not is
    /// passed over.
    pub fn set_link_up(&mut self, link: LinkId, up: bool, now: u64, out: &mut Vec<Output>) {
        if !self.links.set_up(link, up, now) {
            return;
        }
        let changed = self.link_routes(link);
        self.settle(&changed, now, out);
        self.check_addresses(now, out);
    }

    /// Adds a static route, or gives one other gateways. Host bits of `to` do not count.
    ///
    /// # Errors
    /// If the gateways make no route, or there are too many routes.
    pub fn add_route(
        &mut self,
        to: Prefix,
        via: &[Ipv4Addr],
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), RouteError> {
        self.routes.add(to, via)?;
        self.reroute(to, now, out);
        Ok(())
    }

    /// Removes a static route. `false` if there is none.
    pub fn del_route(&mut self, to: Prefix, now: u64, out: &mut Vec<Output>) -> bool {
        let gone = self.routes.del(to);
        self.reroute(to, now, out);
        gone
    }

    fn reroute(&mut self, to: Prefix, now: u64, out: &mut Vec<Output>) {
        let destinations = self.ways.within(to).collect();
        self.lead(&destinations, now, out);
    }

    /// All static routes, the longest prefixes first.
    pub fn routes(&self) -> impl Iterator<Item = Route> + '_ {
        self.routes.iter()
    }

    /// Somebody needs the way to `destination` from now on, until as many calls of
    /// [`Neighbours::unwant`]. It is kept up without traffic; an [`Output::Way`] comes whenever
    /// it is another one. The first is empty, and is not told.
    pub fn want(&mut self, destination: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        if self.ways.want(destination) {
            self.lead(&BTreeSet::from([destination]), now, out);
        } else {
            self.needed(destination, now, out);
        }
    }

    /// One fewer needs the way to `destination`.
    pub fn unwant(&mut self, destination: Ipv4Addr) {
        if self.ways.unwant(destination) {
            self.make_room();
        }
    }

    /// A packet has to go to `destination` and cannot. Gateways that do not answer are asked again,
    /// each at most once a second. Nothing happens if the destination is not wanted.
    pub fn needed(&mut self, destination: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        for neighbour in self.ways.via(destination) {
            self.apply(neighbour, Event::Needed, None, now, out);
        }
    }

    /// Who leads to a wanted `destination`. Empty: there is no route, or nobody wants it.
    pub fn way(&self, destination: Ipv4Addr) -> Hops {
        self.hops(destination)
    }

    /// The neighbours that lead to a wanted `destination`, in the order of [`Neighbours::way`].
    pub fn leading_to(&self, destination: Ipv4Addr) -> Gateways {
        self.ways.via(destination)
    }

    /// The network of the route to `destination`, wanted or not.
    pub fn route_to(&self, destination: Ipv4Addr) -> Option<Prefix> {
        self.routes.find(destination).map(|(to, _)| to)
    }

    /// Where an address is that is on a link of ours, and its MAC there if it is known. `None` while
    /// that link is down.
    pub fn on_link(&self, address: Ipv4Addr) -> Option<OnLink> {
        let link = self.routes.on_link(address)?.link;
        let place = self.links.get(link)?.place;
        let neighbour = self.table.get(&address);
        let mac = neighbour.and_then(Neighbour::hop).map(|(_, mac)| mac);
        Some(OnLink { place, mac })
    }

    /// The first of the neighbours that lead to a wanted `destination`: whose answer packets wait
    /// for.
    pub fn waits_for(&self, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        self.ways.via(destination).first().copied()
    }

    /// Does what is due. To be called at [`Neighbours::next_deadline`] or as often as is convenient;
    /// while nothing is due it costs nothing.
    pub fn tick(&mut self, now: u64, out: &mut Vec<Output>) {
        if now < self.due {
            return;
        }
        self.due = u64::MAX;
        if self.waiting && !self.full {
            self.place_waiting(now, out);
        }
        self.check_addresses(now, out);
        self.send_requests(now, out);
        let table = self.table.iter();
        let expired = table.filter(|(_, neighbour)| neighbour.deadline <= now);
        let expired: Vec<Ipv4Addr> = expired.map(|(address, _)| *address).collect();
        for address in expired {
            self.apply(address, Event::Expired, None, now, out);
        }
        let deadlines = self.table.values().map(|neighbour| neighbour.deadline);
        let own = self.links.iter().flat_map(|(_, link)| &link.own);
        let deadlines = deadlines.chain(own.map(|own| own.due).filter(|due| *due > now));
        self.due = deadlines.fold(self.due, u64::min);
    }

    /// A time before which nothing is due, `None` if nothing ever will be.
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
}

#[cfg(test)]
mod tests;
