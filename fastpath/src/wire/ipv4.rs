//! The Internet Protocol, version 4 (RFC 791).

use super::checksum::{Sum, update};
use super::field::view;
use super::{Dscp, Ecn, Protocol};
use std::net::Ipv4Addr;

/// Bytes of a header without options.
pub const HEADER_LEN: usize = field::DST.end();

mod field {
    use crate::wire::field::Field;

    pub(super) const VERSION: Field<1> = Field::at(0);
    pub(super) const TOS: Field<1> = Field::at(VERSION.end());
    pub(super) const TOTAL_LEN: Field<2> = Field::at(TOS.end());
    pub(super) const IDENT: Field<2> = Field::at(TOTAL_LEN.end());
    pub(super) const FRAGMENT: Field<2> = Field::at(IDENT.end());
    pub(super) const TTL: Field<1> = Field::at(FRAGMENT.end());
    pub(super) const PROTOCOL: Field<1> = Field::at(TTL.end());
    pub(super) const CHECKSUM: Field<2> = Field::at(PROTOCOL.end());
    pub(super) const SRC: Field<4> = Field::at(CHECKSUM.end());
    pub(super) const DST: Field<4> = Field::at(SRC.end());
}

/// Bits of the word that holds flags and fragment offset.
mod fragment {
    pub(super) const DONT: u16 = 0x4000;
    pub(super) const MORE: u16 = 0x2000;
    pub(super) const OFFSET: u16 = 0x1fff;
}

/// Why a packet cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The version is not 4.
    #[error("version is not 4")]
    Version,
    /// The header length is less than 20 bytes.
    #[error("header length is less than 20 bytes")]
    HeaderLen,
    /// The header, options included, is longer than the bytes there are.
    #[error("header is cut short")]
    TooShort,
    /// The total length is less than the header length.
    #[error("total length is less than the header's")]
    TotalLenLess,
    /// The total length is more than the bytes there are.
    #[error("total length goes beyond the packet")]
    TotalLenBeyond,
}

view!(
    /// A view of an IPv4 packet.
    Ipv4,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Ipv4<T> {
    /// Version.
    #[inline]
    pub fn version(&self) -> u8 {
        field::VERSION.byte(self.data()) >> 4
    }

    /// Bytes of the header with its options, 0 to 60, as the header says.
    #[inline]
    pub fn header_len(&self) -> usize {
        usize::from(field::VERSION.byte(self.data()) & 0xf) * 4
    }

    /// The byte that holds DSCP and ECN.
    #[inline]
    pub fn tos(&self) -> u8 {
        field::TOS.byte(self.data())
    }

    /// Differentiated services code point.
    #[inline]
    pub fn dscp(&self) -> Dscp {
        Dscp::from_tos(self.tos())
    }

    /// Explicit congestion notification.
    #[inline]
    pub fn ecn(&self) -> Ecn {
        Ecn::from_tos(self.tos())
    }

    /// Bytes of header and payload, as the header says.
    #[inline]
    pub fn total_len(&self) -> u16 {
        field::TOTAL_LEN.u16(self.data())
    }

    /// Identification: which packet a fragment is of.
    #[inline]
    pub fn ident(&self) -> u16 {
        field::IDENT.u16(self.data())
    }

    /// May not be fragmented.
    #[inline]
    pub fn dont_fragment(&self) -> bool {
        field::FRAGMENT.u16(self.data()) & fragment::DONT != 0
    }

    /// Other fragments follow.
    #[inline]
    pub fn more_fragments(&self) -> bool {
        field::FRAGMENT.u16(self.data()) & fragment::MORE != 0
    }

    /// Place of a fragment in its packet, in units of 8 bytes.
    #[inline]
    pub fn fragment_offset(&self) -> u16 {
        field::FRAGMENT.u16(self.data()) & fragment::OFFSET
    }

    /// Part of a packet, the first one included.
    #[inline]
    pub fn is_fragment(&self) -> bool {
        field::FRAGMENT.u16(self.data()) & (fragment::MORE | fragment::OFFSET) != 0
    }

    /// Hops left.
    #[inline]
    pub fn ttl(&self) -> u8 {
        field::TTL.byte(self.data())
    }

    /// What follows the header.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        Protocol(field::PROTOCOL.byte(self.data()))
    }

    /// Header checksum.
    #[inline]
    pub fn checksum(&self) -> u16 {
        field::CHECKSUM.u16(self.data())
    }

    /// Source.
    #[inline]
    pub fn src(&self) -> Ipv4Addr {
        field::SRC.get(self.data()).into()
    }

    /// Destination.
    #[inline]
    pub fn dst(&self) -> Ipv4Addr {
        field::DST.get(self.data()).into()
    }

    /// Checks version and lengths. `available` counts the bytes from the first of the header to the
    /// end of the packet, which may be more than the view holds; the header itself has to lie in the
    /// view.
    #[inline]
    pub fn check(&self, available: usize) -> Result<(), Error> {
        let header_len = self.header_len();
        let total_len = usize::from(self.total_len());
        if self.version() != 4 {
            Err(Error::Version)
        } else if header_len < HEADER_LEN {
            Err(Error::HeaderLen)
        } else if header_len > self.data().len() {
            Err(Error::TooShort)
        } else if total_len < header_len {
            Err(Error::TotalLenLess)
        } else if total_len > available {
            Err(Error::TotalLenBeyond)
        } else {
            Ok(())
        }
    }

    /// The header checksum is right. `false` if the header does not lie in the view.
    #[inline]
    pub fn verify_checksum(&self) -> bool {
        let header = self.data().get(..self.header_len().max(HEADER_LEN));
        header.is_some_and(|header| Sum::new().add_bytes(header).finish() == 0)
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Ipv4<&'a T> {
    /// What follows header and options, as long as the header says and the view holds.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        let data = self.0.as_ref();
        let end = data.len().min(self.total_len().into());
        data.get(self.header_len()..end).unwrap_or_default()
    }
}

