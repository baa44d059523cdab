//! Who listens, and what they are told.
//!
//! Each has a bounded queue, and what it has no room for is counted: nobody holds state up. While nobody
//! listens to a kind of event none of it is built.

use super::State;
use crate::api::messages::{
    ConfigEvent, Event, EventKind, EventKinds, OffloadEvent, PortEvent, PortHappened,
    SelfTestFound, StationEvent, StationPlace, TunnelEvent, TunnelHappened, What,
};
use crate::api::{LISTENERS, Refused, Subscriber, Subscription, subscription};
use crate::fdb::FdbChange;
use crate::offload::Tier;
use crate::ports::Life;
use crossbeam_channel::{Receiver, Sender, bounded};
use fastpath::fdb::Destination;
use fastpath::ids::{PortId, TunnelId};
use fastpath::io::Io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Events that wait for one of them.
const QUEUE: usize = 4096;
/// Changes of what is wanted that wait to be told; more are missed.
const CHANGES: usize = 64;
/// Steps that a change is told with; the others are counted.
const STEPS: usize = 1000;

/// By which another thread has all that listen told of a change of what is wanted. Never blocks.
#[derive(Clone, Debug)]
pub struct Teller {
    to: Sender<ConfigEvent>,
    shared: Arc<Shared>,
}

/// What tellers and state know of each other.
#[derive(Debug, Default)]
struct Shared {
    /// Anybody listens to changes of what is wanted. State writes it.
    listened: AtomicBool,
    /// Changes that found no room. Tellers add to it, state takes it.
    missed: AtomicU64,
}

