//! What a rule matches, as items of rte_flow.
//!
//! Each item is a header as it stands on the wire, in a buffer that is at least as large as the C
//! struct: headers begin all of these structs in every release, while the names of their fields
//! changed.

use crate::offload::{Pattern, Rule};
use arrayvec::ArrayVec;
use dpdk_sys as sys;
use std::net::Ipv4Addr;
use std::ptr::{from_ref, null};
use sys::rte_flow_item_type as kind;

/// Ethernet, VLAN, IPv4, UDP, VXLAN, Ethernet, IPv4.
const LAYERS: usize = 7;

/// Where `has_vlan` is in the item of Ethernet, behind the header: a bit of the C struct, whose place a test
/// looks up.
const HAS_VLAN: (usize, u8) = (14, 1);

/// More fragments and the offset, in the four bytes of IPv4 from its identification on.
const FRAGMENTS: [u8; 4] = [0, 0, 0x3f, 0xff];

/// Bytes of the largest item.
const ROOM: usize = 24;

const _: () = assert!(
    size_of::<sys::rte_flow_item_eth>() <= ROOM
        && size_of::<sys::rte_flow_item_vlan>() <= ROOM
        && size_of::<sys::rte_flow_item_ipv4>() <= ROOM
        && size_of::<sys::rte_flow_item_udp>() <= ROOM
        && size_of::<sys::rte_flow_item_vxlan>() <= ROOM
        && align_of::<sys::rte_flow_item_eth>() <= align_of::<Header>()
        && align_of::<sys::rte_flow_item_vlan>() <= align_of::<Header>()
        && align_of::<sys::rte_flow_item_ipv4>() <= align_of::<Header>()
        && align_of::<sys::rte_flow_item_udp>() <= align_of::<Header>()
        && align_of::<sys::rte_flow_item_vxlan>() <= align_of::<Header>()
);

/// A header, zero behind its end.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header([u8; ROOM]);

/// One layer of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layer {
    kind: kind::Type,
    /// Bytes that a packet must have, and which bits of them. `None`: it need only be there.
    fields: Option<(Header, Header)>,
}

impl Layer {
    const fn any(kind: kind::Type) -> Self {
        Layer { kind, fields: None }
    }

    /// Each field is an offset in the header, its value and its mask. Drivers may take bits outside
    /// of a mask for an error, so there are none.
    fn of<const N: usize>(kind: kind::Type, fields: &[(usize, [u8; N], [u8; N])]) -> Self {
        let (mut spec, mut mask) = (Header([0; ROOM]), Header([0; ROOM]));
        for (at, value, bits) in fields {
            for (place, (value, bits)) in value.iter().zip(bits).enumerate() {
                if let (Some(spec), Some(mask)) =
                    (spec.0.get_mut(at + place), mask.0.get_mut(at + place))
                {
                    (*spec, *mask) = (value & bits, *bits);
                }
            }
        }
        Layer {
            kind,
            fields: Some((spec, mask)),
        }
    }

    fn item(&self) -> sys::rte_flow_item {
        let (spec, mask) = match &self.fields {
            Some((spec, mask)) => (from_ref(spec).cast(), from_ref(mask).cast()),
            None => (null(), null()),
        };
        sys::rte_flow_item {
            type_: self.kind,
            spec,
            last: null(),
            mask,
        }
    }
}

/// The layers of the packets that a rule names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layers(ArrayVec<Layer, LAYERS>);

