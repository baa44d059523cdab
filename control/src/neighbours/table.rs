//! The table of neighbours: who is in it, and what happens to each.

use super::arp::packet;
use super::counter::Counter;
use super::show::Change;
use super::state::{Ask, Event, REQUEST_INTERVAL, State};
use super::{Hop, Neighbours, Output};
use crate::api::messages::NeighbourHappened;
use crate::config::Prefix;
use fastpath::ids::LinkId;
use fastpath::snapshot::Place;
use fastpath::wire::arp::Operation;
use fastpath::wire::{EtherType, Mac};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Neighbours that give way together, so that a flood of newcomers does not cost a search each.
pub(super) const EVICTED_AT_ONCE: usize = 32;
/// Milliseconds for which a link address stays once it was said (Linux's `locktime`).
pub(super) const LOCK_TIME: u64 = 1_000;

/// Neighbours by address.
pub(super) type Table = BTreeMap<Ipv4Addr, Neighbour>;

/// One neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    pub(super) link: LinkId,
    pub(super) state: State,
    /// Of no meaning unless the state is resolved.
    pub(super) mac: Mac,
    /// When the time of the state is over.
    pub(super) deadline: u64,
    /// When the last request went out.
    pub(super) asked_at: Option<u64>,
    /// A request went out and was not answered since.
    pub(super) open: bool,
    /// A request that waits in the queue for its turn; the deadline waits for it.
    pub(super) pending: Option<Ask>,
    /// Until then no other link address is believed.
    pub(super) locked_until: u64,
    /// When it was heard last, or else taken in.
    pub(super) heard_at: u64,
}

impl Neighbour {
    /// Nothing is known of it yet.
    pub(super) const fn new(link: LinkId, now: u64) -> Self {
        Neighbour {
            link,
            state: State::NEW,
            mac: Mac::ZERO,
            deadline: u64::MAX,
            asked_at: None,
            open: false,
            pending: None,
            locked_until: 0,
            heard_at: now,
        }
    }

    pub(super) fn hop(&self) -> Hop {
        self.state.is_resolved().then_some((self.link, self.mac))
    }

    /// What is told when it goes, if its link address was known.
    fn forgotten(&self, address: Ipv4Addr, place: Place) -> Option<Change> {
        let (_, mac) = self.hop()?;
        Some(Change {
            what: NeighbourHappened::Forgotten,
            place,
            address,
            mac: Some(mac),
            state: self.state.into(),
        })
    }

    /// A reply would be an answer.
    pub(super) const fn is_asked(&self) -> bool {
        self.open && self.state.is_asking()
    }

    fn was_just_asked(&self, now: u64) -> bool {
        self.asked_at
            .is_some_and(|at| now < at.saturating_add(REQUEST_INTERVAL))
    }
}

/// What is told of a neighbour whose hop was `before`.
fn happened(before: Hop, hop: Hop, failed: bool) -> Option<NeighbourHappened> {
    match (before, hop) {
        _ if failed => Some(NeighbourHappened::Failed),
        (None, Some(_)) => Some(NeighbourHappened::Resolved),
        (Some(before), Some(hop)) if before != hop => Some(NeighbourHappened::Changed),
        _ => None,
    }
}

impl Neighbours {
    /// Takes in a wanted neighbour, if it is on a link, and asks for it.
    pub(super) fn place(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        let Some(there) = self.routes.on_link(address) else {
            return;
        };
        if self.insert(address, there.link, now) {
            self.apply(address, Event::Needed, None, now, out);
        } else {
            self.waiting = true;
        }
    }

    /// Takes in wanted neighbours that had no room, while there is some.
    pub(super) fn place_waiting(&mut self, now: u64, out: &mut Vec<Output>) {
        self.waiting = false;
        let needed = self.ways.needed();
        let homeless = needed.filter(|address| !self.table.contains_key(address));
        for address in homeless.collect::<Vec<_>>() {
            self.place(address, now, out);
            if self.waiting {
                break;
            }
        }
    }

    /// Takes in a neighbour of which nothing is known yet. `false` if there is no room: those that
    /// are set by hand take none.
    pub(super) fn insert(&mut self, address: Ipv4Addr, link: LinkId, now: u64) -> bool {
        let found_out = self.table.len() - self.permanent.placed;
        if found_out >= Self::MAX && !self.evict() {
            self.counters.count(Counter::NeighbourTableFull);
            return false;
        }
        self.table.insert(address, Neighbour::new(link, now));
        true
    }

    /// Makes room. `false` if all neighbours are wanted.
    fn evict(&mut self) -> bool {
        if self.full {
            return false;
        }
        let table = self.table.iter();
        let unwanted =
            table.filter(|(address, who)| !who.state.is_permanent() && !self.ways.needs(**address));
        let mut unwanted: Vec<_> = unwanted.map(|(at, who)| (who.heard_at, *at)).collect();
        unwanted.sort_unstable();
        for (_, address) in unwanted.iter().take(EVICTED_AT_ONCE) {
            self.counters.count(Counter::NeighbourEvicted);
            self.remove(*address);
        }
        self.full = unwanted.is_empty();
        !self.full
    }

    /// Somebody went or is not wanted any more.
    pub(super) fn make_room(&mut self) {
        self.full = false;
        if self.waiting {
            self.due = 0;
        }
    }

    fn remove(&mut self, address: Ipv4Addr) {
        let Some(gone) = self.table.remove(&address) else {
            return;
        };
        if gone.state.is_permanent() {
            self.permanent.placed -= 1;
        }
        if gone.pending.is_some() {
            self.unqueue(address);
        }
        if let Some(link) = self.links.get(gone.link) {
            let place = link.place;
            self.news.note_some(|| gone.forgotten(address, place));
        }
    }

