//! The flow cache of one worker: decisions kept under the bits of the key that decided.
//!
//! ```text
//!   key --(each mask)--> index: bucket of signatures --> slab: entry, compared in full
//! ```
//!
//! Everything is allocated once. A full cache evicts; a decision whose mask would be one too many
//! is not kept. An entry is valid while the generation of its ingress port stands; it does not rest on
//! the forwarding table, which is read for each packet.
//!
//! Each entry counts the packets that it decided. What a [memo](crate::memo) recalls in its place it is
//! [credited](Cache::credit) with later.

mod index;
mod masks;
mod survey;

pub use masks::MaskUse;
pub use survey::{Record, Survey, Task, Totals, Which};

use crate::action::Program;
use crate::key::{FlowKey, Mask};
use crate::resolve::Resolution;
use index::Index;
use masks::Masks;

/// Most masks. Decisions read the key in stages, so their number is set by the code, not by traffic.
pub const MAX_MASKS: usize = 32;
/// Most entries: places are numbers of 32 bits.
const MAX_ENTRIES: usize = 1 << 30;

/// One kept decision.
#[derive(Clone, Debug)]
struct Entry {
    key: FlowKey,
    mask: u8,
    generation: u32,
    hash: u64,
    program: Program,
    /// Packets that it decided.
    packets: u64,
    /// Tells it from those that had its place before.
    made: u32,
    /// Hit since the clock hand last passed.
    used: bool,
    /// A memo decides in its place, so that it is not hit and yet in use: it gives way last.
    remembered: bool,
}

/// Which entry it is: its number, and which of those that have had this number. Holds also when the
/// entry is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryId {
    /// The number: its place in the slab.
    pub place: u32,
    made: u32,
}

impl EntryId {
    /// No entry.
    pub(crate) const NONE: EntryId = EntryId {
        place: u32::MAX,
        made: 0,
    };
}

/// What is kept for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The compiled actions.
    pub program: Program,
    /// The bits of the key that they rest on.
    pub mask: Mask,
    /// Who decided.
    pub entry: EntryId,
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// The decision is kept.
    Kept {
        /// Where.
        entry: EntryId,
        /// Whether there was an entry of the same flow, whose place it took, or which it is if the
        /// decision came out the same.
        replaced: usize,
        /// Other entries that had to make room.
        evicted: usize,
    },
    /// Not kept: it would have been one mask too many.
    MaskLimit,
    /// Not kept: the cache has no places at all.
    Off,
}

/// A flow cache.
#[derive(Debug)]
pub struct Cache {
    masks: Masks,
    index: Index,
    slab: Box<[Option<Entry>]>,
    free: Vec<u32>,
    /// Places from the first on that ever had an entry.
    touched: usize,
    hand: usize,
    /// Entries made so far, modulo 2^32.
    made: u32,
    /// Packets decided by entries that are there no more.
    gone: u64,
}

