//! Tables on large pages: a look-up at a random place then finds the translation of its address,
//! which it otherwise misses as often as the line itself.

#![expect(
    unsafe_code,
    reason = "the advice to the kernel takes an address and a length"
)]

use std::mem::MaybeUninit;

/// A large page of x86-64, and the common one of aarch64.
const LARGE: usize = 2 << 20;

/// The values in memory for which large pages were asked, before any of it was touched. Where there
/// are none, or what is there is shorter than a page, it is memory as any other.
///
/// For control: makes system calls.
pub(crate) fn collect<T>(values: impl ExactSizeIterator<Item = T>) -> Box<[T]> {
    let mut all = Vec::with_capacity(values.len());
    advise(all.spare_capacity_mut());
    all.extend(values);
    all.into()
}

/// Asks for large pages where whole ones fit. What comes of it is seen in `AnonHugePages` of
/// `/proc/self/smaps`, and makes no difference here.
fn advise<T>(memory: &mut [MaybeUninit<T>]) {
    let length = size_of_val(memory);
    let start = memory.as_mut_ptr().cast::<u8>();
    let skip = start.align_offset(LARGE);
    let whole = length.saturating_sub(skip) / LARGE * LARGE;
    if whole > 0 {
        let start = start.wrapping_add(skip).cast();
        // SAFETY: `skip + whole` is at most `length`, so all of it is memory that we borrow alone.
        // The advice changes how it is mapped and nothing of what it holds.
        unsafe { libc::madvise(start, whole, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Whether large pages were asked for in the mapping around `address`.
    fn advised(address: usize) -> bool {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let range = line
                .split_once(' ')
                .and_then(|(range, _)| range.split_once('-'));
            let bound = |text| usize::from_str_radix(text, 16).ok();
            if let Some((Some(from), Some(to))) = range.map(|(a, b)| (bound(a), bound(b))) {
                inside = (from..to).contains(&address);
            }
            if let Some(flags) = line.strip_prefix("VmFlags:")
                && inside
            {
                return flags.split_whitespace().any(|flag| flag == "hg");
            }
        }
        false
    }

    #[test]
    fn whole_large_pages_are_asked_for_and_all_values_are_there() {
        let all = collect(0..2 * LARGE);
        assert!(all.iter().copied().eq(0..2 * LARGE));
        let middle = &raw const all[LARGE] as usize;
        let kernel_has_them = Path::new("/sys/kernel/mm/transparent_hugepage").exists();
        assert!(advised(middle) || !kernel_has_them);
        for few in 0..3 {
            assert_eq!(collect(0..few).len(), few);
        }
    }
}
