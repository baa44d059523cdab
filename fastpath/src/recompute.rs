//! Finishes the layer-4 checksums of frames from a sender that left them to a NIC.
//!
//! The kernel hands a frame to a device that offers to compute checksums with only the sum of the
//! pseudo header in the checksum's place (CHECKSUM_PARTIAL). Behind veth there is no such device, and
//! a reader of raw frames cannot see which checksum is finished. So all are computed anew: what was
//! right stays as it is, byte for byte.
//!
//! The kernel finishes the checksum of a packet before it fragments it, and those of IPv4 headers
//! always. In a tunnel only one is open: either the inner one, and then the outer one is made so
//! that it is right once the inner one is (local checksum offload), or the outer one. Inner first,
//! then outer, is right for both.

use crate::io::Packet;
use crate::parse::Layout;
use crate::wire::{Protocol, Transport, udp};

/// Computes the TCP or UDP checksum of `packet`, whose headers `layout` places, anew; of a VXLAN packet
/// that of the inner frame before. A frame with impossible headers, a fragment and a UDP checksum of
/// zero are left as they are. Tunnels inside the inner frame are payload.
pub fn recompute<P: Packet>(packet: &mut P, layout: &Layout) {
    if layout.inner_at != 0 && layout.fault.is_none() {
        finish(packet, usize::from(layout.inner_at), layout.end as usize);
    }
    finish(packet, 0, packet.len());
}

/// The same for the frame that lies from `start` to `end` in the packet.
fn finish<P: Packet>(packet: &mut P, start: usize, end: usize) -> Option<()> {
    let head = packet.head().get(start..)?;
    let head = head.get(..end.checked_sub(start)?).unwrap_or(head);
    let found = Transport::of(head, end - start)?;
    let field = start + found.checksum_at();
    let old = packet.head_mut().get_mut(field..)?.first_chunk_mut::<2>()?;
    // No sender of UDP leaves a zero to be finished: it says that there is no checksum, over IPv6
    // too (RFC 6935), and the sum of a pseudo header is never zero.
    if found.protocol == Protocol::UDP && *old == [0, 0] {
        return None;
    }
    *old = [0, 0];
    let (mut sum, mut left) = (found.pseudo, found.len);
    packet.for_each_segment(start + found.at, |segment| {
        let part = segment.get(..left).unwrap_or(segment);
        sum = sum.add_bytes(part);
        left -= part.len();
    });
    let checksum = match found.protocol {
        Protocol::UDP => udp::on_wire(sum.finish()),
        _ => sum.finish(),
    };
    let new = packet.head_mut().get_mut(field..)?.first_chunk_mut::<2>()?;
    *new = checksum.to_be_bytes();
    Some(())
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
