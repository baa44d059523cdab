//! Packets that came by, explained.

use super::cache::EntryNumber;
use super::explain::{Explanation, Reason, Verdict};
use super::hex::Bytes;
use crate::api::text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line of what follows the answer to `explain.next`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeenLine {
    /// A packet.
    Seen(Box<Seen>),
    /// The last line: how it was looked for.
    Looked(Looked),
}

/// A packet that came by: what is known of it, and what would become of it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// The port that it came in by, or was to leave by.
    pub port: String,
    /// As it came in, or as it was to leave.
    pub side: SeenSide,
    /// The queue that it came from, or was to leave by.
    pub queue: Option<u16>,
    /// The worker that had it; none if it was control.
    pub worker: Option<u16>,
    /// Its length in bytes.
    pub len: u32,
    /// Its bytes, as many as were copied.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub frame: Bytes,
    /// What became of it, as far as it was known then.
    pub verdict: Option<Verdict>,
    /// Why copies of it were dropped that have no part in the verdict.
    pub copies_dropped: Vec<Reason>,
    /// By what it was decided.
    pub decided: Option<DecidedBy>,
    /// How long its burst took.
    pub cycles: Option<BurstCycles>,
    /// Copies of packets of this port that were lost since the one before.
    pub lost: u32,
    /// What would become of it now, by the state of now.
    pub life: Option<Explanation>,
    /// Why that cannot be told: it was to leave, not all of it was copied, or state had no time.
    pub unexplained: Option<String>,
}

/// Where a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeenSide {
    /// It came in.
    Received,
    /// It was to leave.
    Sent,
}

/// What decided a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecidedBy {
    /// It was resolved. If not, the entry was there, or is remembered.
    pub resolved: bool,
    /// The entry of the flow cache that decided, or that was made of it.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub entry: Option<EntryNumber>,
}

/// What the burst took in which a packet was, in ticks: `ticks_per_second` of `stats.show` are a
/// second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BurstCycles {
    /// Packets of the burst.
    pub packets: u8,
    /// To decide all of them.
    pub decide: u32,
    /// To do with them what was decided.
    pub act: u32,
}

/// How packets were looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Looked {
    /// Packets that were told of.
    pub seen: u64,
    /// Copies that were lost because too many came.
    pub lost: u64,
    /// Packets that the filter was asked about.
    pub asked: u64,
    /// What that took of the workers, in ticks.
    pub ticks: u64,
}
