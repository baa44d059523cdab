//! From the state thread to a client that listens: a bounded queue, and a count of what it had no
//! room for.

use super::messages::{Event, EventKinds, Subscribed, What};
use serde::{Serialize, Serializer};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Most clients that listen at one time.
pub const LISTENERS: usize = 8;

/// State's end. Never waits for the client.
#[derive(Debug)]
pub struct Subscriber {
    kinds: EventKinds,
    to: mpsc::Sender<Arc<Event>>,
    missed: u64,
}

/// The client's end. Dropped, it ends the subscription. As text it is [`Subscribed`].
#[derive(Debug)]
pub struct Subscription {
    kinds: EventKinds,
    pub(super) events: mpsc::Receiver<Arc<Event>>,
}

/// A queue of at most `capacity` events of these kinds.
pub fn subscription(kinds: EventKinds, capacity: usize) -> (Subscriber, Subscription) {
    let (to, events) = mpsc::channel(capacity.max(1));
    let subscriber = Subscriber {
        kinds,
        to,
        missed: 0,
    };
    (subscriber, Subscription { kinds, events })
}

impl Subscriber {
    /// What it wants to hear of.
    pub fn kinds(&self) -> EventKinds {
        self.kinds
    }

    /// The client has gone.
    pub fn is_gone(&self) -> bool {
        self.to.is_closed()
    }

    /// Tells it something of a kind that it wants to hear of, or counts that as missed.
    pub fn tell(&mut self, event: &Arc<Event>) {
        let told = self.settle() && self.to.try_send(Arc::clone(event)).is_ok();
        self.missed += u64::from(!told);
    }

    /// So many events were not even built.
    pub fn miss(&mut self, events: u64) {
        self.missed += events;
    }

    /// Says how many it missed, as soon as there is room. `true` if it has missed nothing since.
    pub fn settle(&mut self) -> bool {
        if self.missed == 0 {
            return true;
        }
        let missed = Event::now(What::Missed(self.missed));
        let said = self.to.try_send(Arc::new(missed)).is_ok();
        if said {
            self.missed = 0;
        }
        said
    }
}

impl Subscription {
    /// The next event, if one is there.
    pub fn take(&mut self) -> Option<Arc<Event>> {
        self.events.try_recv().ok()
    }
}

impl Serialize for Subscription {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let kinds = self.kinds.iter().collect();
        Subscribed { kinds }.serialize(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::ConfigEvent;

    fn event(revision: u64) -> Arc<Event> {
        Arc::new(Event::now(What::Config(ConfigEvent {
            revision,
            steps: Vec::new(),
            more: 0,
        })))
    }

    /// The revisions that come, and in place of what was missed how many that were.
    fn heard(subscription: &mut Subscription) -> Vec<Result<u64, u64>> {
        let events = std::iter::from_fn(|| subscription.take());
        events
            .map(|event| match &event.what {
                What::Config(change) => Ok(change.revision),
                What::Missed(count) => Err(*count),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn what_is_missed_is_said_where_it_stood() {
        let (mut subscriber, mut subscription) = subscription(EventKinds::all(), 2);
        for revision in 1..=5 {
            subscriber.tell(&event(revision));
        }
        assert!(!subscriber.settle());
        assert_eq!(heard(&mut subscription), [Ok(1), Ok(2)]);
        subscriber.tell(&event(6));
        assert_eq!(heard(&mut subscription), [Err(3), Ok(6)]);
        subscriber.miss(7);
        assert!(subscriber.settle() && subscriber.settle());
        assert_eq!(heard(&mut subscription), [Err(7)]);
    }

    #[test]
    fn one_more_may_be_missed_while_that_is_said() {
        let (mut subscriber, mut subscription) = subscription(EventKinds::all(), 1);
        for revision in 1..=3 {
            subscriber.tell(&event(revision));
        }
        assert_eq!(heard(&mut subscription), [Ok(1)]);
        subscriber.tell(&event(4));
        assert_eq!(heard(&mut subscription), [Err(2)]);
        assert!(subscriber.settle());
        assert_eq!(heard(&mut subscription), [Err(1)]);
        drop(subscription);
        assert!(subscriber.is_gone());
    }
}
