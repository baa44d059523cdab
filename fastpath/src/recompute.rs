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

use crate::io::{Left, Packet};
use crate::parse::Layout;
use crate::snapshot::{Port, TxChecksums};
use crate::wire::{Protocol, Transport, udp};

/// Computes the TCP or UDP checksum of `packet`, whose headers `layout` places, anew; of a VXLAN packet
/// that of the inner frame before. A frame with impossible headers, a fragment and a UDP checksum of
/// zero are left as they are, and open if they were: [`settle`] knows more of them. Tunnels inside the
/// inner frame are payload. So is what is to be cut: segments get checksums of their own.
pub fn recompute<P: Packet>(packet: &mut P, layout: &Layout) {
    if packet.segment().is_some() {
        return;
    }
    if layout.inner_at != 0 && layout.fault.is_none() {
        finish(packet, usize::from(layout.inner_at), layout.end as usize);
    }
    let made = finish(packet, 0, packet.len()).is_some();
    if made && packet.is_open() {
        packet.distrust_rx_checksums();
    }
}

/// Whether the sender of some that came in by `port` left its checksum open. What was computed anew is
/// not open any more.
#[inline(always)]
pub fn any_open<P: Packet>(port: Option<&Port>, packets: &[P]) -> bool {
    port.is_some_and(|port| port.rx_open) && packets.iter().any(Packet::is_open)
}

/// Leaves the checksum of a frame that its sender left open to a NIC that makes these, if the frame is
/// one that every NIC understands, or makes it. As a driver has it, it is over all that the packet has
/// from its TCP or UDP header on. What has no such header as far as can be seen stays as it is.
pub fn settle<P: Packet>(packet: &mut P, tx: TxChecksums) {
    packet.clear_rx_checksums();
    match Left::of(packet.head()) {
        Some(left) if tx.makes(left) && left.is_plain(packet) => packet.leave(Some(left)),
        Some(left) => left.finish(packet),
        None => {}
    }
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
