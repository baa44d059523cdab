//! Decisions recalled by a packet's first bytes, without a parse and without a look-up.
//!
//! Most packets of a port are decided by the port alone (a guest's, which enter its bridge) or by
//! outer headers that they share with many others (those of a tunnel's remote). So the last
//! decision of each port, and of each remote lately heard, is kept beside the bytes that it rests
//! on, and one masked comparison of those stands for parse and look-up. A memo holds for one
//! snapshot.
//!
//! The comparison covers only some fields; a decision that rests on any other is not kept here.

mod bare;

use crate::action::{Program, Shape};
use crate::cache::{EntryId, Hit};
use crate::ids::PortId;
use crate::key::{Field, Mask};
use crate::parse::{ETHERNET_LEN, Layout, Parsed};

/// Remotes that are remembered at a time. Two that share a place take turns.
const OUTERS: usize = 256;
/// Bytes up to the inner frame: Ethernet without tags, IPv4 without options, UDP, VXLAN.
pub(crate) const INNER_AT: usize = 50;
const IP_AT: usize = 14;
const UDP_AT: usize = 34;
/// Bytes that a packet must have at the front to be compared: up to the inner EtherType.
pub(crate) const HEAD: usize = INNER_AT + ETHERNET_LEN;
/// Words that are compared.
const WORDS: usize = HEAD / 8;

/// What decides by the port alone.
const PORT: Mask = Mask::of(&[Field::INGRESS, Field::HAS_ETHERNET]);

/// What the comparison of outer headers covers.
const OUTER: Mask = Mask::of(&[
    Field::INGRESS,
    Field::HAS_ETHERNET,
    Field::OUTER_FACTS,
    Field::VXLAN_FACTS,
    Field::HAS_CHECKSUM,
    Field::ETHER_TYPE,
    Field::VLAN_ID,
    Field::DST_MAC,
    Field::PROTOCOL,
    Field::DST_IP,
    Field::SRC_IP,
    Field::DST_PORT,
    Field::VNI,
]);

/// The bytes that are compared: destination MAC; EtherType, version and header length; fragment
/// bits; protocol; addresses; destination port; VXLAN header.
const COMPARED: [u64; WORDS] = words(&BYTES);

/// The same, and that there is no UDP checksum.
const COMPARED_ZERO: [u64; WORDS] = {
    let mut bytes = BYTES;
    (bytes[40], bytes[41]) = (0xff, 0xff);
    words(&bytes)
};

const BYTES: [u8; HEAD] = {
    let mut bytes = [0; HEAD];
    let ranges = [(0, 6), (12, 15), (23, 24), (26, 34), (36, 38), (42, 50)];
    let mut range = 0;
    while range < ranges.len() {
        let (mut at, end) = ranges[range];
        while at < end {
            bytes[at] = 0xff;
            at += 1;
        }
        range += 1;
    }
    // More fragments and the offset, but not "don't fragment" and the reserved bit.
    bytes[20] = 0x3f;
    bytes[21] = 0xff;
    bytes
};

pub(crate) const fn words(bytes: &[u8; HEAD]) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    let (chunks, _) = bytes.as_chunks::<8>();
    let mut at = 0;
    while at < WORDS {
        words[at] = u64::from_ne_bytes(chunks[at]);
        at += 1;
    }
    words
}

/// A decision that is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) program: Program,
    /// The entry of the cache that it is from.
    pub(crate) entry: EntryId,
    /// Packets that were recalled, and that the entry is not yet credited with.
    pub(crate) packets: u64,
}

impl Known {
    const NOTHING: Known = Known {
        program: Program::NOTHING,
        entry: EntryId::NONE,
        packets: 0,
    };

    fn new(hit: &Hit) -> Self {
        Known {
            program: hit.program,
            entry: hit.entry,
            packets: 0,
        }
    }
}

/// One remote's outer headers as they arrive at one port.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Outer {
    words: [u64; WORDS],
    /// Bits that are compared. Beside the words, not a constant, because what is half zero compilers
    /// compare piecemeal.
    mask: [u64; WORDS],
    /// `None` if nothing is remembered here.
    ingress: Option<PortId>,
    /// There is a UDP checksum; that there is none is among the words.
    checksum: bool,
    pub(crate) shape: Shape,
    pub(crate) known: Known,
}

impl Outer {
    /// [`Layout::end`] of a packet from the same ingress, if its outer headers are these and its
    /// lengths are sound. The rest of its layout is [`plain`].
    #[inline(always)]
    pub(crate) fn end(&self, head: &[u8; HEAD], len: usize) -> Option<u32> {
        let compared = words(head).into_iter().zip(self.words).zip(self.mask);
        let differ = compared.fold(0, |differ, ((here, there), mask)| {
            differ | (here ^ there) & mask
        });
        if differ != 0 || self.checksum && !has_checksum(head) {
            return None;
        }
        end(head, len)
    }
}

/// The memos of one worker.
#[derive(Debug)]
pub struct Memo {
    ports: Box<[Option<Known>; PortId::LIMIT]>,
    outers: Box<[Outer; OUTERS]>,
    bares: Box<[bare::Bare; bare::BARES]>,
}

impl Default for Memo {
    fn default() -> Self {
        let nothing = Outer {
            words: [0; WORDS],
            mask: [0; WORDS],
            ingress: None,
            checksum: false,
            shape: Shape::Other,
            known: Known::NOTHING,
        };
        Memo {
            ports: Box::new([None; PortId::LIMIT]),
            outers: Box::new([nothing; OUTERS]),
            bares: bare::none(),
        }
    }
}

