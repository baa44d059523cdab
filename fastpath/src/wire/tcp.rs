//! The Transmission Control Protocol (RFC 9293): its ports, and where its checksum is.

use super::field::view;

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// Bytes of the header before the checksum.
pub const CHECKSUM_AT: usize = field::CHECKSUM.start();

mod field {
    use crate::wire::field::Field;

    pub(super) const SRC_PORT: Field<2> = Field::at(0);
    pub(super) const DST_PORT: Field<2> = Field::at(SRC_PORT.end());
    pub(super) const CHECKSUM: Field<2> = Field::at(16);
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
    fn a_short_header_is_refused() {
        for len in 0..HEADER_LEN {
            assert!(Tcp::new(&TCP_SYN[..len]).is_none(), "{len}");
        }
    }
}
