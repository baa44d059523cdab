//! What workers bring: stations to learn, neighbours to find, packets for the switch itself.

use super::{BATCH, SECOND, State, WorkerEnd};
use crate::waiting::Parked;
use fastpath::event::{Event, Origin};
use fastpath::fdb::Destination;
use fastpath::ids::BridgeId;
use fastpath::io::{Io, Packet};
use fastpath::tx::Why;
use fastpath::wire::Mac;

impl<I: Io> State<I> {
    /// Takes what workers told and handed over.
    pub(super) fn heard(&mut self) -> bool {
        let world = &self.world;
        let over = self.tunnels.passed(|change| world.passed(change));
        let (events, punts) = (self.events(), self.punts());
        // What names a forgotten remote must not be taken for something of its number's next owner:
        // all that workers told before they passed has been heard when the queues are empty, and
        // they have sent all that waited for it when the rings to them are.
        if events < BATCH && punts < BATCH && self.workers.iter().all(WorkerEnd::is_idle) {
            self.tunnels.release(over);
        }
        events + punts > 0
    }

    /// Returns how many there were.
    fn events(&mut self) -> usize {
        let events: Vec<_> = self.events.drain(BATCH).collect();
        for event in &events {
            match *event {
                Event::Seen { bridge, mac, from } => self.seen(bridge, mac, from),
                Event::Unresolved { remote } => self.unresolved(remote),
                Event::Lied { port, lie } => self.lied(port, lie),
            }
        }
        events.len()
    }

    /// An event may be older than the configuration: what it names is looked up again.
    fn seen(&mut self, bridge: BridgeId, mac: Mac, from: Origin) {
        let learns = self.bridges.get(bridge).is_some_and(|b| b.learns());
        let to = match from {
            Origin::Port(id) => {
                let port = self.ports.get(id);
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
                if let Some(id) = self.tunnels.learn(tunnel, address, now) {
                    self.count_anew(id);
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

    /// Returns how many the worker had that had most.
    fn punts(&mut self) -> usize {
        let mut most = 0;
        for worker in 0..self.workers.len() {
            for count in 1..=BATCH {
                let Ok(punt) = self.workers[worker].punts.pop() else {
                    break;
                };
                most = most.max(count);
                let (packet, ingress) = (punt.packet, punt.ingress);
                match punt.why {
                    Why::ForUs => {
                        self.neighbours
                            .input(ingress, packet.head(), self.now, &mut self.outbox)
                    }
                    Why::Unresolved(remote) => self.park(Parked {
                        packet,
                        ingress,
                        remote,
                        worker,
                    }),
                }
            }
        }
        most
    }
}
