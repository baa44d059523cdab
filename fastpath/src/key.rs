//! The flow key, the mask, and the recorder through which decisions read the key.
//!
//! A key is seven words. A field is some bits of one word; [`Recorder`] is the only way for
//! [`resolve`](crate::resolve) to see a field, and it adds the field to the mask. So a field cannot
//! influence a decision without being compared when the decision is reused.

use crate::ids::PortId;
use crate::wire::{Mac, VlanId, Vni};
use std::net::Ipv4Addr;

/// Words of a key.
pub const WORDS: usize = 7;

/// Which bits of a key decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mask(pub [u64; WORDS]);

impl Mask {
    /// All bits of `fields`.
    pub const fn of(fields: &[Field]) -> Self {
        let mut mask = Mask([0; WORDS]);
        let mut at = 0;
        while at < fields.len() {
            mask.0[fields[at].word] |= fields[at].mask();
            at += 1;
        }
        mask
    }

    /// Whether it names no bit that `other` does not.
    pub fn is_within(&self, other: &Mask) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .all(|(this, other)| this & !other == 0)
    }
}

/// Some bits of one word of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    word: usize,
    shift: u32,
    bits: u32,
}

impl Field {
    const fn new(word: usize, shift: u32, bits: u32) -> Self {
        assert!(word < WORDS && bits >= 1 && shift + bits <= 64);
        Field { word, shift, bits }
    }

    const fn mask(self) -> u64 {
        (u64::MAX >> (64 - self.bits)) << self.shift
    }
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:literal,)*) => {
        /// One-bit facts: which headers are there, and of what kind they are.
        impl Field {
            $($(#[$doc])* pub const $name: Field = Field::new(0, $bit, 1);)*
        }
    };
}

flags! {
    /// An 802.1Q tag that names a VLAN follows the MACs.
    HAS_VLAN = 16,
    /// A well-formed ARP packet for IPv4 over Ethernet.
    HAS_ARP = 17,
    /// A well-formed IPv4 header.
    HAS_IPV4 = 18,
    /// A fragment, the first included.
    FRAGMENT = 19,
    /// A well-formed UDP header.
    HAS_UDP = 20,
    /// A VXLAN header of eight bytes, behind a UDP port that some tunnel uses.
    HAS_VXLAN = 21,
    /// The I flag of the VXLAN header.
    VXLAN_VNI_VALID = 22,
    /// Some reserved bit of the VXLAN header.
    VXLAN_RESERVED = 23,
    /// An inner Ethernet header.
    HAS_INNER = 24,
    /// An Ethernet header: two MACs and an EtherType.
    HAS_ETHERNET = 25,
    /// A UDP checksum other than zero, which is none.
    HAS_CHECKSUM = 26,
}

impl Field {
    /// All facts about outer headers behind Ethernet, from [`Self::HAS_VLAN`] on.
    pub const OUTER_FACTS: Field = Field::new(0, 16, 5);
    /// All facts about the VXLAN header and what is inside, from [`Self::HAS_VXLAN`] on.
    pub const VXLAN_FACTS: Field = Field::new(0, 21, 4);
    /// Number of the ingress port.
    pub const INGRESS: Field = Field::new(0, 0, 16);
    /// EtherType, behind the tag if there is one.
    pub const ETHER_TYPE: Field = Field::new(0, 32, 16);
    /// VLAN identifier of the tag.
    pub const VLAN_ID: Field = Field::new(0, 48, 12);
    /// Destination MAC of the outermost Ethernet header.
    pub const DST_MAC: Field = Field::new(1, 0, 48);
    /// IPv4 protocol; ARP operation (its low byte).
    pub const PROTOCOL: Field = Field::new(1, 48, 8);
    /// Source MAC of the outermost Ethernet header.
    pub const SRC_MAC: Field = Field::new(2, 0, 48);
    /// IPv4 destination; ARP target address.
    pub const DST_IP: Field = Field::new(3, 0, 32);
    /// IPv4 source; ARP sender address.
    pub const SRC_IP: Field = Field::new(3, 32, 32);
    /// UDP destination port; ICMP type.
    pub const DST_PORT: Field = Field::new(4, 0, 16);
    /// VXLAN network identifier.
    pub const VNI: Field = Field::new(4, 16, 24);
    /// Destination MAC of the inner frame.
    pub const INNER_DST_MAC: Field = Field::new(5, 0, 48);
    /// Source MAC of the inner frame.
    pub const INNER_SRC_MAC: Field = Field::new(6, 0, 48);
}

/// The parsed fields of one packet. A field whose header is absent is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowKey(pub [u64; WORDS]);

impl FlowKey {
    /// The bits of a field.
    pub const fn get(&self, field: Field) -> u64 {
        (self.0[field.word] & field.mask()) >> field.shift
    }

    /// Writes a field that is still zero.
    pub const fn set(&mut self, field: Field, value: u64) {
        self.0[field.word] |= (value << field.shift) & field.mask();
    }

    /// The key with all bits cleared that `mask` does not name.
    pub fn masked(&self, mask: &Mask) -> FlowKey {
        let mut words = self.0;
        for (word, mask) in words.iter_mut().zip(mask.0) {
            *word &= mask;
        }
        FlowKey(words)
    }
}

/// Reads a key and remembers what was read.
#[derive(Debug)]
pub struct Recorder<'a> {
    key: &'a FlowKey,
    mask: Mask,
}

