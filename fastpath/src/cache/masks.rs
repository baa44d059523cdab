//! The masks of a cache, by number.

use super::MAX_MASKS;
use crate::key::Mask;
use arrayvec::ArrayVec;

/// A mask that entries are kept under, or were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskUse {
    /// The bits that decide.
    pub mask: Mask,
    /// Entries under it.
    pub entries: u32,
    /// Packets decided by what was kept under it, as long as it has its number.
    pub hits: u64,
}

/// Every mask in use, and those that were and whose number was not needed since. So what a mask
/// counts goes on when it comes back, and no hit is lost.
#[derive(Debug, Default)]
pub(super) struct Masks {
    all: ArrayVec<MaskUse, MAX_MASKS>,
    /// Hits that are none of those masks' any more.
    other_hits: u64,
}

impl Masks {
    /// Those that have a number.
    pub(super) fn all(&self) -> &ArrayVec<MaskUse, MAX_MASKS> {
        &self.all
    }

    /// Those under which there are entries, with their numbers.
    pub(super) fn in_use(&self) -> impl Iterator<Item = (u8, &MaskUse)> {
        let numbered = (0..).zip(&self.all);
        numbered.filter(|(_, one)| one.entries > 0)
    }

    pub(super) fn get(&self, number: u8) -> Option<&Mask> {
        Some(&self.all.get(usize::from(number))?.mask)
    }

    /// The number of a mask, which is given one if it has none: a new one, or if there is none left
    /// that of a mask without entries. `None` if all are taken.
    pub(super) fn number(&mut self, mask: &Mask) -> Option<u8> {
        if let Some(known) = self.all.iter().position(|one| one.mask == *mask) {
            return Some(known as u8);
        }
        let new = MaskUse {
            mask: *mask,
            entries: 0,
            hits: 0,
        };
        if self.all.try_push(new).is_ok() {
            return Some((self.all.len() - 1) as u8);
        }
        let idle = self.all.iter().position(|one| one.entries == 0)?;
        self.other_hits += std::mem::replace(&mut self.all[idle], new).hits;
        Some(idle as u8)
    }

    /// One entry more.
    pub(super) fn enter(&mut self, number: u8) {
        if let Some(one) = self.all.get_mut(usize::from(number)) {
            one.entries += 1;
        }
    }

    /// One entry less.
    pub(super) fn leave(&mut self, number: u8) {
        if let Some(one) = self.all.get_mut(usize::from(number)) {
            one.entries = one.entries.saturating_sub(1);
        }
    }

    pub(super) fn hit(&mut self, number: u8, packets: u64) {
        if let Some(one) = self.all.get_mut(usize::from(number)) {
            one.hits += packets;
        }
    }

    /// Hits of an entry that is gone: nobody knows its mask.
    pub(super) fn hit_gone(&mut self, packets: u64) {
        self.other_hits += packets;
    }

    pub(super) fn other_hits(&self) -> u64 {
        self.other_hits
    }
}
