//! What workers bring: stations to learn, neighbours to find, packets for the switch itself.

use super::{BATCH, SECOND, State};
use fastpath::event::{Event, Origin};
use fastpath::fdb::Destination;
use fastpath::ids::BridgeId;
use fastpath::io::{Io, Packet};
use fastpath::wire::Mac;

impl<I: Io> State<I> {
    pub(super) fn events(&mut self) -> bool {
        let world = &self.world;
        let over = self.tunnels.passed(|change| world.passed(change));
        let events: Vec<_> = self.events.drain(BATCH).collect();
        for event in &events {
            match *event {
                Event::Seen { bridge, mac, from } => self.seen(bridge, mac, from),
                Event::Unresolved { remote } => {
                    let address = self.tunnels.remote(remote).map(|remote| remote.address);
                    if let Some(address) = address {
                        self.neighbours.needed(address, self.now, &mut self.outbox);
                    }
                }
            }
        }
        // An event that names a forgotten remote must not be taken for one of its number's next
        // owner: all that workers told before they passed has been heard when the queue is empty.
        if events.len() < BATCH {
            self.tunnels.release(over);
        }
        !events.is_empty()
    }

    /// An event may be older than the configuration: what it names is looked up again.
    fn seen(&mut self, bridge: BridgeId, mac: Mac, from: Origin) {
        let learns = self
            .wanted
            .bridges
            .get(bridge.index())
            .is_some_and(|b| b.learns());
        let to = match from {
            Origin::Port(id) => {
                let port = self.ports.get(id.index());
                let here = port.is_some_and(|port| port.bridge == Some(bridge) && port.is_up());
                here.then_some(Destination::Port(id))
            }
            Origin::Remote(id) => {
                let tunnel = self.tunnels.remote(id).map(|remote| remote.tunnel);
                let place = tunnel.and_then(|tunnel| self.tunnels.describe(tunnel));
                place
                    .is_some_and(|(_, b)| b == bridge)
                    .then_some(Destination::Remote(id))
            }
            // The station itself is learned from its next packet, when workers know the remote.
            Origin::Unknown { tunnel, address } => {
                let now = (self.now / SECOND) as u32;
                if self.tunnels.learn(tunnel, address, now) {
                    self.want(address);
                    self.dirty = true;
                }
                None
            }
        };
        if let Some(to) = to.filter(|_| learns) {
            self.fdb.learn(bridge, mac, to);
        }
    }

    pub(super) fn punts(&mut self) -> bool {
        let mut busy = false;
        for worker in 0..self.workers.len() {
            for _ in 0..BATCH {
                let Ok(punt) = self.workers[worker].punts.pop() else {
                    break;
                };
                busy = true;
                let frame = punt.packet.head();
                self.neighbours
                    .input(punt.ingress, frame, self.now, &mut self.outbox);
            }
        }
        busy
    }
}
