//! The flow caches of the workers as clients see them.

use super::{CacheStats, Field, Reason};
use crate::api::text;
use crate::config::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The number of an entry: the worker whose cache it is in, and its place there, as in `0:17`.
/// Another entry can have it afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryNumber {
    /// The worker, from 0.
    pub worker: u16,
    /// The place, from 0.
    pub place: u32,
}

impl EntryNumber {
    /// What such a number is, in words.
    pub const ALLOWED: &'static str = "the numbers of a worker and of its entry, as in 0:17";
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.worker, self.place)
    }
}

/// The text is no number of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no number of an entry")]
pub struct EntryNumberError;

impl FromStr for EntryNumber {
    type Err = EntryNumberError;

    fn from_str(text: &str) -> Result<Self, EntryNumberError> {
        let (worker, place) = text.split_once(':').ok_or(EntryNumberError)?;
        let worker = worker.parse().map_err(|_| EntryNumberError)?;
        let place = place.parse().map_err(|_| EntryNumberError)?;
        Ok(EntryNumber { worker, place })
    }
}

/// Which entries are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entries {
    /// All.
    All,
    /// Those of packets from a port.
    Port(Name),
    /// One.
    Entry(EntryNumber),
}

/// The caches of all workers, or of the one that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caches {
    /// Each cache as a whole.
    pub workers: Vec<WorkerCache>,
    /// The entries that were asked for, those of most packets first; at most 4096 of each worker.
    pub entries: Vec<CacheEntry>,
}

/// The cache of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerCache {
    /// The number of the worker, from 0.
    pub worker: u16,
    /// Entries there may be.
    pub limit: u64,
    /// Its counters.
    pub counters: CacheStats,
    /// Packets that were decided by entries that are gone. With those of all entries that are there
    /// they are `hits` and `inserted` of the counters.
    pub gone: u64,
    /// The masks under which there are entries, and those under which there were.
    pub masks: Vec<CacheMask>,
    /// Hits of masks that gave way to others. With those of `masks` they are `hits` of the counters.
    #[serde(default)]
    pub other_hits: u64,
    /// Entries that were asked for, and that the answer has no room for.
    pub more: u64,
}

/// A mask: the fields that decide some packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheMask {
    /// Their names. One that is a field of several kinds of packets has the name of the most
    /// common.
    pub fields: Vec<String>,
    /// Entries under it.
    pub entries: u64,
    /// Packets that such entries decided, but for those that they were made for.
    pub hits: u64,
}

/// A decision that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheEntry {
    /// Its number.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub entry: EntryNumber,
    /// The port of which packets it decides.
    pub port: String,
    /// The fields that decided, beside the port, in the order of their headers.
    pub fields: Vec<Field>,
    /// Packets that it decided, the one that it was made for among them.
    pub packets: u64,
    /// Whether it still decides. One that does not was made by an older state of the port, and
    /// makes way when a packet comes for which it would count.
    pub current: bool,
    /// What is done, in this order.
    pub actions: Vec<CacheAction>,
    /// The VLAN of the port that its packets are in, if that decided.
    pub vlan: Option<u16>,
    /// The tunnel that its packets name, if that decided.
    pub tunnel: Option<String>,
    /// The remote of that tunnel that they are from, if it is known.
    pub remote: Option<Ipv4Addr>,
}

/// What is done to packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum CacheAction {
    /// The outer headers are checked and stripped.
    Decap,
    /// The frame enters a bridge, whose forwarding table is asked for each packet.
    Bridge {
        /// The bridge.
        bridge: String,
        /// Its sources are learned.
        learning: bool,
    },
    /// It leaves by a port.
    Output {
        /// The port.
        port: String,
    },
    /// It leaves for a remote.
    Encap {
        /// The tunnel.
        tunnel: String,
        /// The remote.
        remote: Ipv4Addr,
    },
    /// It is handed to the state thread.
    Punt,
    /// It is dropped.
    Drop(Reason),
    /// It is dropped by what is wrong with its headers, or if nothing is, by this name.
    Fault(Reason),
}

/// What a flush has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flushed {
    /// Entries removed, over all workers. Every packet after the answer is decided anew.
    pub entries: u64,
}
