//! The Internet Control Message Protocol (RFC 792): echo, and errors.

mod error;

pub use error::{Fault, Quote, QuoteError};

use super::Sum;
use super::field::view;

/// Bytes of the header.
pub const HEADER_LEN: usize = field::SEQUENCE.end();

mod field {
    use crate::wire::field::Field;

    pub(super) const KIND: Field<1> = Field::at(0);
    pub(super) const CODE: Field<1> = Field::at(KIND.end());
    pub(super) const CHECKSUM: Field<2> = Field::at(CODE.end());
    pub(super) const IDENT: Field<2> = Field::at(CHECKSUM.end());
    pub(super) const SEQUENCE: Field<2> = Field::at(IDENT.end());
    /// In place of the sequence number, in an error (RFC 1191, section 4).
    pub(super) const NEXT_HOP_MTU: Field<2> = SEQUENCE;
}

/// The type field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// The answer to an echo request.
    pub const ECHO_REPLY: Kind = Kind(0);
    /// Send this back.
    pub const ECHO_REQUEST: Kind = Kind(8);
    /// A packet did not reach its destination; the code says why.
    pub const UNREACHABLE: Kind = Kind(3);
    /// Send more slowly. Deprecated (RFC 6633).
    pub const SOURCE_QUENCH: Kind = Kind(4);
    /// There is a better gateway.
    pub const REDIRECT: Kind = Kind(5);
    /// A packet went over too many hops, or its fragments came too late.
    pub const TIME_EXCEEDED: Kind = Kind(11);
    /// A header made no sense to somebody.
    pub const PARAMETER_PROBLEM: Kind = Kind(12);

    /// Tells of a packet that was sent, and quotes it. Never to be answered (RFC 1122, section
    /// 3.2.2).
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Kind::UNREACHABLE
                | Kind::SOURCE_QUENCH
                | Kind::REDIRECT
                | Kind::TIME_EXCEEDED
                | Kind::PARAMETER_PROBLEM
        )
    }
}

/// Why a message is not an echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The type is neither request nor reply.
    #[error("neither echo request nor echo reply")]
    Kind,
    /// The code is not zero.
    #[error("the code of an echo is not zero")]
    Code,
}

