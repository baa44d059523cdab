//! Differentiated services code points.

use std::fmt;

/// The upper six bits of the IPv4 TOS byte or IPv6 traffic class (RFC 2474, section 3); the lower
/// two are [`Ecn`](super::Ecn).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dscp(u8);

impl Dscp {
    /// The largest code point.
    pub const MAX: u8 = 63;

    /// `None` above [`Self::MAX`].
    pub const fn new(value: u8) -> Option<Self> {
        if value <= Self::MAX {
            Some(Dscp(value))
        } else {
            None
        }
    }

    /// From a whole TOS byte or traffic class.
    #[inline]
    pub const fn from_tos(tos: u8) -> Self {
        Dscp(tos >> 2)
    }

    /// The number, 0 to 63.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The TOS byte or traffic class of this code point and `ecn`.
    #[inline]
    pub const fn with(self, ecn: super::Ecn) -> u8 {
        self.0 << 2 | ecn.bits()
    }
}

impl fmt::Display for Dscp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Ecn;

    #[test]
    fn only_six_bits_fit() {
        assert_eq!(Dscp::new(63).map(Dscp::get), Some(63));
        assert_eq!(Dscp::new(64), None);
    }

    #[test]
    fn every_tos_byte_splits_and_joins() {
        for tos in 0..=255 {
            assert_eq!(Dscp::from_tos(tos).with(Ecn::from_tos(tos)), tos);
        }
        assert_eq!(Dscp::from_tos(0xb9).get(), 46);
    }
}
