//! The questions and answers of the API, shared by server, client and command line.
//!
//! What a field is called here is what it is called on the wire. Addresses travel as text. A
//! reader passes over fields it does not know, so that fields can be added.

mod behind;
mod cache;
mod capture;
mod config;
mod drops;
mod event;
mod explain;
mod groups;
mod hex;
mod histogram;
mod method;
mod offload;
mod probe;
mod route;
mod seen;
mod selftest;
mod stations;
mod stats;
mod underlay;

pub use behind::{BridgeBehind, DropBehind, EntryBehind, StationBehind};
pub use cache::{
    CacheAction, CacheEntry, CacheMask, Caches, Entries, EntryNumber, EntryNumberError, Flushed,
    WorkerCache,
};
pub use capture::{Capture, Capturing, Subject};
pub use config::{Bridge, Changed, Checked, ConfigText, Differing, Exported, Learned};
pub use drops::{DropCount, DropPlace, Header, LastDrop};
pub use event::{
    ConfigEvent, Event, EventKind, EventKinds, NeighbourEvent, NeighbourHappened, OffloadEvent,
    PortEvent, PortHappened, StationEvent, StationHappened, StationPlace, Subscribed, TunnelEvent,
    TunnelHappened, What,
};
pub use explain::{
    Action, Bridging, End, Explanation, Fate, Field, Reason, Road, Step, Stripped, Target, Told,
    Verdict,
};
pub use groups::{
    BridgeStats, Frames, Gone, HintStats, LinkStats, QueueStats, StrayStats, TunnelStats, VniStats,
};
pub use hex::{Bytes, BytesError, Frame, FrameError, Question};
pub use histogram::Histogram;
pub use method::Method;
pub(super) use method::{
    CACHE_SHOW, CAPTURE_START, CONFIG_APPLY, CONFIG_CHECK, CONFIG_DIFF, DROPS_SHOW,
    EVENTS_SUBSCRIBE, EXPLAIN, EXPLAIN_DROP, EXPLAIN_ENTRY, EXPLAIN_FDB, EXPLAIN_NEXT, FDB_FLUSH,
    FDB_LOAD, FDB_SHOW, OFFLOAD_SELFTEST, OFFLOAD_SHOW, ROUTE_ADD, ROUTE_DEL, ROUTE_REPLACE,
};
pub use offload::{
    Demoted, MarksGiven, NicOffload, PortOffload, ShapeOffload, TunnelOffload, UdpPortOffload,
};
pub use probe::{FrameCycles, Poller};
pub use route::{Gateways, GatewaysError, Network, NetworkError, NewRoute};
pub use seen::{BurstCycles, DecidedBy, Looked, Seen, SeenLine, SeenSide};
pub use selftest::{SelfTest, SelfTestFound};
pub use stations::{FdbPage, Stations};
pub use stats::{Account, CacheStats, FdbStats, PortStats, RemoteStats, Stats, WorkerStats};
pub use underlay::{
    Address, AddressState, Remote, RemoteError, Route, RouteKind, Traffic, Tunnel, TunnelState,
    Via, Way,
};

