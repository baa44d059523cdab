//! The User Datagram Protocol (RFC 768).

use super::field::view;
use super::{Protocol, Sum};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Bytes of the header.
pub const HEADER_LEN: usize = field::CHECKSUM.end();
/// Bytes of the header before the checksum.
pub const CHECKSUM_AT: usize = field::CHECKSUM.start();

mod field {
    use crate::wire::field::Field;

    pub(super) const SRC_PORT: Field<2> = Field::at(0);
    pub(super) const DST_PORT: Field<2> = Field::at(SRC_PORT.end());
    pub(super) const LEN: Field<2> = Field::at(DST_PORT.end());
    pub(super) const CHECKSUM: Field<2> = Field::at(LEN.end());
}

/// Why a datagram cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The length is less than that of the header.
    #[error("length is less than the header's")]
    LenLess,
    /// The length is more than the bytes there are.
    #[error("length goes beyond the packet")]
    LenBeyond,
}

view!(
    /// A view of a UDP datagram.
    Udp,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Udp<T> {
    /// Source port.
    #[inline]
    pub fn src_port(&self) -> u16 {
        field::SRC_PORT.u16(self.data())
    }

    /// Destination port.
    #[inline]
    pub fn dst_port(&self) -> u16 {
        field::DST_PORT.u16(self.data())
    }

    /// Bytes of header and payload, as the header says.
    #[inline]
    pub fn length(&self) -> u16 {
        field::LEN.u16(self.data())
    }

    /// Checksum; zero if the sender made none.
    #[inline]
    pub fn checksum(&self) -> u16 {
        field::CHECKSUM.u16(self.data())
    }

    /// Compares the length with the `available` bytes from the first byte of the header to the end
    /// of the IP payload, which may be more than the view holds.
    #[inline]
    pub fn check(&self, available: usize) -> Result<(), Error> {
        let len = usize::from(self.length());
        if len < HEADER_LEN {
            Err(Error::LenLess)
        } else if len > available {
            Err(Error::LenBeyond)
        } else {
            Ok(())
        }
    }

    /// The checksum is zero, so that it need not be checked over IPv4, or right. The view has to
    /// hold the whole datagram; if it does not, the answer is `false`.
    pub fn verify_v4(&self, src: Ipv4Addr, dst: Ipv4Addr) -> bool {
        let pseudo = Sum::new().add_pseudo_v4(src, dst, Protocol::UDP, self.length());
        self.checksum() == 0
            || self
                .datagram()
                .is_some_and(|d| pseudo.add_bytes(d).finish() == 0)
    }

    /// The checksum is right. Zero is not (RFC 8200, section 8.1): a tunnel that takes it all the
    /// same (RFC 6935) has to ask for it. The view has to hold the whole datagram, as above.
    pub fn verify_v6(&self, src: Ipv6Addr, dst: Ipv6Addr) -> bool {
        let pseudo = Sum::new().add_pseudo_v6(src, dst, Protocol::UDP, self.length().into());
        self.checksum() != 0
            && self
                .datagram()
                .is_some_and(|d| pseudo.add_bytes(d).finish() == 0)
    }

    /// Header and payload, as long as the header says; `None` if that cannot be.
    #[inline]
    fn datagram(&self) -> Option<&[u8]> {
        self.check(self.data().len()).ok()?;
        self.data().get(..usize::from(self.length()))
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Udp<&'a T> {
    /// What follows the header, as long as the header says and the view holds.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        let data = self.0.as_ref();
        let end = data.len().min(self.length().into());
        data.get(HEADER_LEN..end).unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Udp<T> {
    /// Sets the source port.
    #[inline]
    pub fn set_src_port(&mut self, port: u16) {
        field::SRC_PORT.set_u16(self.data_mut(), port);
    }

    /// Sets the destination port.
    #[inline]
    pub fn set_dst_port(&mut self, port: u16) {
        field::DST_PORT.set_u16(self.data_mut(), port);
    }

    /// Sets the bytes of header and payload.
    #[inline]
    pub fn set_length(&mut self, len: u16) {
        field::LEN.set_u16(self.data_mut(), len);
    }

    /// Sets the checksum as it stands on the wire.
    #[inline]
    pub fn set_checksum(&mut self, checksum: u16) {
        field::CHECKSUM.set_u16(self.data_mut(), checksum);
    }

    /// Computes and sets the checksum over IPv4, once length and payload are written. The view has
    /// to hold the whole datagram; if it does not, the checksum becomes zero, that is none.
    pub fn fill_checksum_v4(&mut self, src: Ipv4Addr, dst: Ipv4Addr) {
        let pseudo = Sum::new().add_pseudo_v4(src, dst, Protocol::UDP, self.length());
        self.fill(pseudo);
    }

    /// As [`Self::fill_checksum_v4`], over IPv6.
    pub fn fill_checksum_v6(&mut self, src: Ipv6Addr, dst: Ipv6Addr) {
        let pseudo = Sum::new().add_pseudo_v6(src, dst, Protocol::UDP, self.length().into());
        self.fill(pseudo);
    }

    fn fill(&mut self, pseudo: Sum) {
        self.set_checksum(0);
        let sum = self.datagram().map(|d| pseudo.add_bytes(d).finish());
        self.set_checksum(sum.map_or(0, on_wire));
    }
}

/// A computed checksum as it is sent: zero would mean that there is none, and its other form in
/// one's complement takes its place (RFC 768).
#[inline]
pub const fn on_wire(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// The meaning of a UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Bytes that follow the header, at most 65,527.
    pub payload_len: u16,
    /// Checksum as on the wire; zero for none.
    pub checksum: u16,
}

impl Repr {
    /// Reads the header of a datagram that the view holds as a whole. The checksum is not verified:
    /// the NIC may have done so.
    #[inline]
    pub fn parse<T: AsRef<[u8]>>(view: &Udp<T>) -> Result<Self, Error> {
        view.check(view.data().len())?;
        Ok(Repr {
            src_port: view.src_port(),
            dst_port: view.dst_port(),
            payload_len: view.length() - HEADER_LEN as u16,
            checksum: view.checksum(),
        })
    }

    /// Writes every byte of the header. A length that does not fit becomes the largest that does.
    #[inline]
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Udp<T>) {
        view.set_src_port(self.src_port);
        view.set_dst_port(self.dst_port);
        view.set_length(self.payload_len.saturating_add(HEADER_LEN as u16));
        view.set_checksum(self.checksum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::VXLAN_UDP;
    use proptest::prelude::*;

    const SRC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const REPR: Repr = Repr {
        src_port: 36818,
        dst_port: 4789,
        payload_len: 59,
        checksum: 0xb8fe,
    };

    fn sample() -> [u8; 67] {
        VXLAN_UDP[34..].try_into().unwrap()
    }

    #[test]
    fn every_field_is_read() {
        let bytes = sample();
        let view = Udp::new(&bytes).unwrap();
        assert_eq!((view.src_port(), view.dst_port()), (36818, 4789));
        assert_eq!((view.length(), view.checksum()), (67, 0xb8fe));
        assert_eq!(view.payload(), &bytes[8..]);
        assert_eq!(Repr::parse(&view), Ok(REPR));
        assert!(view.verify_v4(SRC, DST));
        assert!(!view.verify_v4(SRC, SRC));
    }

    #[test]
    fn every_byte_is_written() {
        let mut bytes = [0xa5; HEADER_LEN];
        REPR.emit(&mut Udp::new(&mut bytes).unwrap());
        assert_eq!(bytes, sample()[..HEADER_LEN]);
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let mut bytes = sample();
        for len in 0..HEADER_LEN {
            assert!(Udp::new(&bytes[..len]).is_none(), "{len}");
        }
        for (length, expected) in [
            (0, Err(Error::LenLess)),
            (7, Err(Error::LenLess)),
            (8, Ok(())),
            (67, Ok(())),
            (68, Err(Error::LenBeyond)),
            (65535, Err(Error::LenBeyond)),
        ] {
            Udp::new(&mut bytes).unwrap().set_length(length);
            let view = Udp::new(&bytes).unwrap();
            assert_eq!(Repr::parse(&view).map(drop), expected, "{length}");
            assert_eq!(view.payload().len(), usize::from(length).clamp(8, 67) - 8);
        }
        let view = Udp::new(&bytes).unwrap();
        assert_eq!(view.check(65535), Ok(()), "the rest lies in other segments");
        assert!(!view.verify_v4(SRC, DST));
    }

    #[test]
    fn checksums_fill_and_verify() {
        let (src6, dst6) = (SRC.to_ipv6_mapped(), DST.to_ipv6_mapped());
        let mut bytes = sample();
        let mut view = Udp::new(&mut bytes).unwrap();
        view.set_checksum(0);
        assert!(view.verify_v4(SRC, DST) && !view.verify_v6(src6, dst6));
        view.fill_checksum_v4(SRC, DST);
        assert_eq!(view.checksum(), REPR.checksum);
        view.fill_checksum_v6(src6, dst6);
        assert!(view.verify_v6(src6, dst6) && !view.verify_v6(src6, src6));
        assert_eq!(
            (on_wire(0), on_wire(1), on_wire(0xffff)),
            (0xffff, 1, 0xffff)
        );
        for impossible in [0, 7, 68] {
            view.set_length(impossible);
            view.set_checksum(1);
            assert!(!view.verify_v4(SRC, DST) && !view.verify_v6(src6, dst6));
            view.fill_checksum_v4(SRC, DST);
            assert_eq!(view.checksum(), 0, "{impossible}");
        }
    }

    #[test]
    fn a_sum_of_zero_is_sent_as_ones() {
        let any = Ipv4Addr::UNSPECIFIED;
        let repr = Repr {
            src_port: !(17 + 16),
            dst_port: 0,
            payload_len: 0,
            checksum: 0,
        };
        let mut bytes = [0; 8];
        let mut view = Udp::new(&mut bytes).unwrap();
        repr.emit(&mut view);
        let any6 = Ipv6Addr::UNSPECIFIED;
        assert!(
            !view.verify_v6(any6, any6),
            "the sum is right, but zero means none"
        );
        view.fill_checksum_v6(any6, any6);
        assert_eq!(view.checksum(), 0xffff);
        view.fill_checksum_v4(any, any);
        assert_eq!(view.checksum(), 0xffff);
        assert!(view.verify_v4(any, any) && view.verify_v6(any6, any6));
    }

    proptest! {
        #[test]
        fn noise_that_parses_survives(noise: [u8; 12], length in 0u16..16) {
            let mut noise = noise;
            Udp::new(&mut noise).unwrap().set_length(length);
            if let Ok(repr) = Repr::parse(&Udp::new(&noise).unwrap()) {
                let mut bytes = noise;
                bytes[..8].fill(0);
                repr.emit(&mut Udp::new(&mut bytes).unwrap());
                prop_assert_eq!(bytes, noise);
            } else {
                prop_assert!(!(8..=12).contains(&length));
            }
        }

        #[test]
        fn reprs_round_trip(src_port: u16, dst_port: u16, payload_len in 0u16..=65527, checksum: u16) {
            let repr = Repr { src_port, dst_port, payload_len, checksum };
            let mut bytes = vec![0xa5; HEADER_LEN + usize::from(payload_len)];
            repr.emit(&mut Udp::new(&mut bytes).unwrap());
            prop_assert_eq!(Repr::parse(&Udp::new(&bytes).unwrap()), Ok(repr));
        }
    }
}
