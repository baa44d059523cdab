//! From what is counted or kept to what stands behind it, as clients see it.

use super::{Address, CacheEntry, DropCount, End, FdbEntry, Port, Reason, Tunnel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An entry of a flow cache, and what it was derived from as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryBehind {
    /// The entry.
    #[serde(flatten)]
    pub entry: CacheEntry,
    /// The port of its packets, and those by which they leave whatever they are.
    pub ports: Vec<Port>,
    /// Our addresses on the link of its packets.
    pub addresses: Vec<Address>,
    /// The tunnel that they name, with the remote that they are from if it is known.
    pub tunnels: Vec<Tunnel>,
    /// The bridge that they enter.
    pub bridge: Option<BridgeBehind>,
}

/// A bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BridgeBehind {
    /// Its name.
    pub bridge: String,
    /// Its ports.
    pub ports: Vec<String>,
    /// Its tunnels.
    pub tunnels: Vec<String>,
    /// Stations that its forwarding table knows.
    pub stations: u64,
}

/// A reason for which packets are dropped: where they are, and what leads to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DropBehind {
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
    /// Where it is counted, most packets first; nothing: nowhere yet.
    pub counters: Vec<DropCount>,
    /// What is now so that it leads to such drops, each a clause; at most 64.
    pub causes: Vec<String>,
    /// Entries of the flow caches that drop by it, those of most packets first.
    pub entries: Vec<CacheEntry>,
    /// More such entries, for which the answer has no room.
    pub more: u64,
}

/// A station that a forwarding table knows, and what would become of a frame for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StationBehind {
    /// The entry, and where it is from.
    pub entry: FdbEntry,
    /// What would become of a short frame that its bridge has for it.
    pub end: End,
    /// The port by which it would leave, or would have left.
    pub port: Option<Port>,
    /// The tunnel that it is behind, with its remote.
    pub tunnel: Option<Tunnel>,
    /// Bytes of the longest layer-3 packet that gets there, if the port is known.
    pub mtu: Option<u16>,
}
