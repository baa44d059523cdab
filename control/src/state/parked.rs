//! Packets that workers could not send, because nobody on the way to a remote was known yet.

use super::State;
use crate::waiting::Parked;
use fastpath::drop::DropReason;
use fastpath::ids::{PortId, RemoteId};
use fastpath::io::Io;
use fastpath::snapshot::Way;
use fastpath::tx::{Handoff, HandoffTo, Why, drop_waiting};
use rtrb::PushError;
use std::net::Ipv4Addr;

impl<I: Io> State<I> {
    /// Keeps a packet until the way to its remote is known, and asks for the way.
    pub(super) fn park(&mut self, parked: Parked<I::Packet>) {
        let remote = parked.remote;
        let Some(address) = self.address_of(remote) else {
            return self.give_up(&parked, DropReason::NeighbourUnresolved);
        };
        self.neighbours.needed(address, self.now, &mut self.outbox);
        let neighbour = self.waits_for(address);
        if let Err(parked) = self.waiting.park(neighbour, self.now, parked) {
            self.give_up(&parked, DropReason::NeighbourUnresolved);
        }
        if !self.waiting.has_room(neighbour) {
            self.waiting.shut(remote, neighbour);
            self.set_hold(remote, false);
        }
        // It may have become known while the packet was on its way here.
        if self.has_way(remote) {
            self.release(remote);
        }
    }

    /// A packet was dropped for want of a way: control asks for it.
    pub(super) fn unresolved(&mut self, remote: RemoteId) {
        if let Some(address) = self.address_of(remote) {
            self.neighbours.needed(address, self.now, &mut self.outbox);
        }
    }

    /// The way to a remote is known: what waited for it goes back to the workers that gave it.
    pub(super) fn release(&mut self, remote: RemoteId) {
        let released = self.waiting.release(remote);
        let news = !released.is_empty();
        for parked in released {
            let ingress = parked.ingress;
            let handoff = Handoff {
                packet: parked.packet,
                to: HandoffTo::Remote { ingress, remote },
            };
            let ring = &mut self.workers[parked.worker].handoff;
            if let Err(PushError::Full(Handoff { packet, .. })) = ring.push(handoff) {
                self.lose(ingress, &packet, DropReason::HandoffFull);
            }
        }
        if news {
            self.open();
        }
    }

    /// Drops what waited in vain.
    pub(super) fn lose_patience(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let expired = self.waiting.expire(self.now);
        if expired.is_empty() {
            return;
        }
        for parked in expired {
            self.give_up(&parked, DropReason::NeighbourUnresolved);
        }
        self.open();
    }

    /// There is room again: remotes that were shut for want of it keep packets from now on.
    fn open(&mut self) {
        for remote in self.waiting.open() {
            self.set_hold(remote, true);
        }
    }

    /// Drops what waits for a remote that is forgotten.
    pub(super) fn give_up_remote(&mut self, remote: RemoteId) {
        for parked in self.waiting.release(remote) {
            self.give_up(&parked, DropReason::NeighbourUnresolved);
        }
        self.waiting.forget(remote);
        self.open();
    }

    /// Drops all that waits, here and in the rings, at the end.
    pub(super) fn empty_waiting(&mut self) {
        for parked in self.waiting.drain() {
            self.give_up(&parked, DropReason::Shutdown);
        }
        for worker in &mut self.workers {
            while let Ok(punt) = worker.punts.pop() {
                if matches!(punt.why, Why::Unresolved(_)) {
                    let (stats, watch) = (&self.own, &mut self.watch);
                    let reason = DropReason::Shutdown;
                    drop_waiting(punt.ingress, &punt.packet, reason, stats, watch);
                }
            }
        }
    }

    fn give_up(&mut self, parked: &Parked<I::Packet>, reason: DropReason) {
        self.lose(parked.ingress, &parked.packet, reason);
    }

    fn lose(&mut self, ingress: PortId, packet: &I::Packet, reason: DropReason) {
        drop_waiting(ingress, packet, reason, &self.own, &mut self.watch);
    }

    fn address_of(&self, remote: RemoteId) -> Option<Ipv4Addr> {
        self.tunnels.remote(remote).map(|remote| remote.address)
    }

    /// The neighbour that packets for `address` wait for.
    fn waits_for(&self, address: Ipv4Addr) -> Ipv4Addr {
        self.neighbours.waits_for(address).unwrap_or(address)
    }

    fn has_way(&self, remote: RemoteId) -> bool {
        let remote = self.tunnels.remote(remote);
        remote.is_some_and(|remote| remote.next_hops.pick(0).is_ok())
    }

    fn set_hold(&self, remote: RemoteId, hold: bool) {
        if let Some(remote) = self.tunnels.remote(remote) {
            let way = remote.next_hops.way();
            remote.next_hops.set_way(Way { hold, ..way });
        }
    }
}
