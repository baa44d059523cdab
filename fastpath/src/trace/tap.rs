//! The way of copies from a worker to who looks at them: two bounded rings, lossy, never waited for.
//!
//! ```text
//!   worker   Tap::offer    filter -> bytes, then note
//!   looker   TapReader::read         note, then bytes
//! ```
//!
//! The note is pushed last, so whoever sees it finds the bytes there.

use super::filter::Filter;
use super::note::{Moment, Note};
use crate::ids::PortId;
use crate::io::Packet;
use crate::stats::Counter;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;

/// How much may be copied, and may wait to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// First bytes of each packet that are copied.
    pub snap: usize,
    /// Copies that may wait.
    pub copies: usize,
    /// Their bytes, all together. There is always room for one copy.
    pub bytes: usize,
}

impl Default for Limits {
    /// Whole packets; 8192 of them, 4 MiB in all.
    fn default() -> Self {
        Limits {
            snap: 65_535,
            copies: 8192,
            bytes: 4 << 20,
        }
    }
}

/// What a tap did with the packets of one port that its filter wanted.
#[derive(Debug, Default)]
pub struct TapCounters {
    /// Copied.
    pub copied: Counter,
    /// Not copied, because too much waited to be read.
    pub lost: Counter,
}

/// What a tap did, by port.
///
/// # Thread safety
/// The worker counts; anybody may read.
#[derive(Debug)]
pub struct TapStats(Box<[TapCounters]>);

impl TapStats {
    /// The counters of a port.
    pub fn port(&self, id: PortId) -> &TapCounters {
        // The table has a place for every number that `PortId` can hold.
        &self.0[id.index()]
    }
}

/// A worker's end.
///
/// What it costs: a worker without one asks once a burst whether it has one, and that is all. With
/// one, each packet that is offered costs its filter, a step for each instruction on the way; a
/// packet that is wanted costs a load of both rings' other ends, a copy of its bytes and a store to
/// each ring. It never allocates or waits. To drop it frees memory, so a worker gives it back.
#[derive(Debug)]
pub struct Tap {
    filter: Filter,
    snap: usize,
    notes: Producer<Note>,
    bytes: Producer<u8>,
    stats: Arc<TapStats>,
    /// Of each port what was lost when the last copy was made.
    told: Box<[u64]>,
}

/// The other end. One thread reads it.
#[derive(Debug)]
pub struct TapReader {
    notes: Consumer<Note>,
    bytes: Consumer<u8>,
    stats: Arc<TapStats>,
}

/// A tap for one worker, with all the memory that it will ever need.
pub fn tap(filter: Filter, limits: Limits) -> (Tap, TapReader) {
    let (note_in, note_out) = RingBuffer::new(limits.copies.max(1));
    let (byte_in, byte_out) = RingBuffer::new(limits.bytes.max(limits.snap));
    let counters = std::iter::repeat_with(TapCounters::default);
    let stats = Arc::new(TapStats(counters.take(PortId::LIMIT).collect()));
    let tap = Tap {
        filter,
        snap: limits.snap,
        notes: note_in,
        bytes: byte_in,
        stats: Arc::clone(&stats),
        told: vec![0; PortId::LIMIT].into(),
    };
    let reader = TapReader {
        notes: note_out,
        bytes: byte_out,
        stats,
    };
    (tap, reader)
}

impl Tap {
    /// Copies a packet if it is wanted. If there is no room the copy is lost, and counted.
    pub fn offer(&mut self, moment: Moment, packet: &impl Packet) {
        let len = packet.len();
        if !self.filter.matches(packet.head(), len) {
            return;
        }
        let counters = self.stats.port(moment.port);
        if self.notes.is_full() || self.bytes.slots() < len.min(self.snap) {
            counters.lost.add(1);
            return;
        }
        let mut kept = 0;
        let bytes = &mut self.bytes;
        packet.for_each_segment(0, |segment| {
            let part = segment.len().min(self.snap - kept);
            let (pushed, _) = bytes.push_partial_slice(&segment[..part]);
            kept += pushed.len();
        });
        let lost = counters.lost.get();
        // The table has a place for every number that `PortId` can hold.
        let told = std::mem::replace(&mut self.told[moment.port.index()], lost);
        let note = Note {
            moment,
            len: len as u32,
            kept: kept as u32,
            lost: (lost - told) as u32,
        };
        if self.notes.push(note).is_ok() {
            counters.copied.add(1);
        }
    }
}

impl TapReader {
    /// Takes the oldest copy, whose bytes take the place of what `bytes` held. `None` if none waits.
    pub fn read(&mut self, bytes: &mut Vec<u8>) -> Option<Note> {
        let note = self.notes.pop().ok()?;
        bytes.resize(note.kept as usize, 0);
        let there = self.bytes.pop_entire_slice(bytes).is_ok();
        debug_assert!(there, "the bytes come before the note");
        Some(note)
    }

    /// The worker has given its end up: what can still be read is the rest.
    pub fn is_abandoned(&self) -> bool {
        self.notes.is_abandoned()
    }

    /// What the tap did so far.
    pub fn stats(&self) -> &TapStats {
        &self.stats
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
