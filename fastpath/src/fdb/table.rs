//! The table itself: buckets of one cache line, each key in one of a few, nothing ever moved.
//!
//! The slot of an entry is its name as long as it lives. A removed entry leaves a mark in place of
//! its key, which no look-up finds, and its value. The slot gets another key only after every
//! worker has passed the removal: by then none is between finding the old key and reading the
//! value. So what a worker reads behind a key is a value of that key.
//!
//! A key goes to the first of its buckets that has room. That is nearly always the first of all, and
//! a bucket says whether some key had to go on from there: so a key that is known costs one line,
//! and so does one that is not.

use super::burst::FdbView;
use super::compare::Avx2;
use super::hash::{FdbPlace, Hasher, WAYS};
use super::reader::Found;
use super::{FdbKey, FdbValue};
use crate::cpu::Cpu;
use crate::huge;
use crate::sync::{AtomicU64, Ordering};
use std::ops::Range;

/// Slots in a bucket: as many keys and values as fit into one cache line. Fewer in loom's model,
/// which tries the orders of every load.
pub(super) const BUCKET: usize = if cfg!(loom) { 2 } else { 4 };

/// In place of the key of a removed entry: the workers may still be reading its value. No key,
/// because its filtering id is zero.
const REMOVED: u64 = 1;

/// In the value word of a bucket's first slot, beside whatever value is there: some key that has
/// this bucket as its first is in another one.
const ELSEWHERE: u64 = 1 << 31;

/// In the value word of an entry whose key is no station: a group. Such a frame's source is not
/// sound, and it may be one that no bridge forwards, so that who meets this bit looks closely.
pub(super) const GROUP: u64 = 1 << 30;

/// The place of an entry in the table. The same as long as the entry lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(u32);

impl SlotId {
    /// The number, less than [`FdbWriter::slots`](super::FdbWriter::slots).
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The bucket that it is in.
    pub(super) const fn bucket(self) -> usize {
        self.index() / BUCKET
    }
}

/// Keys and values, in one line. A key of zero is a slot that may be used. Keys are stored and
/// loaded in an order with all else (release, acquire), values after them.
///
/// A value word: [`FdbValue::pack`] in the low bits, [`GROUP`], [`ELSEWHERE`], and in the upper 32
/// bits the tick at which the station was seen last. The tick is what workers write.
#[repr(C, align(64))]
pub(super) struct Bucket {
    pub(super) keys: [AtomicU64; BUCKET],
    pub(super) values: [AtomicU64; BUCKET],
}

impl Bucket {
    pub(super) fn new() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Bucket {
            keys: zeros(),
            values: zeros(),
        }
    }

    /// The place of `key`; [`BUCKET`] if it is not there. Compares all, because which of them it is
    /// cannot be predicted.
    #[inline(always)]
    pub(super) fn position(&self, key: FdbKey) -> usize {
        let all = self.keys.iter().enumerate();
        all.fold(BUCKET, |found, (at, held)| {
            if held.load(Ordering::Acquire) == key.to_u64() {
                at
            } else {
                found
            }
        })
    }
}

/// Written by the one [`FdbWriter`](super::FdbWriter), but for ticks; read by all.
pub(super) struct Table {
    buckets: Box<[Bucket]>,
    hasher: Hasher,
    avx2: Option<Avx2>,
}

impl Table {
    /// How many buckets `capacity` entries get: one for each, rounded up to a power of two.
    ///
    /// So a full table has at most one entry to a bucket of four slots on average. Then 1 of 230
    /// entries is not in its first bucket, and 1 of 30 million finds all four of its buckets full
    /// and is refused. In a table that is half full it is 1 of 4500, and none that was ever seen.
    pub(super) fn buckets(capacity: usize) -> usize {
        capacity.clamp(WAYS as usize, 1 << 28).next_power_of_two()
    }

    /// An empty table of that many buckets: a power of two, and no less than [`WAYS`].
    pub(super) fn new(buckets: usize, seed: u64) -> Self {
        Table {
            buckets: huge::collect((0..buckets).map(|_| Bucket::new())),
            hasher: Hasher::new(seed),
            avx2: Avx2::new(Cpu::detect()),
        }
    }

    pub(super) fn slots(&self) -> usize {
        self.buckets.len() * BUCKET
    }

    #[inline(always)]
    pub(super) fn place(&self, key: FdbKey) -> FdbPlace {
        self.hasher.place(key)
    }

    /// The number of a bucket of `place`. Their count is a power of two.
    #[inline(always)]
    fn bucket(&self, place: FdbPlace, turn: u64) -> usize {
        place.bucket(turn) & (self.buckets.len() - 1)
    }

    /// The bucket in which the keys of `place` are if there was room.
    pub(super) fn first(&self, place: FdbPlace) -> usize {
        self.bucket(place, 0)
    }

