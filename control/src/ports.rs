//! The ports as control sees them: wanted, opened, up, failed, retried, removed.

use crate::config::{self, Name};
use crate::device::{DriverCounters, Opened, PortInfo};
use crate::numbers::{Given, Numbers};
use fastpath::ids::{BridgeId, PortId, QueueId};
use fastpath::io::Io;
use fastpath::publish::Change;
use fastpath::snapshot;
use fastpath::worker::Returned;
use std::sync::Arc;

/// Milliseconds before a port that failed is tried again; doubled each time up to the second value.
const RETRY: (u64, u64) = (1_000, 30_000);

/// Where a port is in its life.
///
/// ```text
/// Opening --opened--> Open --lost--> Closing --closed--> Waiting --due--> Opening
///    |                 |                |                  ^
///    +----------------------failed-------------------------+
///                      |                |
///                      +-removed, set---+--closed--> gone, or Opening at once
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Ordered from the device thread.
    Opening,
    /// Started.
    Open(PortInfo),
    /// The device is gone or cannot go on, or the port is wanted otherwise or not at all, for this
    /// reason; its queues are being collected.
    Closing(String),
    /// Failed, for this reason, and tried again at this time.
    Waiting {
        /// What went wrong.
        reason: String,
        /// Milliseconds on the state thread's clock.
        until: u64,
    },
}

/// One port.
pub struct Port<I: Io> {
    /// Its number.
    pub id: PortId,
    /// What is wanted of it.
    pub wanted: config::Port,
    /// The bridge it is in.
    pub bridge: Option<BridgeId>,
    /// The port to the kernel that belongs to it.
    pub local: Option<PortId>,
    /// The underlay port that it is the kernel's port of.
    pub uplink: Option<PortId>,
    /// Where it is in its life.
    pub life: Life,
    /// Queues of it: receive, transmit.
    pub queues: (u16, u16),
    /// Numbers that its queues ever had, of which there are counters.
    pub numbers: u16,
    /// Queues that workers gave back.
    pub back: Vec<Returned<I>>,
    /// What its driver counted.
    pub counters: DriverCounters,
    /// What becomes of it once it is closed.
    pub then: Then,
    /// It was ordered as part of a change, and is not there yet, or not gone.
    pub changing: bool,
    /// The name of the device that was ordered, until it is closed: nobody else can have it.
    pub holding: Option<String>,
    /// It is being given another MTU.
    pub mtu_ordered: bool,
    /// Which worker polls each receive queue.
    pub pollers: Vec<usize>,
    /// Receive queues on their way from one worker to another.
    pub moving: Vec<QueueId>,
    /// Its receive queues, from when it is opened until a change that it is part of is made.
    pub held: Vec<I::Rx>,
    retry: u64,
}

/// What becomes of a port once it is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// It is tried again after a while.
    #[default]
    Retry,
    /// It is opened at once, with other settings.
    Reopen,
    /// It is not wanted any more.
    Leave,
}

impl<I: Io> Port<I> {
    /// A port that is about to be opened.
    pub fn new(id: PortId, wanted: config::Port, bridge: Option<BridgeId>) -> Self {
        Port {
            id,
            wanted,
            bridge,
            local: None,
            uplink: None,
            life: Life::Opening,
            queues: (0, 0),
            numbers: 0,
            back: Vec::new(),
            counters: DriverCounters::default(),
            then: Then::default(),
            changing: true,
            holding: None,
            mtu_ordered: false,
            pollers: Vec::new(),
            moving: Vec::new(),
            held: Vec::new(),
            retry: RETRY.0,
        }
    }

    /// It was opened. Its queues are the caller's to pass on.
    pub fn opened(&mut self, opened: &Opened<I>) {
        self.queues = (opened.rx.len() as u16, opened.tx.len() as u16);
        self.numbers = self.numbers.max(self.queues.0).max(self.queues.1);
        self.life = Life::Open(opened.info.clone());
        self.retry = RETRY.0;
    }

    /// It failed; it will be tried again.
    pub fn failed(&mut self, reason: String, now: u64) {
        self.queues = (0, 0);
        self.life = Life::Waiting {
            reason,
            until: now + self.retry,
        };
        self.retry = (self.retry * 2).min(RETRY.1);
    }