impl Memo {
    /// What may be the outer headers of a packet, and their place.
    #[inline(always)]
    pub(crate) fn outer(&self, ingress: PortId, head: &[u8; HEAD]) -> Option<(u8, &Outer)> {
        let place = place(head);
        let outer = &self.outers[usize::from(place)];
        (outer.ingress == Some(ingress)).then_some((place, outer))
    }

    /// What is remembered at a place.
    #[inline(always)]
    pub(crate) fn at(&mut self, place: u8) -> &mut Outer {
        &mut self.outers[usize::from(place)]
    }

    /// The decision for every packet from `ingress` that has an Ethernet header.
    #[inline]
    pub(crate) fn by_port(&mut self, ingress: PortId) -> Option<&mut Known> {
        self.ports[ingress.index()].as_mut()
    }

    /// Remembers how a packet was decided, if the bytes that are compared are all that decided.
    /// Returns the decision that gave way, if one is remembered at all.
    #[must_use]
    pub(crate) fn remember(
        &mut self,
        ingress: PortId,
        head: &[u8],
        parsed: &Parsed,
        hit: &Hit,
    ) -> Option<Known> {
        if parsed.key.get(Field::HAS_ETHERNET) == 0 {
            return None;
        }
        let known = Known::new(hit);
        if hit.mask.is_within(&PORT) {
            let before = self.ports[ingress.index()].replace(known);
            return Some(before.unwrap_or(Known::NOTHING));
        }
        if hit.mask.is_within(&OUTER)
            && is_plain(parsed)
            && let Some(head) = head.first_chunk()
        {
            let outer = Outer {
                words: words(head),
                mask: if has_checksum(head) {
                    COMPARED
                } else {
                    COMPARED_ZERO
                },
                ingress: Some(ingress),
                checksum: has_checksum(head),
                shape: hit.program.shape(),
                known,
            };
            return Some(std::mem::replace(self.at(place(head)), outer).known);
        }
        None
    }

    /// The entry by which a packet of `len` bytes that begins with `head` is recalled, if it is.
    pub(crate) fn peek(
        &self,
        ingress: PortId,
        head: Option<&[u8; HEAD]>,
        len: usize,
    ) -> Option<EntryId> {
        if let Some(known) = &self.ports[ingress.index()] {
            return (len >= ETHERNET_LEN).then_some(known.entry);
        }
        let (_, outer) = self.outer(ingress, head?)?;
        outer.end(head?, len)?;
        Some(outer.known.entry)
    }

    /// What `entry` is yet to be credited with.
    pub(crate) fn owed(&self, entry: EntryId) -> u64 {
        let outers = self.outers.iter().map(|outer| &outer.known);
        let bares = self.bares.iter().map(|bare| &bare.known);
        let all = self.ports.iter().flatten().chain(outers).chain(bares);
        let of_entry = all.filter(|known| known.entry == entry);
        of_entry.map(|known| known.packets).sum()
    }

    /// Takes what entries are to be credited with.
    pub(crate) fn settle(&mut self, mut credit: impl FnMut(EntryId, u64)) {
        let outers = self.outers.iter_mut().map(|outer| &mut outer.known);
        let bares = self.bares.iter_mut().map(|bare| &mut bare.known);
        let ports = self.ports.iter_mut().flatten();
        for known in ports.chain(outers).chain(bares) {
            credit(known.entry, std::mem::take(&mut known.packets));
        }
    }

    /// Forgets everything: there is another snapshot. What is not settled is lost.
    pub fn forget(&mut self) {
        self.ports.fill(None);
        let outers = self.outers.iter_mut();
        outers.for_each(|outer| outer.ingress = None);
        let bares = self.bares.iter_mut();
        bares.for_each(|bare| bare.from = None);
    }
}

/// A sound VXLAN packet with nothing uncommon in its outer headers.
fn is_plain(parsed: &Parsed) -> bool {
    let Layout {
        fault,
        ip_at,
        udp_at,
        inner_at,
        ..
    } = parsed.layout;
    let places = [ip_at, udp_at, inner_at].map(usize::from);
    fault.is_none() && places == [IP_AT, UDP_AT, INNER_AT] && parsed.key.get(Field::HAS_INNER) != 0
}

/// The place for the outer headers, by source address and VNI.
#[inline]
fn place(head: &[u8; HEAD]) -> u8 {
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let mixed = (word(26) ^ word(45).rotate_left(16)).wrapping_mul(0x9e37_79b1);
    (mixed >> 24) as u8
}

#[inline(always)]
pub(crate) const fn has_checksum(head: &[u8; HEAD]) -> bool {
    u16::from_be_bytes([head[40], head[41]]) != 0
}

/// [`Layout::end`] of a packet whose compared bytes are those of a sound one. `None` if its lengths
/// are not sound.
#[inline(always)]
pub(crate) fn end(head: &[u8; HEAD], len: usize) -> Option<u32> {
    let number = |at: usize| usize::from(u16::from_be_bytes([head[at], head[at + 1]]));
    let (ip_end, end) = (IP_AT + number(16), UDP_AT + number(38));
    let sound = ip_end <= len && end <= ip_end && end >= HEAD;
    sound.then_some(end as u32)
}

/// The layout of every packet that is remembered by its outer headers, but for where it ends.
#[inline(always)]
pub(crate) const fn plain(end: u32) -> Layout {
    Layout {
        fault: None,
        arp: false,
        ip_at: IP_AT as u16,
        udp_at: UDP_AT as u16,
        inner_at: INNER_AT as u16,
        end,
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
