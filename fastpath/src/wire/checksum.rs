//! The Internet checksum (RFC 1071): a one's complement sum of 16-bit words.

use super::Protocol;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A running sum over bytes that may come in pieces of any length, odd ones included, as the
/// segments of a packet do.
///
/// ```
/// use fastpath::wire::Sum;
///
/// let whole = Sum::new().add_bytes(&[1, 2, 3, 4, 5]).finish();
/// assert_eq!(Sum::new().add_bytes(&[1]).add_bytes(&[2, 3, 4]).add_bytes(&[5]).finish(), whole);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// Of folded pieces, so it cannot overflow before 2^48 of them.
    total: u64,
    /// The next byte is the second one of its word.
    odd: bool,
}

impl Sum {
    /// Nothing summed yet.
    #[inline]
    pub const fn new() -> Self {
        Sum {
            total: 0,
            odd: false,
        }
    }

    /// Goes on with `bytes`.
    #[inline]
    #[must_use]
    pub fn add_bytes(self, bytes: &[u8]) -> Self {
        let folded = fold(native(bytes)).to_be();
        Sum {
            odd: self.odd ^ (bytes.len() % 2 == 1),
            ..self.add_folded(folded)
        }
    }

    /// Goes on with the two bytes of `word` in network order.
    #[inline]
    #[must_use]
    pub const fn add_u16(self, word: u16) -> Self {
        self.add_folded(word)
    }

    /// Goes on with the four bytes of `word` in network order.
    #[inline]
    #[must_use]
    pub const fn add_u32(self, word: u32) -> Self {
        self.add_folded(fold(word as u64))
    }

    /// Goes on with the pseudo header of TCP and UDP over IPv4 (RFC 768). `len` counts the bytes of
    /// header and payload.
    #[inline]
    #[must_use]
    pub fn add_pseudo_v4(self, src: Ipv4Addr, dst: Ipv4Addr, protocol: Protocol, len: u16) -> Self {
        self.add_u32(src.to_bits())
            .add_u32(dst.to_bits())
            .add_u16(protocol.0.into())
            .add_u16(len)
    }

    /// Goes on with the pseudo header of upper layers over IPv6 (RFC 8200, section 8.1). `len`
    /// counts the bytes of the upper layer's header and payload.
    #[inline]
    #[must_use]
    pub fn add_pseudo_v6(self, src: Ipv6Addr, dst: Ipv6Addr, next: Protocol, len: u32) -> Self {
        self.add_bytes(&src.octets())
            .add_bytes(&dst.octets())
            .add_u32(len)
            .add_u32(next.0.into())
    }

    /// The checksum: the complement of the sum. Over bytes that hold their own right checksum it is
    /// zero.
    #[inline]
    pub const fn finish(self) -> u16 {
        !fold(self.total)
    }

    #[inline]
    const fn add_folded(self, word: u16) -> Self {
        // A byte that is second in its word counts as the low one (RFC 1071, section 2, (B)).
        let word = if self.odd { word.swap_bytes() } else { word };
        Sum {
            total: self.total + word as u64,
            odd: self.odd,
        }
    }
}

/// Of 2^16 - 1, modulo 2^64.
const INVERSE: u64 = 0x0001_0001_0001_0001_u64.wrapping_neg();
const _: () = assert!(INVERSE.wrapping_mul(0xffff) == 1);

/// Whether the checksum of an IPv4 header without options is right.
#[inline]
pub fn is_sound_ipv4(header: &[u8; 20]) -> bool {
    let (words, _) = header.as_chunks::<4>();
    let words = words.iter().map(|word| u32::from_ne_bytes(*word));
    let sum = words.fold(0, |sum, word| sum + u64::from(word));
    // All ones, in either order of bytes, is what a sum folds to that is a multiple of them, but
    // for zero. And multiples of an odd number are what its inverse makes small (Hacker's Delight,
    // 10-17).
    sum != 0 && sum.wrapping_mul(INVERSE) <= u64::MAX / 0xffff
}