    /// Whether it is time to open it again; if so it is being opened.
    pub fn due(&mut self, now: u64) -> bool {
        let due = matches!(&self.life, Life::Waiting { until, .. } if *until <= now);
        if due {
            self.life = Life::Opening;
        }
        due
    }

    /// Sets the link. Returns whether that is news.
    pub fn set_link(&mut self, up: bool) -> bool {
        match &mut self.life {
            Life::Open(info) => std::mem::replace(&mut info.link, up) != up,
            _ => false,
        }
    }

    /// Something that was ordered is not done yet.
    pub fn is_on_its_way(&self) -> bool {
        self.changing || self.mtu_ordered || !self.moving.is_empty()
    }

    /// Started, with link.
    pub fn is_up(&self) -> bool {
        matches!(&self.life, Life::Open(info) if info.link)
    }

    /// All queues that it was opened with have come back.
    pub fn is_whole(&self) -> bool {
        self.back.len() == usize::from(self.queues.0) + usize::from(self.queues.1)
    }

    /// The port as workers see it; `None` while it is not open.
    pub fn view(&self, generation: u32) -> Option<Arc<snapshot::Port>> {
        let Life::Open(info) = &self.life else {
            return None;
        };
        Some(Arc::new(snapshot::Port {
            id: self.id,
            mac: info.mac,
            mtu: info.mtu,
            generation,
            up: info.link,
            bridge: self.bridge,
            addresses: self
                .wanted
                .addresses
                .iter()
                .map(|own| snapshot::Own {
                    address: own.prefix.address(),
                    vlan: own.vlan,
                })
                .collect(),
            local: self.local,
            uplink: self.uplink,
            tx_queues: self.queues.1,
            may_chain: info.may_chain,
            rx_checksum: self.wanted.rx_checksum,
            rx_limit: info.rx_limit,
        }))
    }
}

/// All ports.
pub struct Ports<I: Io>(Numbers<Name, Port<I>>);

impl<I: Io> Default for Ports<I> {
    fn default() -> Self {
        Ports(Numbers::new(PortId::LIMIT))
    }
}

impl<I: Io> Ports<I> {
    /// The port of this number, if there is one.
    pub fn get(&self, id: PortId) -> Option<&Port<I>> {
        self.0.get(id.index())
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: PortId) -> Option<&mut Port<I>> {
        self.0.get_mut(id.index())
    }

    /// The number of the port of this name.
    pub fn by_name(&self, name: Name) -> Option<PortId> {
        self.0.by_name(name).and_then(PortId::new)
    }