view!(
    /// A view of a message, with the fields of an echo. It has to hold the whole message and nothing behind it, because
    /// ICMP has no length and the checksum covers all there is.
    Icmp,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Icmp<T> {
    /// Type of the message.
    pub fn kind(&self) -> Kind {
        Kind(field::KIND.byte(self.data()))
    }

    /// Code: what kind of its type.
    pub fn code(&self) -> u8 {
        field::CODE.byte(self.data())
    }

    /// Checksum.
    pub fn checksum(&self) -> u16 {
        field::CHECKSUM.u16(self.data())
    }

    /// Who asks.
    pub fn ident(&self) -> u16 {
        field::IDENT.u16(self.data())
    }

    /// Which of its questions.
    pub fn sequence(&self) -> u16 {
        field::SEQUENCE.u16(self.data())
    }

    /// In [`Kind::UNREACHABLE`] for a packet that was too long: how long one may be. Zero from those
    /// who do not say.
    pub fn next_hop_mtu(&self) -> u16 {
        field::NEXT_HOP_MTU.u16(self.data())
    }

    /// The checksum is right.
    pub fn verify_checksum(&self) -> bool {
        Sum::new().add_bytes(self.data()).finish() == 0
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Icmp<&'a T> {
    /// What is to come back, or what an error quotes.
    pub fn payload(&self) -> &'a [u8] {
        self.0.as_ref().get(HEADER_LEN..).unwrap_or_default()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Icmp<T> {
    /// Sets the type.
    pub fn set_kind(&mut self, kind: Kind) {
        field::KIND.set_byte(self.data_mut(), kind.0);
    }

    /// Sets the code.
    pub fn set_code(&mut self, code: u8) {
        field::CODE.set_byte(self.data_mut(), code);
    }

    /// Sets the checksum.
    pub fn set_checksum(&mut self, checksum: u16) {
        field::CHECKSUM.set_u16(self.data_mut(), checksum);
    }

    /// Sets who asks.
    pub fn set_ident(&mut self, ident: u16) {
        field::IDENT.set_u16(self.data_mut(), ident);
    }

    /// Sets which of its questions it is.
    pub fn set_sequence(&mut self, sequence: u16) {
        field::SEQUENCE.set_u16(self.data_mut(), sequence);
    }

    /// Computes and sets the checksum, once all else is written.
    pub fn fill_checksum(&mut self) {
        self.set_checksum(0);
        let sum = Sum::new().add_bytes(self.data());
        self.set_checksum(sum.finish());
    }
}

/// Question or answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Echo {
    /// Send this back.
    Request,
    /// Here it is.
    Reply,
}

/// The meaning of the header of an echo message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Question or answer.
    pub echo: Echo,
    /// Who asks.
    pub ident: u16,
    /// Which of its questions.
    pub sequence: u16,
}

impl Repr {
    /// Reads a header. The checksum is not verified.
    pub fn parse<T: AsRef<[u8]>>(view: &Icmp<T>) -> Result<Self, Error> {
        let echo = match view.kind() {
            Kind::ECHO_REQUEST => Echo::Request,
            Kind::ECHO_REPLY => Echo::Reply,
            _ => return Err(Error::Kind),
        };
        if view.code() != 0 {
            return Err(Error::Code);
        }
        Ok(Repr {
            echo,
            ident: view.ident(),
            sequence: view.sequence(),
        })
    }

    /// Writes every byte of the header, with the checksum over what the view holds behind it.
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Icmp<T>) {
        view.set_kind(match self.echo {
            Echo::Request => Kind::ECHO_REQUEST,
            Echo::Reply => Kind::ECHO_REPLY,
        });
        view.set_code(0);
        view.set_ident(self.ident);
        view.set_sequence(self.sequence);
        view.fill_checksum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::ECHO_REQUEST;
    use proptest::prelude::*;

    const REPR: Repr = Repr {
        echo: Echo::Request,
        ident: 0x3ea9,
        sequence: 1,
    };

    fn parse(bytes: &[u8]) -> Result<Repr, Error> {
        Repr::parse(&Icmp::new(bytes).unwrap())
    }

    #[test]
    fn every_field_is_read() {
        let view = Icmp::new(&ECHO_REQUEST).unwrap();
        assert_eq!(
            (view.kind(), view.code(), view.checksum()),
            (Kind(8), 0, 0xad45)
        );
        assert_eq!(view.payload(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(view.verify_checksum());
        assert_eq!(parse(&ECHO_REQUEST), Ok(REPR));
    }

    #[test]
    fn every_byte_is_written() {
        let mut bytes = ECHO_REQUEST;
        bytes[..HEADER_LEN].fill(0xa5);
        REPR.emit(&mut Icmp::new(&mut bytes).unwrap());
        assert_eq!(bytes, ECHO_REQUEST);
    }

    #[test]
    fn a_short_message_is_refused() {
        for len in 0..HEADER_LEN {
            assert!(Icmp::new(&ECHO_REQUEST[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn only_echoes_are_read() {
        for kind in 0..=255 {
            let mut bytes = ECHO_REQUEST;
            Icmp::new(&mut bytes).unwrap().set_kind(Kind(kind));
            let expected = match kind {
                0 => Ok(Echo::Reply),
                8 => Ok(Echo::Request),
                _ => Err(Error::Kind),
            };
            assert_eq!(parse(&bytes).map(|repr| repr.echo), expected);
        }
        for code in 1..=255 {
            let mut bytes = ECHO_REQUEST;
            Icmp::new(&mut bytes).unwrap().set_code(code);
            assert_eq!(parse(&bytes), Err(Error::Code));
        }
    }

    proptest! {
        #[test]
        fn noise_that_parses_survives(noise: [u8; 13], reply: bool) {
            let mut noise = noise;
            noise[0] = if reply { 0 } else { 8 };
            noise[1] = 0;
            let repr = parse(&noise);
            prop_assert_eq!(repr.map(|repr| repr.echo == Echo::Reply), Ok(reply));
            let mut bytes = noise;
            bytes[..HEADER_LEN].fill(0xa5);
            repr.unwrap().emit(&mut Icmp::new(&mut bytes).unwrap());
            prop_assert!(Icmp::new(&bytes).unwrap().verify_checksum());
            Icmp::new(&mut noise).unwrap().fill_checksum();
            prop_assert_eq!(bytes, noise);
            bytes[12] ^= 0x10;
            prop_assert!(!Icmp::new(&bytes).unwrap().verify_checksum());
        }
    }
}
