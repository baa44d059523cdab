//! A hint to the processor that memory is read soon.

#![expect(
    unsafe_code,
    reason = "the prefetch instruction takes a pointer; it reads nothing that the program sees"
)]

/// Has the cache line at the start of `value` fetched, and does not wait for it. Does nothing on
/// processors for which no such instruction is known here.
#[inline(always)]
pub(crate) fn read<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, and it never faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(target_arch = "aarch64")]
    {
        let address = std::ptr::from_ref(value);
        // SAFETY: a hint that never faults; it changes no register, flag, or memory.
        unsafe {
            core::arch::asm!(
                "prfm pldl1keep, [{0}]",
                in(reg) address,
                options(nostack, preserves_flags, readonly)
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = value;
}