impl Cache {
    /// An empty cache with room for `capacity` entries; 0 turns it off.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.min(MAX_ENTRIES);
        Cache {
            masks: Masks::default(),
            index: Index::new(capacity),
            slab: std::iter::repeat_with(|| None).take(capacity).collect(),
            free: (0..capacity as u32).rev().collect(),
            touched: 0,
            hand: 0,
            made: 0,
            gone: 0,
        }
    }

    /// Entries in the cache.
    pub fn len(&self) -> usize {
        self.slab.len() - self.free.len()
    }

    /// Most entries.
    pub fn capacity(&self) -> usize {
        self.slab.len()
    }

    /// No entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Masks in use.
    pub fn masks(&self) -> usize {
        self.masks.in_use().count()
    }

    /// What is kept for `key`, whose ingress port is at `generation`. Counts the packet.
    pub fn lookup(&mut self, key: &FlowKey, generation: u32) -> Option<Hit> {
        let at = self.find(key, Some(generation))?;
        let entry = self.slab[at].as_mut()?;
        entry.used = true;
        entry.packets += 1;
        self.masks.hit(entry.mask, 1);
        Some(Hit {
            program: entry.program,
            mask: *self.masks.get(entry.mask)?,
            entry: EntryId {
                place: at as u32,
                made: entry.made,
            },
        })
    }

    /// The entry for `key`, of one generation or of any. Counts nothing.
    pub(crate) fn peek(&self, key: &FlowKey, generation: Option<u32>) -> Option<EntryId> {
        let at = self.find(key, generation)?;
        Some(EntryId {
            place: at as u32,
            made: self.slab[at].as_ref()?.made,
        })
    }

    fn entry(&mut self, id: EntryId) -> Option<&mut Entry> {
        let entry = self.slab.get_mut(id.place as usize)?.as_mut()?;
        (entry.made == id.made).then_some(entry)
    }

    /// Counts packets that were decided as `id` decides, without a look-up.
    pub fn credit(&mut self, id: EntryId, packets: u64) {
        match self.entry(id) {
            Some(entry) => {
                entry.packets += packets;
                entry.used |= packets > 0;
                let mask = entry.mask;
                self.masks.hit(mask, packets);
            }
            None => {
                self.gone += packets;
                self.masks.hit_gone(packets);
            }
        }
    }

    /// A memo decides in the place of `id` from now on, or does so no more.
    pub fn set_remembered(&mut self, id: EntryId, remembered: bool) {
        if let Some(entry) = self.entry(id) {
            entry.remembered = remembered;
        }
    }

    /// Whether there is an entry for `key`, be it of an older generation: a flow that is no new one.
    pub fn knows(&self, key: &FlowKey) -> bool {
        self.find(key, None).is_some()
    }

    fn find(&self, key: &FlowKey, generation: Option<u32>) -> Option<usize> {
        self.masks.in_use().find_map(|(number, one)| {
            let masked = key.masked(&one.mask);
            self.index.candidates(hash(&masked, number)).find(|at| {
                self.slab[*at].as_ref().is_some_and(|entry| {
                    entry.mask == number
                        && entry.key == masked
                        && generation.is_none_or(|generation| entry.generation == generation)
                })
            })
        })
    }

    /// Keeps `resolution`, made for one packet, for all that agree with `key` in its mask.
    pub fn insert(&mut self, key: &FlowKey, resolution: &Resolution, generation: u32) -> Insertion {
        if self.slab.is_empty() {
            return Insertion::Off;
        }
        let Some(mask) = self.masks.number(&resolution.mask) else {
            return Insertion::MaskLimit;
        };
        let key = key.masked(&resolution.mask);
        let hash = hash(&key, mask);
        let stale = self.stale(&key, mask, hash);
        if let Some(entry) = stale.and_then(|at| self.renew(at, &resolution.program, generation)) {
            return Insertion::Kept {
                entry,
                replaced: 1,
                evicted: 0,
            };
        }
        let replaced = stale.map(|at| self.remove(at)).iter().count();
        let evicted = self.make_room(hash);
        let Some(at) = self.free.pop() else {
            return Insertion::Off;
        };
        self.index.insert(hash, at);
        self.masks.enter(mask);
        self.made = self.made.wrapping_add(1);
        self.touched = self.touched.max(at as usize + 1);
        self.slab[at as usize] = Some(Entry {
            key,
            mask,
            generation,
            hash,
            program: resolution.program,
            packets: 1,
            made: self.made,
            used: true,
            remembered: false,
        });
        let made = self.made;
        Insertion::Kept {
            entry: EntryId { place: at, made },
            replaced,
            evicted,
        }
    }

    /// The place of the same flow under an older generation.
    fn stale(&self, key: &FlowKey, mask: u8, hash: u64) -> Option<usize> {
        self.index.candidates(hash).find(|at| {
            let entry = self.slab[*at].as_ref();
            entry.is_some_and(|entry| entry.mask == mask && entry.key == *key)
        })
    }

    /// If the decision came out the same, its entry holds on, with its place and what it counted, and
    /// counts the packet.
    fn renew(&mut self, at: usize, program: &Program, generation: u32) -> Option<EntryId> {
        let entry = self.slab.get_mut(at)?.as_mut()?;
        if entry.program != *program {
            return None;
        }
        entry.generation = generation;
        entry.packets += 1;
        entry.used = true;
        Some(EntryId {
            place: at as u32,
            made: entry.made,
        })
    }

    /// Makes a place in the bucket of `hash` and one in the slab. Returns how many entries it cost.
    fn make_room(&mut self, hash: u64) -> usize {
        let before = self.len();
        if let Some(victim) = self.bucket_victim(hash) {
            self.remove(victim);
        }
        // The clock hand clears a mark at each step, so two turns find a victim, and a third one if
        // memos remember all of them.
        let turn = self.slab.len();
        for step in 0..3 * turn {
            if !self.free.is_empty() {
                break;
            }
            self.hand = (self.hand + 1) % turn;
            match &mut self.slab[self.hand] {
                Some(entry) if entry.used => entry.used = false,
                Some(entry) if entry.remembered && step < 2 * turn => {}
                _ => self.remove(self.hand),
            }
        }
        before - self.len()
    }

    /// If the bucket is full, the entry in it to give way: one that was not used lately, or any.
    fn bucket_victim(&self, hash: u64) -> Option<usize> {
        let all = self.index.full_bucket(hash)?.iter().map(|at| *at as usize);
        all.min_by_key(|at| {
            let entry = self.slab[*at].as_ref();
            entry.map(|entry| (entry.remembered, entry.used))
        })
    }

    fn remove(&mut self, at: usize) {
        if let Some(entry) = self.slab[at].take() {
            self.index.remove(entry.hash, at as u32);
            self.masks.leave(entry.mask);
            self.gone += entry.packets;
            self.free.push(at as u32);
        }
    }
}

/// A multiply-fold hash over the words of a masked key.
fn hash(key: &FlowKey, mask: u8) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    // Not the number itself: it would cancel out against a small first word.
    let seed = K.wrapping_mul(u64::from(mask) + 1);
    key.0.iter().fold(seed, |state, word| {
        let product = u128::from(state ^ word) * u128::from(K);
        (product as u64) ^ (product >> 64) as u64
    })
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
