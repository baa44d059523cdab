//! The way of copies from a worker to who looks at them: two bounded rings, lossy, never waited for.
//!
//! ```text
//!   worker   Tap::hold     filter -> the bytes are held
//!            Tap::tell     verdict -> bytes, then note
//!   looker   TapReader::read          note, then bytes
//! ```
//!
//! The note is pushed last, so whoever sees it finds the bytes there.

use super::bits::{all, ones};
use super::filter::Runner;
use super::hold::{Headers, Hold};
use super::note::{Moment, Note, Side};
use super::wish::{Only, Wish};
use crate::cpu::ticks;
use crate::ids::PortId;
use crate::io::Packet;
use crate::stats::Counter;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;

/// How much may be copied, and may wait to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// First bytes of each packet that are copied; [`Limits::MAX_SNAP`] at most.
    pub snap: usize,
    /// Copies that may wait.
    pub copies: usize,
    /// Their bytes, all together. There is always room for one copy.
    pub bytes: usize,
}

impl Limits {
    /// More than the longest packet of a port has, but for one that is to be cut: of that its headers are
    /// what is looked for, and there has to be room for as much of each packet of a burst.
    pub const MAX_SNAP: usize = 16_384;
}

impl Default for Limits {
    /// Whole packets; 8192 of them, 4 MiB in all.
    fn default() -> Self {
        Limits {
            snap: Limits::MAX_SNAP,
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
pub struct TapStats {
    ports: Box<[TapCounters]>,
    /// Packets of bursts that the filter was asked about.
    pub asked: Counter,
    /// What that took, and to hold those that match, in [`ticks`].
    pub ticks: Counter,
}

impl TapStats {
    /// The counters of a port.
    pub fn port(&self, id: PortId) -> &TapCounters {
        // The table has a place for every number that `PortId` can hold.
        &self.ports[id.index()]
    }
}

/// A worker's end.
///
/// What it costs: a worker without one asks once a burst whether it has one, and that is all. With
/// one, each packet on the side of a port that it is for costs its filter, whose steps are taken for
/// a whole burst, and a copy of its bytes if they match; what is wanted after the verdict
/// costs a second copy, a load of both rings' other ends and a store to each. It never allocates or
/// waits. To drop it frees memory, so a worker gives it back.
#[derive(Debug)]
pub struct Tap {
    wish: Wish,
    runner: Runner,
    headers: Headers,
    snap: usize,
    received: Hold,
    sent: Hold,
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

/// Fills a ring and empties it, so that its memory is there when a worker writes to it.
fn touch<T: Copy>(into: &mut Producer<T>, from: &mut Consumer<T>, value: T) {
    while into.push(value).is_ok() {}
    while from.pop().is_ok() {}
}

/// A tap for one worker, with all the memory that it will ever need.
pub fn tap(wish: Wish, limits: Limits) -> (Tap, TapReader) {
    let snap = limits.snap.min(Limits::MAX_SNAP);
    let (mut note_in, mut note_out) = RingBuffer::new(limits.copies.max(1));
    let (mut byte_in, mut byte_out) = RingBuffer::new(limits.bytes.max(snap));
    let empty = Note {
        moment: Moment::new(0, PortId::modulo(0), Side::Received),
        len: 0,
        kept: 0,
        lost: 0,
    };
    touch(&mut note_in, &mut note_out, empty);
    touch(&mut byte_in, &mut byte_out, 0);
    let counters = std::iter::repeat_with(TapCounters::default);
    let stats = Arc::new(TapStats {
        ports: counters.take(PortId::LIMIT).collect(),
        asked: Counter::default(),
        ticks: Counter::default(),
    });
    let tap = Tap {
        runner: wish.filter.runner(),
        headers: Headers::new(),
        wish,
        snap,
        received: Hold::new(snap),
        sent: Hold::new(snap),
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
    /// Nobody reads any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.notes.is_abandoned()
    }

    /// Holds the bytes of those packets of a burst that may be wanted once it is known what becomes
    /// of them.
    pub(super) fn hold<P: Packet>(&mut self, side: Side, port: PortId, burst: &[P]) {
        let wish = &self.wish;
        // What cannot leave is still there when that is known.
        let later = side == Side::Sent && wish.only != Only::Everything;
        let looks = wish.looks(side, port) && !later;
        let began = ticks();
        let mut wanted = if looks { self.select(burst) } else { 0 };
        // Bytes for which there is no room need not be held to be lost. What is to leave may yet stay.
        let copied = side == Side::Received && self.wish.only == Only::Everything;
        if copied && self.has_no_room(burst, wanted) {
            self.stats.port(port).lost.add(wanted.count_ones().into());
            wanted = 0;
        }
        let held = match side {
            Side::Received => &mut self.received,
            Side::Sent => &mut self.sent,
        };
        held.fill(burst, wanted);
        if looks {
            self.stats.asked.add(burst.len() as u64);
            self.stats.ticks.add(ticks().saturating_sub(began));
        }
    }

    /// There is no room even for the shortest of these packets.
    fn has_no_room<P: Packet>(&self, burst: &[P], wanted: u64) -> bool {
        let wanted = ones(wanted).map_while(|at| burst.get(at));
        let shortest = wanted.map(|packet| packet.len().min(self.snap)).min();
        self.notes.is_full() || shortest.is_some_and(|shortest| self.bytes.slots() < shortest)
    }

    /// A bit for each packet whose bytes are wanted.
    fn select<P: Packet>(&mut self, burst: &[P]) -> u64 {
        match self.runner.wants_all() {
            true => all(burst.len()),
            false => self.runner.select(&self.headers.of(burst)),
        }
    }

    /// Holds packets of the last burst on this side.
    pub(super) fn holds(&self, side: Side) -> bool {
        match side {
            Side::Received => self.received.taken() != 0,
            Side::Sent => self.sent.taken() != 0,
        }
    }

    /// Packets of the received burst of which it is to be told what became of them, given those that
    /// are not just forwarded.
    pub(super) fn awaits(&self, noted: u64) -> u64 {
        match self.wish.only {
            Only::Everything => self.received.taken(),
            Only::Dropped | Only::DroppedFor(_) => self.received.taken() & noted,
        }
    }

    /// Copies what was held of packet number `at` of a burst, if that is what became of it.
    pub(super) fn tell(&mut self, at: usize, moment: &Moment) {
        let held = match moment.side {
            Side::Received => self.received.take(at),
            Side::Sent => self.sent.take(at),
        };
        let Some(held) = held.filter(|_| self.wish.wants(moment)) else {
            return;
        };
        let room = Room {
            notes: &mut self.notes,
            bytes: &mut self.bytes,
            stats: &self.stats,
            told: &mut self.told,
        };
        room.push(moment, held.len, held.bytes.len(), |bytes| {
            // There is room.
            let _ = bytes.push_partial_slice(held.bytes);
        });
    }

    /// Copies a packet of which everything is known, if it is wanted.
    pub fn offer<P: Packet>(&mut self, moment: &Moment, packet: &P) {
        if !self.wish.wants(moment) || self.select(std::slice::from_ref(packet)) == 0 {
            return;
        }
        let (len, snap) = (packet.len(), self.snap);
        let room = Room {
            notes: &mut self.notes,
            bytes: &mut self.bytes,
            stats: &self.stats,
            told: &mut self.told,
        };
        room.push(moment, len as u32, len.min(snap), |bytes| {
            let mut left = snap;
            packet.for_each_segment(0, |segment| {
                let part = segment.len().min(left);
                let _ = bytes.push_partial_slice(&segment[..part]);
                left -= part;
            });
        });
    }
}

/// The worker's ends of the two rings.
struct Room<'a> {
    notes: &'a mut Producer<Note>,
    bytes: &'a mut Producer<u8>,
    stats: &'a TapStats,
    told: &'a mut [u64],
}

impl Room<'_> {
    /// Adds a copy, whose `kept` bytes `push` pushes. If there is no room it is lost, and counted.
    fn push(self, moment: &Moment, len: u32, kept: usize, push: impl FnOnce(&mut Producer<u8>)) {
        let counters = self.stats.port(moment.port);
        if self.notes.is_full() || self.bytes.slots() < kept {
            counters.lost.add(1);
            return;
        }
        push(self.bytes);
        let lost = counters.lost.get();
        // The table has a place for every number that `PortId` can hold.
        let told = std::mem::replace(&mut self.told[moment.port.index()], lost);
        let note = Note {
            moment: *moment,
            len,
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