    /// Tells those on a link that is about to go, while it has a name.
    pub(super) fn tell_forgotten(&mut self, link: LinkId) {
        let Some(place) = self.links.get(link).map(|link| link.place) else {
            return;
        };
        let on_link = self.table.iter().filter(|(_, who)| who.link == link);
        for (address, who) in on_link {
            self.news.note_some(|| who.forgotten(*address, place));
        }
    }

    fn unqueue(&mut self, address: Ipv4Addr) {
        self.queue.retain(|waiting| *waiting != address);
    }

    /// Forgets the neighbours in `prefix` that are not on the link where they were.
    pub(super) fn forget_moved(&mut self, prefix: Prefix) {
        let from = self.table.range(prefix.network()..);
        let within = from.take_while(|(address, _)| prefix.contains(**address));
        let moved = within.filter(|(address, neighbour)| {
            let there = self.routes.on_link(**address);
            there.map(|there| there.link) != Some(neighbour.link)
        });
        for address in moved.map(|(address, _)| *address).collect::<Vec<_>>() {
            self.remove(address);
        }
        self.make_room();
    }

    /// Lets `event` happen to a neighbour; `mac` is the link address that it said it has.
    pub(super) fn apply(
        &mut self,
        address: Ipv4Addr,
        event: Event,
        mac: Option<Mac>,
        now: u64,
        out: &mut Vec<Output>,
    ) {
        let wanted = self.ways.needs(address);
        let Some(neighbour) = self.table.get_mut(&address) else {
            return;
        };
        let step = neighbour.state.next(event, wanted);
        let Some(state) = step.state else {
            self.remove(address);
            self.make_room();
            return;
        };
        let early = neighbour.was_just_asked(now);
        // Packets that wait, and doubts, must not keep the timer from running out.
        if matches!(event, Event::Needed | Event::Doubted) && state == neighbour.state {
            return;
        }
        if early && event == Event::Needed && neighbour.state == State::Failed {
            return self.counters.count(Counter::ArpRequestSuppressed);
        }
        let (before, was_failed) = (neighbour.hop(), neighbour.state == State::Failed);
        if state.is_permanent() && !neighbour.state.is_permanent() {
            self.permanent.placed += 1;
        }
        neighbour.state = state;
        neighbour.mac = mac.unwrap_or(neighbour.mac);
        neighbour.deadline = now.saturating_add(state.patience());
        let hop = neighbour.hop();
        if event == Event::Answered {
            neighbour.open = false;
        }
        if event == Event::Answered || before != hop {
            neighbour.locked_until = now.saturating_add(LOCK_TIME);
        }
        self.due = self.due.min(neighbour.deadline);
        if before.is_some() && hop.is_some() && before != hop {
            self.counters.count(Counter::NeighbourMoved);
        }
        if let Some(place) = self.links.get(neighbour.link).map(|link| link.place)
            && let Some(what) = happened(before, hop, !was_failed && state == State::Failed)
        {
            self.news.note(|| Change {
                what,
                place,
                address,
                mac: hop.map(|(_, mac)| mac),
                state: state.into(),
            });
        }
        if before != hop {
            self.tell_users(address, out);
        }
        match step.ask {
            Some(_) if early => self.counters.count(Counter::ArpRequestSuppressed),
            Some(ask) => self.ask(address, ask, now, out),
            None => self.ask_no_more(address),
        }
    }

    /// Asks, now or when the others before it have been asked.
    fn ask(&mut self, address: Ipv4Addr, ask: Ask, now: u64, out: &mut Vec<Output>) {
        let Some(neighbour) = self.table.get_mut(&address) else {
            return;
        };
        neighbour.deadline = u64::MAX;
        if neighbour.pending.replace(ask).is_some() {
            return;
        }
        self.queue.push_back(address);
        if self.queue.len() > 1 {
            self.counters.count(Counter::ArpRequestDelayed);
        }
        self.send_requests(now, out);
    }

    fn ask_no_more(&mut self, address: Ipv4Addr) {
        let neighbour = self.table.get_mut(&address);
        if neighbour.is_some_and(|neighbour| neighbour.pending.take().is_some()) {
            self.unqueue(address);
        }
    }

    /// Sends the requests whose turn it is: in order, so that everybody is asked.
    pub(super) fn send_requests(&mut self, now: u64, out: &mut Vec<Output>) {
        while let Some(address) = self.queue.front().copied() {
            if self.ways.needs(address) && !self.limits.requests.take(now) {
                self.due = self.due.min(self.limits.requests.ready());
                return;
            }
            self.queue.pop_front();
            self.send_request(address, now, out);
        }
    }

    /// Sends the request that waits. An unwanted neighbour is asked nothing.
    fn send_request(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        let wanted = self.ways.needs(address);
        let Some(neighbour) = self.table.get_mut(&address) else {
            return;
        };
        let ask = neighbour.pending.take();
        neighbour.deadline = now.saturating_add(neighbour.state.patience());
        self.due = self.due.min(neighbour.deadline);
        let there = self.routes.on_link(address);
        let (Some(ask), Some(there), true) = (ask, there, wanted) else {
            return;
        };
        let Some(link) = self.links.get(there.link) else {
            return;
        };
        (neighbour.asked_at, neighbour.open) = (Some(now), true);
        let to = match ask {
            Ask::Broadcast => Mac::BROADCAST,
            Ask::Unicast => neighbour.mac,
        };
        let target = (Mac::ZERO, address);
        let request = packet(Operation::REQUEST, (link.mac, there.own), target);
        self.counters.count(Counter::ArpRequestSent);
        out.push(link.send(to, EtherType::ARP, &request));
    }
}