/// Setters leave the header checksum as it is, but for [`Ipv4::set_ecn`].
impl<T: AsRef<[u8]> + AsMut<[u8]>> Ipv4<T> {
    /// Sets the version; only the lower four bits count.
    #[inline]
    pub fn set_version(&mut self, version: u8) {
        field::VERSION.set_bits(self.data_mut(), 0xf0, version << 4);
    }

    /// Sets the bytes of the header with its options: a multiple of 4, at most 60.
    #[inline]
    pub fn set_header_len(&mut self, len: u8) {
        field::VERSION.set_bits(self.data_mut(), 0x0f, len / 4);
    }

    /// Sets the byte that holds DSCP and ECN.
    #[inline]
    pub fn set_tos(&mut self, tos: u8) {
        field::TOS.set_byte(self.data_mut(), tos);
    }

    /// Sets the bytes of header and payload.
    #[inline]
    pub fn set_total_len(&mut self, len: u16) {
        field::TOTAL_LEN.set_u16(self.data_mut(), len);
    }

    /// Sets the identification.
    #[inline]
    pub fn set_ident(&mut self, ident: u16) {
        field::IDENT.set_u16(self.data_mut(), ident);
    }

    /// Sets whether the packet may not be fragmented.
    #[inline]
    pub fn set_dont_fragment(&mut self, dont: bool) {
        let bits = if dont { fragment::DONT } else { 0 };
        field::FRAGMENT.set_bits16(self.data_mut(), fragment::DONT, bits);
    }

    /// Sets whether other fragments follow.
    #[inline]
    pub fn set_more_fragments(&mut self, more: bool) {
        let bits = if more { fragment::MORE } else { 0 };
        field::FRAGMENT.set_bits16(self.data_mut(), fragment::MORE, bits);
    }

    /// Sets the place of a fragment in units of 8 bytes; only the lower 13 bits count.
    #[inline]
    pub fn set_fragment_offset(&mut self, offset: u16) {
        field::FRAGMENT.set_bits16(self.data_mut(), fragment::OFFSET, offset);
    }

    /// Sets the hops left.
    #[inline]
    pub fn set_ttl(&mut self, ttl: u8) {
        field::TTL.set_byte(self.data_mut(), ttl);
    }

