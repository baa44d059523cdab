//! The ports as control sees them: wanted, opened, up, failed, retried.

use crate::config;
use crate::device::{DriverCounters, Opened, PortInfo};
use fastpath::ids::{BridgeId, PortId};
use fastpath::io::Io;
use fastpath::snapshot;
use fastpath::worker::Returned;
use std::sync::Arc;

/// Milliseconds before a port that failed is tried again; doubled each time up to the second value.
const RETRY: (u64, u64) = (1_000, 30_000);

/// Where a port is in its life.
///
/// ```text
/// Opening --opened--> Open --removed--> Closing --closed--> Waiting --due--> Opening
///    |                                                        ^
///    +-----------------------failed---------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Ordered from the device thread.
    Opening,
    /// Started.
    Open(PortInfo),
    /// The device is gone; its queues are being collected.
    Closing,
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
    /// Where it is in its life.
    pub life: Life,
    /// Queues of it: receive, transmit.
    pub queues: (u16, u16),
    /// Queues that workers gave back.
    pub back: Vec<Returned<I>>,
    /// What its driver counted.
    pub counters: DriverCounters,
    retry: u64,
}

impl<I: Io> Port<I> {
    /// A port that is about to be opened.
    pub fn new(id: PortId, wanted: config::Port, bridge: Option<BridgeId>) -> Self {
        Port {
            id,
            wanted,
            bridge,
            life: Life::Opening,
            queues: (0, 0),
            back: Vec::new(),
            counters: DriverCounters::default(),
            retry: RETRY.0,
        }
    }

    /// It was opened. Its queues are the caller's to pass on.
    pub fn opened(&mut self, opened: &Opened<I>) {
        self.queues = (opened.rx.len() as u16, opened.tx.len() as u16);
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
                .map(|prefix| prefix.address())
                .collect(),
            tx_queues: self.queues.1,
            may_chain: info.may_chain,
        }))
    }
}
