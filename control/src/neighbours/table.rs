//! The table of neighbours: who is in it, and what happens to each.

use super::counter::Counter;
use super::state::{Ask, Event, REQUEST_INTERVAL, State};
use super::{Neighbours, Output};
use fastpath::ids::PortId;
use fastpath::wire::Mac;
use fastpath::wire::arp::{self, Arp, Operation};
use fastpath::wire::ethernet::{self, EtherType, Ethernet};
use std::net::Ipv4Addr;

/// Neighbours that give way together, so that a flood of newcomers does not cost a search each.
pub(super) const EVICTED_AT_ONCE: usize = 32;

/// One neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    pub(super) port: PortId,
    pub(super) state: State,
    /// Of no meaning unless the state is resolved.
    pub(super) mac: Mac,
    /// When the time of the state is over.
    pub(super) deadline: u64,
    /// When the last request went out.
    pub(super) asked_at: Option<u64>,
    /// When it was heard last, or else taken in.
    pub(super) heard_at: u64,
}

impl Neighbour {
    pub(super) fn next_hop(&self) -> Option<(PortId, Mac)> {
        self.state.is_resolved().then_some((self.port, self.mac))
    }
}

impl Neighbours {
    /// Links have changed: forgets neighbours that are not where they were, and looks for wanted
    /// ones that have no place.
    pub(super) fn settle(&mut self, now: u64, out: &mut Vec<Output>) {
        self.waiting = false;
        let links = &self.links;
        let gone = |(address, neighbour): &(&Ipv4Addr, &Neighbour)| {
            links.route(**address).map(|(port, _)| port) != Some(neighbour.port)
        };
        let gone: Vec<Ipv4Addr> = self.table.iter().filter(gone).map(|(a, _)| *a).collect();
        for address in gone {
            self.forget(address, out);
        }
        let wanted = self.wanted.keys();
        let homeless = wanted.filter(|address| !self.table.contains_key(address));
        for address in homeless.copied().collect::<Vec<_>>() {
            self.place(address, now, out);
            if self.waiting {
                break;
            }
        }
    }

    /// Takes in a wanted address, if it is on a link, and asks for it.
    pub(super) fn place(&mut self, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        let Some((port, _)) = self.links.route(address) else {
            return;
        };
        if self.insert(address, port, now) {
            self.apply(address, Event::Needed, None, now, out);
        } else {
            self.waiting = true;
        }
    }

    /// Takes in a neighbour of which nothing is known yet. `false` if there is no room.
    pub(super) fn insert(&mut self, address: Ipv4Addr, port: PortId, now: u64) -> bool {
        if self.table.len() >= Self::MAX && !self.evict() {
            self.counters.count(Counter::NeighbourTableFull);
            return false;
        }
        let neighbour = Neighbour {
            port,
            state: State::NEW,
            mac: Mac::ZERO,
            deadline: u64::MAX,
            asked_at: None,
            heard_at: now,
        };
        self.table.insert(address, neighbour);
        true
    }

    /// Makes room. `false` if all neighbours are wanted.
    fn evict(&mut self) -> bool {
        if self.full {
            return false;
        }
        let table = self.table.iter();
        let unwanted = table.filter(|(address, _)| !self.wanted.contains_key(address));
        let mut unwanted: Vec<_> = unwanted.map(|(at, who)| (who.heard_at, *at)).collect();
        unwanted.sort_unstable();
        for (_, address) in unwanted.iter().take(EVICTED_AT_ONCE) {
            self.counters.count(Counter::NeighbourEvicted);
            self.table.remove(address);
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

    fn forget(&mut self, address: Ipv4Addr, out: &mut Vec<Output>) {
        let gone = self.table.remove(&address);
        self.make_room();
        let had_way = gone.is_some_and(|neighbour| neighbour.next_hop().is_some());
        if had_way && self.wanted.contains_key(&address) {
            let next_hop = None;
            out.push(Output::Changed { address, next_hop });
        }
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
        let wanted = self.wanted.contains_key(&address);
        let Some(neighbour) = self.table.get_mut(&address) else {
            return;
        };
        let step = neighbour.state.next(event, wanted);
        let Some(state) = step.state else {
            return self.forget(address, out);
        };
        let early = neighbour
            .asked_at
            .is_some_and(|at| now < at.saturating_add(REQUEST_INTERVAL));
        if event == Event::Needed {
            // Packets that wait must not keep the timer from running out.
            if state == neighbour.state {
                return;
            }
            if early && neighbour.state == State::Failed {
                return self.counters.count(Counter::ArpRequestSuppressed);
            }
        }
        let before = neighbour.next_hop();
        neighbour.state = state;
        neighbour.mac = mac.unwrap_or(neighbour.mac);
        neighbour.deadline = now.saturating_add(state.patience());
        self.due = self.due.min(neighbour.deadline);
        let next_hop = neighbour.next_hop();
        if before.is_some() && next_hop.is_some() && before != next_hop {
            self.counters.count(Counter::NeighbourMoved);
        }
        if wanted && before != next_hop {
            out.push(Output::Changed { address, next_hop });
        }
        match step.ask {
            Some(_) if early => self.counters.count(Counter::ArpRequestSuppressed),
            Some(ask) => self.ask(address, ask, now, out),
            None => {}
        }
    }

    /// Sends a request.
    fn ask(&mut self, address: Ipv4Addr, ask: Ask, now: u64, out: &mut Vec<Output>) {
        let Some((port, own)) = self.links.route(address) else {
            return;
        };
        let (Some(link), Some(neighbour)) = (self.links.get(port), self.table.get_mut(&address))
        else {
            return;
        };
        neighbour.asked_at = Some(now);
        let request = arp::Repr {
            operation: Operation::REQUEST,
            sender_mac: link.mac,
            sender_ip: own,
            target_mac: Mac::ZERO,
            target_ip: address,
        };
        let to = match ask {
            Ask::Broadcast => Mac::BROADCAST,
            Ask::Unicast => neighbour.mac,
        };
        let frame = arp_frame(to, &request);
        self.counters.count(Counter::ArpRequestSent);
        out.push(Output::Send { port, frame });
    }
}

/// An ARP packet in a frame from its sender to `dst`.
pub(super) fn arp_frame(dst: Mac, packet: &arp::Repr) -> Vec<u8> {
    let header = ethernet::Repr {
        dst,
        src: packet.sender_mac,
        ethertype: EtherType::ARP,
    };
    let mut frame = vec![0; ethernet::HEADER_LEN + arp::LEN];
    let (front, back) = frame.split_at_mut(ethernet::HEADER_LEN);
    if let (Some(mut front), Some(mut back)) = (Ethernet::new(front), Arp::new(back)) {
        header.emit(&mut front);
        packet.emit(&mut back);
    }
    frame
}