use super::subscription::Subscription;
use super::text;
use crate::trace::recording::Feed;
use fastpath::wire::Mac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The answer to a [`Method`], as the state thread gives it. It is turned into text elsewhere.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// To [`Method::Version`].
    Version(Version),
    /// To [`Method::PortShow`], in the order of the configuration.
    Ports(Vec<Port>),
    /// To [`Method::FdbShow`]: a page. The client gets all of them as one list.
    Fdb(FdbPage),
    /// To [`Method::NeighShow`].
    Neighbours(Vec<Neighbour>),
    /// To [`Method::RouteShow`], connected ones first.
    Routes(Vec<Route>),
    /// To whatever changes what is wanted.
    Changed(Changed),
    /// To [`Method::BridgeShow`], in the order of the configuration.
    Bridges(Vec<Bridge>),
    /// To [`Method::ConfigCheck`].
    Checked(Checked),
    /// To [`Method::ConfigDiff`].
    Differing(Differing),
    /// To [`Method::ConfigExport`].
    Exported(Exported),
    /// To [`Method::AddrShow`], in the order of ports and of their VLANs, the one without a tag first.
    Addresses(Vec<Address>),
    /// To [`Method::VxlanShow`], in the order of the configuration.
    Tunnels(Vec<Tunnel>),
    /// To [`Method::DropsShow`], those of most packets first.
    Drops(Vec<DropCount>),
    /// To [`Method::OffloadShow`], in the order of ports.
    Offload(Vec<PortOffload>),
    /// To [`Method::OffloadSelftest`].
    SelfTest(Box<SelfTest>),
    /// To [`Method::StatsShow`].
    Stats(Box<Stats>),
    /// To [`Method::CacheShow`].
    Caches(Box<Caches>),
    /// To [`Method::CacheFlush`].
    Flushed(Flushed),
    /// To [`Method::Explain`].
    Explanation(Box<Explanation>),
    /// To [`Method::ExplainEntry`].
    EntryBehind(Box<EntryBehind>),
    /// To [`Method::ExplainDrop`].
    DropBehind(Box<DropBehind>),
    /// To [`Method::ExplainFdb`].
    StationsBehind(Vec<StationBehind>),
    /// To [`Method::CaptureStart`]. As text it is [`Capturing`].
    Capturing(Box<Feed>),
    /// To [`Method::ExplainNext`]. As text it is [`Capturing`].
    Explaining(Box<Feed>),
    /// To [`Method::EventsSubscribe`]. As text it is [`Subscribed`].
    Subscribed(Box<Subscription>),
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// Always `overpath`.
    pub name: String,
    /// Of the daemon.
    pub version: String,
    /// Of the API: see `docs/api.md`.
    #[serde(default)]
    pub api: String,
    /// What DPDK says of itself, as in `DPDK 22.11.11`.
    pub dpdk: String,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Port {
    /// Its name in the configuration.
    pub name: String,
    /// Its device, with devargs as configured.
    pub device: String,
    /// The PMD, as in `net_tap`; none if the device was not found.
    pub driver: Option<String>,
    /// Whether it works.
    pub state: PortState,
    /// Why it does not, where that is known.
    pub reason: Option<String>,
    /// The address of the device; none if the device was not found.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub mac: Option<Mac>,
    /// The largest L3 packet in bytes.
    pub mtu: u16,
    /// Receive queues in use.
    pub rx_queues: u16,
    /// Transmit queues in use.
    pub tx_queues: u16,
    /// What came in since the start.
    pub rx: RxCounters,
    /// What went out since the start.
    pub tx: TxCounters,
}

/// Whether a port works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PortState {
    /// Started, with a link.
    Up,
    /// Started, without a link.
    Down,
    /// Not started.
    Failed,
}

/// What a device received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RxCounters {
    /// Packets taken from it.
    pub packets: u64,
    /// Their bytes, without frame check sequence.
    pub bytes: u64,
    /// Packets lost in the device because its queues were full (`imissed`).
    pub missed: u64,
    /// Packets lost because the packet pool was empty (`rx_nombuf`).
    pub no_mbuf: u64,
    /// Packets that were broken on the wire (`ierrors`).
    pub errors: u64,
}

/// What a device was given to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TxCounters {
    /// Packets it accepted.
    pub packets: u64,
    /// Their bytes, without frame check sequence.
    pub bytes: u64,
    /// Packets it did not accept, which were dropped.
    pub dropped: u64,
    /// Packets it accepted and failed to send (`oerrors`).
    pub errors: u64,
}

/// Where frames for an address go: to `port`, or to `remote` through `tunnel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FdbEntry {
    /// The bridge whose table it is in.
    pub bridge: String,
    /// The destination.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub mac: Mac,
    /// The port it is behind.
    pub port: Option<String>,
    /// The tunnel it is behind.
    pub tunnel: Option<String>,
    /// The end point of that tunnel it is behind.
    pub remote: Option<Ipv4Addr>,
    /// Where the entry is from.
    pub kind: FdbKind,
    /// Seconds since the address was last seen as a source; none for a static entry.
    pub age: Option<u64>,
}

/// Where a forwarding entry is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FdbKind {
    /// Traffic.
    Learned,
    /// The configuration.
    Static,
}

/// A neighbour on an underlay link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbour {
    /// The underlay port.
    pub port: String,
    /// The VLAN of the port, if its link is one.
    pub vlan: Option<u16>,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its link address, if it is known.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub mac: Option<Mac>,
    /// What is known of it.
    pub state: NeighbourState,
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NeighbourState {
    /// It answered a short time ago.
    Reachable,
    /// It was asked and has not answered yet.
    Incomplete,
    /// It was asked and did not answer.
    Failed,
    /// It answered once, some time ago.
    Stale,
    /// Its link address was set, and it is not asked.
    Permanent,
}

#[cfg(test)]
#[path = "messages/behind_tests.rs"]
mod behind_tests;
#[cfg(test)]
#[path = "messages/cache_tests.rs"]
mod cache_tests;
#[cfg(test)]
#[path = "messages/explain_tests.rs"]
mod explain_tests;
#[cfg(test)]
#[path = "messages/stats_tests.rs"]
mod stats_tests;
#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "messages/underlay_tests.rs"]
mod underlay_tests;
