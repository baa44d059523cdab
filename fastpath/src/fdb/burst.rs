//! Look-ups of a burst: the line of every key is asked for, then all of them are read.

use super::compare::{Avx2, Compare, Portable};
use super::hash::Hasher;
use super::table::{Bucket, GROUP};
use super::{Destination, FdbKey};
use crate::prefetch;

/// A table in the hands of one worker for one burst: by value, so that it stays in registers.
#[derive(Clone, Copy)]
pub struct FdbView<'a> {
    buckets: &'a [Bucket],
    hasher: Hasher,
    avx2: Option<Avx2>,
}

/// Two stations that are looked for together: destination and source.
#[derive(Clone, Copy)]
pub struct Pair {
    keys: [FdbKey; 2],
    /// Their first buckets.
    lines: [usize; 2],
}

impl Pair {
    /// In place of one that is not looked for.
    pub const NOBODY: Pair = Pair {
        keys: [FdbKey::NOBODY; 2],
        lines: [0; 2],
    };

    /// The source.
    #[inline(always)]
    pub const fn src(&self) -> FdbKey {
        self.keys[1]
    }
}

/// What the first bucket of a key has of it: the value word of its entry, or zero for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word(u64);

impl Word {
    /// Set among the bits of [`Self::to_bits`] if the key is no station.
    pub const GROUP: u32 = GROUP as u32;

    /// [`Destination::to_bits`], and [`Self::GROUP`]; zero for none.
    #[inline(always)]
    pub const fn to_bits(self) -> u32 {
        self.0 as u32 & (Destination::BITS | Self::GROUP)
    }

    /// The tick at which the station was seen last.
    #[inline(always)]
    pub const fn seen(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl<'a> FdbView<'a> {
    #[inline(always)]
    pub(super) fn new(buckets: &'a [Bucket], hasher: Hasher, avx2: Option<Avx2>) -> Self {
        FdbView {
            buckets,
            hasher,
            avx2,
        }
    }

    /// Has the lines of two keys fetched, for [`Self::words`].
    #[inline(always)]
    pub fn ask(&self, dst: FdbKey, src: FdbKey) -> Pair {
        let lines = [dst, src].map(|key| {
            // Their count is a power of two, and no more than 2^28.
            let line = self.hasher.place(key).bucket(0) & (self.buckets.len().wrapping_sub(1));
            if let Some(bucket) = self.buckets.get(line) {
                prefetch::read(bucket);
            }
            line
        });
        Pair {
            keys: [dst, src],
            lines,
        }
    }

    /// What the table says of each pair, as far as its lines do.
    #[inline(always)]
    pub fn words(&self, pairs: &[Pair], words: &mut [[Word; 2]]) {
        // Asked here, not for each of them.
        match self.avx2 {
            Some(avx2) => self.words_by(avx2, pairs, words),
            None => self.words_by(Portable, pairs, words),
        }
    }

    #[inline(always)]
    fn words_by(&self, compare: impl Compare, pairs: &[Pair], words: &mut [[Word; 2]]) {
        for (pair, words) in pairs.iter().zip(words) {
            let [dst, src] = pair.lines.map(|line| self.buckets.get(line));
            if let (Some(dst), Some(src)) = (dst, src) {
                *words = compare.both(&pair.keys, [dst, src]).map(Word);
            }
        }
    }
}
