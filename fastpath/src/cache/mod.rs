//! The flow cache of one worker: decisions kept under the bits of the key that decided.
//!
//! ```text
//!   key --(each mask)--> index: bucket of signatures --> slab: entry, compared in full
//! ```
//!
//! Everything is allocated once. A full cache evicts; a decision whose mask would be one too many
//! is not kept. An entry is valid while the generation of its ingress port stands; it does not rest on
//! the forwarding table, which is read for each packet.

mod index;

use crate::action::Program;
use crate::key::{FlowKey, Mask};
use crate::resolve::Resolution;
use arrayvec::ArrayVec;
use index::Index;

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
    /// Hit since the clock hand last passed.
    used: bool,
}

/// What is kept for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The compiled actions.
    pub program: Program,
    /// The bits of the key that they rest on.
    pub mask: Mask,
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// The decision is kept.
    Kept {
        /// Entries of the same flow that it took the place of.
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
    masks: ArrayVec<Mask, MAX_MASKS>,
    index: Index,
    slab: Box<[Option<Entry>]>,
    free: Vec<u32>,
    hand: usize,
}

impl Cache {
    /// An empty cache with room for `capacity` entries; 0 turns it off.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.min(MAX_ENTRIES);
        Cache {
            masks: ArrayVec::new(),
            index: Index::new(capacity),
            slab: std::iter::repeat_with(|| None).take(capacity).collect(),
            free: (0..capacity as u32).rev().collect(),
            hand: 0,
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
        self.masks.len()
    }

    /// What is kept for `key`, whose ingress port is at `generation`.
    pub fn lookup(&mut self, key: &FlowKey, generation: u32) -> Option<Hit> {
        let at = self.find(key, Some(generation))?;
        let entry = self.slab[at].as_mut()?;
        entry.used = true;
        Some(Hit {
            program: entry.program,
            mask: *self.masks.get(usize::from(entry.mask))?,
        })
    }

    /// Whether there is an entry for `key`, be it of an older generation: a flow that is no new one.
    pub fn knows(&self, key: &FlowKey) -> bool {
        self.find(key, None).is_some()
    }

    fn find(&self, key: &FlowKey, generation: Option<u32>) -> Option<usize> {
        self.masks.iter().zip(0..).find_map(|(mask, number)| {
            let masked = key.masked(mask);
            self.index.candidates(hash(&masked, number)).find(|at| {
                self.slab[*at].as_ref().is_some_and(|entry| {
                    entry.mask == number
                        && entry.key == masked
                        && generation.is_none_or(|generation| entry.generation == generation)
                })
            })
        })
    }

    /// Keeps `resolution` for all packets that agree with `key` in its mask.
    pub fn insert(&mut self, key: &FlowKey, resolution: &Resolution, generation: u32) -> Insertion {
        if self.slab.is_empty() {
            return Insertion::Off;
        }
        let Some(mask) = self.mask_number(&resolution.mask) else {
            return Insertion::MaskLimit;
        };
        let key = key.masked(&resolution.mask);
        let hash = hash(&key, mask);
        let replaced = self.remove_stale(&key, mask, hash);
        let evicted = self.make_room(hash);
        let Some(at) = self.free.pop() else {
            return Insertion::Off;
        };
        self.index.insert(hash, at);
        self.slab[at as usize] = Some(Entry {
            key,
            mask,
            generation,
            hash,
            program: resolution.program,
            used: true,
        });
        Insertion::Kept { replaced, evicted }
    }

    fn mask_number(&mut self, mask: &Mask) -> Option<u8> {
        let known = self.masks.iter().position(|known| known == mask);
        let number = known.or_else(|| {
            self.masks.try_push(*mask).ok()?;
            Some(self.masks.len() - 1)
        })?;
        Some(number as u8)
    }

    /// The same flow under an older generation makes way first. Returns how many entries that were.
    fn remove_stale(&mut self, key: &FlowKey, mask: u8, hash: u64) -> usize {
        let slab = &self.slab;
        let stale = self.index.candidates(hash).find(|at| {
            slab[*at]
                .as_ref()
                .is_some_and(|entry| entry.mask == mask && entry.key == *key)
        });
        if let Some(at) = stale {
            self.remove(at);
        }
        usize::from(stale.is_some())
    }

    /// Makes a place in the bucket of `hash` and one in the slab. Returns how many entries it cost.
    fn make_room(&mut self, hash: u64) -> usize {
        let before = self.len();
        if let Some(victim) = self.bucket_victim(hash) {
            self.remove(victim);
        }
        // The clock hand clears a mark at each step, so two turns find a victim.
        for _ in 0..2 * self.slab.len() {
            if !self.free.is_empty() {
                break;
            }
            self.hand = (self.hand + 1) % self.slab.len();
            match &mut self.slab[self.hand] {
                Some(entry) if entry.used => entry.used = false,
                _ => self.remove(self.hand),
            }
        }
        before - self.len()
    }

    /// If the bucket is full, the entry in it to give way: one that was not used lately, or any.
    fn bucket_victim(&self, hash: u64) -> Option<usize> {
        let all = self.index.full_bucket(hash)?;
        let unused = |at: &&u32| {
            self.slab[**at as usize]
                .as_ref()
                .is_none_or(|entry| !entry.used)
        };
        all.iter()
            .find(unused)
            .or(all.first())
            .map(|at| *at as usize)
    }

    fn remove(&mut self, at: usize) {
        if let Some(entry) = self.slab[at].take() {
            self.index.remove(entry.hash, at as u32);
            self.free.push(at as u32);
        }
    }

    /// Removes everything. Returns how many entries that were.
    pub fn flush(&mut self) -> usize {
        let before = self.len();
        for at in 0..self.slab.len() {
            self.remove(at);
        }
        self.masks.clear();
        before
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
