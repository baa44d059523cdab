//! A bit for each packet of a burst, the lowest for the first.

use crate::io::BURST;

/// The bits of all packets of a burst of so many.
pub(super) fn all(packets: usize) -> u64 {
    let missing = BURST.saturating_sub(packets) as u32;
    u64::MAX.checked_shr(missing).unwrap_or(0)
}

/// The places of the bits that are set, from the lowest.
pub(super) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(at as usize)
    })
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_so_many_packets_are_their_places() {
        for packets in 0..=BURST {
            assert!(ones(all(packets)).eq(0..packets), "{packets}");
        }
        assert_eq!(all(BURST + 1), u64::MAX);
        assert!(ones(1 << 63 | 0b1010).eq([1, 3, 63]));
    }
}
