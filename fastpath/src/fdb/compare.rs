//! Two keys, each against the four of its bucket at once.

#![cfg_attr(
    all(target_arch = "x86_64", not(loom), not(miri)),
    expect(unsafe_code, reason = "vector loads of atomics")
)]

use super::FdbKey;
use super::table::Bucket;
use crate::cpu::Cpu;
use crate::sync::Ordering;

/// How keys are compared.
pub(super) trait Compare: Copy {
    /// The value word of each key in the bucket beside it; zero if it is not there. Keys are loaded
    /// in acquiring order before values.
    fn both(self, keys: &[FdbKey; 2], buckets: [&Bucket; 2]) -> [u64; 2];
}

/// In any way that compilers know.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Compare for Portable {
    #[inline(always)]
    fn both(self, keys: &[FdbKey; 2], buckets: [&Bucket; 2]) -> [u64; 2] {
        let word = |at: usize| {
            let bucket = buckets[at];
            let value = bucket.values.get(bucket.position(keys[at]));
            value.map_or(0, |value| value.load(Ordering::Relaxed))
        };
        [word(0), word(1)]
    }
}

/// By AVX2, which the processor has: there is no other way to make one.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn new(cpu: Cpu) -> Option<Self> {
        let known = cfg!(all(target_arch = "x86_64", not(loom), not(miri)));
        (known && cpu.has_avx2()).then_some(Avx2(()))
    }
}

impl Compare for Avx2 {
    #[cfg(not(all(target_arch = "x86_64", not(loom), not(miri))))]
    fn both(self, keys: &[FdbKey; 2], buckets: [&Bucket; 2]) -> [u64; 2] {
        Portable.both(keys, buckets)
    }

    #[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
    #[inline(always)]
    fn both(self, keys: &[FdbKey; 2], buckets: [&Bucket; 2]) -> [u64; 2] {
        // SAFETY: the processor has AVX2 (`Avx2::new`).
        unsafe { avx2(keys, buckets) }
    }
}

/// A key is in a bucket once at most, and in no other slot of it before every worker has passed its
/// removal: one that comes back before gets its old slot (`FdbWriter::slot`). So the values whose
/// keys are equal are one or none, and "or" is choice.
#[cfg(all(target_arch = "x86_64", not(loom), not(miri)))]
#[target_feature(enable = "avx2")]
#[inline]
fn avx2(keys: &[FdbKey; 2], buckets: [&Bucket; 2]) -> [u64; 2] {
    use super::table::BUCKET;
    use core::arch::x86_64::{__m128i, __m256i};
    const { assert!(BUCKET == 4, "a register of keys, and one of values") };
    const { assert!(size_of::<FdbKey>() == 8, "two of them follow each other") };
    let (_dst, _src, _even): (__m256i, __m256i, __m256i);
    let both: __m128i;
    // SAFETY: the loads are of two keys and of whole buckets, which are borrowed: four keys, then
    // four values (`repr(C)`). Those are atomics that another thread may store to meanwhile: the
    // loads are in assembly, so it is the processor that decides what comes of it. It is not
    // promised in writing that a load of 32 bytes does not tear the aligned words within it, but
    // there is no processor with AVX2 that does. Keys and values are loaded by instructions of
    // their own, and a later load never passes an earlier one, which is what acquiring asks for.
    unsafe {
        std::arch::asm!(
            "vpbroadcastq {dst}, qword ptr [{keys}]",
            "vpbroadcastq {src}, qword ptr [{keys} + 8]",
            "vpcmpeqq {dst}, {dst}, ymmword ptr [{dst_bucket}]",
            "vpcmpeqq {src}, {src}, ymmword ptr [{src_bucket}]",
            "vpand {dst}, {dst}, ymmword ptr [{dst_bucket} + 32]",
            "vpand {src}, {src}, ymmword ptr [{src_bucket} + 32]",
            // Even slots of both, odd slots of both; then the two halves.
            "vpunpcklqdq {even}, {dst}, {src}",
            "vpunpckhqdq {dst}, {dst}, {src}",
            "vpor {dst}, {dst}, {even}",
            "vextracti128 {both}, {dst}, 1",
            "vpor {both}, {both}, {dst:x}",
            keys = in(reg) keys.as_ptr(),
            dst_bucket = in(reg) buckets[0],
            src_bucket = in(reg) buckets[1],
            dst = out(ymm_reg) _dst,
            src = out(ymm_reg) _src,
            even = out(ymm_reg) _even,
            both = out(xmm_reg) both,
            options(nostack, preserves_flags, readonly),
        );
    }
    // SAFETY: 16 bytes that are any bits, as two words are.
    unsafe { std::mem::transmute::<__m128i, [u64; 2]>(both) }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::super::table::BUCKET;
    use super::*;
    use proptest::prelude::*;

    fn naive(key: FdbKey, keys: [u64; BUCKET], values: [u64; BUCKET]) -> u64 {
        let mut slots = keys.iter().zip(values);
        let found = slots.find(|(held, _)| **held == key.to_u64());
        found.map_or(0, |(_, value)| value)
    }

    fn bucket(keys: [u64; BUCKET], values: [u64; BUCKET]) -> Bucket {
        let bucket = Bucket::new();
        for at in 0..BUCKET {
            bucket.keys[at].store(keys[at], Ordering::Relaxed);
            bucket.values[at].store(values[at], Ordering::Relaxed);
        }
        bucket
    }

    /// Distinct keys, some of them no entry's.
    fn slots() -> impl Strategy<Value = ([u64; BUCKET], [u64; BUCKET])> {
        let keys = prop::array::uniform4(1u64 << 48..0x1000 << 48);
        (keys, any::<[u64; BUCKET]>(), 0..16u8).prop_filter_map(
            "twice",
            |(mut keys, values, used)| {
                for (at, key) in keys.iter_mut().enumerate() {
                    *key *= u64::from(used >> at & 1);
                }
                let twice = |one: usize| keys[one] != 0 && keys[..one].contains(&keys[one]);
                (!(0..BUCKET).any(twice)).then_some((keys, values))
            },
        )
    }

    proptest! {
        #[test]
        fn vector_and_portable_agree_with_a_search(
            buckets in [slots(), slots()],
            at: [usize; 2],
            other in 1u64 << 48..0x1000 << 48,
        ) {
            let keys = [0, 1].map(|which: usize| {
                let held = buckets[which].0.get(at[which] % (BUCKET + 1)).copied();
                let key = held.filter(|key| *key != 0).unwrap_or(other);
                FdbKey::from_u64(key).unwrap()
            });
            let expected = [0, 1].map(|which: usize| naive(keys[which], buckets[which].0, buckets[which].1));
            let [dst, src] = buckets.map(|(keys, values)| bucket(keys, values));
            prop_assert_eq!(Portable.both(&keys, [&dst, &src]), expected);
            if let Some(avx2) = Avx2::new(Cpu::detect()) {
                prop_assert_eq!(avx2.both(&keys, [&dst, &src]), expected);
            }
        }
    }
}
