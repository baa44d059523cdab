//! VXLAN network identifiers.

use std::fmt;

/// A 24-bit VXLAN segment (RFC 7348, section 5). Every value, 0 included, is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vni(u32);

impl Vni {
    /// The largest identifier.
    pub const MAX: u32 = (1 << 24) - 1;

    /// `None` if `value` does not fit in 24 bits.
    pub const fn new(value: u32) -> Option<Self> {
        if value <= Self::MAX {
            Some(Vni(value))
        } else {
            None
        }
    }

    /// From three bytes in wire order.
    pub const fn from_bytes([a, b, c]: [u8; 3]) -> Self {
        Vni(u32::from_be_bytes([0, a, b, c]))
    }

    /// Three bytes in wire order.
    pub const fn bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// The number, 0 to 2^24-1.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_24_bits_fit() {
        assert_eq!(Vni::new(0).map(Vni::get), Some(0));
        assert_eq!(Vni::new(Vni::MAX).map(Vni::bytes), Some([0xff; 3]));
        assert_eq!(Vni::new(Vni::MAX + 1), None);
        assert_eq!(Vni::from_bytes([1, 2, 3]).get(), 0x010203);
    }
}
