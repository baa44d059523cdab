//! Ethernet frames of a link, with its tag or without one.

use super::Output;
use super::links::Link;
use fastpath::snapshot::Place;
use fastpath::wire::ethernet::{self, Ethernet};
use fastpath::wire::vlan::{self, Vlan};
use fastpath::wire::{EtherType, Mac, Tag, VlanId};

/// A received frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) dst: Mac,
    pub(super) src: Mac,
    /// `None`: without a tag, or with one that names no VLAN (IEEE 802.1Q, 9.6).
    pub(super) vlan: Option<VlanId>,
    /// Behind the tag.
    pub(super) ethertype: EtherType,
    /// All that follows.
    pub(super) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// `None` if it is too short. At most one tag is taken off.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let eth = Ethernet::new(bytes)?;
        let mut frame = Frame {
            dst: eth.dst(),
            src: eth.src(),
            vlan: None,
            ethertype: eth.ethertype(),
            payload: eth.payload(),
        };
        if frame.ethertype == EtherType::VLAN {
            let tag = Vlan::new(frame.payload)?;
            let vid = tag.tag().vid;
            frame.vlan = (vid != VlanId::NONE).then_some(vid);
            (frame.ethertype, frame.payload) = (tag.ethertype(), tag.payload());
        }
        Some(frame)
    }
}

impl Link {
    /// What sends `payload` from us to `dst`.
    pub(super) fn send(&self, dst: Mac, ethertype: EtherType, payload: &[u8]) -> Output {
        let Place { port, vlan } = self.place;
        let (src, tagged) = (self.mac, vlan.is_some());
        let outer = if tagged { EtherType::VLAN } else { ethertype };
        let mut frame = vec![0; ethernet::HEADER_LEN];
        if let Some(mut view) = Ethernet::new(&mut frame[..]) {
            let ethertype = outer;
            ethernet::Repr {
                dst,
                src,
                ethertype,
            }
            .emit(&mut view);
        }
        if let Some(vid) = vlan {
            let mut bytes = [0; vlan::HEADER_LEN];
            if let Some(mut view) = Vlan::new(&mut bytes) {
                let tag = Tag {
                    vid,
                    ..Tag::default()
                };
                vlan::Repr { tag, ethertype }.emit(&mut view);
            }
            frame.extend_from_slice(&bytes);
        }
        frame.extend_from_slice(payload);
        Output::Send { port, frame }
    }
}
