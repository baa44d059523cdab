//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

/// An Ethernet address, six bytes in wire order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

impl Mac {
    /// All ones: every station of the link.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// All zero: never a station; the default destination in a forwarding table.
    pub const ZERO: Mac = Mac([0; 6]);

    /// An address from its bytes in wire order.
    pub const fn new(bytes: [u8; 6]) -> Self {
        Mac(bytes)
    }

    /// The six bytes in wire order.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// The address as the low 48 bits of a word, first byte on the wire highest.
    pub const fn to_u64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The address in the low 48 bits of `word`; the high 16 bits are not looked at.
    pub const fn from_u64(word: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = word.to_be_bytes();
        Mac([a, b, c, d, e, f])
    }

    /// Multicast or broadcast: the group bit (IEEE 802.3, 3.2.3).
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// All zero.
    pub const fn is_zero(self) -> bool {
        self.to_u64() == 0
    }

    /// Fit to be the source of a frame: neither a group nor zero.
    pub const fn is_station(self) -> bool {
        !self.is_group() && !self.is_zero()
    }

    /// One of 01:80:C2:00:00:00 to :0F, which a bridge does not forward (IEEE 802.1Q, 8.6.3).
    pub const fn is_link_local_group(self) -> bool {
        self.to_u64() & !0xf == 0x0180_c200_0000
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not six pairs of hexadecimal digits joined by colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an Ethernet address: expected six pairs of hexadecimal digits, as in 02:00:5e:10:00:01"
)]
pub struct MacParseError;

impl FromStr for Mac {
    type Err = MacParseError;

    fn from_str(text: &str) -> Result<Self, MacParseError> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or(MacParseError)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(MacParseError);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| MacParseError)?;
        }
        if parts.next().is_some() {
            Err(MacParseError)
        } else {
            Ok(Mac(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "02:00:5e:10:0a:ff";

    #[test]
    fn text_and_word_round_trip() {
        let mac: Mac = TEXT.parse().unwrap();
        assert_eq!(mac.to_string(), TEXT);
        assert_eq!(mac.to_u64(), 0x0200_5e10_0aff);
        assert_eq!(Mac::from_u64(mac.to_u64() | 0xffff << 48), mac);
    }

    #[test]
    fn bad_text_is_refused() {
        for bad in [
            "",
            "02",
            "02:00:5e:10:0a",
            "02:00:5e:10:0a:ff:00",
            "2:0:5e:10:a:ff",
            "+2:00:5e:10:0a:ff",
        ] {
            assert_eq!(bad.parse::<Mac>(), Err(MacParseError), "{bad}");
        }
    }

    #[test]
    fn kinds_of_address() {
        assert!(Mac::BROADCAST.is_group() && !Mac::BROADCAST.is_station());
        assert!(Mac::ZERO.is_zero() && !Mac::ZERO.is_station());
        assert!(Mac::new([0x01, 0x80, 0xc2, 0, 0, 0x0f]).is_link_local_group());
        assert!(!Mac::new([0x01, 0x80, 0xc2, 0, 0, 0x10]).is_link_local_group());
    }
}