impl Teller {
    /// What is wanted has become `revision` by these steps, which are made into text if anybody
    /// listens.
    pub fn config(&self, revision: u64, steps: &[impl ToString]) {
        if !self.shared.listened.load(Ordering::Relaxed) {
            return;
        }
        let told = steps.iter().take(STEPS).map(ToString::to_string);
        let event = ConfigEvent {
            revision,
            steps: told.collect(),
            more: steps.len().saturating_sub(STEPS) as u64,
        };
        if self.to.try_send(event).is_err() {
            self.shared.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Those who listen.
pub(super) struct Listeners {
    all: Vec<Subscriber>,
    /// What anybody listens to.
    kinds: EventKinds,
    changes: Receiver<ConfigEvent>,
    teller: Teller,
}

impl Default for Listeners {
    fn default() -> Self {
        let (teller, changes) = bounded(CHANGES);
        Listeners {
            all: Vec::new(),
            kinds: EventKinds::default(),
            changes,
            teller: Teller {
                to: teller,
                shared: Arc::default(),
            },
        }
    }
}

impl Listeners {
    fn add(&mut self, kinds: EventKinds) -> Result<Subscription, Refused> {
        self.forget_gone();
        if self.all.len() >= LISTENERS {
            let many = format!("{LISTENERS} clients listen to events already: end one of them");
            return Err(Refused(many));
        }
        let (subscriber, subscription) = subscription(kinds, QUEUE);
        self.all.push(subscriber);
        self.forget_gone();
        Ok(subscription)
    }

    fn forget_gone(&mut self) {
        self.all.retain(|one| !one.is_gone());
        let kinds = self.all.iter().map(Subscriber::kinds);
        self.kinds = kinds.fold(EventKinds::default(), EventKinds::union);
        let listened = self.kinds.contains(EventKind::Config);
        let shared = &self.teller.shared;
        shared.listened.store(listened, Ordering::Relaxed);
    }

    fn of(&mut self, kind: EventKind) -> impl Iterator<Item = &mut Subscriber> {
        let all = self.all.iter_mut();
        all.filter(move |one| one.kinds().contains(kind))
    }

    /// Tells all that listen to this kind.
    fn tell(&mut self, kind: EventKind, what: What) {
        let event = Arc::new(Event::now(what));
        self.of(kind).for_each(|one| one.tell(&event));
    }

    /// Tells the changes of what is wanted.
    fn tell_changes(&mut self) {
        while let Ok(change) = self.changes.try_recv() {
            self.tell(EventKind::Config, What::Config(change));
        }
        let missed = self.teller.shared.missed.swap(0, Ordering::Relaxed);
        self.miss(EventKind::Config, missed);
    }

    fn miss(&mut self, kind: EventKind, events: u64) {
        self.of(kind).for_each(|one| one.miss(events));
    }
}

impl<I: Io> State<I> {
    /// For whoever changes what is wanted.
    pub fn teller(&self) -> Teller {
        self.listeners.teller.clone()
    }

    /// From the answer on a client is told what happens.
    pub(super) fn subscribe(&mut self, kinds: EventKinds) -> Result<Subscription, Refused> {
        let subscription = self.listeners.add(kinds)?;
        self.listen();
        Ok(subscription)
    }

    fn listen(&mut self) {
        let kinds = self.listeners.kinds;
        self.fdb.news.listen(kinds.contains(EventKind::Fdb));
        self.neighbours.listen(kinds.contains(EventKind::Neigh));
    }

    /// Something happened to a port. Why is what its life says.
    pub(super) fn tell_port(&mut self, id: PortId, event: PortHappened) {
        if !self.listeners.kinds.contains(EventKind::Port) {
            return;
        }
        let Some(port) = self.ports.get(id) else {
            return;
        };
        let reason = match &port.life {
            Life::Closing(reason) | Life::Waiting { reason, .. } => Some(reason.clone()),
            Life::Opening | Life::Open(_) => None,
        };
        let told = PortEvent {
            port: port.wanted.name.to_string(),
            event,
            reason,
        };
        self.listeners.tell(EventKind::Port, What::Port(told));
    }

    /// A tunnel went down for a reason, or came up.
    pub(super) fn tell_tunnel(&mut self, id: TunnelId, down: Option<&str>) {
        if !self.listeners.kinds.contains(EventKind::Tunnel) {
            return;
        }
        let Some((tunnel, _)) = self.tunnels.describe(id) else {
            return;
        };
        let told = TunnelEvent {
            tunnel: tunnel.to_string(),
            event: match down {
                Some(_) => TunnelHappened::Down,
                None => TunnelHappened::Up,
            },
            reason: down.map(str::to_owned),
        };
        self.listeners.tell(EventKind::Tunnel, What::Tunnel(told));
    }

    /// A port does more or less for tunnels than was told last, or for another reason. What it did
    /// before is kept here.
    pub(super) fn tell_offload(&mut self, id: PortId, tier: Tier, reason: Option<String>) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut port.tier, tier);
        let name = port.wanted.name;
        if !self.listeners.kinds.contains(EventKind::Offload) {
            return;
        }
        let told = OffloadEvent {
            port: name.to_string(),
            tier,
            before,
            reason,
            selftest: None,
        };
        self.listeners.tell(EventKind::Offload, What::Offload(told));
    }

    /// The NIC of a port was tested.
    pub(super) fn tell_selftest(&mut self, id: PortId, found: &SelfTestFound) {
        if !self.listeners.kinds.contains(EventKind::Offload) {
            return;
        }
        let Some(port) = self.ports.get(id) else {
            return;
        };
        let told = OffloadEvent {
            port: port.wanted.name.to_string(),
            tier: port.tier,
            before: port.tier,
            reason: None,
            selftest: Some(Box::new(found.clone())),
        };
        self.listeners.tell(EventKind::Offload, What::Offload(told));
    }

    /// Tells what happened in the tables. To be called before what that names is forgotten.
    pub(super) fn tell_news(&mut self) {
        if self.listeners.kinds.is_empty() {
            return;
        }
        let (changes, more) = self.fdb.news.take();
        for change in changes {
            if let Some(told) = self.show_change(&change) {
                self.listeners.tell(EventKind::Fdb, What::Fdb(told));
            }
        }
        self.listeners.miss(EventKind::Fdb, more);
        let ports = &self.ports;
        let name = |id: PortId| {
            let port = ports.get(id);
            port.map(|port| port.wanted.name.to_string())
                .unwrap_or_default()
        };
        let (changes, more) = self.neighbours.news(name);
        for told in changes {
            self.listeners.tell(EventKind::Neigh, What::Neigh(told));
        }
        self.listeners.miss(EventKind::Neigh, more);
    }

    /// At the end of a step: tells what is left, and forgets who has gone.
    pub(super) fn tell_all(&mut self) {
        self.listeners.tell_changes();
        if self.listeners.all.is_empty() {
            return;
        }
        self.tell_news();
        for one in &mut self.listeners.all {
            one.settle();
        }
        if self.listeners.all.iter().any(Subscriber::is_gone) {
            self.listeners.forget_gone();
            self.listen();
        }
    }

    fn show_change(&self, change: &FdbChange) -> Option<StationEvent> {
        let bridge = self.bridges.get(change.bridge)?;
        Some(StationEvent {
            event: change.what,
            bridge: bridge.name.to_string(),
            mac: change.mac,
            at: self.show_place(change.at),
            from: change.from.map(|from| self.show_place(from)),
        })
    }

    fn show_place(&self, at: Destination) -> StationPlace {
        match at {
            Destination::Port(id) => StationPlace {
                port: self.port_name(id),
                ..StationPlace::default()
            },
            Destination::Remote(id) => {
                let remote = self.tunnels.remote(id);
                let tunnel = remote.and_then(|remote| self.tunnels.describe(remote.tunnel));
                StationPlace {
                    port: None,
                    tunnel: tunnel.map(|(name, _)| name.to_string()),
                    remote: remote.map(|remote| remote.address),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// What nobody may make into text.
    struct Unread;

    impl fmt::Display for Unread {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("nobody listens")
        }
    }

    /// The revision, how many steps, and how many more; or how many changes were missed.
    fn heard(subscription: &mut Subscription) -> Vec<(u64, usize, u64)> {
        let events = std::iter::from_fn(|| subscription.take());
        let told = events.map(|event| match &event.what {
            What::Config(change) => (change.revision, change.steps.len(), change.more),
            What::Missed(count) => (0, 0, *count),
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn changes_are_told_to_who_listens_with_so_many_steps_and_the_rest_is_counted() {
        let mut listeners = Listeners::default();
        let teller = listeners.teller.clone();
        teller.config(1, &[Unread]);
        let mut ports = listeners.add([EventKind::Port].into_iter().collect());
        teller.config(2, &[Unread]);
        let mut told = listeners.add(EventKinds::all()).unwrap();
        teller.config(3, &["step"; STEPS + 7]);
        for revision in 4..=CHANGES as u64 + 4 {
            teller.config(revision, &["step"]);
        }
        listeners.tell_changes();
        for one in &mut listeners.all {
            one.settle();
        }
        let all = heard(&mut told);
        assert_eq!(all.len(), CHANGES + 1);
        assert_eq!((all[0], all[1]), ((3, STEPS, 7), (4, 1, 0)));
        assert_eq!(all[CHANGES], (0, 0, 2), "missed");
        assert_eq!(heard(ports.as_mut().unwrap()), []);
        drop(told);
        listeners.forget_gone();
        teller.config(99, &[Unread]);
    }
}
