//! The number that a rule writes beside a packet.
//!
//! ```text
//!   width  8:  generation 3 | slot  5
//!   width 16:  generation 4 | slot 12
//!   width 24:  generation 6 | slot 12, and 6 bits that stay zero
//! ```
//!
//! Slot 0 and generation 0 are never given out, so that a mark of zero, which drivers take to mean
//! different things, does not occur, and neither do the highest numbers, which mlx5 keeps for
//! itself.

use std::fmt;

/// Most slots of one port, the first of which is never used.
pub const SLOTS: usize = 1 << 12;

/// Different marks of [`Mark::trial`].
pub const TRIALS: usize = 4;

/// How many bits of a mark a NIC delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// Eight.
    Bits8,
    /// Sixteen.
    Bits16,
    /// Twenty-four.
    Bits24,
}

impl Width {
    /// All, the widest first.
    pub const ALL: [Width; 3] = [Width::Bits24, Width::Bits16, Width::Bits8];

    /// The largest mark that mlx5 takes of this width; others take it too. What a NIC is asked for to
    /// find out its width.
    pub const fn probe(self) -> u32 {
        match self {
            Width::Bits8 => 0xef,
            Width::Bits16 => 0xffef,
            Width::Bits24 => 0xff_ffef,
        }
    }

    const fn slot_bits(self) -> u32 {
        match self {
            Width::Bits8 => 5,
            Width::Bits16 | Width::Bits24 => 12,
        }
    }

    /// Slots that can be told apart, the first of which is never used.
    pub const fn slots(self) -> usize {
        1 << self.slot_bits()
    }

    /// Generations after which numbers begin again. The highest is left out, with the numbers that
    /// drivers reserve.
    const fn generations(self) -> u32 {
        match self {
            Width::Bits8 => 6,
            Width::Bits16 => 14,
            Width::Bits24 => 62,
        }
    }
}

/// A mark as it stands beside a packet. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark(u32);

impl Mark {
    /// The first mark of a slot. `None` for slot 0 and for those that the width has no room for.
    pub const fn first(width: Width, slot: usize) -> Option<Self> {
        if slot == 0 || slot >= width.slots() {
            return None;
        }
        Some(Mark(1 << width.slot_bits() | slot as u32))
    }

    /// What a NIC is asked with about marks of this width. It stands for no slot, so that a packet
    /// which gets it by chance counts as one without a mark.
    pub const fn probe(width: Width) -> Self {
        Mark(width.probe())
    }

    /// One of [`TRIALS`] marks that a self-test gives out: other than [`Mark::probe`], but as wide, and
    /// they stand for no slot either, so that a packet of the test which comes late counts as one
    /// without a mark.
    pub const fn trial(width: Width, which: usize) -> Self {
        Mark(width.probe() - 1 - (which % TRIALS) as u32)
    }

    /// The mark that the slot gets when it is used again.
    #[must_use]
    pub const fn renewed(self, width: Width) -> Self {
        let generation = self.0 >> width.slot_bits();
        let next = generation % width.generations() + 1;
        Mark(next << width.slot_bits() | self.slot(width) as u32)
    }

    /// From what a NIC said. `None` if that is not the mark of any slot.
    pub const fn received(width: Width, value: u32) -> Option<Self> {
        let mark = Mark(value);
        let generation = value >> width.slot_bits();
        let legal = generation >= 1 && generation <= width.generations();
        if legal && mark.slot(width) != 0 {
            return Some(mark);
        }
        None
    }

    /// The slot that it names.
    pub const fn slot(self, width: Width) -> usize {
        self.0 as usize & (width.slots() - 1)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_mark_is_zero_or_among_those_that_drivers_reserve() {
        for width in Width::ALL {
            let last = Mark::first(width, width.slots() - 1).unwrap();
            let all = std::iter::successors(Some(last), |mark| Some(mark.renewed(width)));
            for mark in all.take(100) {
                assert!(mark.get() != 0 && mark.get() <= width.probe(), "{mark:?}");
                assert_eq!(Mark::received(width, mark.get()), Some(mark));
            }
            assert_eq!(Mark::first(width, 0), None);
            assert_eq!(Mark::first(width, width.slots()), None);
            assert_eq!(Mark::received(width, 0), None);
            assert_eq!(Mark::received(width, Mark::probe(width).get()), None);
            let trials: Vec<_> = (0..TRIALS).map(|which| Mark::trial(width, which)).collect();
            assert!(trials.is_sorted_by(|one, next| one.get() > next.get()));
            for trial in trials {
                assert!(trial.get() < width.probe());
                assert_eq!(Mark::received(width, trial.get()), None);
            }
            assert_eq!(Mark::received(width, width.slots() as u32), None);
            assert_eq!(Mark::received(width, u32::MAX), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_received_names_a_slot_that_there_can_be(value: u32, which in 0..3usize) {
            let width = Width::ALL[which];
            if let Some(mark) = Mark::received(width, value) {
                prop_assert!(mark.slot(width) > 0 && mark.slot(width) < width.slots());
                prop_assert_eq!(mark.get(), value);
                prop_assert_eq!(mark.renewed(width).slot(width), mark.slot(width));
                prop_assert_ne!(mark.renewed(width), mark);
            }
        }
    }
}
