//! What would decide a frame, and what it took to find out, as clients see it.

use super::cache::CacheEntry;
use super::seen::DecidedBy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A worker that polls the port of a frame, and what would decide the frame there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Poller {
    /// The number of the worker.
    pub worker: u16,
    /// The queues of the port that it polls. From which queue a frame comes is up to the NIC.
    pub queues: Vec<u16>,
    /// By what it would be decided; nobody knows if the worker does not answer.
    pub decided: Option<DecidedBy>,
    /// It would be recalled by its first bytes, without a look-up, as the entry has it.
    pub remembered: bool,
    /// The entry; none if it is gone and only remembered. If the frame would be resolved, the entry
    /// that is stale, if there is one.
    pub entry: Option<CacheEntry>,
    /// What the worker took to look, in ticks.
    pub look_up: u32,
}

/// What the stages of a simulated frame took, in ticks: more than on a worker, whose code and tables
/// are in the processor's caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameCycles {
    /// To decide it: to parse and to resolve it.
    pub decide: u32,
    /// Of these, to parse it.
    pub parse: u32,
    /// Of these, to resolve it. A worker with an entry for it does not.
    pub resolve: u32,
    /// To do with it what was decided.
    pub act: u32,
}
