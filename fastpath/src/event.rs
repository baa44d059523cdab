//! What workers ask of control: learn this station, find the way to that remote.
//!
//! The queue is bounded. If it is full the event is lost, which its sender counts; the next packet
//! that needs it asks again. Forwarding never waits for control.

use crate::ids::{BridgeId, PortId, RemoteId, TunnelId};
use crate::offload::Lie;
use crate::wire::Mac;
use crossbeam_queue::ArrayQueue;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Events that a queue holds unless told otherwise.
pub const DEFAULT_EVENTS: usize = 4096;

/// Where a frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A port of the bridge.
    Port(PortId),
    /// A remote that has a record.
    Remote(RemoteId),
    /// A remote that has none yet, of a tunnel that takes frames from anyone.
    Unknown {
        /// The tunnel that it sent to.
        tunnel: TunnelId,
        /// Its outer source address.
        address: Ipv4Addr,
    },
}

/// A request to control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A station that the forwarding table does not know, or knows elsewhere.
    Seen {
        /// The bridge it was seen in.
        bridge: BridgeId,
        /// The station.
        mac: Mac,
        /// Where its frame came from.
        from: Origin,
    },
    /// A packet for a remote whose next hop is not known.
    Unresolved {
        /// The remote.
        remote: RemoteId,
    },
    /// The NIC behind a port said of a packet what is not so.
    Lied {
        /// The port.
        port: PortId,
        /// What it said.
        lie: Lie,
    },
}

/// The sending end: one clone for each worker.
#[derive(Clone, Debug)]
pub struct EventSender {
    queue: Arc<ArrayQueue<Event>>,
}

/// The receiving end. Belongs to control.
#[derive(Debug)]
pub struct EventReceiver {
    queue: Arc<ArrayQueue<Event>>,
}

/// A queue of `capacity` events, at least one.
pub fn channel(capacity: usize) -> (EventSender, EventReceiver) {
    let queue = Arc::new(ArrayQueue::new(capacity.max(1)));
    (
        EventSender {
            queue: Arc::clone(&queue),
        },
        EventReceiver { queue },
    )
}

impl EventSender {
    /// Sends without waiting. `false` if the queue is full: the event is lost, to be counted by
    /// the caller.
    #[must_use = "a lost event is counted"]
    pub fn send(&self, event: Event) -> bool {
        self.queue.push(event).is_ok()
    }
}

impl EventReceiver {
    /// Events that wait now.
    #[cfg(not(loom))]
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes what is there, oldest first, at most `max`, so that a flood of events cannot keep
    /// control from its other work.
    pub fn drain(&mut self, max: usize) -> impl Iterator<Item = Event> {
        std::iter::from_fn(|| self.queue.pop()).take(max)
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;

    fn event(remote: usize) -> Event {
        Event::Unresolved {
            remote: RemoteId::new(remote).unwrap(),
        }
    }

    #[test]
    fn a_full_queue_loses_the_newest() {
        let (sender, mut receiver) = channel(2);
        let other = sender.clone();
        assert!(sender.send(event(1)) && other.send(event(2)));
        assert!(!sender.send(event(3)));
        assert_eq!(receiver.drain(1).collect::<Vec<_>>(), [event(1)]);
        assert!(other.send(event(4)));
        assert_eq!(receiver.drain(9).collect::<Vec<_>>(), [event(2), event(4)]);
        assert_eq!(receiver.drain(9).next(), None);
    }

    #[test]
    fn drain_takes_no_more_than_it_gives() {
        let (sender, mut receiver) = channel(0);
        assert!(sender.send(event(1)) && !sender.send(event(2)));
        drop(receiver.drain(5));
        assert_eq!(receiver.drain(0).count(), 0);
        assert_eq!(receiver.drain(5).collect::<Vec<_>>(), [event(1)]);
    }
}
