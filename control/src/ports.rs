//! The ports as control sees them: wanted, opened, up, failed, retried, removed.

use crate::config::{self, Name};
use crate::device::{DriverTotals, Opened, PortInfo};
use crate::numbers::{Given, Numbers};
use crate::offload::{Offload, Tier};
use fastpath::ids::{BridgeId, PortId, QueueId};
use fastpath::io::Io;
use fastpath::publish::Change;
use fastpath::snapshot;
use fastpath::worker::Returned;
use std::collections::HashMap;
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
    /// What its drivers counted.
    pub counters: DriverTotals,
    /// What becomes of it once it is closed.
    pub then: Then,
    /// It was ordered as part of a change, and is not there yet, or not gone.
    pub changing: bool,
    /// It had failed before it was ordered as part of a change, which is not taken back if it fails again.
    pub failed_before: bool,
    /// The name of the device that was ordered, until it is closed: nobody else can have it.
    pub holding: Option<String>,
    /// It waits for its device, which is another port's still.
    pub deferred: bool,
    /// It is being given another MTU.
    pub mtu_ordered: bool,
    /// The most that its NIC is asked to do for tunnels, as the device thread was told last.
    pub cap: Offload,
    /// It was ordered with what a NIC has to be asked for before it starts.
    pub asked: bool,
    /// What it does for tunnels, as listeners were told last.
    pub tier: Tier,
    /// Which worker polls each receive queue.
    pub pollers: Vec<usize>,
    /// Receive queues on their way from one worker to another.
    pub moving: Vec<QueueId>,
    /// Its receive queues, from when it is opened until a change that it is part of is made.
    pub held: Vec<I::Rx>,
    /// It was opened or has failed since it is there.
    tried: bool,
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
            counters: DriverTotals::default(),
            then: Then::default(),
            changing: true,
            failed_before: false,
            holding: None,
            deferred: false,
            mtu_ordered: false,
            cap: Offload::default(),
            asked: false,
            tier: Tier::default(),
            pollers: Vec::new(),
            moving: Vec::new(),
            held: Vec::new(),
            tried: false,
            retry: RETRY.0,
        }
    }

    /// It is being ordered as it is wanted now.
    pub fn ordered(&mut self) {
        self.life = Life::Opening;
        self.cap = self.wanted.offload;
        self.asked = self.cap.is_on();
    }

    /// Whether it has to be closed and opened again to become what is wanted `after`.
    pub fn reopens(&self, after: &config::Port) -> bool {
        let device = |port: &config::Port| {
            (
                port.device.clone(),
                port.promiscuous,
                (port.rx_queues, port.tx_queues),
                (port.rx_descriptors, port.tx_descriptors),
            )
        };
        let turned_on = after.offload.is_on() && !self.wanted.offload.is_on();
        device(&self.wanted) != device(after) || (turned_on && !self.asked)
    }

    /// It was opened. Its queues are the caller's to pass on.
    pub fn opened(&mut self, opened: &Opened<I>) {
        self.queues = (opened.rx.len() as u16, opened.tx.len() as u16);
        self.numbers = self.numbers.max(self.queues.0).max(self.queues.1);
        self.life = Life::Open(opened.info.clone());
        self.tried = true;
        self.retry = RETRY.0;
    }

    /// It failed; it will be tried again.
    pub fn failed(&mut self, reason: String, now: u64) {
        (self.queues, self.tried) = ((0, 0), true);
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

    /// It is being opened for the first time.
    pub fn is_untried(&self) -> bool {
        self.life == Life::Opening && !self.tried
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

    /// A worker has queues of it that it is to give back.
    pub fn waits_for_workers(&self) -> bool {
        let closing = matches!(self.life, Life::Closing(_));
        !self.moving.is_empty() || (closing && !self.is_whole())
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
            tx: info.tx.only_if(self.wanted.offload.is_on()),
            rx_open: info.rx_open,
            rx_checksum: self.wanted.rx_checksum,
            rx_limit: info.rx_limit,
        }))
    }
}

/// All ports.
pub struct Ports<I: Io> {
    all: Numbers<Name, Port<I>>,
    /// What is kept of ports that are gone, by their numbers: should they come back, their counters
    /// go on.
    kept: HashMap<PortId, (u16, DriverTotals)>,
}

impl<I: Io> Default for Ports<I> {
    fn default() -> Self {
        Ports {
            all: Numbers::new(PortId::LIMIT),
            kept: HashMap::new(),
        }
    }
}

impl<I: Io> Ports<I> {
    /// The port of this number, if there is one.
    pub fn get(&self, id: PortId) -> Option<&Port<I>> {
        self.all.get(id.index())
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: PortId) -> Option<&mut Port<I>> {
        self.all.get_mut(id.index())
    }

    /// The number of the port of this name.
    pub fn by_name(&self, name: Name) -> Option<PortId> {
        self.all.by_name(name).and_then(PortId::new)
    }

    /// All ports, in the order of their numbers, those included that are about to go.
    pub fn iter(&self) -> impl Iterator<Item = &Port<I>> {
        self.all.iter().map(|(_, port)| port)
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Port<I>> {
        self.all.iter_mut().map(|(_, port)| port)
    }

    /// The numbers of all ports.
    pub fn ids(&self) -> Vec<PortId> {
        self.iter().map(|port| port.id).collect()
    }

    /// By number, up to the largest ever given; `None` where there is no port.
    pub fn places(&self) -> impl Iterator<Item = Option<&Port<I>>> {
        self.all.places()
    }

    /// See [`Numbers::free`].
    pub fn free(&self, name: Name, now: u64, passed: impl Fn(Change) -> bool) -> Option<Given> {
        self.all.free(name, now, passed)
    }

    /// See [`Numbers::have_room`].
    pub fn have_room(
        &self,
        names: impl IntoIterator<Item = Name>,
        now: u64,
        passed: impl Fn(Change) -> bool,
    ) -> bool {
        self.all.have_room(names, 0, now, passed)
    }

    /// See [`Numbers::recall`].
    pub fn recall(&mut self, since: u64) {
        self.all.recall(since);
    }

    /// A port comes, under a number that is free for it, and is about to be opened.
    pub fn put(&mut self, given: Given, wanted: config::Port) -> Option<PortId> {
        let id = PortId::new(given.at)?;
        let (name, mut port) = (wanted.name, Port::new(id, wanted, None));
        let kept = self.kept.remove(&id).filter(|_| !given.used);
        (port.numbers, port.counters) = kept.unwrap_or_default();
        self.all.put(given, name, port);
        Some(id)
    }

    /// A port is gone.
    pub fn remove(&mut self, name: Name, now: u64) {
        if let Some((_, port)) = self.all.remove(name, now) {
            self.kept.insert(port.id, (port.numbers, port.counters));
        }
    }

    /// See [`Numbers::seal`].
    pub fn seal(&mut self, change: Change) {
        self.all.seal(change);
    }
}

#[cfg(test)]
mod tests;
