//! What the NIC behind a port may be believed: which tunnel a mark predicts.
//!
//! A mark is a hint. It names a slot; the slot names a tunnel; and the packet's own bytes have to
//! agree before any use is made of it. Then it stands for the parse, whose result is put together
//! from what is known of the tunnel and the few fields that differ from packet to packet. Whatever
//! does not agree, and whatever has no mark, is parsed.

use super::mark::{Mark, Width};
use crate::ids::PortId;
use crate::key::{Field, FlowKey};
use crate::memo::{HEAD, end, has_checksum, plain, words};
use crate::parse::{Layout, Parsed};
use crate::snapshot::{EndPoint, UdpPorts};
use crate::wire::VlanId;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Packets of each rule that are looked at in full before one is believed unseen.
pub const PROVING: u32 = 64;

/// Of a rule of which a lie was found: it is never proved again.
const DOUBTED: u32 = 1 << 31;

/// Bytes of a tag.
const TAG: usize = 4;

/// What a NIC may be believed, as part of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Marks that it may give, by slot.
    marks: Marks,
    /// It was caught lying about checksums: what it says of them is not heeded.
    pub distrusted: bool,
    /// Packets may come without outer headers: some mark says so, or did until lately. No packet is
    /// taken by its bytes before its mark was read.
    pub strips: bool,
}

#[derive(Clone, Debug, Default)]
struct Marks {
    width: Option<Width>,
    slots: Vec<Option<Arc<Expected>>>,
}

/// What a mark says, as far as the number goes.
#[derive(Debug)]
pub enum Said<'a> {
    /// There is no such mark: out of bounds, of a rule that is gone, or never given out.
    Unknown,
    /// The packet is for this tunnel.
    Expected(&'a Expected),
}

impl Hints {
    /// Of a NIC whose marks are this wide.
    pub fn new(width: Width) -> Self {
        let marks = Marks {
            width: Some(width),
            slots: Vec::new(),
        };
        Hints {
            marks,
            ..Hints::default()
        }
    }

    /// Adds what a mark stands for. `false` if the width has no room for it.
    pub fn insert(&mut self, expected: Arc<Expected>) -> bool {
        let Some(width) = self.marks.width else {
            return false;
        };
        if Mark::received(width, expected.mark.get()) != Some(expected.mark) {
            return false;
        }
        let (slot, slots) = (expected.mark.slot(width), &mut self.marks.slots);
        if slots.len() <= slot {
            slots.resize(slot + 1, None);
        }
        self.strips |= expected.remote.is_some();
        slots[slot] = Some(expected);
        true
    }

    /// What a mark stands for.
    pub fn said(&self, value: u32) -> Said<'_> {
        let found = self.marks.width.and_then(|width| {
            let mark = Mark::received(width, value)?;
            let slot = self.marks.slots.get(mark.slot(width))?.as_deref()?;
            (slot.mark == mark).then_some(slot)
        });
        found.map_or(Said::Unknown, Said::Expected)
    }

    /// All that is expected, in the order of slots.
    pub fn expected(&self) -> impl Iterator<Item = &Arc<Expected>> {
        self.marks.slots.iter().flatten()
    }
}

/// What packets with one mark are expected to be.
#[derive(Debug)]
pub struct Expected {
    mark: Mark,
    end_point: EndPoint,
    vlan: Option<VlanId>,
    /// The rule names the VNI alone.
    by_vni: bool,
    /// The rule has outer headers taken off, of packets from this address alone.
    pub(super) remote: Option<Ipv4Addr>,
    /// The bytes behind the MACs, and which of them are compared. Of a frame with a tag these begin
    /// [`TAG`] bytes into it.
    words: [u64; HEAD / 8],
    mask: [u64; HEAD / 8],
    /// What their keys have in common.
    pub(super) key: FlowKey,
    /// Packets that were looked at in full.
    proved: AtomicU32,
}

/// EtherType, version and header length; fragment bits; protocol; destination address and UDP port;
/// VXLAN header.
const RANGES: [(usize, usize); 6] = [(12, 15), (21, 22), (23, 24), (30, 34), (36, 38), (42, 50)];

