//! A key against the four of a bucket at once.

#![expect(unsafe_code, reason = "one vector comparison of atomics")]

use super::table::BUCKET;
use crate::cpu::Cpu;
use crate::sync::{AtomicU64, Ordering};

/// How keys are compared on this processor.
#[derive(Clone, Copy)]
pub(super) struct Compare {
    vector: bool,
}

impl Compare {
    pub(super) fn new(cpu: Cpu) -> Self {
        let vector = cfg!(all(target_arch = "x86_64", not(loom), not(miri))) && cpu.has_avx2();
        Compare { vector }
    }

    /// The place of `key` among `keys`; [`BUCKET`] or more if it is not there. Always compares all,
    /// because which of them it is cannot be predicted. Loads them with acquiring order.
    #[inline(always)]
    pub(super) fn position(self, keys: &[AtomicU64; BUCKET], key: u64) -> usize {
        #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
        if self.vector {
            return avx2(keys, key);
        }
        let all = keys.iter().enumerate();
        all.fold(BUCKET, |found, (at, held)| {
            if held.load(Ordering::Acquire) == key {
                at
            } else {
                found
            }
        })
    }
}

/// A key is in a bucket once, so that there is at most one bit to be found.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[inline(always)]
fn avx2(keys: &[AtomicU64; BUCKET], key: u64) -> usize {
    const { assert!(BUCKET == 4, "two halves of two keys") };
    let bits: u32;
    // SAFETY: the processor has AVX2 (`Compare::new`). The load is of 32 bytes that are borrowed and
    // aligned to 8. They are atomics that another thread may store to meanwhile: the load is in
    // assembly, so it is the processor's rules that hold, and those never tear an aligned word, nor
    // let a later load pass an earlier one, which is what acquiring asks for. The compiler cannot
    // let the load of the value pass either, because its address comes from here.
    unsafe {
        std::arch::asm!(
            // Halves, so that no upper half of a register is left in use, which costs the code
            // of others that is not compiled for AVX.
            "vmovq {wanted}, {key}",
            "vpbroadcastq {wanted}, {wanted}",
            "vpcmpeqq {low}, {wanted}, xmmword ptr [{keys}]",
            "vpcmpeqq {wanted}, {wanted}, xmmword ptr [{keys} + 16]",
            "vpackssdw {low}, {low}, {wanted}",
            "vmovmskps {bits:e}, {low}",
            key = in(reg) key,
            keys = in(reg) keys.as_ptr(),
            wanted = out(xmm_reg) _,
            low = out(xmm_reg) _,
            bits = lateout(reg) bits,
            options(nostack, preserves_flags, readonly),
        );
    }
    // A bit more, so that there is one.
    (bits | 1 << BUCKET).trailing_zeros() as usize
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn vector_and_portable_agree(keys: [u64; BUCKET], other: u64, at in 0..=BUCKET) {
            prop_assume!((0..BUCKET).all(|one| (one + 1..BUCKET).all(|two| keys[one] != keys[two])));
            let key = keys.get(at).copied().unwrap_or(other);
            let keys = keys.map(AtomicU64::new);
            let portable = Compare::new(Cpu::PORTABLE).position(&keys, key);
            let here = Compare::new(Cpu::detect()).position(&keys, key);
            prop_assert_eq!(portable.min(BUCKET), here.min(BUCKET));
            prop_assert_eq!(at.min(BUCKET), portable.min(BUCKET));
        }
    }
}
