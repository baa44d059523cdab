//! The masks of a cache, by number.

use super::MAX_MASKS;
use crate::key::Mask;
use arrayvec::ArrayVec;

/// A mask that entries are kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskUse {
    /// The bits that decide.
    pub mask: Mask,
    /// Entries under it.
    pub entries: u32,
    /// Packets decided by what was kept under it, as long as it is in use.
    pub hits: u64,
}

/// Every mask in use, and those that were and whose number was not needed since.
#[derive(Debug, Default)]
pub(super) struct Masks(ArrayVec<MaskUse, MAX_MASKS>);

impl Masks {
    /// Those under which there are entries, with their numbers.
    pub(super) fn in_use(&self) -> impl Iterator<Item = (u8, &MaskUse)> {
        let numbered = (0..).zip(&self.0);
        numbered.filter(|(_, one)| one.entries > 0)
    }

    pub(super) fn get(&self, number: u8) -> Option<&Mask> {
        Some(&self.0.get(usize::from(number))?.mask)
    }

    /// The number of a mask, which is given one if it has none. `None` if all are taken.
    pub(super) fn number(&mut self, mask: &Mask) -> Option<u8> {
        let place = |wanted: fn(&MaskUse, &Mask) -> bool| {
            let mut masks = self.0.iter();
            masks.position(|one| wanted(one, mask))
        };
        if let Some(known) = place(|one, mask| one.mask == *mask) {
            return Some(known as u8);
        }
        let new = MaskUse {
            mask: *mask,
            entries: 0,
            hits: 0,
        };
        let number = match place(|one, _| one.entries == 0) {
            Some(idle) => {
                *self.0.get_mut(idle)? = new;
                idle
            }
            None => {
                self.0.try_push(new).ok()?;
                self.0.len() - 1
            }
        };
        Some(number as u8)
    }

    /// One entry more.
    pub(super) fn enter(&mut self, number: u8) {
        if let Some(one) = self.0.get_mut(usize::from(number)) {
            one.entries += 1;
        }
    }

    /// One entry less.
    pub(super) fn leave(&mut self, number: u8) {
        if let Some(one) = self.0.get_mut(usize::from(number)) {
            one.entries = one.entries.saturating_sub(1);
        }
    }

    pub(super) fn hit(&mut self, number: u8, packets: u64) {
        if let Some(one) = self.0.get_mut(usize::from(number)) {
            one.hits += packets;
        }
    }
}
