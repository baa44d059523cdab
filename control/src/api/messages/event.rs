//! What happens, as clients hear it: a line for each event, until the client goes.

use super::{Neighbour, SelfTestFound, text};
use crate::offload::Tier;
use fastpath::wire::Mac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// Ports: started, failed, closed; their links.
    Port,
    /// Stations that are learned, move, or are removed.
    Fdb,
    /// Neighbours on underlay links.
    Neigh,
    /// Changes of what is wanted.
    Config,
    /// Tunnels that go down and come up.
    Tunnel,
    /// What NICs do for tunnels.
    Offload,
}

impl EventKind {
    /// All of them.
    pub const ALL: [EventKind; 6] = [
        EventKind::Port,
        EventKind::Fdb,
        EventKind::Neigh,
        EventKind::Config,
        EventKind::Tunnel,
        EventKind::Offload,
    ];

    /// The name on the wire and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Port => "port",
            EventKind::Fdb => "fdb",
            EventKind::Neigh => "neigh",
            EventKind::Config => "config",
            EventKind::Tunnel => "tunnel",
            EventKind::Offload => "offload",
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventKinds(u8);

impl EventKinds {
    /// All of them.
    pub fn all() -> Self {
        EventKind::ALL.into_iter().collect()
    }

    /// Whether `kind` is one of them.
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = EventKind> {
        let all = EventKind::ALL.into_iter();
        all.filter(move |kind| self.contains(*kind))
    }

    /// Those of both.
    pub const fn union(self, other: Self) -> Self {
        EventKinds(self.0 | other.0)
    }

    /// There is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<EventKind> for EventKinds {
    fn from_iter<T: IntoIterator<Item = EventKind>>(kinds: T) -> Self {
        let bits = kinds.into_iter().map(|kind| 1 << kind as u8);
        EventKinds(bits.fold(0, |all, bit| all | bit))
    }
}

/// The answer when events begin to come. Behind its line an [`Event`] follows on each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// What they will be about.
    pub kinds: Vec<EventKind>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When, in milliseconds since 1970 by the clock of the host.
    pub time: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

impl Event {
    /// It happens now.
    pub fn now(what: What) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO).as_millis();
        let time = since.try_into().unwrap_or(u64::MAX);
        Event { time, what }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// To a port.
    Port(PortEvent),
    /// To a station.
    Fdb(StationEvent),
    /// To a neighbour.
    Neigh(NeighbourEvent),
    /// To what is wanted.
    Config(ConfigEvent),
    /// To a tunnel.
    Tunnel(TunnelEvent),
    /// To what a NIC does for tunnels.
    Offload(OffloadEvent),
    /// So many events that the client was too slow for. They stood here.
    Missed(u64),
}

/// Something happened to a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortEvent {
    /// The port.
    pub port: String,
    /// What.
    pub event: PortHappened,
    /// Why, where that is known.
    pub reason: Option<String>,
}

/// What happens to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PortHappened {
    /// It was started.
    Started,
    /// It could not be started, or cannot go on. It is tried again.
    Failed,
    /// Its link came.
    LinkUp,
    /// Its link went.
    LinkDown,
    /// Its device was closed.
    Closed,
}

/// Something happened to a station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StationEvent {
    /// What.
    pub event: StationHappened,
    /// The bridge that knows it.
    pub bridge: String,
    /// The station.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub mac: Mac,
    /// Where it is, or was when it was removed.
    #[serde(flatten)]
    pub at: StationPlace,
    /// Where it was before it moved.
    pub from: Option<StationPlace>,
}

/// Where a station is: behind `port`, or behind `remote` of `tunnel`. All are absent if what it was
/// behind is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StationPlace {
    /// The port.
    pub port: Option<String>,
    /// The tunnel.
    pub tunnel: Option<String>,
    /// The end point of that tunnel.
    pub remote: Option<Ipv4Addr>,
}

/// What happens to a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StationHappened {
    /// It was heard for the first time.
    Learned,
    /// It was heard elsewhere.
    Moved,
    /// It was silent for too long, and removed.
    Aged,
    /// It was removed with what it was behind.
    Flushed,
}

/// Something happened to a neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeighbourEvent {
    /// What.
    pub event: NeighbourHappened,
    /// The neighbour as it is now, or was when it was forgotten.
    #[serde(flatten)]
    pub neighbour: Neighbour,
}

/// What happens to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NeighbourHappened {
    /// Its link address was not known, and is.
    Resolved,
    /// It has another link address.
    Changed,
    /// It does not answer.
    Failed,
    /// Its link address was known, and is not any more: its link went, or it made way for another.
    Forgotten,
}

/// What is wanted was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigEvent {
    /// The number of what is wanted now: it grows with each change.
    pub revision: u64,
    /// What was done, each as the command that does it: the first thousand of the steps.
    pub steps: Vec<String>,
    /// How many steps more there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Something happened to a tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelEvent {
    /// The tunnel.
    pub tunnel: String,
    /// What.
    pub event: TunnelHappened,
    /// Why it went down.
    pub reason: Option<String>,
}

/// What happens to a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TunnelHappened {
    /// It can send.
    Up,
    /// It cannot.
    Down,
}

/// A port does more or less for tunnels than before, or for another reason, or was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OffloadEvent {
    /// The port.
    pub port: String,
    /// What it does now, for the tunnel for which it does most.
    pub tier: Tier,
    /// What it did before.
    pub before: Tier,
    /// Why not more, if more is asked for.
    pub reason: Option<String>,
    /// Its NIC was tested, and this was found. What it does is as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selftest: Option<Box<SelfTestFound>>,
}
