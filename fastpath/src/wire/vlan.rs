//! VLAN tags (IEEE 802.1Q, 9.6).

use super::EtherType;
use super::field::view;
use std::fmt;

/// Bytes of a tag, counted from behind its own EtherType to behind the one that it carries.
pub const HEADER_LEN: usize = field::ETHERTYPE.end();

mod field {
    use crate::wire::field::Field;

    pub(super) const TCI: Field<2> = Field::at(0);
    pub(super) const ETHERTYPE: Field<2> = Field::at(TCI.end());
}

/// A VLAN identifier, 0 to 4095: any 12 bits that can stand in a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VlanId(u16);

impl VlanId {
    /// The tag carries a priority and no VLAN.
    pub const NONE: VlanId = VlanId(0);
    /// The largest identifier. It is reserved and names no VLAN.
    pub const MAX: u16 = 0xfff;

    /// `None` above [`Self::MAX`].
    pub const fn new(value: u16) -> Option<Self> {
        if value <= Self::MAX {
            Some(VlanId(value))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a tag says: the tag control information.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tag {
    /// Priority, 0 to 7.
    pub pcp: u8,
    /// May be dropped first.
    pub dei: bool,
    /// The VLAN.
    pub vid: VlanId,
}

impl Tag {
    /// From the 16 bits on the wire.
    #[inline]
    pub const fn from_bits(tci: u16) -> Self {
        Tag {
            pcp: (tci >> 13) as u8,
            dei: tci & 0x1000 != 0,
            vid: VlanId(tci & VlanId::MAX),
        }
    }

    /// The 16 bits on the wire. Only the lower three bits of the priority count.
    #[inline]
    pub const fn bits(self) -> u16 {
        (self.pcp as u16) << 13 | (self.dei as u16) << 12 | self.vid.0
    }
}

view!(
    /// A view of what follows the EtherType of a tag.
    Vlan,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Vlan<T> {
    /// Priority, drop eligibility and VLAN.
    #[inline]
    pub fn tag(&self) -> Tag {
        Tag::from_bits(field::TCI.u16(self.data()))
    }

    /// What follows the tag.
    #[inline]
    pub fn ethertype(&self) -> EtherType {
        EtherType(field::ETHERTYPE.u16(self.data()))
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Vlan<&'a T> {
    /// All that follows the tag.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.0.as_ref().get(HEADER_LEN..).unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Vlan<T> {
    /// Sets priority, drop eligibility and VLAN.
    #[inline]
    pub fn set_tag(&mut self, tag: Tag) {
        field::TCI.set_u16(self.data_mut(), tag.bits());
    }

    /// Sets what follows the tag.
    #[inline]
    pub fn set_ethertype(&mut self, ethertype: EtherType) {
        field::ETHERTYPE.set_u16(self.data_mut(), ethertype.0);
    }
}

/// The meaning of a tag and the EtherType behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// What the tag says.
    pub tag: Tag,
    /// What follows it.
    pub ethertype: EtherType,
}

impl Repr {
    /// Reads a tag. Nothing in it can be wrong.
    #[inline]
    pub fn parse<T: AsRef<[u8]>>(view: &Vlan<T>) -> Self {
        Repr {
            tag: view.tag(),
            ethertype: view.ethertype(),
        }
    }

    /// Writes every byte.
    #[inline]
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Vlan<T>) {
        view.set_tag(self.tag);
        view.set_ethertype(self.ethertype);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Priority 5, drop eligible, VLAN 100, IPv4.
    const BYTES: [u8; 6] = [0xb0, 0x64, 0x08, 0x00, 0x45, 0x00];
    const REPR: Repr = Repr {
        tag: Tag {
            pcp: 5,
            dei: true,
            vid: VlanId(100),
        },
        ethertype: EtherType::IPV4,
    };

    #[test]
    fn every_field_is_read() {
        let view = Vlan::new(&BYTES).unwrap();
        assert_eq!((view.tag(), view.ethertype()), (REPR.tag, REPR.ethertype));
        assert_eq!(view.payload(), &BYTES[4..]);
        assert_eq!(Repr::parse(&view), REPR);
    }

    #[test]
    fn every_byte_is_written() {
        let mut bytes = [0xa5; HEADER_LEN];
        REPR.emit(&mut Vlan::new(&mut bytes).unwrap());
        assert_eq!(bytes, BYTES[..HEADER_LEN]);
    }

    #[test]
    fn a_short_tag_is_refused() {
        for len in 0..HEADER_LEN {
            assert!(Vlan::new(&BYTES[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn every_tag_survives() {
        for tci in 0..=u16::MAX {
            assert_eq!(Tag::from_bits(tci).bits(), tci);
        }
        assert_eq!(
            Tag {
                pcp: 8,
                ..Tag::default()
            }
            .bits(),
            0
        );
        assert_eq!(VlanId::new(4095).map(VlanId::get), Some(4095));
        assert_eq!(VlanId::new(4096), None);
    }
}
