//! An IPv4 address and the length of its prefix.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An address of ours and how many of its leading bits are common to the link, as in
/// `192.0.2.2/24`. The host bits are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    address: Ipv4Addr,
    length: u8,
}

impl Prefix {
    /// `None` if `length` is above 32.
    pub const fn new(address: Ipv4Addr, length: u8) -> Option<Self> {
        if length <= 32 {
            Some(Prefix { address, length })
        } else {
            None
        }
    }

    /// The address, host bits included.
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// Bits of the prefix, 0 to 32.
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Ones where the prefix is, as a number in host order.
    const fn mask(self) -> u32 {
        if self.length == 0 {
            0
        } else {
            u32::MAX << (32 - self.length)
        }
    }

    /// The address with its host bits zero.
    pub const fn network(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() & self.mask())
    }

    /// What all hosts of the link have in common: the same prefix of [`Prefix::network`].
    pub const fn masked(self) -> Self {
        Prefix {
            address: self.network(),
            length: self.length,
        }
    }

    /// The address with its host bits one, which means every host of the link. `None` where the
    /// prefix has none: of 31 bits (RFC 3021) and 32.
    pub const fn broadcast(self) -> Option<Ipv4Addr> {
        if self.length >= 31 {
            return None;
        }
        Some(Ipv4Addr::from_bits(self.address.to_bits() | !self.mask()))
    }

    /// Whether `address` is on the link.
    pub const fn contains(self, address: Ipv4Addr) -> bool {
        (address.to_bits() ^ self.address.to_bits()) & self.mask() == 0
    }

    /// Whether a host of this link may have `self` as its address: a unicast address that is
    /// neither the link's network nor its broadcast address.
    pub fn is_host(self) -> bool {
        let reserved = self.length < 31
            && (self.address == self.network() || Some(self.address) == self.broadcast());
        is_unicast(self.address) && !reserved
    }
}

/// Whether one station on a network may have this address: not of 0.0.0.0/8 or 127.0.0.0/8, not
/// multicast, not the limited broadcast (RFC 1122, section 3.2.1.3).
pub fn is_unicast(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    !matches!(first, 0 | 127) && !address.is_multicast() && !address.is_broadcast()
}

/// The text is not an address and a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an IPv4 address with a prefix length: expected something like 192.0.2.2/24")]
pub struct PrefixError;

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = text.split_once('/').ok_or(PrefixError)?;
        if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PrefixError);
        }
        let address = address.parse().map_err(|_| PrefixError)?;
        let length = length.parse().map_err(|_| PrefixError)?;
        Prefix::new(address, length).ok_or(PrefixError)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn text_round_trips_and_bad_text_is_refused() {
        for good in ["192.0.2.2/24", "10.0.0.1/0", "10.0.0.1/32"] {
            assert_eq!(prefix(good).to_string(), good);
        }
        for bad in [
            "",
            "192.0.2.2",
            "192.0.2.2/",
            "192.0.2.2/33",
            "192.0.2.2/+4",
            "192.0.2/24",
        ] {
            assert_eq!(bad.parse::<Prefix>(), Err(PrefixError), "{bad}");
        }
    }

    #[test]
    fn what_is_on_the_link() {
        let link = prefix("192.0.2.2/30");
        assert_eq!(link.network(), Ipv4Addr::new(192, 0, 2, 0));
        assert_eq!(link.masked(), prefix("192.0.2.0/30"));
        assert_eq!(link.broadcast(), Some(Ipv4Addr::new(192, 0, 2, 3)));
        assert!(link.contains(Ipv4Addr::new(192, 0, 2, 1)));
        assert!(!link.contains(Ipv4Addr::new(192, 0, 2, 4)));
        assert!(prefix("192.0.2.2/0").contains(Ipv4Addr::new(8, 8, 8, 8)));
        assert_eq!(prefix("192.0.2.2/31").broadcast(), None);
    }

    #[test]
    fn what_a_host_may_be() {
        for good in [
            "192.0.2.2/24",
            "192.0.2.0/31",
            "192.0.2.255/32",
            "240.0.0.1/8",
        ] {
            assert!(prefix(good).is_host(), "{good}");
        }
        let bad = [
            "192.0.2.0/24",
            "192.0.2.255/24",
            "0.1.2.3/8",
            "127.0.0.1/8",
            "224.0.0.1/32",
        ];
        for bad in bad {
            assert!(!prefix(bad).is_host(), "{bad}");
        }
        assert!(!is_unicast(Ipv4Addr::BROADCAST));
    }
}
