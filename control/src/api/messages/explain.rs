//! What would become of a frame, as clients see it.

use super::FdbEntry;
use super::hex::Bytes;
use super::probe::{FrameCycles, Poller};
use super::underlay::{Route, Way};
use crate::api::text;
use fastpath::drop::DropReason;
use fastpath::wire::Mac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What would become of a frame, were it received now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The port that it would come in by.
    pub port: String,
    /// Its bytes.
    pub len: usize,
    /// What is in it, in the order of its headers, and what is not and decided.
    pub fields: Vec<Field>,
    /// The first thing wrong with its outer headers. Not a drop by itself: a bridge carries what it
    /// does not read.
    pub fault: Option<Reason>,
    /// The tunnel that it names, if it was asked for.
    pub tunnel: Option<String>,
    /// The remote of that tunnel that it is from, if it is one.
    pub remote: Option<Ipv4Addr>,
    /// What is done to it, in this order; nothing if it is dropped before.
    pub steps: Vec<Step>,
    /// What counts in the end.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the state thread would be told.
    pub told: Vec<Told>,
    /// The workers that poll the port. None if nobody does, if they were not asked, or if the frame
    /// is dropped before anything is decided.
    #[serde(default)]
    pub pollers: Vec<Poller>,
    /// What its stages took in this simulation. None if it is dropped before.
    #[serde(default)]
    pub cycles: Option<FrameCycles>,
}

/// Something that was found in a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value; `yes` or `no` of a header or flag.
    pub value: String,
    /// It is one of those that decided what is done.
    pub decided: bool,
}

/// Why a packet is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The name under which it is counted.
    pub reason: String,
    /// What it means.
    pub meaning: String,
    /// What to do about it.
    pub advice: String,
}

impl From<DropReason> for Reason {
    fn from(reason: DropReason) -> Self {
        Reason {
            reason: reason.name().to_owned(),
            meaning: reason.meaning().to_owned(),
            advice: reason.advice().to_owned(),
        }
    }
}

/// Something that is done to a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// The frame before.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub before: Bytes,
    /// The frame afterwards, if it goes on.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub after: Option<Bytes>,
    /// What becomes of it, or of its copies; at most 256.
    pub ends: Vec<End>,
    /// Others to whom it is flooded.
    pub more: usize,
}

/// What is done to a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// Its layer-4 checksums are computed anew.
    Recompute,
    /// Its outer headers are checked and stripped.
    Decap(Stripped),
    /// It enters a bridge.
    Bridge(Box<Bridging>),
    /// It is sent.
    Output,
    /// It is handed to the state thread.
    Punt,
    /// It is dropped.
    Drop,
}

/// What is taken off a frame; nothing if it is dropped instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stripped {
    /// Bytes off the front.
    pub front: usize,
    /// Bytes of padding off the end.
    pub back: usize,
}

/// What a bridge knows of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bridging {
    /// The bridge.
    pub bridge: String,
    /// It looks at where its stations are.
    pub learning: bool,
    /// Who sends.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub source_mac: Option<Mac>,
    /// What the forwarding table says of who sends.
    pub source: Option<FdbEntry>,
    /// Who is to receive.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub destination_mac: Option<Mac>,
    /// What the forwarding table says of who is to receive; nothing: it is flooded.
    pub destination: Option<FdbEntry>,
}

/// What becomes of a frame, or of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// Where it was to go, if that was found out.
    pub to: Option<Target>,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// Where a frame was to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Target {
    /// To a remote.
    Remote(Box<Road>),
    /// Out of a port.
    Port {
        /// Its name.
        port: String,
    },
}

/// The way to a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Road {
    /// The tunnel.
    pub tunnel: String,
    /// The address of the remote.
    pub remote: Ipv4Addr,
    /// The route there; none: no route leads there.
    pub route: Option<Route>,
    /// The neighbour that it is handed to, if it is sent.
    pub neighbour: Option<Way>,
}

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fate", rename_all = "lowercase")]
pub enum Fate {
    /// It leaves.
    Sent {
        /// By this port.
        port: String,
        /// As it is on the wire, without frame check sequence.
        #[serde(with = "text")]
        #[schemars(with = "String")]
        frame: Bytes,
    },
    /// It is kept until a neighbour is known, a few of its kind are, or dropped.
    Waiting,
    /// It is for the switch itself.
    Consumed,
    /// It is dropped.
    Dropped(Reason),
}

/// What counts in the end: of several ends the best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// It or a copy was sent.
    Forwarded,
    /// It is for the switch itself.
    Consumed,
    /// It waits for a neighbour.
    Waiting,
    /// It is dropped.
    Dropped(Reason),
}

/// What the state thread would be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Told {
    /// A station was seen: it is learned there, if there is room.
    Learn(FdbEntry),
    /// A station was seen elsewhere: it is moved there.
    Move(FdbEntry),
    /// Somebody sends who is no remote of the tunnel yet, and may be one.
    Remote {
        /// The tunnel.
        tunnel: String,
        /// The outer source address.
        address: Ipv4Addr,
    },
    /// The way to a remote is to be found.
    Resolve {
        /// The tunnel.
        tunnel: String,
        /// The address of the remote.
        remote: Ipv4Addr,
    },
}