/// The checksum after a word that it covers has changed from `old` to `new`: RFC 1624, section 3,
/// equation 3. A wrong checksum stays wrong.
#[inline]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(!checksum as u64 + !old as u64 + new as u64)
}

/// The sum of `bytes` as words in the byte order of this machine: the order of bytes does not
/// matter before the end (RFC 1071, section 2, (B)), and whole registers are what compilers turn
/// into vector code. No overflow below 16 GiB.
#[inline]
fn native(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<4>();
    let sum = words
        .iter()
        .fold(0, |sum, word| sum + u64::from(u32::from_ne_bytes(*word)));
    let mut last = [0; 4];
    last[..tail.len()].copy_from_slice(tail);
    sum + u64::from(u32::from_ne_bytes(last))
}

/// End-around carry down to 16 bits.
#[inline]
const fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    ((sum >> 16) + (sum & 0xffff)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071, section 4.1, word by word.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::new().add_bytes(&bytes).finish(), !0xddf2);
    }

    #[test]
    fn the_longest_carries_fold() {
        assert_eq!(fold(u64::MAX), 0xffff);
        assert_eq!(fold(0xffff_fffe_ffff_0001), 0xffff);
        assert_eq!(fold(0xffff_ffff_ffff_0001), 1);
        assert_eq!(Sum::new().add_bytes(&[0xff; 65535]).finish(), !0xff00);
        assert_eq!(Sum::new().finish(), 0xffff);
    }

    proptest! {
        #[test]
        fn equals_the_naive_sum(bytes: Vec<u8>) {
            prop_assert_eq!(Sum::new().add_bytes(&bytes).finish(), naive(&bytes));
        }

        #[test]
        fn pieces_add_up(pieces: Vec<Vec<u8>>) {
            let sum = pieces.iter().fold(Sum::new(), |sum, piece| sum.add_bytes(piece));
            prop_assert_eq!(sum.finish(), naive(&pieces.concat()));
        }

        #[test]
        fn numbers_are_their_bytes(head: Vec<u8>, a: u16, b: u32) {
            let sum = Sum::new().add_bytes(&head).add_u16(a).add_u32(b);
            let bytes = [&head[..], &a.to_be_bytes(), &b.to_be_bytes()].concat();
            prop_assert_eq!(sum.finish(), naive(&bytes));
        }

        #[test]
        fn pseudo_headers_are_their_bytes(src: u128, dst: u128, next: u8, len: u32) {
            let protocol = Protocol(next);
            let (src4, dst4, len4) = (src as u32, dst as u32, len as u16);
            let bytes = [
                &src4.to_be_bytes()[..], &dst4.to_be_bytes(), &[0, next], &len4.to_be_bytes(),
            ].concat();
            let sum = Sum::new().add_pseudo_v4(src4.into(), dst4.into(), protocol, len4);
            prop_assert_eq!(sum.finish(), naive(&bytes));
            let bytes = [
                &src.to_be_bytes()[..], &dst.to_be_bytes(), &len.to_be_bytes(), &[0, 0, 0, next],
            ].concat();
            let sum = Sum::new().add_pseudo_v6(src.into(), dst.into(), protocol, len);
            prop_assert_eq!(sum.finish(), naive(&bytes));
        }

        #[test]
        fn an_update_equals_a_new_sum(bytes: [u8; 20], at in 0usize..10, new: u16) {
            // All zero is where the two zeros of one's complement differ; no header is all zero.
            prop_assume!(bytes != [0; 20]);
            let mut bytes = bytes;
            let at = at * 2;
            let before = naive(&bytes);
            let old = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            bytes[at..at + 2].copy_from_slice(&new.to_be_bytes());
            prop_assume!(bytes != [0; 20]);
            prop_assert_eq!(update(before, old, new), naive(&bytes));
        }
    }
}
