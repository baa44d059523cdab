//! The Internet Protocol, version 6 (RFC 8200): the fixed header.

use super::field::view;
use super::{Dscp, Ecn, Protocol};
use std::net::Ipv6Addr;

/// Bytes of the fixed header.
pub const HEADER_LEN: usize = field::DST.end();

mod field {
    use crate::wire::field::Field;

    /// Version, traffic class and the upper bits of the flow label.
    pub(super) const CLASS: Field<2> = Field::at(0);
    pub(super) const LABEL_LOW: Field<2> = Field::at(CLASS.end());
    pub(super) const PAYLOAD_LEN: Field<2> = Field::at(LABEL_LOW.end());
    pub(super) const NEXT_HEADER: Field<1> = Field::at(PAYLOAD_LEN.end());
    pub(super) const HOP_LIMIT: Field<1> = Field::at(NEXT_HEADER.end());
    pub(super) const SRC: Field<16> = Field::at(HOP_LIMIT.end());
    pub(super) const DST: Field<16> = Field::at(SRC.end());
}

/// Why a packet cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The version is not 6.
    #[error("version is not 6")]
    Version,
    /// The payload length is more than the bytes there are.
    #[error("payload length goes beyond the packet")]
    PayloadLenBeyond,
}

view!(
    /// A view of an IPv6 packet.
    Ipv6,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Ipv6<T> {
    /// Version.
    #[inline]
    pub fn version(&self) -> u8 {
        (field::CLASS.u16(self.data()) >> 12) as u8
    }

    /// The traffic class: DSCP and ECN.
    #[inline]
    pub fn traffic_class(&self) -> u8 {
        (field::CLASS.u16(self.data()) >> 4) as u8
    }

    /// Differentiated services code point.
    #[inline]
    pub fn dscp(&self) -> Dscp {
        Dscp::from_tos(self.traffic_class())
    }

    /// Explicit congestion notification.
    #[inline]
    pub fn ecn(&self) -> Ecn {
        Ecn::from_tos(self.traffic_class())
    }

    /// Flow label, 20 bits.
    #[inline]
    pub fn flow_label(&self) -> u32 {
        let high = u32::from(field::CLASS.u16(self.data())) & 0xf;
        high << 16 | u32::from(field::LABEL_LOW.u16(self.data()))
    }

    /// Bytes that follow the fixed header, as it says; zero also stands for a jumbogram.
    #[inline]
    pub fn payload_len(&self) -> u16 {
        field::PAYLOAD_LEN.u16(self.data())
    }

    /// What follows the fixed header.
    #[inline]
    pub fn next_header(&self) -> Protocol {
        Protocol(field::NEXT_HEADER.byte(self.data()))
    }

    /// Hops left.
    #[inline]
    pub fn hop_limit(&self) -> u8 {
        field::HOP_LIMIT.byte(self.data())
    }

    /// Source.
    #[inline]
    pub fn src(&self) -> Ipv6Addr {
        field::SRC.get(self.data()).into()
    }

    /// Destination.
    #[inline]
    pub fn dst(&self) -> Ipv6Addr {
        field::DST.get(self.data()).into()
    }

    /// Checks version and length. `available` counts the bytes from the first of the header to the
    /// end of the packet, which may be more than the view holds.
    #[inline]
    pub fn check(&self, available: usize) -> Result<(), Error> {
        if self.version() != 6 {
            Err(Error::Version)
        } else if HEADER_LEN + usize::from(self.payload_len()) > available {
            Err(Error::PayloadLenBeyond)
        } else {
            Ok(())
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Ipv6<&'a T> {
    /// What follows the fixed header, as long as it says and the view holds.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        let data = self.0.as_ref();
        let end = data.len().min(HEADER_LEN + usize::from(self.payload_len()));
        data.get(HEADER_LEN..end).unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Ipv6<T> {
    /// Sets the version; only the lower four bits count.
    #[inline]
    pub fn set_version(&mut self, version: u8) {
        field::CLASS.set_bits16(self.data_mut(), 0xf000, u16::from(version) << 12);
    }

    /// Sets the traffic class: DSCP and ECN.
    #[inline]
    pub fn set_traffic_class(&mut self, class: u8) {
        field::CLASS.set_bits16(self.data_mut(), 0x0ff0, u16::from(class) << 4);
    }

    /// Sets the ECN bits. The header has no checksum to mend.
    #[inline]
    pub fn set_ecn(&mut self, ecn: Ecn) {
        let class = self.dscp().with(ecn);
        self.set_traffic_class(class);
    }

    /// Sets the flow label; only the lower 20 bits count.
    #[inline]
    pub fn set_flow_label(&mut self, label: u32) {
        field::CLASS.set_bits16(self.data_mut(), 0x000f, (label >> 16) as u16);
        field::LABEL_LOW.set_u16(self.data_mut(), label as u16);
    }

    /// Sets the bytes that follow the fixed header.
    #[inline]
    pub fn set_payload_len(&mut self, len: u16) {
        field::PAYLOAD_LEN.set_u16(self.data_mut(), len);
    }

    /// Sets what follows the fixed header.
    #[inline]
    pub fn set_next_header(&mut self, protocol: Protocol) {
        field::NEXT_HEADER.set_byte(self.data_mut(), protocol.0);
    }

    /// Sets the hops left.
    #[inline]
    pub fn set_hop_limit(&mut self, hops: u8) {
        field::HOP_LIMIT.set_byte(self.data_mut(), hops);
    }

    /// Sets the source.
    #[inline]
    pub fn set_src(&mut self, src: Ipv6Addr) {
        field::SRC.set(self.data_mut(), src.octets());
    }

    /// Sets the destination.
    #[inline]
    pub fn set_dst(&mut self, dst: Ipv6Addr) {
        field::DST.set(self.data_mut(), dst.octets());
    }
}

/// The meaning of the fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Source.
    pub src: Ipv6Addr,
    /// Destination.
    pub dst: Ipv6Addr,
    /// What follows the fixed header.
    pub next_header: Protocol,
    /// Bytes that follow the fixed header.
    pub payload_len: u16,
    /// Hops left.
    pub hop_limit: u8,
    /// Differentiated services code point.
    pub dscp: Dscp,
    /// Explicit congestion notification.
    pub ecn: Ecn,
    /// Flow label, 20 bits.
    pub flow_label: u32,
}

impl Repr {
    /// Reads the header of a packet that the view holds as a whole. Trailing bytes are tolerated:
    /// short frames are padded.
    #[inline]
    pub fn parse<T: AsRef<[u8]>>(view: &Ipv6<T>) -> Result<Self, Error> {
        view.check(view.data().len())?;
        Ok(Repr {
            src: view.src(),
            dst: view.dst(),
            next_header: view.next_header(),
            payload_len: view.payload_len(),
            hop_limit: view.hop_limit(),
            dscp: view.dscp(),
            ecn: view.ecn(),
            flow_label: view.flow_label(),
        })
    }

    /// Writes every byte of the fixed header.
    #[inline]
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Ipv6<T>) {
        view.set_version(6);
        view.set_traffic_class(self.dscp.with(self.ecn));
        view.set_flow_label(self.flow_label);
        view.set_payload_len(self.payload_len);
        view.set_next_header(self.next_header);
        view.set_hop_limit(self.hop_limit);
        view.set_src(self.src);
        view.set_dst(self.dst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::VXLAN_UDP6;
    use proptest::prelude::*;

    const REPR: Repr = Repr {
        src: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1),
        dst: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2),
        next_header: Protocol::UDP,
        payload_len: 18,
        hop_limit: 64,
        dscp: Dscp::from_tos(0),
        ecn: Ecn::NotEct,
        flow_label: 0x33dfd,
    };

    fn sample() -> [u8; 58] {
        VXLAN_UDP6[64..].try_into().unwrap()
    }

    fn parse(bytes: &[u8]) -> Result<Repr, Error> {
        Repr::parse(&Ipv6::new(bytes).unwrap())
    }

    #[test]
    fn every_field_is_read() {
        let bytes = sample();
        let view = Ipv6::new(&bytes).unwrap();
        assert_eq!((view.version(), view.traffic_class()), (6, 0));
        assert_eq!(view.payload(), &bytes[40..]);
        assert_eq!(parse(&bytes), Ok(REPR));
        let view = Ipv6::new(
            [0x6b, 0x9f, 0xff, 0xff]
                .into_iter()
                .chain([0; 36])
                .collect::<Vec<_>>(),
        );
        let view = view.unwrap();
        assert_eq!((view.traffic_class(), view.flow_label()), (0xb9, 0xfffff));
        assert_eq!((view.dscp().get(), view.ecn()), (46, Ecn::Ect1));
    }

    #[test]
    fn every_byte_is_written() {
        for dirt in [0x00, 0xa5, 0xff] {
            let mut bytes = [dirt; HEADER_LEN];
            REPR.emit(&mut Ipv6::new(&mut bytes).unwrap());
            assert_eq!(bytes, sample()[..HEADER_LEN]);
        }
    }

    #[test]
    fn ecn_is_set_alone() {
        for class in 0..=255 {
            for ecn in Ecn::ALL {
                let mut bytes = sample();
                let mut view = Ipv6::new(&mut bytes).unwrap();
                view.set_traffic_class(class);
                view.set_ecn(ecn);
                let expected = Repr {
                    dscp: Dscp::from_tos(class),
                    ecn,
                    ..REPR
                };
                assert_eq!(parse(&bytes), Ok(expected));
            }
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let mut bytes = sample();
        for len in 0..HEADER_LEN {
            assert!(Ipv6::new(&bytes[..len]).is_none(), "{len}");
        }
        for (len, expected) in [
            (0, Ok(0)),
            (17, Ok(17)),
            (18, Ok(18)),
            (19, Err(Error::PayloadLenBeyond)),
        ] {
            Ipv6::new(&mut bytes).unwrap().set_payload_len(len);
            assert_eq!(parse(&bytes).map(|repr| repr.payload_len), expected);
            let payload = Ipv6::new(&bytes).unwrap().payload().len();
            assert_eq!(payload, usize::from(len).min(18));
        }
        assert_eq!(Ipv6::new(&bytes).unwrap().check(59), Ok(()));
    }

    #[test]
    fn only_version_6_is_read() {
        for version in (0..16).filter(|version| *version != 6) {
            let mut bytes = sample();
            Ipv6::new(&mut bytes).unwrap().set_version(version);
            assert_eq!(parse(&bytes), Err(Error::Version));
        }
    }

    proptest! {
        #[test]
        fn noise_that_parses_survives(noise: [u8; HEADER_LEN], payload_len in 0u16..40) {
            let mut noise = [&noise[..], &[0; 32]].concat();
            let mut view = Ipv6::new(&mut noise).unwrap();
            view.set_version(6);
            view.set_payload_len(payload_len);
            let Ok(repr) = parse(&noise) else {
                prop_assert!(payload_len > 32);
                return Ok(());
            };
            let mut bytes = [0xa5; HEADER_LEN];
            repr.emit(&mut Ipv6::new(&mut bytes).unwrap());
            prop_assert_eq!(&bytes[..], &noise[..HEADER_LEN]);
        }
    }
}
