//! The writing end of the forwarding table.

use super::seen::Seen;
use super::table::Table;
use super::{FdbKey, FdbReader, FdbValue, SeenWriter, SlotId};
use crate::publish::Change;
use crate::sync::Arc;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Makes a forwarding table.
pub enum Fdb {}

impl Fdb {
    /// An empty table for `capacity` entries over all bridges, whose freshness is noted by
    /// `workers` workers. The table never grows; removed entries that wait for the workers take
    /// some memory of control besides.
    #[expect(clippy::new_ret_no_self, reason = "a table is its two ends")]
    pub fn new(capacity: usize, workers: usize) -> (FdbWriter, FdbReader) {
        Self::with_seed(capacity, workers, RandomState::new().hash_one(0))
    }

    /// The same with a seed for the hash that is known, for tests.
    pub(super) fn with_seed(capacity: usize, workers: usize, seed: u64) -> (FdbWriter, FdbReader) {
        let table = Arc::new(Table::new(capacity, seed));
        let (seen, seen_writers) = Seen::new(table.slots(), workers);
        let writer = FdbWriter {
            table: Arc::clone(&table),
            capacity,
            len: 0,
            quarantine: HashMap::new(),
            unsealed: false,
            seen,
            seen_writers,
            tick: 0,
            fdb_full: 0,
        };
        (writer, FdbReader { table })
    }
}

/// The table took no further entry: it holds as many as it may, or the buckets of this key are
/// full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the forwarding table is full")]
pub struct FdbFull;

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// Where the entry stands.
    pub slot: SlotId,
    /// What the table said before, if anything.
    pub replaced: Option<FdbValue>,
}

/// An entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdbEntry {
    /// Where it stands.
    pub slot: SlotId,
    /// Of whom.
    pub key: FdbKey,
    /// What.
    pub value: FdbValue,
}

/// The one writer of the forwarding table.
///
/// # Thread safety
/// Belongs to control; not `Clone`. What it writes is visible to readers at once, and certain to
/// be once they observe the change counted after it: see the order in the docs of [`super`].
pub struct FdbWriter {
    table: Arc<Table>,
    capacity: usize,
    len: usize,
    /// Slots of removed entries, which keep their keys: with the change that every worker must
    /// pass before another key may use them, once it is known.
    quarantine: HashMap<SlotId, Option<Change>>,
    /// Some slot in quarantine has no change yet.
    unsealed: bool,
    seen: Seen,
    seen_writers: Vec<SeenWriter>,
    tick: u32,
    fdb_full: u64,
}

impl FdbWriter {
    /// Inserts an entry, or replaces its value: then in the same slot by a single store. Either
    /// way it counts as seen now, at the tick given to [`Self::set_tick`].
    ///
    /// # Errors
    /// [`FdbFull`], and the table is as it was.
    pub fn insert(&mut self, key: FdbKey, value: FdbValue) -> Result<Inserted, FdbFull> {
        let found = self.table.find(key);
        let replaced = found.and_then(|slot| self.table.value(slot));
        if replaced.is_none() && self.len >= self.capacity {
            self.fdb_full += 1;
            return Err(FdbFull);
        }
        let Some(slot) = found.or_else(|| self.table.vacant(key)) else {
            self.fdb_full += 1;
            return Err(FdbFull);
        };
        self.seen.reset(slot, self.tick);
        self.table.set_value(slot, Some(value));
        if replaced.is_none() {
            self.len += 1;
            // A removed entry of the same key comes back to life in its slot.
            self.quarantine.remove(&slot);
            self.table.set_key(slot, Some(key));
        }
        Ok(Inserted { slot, replaced })
    }

    /// Removes an entry. Its slot stays with its key until it is sealed and released.
    pub fn remove(&mut self, key: FdbKey) -> Option<FdbValue> {
        let slot = self.table.find(key)?;
        let value = self.table.value(slot)?;
        self.table.set_value(slot, None);
        self.len -= 1;
        self.quarantine.insert(slot, None);
        self.unsealed = true;
        Some(value)
    }

    /// Tells under which change the removals since the last call were published: what
    /// [`Publisher::change`](crate::publish::Publisher::change) returned after them.
    pub fn seal(&mut self, change: Change) {
        if self.unsealed {
            self.unsealed = false;
            for sealed in self.quarantine.values_mut() {
                sealed.get_or_insert(change);
            }
        }
    }

    /// Frees the slots of entries removed under a change that every worker has passed, as told by
    /// `passed` (usually [`Publisher::passed`](crate::publish::Publisher::passed)), and returns
    /// how many.
    pub fn release(&mut self, mut passed: impl FnMut(Change) -> bool) -> usize {
        let before = self.quarantine.len();
        let mut known = None;
        self.quarantine.retain(|slot, sealed| {
            let Some(change) = *sealed else { return true };
            // Entries mostly go in bulk, under one change: it is asked for once.
            let (_, free) = *match known {
                Some((asked, _)) if asked != change => known.insert((change, passed(change))),
                _ => known.get_or_insert_with(|| (change, passed(change))),
            };
            if free {
                self.table.set_key(*slot, None);
            }
            !free
        });
        before - self.quarantine.len()
    }

    /// The entry of `key`.
    pub fn get(&self, key: FdbKey) -> Option<FdbEntry> {
        let slot = self.table.find(key)?;
        Some(FdbEntry {
            slot,
            key,
            value: self.table.value(slot)?,
        })
    }

    /// All entries, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = FdbEntry> {
        let entry = |slot| {
            let value = self.table.value(slot)?;
            Some(FdbEntry {
                slot,
                key: self.table.key(slot)?,
                value,
            })
        };
        self.table.ids().filter_map(entry)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No entry at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Most entries it takes.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// One more than the largest [`SlotId::index`]: more than the capacity.
    pub fn slots(&self) -> usize {
        self.table.slots()
    }

    /// Slots of removed entries that wait for the workers.
    pub fn quarantined(&self) -> usize {
        self.quarantine.len()
    }

    /// Insertions refused with [`FdbFull`] since the start.
    pub fn fdb_full(&self) -> u64 {
        self.fdb_full
    }

    /// The freshness rows of the workers, in their order. Once; later calls give none.
    pub fn seen_writers(&mut self) -> Vec<SeenWriter> {
        std::mem::take(&mut self.seen_writers)
    }

    /// What time it is, in seconds since the start: the clock of [`SeenWriter::touch`].
    pub fn set_tick(&mut self, tick: u32) {
        self.tick = tick;
    }

    /// When the station in `slot` was last seen by any worker, or learned, or moved.
    pub fn newest(&self, slot: SlotId) -> u32 {
        self.seen.newest(slot)
    }
}
