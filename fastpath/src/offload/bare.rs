//! Packets whose outer headers the NIC has taken off.
//!
//! The mark alone says whom such a packet is for and who sent it; nothing in its bytes confirms that.
//! An inner frame may look like any packet of the underlay, so the mark is read before anything else
//! of the packet is. Its key is that of the packet as it was sent, as far as the rule knows it: the same
//! entries of the cache decide both.

use super::hints::{Expected, Hints, Said, mac_at};
use crate::ids::PortId;
use crate::key::{Field, FlowKey};
use crate::parse::{ETHERNET_LEN, Layout, Parsed, vlan};
use crate::wire::{Mac, VlanId};
use std::net::Ipv4Addr;

/// What the NIC has left of the front of a received packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Front {
    /// All.
    #[default]
    Whole,
    /// The outer headers are off; the packet came in a frame of this VLAN.
    Bare(Option<VlanId>),
    /// Nobody can tell whether they are.
    InDoubt,
}

impl Front {
    /// The VLAN in which a packet came that begins with `head` now.
    pub fn vlan(self, head: &[u8]) -> Option<VlanId> {
        match self {
            Front::Whole => vlan(head),
            Front::Bare(vlan) => vlan,
            Front::InDoubt => None,
        }
    }
}

impl Hints {
    /// What is left of the front of a packet with this mark.
    pub fn front(&self, mark: Option<u32>) -> Front {
        match mark.filter(|_| self.strips).map(|mark| self.said(mark)) {
            None => Front::Whole,
            Some(Said::Unknown) => Front::InDoubt,
            Some(Said::Expected(expected)) => expected.front(),
        }
    }
}

impl Expected {
    /// The same of a rule that has outer headers taken off, of packets from this address alone.
    #[must_use]
    pub fn stripped(mut self, remote: Ipv4Addr) -> Self {
        self.remote = Some(remote);
        self
    }

    /// Who sent its packets, if the rule has their outer headers taken off.
    pub fn remote(&self) -> Option<Ipv4Addr> {
        self.remote
    }

    fn front(&self) -> Front {
        match self.remote {
            Some(_) => Front::Bare(self.vlan()),
            None => Front::Whole,
        }
    }

    /// What would have been found in a packet of `remote` that was for the MAC `own`, before its outer
    /// headers were taken off. What they said beyond the rule is taken to be usual: no checksum, no
    /// reserved bit.
    pub(crate) fn bare(
        &self,
        remote: Ipv4Addr,
        ingress: PortId,
        own: Mac,
        frame: &[u8],
        len: usize,
    ) -> Parsed {
        let mut key = self.key;
        key.set(Field::INGRESS, ingress.get().into());
        key.set(Field::DST_MAC, own.to_u64());
        key.set(Field::SRC_IP, u32::from(remote).into());
        if let Some(header) = frame.first_chunk::<ETHERNET_LEN>() {
            key.set(Field::HAS_INNER, 1);
            key.set(Field::INNER_DST_MAC, mac_at(header, 0));
            key.set(Field::INNER_SRC_MAC, mac_at(header, 6));
        }
        let layout = Layout {
            end: len as u32,
            ..Layout::default()
        };
        Parsed { key, layout }
    }
}

/// Whether a packet in which this was found has the outer headers that a rule for `remote` was to take
/// off.
pub(super) fn is_wrapped(key: &FlowKey, expected: &Expected, remote: Ipv4Addr) -> bool {
    let end_point = expected.end_point();
    let fields = [
        (Field::HAS_VXLAN, Field::VNI, end_point.vni.get()),
        (Field::HAS_IPV4, Field::DST_IP, end_point.local.into()),
        (Field::HAS_IPV4, Field::SRC_IP, remote.into()),
        (Field::HAS_UDP, Field::DST_PORT, end_point.udp_port.into()),
    ];
    let is_so = |(has, field, value): (Field, Field, u32)| {
        key.get(has) != 0 && key.get(field) == u64::from(value)
    };
    fields.into_iter().all(is_so)
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
