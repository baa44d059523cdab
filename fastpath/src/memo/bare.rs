//! Decisions for packets without outer headers, recalled by their mark alone.

use super::{Known, Memo};
use crate::action::Shape;
use crate::cache::Hit;
use crate::ids::PortId;
use crate::key::{Field, Mask};
use crate::offload::Mark;

/// Marks that are remembered at a time. Two that share a place take turns.
pub(super) const BARES: usize = 256;

/// What is the same in all packets of a mark: all but the MACs inside.
const MARKED: Mask = Mask::of(&[
    Field::INGRESS,
    Field::HAS_ETHERNET,
    Field::OUTER_FACTS,
    Field::VXLAN_FACTS,
    Field::HAS_CHECKSUM,
    Field::ETHER_TYPE,
    Field::VLAN_ID,
    Field::DST_MAC,
    Field::SRC_MAC,
    Field::PROTOCOL,
    Field::DST_IP,
    Field::SRC_IP,
    Field::DST_PORT,
    Field::VNI,
]);

/// What all packets with one mark of one port enter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare {
    pub(super) from: Option<(PortId, Mark)>,
    pub(crate) shape: Shape,
    pub(crate) known: Known,
}

/// None.
pub(super) fn none() -> Box<[Bare; BARES]> {
    let nothing = Bare {
        from: None,
        shape: Shape::Other,
        known: Known::NOTHING,
    };
    Box::new([nothing; BARES])
}

/// The slots of a port lie beside each other.
fn place(ingress: PortId, mark: Mark) -> usize {
    let port = u32::from(ingress.get()).wrapping_mul(61);
    mark.get().wrapping_add(port) as usize % BARES
}

impl Memo {
    /// The decision for packets from `ingress` that have an inner Ethernet header and this mark.
    pub(crate) fn by_mark(&mut self, ingress: PortId, mark: Mark) -> Option<&mut Bare> {
        let bare = &mut self.bares[place(ingress, mark)];
        (bare.from == Some((ingress, mark))).then_some(bare)
    }

    /// Remembers how a packet with a mark was decided, if the next one is decided alike. Returns the
    /// decision that gave way, if one is remembered at all.
    #[must_use]
    pub(crate) fn remember_mark(
        &mut self,
        ingress: PortId,
        mark: Mark,
        hit: &Hit,
    ) -> Option<Known> {
        let shape = hit.program.shape();
        if !matches!(shape, Shape::Decap(..)) || !hit.mask.is_within(&MARKED) {
            return None;
        }
        let bare = Bare {
            from: Some((ingress, mark)),
            shape,
            known: Known::new(hit),
        };
        let at = &mut self.bares[place(ingress, mark)];
        Some(std::mem::replace(at, bare).known)
    }
}