impl Layers {
    pub(super) fn of(rule: &Rule) -> Self {
        let mut layers = ArrayVec::new();
        let whole = rule.pattern == Pattern::Whole;
        layers.push(match whole && rule.vlan.is_none() {
            true => Layer::of(
                kind::RTE_FLOW_ITEM_TYPE_ETH,
                &[(HAS_VLAN.0, [0], [HAS_VLAN.1])],
            ),
            false => Layer::any(kind::RTE_FLOW_ITEM_TYPE_ETH),
        });
        if let Some(vlan) = rule.vlan {
            layers.push(Layer::of(
                kind::RTE_FLOW_ITEM_TYPE_VLAN,
                &[(0, vlan.get().to_be_bytes(), [0x0f, 0xff])],
            ));
        }
        let by_port = rule.pattern != Pattern::VniOnly;
        let local = by_port.then_some(rule.end_point.local);
        layers.push(ipv4(whole, rule.strip, local));
        layers.push(match by_port {
            true => Layer::of(
                kind::RTE_FLOW_ITEM_TYPE_UDP,
                &[(2, rule.end_point.udp_port.to_be_bytes(), [0xff; 2])],
            ),
            false => Layer::any(kind::RTE_FLOW_ITEM_TYPE_UDP),
        });
        let [_, vni @ ..] = rule.end_point.vni.get().to_be_bytes();
        layers.push(Layer::of(
            kind::RTE_FLOW_ITEM_TYPE_VXLAN,
            &[(4, vni, [0xff; 3])],
        ));
        let inner = match rule.pattern {
            Pattern::Tunnel | Pattern::Whole | Pattern::VniOnly => &[][..],
            Pattern::InnerEthernet => &[kind::RTE_FLOW_ITEM_TYPE_ETH],
            Pattern::InnerIpv4 => &[kind::RTE_FLOW_ITEM_TYPE_ETH, kind::RTE_FLOW_ITEM_TYPE_IPV4],
        };
        layers.extend(inner.iter().copied().map(Layer::any));
        Layers(layers)
    }

    /// The items and their end. They refer to `self`, and are read no longer than it lives.
    pub(super) fn items(&self) -> ArrayVec<sys::rte_flow_item, { LAYERS + 1 }> {
        let end = Layer::any(kind::RTE_FLOW_ITEM_TYPE_END);
        self.0.iter().chain([&end]).map(Layer::item).collect()
    }
}

