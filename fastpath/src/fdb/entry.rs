//! Key and value of the forwarding table. In the table each is one word, read and written whole.

use crate::ids::{BridgeId, PortId, RemoteId};
use crate::wire::Mac;
use std::fmt;

/// A station of a bridge.
///
/// As a word: MAC in the low 48 bits, filtering id (bridge + 1) in the 16 above. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FdbKey {
    bridge: BridgeId,
    mac: Mac,
}

impl FdbKey {
    /// The key of `mac` in `bridge`.
    #[inline]
    pub const fn new(bridge: BridgeId, mac: Mac) -> Self {
        FdbKey { bridge, mac }
    }

    /// The bridge.
    #[inline]
    pub const fn bridge(self) -> BridgeId {
        self.bridge
    }

    /// The station.
    #[inline]
    pub const fn mac(self) -> Mac {
        self.mac
    }

    /// The key as a word.
    #[inline]
    pub const fn to_u64(self) -> u64 {
        (self.bridge.get() as u64 + 1) << 48 | self.mac.to_u64()
    }

    /// The key in `word`; `None` if the filtering id is no bridge's.
    #[inline]
    pub const fn from_u64(word: u64) -> Option<Self> {
        let Some(bridge) = (word >> 48).checked_sub(1) else {
            return None;
        };
        match BridgeId::new(bridge as usize) {
            Some(bridge) => Some(FdbKey {
                bridge,
                mac: Mac::from_u64(word),
            }),
            None => None,
        }
    }
}

impl fmt::Debug for FdbKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.mac, self.bridge)
    }
}

/// Where frames to a station go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Out of a port of the bridge.
    Port(PortId),
    /// Through a tunnel of the bridge to one remote.
    Remote(RemoteId),
}

/// How a station got into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Configured: neither moves nor ages.
    Static,
    /// Seen as the source of a frame.
    Learned,
}

/// What the table says of a station.
///
/// As a word: port or remote in the low 16 bits; bits 16-17: 1 port, 2 remote; bits 18-19:
/// 1 static, 2 learned; the rest zero. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FdbValue {
    /// Where frames go.
    pub to: Destination,
    /// How it got here.
    pub kind: Kind,
}

const PORT: u64 = 1 << 16;
const REMOTE: u64 = 2 << 16;
const STATIC: u64 = 1 << 18;
const LEARNED: u64 = 2 << 18;

impl FdbValue {
    /// The value as a word.
    #[inline]
    pub const fn pack(self) -> u64 {
        let kind = match self.kind {
            Kind::Static => STATIC,
            Kind::Learned => LEARNED,
        };
        match self.to {
            Destination::Port(port) => kind | PORT | port.get() as u64,
            Destination::Remote(remote) => kind | REMOTE | remote.get() as u64,
        }
    }

    /// The value in `word`; `None` if [`Self::pack`] never makes such a word.
    #[inline]
    pub const fn unpack(word: u64) -> Option<Self> {
        let number = (word & 0xffff) as usize;
        let (kind, tag) = match word & !0xffff {
            tag if tag & !PORT & !REMOTE == STATIC => (Kind::Static, tag & !STATIC),
            tag if tag & !PORT & !REMOTE == LEARNED => (Kind::Learned, tag & !LEARNED),
            _ => return None,
        };
        let to = match (tag, PortId::new(number), RemoteId::new(number)) {
            (PORT, Some(port), _) => Destination::Port(port),
            (REMOTE, _, Some(remote)) => Destination::Remote(remote),
            _ => return None,
        };
        Some(FdbValue { to, kind })
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_as_documented() {
        let key = FdbKey::new(BridgeId::new(0).unwrap(), Mac::new([2, 0, 0, 0, 0, 1]));
        assert_eq!(key.to_u64(), 0x0001_0200_0000_0001);
        assert_eq!(format!("{key:?}"), "02:00:00:00:00:01@0");
        let to = Destination::Remote(RemoteId::new(0x1234).unwrap());
        assert_eq!(
            FdbValue {
                to,
                kind: Kind::Learned
            }
            .pack(),
            0xa_1234
        );
        let to = Destination::Port(PortId::new(0xff).unwrap());
        assert_eq!(
            FdbValue {
                to,
                kind: Kind::Static
            }
            .pack(),
            0x5_00ff
        );
    }

    #[test]
    fn only_packed_words_unpack() {
        // Every word that can differ from a packed one in the bits that are looked at.
        for tag in 0..64u64 {
            for number in [0, 1, 255, 256, 4095, 0x3fff, 0x4000, 0xffff] {
                let word = tag << 16 | number;
                let legal = match tag {
                    0b0101 | 0b1001 => number < PortId::LIMIT as u64,
                    0b0110 | 0b1010 => number < RemoteId::LIMIT as u64,
                    _ => false,
                };
                assert_eq!(
                    FdbValue::unpack(word).map(FdbValue::pack),
                    legal.then_some(word)
                );
            }
        }
        assert_eq!(FdbKey::from_u64(0x0000_ffff_ffff_ffff), None);
        assert_eq!(FdbKey::from_u64(0x1001 << 48), None);
    }

    proptest! {
        #[test]
        fn keys_round_trip(bridge in 0..BridgeId::LIMIT, mac: [u8; 6]) {
            let key = FdbKey::new(BridgeId::new(bridge).unwrap(), Mac::new(mac));
            prop_assert_ne!(key.to_u64(), 0);
            prop_assert_eq!(FdbKey::from_u64(key.to_u64()), Some(key));
            prop_assert_eq!((key.bridge().index(), key.mac().bytes()), (bridge, mac));
        }

        #[test]
        fn values_round_trip(number in 0..RemoteId::LIMIT, port: bool, learned: bool) {
            let to = match PortId::new(number % PortId::LIMIT) {
                Some(id) if port => Destination::Port(id),
                _ => Destination::Remote(RemoteId::new(number).unwrap()),
            };
            let kind = if learned { Kind::Learned } else { Kind::Static };
            let value = FdbValue { to, kind };
            prop_assert_eq!(FdbValue::unpack(value.pack()), Some(value));
        }

        #[test]
        fn noise_round_trips_or_is_refused(word: u64) {
            prop_assert!(FdbValue::unpack(word).is_none_or(|value| value.pack() == word));
            prop_assert!(FdbKey::from_u64(word).is_none_or(|key| key.to_u64() == word));
        }
    }
}
