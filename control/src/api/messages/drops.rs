//! Drops as clients see them: why, where, how many, and what to do.

use super::hex::Bytes;
use crate::api::text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A counter of drops that is not zero: one reason at one place of one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DropCount {
    /// The name of the reason, as in docs/operations.md.
    pub reason: String,
    /// The port: that of receipt, or where the place is [`DropPlace::TxDropped`] that of sending.
    pub port: String,
    /// Where on its way.
    pub place: DropPlace,
    /// Packets dropped since the start.
    pub packets: u64,
    /// Packets dropped in the last whole second.
    pub rate: u64,
    /// What is so of such a packet: a sentence.
    pub meaning: String,
    /// What to do about it: whole sentences, in Markdown.
    pub advice: String,
    /// The last packet that was dropped for this reason, if it was dropped here. Of each worker one
    /// is kept for each reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastDrop>,
}

/// A packet that was dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastDrop {
    /// Seconds since it was noticed, about one after it was dropped.
    pub age: u64,
    /// Length of it in bytes.
    pub len: usize,
    /// It came without outer headers, which the NIC had taken off: what is shown is the inner frame.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bare: bool,
    /// The first of them, 128 at most.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub head: Bytes,
    /// What was found in those, in the order of the packet.
    pub fields: Vec<Header>,
}

/// A field of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Where on its way through the switch a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropPlace {
    /// On receipt: the packet went nowhere.
    Dropped,
    /// One copy of a packet that was flooded; others may have gone.
    CopiesDropped,
    /// While it waited for a neighbour, or when it was sent afterwards.
    WaitDropped,
    /// At sending: the port did not get it or did not accept it.
    TxDropped,
}

impl DropPlace {
    /// All places, in the order in which a packet comes to them.
    pub const ALL: [DropPlace; 4] = [
        DropPlace::Dropped,
        DropPlace::CopiesDropped,
        DropPlace::WaitDropped,
        DropPlace::TxDropped,
    ];
}
