//! Ethernet II frames (IEEE 802.3, 3.1.1).

use super::Mac;
use super::field::view;
use std::fmt;

/// Bytes of the header.
pub const HEADER_LEN: usize = field::ETHERTYPE.end();

mod field {
    use crate::wire::field::Field;

    pub(super) const DST: Field<6> = Field::at(0);
    pub(super) const SRC: Field<6> = Field::at(DST.end());
    pub(super) const ETHERTYPE: Field<2> = Field::at(SRC.end());
}

/// What follows an Ethernet header or a VLAN tag. Below 0x0600 it is a length (IEEE 802.3, 3.2.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4 (RFC 894).
    pub const IPV4: EtherType = EtherType(0x0800);
    /// ARP (RFC 826).
    pub const ARP: EtherType = EtherType(0x0806);
    /// A customer VLAN tag (IEEE 802.1Q).
    pub const VLAN: EtherType = EtherType(0x8100);
    /// IPv6 (RFC 2464).
    pub const IPV6: EtherType = EtherType(0x86dd);
    /// A service VLAN tag (IEEE 802.1ad).
    pub const QINQ: EtherType = EtherType(0x88a8);

    /// A VLAN tag of either kind follows.
    #[inline]
    pub const fn is_tag(self) -> bool {
        matches!(self, EtherType::VLAN | EtherType::QINQ)
    }
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

view!(
    /// A view of an Ethernet frame.
    Ethernet,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Ethernet<T> {
    /// Destination.
    #[inline]
    pub fn dst(&self) -> Mac {
        Mac::new(field::DST.get(self.data()))
    }

    /// Source.
    #[inline]
    pub fn src(&self) -> Mac {
        Mac::new(field::SRC.get(self.data()))
    }

    /// What follows the header.
    #[inline]
    pub fn ethertype(&self) -> EtherType {
        EtherType(field::ETHERTYPE.u16(self.data()))
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Ethernet<&'a T> {
    /// All that follows the header.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.0.as_ref().get(HEADER_LEN..).unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Ethernet<T> {
    /// Sets the destination.
    #[inline]
    pub fn set_dst(&mut self, mac: Mac) {
        field::DST.set(self.data_mut(), mac.bytes());
    }

    /// Sets the source.
    #[inline]
    pub fn set_src(&mut self, mac: Mac) {
        field::SRC.set(self.data_mut(), mac.bytes());
    }

    /// Sets what follows the header.
    #[inline]
    pub fn set_ethertype(&mut self, ethertype: EtherType) {
        field::ETHERTYPE.set_u16(self.data_mut(), ethertype.0);
    }
}

/// The meaning of an Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Destination.
    pub dst: Mac,
    /// Source.
    pub src: Mac,
    /// What follows the header.
    pub ethertype: EtherType,
}

impl Repr {
    /// Reads a header. Nothing in it can be wrong.
    #[inline]
    pub fn parse<T: AsRef<[u8]>>(view: &Ethernet<T>) -> Self {
        Repr {
            dst: view.dst(),
            src: view.src(),
            ethertype: view.ethertype(),
        }
    }

    /// Writes every byte of the header.
    #[inline]
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Ethernet<T>) {
        view.set_dst(self.dst);
        view.set_src(self.src);
        view.set_ethertype(self.ethertype);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::VXLAN_UDP;
    use proptest::prelude::*;

    const REPR: Repr = Repr {
        dst: Mac::new([2, 0, 0, 0, 0xa, 2]),
        src: Mac::new([2, 0, 0, 0, 0xa, 1]),
        ethertype: EtherType::IPV4,
    };

    #[test]
    fn every_field_is_read() {
        let view = Ethernet::new(&VXLAN_UDP).unwrap();
        assert_eq!(view.dst(), REPR.dst);
        assert_eq!(view.src(), REPR.src);
        assert_eq!(view.ethertype(), REPR.ethertype);
        assert_eq!(view.payload(), &VXLAN_UDP[14..]);
        assert_eq!(Repr::parse(&view), REPR);
    }

    #[test]
    fn every_byte_is_written() {
        let mut bytes = [0xa5; HEADER_LEN];
        REPR.emit(&mut Ethernet::new(&mut bytes).unwrap());
        assert_eq!(bytes, VXLAN_UDP[..HEADER_LEN]);
    }

    #[test]
    fn a_short_header_is_refused() {
        for len in 0..HEADER_LEN {
            assert!(Ethernet::new(&VXLAN_UDP[..len]).is_none(), "{len}");
        }
        let view = Ethernet::new(&VXLAN_UDP[..HEADER_LEN]).unwrap();
        assert_eq!(view.payload(), []);
    }

    #[test]
    fn tags_are_known() {
        assert!(EtherType::VLAN.is_tag() && EtherType::QINQ.is_tag());
        assert!(!EtherType::IPV4.is_tag() && !EtherType(0x9100).is_tag());
        assert_eq!(EtherType::ARP.to_string(), "0x0806");
    }

    proptest! {
        #[test]
        fn noise_survives(noise: [u8; HEADER_LEN]) {
            let repr = Repr::parse(&Ethernet::new(noise).unwrap());
            let mut bytes = [0; HEADER_LEN];
            repr.emit(&mut Ethernet::new(&mut bytes).unwrap());
            prop_assert_eq!(bytes, noise);
        }
    }
}
