//! Names of ports, bridges and tunnels.

use arrayvec::ArrayString;
use std::fmt;
use std::str::FromStr;

/// The name of a port, a bridge or a tunnel: 1 to 15 of `[A-Za-z0-9._-]`, so that it fits where an
/// interface name of the kernel would. Small enough to be copied rather than shared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(ArrayString<{ Name::MAX }>);

impl Name {
    /// The longest name, in bytes.
    pub const MAX: usize = 15;
    /// What a name may be, in words.
    pub const ALLOWED: &'static str = "1 to 15 of the characters A-Z a-z 0-9 . _ -";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name: expected {}", Name::ALLOWED)]
pub struct NameError;

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if text.is_empty() || !text.bytes().all(legal) {
            return Err(NameError);
        }
        ArrayString::from(text).map(Name).map_err(|_| NameError)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_like_those_of_interfaces() {
        for good in ["a", "eth0.100", "br-10_x", "123456789012345"] {
            assert_eq!(good.parse::<Name>().unwrap().to_string(), good);
        }
        for bad in ["", "1234567890123456", "a b", "a/b", "ä", "a\n"] {
            assert_eq!(bad.parse::<Name>(), Err(NameError), "{bad:?}");
        }
    }
}