impl Expected {
    /// Packets with `mark` come to `end_point`, in frames of this VLAN.
    pub fn new(mark: Mark, end_point: EndPoint, vlan: Option<VlanId>) -> Self {
        let (mut bytes, mut mask) = ([0; HEAD], [0; HEAD]);
        for (start, end) in RANGES {
            mask[start..end].fill(0xff);
        }
        // More fragments and the offset, but not "don't fragment" and the reserved bit.
        mask[20] = 0x3f;
        bytes[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
        bytes[23] = 17;
        bytes[30..34].copy_from_slice(&end_point.local.octets());
        bytes[36..38].copy_from_slice(&end_point.udp_port.to_be_bytes());
        // No bit but I: anything else is for the parser to tell.
        bytes[42] = 0x08;
        bytes[46..49].copy_from_slice(&end_point.vni.bytes());
        if let Some(vlan) = vlan {
            let [high, low] = vlan.get().to_be_bytes();
            bytes[8..12].copy_from_slice(&[0x81, 0x00, high, low]);
            mask[8..12].copy_from_slice(&[0xff, 0xff, 0x0f, 0xff]);
        }
        Expected {
            mark,
            end_point,
            vlan,
            by_vni: false,
            remote: None,
            words: words(&bytes),
            mask: words(&mask),
            key: common(end_point, vlan),
            proved: AtomicU32::new(0),
        }
    }

    /// The same of a rule that names the VNI alone: that a packet is for another address is no lie.
    #[must_use]
    pub fn by_vni(self) -> Self {
        Expected {
            by_vni: true,
            ..self
        }
    }

    /// Whether the rule names the VNI alone.
    pub fn is_by_vni(&self) -> bool {
        self.by_vni
    }

    /// Whom it is for.
    pub fn end_point(&self) -> EndPoint {
        self.end_point
    }

    /// The tag; `None`: there is none.
    pub fn vlan(&self) -> Option<VlanId> {
        self.vlan
    }

    /// The mark.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Whether enough of its packets were looked at in full.
    pub fn is_proved(&self) -> bool {
        (PROVING..DOUBTED).contains(&self.proved.load(Ordering::Relaxed))
    }

    /// One of its packets was looked at in full, and is what it should be.
    pub(crate) fn prove(&self) {
        if self.proved.load(Ordering::Relaxed) < PROVING {
            self.proved.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One of its packets is not what it should be: from now on each is looked at, until the rule is gone.
    pub(crate) fn doubt(&self) {
        self.proved.fetch_or(DOUBTED, Ordering::Relaxed);
    }

    /// What [`parse`](crate::parse::parse) would find in the frame whose first segment is `head` and
    /// whose length over all segments is `len`, if it is what was expected.
    pub(crate) fn confirm(
        &self,
        ingress: PortId,
        head: &[u8],
        len: usize,
        udp_ports: &UdpPorts,
    ) -> Option<Parsed> {
        let tag = if self.vlan.is_some() { TAG } else { 0 };
        let front: &[u8; HEAD] = head.get(tag..)?.first_chunk()?;
        let compared = words(front).into_iter().zip(self.words).zip(self.mask);
        let differ = compared.fold(0, |differ, ((here, there), mask)| {
            differ | (here ^ there) & mask
        });
        if differ != 0 || !udp_ports.contains(self.end_point.udp_port) {
            return None;
        }
        let end = end(front, len.checked_sub(tag)?)? + tag as u32;
        let untagged = plain(end);
        Some(Parsed {
            key: self.key(ingress, head, front)?,
            layout: Layout {
                ip_at: untagged.ip_at + tag as u16,
                udp_at: untagged.udp_at + tag as u16,
                inner_at: untagged.inner_at + tag as u16,
                ..untagged
            },
        })
    }

    /// The key of a packet that agrees.
    #[inline(always)]
    fn key(&self, ingress: PortId, head: &[u8], front: &[u8; HEAD]) -> Option<FlowKey> {
        let macs: &[u8; 12] = head.first_chunk()?;
        let mut key = self.key;
        key.set(Field::INGRESS, ingress.get().into());
        key.set(Field::DST_MAC, mac_at(macs, 0));
        key.set(Field::SRC_MAC, mac_at(macs, 6));
        key.set(Field::SRC_IP, u32::from_be_bytes(word_at(front, 26)).into());
        key.set(Field::HAS_CHECKSUM, has_checksum(front).into());
        key.set(Field::HAS_INNER, 1);
        key.set(Field::INNER_DST_MAC, mac_at(front, 50));
        key.set(Field::INNER_SRC_MAC, mac_at(front, 56));
        Some(key)
    }
}

/// What the keys of all packets for a tunnel have in common.
fn common(end_point: EndPoint, vlan: Option<VlanId>) -> FlowKey {
    let EndPoint {
        local,
        udp_port,
        vni,
    } = end_point;
    let mut key = FlowKey::default();
    for (field, value) in [
        (Field::HAS_ETHERNET, 1),
        (Field::HAS_VLAN, u32::from(vlan.is_some())),
        (Field::VLAN_ID, vlan.map_or(0, VlanId::get).into()),
        (Field::ETHER_TYPE, 0x0800),
        (Field::HAS_IPV4, 1),
        (Field::PROTOCOL, 17),
        (Field::DST_IP, local.into()),
        (Field::HAS_UDP, 1),
        (Field::DST_PORT, udp_port.into()),
        (Field::HAS_VXLAN, 1),
        (Field::VXLAN_VNI_VALID, 1),
        (Field::VNI, vni.get()),
    ] {
        key.set(field, value.into());
    }
    key
}

/// Bytes of a header, which has them.
#[inline(always)]
fn word_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let rest = bytes.get(at..).and_then(|rest| rest.first_chunk());
    rest.copied().unwrap_or([0; N])
}

#[inline(always)]
pub(super) fn mac_at(bytes: &[u8], at: usize) -> u64 {
    let [a, b, c, d, e, f] = word_at(bytes, at);
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
