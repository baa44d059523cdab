//! The counters as clients see them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counters of the switch since the start. Each is read while workers go on, so that sums close
/// only at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Where every packet went.
    pub account: Account,
    /// Packets dropped by reason; a reason that never occurred is left out.
    pub drops: BTreeMap<String, u64>,
    /// By port, in the order of the configuration.
    pub ports: Vec<PortStats>,
    /// By worker.
    pub workers: Vec<WorkerStats>,
    /// What workers told the state thread, by kind; kinds that never occurred are left out.
    pub events: BTreeMap<String, u64>,
}

/// Where every packet went: received + originated + copied = sent + dropped + consumed + held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Packets taken from ports.
    pub received: u64,
    /// Packets made by the switch itself, such as ARP requests.
    pub originated: u64,
    /// Copies made to flood.
    pub copied: u64,
    /// Packets that ports accepted.
    pub sent: u64,
    /// Packets dropped, for whatever reason.
    pub dropped: u64,
    /// Packets meant for the switch itself.
    pub consumed: u64,
    /// Packets that are inside the switch right now; 0 after a stop.
    pub held: u64,
}

/// Counters of the data plane for one port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStats {
    /// The port.
    pub port: String,
    /// Packets taken from it: the sum of the verdicts, which follow.
    pub received: u64,
    /// Of these, packets that were forwarded to one port or more.
    pub forwarded: u64,
    /// Of these, packets that were dropped.
    pub dropped: u64,
    /// Of these, packets that were meant for the switch itself.
    pub consumed: u64,
    /// Of these, packets that were kept until a neighbour was known, whatever became of them then.
    #[serde(default)]
    pub waited: u64,
    /// Packets that were to leave by it: those sent and those of `tx_dropped`.
    pub enqueued: u64,
    /// Packets that it accepted.
    pub sent: u64,
    /// Packets that it did not accept.
    pub tx_dropped: u64,
}

/// Counters of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStats {
    /// Its number, from 0.
    pub worker: u16,
    /// Its flow cache.
    pub cache: CacheStats,
}

/// Counters of a flow cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheStats {
    /// Packets that an entry decided.
    pub hits: u64,
    /// Packets that had to be resolved.
    pub misses: u64,
    /// Entries now.
    pub entries: u64,
    /// Entries that gave way to others.
    pub evictions: u64,
}