    /// The table for a burst of look-ups.
    #[inline(always)]
    pub(super) fn view(&self) -> FdbView<'_> {
        FdbView::new(&self.buckets, self.hasher, self.avx2)
    }

    /// The entry of `key`, of which `place` is the place.
    #[inline(always)]
    pub(super) fn find(&self, key: FdbKey, place: FdbPlace) -> Option<Found> {
        let number = self.bucket(place, 0);
        let bucket = self.buckets.get(number)?;
        let at = bucket.position(key);
        match bucket.values.get(at) {
            Some(value) => Some(Found::new(
                slot_id(number, at),
                value.load(Ordering::Relaxed),
            )),
            None if bucket.values[0].load(Ordering::Relaxed) & ELSEWHERE == 0 => None,
            None => self.find_elsewhere(key, place),
        }
    }

    #[cold]
    fn find_elsewhere(&self, key: FdbKey, place: FdbPlace) -> Option<Found> {
        (1..WAYS).find_map(|turn| {
            let number = self.bucket(place, turn);
            let bucket = self.buckets.get(number)?;
            let at = bucket.position(key);
            let word = bucket.values.get(at)?.load(Ordering::Relaxed);
            Some(Found::new(slot_id(number, at), word))
        })
    }

    /// A slot that may be used, in the first bucket of `place` that has one.
    pub(super) fn vacant(&self, place: FdbPlace) -> Option<SlotId> {
        (0..WAYS).find_map(|turn| {
            let number = self.bucket(place, turn);
            let mut keys = self.buckets.get(number)?.keys.iter();
            let at = keys.position(|key| key.load(Ordering::Relaxed) == 0)?;
            Some(slot_id(number, at))
        })
    }

    /// What is in a slot; `None` if no entry is.
    pub(super) fn entry(&self, slot: SlotId) -> Option<(FdbKey, Found)> {
        let bucket = self.buckets.get(slot.bucket())?;
        let key = FdbKey::from_u64(bucket.keys[at(slot)].load(Ordering::Acquire))?;
        let word = bucket.values[at(slot)].load(Ordering::Relaxed);
        Some((key, Found::new(slot, word)))
    }

    /// Notes that the station of `found` sent a frame at `tick`. If the word is another one by now,
    /// that was noted by somebody else, or the station moved, which sets the tick as well.
    pub(super) fn stamp(&self, found: Found, tick: u32) {
        if let Some(bucket) = self.buckets.get(found.slot().bucket()) {
            let old = found.word();
            let new = u64::from(tick) << 32 | old & u64::from(u32::MAX);
            let value = &bucket.values[at(found.slot())];
            let _ = value.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Puts an entry into a slot that may be used or held `key` last. For the writer only. Who
    /// finds the key finds the value, because that is stored first.
    pub(super) fn put(&self, slot: SlotId, key: FdbKey, value: FdbValue, tick: u32) {
        self.set_value(slot, key, value, tick);
        self.set_key(slot, key.to_u64());
    }

    /// Changes the value of the entry of `key`. For the writer only. At once: readers find the old value or
    /// the new one, and what a worker stamps in between is lost. [`ELSEWHERE`] stays: nobody else
    /// changes it.
    pub(super) fn set_value(&self, slot: SlotId, key: FdbKey, value: FdbValue, tick: u32) {
        if let Some(bucket) = self.buckets.get(slot.bucket()) {
            let word = &bucket.values[at(slot)];
            let group = if key.is_station() { 0 } else { GROUP };
            let new = u64::from(tick) << 32 | group | u64::from(value.pack());
            let kept = word.load(Ordering::Relaxed) & ELSEWHERE;
            // A store would do. But loom knows an order between exchanges only, and a worker may
            // exchange this word for one with a newer tick.
            word.swap(new | kept, Ordering::Relaxed);
        }
    }

    /// Says whether some key that has this bucket as its first is in another one. For the writer
    /// only: before the first such key is put, and after the last was removed.
    pub(super) fn set_elsewhere(&self, bucket: usize, elsewhere: bool) {
        if let Some(bucket) = self.buckets.get(bucket) {
            let word = &bucket.values[0];
            if elsewhere {
                word.fetch_or(ELSEWHERE, Ordering::Relaxed);
            } else {
                word.fetch_and(!ELSEWHERE, Ordering::Relaxed);
            }
        }
    }

    /// How many buckets send look-ups on.
    #[cfg(not(loom))]
    #[cfg(test)]
    pub(super) fn elsewhere(&self) -> usize {
        let marked = |bucket: &&Bucket| bucket.values[0].load(Ordering::Relaxed) & ELSEWHERE != 0;
        self.buckets.iter().filter(marked).count()
    }

    /// Removes the entry in a slot. For the writer only.
    pub(super) fn mark_removed(&self, slot: SlotId) {
        self.set_key(slot, REMOVED);
    }

    /// Lets a slot be used again. For the writer only, once no reader can be at the old entry.
    pub(super) fn free(&self, slot: SlotId) {
        self.set_key(slot, 0);
    }

    fn set_key(&self, slot: SlotId, word: u64) {
        if let Some(bucket) = self.buckets.get(slot.bucket()) {
            bucket.keys[at(slot)].store(word, Ordering::Release);
        }
    }

    /// The slots of these numbers, in order.
    pub(super) fn ids(&self, numbers: Range<usize>) -> impl Iterator<Item = SlotId> + use<> {
        let end = numbers.end.min(self.slots());
        (numbers.start as u32..end as u32).map(SlotId)
    }
}

const fn at(slot: SlotId) -> usize {
    slot.index() % BUCKET
}

#[inline(always)]
const fn slot_id(bucket: usize, at: usize) -> SlotId {
    SlotId((bucket * BUCKET + at) as u32)
}