    /// Sets what follows the header.
    #[inline]
    pub fn set_protocol(&mut self, protocol: Protocol) {
        field::PROTOCOL.set_byte(self.data_mut(), protocol.0);
    }

    /// Sets the header checksum.
    #[inline]
    pub fn set_checksum(&mut self, checksum: u16) {
        field::CHECKSUM.set_u16(self.data_mut(), checksum);
    }

    /// Sets the source.
    #[inline]
    pub fn set_src(&mut self, src: Ipv4Addr) {
        field::SRC.set(self.data_mut(), src.octets());
    }

    /// Sets the destination.
    #[inline]
    pub fn set_dst(&mut self, dst: Ipv4Addr) {
        field::DST.set(self.data_mut(), dst.octets());
    }

    /// Sets the ECN bits and brings the checksum up to date with them (RFC 1624). A checksum that
    /// was wrong stays wrong.
    #[inline]
    pub fn set_ecn(&mut self, ecn: Ecn) {
        let old = self.tos();
        let new = Dscp::from_tos(old).with(ecn);
        if old != new {
            // The upper byte of the word does not change, so it does not matter.
            let checksum = update(self.checksum(), old.into(), new.into());
            self.set_tos(new);
            self.set_checksum(checksum);
        }
    }

    /// Computes and sets the header checksum. Options that do not lie in the view are left out.
    #[inline]
    pub fn fill_checksum(&mut self) {
        self.set_checksum(0);
        let end = self.header_len().max(HEADER_LEN).min(self.data().len());
        let sum = Sum::new().add_bytes(&self.data()[..end]);
        self.set_checksum(sum.finish());
    }
}

/// The meaning of an IPv4 header; options have none here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repr {
    /// Source.
    pub src: Ipv4Addr,
    /// Destination.
    pub dst: Ipv4Addr,
    /// What follows the header.
    pub protocol: Protocol,
    /// Bytes that follow the header, at most 65,515.
    pub payload_len: u16,
    /// Hops left.
    pub ttl: u8,
    /// Differentiated services code point.
    pub dscp: Dscp,
    /// Explicit congestion notification.
    pub ecn: Ecn,
    /// Which packet a fragment is of.
    pub ident: u16,
    /// May not be fragmented.
    pub dont_fragment: bool,
    /// Other fragments follow.
    pub more_fragments: bool,
    /// Place of a fragment in its packet, in units of 8 bytes; 13 bits.
    pub fragment_offset: u16,
}

impl Repr {
    /// Reads the header of a packet that the view holds as a whole. Trailing bytes are tolerated:
    /// short frames are padded. The checksum is not verified: the NIC may have done so.
    #[inline]
    pub fn parse<T: AsRef<[u8]>>(view: &Ipv4<T>) -> Result<Self, Error> {
        view.check(view.data().len())?;
        Ok(Repr {
            src: view.src(),
            dst: view.dst(),
            protocol: view.protocol(),
            payload_len: view.total_len() - view.header_len() as u16,
            ttl: view.ttl(),
            dscp: view.dscp(),
            ecn: view.ecn(),
            ident: view.ident(),
            dont_fragment: view.dont_fragment(),
            more_fragments: view.more_fragments(),
            fragment_offset: view.fragment_offset(),
        })
    }

    /// Writes every byte of a header without options, the checksum included. A length that does not
    /// fit becomes the largest that does.
    #[inline]
    pub fn emit<T: AsRef<[u8]> + AsMut<[u8]>>(&self, view: &mut Ipv4<T>) {
        view.set_version(4);
        view.set_header_len(HEADER_LEN as u8);
        view.set_tos(self.dscp.with(self.ecn));
        view.set_total_len(self.payload_len.saturating_add(HEADER_LEN as u16));
        view.set_ident(self.ident);
        field::FRAGMENT.set_u16(view.data_mut(), 0);
        view.set_dont_fragment(self.dont_fragment);
        view.set_more_fragments(self.more_fragments);
        view.set_fragment_offset(self.fragment_offset);
        view.set_ttl(self.ttl);
        view.set_protocol(self.protocol);
        view.set_src(self.src);
        view.set_dst(self.dst);
        view.fill_checksum();
    }
}

#[cfg(test)]
mod tests;
