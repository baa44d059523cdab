//! What would decide a packet that is not there: a worker is asked, and asking changes nothing.
//!
//! It looks where it would for a packet that comes alone: memos first, then the cache. Nothing is
//! counted, and no entry is in use for it.

use crate::cache::Record;
use crate::cpu::ticks;
use crate::decide::Decider;
use crate::ids::PortId;
use crate::key::FlowKey;
use crate::memo::HEAD;
use crate::snapshot::{RxChecksum, Snapshot};

/// A packet that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    ingress: PortId,
    key: FlowKey,
    /// Its first bytes, if it has so many.
    head: Option<[u8; HEAD]>,
    len: usize,
}

impl Probe {
    /// For `frame` as `ingress` would receive it; `key` is what the parser finds in it.
    pub fn new(ingress: PortId, key: FlowKey, frame: &[u8]) -> Self {
        Probe {
            ingress,
            key,
            head: frame.first_chunk().copied(),
            len: frame.len(),
        }
    }
}

/// What would decide it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The number of the entry; none: it would be resolved.
    pub entry: Option<u32>,
    /// A memo decides in the place of the entry, which may even be gone.
    pub remembered: bool,
    /// How long it took to look, in [`ticks`].
    pub ticks: u64,
}

impl Decider {
    /// What would decide the packet of `probe`, with a copy of the entry; of a stale one, if it would
    /// be resolved because of that.
    pub(crate) fn probe(&self, probe: &Probe, snapshot: &Snapshot) -> (Finding, Option<Record>) {
        let port = snapshot.port(probe.ingress);
        let parse_all = port.is_none_or(|port| port.rx_checksum == RxChecksum::Recompute);
        let generation = port.map_or(0, |port| port.generation);
        let began = ticks();
        let recalled = if parse_all {
            None
        } else {
            let head = probe.head.as_ref();
            self.memo.peek(probe.ingress, head, probe.len)
        };
        let found = recalled.or_else(|| self.cache.peek(&probe.key, Some(generation)));
        let ticks = ticks().saturating_sub(began);
        let entry = found.or_else(|| self.cache.peek(&probe.key, None));
        let record = entry.and_then(|entry| {
            let record = self.cache.record(entry)?;
            let packets = record.packets + self.memo.owed(entry);
            Some(Record { packets, ..record })
        });
        let finding = Finding {
            entry: found.map(|entry| entry.place),
            remembered: recalled.is_some(),
            ticks,
        };
        (finding, record)
    }
}