    /// All ports, in the order of their numbers, those included that are about to go.
    pub fn iter(&self) -> impl Iterator<Item = &Port<I>> {
        self.0.iter().map(|(_, port)| port)
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Port<I>> {
        self.0.iter_mut().map(|(_, port)| port)
    }

    /// The numbers of all ports.
    pub fn ids(&self) -> Vec<PortId> {
        self.iter().map(|port| port.id).collect()
    }

    /// By number, up to the largest ever given; `None` where there is no port.
    pub fn places(&self) -> impl Iterator<Item = Option<&Port<I>>> {
        self.0.places()
    }

    /// See [`Numbers::free`].
    pub fn free(&self, name: Name, now: u64, passed: impl Fn(Change) -> bool) -> Option<Given> {
        self.0.free(name, now, passed)
    }

    /// A port comes, under a number that is free for it, and is about to be opened.
    pub fn put(&mut self, given: Given, wanted: config::Port) -> Option<PortId> {
        let id = PortId::new(given.at)?;
        self.0.put(given, wanted.name, Port::new(id, wanted, None));
        Some(id)
    }

    /// A port is gone.
    pub fn remove(&mut self, name: Name, now: u64) {
        drop(self.0.remove(name, now));
    }

    /// See [`Numbers::seal`].
    pub fn seal(&mut self, change: Change) {
        self.0.seal(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::io::heap::{HeapIo, HeapQueue};
    use fastpath::wire::Mac;

    fn port() -> Port<HeapIo> {
        let text = "[[port]]\nname = \"p\"\ndevice = \"d\"\naddresses = [\"192.0.2.2/24\"]";
        let wanted = config::Wanted::parse(text, "test").unwrap();
        Port::new(PortId::new(3).unwrap(), wanted.ports[0].clone(), None)
    }

    fn queue() -> HeapQueue {
        HeapQueue::new(PortId::new(3).unwrap(), 1)
    }

    fn opened() -> Opened<HeapIo> {
        Opened {
            id: PortId::new(3).unwrap(),
            info: PortInfo {
                driver: "heap".to_owned(),
                mac: Mac::new([2, 0, 0, 0, 0, 3]),
                mtu: 1400,
                link: true,
                may_chain: false,
                rx_limit: Some(1982),
                notes: Vec::new(),
            },
            rx: vec![queue()],
            tx: vec![queue(), queue()],
        }
    }

    /// How long a port that failed at `now` waits.
    fn wait(port: &mut Port<HeapIo>, now: u64) -> u64 {
        port.failed("no".to_owned(), now);
        let early = (0..RETRY.1)
            .find(|wait| port.due(now + wait))
            .unwrap_or(RETRY.1);
        assert!(
            early < RETRY.1 || port.due(now + early),
            "waits longer than ever"
        );
        assert_eq!(port.life, Life::Opening);
        assert!(!port.due(u64::MAX), "due once");
        early
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_limit_and_success_makes_it_short() {
        let mut port = port();
        assert!(!port.due(u64::MAX), "it is being opened");
        let waits: Vec<_> = (0..7).map(|n| wait(&mut port, n * 100_000)).collect();
        assert_eq!(
            waits,
            [1, 2, 4, 8, 16, 30, 30].map(|seconds| seconds * 1_000)
        );
        port.opened(&opened());
        assert!(!port.due(u64::MAX));
        assert_eq!(wait(&mut port, 5), 1_000);
    }

    #[test]
    fn a_link_is_news_only_when_it_changes_on_an_open_port() {
        let mut port = port();
        assert!(!port.set_link(true) && !port.is_up(), "not open");
        port.opened(&opened());
        assert!(port.is_up() && !port.set_link(true));
        assert!(port.set_link(false) && !port.is_up() && !port.set_link(false));
        assert!(port.set_link(true) && port.is_up());
        port.life = Life::Closing("gone".to_owned());
        assert!(!port.set_link(false) && !port.is_up());
    }

    #[test]
    fn it_is_whole_with_all_its_queues() {
        let mut port = port();
        port.opened(&opened());
        for queue in [
            Returned::Rx(queue()),
            Returned::Tx(queue()),
            Returned::Tx(queue()),
        ] {
            assert!(!port.is_whole());
            port.back.push(queue);
        }
        assert!(port.is_whole());
    }

    #[test]
    fn queues_that_it_had_keep_their_numbers() {
        let mut port = port();
        let with = |rx, tx| Opened {
            rx: vec![queue(); rx],
            tx: vec![queue(); tx],
            ..opened()
        };
        let numbers = [(1, 2), (3, 1), (1, 1)].map(|(rx, tx)| {
            port.opened(&with(rx, tx));
            port.failed("gone".to_owned(), 0);
            port.numbers
        });
        assert_eq!(numbers, [2, 3, 3]);
    }

    #[test]
    fn workers_see_an_open_port_as_its_device_is() {
        let mut port = port();
        assert!(port.view(1).is_none());
        port.opened(&opened());
        let view = port.view(7).unwrap();
        assert_eq!(
            (view.id, view.mtu, view.generation, view.tx_queues),
            (port.id, 1400, 7, 2)
        );
        assert!(view.has(None, std::net::Ipv4Addr::new(192, 0, 2, 2)));
        assert!(view.up && !view.may_chain && view.bridge.is_none());
        assert_eq!(view.rx_limit, Some(1982));
        port.set_link(false);
        assert!(port.view(8).is_some_and(|view| !view.up), "known, and down");
        port.failed("gone".to_owned(), 0);
        assert!(port.view(9).is_none());
    }
}
