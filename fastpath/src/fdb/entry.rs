//! Key and value of the forwarding table. In the table each is in one word, read and written whole.

use crate::ids::{BridgeId, PortId, RemoteId};
use crate::wire::Mac;
use std::fmt;

/// A station of a bridge.
///
/// As a word: MAC in the low 48 bits, filtering id (bridge + 1) in the 16 above. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct FdbKey(u64);

/// The bits of the MAC.
const MAC: u64 = (1 << 48) - 1;
/// Among them the one that says that it is a group's.
const GROUP: u64 = 1 << 40;

impl FdbKey {
    /// A key that is nobody's and never in a table: its filtering id is none.
    pub(crate) const NOBODY: FdbKey = FdbKey(2);

    /// The key of `mac` in `bridge`.
    #[inline(always)]
    pub const fn new(bridge: BridgeId, mac: Mac) -> Self {
        FdbKey(filter(bridge) | mac.to_u64())
    }

    /// Destination and source of an Ethernet header.
    #[inline(always)]
    pub(crate) const fn pair(bridge: BridgeId, header: &[u8; 14]) -> (Self, Self) {
        // Two words that overlap, because that is two loads; six bytes at a time are twelve.
        let (Some(first), Some(last)) = (header.first_chunk(), header.last_chunk()) else {
            return (Self::NOBODY, Self::NOBODY);
        };
        let dst = u64::from_be_bytes(*first) >> 16;
        let src = u64::from_be_bytes(*last) >> 16;
        (FdbKey(filter(bridge) | dst), FdbKey(filter(bridge) | src))
    }

    /// The bridge.
    #[inline(always)]
    pub const fn bridge(self) -> BridgeId {
        BridgeId::modulo((self.0 >> 48).wrapping_sub(1) as usize)
    }

    /// The station.
    #[inline(always)]
    pub const fn mac(self) -> Mac {
        Mac::from_u64(self.0)
    }

    /// [`Mac::is_station`] of the MAC.
    #[inline(always)]
    pub const fn is_station(self) -> bool {
        self.0 & GROUP == 0 && self.0 & MAC != 0
    }

    /// [`Mac::is_link_local_group`] of the MAC.
    #[inline(always)]
    pub const fn is_link_local_group(self) -> bool {
        self.0 & MAC & !0xf == 0x0180_c200_0000
    }

    /// The key as a word.
    #[inline(always)]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The key in `word`; `None` if the filtering id is no bridge's.
    #[inline(always)]
    pub const fn from_u64(word: u64) -> Option<Self> {
        let Some(bridge) = (word >> 48).checked_sub(1) else {
            return None;
        };
        match BridgeId::new(bridge as usize) {
            Some(_) => Some(FdbKey(word)),
            None => None,
        }
    }
}

const fn filter(bridge: BridgeId) -> u64 {
    (bridge.get() as u64 + 1) << 48
}

impl fmt::Debug for FdbKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.mac(), self.bridge())
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
/// As bits: port or remote in the low 16; bits 16-17: 1 port, 2 remote; bits 18-19: 1 static,
/// 2 learned; the rest zero. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FdbValue {
    /// Where frames go.
    pub to: Destination,
    /// How it got here.
    pub kind: Kind,
}

const PORT: u32 = 1 << 16;
const REMOTE: u32 = 2 << 16;
const STATIC: u32 = 1 << 18;
const LEARNED: u32 = 2 << 18;
/// The bits of a destination.
const TO: u32 = STATIC - 1;

impl Destination {
    /// The bit that is set if it is a remote.
    pub(crate) const REMOTE: u32 = REMOTE;
    /// All bits that [`Self::to_bits`] may set.
    pub(crate) const BITS: u32 = TO;

    /// The bits that [`FdbValue::pack`] has for it, whatever the kind. Never zero.
    #[inline(always)]
    pub const fn to_bits(self) -> u32 {
        match self {
            Destination::Port(port) => PORT | port.get() as u32,
            Destination::Remote(remote) => REMOTE | remote.get() as u32,
        }
    }

    /// The destination of bits that [`Self::to_bits`] made. Others give some destination.
    #[inline(always)]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        let number = (bits & 0xffff) as usize;
        if bits & PORT != 0 {
            Destination::Port(PortId::modulo(number))
        } else {
            Destination::Remote(RemoteId::modulo(number))
        }
    }
}

impl FdbValue {
    /// The value as bits.
    #[inline(always)]
    pub const fn pack(self) -> u32 {
        let kind = match self.kind {
            Kind::Static => STATIC,
            Kind::Learned => LEARNED,
        };
        kind | self.to.to_bits()
    }

    /// The value of bits that [`Self::pack`] made. Others give some value, and so does what a word
    /// of the table has above them.
    #[inline(always)]
    pub(super) const fn unpack(bits: u32) -> Self {
        let to = Destination::from_bits(bits);
        let kind = if bits & STATIC != 0 {
            Kind::Static
        } else {
            Kind::Learned
        };
        FdbValue { to, kind }
    }

    /// [`Destination::to_bits`] of the value in `bits`, of which it may have more above.
    #[inline(always)]
    pub(super) const fn to_bits(bits: u32) -> u32 {
        bits & TO
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
    fn no_other_word_is_a_key() {
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
        fn values_round_trip(number in 0..RemoteId::LIMIT, port: bool, learned: bool, above in 0..1u32 << 12) {
            let to = match PortId::new(number % PortId::LIMIT) {
                Some(id) if port => Destination::Port(id),
                _ => Destination::Remote(RemoteId::new(number).unwrap()),
            };
            let kind = if learned { Kind::Learned } else { Kind::Static };
            let value = FdbValue { to, kind };
            prop_assert_eq!(FdbValue::unpack(value.pack() | above << 20), value);
            prop_assert_eq!(FdbValue::to_bits(value.pack() | above << 20), to.to_bits());
        }

        #[test]
        fn noise_round_trips_or_is_refused(word: u64) {
            prop_assert!(FdbKey::from_u64(word).is_none_or(|key| key.to_u64() == word));
        }
    }
}
