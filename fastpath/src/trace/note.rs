//! What is said of a copy.

use crate::action::Verdict;
use crate::ids::PortId;

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
    /// Recalled: as the last one of its port or outer headers.
    Memo,
    /// This entry of the worker's flow cache.
    Entry(u32),
    /// Resolved anew.
    Resolved,
}

/// What a worker knows of a packet when it is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in ticks of the clock that the worker is given.
    pub ticks: u64,
    /// The port that it came in by or was to leave by.
    pub port: PortId,
    /// Which of the two.
    pub side: Side,
    /// What became of it, if that is known already. A packet that was to leave and could not is
    /// [`Side::Sent`] and dropped.
    pub verdict: Option<Verdict>,
    /// What decided, if that is known.
    pub decided: Option<Decided>,
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
