//! Which buckets a key may be in.

use super::FdbKey;

/// Buckets in which a key may be.
pub(super) const WAYS: u64 = 4;

/// Where a key is looked for: its hash. To be used with the table that gave it only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdbPlace(u64);

impl FdbPlace {
    /// The bucket to look into in the given turn, less than [`WAYS`]; to be masked to the number of
    /// buckets. The steps are odd, so that the buckets of a key differ wherever there are as many.
    #[inline(always)]
    pub(super) const fn bucket(self, turn: u64) -> usize {
        self.0.wrapping_add(turn.wrapping_mul(self.0 >> 32 | 1)) as usize
    }
}

/// The hash of a table. Unknown outside, so that nobody can choose MACs that share a bucket.
#[derive(Clone, Copy)]
pub(super) struct Hasher {
    first: u64,
    second: u64,
}

impl Hasher {
    /// The hash of a seed. Any seed will do.
    pub(super) const fn new(seed: u64) -> Self {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let seed = seed.wrapping_add(STEP);
        Hasher {
            first: spread(seed),
            second: spread(seed.wrapping_add(STEP)),
        }
    }

    /// Two multiplications, each folded. After one, the MACs of a rack or of a hypervisor, which
    /// are alike in all bits but a few, share buckets under one seed in ten.
    #[inline(always)]
    pub(super) const fn place(self, key: FdbKey) -> FdbPlace {
        let once = fold(key.to_u64() ^ self.first, self.second);
        FdbPlace(fold(once, self.first))
    }
}

/// Both halves of the product, each bit of which depends on many of the factors.
#[inline(always)]
const fn fold(left: u64, right: u64) -> u64 {
    let product = left as u128 * right as u128;
    product as u64 ^ (product >> 64) as u64
}

/// Spreads every bit of the word over all others (the finalizer of MurmurHash3), and makes the
/// result odd, which is a good factor.
const fn spread(mut word: u64) -> u64 {
    word = (word ^ word >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word = (word ^ word >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ word >> 33 | 1
}
