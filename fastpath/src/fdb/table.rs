//! The table itself: buckets of eight slots, each key in one of two buckets, nothing ever moved.
//!
//! The slot of an entry is its name as long as it lives. A removed entry leaves a mark in place of
//! its key, which no look-up finds, and its value. The slot gets another key only after every
//! worker has passed the removal: by then none is between finding the old key and reading the
//! value. So what a worker reads behind a key is a value of that key.

use super::{FdbKey, FdbValue};
use crate::sync::{Arc, AtomicU64, Ordering};

/// Slots in a bucket: as many keys as fit into one cache line. Fewer in loom's model, which tries
/// the orders of every load.
const BUCKET: usize = if cfg!(loom) { 2 } else { 8 };

/// In place of the key of a removed entry: the workers may still be reading its value. No key,
/// because its filtering id is zero.
const REMOVED: u64 = 1;

/// The place of an entry in the table. The same as long as the entry lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(u32);

impl SlotId {
    /// The number, less than [`FdbWriter::slots`](super::FdbWriter::slots).
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A line of keys, then a line of values. A key of zero is a slot that may be used. Keys are
/// stored and loaded in an order with all else (release, acquire), values after them.
#[repr(align(128))]
struct Bucket {
    keys: [AtomicU64; BUCKET],
    values: [AtomicU64; BUCKET],
}

/// Written by the one [`FdbWriter`](super::FdbWriter), read by all.
pub(super) struct Table {
    buckets: Box<[Bucket]>,
    /// Unknown outside, so that nobody can choose MACs that share a bucket.
    seed: u64,
}

impl Table {
    /// A table for `capacity` entries with room to spare: a third to two thirds of the slots are
    /// used at most, where a key that finds both its buckets full is a rarity.
    pub(super) fn new(capacity: usize, seed: u64) -> Self {
        let slots = (capacity + capacity / 2).clamp(2 * BUCKET, 1 << 30);
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        let bucket = |_| Bucket {
            keys: zeros(),
            values: zeros(),
        };
        let buckets = 0..slots.div_ceil(BUCKET).next_power_of_two();
        Table {
            buckets: buckets.map(bucket).collect(),
            seed,
        }
    }

    pub(super) fn slots(&self) -> usize {
        self.buckets.len() * BUCKET
    }

    /// The two buckets of a key: different ones.
    #[inline]
    fn places(&self, key: FdbKey) -> [usize; 2] {
        let mask = self.buckets.len() - 1;
        let mixed = mix(key.to_u64() ^ self.seed);
        let first = mixed as usize & mask;
        let step = (mixed >> 32) as usize & mask;
        [first, first ^ if step == 0 { 1 } else { step }]
    }

    /// The slot of the entry of `key`.
    #[inline]
    pub(super) fn find(&self, key: FdbKey) -> Option<SlotId> {
        let word = key.to_u64();
        self.places(key).into_iter().find_map(|place| {
            let keys = &self.buckets.get(place)?.keys;
            let at = keys
                .iter()
                .position(|slot| slot.load(Ordering::Acquire) == word)?;
            Some(slot_id(place, at))
        })
    }

    /// A slot that may be used, in the emptier of the buckets of `key`.
    pub(super) fn vacant(&self, key: FdbKey) -> Option<SlotId> {
        let free = |place: &usize| {
            let bucket = self.buckets.get(*place);
            let keys = bucket
                .into_iter()
                .flat_map(|bucket| bucket.keys.iter().enumerate());
            keys.filter(|(_, slot)| slot.load(Ordering::Relaxed) == 0)
                .map(|(at, _)| at)
        };
        let [first, second] = self.places(key);
        let place = if free(&second).count() > free(&first).count() {
            second
        } else {
            first
        };
        let at = free(&place).next()?;
        Some(slot_id(place, at))
    }

    /// The key of the entry in a slot; `None` if there is none.
    pub(super) fn key(&self, slot: SlotId) -> Option<FdbKey> {
        let bucket = self.buckets.get(slot.index() / BUCKET)?;
        FdbKey::from_u64(bucket.keys[slot.index() % BUCKET].load(Ordering::Acquire))
    }

    /// The value in a slot, be its entry there or removed.
    #[inline]
    pub(super) fn value(&self, slot: SlotId) -> Option<FdbValue> {
        let bucket = self.buckets.get(slot.index() / BUCKET)?;
        FdbValue::unpack(bucket.values[slot.index() % BUCKET].load(Ordering::Relaxed))
    }

    /// Puts an entry into a slot that may be used or held `key` last. For the writer only. Who
    /// finds the key finds the value, because that is stored first.
    pub(super) fn put(&self, slot: SlotId, key: FdbKey, value: FdbValue) {
        self.set_value(slot, value);
        self.set_key(slot, key.to_u64());
    }

    /// Changes the value of an entry. For the writer only. One store: readers find the old value
    /// or the new one.
    pub(super) fn set_value(&self, slot: SlotId, value: FdbValue) {
        if let Some(bucket) = self.buckets.get(slot.index() / BUCKET) {
            bucket.values[slot.index() % BUCKET].store(value.pack(), Ordering::Relaxed);
        }
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
        if let Some(bucket) = self.buckets.get(slot.index() / BUCKET) {
            bucket.keys[slot.index() % BUCKET].store(word, Ordering::Release);
        }
    }

    /// Every slot, in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = SlotId> + use<> {
        (0..self.slots() as u32).map(SlotId)
    }
}

fn slot_id(bucket: usize, at: usize) -> SlotId {
    SlotId((bucket * BUCKET + at) as u32)
}

/// Spreads every bit of the word over all others (the finalizer of MurmurHash3).
#[inline]
const fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33
}

/// The reading end of the forwarding table.
///
/// # Thread safety
/// Any number of clones on any threads. A thread that may run beside the writer must hold a
/// [`Reader`](crate::publish::Reader) and pass changes between look-ups, not within one: that is
/// what keeps slots from being used again under it.
#[derive(Clone)]
pub struct FdbReader {
    pub(super) table: Arc<Table>,
}

impl FdbReader {
    /// What the table says of `key`, and where it stands, for
    /// [`SeenWriter::touch`](super::SeenWriter::touch). Lock-free; two cache lines when unknown,
    /// at most three when known.
    #[inline]
    pub fn lookup(&self, key: FdbKey) -> Option<(SlotId, FdbValue)> {
        let slot = self.table.find(key)?;
        Some((slot, self.table.value(slot)?))
    }
}
