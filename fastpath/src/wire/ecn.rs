//! Explicit congestion notification (RFC 3168) through a tunnel (RFC 6040).

/// The lower two bits of the IPv4 TOS byte or IPv6 traffic class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ecn {
    /// The transport does not understand ECN.
    #[default]
    NotEct = 0b00,
    /// Capable, second code point.
    Ect1 = 0b01,
    /// Capable, first code point.
    Ect0 = 0b10,
    /// Congestion experienced.
    Ce = 0b11,
}

/// A router marked the outer header, but the inner transport would not understand the mark: the
/// packet has to be dropped in its place (RFC 6040, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("congestion was marked on a packet whose transport does not understand ECN")]
pub struct CongestionLost;

impl Ecn {
    /// All four code points, by value.
    pub const ALL: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];

    /// From a whole TOS byte or traffic class; the upper six bits are not looked at.
    #[inline]
    pub const fn from_tos(tos: u8) -> Self {
        match tos & 0b11 {
            0b00 => Ecn::NotEct,
            0b01 => Ecn::Ect1,
            0b10 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// The two bits.
    #[inline]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// The outer field for a packet with `inner`: normal mode of RFC 6040, section 4.1, a plain
    /// copy, CE included. A packet that is not IP has no inner field and goes out as `NotEct`.
    #[inline]
    pub const fn encapsulate(inner: Ecn) -> Ecn {
        inner
    }

    /// Whether it may change what is inside when it is stripped. The other two change nothing, and
    /// most packets carry them.
    #[inline]
    pub const fn tells(self) -> bool {
        self.bits() & Ecn::Ect1.bits() != 0
    }

    /// The inner field after decapsulation: the table of RFC 6040, section 4.2, figure 4.
    #[inline]
    pub const fn decapsulate(inner: Ecn, outer: Ecn) -> Result<Ecn, CongestionLost> {
        match (inner, outer) {
            (Ecn::NotEct, Ecn::Ce) => Err(CongestionLost),
            (Ecn::Ect0 | Ecn::Ect1, Ecn::Ce) => Ok(Ecn::Ce),
            (Ecn::Ect0, Ecn::Ect1) => Ok(Ecn::Ect1),
            _ => Ok(inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ecn::*;
    use super::*;

    #[test]
    fn bits_round_trip_and_upper_bits_do_not_count() {
        for ecn in Ecn::ALL {
            assert_eq!(Ecn::from_tos(ecn.bits()), ecn);
            assert_eq!(Ecn::from_tos(ecn.bits() | 0xfc), ecn);
        }
        assert_eq!(Ecn::ALL.map(Ecn::bits), [0, 1, 2, 3]);
    }

    #[test]
    fn encapsulation_copies() {
        for ecn in Ecn::ALL {
            assert_eq!(Ecn::encapsulate(ecn), ecn);
        }
    }

    #[test]
    fn decapsulation_follows_the_table() {
        let outer = [NotEct, Ect0, Ect1, Ce];
        let table = [
            (
                NotEct,
                [Ok(NotEct), Ok(NotEct), Ok(NotEct), Err(CongestionLost)],
            ),
            (Ect0, [Ok(Ect0), Ok(Ect0), Ok(Ect1), Ok(Ce)]),
            (Ect1, [Ok(Ect1), Ok(Ect1), Ok(Ect1), Ok(Ce)]),
            (Ce, [Ok(Ce), Ok(Ce), Ok(Ce), Ok(Ce)]),
        ];
        for (inner, row) in table {
            for (outer, expected) in outer.into_iter().zip(row) {
                assert_eq!(
                    Ecn::decapsulate(inner, outer),
                    expected,
                    "{inner:?} in {outer:?}"
                );
            }
        }
    }
}