impl<'a> Recorder<'a> {
    /// A recorder that has read nothing.
    pub fn new(key: &'a FlowKey) -> Self {
        Recorder {
            key,
            mask: Mask::default(),
        }
    }

    /// What was read.
    pub fn mask(&self) -> Mask {
        self.mask
    }

    fn read(&mut self, field: Field) -> u64 {
        self.mask.0[field.word] |= field.mask();
        self.key.get(field)
    }

    /// Is the one-bit fact `field` true?
    pub fn is(&mut self, field: Field) -> bool {
        self.read(field) != 0
    }

    /// Adds several facts to the mask at once. Stages that ask for one after the other would each
    /// leave a mask of their own, and of masks there may be few.
    pub fn depend_on(&mut self, facts: Field) {
        self.read(facts);
    }

    /// The ingress port.
    pub fn ingress(&mut self) -> Option<PortId> {
        PortId::new(self.read(Field::INGRESS) as usize)
    }

    /// EtherType, protocol, port or VLAN identifier.
    pub fn number(&mut self, field: Field) -> u16 {
        self.read(field) as u16
    }

    /// VLAN identifier of the tag.
    pub fn vlan(&mut self) -> Option<VlanId> {
        VlanId::new(self.number(Field::VLAN_ID))
    }

    /// One of the four MACs.
    pub fn mac(&mut self, field: Field) -> Mac {
        Mac::from_u64(self.read(field))
    }

    /// One of the two IPv4 addresses.
    pub fn ip(&mut self, field: Field) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.read(field) as u32)
    }

    /// The VXLAN network identifier.
    pub fn vni(&mut self) -> Vni {
        let [_, _, _, _, _, a, b, c] = self.read(Field::VNI).to_be_bytes();
        Vni::from_bytes([a, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Field] = &[
        Field::INGRESS,
        Field::HAS_VLAN,
        Field::HAS_ARP,
        Field::HAS_IPV4,
        Field::FRAGMENT,
        Field::HAS_UDP,
        Field::HAS_VXLAN,
        Field::VXLAN_VNI_VALID,
        Field::VXLAN_RESERVED,
        Field::HAS_INNER,
        Field::HAS_ETHERNET,
        Field::HAS_CHECKSUM,
        Field::ETHER_TYPE,
        Field::VLAN_ID,
        Field::DST_MAC,
        Field::PROTOCOL,
        Field::SRC_MAC,
        Field::DST_IP,
        Field::SRC_IP,
        Field::DST_PORT,
        Field::VNI,
        Field::INNER_DST_MAC,
        Field::INNER_SRC_MAC,
    ];

    #[test]
    fn fields_do_not_overlap() {
        let mut taken = Mask::default();
        for field in ALL {
            assert_eq!(taken.0[field.word] & field.mask(), 0, "{field:?}");
            taken.0[field.word] |= field.mask();
        }
    }

    #[test]
    fn what_is_read_is_in_the_mask_and_nothing_else() {
        for field in ALL {
            let key = FlowKey([u64::MAX; WORDS]);
            let mut recorder = Recorder::new(&key);
            assert_eq!(recorder.read(*field), field.mask() >> field.shift);
            let mut alone = FlowKey::default();
            alone.set(*field, u64::MAX);
            assert_eq!(recorder.mask().0, alone.0);
            assert_eq!(key.masked(&recorder.mask()), alone);
        }
    }
}
