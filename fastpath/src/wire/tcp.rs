//! The Transmission Control Protocol (RFC 9293): ports, sequence number and flags, and where its checksum is.

use super::field::view;

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// Bytes of the header before the checksum.
pub const CHECKSUM_AT: usize = field::CHECKSUM.start();

mod field {
    use crate::wire::field::Field;

    pub(super) const SRC_PORT: Field<2> = Field::at(0);
    pub(super) const DST_PORT: Field<2> = Field::at(SRC_PORT.end());
    pub(super) const SEQUENCE: Field<4> = Field::at(DST_PORT.end());
    pub(super) const FLAGS: Field<1> = Field::at(13);
    pub(super) const CHECKSUM: Field<2> = Field::at(16);
}

/// Flags that say something of one segment, not of the connection.
pub mod flag {
    /// Nothing follows in the stream.
    pub const FIN: u8 = 0x01;
    /// The receiver is to hand on what it has.
    pub const PSH: u8 = 0x08;
    /// Less is sent than before, since the network was congested (RFC 3168, 6.1.2).
    pub const CWR: u8 = 0x80;
}

view!(
    /// A view of a TCP segment.
    Tcp,
    HEADER_LEN
);

impl<T: AsRef<[u8]>> Tcp<T> {
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

    /// Place of the first byte of payload in the stream.
    #[inline]
    pub fn sequence(&self) -> u32 {
        field::SEQUENCE.u32(self.data())
    }

    /// The eight flags: see [`flag`].
    #[inline]
    pub fn flags(&self) -> u8 {
        field::FLAGS.byte(self.data())
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Tcp<T> {
    /// Sets the source port. The checksum is left as it is.
    #[inline]
    pub fn set_src_port(&mut self, port: u16) {
        field::SRC_PORT.set_u16(self.data_mut(), port);
    }

    /// Sets the destination port. The checksum is left as it is.
    #[inline]
    pub fn set_dst_port(&mut self, port: u16) {
        field::DST_PORT.set_u16(self.data_mut(), port);
    }

    /// Sets the place in the stream. The checksum is left as it is.
    #[inline]
    pub fn set_sequence(&mut self, sequence: u32) {
        field::SEQUENCE.set_u32(self.data_mut(), sequence);
    }

    /// Sets all flags. The checksum is left as it is.
    #[inline]
    pub fn set_flags(&mut self, flags: u8) {
        field::FLAGS.set_byte(self.data_mut(), flags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::samples::TCP_SYN;

    #[test]
    fn ports_are_read_and_written() {
        let view = Tcp::new(&TCP_SYN).unwrap();
        assert_eq!((view.src_port(), view.dst_port()), (49396, 9000));
        let mut bytes = [0xa5; HEADER_LEN];
        let mut view = Tcp::new(&mut bytes).unwrap();
        view.set_src_port(49396);
        view.set_dst_port(9000);
        assert_eq!(bytes[..4], TCP_SYN[..4]);
        assert_eq!(bytes[4..], [0xa5; 16]);
    }

    #[test]
    fn place_in_the_stream_and_flags_are_read_and_written() {
        let mut bytes = [0xa5; HEADER_LEN];
        let mut view = Tcp::new(&mut bytes).unwrap();
        view.set_sequence(0x0102_0304);
        view.set_flags(flag::CWR | flag::PSH | flag::FIN);
        assert_eq!((view.sequence(), view.flags()), (0x0102_0304, 0x89));
        assert_eq!(bytes[4..8], [1, 2, 3, 4]);
        assert_eq!((bytes[12], bytes[13], bytes[14]), (0xa5, 0x89, 0xa5));
        // SYN alone.
        assert_eq!(Tcp::new(&TCP_SYN).unwrap().flags(), 2);
    }

    #[test]
    fn a_short_header_is_refused() {
        for len in 0..HEADER_LEN {
            assert!(Tcp::new(&TCP_SYN[..len]).is_none(), "{len}");
        }
    }
}
