//! Virtual eXtensible Local Area Network (RFC 7348, section 5).

use super::Vni;
use super::field::view;

/// Bytes of the header.
pub const HEADER_LEN: usize = field::RESERVED_LOW.end();

/// The UDP port that IANA assigned.
pub const PORT: u16 = 4789;

/// The I flag: the VNI is valid.
const HAS_VNI: u8 = 0x08;

mod field {
    use crate::wire::field::Field;

    pub(super) const FLAGS: Field<1> = Field::at(0);
    pub(super) const RESERVED_HIGH: Field<3> = Field::at(FLAGS.end());
    pub(super) const VNI: Field<3> = Field::at(RESERVED_HIGH.end());
    pub(super) const RESERVED_LOW: Field<1> = Field::at(VNI.end());
}

/// What to make of bits that RFC 7348 reserves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReservedBits {
    /// Refuse a header in which one is set, as Linux and Open vSwitch do: it is of another format.
    #[default]
    Strict,
    /// Ignore them, as RFC 7348 demands.
    Lenient,
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The I flag is not set.
    #[error("the I flag is not set")]
    NoVni,
    /// A reserved bit is set.
    #[error("a reserved bit is set")]
    Reserved,
}

view!(
    /// A view of a VXLAN header and what follows it.
    Vxlan,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Vxlan<T> {
    /// The byte of flags.
    #[inline]
    pub fn flags(&self) -> u8 {
        field::FLAGS.byte(self.data())
    }

    /// The I flag: the VNI is valid.
    #[inline]
    pub fn has_vni(&self) -> bool {
        self.flags() & HAS_VNI != 0
    }

    /// The VNI, whether valid or not.
    #[inline]
    pub fn vni(&self) -> Vni {
        Vni::from_bytes(field::VNI.get(self.data()))
    }

    /// The 24 reserved bits before the VNI and the 8 behind it.
    #[inline]
    pub fn reserved(&self) -> [u8; 4] {
        let [a, b, c] = field::RESERVED_HIGH.get(self.data());
        [a, b, c, field::RESERVED_LOW.byte(self.data())]
    }

    /// No flag but I is set, and neither is a reserved bit.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.flags() & !HAS_VNI == 0 && self.reserved() == [0; 4]
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Vxlan<&'a T> {
    /// All that follows the header: the inner frame.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.0.as_ref().get(HEADER_LEN..).unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Vxlan<T> {
    /// Sets the byte of flags.
    #[inline]
    pub fn set_flags(&mut self, flags: u8) {
        field::FLAGS.set_byte(self.data_mut(), flags);
    }

    /// Sets the VNI.
    #[inline]
    pub fn set_vni(&mut self, vni: Vni) {
        field::VNI.set(self.data_mut(), vni.bytes());
    }

    /// Sets the 24 reserved bits before the VNI and the 8 behind it.
    #[inline]
    pub fn set_reserved(&mut self, [a, b, c, d]: [u8; 4]) {
        field::RESERVED_HIGH.set(self.data_mut(), [a, b, c]);
        field::RESERVED_LOW.set_byte(self.data_mut(), d);
    }
}

/// The meaning of a VXLAN header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// The segment.
    pub vni: Vni,
}

impl Repr {
    /// Reads a header.
    #[inline]
    pub fn parse<T: AsRef<[u8]>>(view: &Vxlan<T>, reserved: ReservedBits) -> Result<Self, Error> {
        if !view.has_vni() {
            Err(Error::NoVni)
        } else if reserved == ReservedBits::Strict && !view.is_plain() {
            Err(Error::Reserved)
        } else {
            Ok(Repr { vni: view.vni() })
        }
    }

    /// Writes every byte of the header; reserved bits become zero.
    #[inline]
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Vxlan<T>) {
        view.set_flags(HAS_VNI);
        view.set_vni(self.vni);
        view.set_reserved([0; 4]);
    }
}

#[cfg(test)]
mod tests {
    use super::ReservedBits::*;
    use super::*;
    use crate::wire::samples::VXLAN_UDP;
    use proptest::prelude::*;

    fn parse(bytes: &[u8], reserved: ReservedBits) -> Result<Repr, Error> {
        Repr::parse(&Vxlan::new(bytes).unwrap(), reserved)
    }

    #[test]
    fn every_field_is_read() {
        let view = Vxlan::new(&VXLAN_UDP[42..]).unwrap();
        assert_eq!((view.flags(), view.has_vni()), (0x08, true));
        assert_eq!((view.reserved(), view.is_plain()), ([0; 4], true));
        assert_eq!(view.vni().get(), 10);
        assert_eq!(view.payload(), &VXLAN_UDP[50..]);
        let odd = Vxlan::new([0xf7, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        assert_eq!(
            (odd.flags(), odd.has_vni(), odd.is_plain()),
            (0xf7, false, false)
        );
        assert_eq!(
            (odd.reserved(), odd.vni().bytes()),
            ([1, 2, 3, 7], [4, 5, 6])
        );
    }

    #[test]
    fn every_byte_is_written() {
        let mut bytes = [0xa5; HEADER_LEN];
        let vni = Vni::from_bytes([0, 0, 10]);
        Repr { vni }.emit(&mut Vxlan::new(&mut bytes).unwrap());
        assert_eq!(bytes, VXLAN_UDP[42..50]);
        let mut view = Vxlan::new(&mut bytes).unwrap();
        view.set_flags(0xf7);
        view.set_reserved([1, 2, 3, 7]);
        assert_eq!(bytes, [0xf7, 1, 2, 3, 0, 0, 10, 7]);
    }

    #[test]
    fn a_short_header_is_refused() {
        for len in 0..HEADER_LEN {
            assert!(Vxlan::new(&VXLAN_UDP[42..42 + len]).is_none(), "{len}");
        }
    }

    /// Each of the 40 bits that are not the VNI or the I flag.
    #[test]
    fn a_reserved_bit_is_refused_or_ignored() {
        let plain = [0x08, 0, 0, 0, 0xff, 0xff, 0xff, 0];
        let repr = Repr {
            vni: Vni::from_bytes([0xff; 3]),
        };
        assert_eq!(parse(&plain, Strict), Ok(repr));
        for bit in (0..32).chain(56..64).filter(|bit| *bit != 4) {
            let mut bytes = plain;
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
            assert_eq!(parse(&bytes, Strict), Err(Error::Reserved), "{bit}");
            assert_eq!(parse(&bytes, Lenient), Ok(repr), "{bit}");
        }
    }

    #[test]
    fn without_the_flag_there_is_no_vni() {
        for flags in (0..=255).filter(|flags| flags & 0x08 == 0) {
            let bytes = [flags, 0, 0, 0, 0, 0, 10, 0];
            assert_eq!(parse(&bytes, Strict), Err(Error::NoVni));
            assert_eq!(parse(&bytes, Lenient), Err(Error::NoVni));
        }
    }

    proptest! {
        #[test]
        fn noise_that_parses_survives(noise: [u8; HEADER_LEN], vni: [u8; 3]) {
            let [a, b, c] = vni;
            for (bytes, reserved) in
                [(noise, Strict), (noise, Lenient), ([8, 0, 0, 0, a, b, c, 0], Strict)]
            {
                let Ok(repr) = parse(&bytes, reserved) else { continue };
                let mut written = [0xa5; HEADER_LEN];
                repr.emit(&mut Vxlan::new(&mut written).unwrap());
                prop_assert_eq!(parse(&written, Strict), Ok(repr));
                prop_assert!(reserved == Lenient || written == bytes);
            }
        }
    }
}