fn ipv4(whole: bool, source: Option<Ipv4Addr>, destination: Option<Ipv4Addr>) -> Layer {
    let unbroken = whole.then_some((4, [0; 4], FRAGMENTS));
    let field = |at, address: Option<Ipv4Addr>| address.map(|to| (at, to.octets(), [0xff; 4]));
    let fields: ArrayVec<_, 3> = [unbroken, field(12, source), field(16, destination)]
        .into_iter()
        .flatten()
        .collect();
    match fields.is_empty() {
        true => Layer::any(kind::RTE_FLOW_ITEM_TYPE_IPV4),
        false => Layer::of(kind::RTE_FLOW_ITEM_TYPE_IPV4, &fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpdk::flow::samples::rule;
    use crate::wire::VlanId;

    /// What it asks for, as bytes and masks up to the last bit that counts.
    fn says(layers: &Layers) -> Vec<(kind::Type, Vec<u8>, Vec<u8>)> {
        let says = |layer: &Layer| {
            let (spec, mask) = layer
                .fields
                .map_or(([0; ROOM], [0; ROOM]), |(spec, mask)| (spec.0, mask.0));
            let len = mask
                .iter()
                .rposition(|bits| *bits != 0)
                .map_or(0, |last| last + 1);
            (layer.kind, spec[..len].to_vec(), mask[..len].to_vec())
        };
        layers.0.iter().map(says).collect()
    }

    fn bytes(at: usize, len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; at + len];
        for (at, value) in fields {
            bytes[*at..at + value.len()].copy_from_slice(value);
        }
        bytes
    }

    #[test]
    fn a_rule_is_headers_as_they_stand_on_the_wire() {
        let (address, all) = ([192, 0, 2, 1], [0xff; 4]);
        assert_eq!(
            says(&Layers::of(&rule())),
            [
                (kind::RTE_FLOW_ITEM_TYPE_ETH, vec![], vec![]),
                (
                    kind::RTE_FLOW_ITEM_TYPE_IPV4,
                    bytes(16, 4, &[(16, &address)]),
                    bytes(16, 4, &[(16, &all)]),
                ),
                (
                    kind::RTE_FLOW_ITEM_TYPE_UDP,
                    vec![0, 0, 0x21, 0x18],
                    vec![0, 0, 0xff, 0xff],
                ),
                (
                    kind::RTE_FLOW_ITEM_TYPE_VXLAN,
                    vec![0, 0, 0, 0, 0x12, 0x34, 0x56],
                    vec![0, 0, 0, 0, 0xff, 0xff, 0xff],
                ),
            ]
        );
    }

    #[test]
    fn a_tag_a_sender_and_inner_headers_are_said_if_the_rule_says_them() {
        let mut rule = rule();
        rule.vlan = VlanId::new(0x123);
        rule.strip = Some([192, 0, 2, 9].into());
        rule.pattern = Pattern::InnerIpv4;
        let layers = says(&Layers::of(&rule));
        assert_eq!(
            layers[1],
            (
                kind::RTE_FLOW_ITEM_TYPE_VLAN,
                vec![0x01, 0x23],
                vec![0x0f, 0xff]
            )
        );
        let addresses = bytes(12, 8, &[(12, &[192, 0, 2, 9]), (16, &[192, 0, 2, 1])]);
        assert_eq!(layers[2].1, addresses);
        assert_eq!(layers[2].2, bytes(12, 8, &[(12, &[0xff; 8])]));
        let kinds: Vec<_> = layers[5..].iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(
            kinds,
            [kind::RTE_FLOW_ITEM_TYPE_ETH, kind::RTE_FLOW_ITEM_TYPE_IPV4]
        );
        rule.pattern = Pattern::InnerEthernet;
        assert_eq!(Layers::of(&rule).0.len(), 6);
    }

    #[test]
    fn what_is_whole_is_no_fragment_and_has_no_tag_that_is_not_named() {
        let mut rule = rule();
        rule.pattern = Pattern::Whole;
        rule.strip = Some([192, 0, 2, 9].into());
        let layers = says(&Layers::of(&rule));
        // SAFETY: all fields of the struct are integers, for which zero is a value.
        let mut ethernet: sys::rte_flow_item_eth = unsafe { std::mem::zeroed() };
        ethernet.set_has_vlan(1);
        // SAFETY: it was zero all over, so that no byte of it is without a value, padding included.
        let bits: [u8; size_of::<sys::rte_flow_item_eth>()] =
            unsafe { std::mem::transmute(ethernet) };
        let (spec, mask) = (&layers[0].1, &layers[0].2);
        assert!(spec.iter().all(|byte| *byte == 0));
        assert_eq!(mask[..], bits[..mask.len()]);
        assert!(bits[mask.len()..].iter().all(|byte| *byte == 0));
        assert_eq!(layers[1].1[4..8], [0; 4]);
        assert_eq!(layers[1].2[4..8], [0, 0, 0x3f, 0xff]);
        assert_eq!(layers[1].2[12..], [0xff; 8]);
        // A tag that is named says it all.
        rule.vlan = VlanId::new(5);
        let layers = says(&Layers::of(&rule));
        assert_eq!(layers[0], (kind::RTE_FLOW_ITEM_TYPE_ETH, vec![], vec![]));
    }

    #[test]
    fn a_rule_of_a_vni_alone_names_neither_address_nor_port() {
        let mut rule = rule();
        rule.pattern = Pattern::VniOnly;
        let layers = says(&Layers::of(&rule));
        assert_eq!(layers[1], (kind::RTE_FLOW_ITEM_TYPE_IPV4, vec![], vec![]));
        assert_eq!(layers[2], (kind::RTE_FLOW_ITEM_TYPE_UDP, vec![], vec![]));
        assert_eq!(layers[3].1, [0, 0, 0, 0, 0x12, 0x34, 0x56]);
    }

    #[test]
    fn the_items_refer_to_the_headers_and_end() {
        let layers = Layers::of(&rule());
        let items = layers.items();
        assert_eq!(items.len(), layers.0.len() + 1);
        assert_eq!(items[4].type_, kind::RTE_FLOW_ITEM_TYPE_END);
        assert!(items[0].spec.is_null() && items[0].mask.is_null());
        let (spec, mask) = layers.0[1].fields.as_ref().unwrap();
        assert_eq!(items[1].spec, from_ref(spec).cast());
        assert_eq!(items[1].mask, from_ref(mask).cast());
        assert!(items.iter().all(|item| item.last.is_null()));
    }
}
