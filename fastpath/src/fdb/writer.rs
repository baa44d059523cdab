//! The writing end of the forwarding table.

use super::reader::Found;
use super::table::Table;
use super::{FdbKey, FdbPlace, FdbReader, FdbValue, SlotId};
use crate::publish::Change;
use crate::sync::Arc;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// Makes a forwarding table.
pub enum Fdb {}

impl Fdb {
    /// An empty table for `capacity` entries over all bridges. It never grows; removed entries that
    /// wait for the workers take some memory of control besides.
    #[expect(clippy::new_ret_no_self, reason = "a table is its two ends")]
    pub fn new(capacity: usize) -> (FdbWriter, FdbReader) {
        let seed = RandomState::new().hash_one(0);
        Self::with(capacity, Table::buckets(capacity), seed)
    }

    /// The same with a size and a seed for the hash that are known, for tests.
    pub(super) fn with(capacity: usize, buckets: usize, seed: u64) -> (FdbWriter, FdbReader) {
        let table = Arc::new(Table::new(buckets, seed));
        let writer = FdbWriter {
            table: Arc::clone(&table),
            capacity,
            len: 0,
            quarantine: HashMap::new(),
            displaced: HashMap::new(),
            unsealed: false,
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
    /// The second in which any worker saw the station last, or in which it was learned or moved.
    pub seen: u32,
}

impl FdbEntry {
    fn new(key: FdbKey, found: Found) -> Self {
        FdbEntry {
            slot: found.slot(),
            key,
            value: found.value(),
            seen: found.seen(),
        }
    }
}

/// A slot that no other key may use before every worker has passed the removal.
struct Left {
    slot: SlotId,
    /// What is to be passed, once it is known.
    change: Option<Change>,
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
    /// Slots that removed entries left, by the keys they had.
    quarantine: HashMap<FdbKey, Left>,
    /// How many entries are not in the first bucket of their key, by that bucket.
    displaced: HashMap<usize, u32>,
    /// Some slot in quarantine has no change yet.
    unsealed: bool,
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
        let place = self.table.place(key);
        if let Some(found) = self.table.find(key, place) {
            let slot = found.slot();
            self.table.set_value(slot, key, value, self.tick);
            let replaced = Some(found.value());
            return Ok(Inserted { slot, replaced });
        }
        let Some(slot) = self.slot(key, place) else {
            self.fdb_full += 1;
            return Err(FdbFull);
        };
        self.displace(place, slot);
        self.table.put(slot, key, value, self.tick);
        self.len += 1;
        Ok(Inserted {
            slot,
            replaced: None,
        })
    }

    /// A slot for a new entry: if one of that key was removed lately, the same, which is safe for
    /// those who still read there and keeps a station that comes and goes from using up slots.
    fn slot(&mut self, key: FdbKey, place: FdbPlace) -> Option<SlotId> {
        if self.len >= self.capacity {
            return None;
        }
        let left = self.quarantine.remove(&key).map(|left| left.slot);
        left.or_else(|| self.table.vacant(place))
    }

    /// Before an entry is put: lets look-ups go on from the first bucket if it is not there.
    fn displace(&mut self, place: FdbPlace, slot: SlotId) {
        let first = self.table.first(place);
        if slot.bucket() != first {
            *self.displaced.entry(first).or_default() += 1;
            self.table.set_elsewhere(first, true);
        }
    }

    /// After an entry was removed: the reverse.
    fn undisplace(&mut self, place: FdbPlace, slot: SlotId) {
        let first = self.table.first(place);
        if slot.bucket() != first
            && let Entry::Occupied(mut count) = self.displaced.entry(first)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
                self.table.set_elsewhere(first, false);
            }
        }
    }

    /// Removes an entry. No other key uses its slot until that is sealed and released.
    pub fn remove(&mut self, key: FdbKey) -> Option<FdbValue> {
        let place = self.table.place(key);
        let found = self.table.find(key, place)?;
        let slot = found.slot();
        self.table.mark_removed(slot);
        self.undisplace(place, slot);
        self.len -= 1;
        self.quarantine.insert(key, Left { slot, change: None });
        self.unsealed = true;
        Some(found.value())
    }

    /// Tells under which change the removals since the last call were published: what
    /// [`Publisher::change`](crate::publish::Publisher::change) returned after them.
    pub fn seal(&mut self, change: Change) {
        if self.unsealed {
            self.unsealed = false;
            for left in self.quarantine.values_mut() {
                left.change.get_or_insert(change);
            }
        }
    }

    /// Frees the slots of entries removed under a change that every worker has passed, as told by
    /// `passed` (usually [`Publisher::passed`](crate::publish::Publisher::passed)), and returns
    /// how many.
    pub fn release(&mut self, mut passed: impl FnMut(Change) -> bool) -> usize {
        // Entries mostly go in bulk, under one change: it is asked for once.
        let mut last = None;
        let mut free = |change| match last {
            Some((asked, answer)) if asked == change => answer,
            _ => last.insert((change, passed(change))).1,
        };
        let before = self.quarantine.len();
        self.quarantine.retain(|_, left| {
            let keep = !left.change.is_some_and(&mut free);
            if !keep {
                self.table.free(left.slot);
            }
            keep
        });
        before - self.quarantine.len()
    }

    /// The entry of `key`.
    pub fn get(&self, key: FdbKey) -> Option<FdbEntry> {
        let found = self.table.find(key, self.table.place(key))?;
        Some(FdbEntry::new(key, found))
    }

    /// All entries, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = FdbEntry> {
        self.iter_at(0..self.slots())
    }

    /// Those in slots of these numbers. An entry is seen once by who asks for all numbers in turn,
    /// whatever is inserted, replaced or removed between.
    pub fn iter_at(&self, slots: Range<usize>) -> impl Iterator<Item = FdbEntry> {
        let ids = self.table.ids(slots);
        let entries = ids.filter_map(|slot| self.table.entry(slot));
        entries.map(|(key, found)| FdbEntry::new(key, found))
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

    /// What time it is, in seconds since the start: the clock of [`FdbReader::touch`].
    pub fn set_tick(&mut self, tick: u32) {
        self.tick = tick;
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::fdb::{Destination, Kind};
    use crate::ids::{BridgeId, RemoteId};
    use crate::publish::Publisher;
    use crate::wire::Mac;

    fn key(number: usize) -> FdbKey {
        FdbKey::new(
            BridgeId::new(number % 2).unwrap(),
            Mac::from_u64(number as u64 / 2),
        )
    }

    fn value(number: usize) -> FdbValue {
        let to = Destination::Remote(RemoteId::new(number).unwrap());
        FdbValue {
            to,
            kind: Kind::Learned,
        }
    }

    #[test]
    fn an_entry_keeps_its_slot_when_it_moves() {
        let (mut fdb, reader) = Fdb::new(4);
        let first = fdb.insert(key(1), value(1)).unwrap();
        assert_eq!(first.replaced, None);
        assert_eq!(reader.lookup(key(1)), Some((first.slot, value(1))));
        let moved = Inserted {
            slot: first.slot,
            replaced: Some(value(1)),
        };
        assert_eq!(fdb.insert(key(1), value(2)), Ok(moved));
        assert_eq!(reader.lookup(key(1)), Some((first.slot, value(2))));
        assert_eq!(reader.lookup(key(2)), None);
        assert_eq!((fdb.len(), fdb.capacity(), fdb.is_empty()), (1, 4, false));
    }

    #[test]
    fn a_full_table_refuses_and_counts() {
        let (mut fdb, reader) = Fdb::new(2);
        fdb.insert(key(1), value(1)).unwrap();
        fdb.insert(key(2), value(2)).unwrap();
        assert_eq!(fdb.insert(key(3), value(3)), Err(FdbFull));
        assert_eq!(
            (fdb.fdb_full(), fdb.len(), reader.lookup(key(3))),
            (1, 2, None)
        );
        assert!(fdb.insert(key(2), value(3)).is_ok(), "a move needs no room");
        fdb.remove(key(1)).unwrap();
        assert!(
            fdb.insert(key(3), value(3)).is_ok(),
            "a slot waits, its place does not"
        );
    }

    #[test]
    fn a_removed_slot_waits_for_its_seal_and_the_workers() {
        let (mut publisher, mut readers) = Publisher::new((), 1);
        let (mut fdb, reader) = Fdb::new(4);
        let slot = fdb.insert(key(1), value(1)).unwrap().slot;
        assert_eq!(
            (fdb.remove(key(1)), fdb.remove(key(1))),
            (Some(value(1)), None)
        );
        assert_eq!((reader.lookup(key(1)), fdb.quarantined()), (None, 1));
        assert_eq!(fdb.release(|_| true), 0, "not sealed");
        fdb.seal(publisher.change());
        assert_eq!(
            fdb.release(|change| publisher.passed(change)),
            0,
            "not passed"
        );
        assert!(readers[0].observe());
        readers[0].pass();
        assert_eq!(
            fdb.insert(key(1), value(2)).unwrap().slot,
            slot,
            "back in its slot"
        );
        assert_eq!(
            fdb.release(|change| publisher.passed(change)),
            0,
            "nothing to free"
        );
        fdb.remove(key(1)).unwrap();
        assert_eq!(
            fdb.release(|change| publisher.passed(change)),
            0,
            "removed anew"
        );
        fdb.seal(publisher.change());
        drop(readers);
        assert_eq!(fdb.release(|change| publisher.passed(change)), 1);
        assert_eq!(fdb.quarantined(), 0);
    }

    #[test]
    fn the_newest_note_of_any_worker_counts() {
        let (mut fdb, reader) = Fdb::new(4);
        let other = reader.clone();
        let seen = |fdb: &FdbWriter, number| fdb.get(key(number)).unwrap().seen;
        let touch = |reader: &FdbReader, number, tick| {
            let key = key(number);
            let found = reader.read(key, reader.place(key)).unwrap();
            reader.touch(&found, tick);
        };
        fdb.set_tick(5);
        fdb.insert(key(1), value(1)).unwrap();
        fdb.insert(key(2), value(2)).unwrap();
        assert_eq!(seen(&fdb, 1), 5);
        touch(&other, 1, 9);
        touch(&reader, 1, 7);
        assert_eq!(seen(&fdb, 1), 9);
        assert_eq!(seen(&fdb, 2), 5, "a note is of its slot only");
        assert_eq!(fdb.get(key(1)).unwrap().value, value(1));
        fdb.remove(key(1)).unwrap();
        fdb.set_tick(3);
        fdb.insert(key(1), value(1)).unwrap();
        assert_eq!(seen(&fdb, 1), 3, "notes on the earlier entry are past");
        fdb.set_tick(20);
        fdb.insert(key(1), value(2)).unwrap();
        assert_eq!(seen(&fdb, 1), 20, "who moves was seen");
        assert_eq!(fdb.iter().map(|entry| entry.seen).max(), Some(20));
    }

    #[test]
    fn a_note_on_what_has_moved_since_is_no_note() {
        let (mut fdb, reader) = Fdb::new(4);
        fdb.insert(key(1), value(1)).unwrap();
        let found = reader.read(key(1), reader.place(key(1))).unwrap();
        assert_eq!(found.to_bits(), value(1).to.to_bits());
        assert_eq!((found.value(), found.kind()), (value(1), Kind::Learned));
        fdb.insert(key(1), value(2)).unwrap();
        reader.touch(&found, 9);
        let entry = fdb.get(key(1)).unwrap();
        assert_eq!((entry.value, entry.seen), (value(2), 0));
    }
}
