//! What is said of a copy.

use crate::action::Verdict;
use crate::drop::Reasons;
use crate::ids::{PortId, QueueId};
use crate::offload::Front;

/// On which side of the switch a packet was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// As it came in.
    Received,
    /// As it was to leave.
    Sent,
}

/// What a packet was decided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// An entry of the worker's flow cache, or what the worker remembers of it.
    Entry(u32),
    /// It was resolved, and the decision is kept as this entry.
    Made(u32),
    /// It was resolved, and the decision was not kept.
    Resolved,
}

/// How long the burst took in which a packet was: stages are gone through by all of its packets
/// together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cycles {
    /// Packets of the burst.
    pub packets: u8,
    /// From the receipt until all were decided: parsed, looked up, resolved. In ticks of
    /// [`ticks`](crate::cpu::ticks()).
    pub decide: u32,
    /// From then on until each was dropped or lay in the buffer of a port.
    pub act: u32,
}

/// What a worker knows of a packet when it is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it came or left, in [`ticks`](crate::cpu::ticks()).
    pub ticks: u64,
    /// The port that it came in by or was to leave by.
    pub port: PortId,
    /// Which of the two.
    pub side: Side,
    /// The queue that it came from or was given to, if any.
    pub queue: Option<QueueId>,
    /// What became of it, if that is known already. A packet that was to leave and could not is
    /// [`Side::Sent`] and dropped.
    pub verdict: Option<Verdict>,
    /// Why copies were dropped of a packet that has a better verdict, or another one.
    pub copies_dropped: Reasons,
    /// What decided, if that is known.
    pub decided: Option<Decided>,
    /// What the NIC had left of its front when it came in.
    pub front: Front,
    /// How long it took, if that was measured.
    pub cycles: Option<Cycles>,
}

impl Moment {
    /// No more is known than where and when.
    pub const fn new(ticks: u64, port: PortId, side: Side) -> Self {
        Moment {
            ticks,
            port,
            side,
            queue: None,
            verdict: None,
            copies_dropped: Reasons::NONE,
            decided: None,
            front: Front::Whole,
            cycles: None,
        }
    }
}

/// A copy of a packet, less its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What its worker knew.
    pub moment: Moment,
    /// Length of the packet, in bytes.
    pub len: u32,
    /// How many of its first bytes were copied.
    pub kept: u32,
    /// Copies of packets of the same port that this worker lost since the one before.
    pub lost: u32,
}
