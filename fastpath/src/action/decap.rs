//! `decap`: what is checked on each packet for a tunnel, then the outer headers are gone.

use crate::drop::DropReason;
use crate::io::{Checksum, Packet};
use crate::parse::Layout;
use crate::snapshot::RxChecksum;
use crate::wire::{Ecn, Protocol, Sum, decapsulate_ecn, is_sound_ipv4};
use std::net::Ipv4Addr;

/// Checks and strips the outer headers of `packet`, which `layout` places. On an error
/// the packet is to be dropped, and still has them.
#[inline(always)]
pub(super) fn decap<P: Packet>(
    packet: &mut P,
    layout: Layout,
    checksums: RxChecksum,
) -> Result<(), DropReason> {
    if let Some(fault) = layout.fault {
        return Err(fault);
    }
    // A first segment that ends within the headers would have been a fault.
    let head = packet.head().get(..usize::from(layout.inner_at));
    let head = head.ok_or(DropReason::VxlanTruncated)?;
    if checksums != RxChecksum::Trust {
        ip_checksum(packet, head, layout)?;
    }
    // One that was computed here cannot be wrong.
    if checksums == RxChecksum::Verify {
        udp_checksum(packet, head, layout)?;
    }
    let tos = head.get(usize::from(layout.ip_at) + 1);
    let outer = Ecn::from_tos(tos.copied().unwrap_or_default());
    let stripped =
        packet.truncate(layout.end as usize) && packet.trim_front(usize::from(layout.inner_at));
    if !stripped {
        return Err(DropReason::VxlanTruncated);
    }
    packet.clear_rx_checksums();
    // RFC 6040, 4.2: what happened to the outer header on the way is told to the inner one.
    if outer.tells() {
        return mark(packet, outer, layout);
    }
    Ok(())
}

#[cold]
fn mark<P: Packet>(packet: &mut P, outer: Ecn, layout: Layout) -> Result<(), DropReason> {
    if decapsulate_ecn(packet.head_mut(), outer).is_ok() {
        return Ok(());
    }
    packet.prepend(layout.inner_at.into());
    Err(DropReason::EcnInvalid)
}

#[inline(always)]
fn ip_checksum<P: Packet>(packet: &P, head: &[u8], layout: Layout) -> Result<(), DropReason> {
    let good = match packet.rx_checksums().ip {
        Checksum::Good => true,
        Checksum::Bad => false,
        Checksum::Unknown => is_sound_header(head, layout),
    };
    if good {
        Ok(())
    } else {
        Err(DropReason::IpChecksum)
    }
}

#[inline(always)]
fn is_sound_header(head: &[u8], layout: Layout) -> bool {
    let (start, end) = (usize::from(layout.ip_at), usize::from(layout.udp_at));
    let header = head.get(start..end).unwrap_or_default();
    match header.try_into() {
        Ok(header) => is_sound_ipv4(header),
        Err(_) => !header.is_empty() && Sum::new().add_bytes(header).finish() == 0,
    }
}

/// Whether the outer IPv4 checksum of a packet is right, whatever the NIC says.
pub(crate) fn ip_is_sound<P: Packet>(packet: &P, layout: Layout) -> bool {
    is_sound_header(packet.head(), layout)
}

/// Whether the outer UDP checksum of a packet that has one is right, whatever the NIC says.
pub(crate) fn udp_is_sound<P: Packet>(packet: &P, layout: Layout) -> bool {
    udp_sum(packet, layout.ip_at, layout.udp_at, layout.end) == 0
}

/// RFC 7348, 4.1: a zero checksum is accepted over IPv4, any other must be right.
#[inline(always)]
fn udp_checksum<P: Packet>(packet: &P, head: &[u8], layout: Layout) -> Result<(), DropReason> {
    let udp_at = usize::from(layout.udp_at);
    if head.get(udp_at + 6..udp_at + 8) == Some(&[0, 0]) {
        return Ok(());
    }
    let good = match packet.rx_checksums().l4 {
        Checksum::Good => true,
        Checksum::Bad => false,
        Checksum::Unknown => udp_sum(packet, layout.ip_at, layout.udp_at, layout.end) == 0,
    };
    if good {
        Ok(())
    } else {
        Err(DropReason::UdpChecksum)
    }
}

/// The checksum over an outer UDP header and all behind it, which is zero if it is right.
#[inline(never)]
fn udp_sum<P: Packet>(packet: &P, ip_at: u16, udp_at: u16, end: u32) -> u16 {
    let (ip_at, udp_at) = (usize::from(ip_at), usize::from(udp_at));
    let address = |at: usize| {
        let bytes = packet
            .head()
            .get(at..)
            .and_then(|rest| rest.first_chunk::<4>());
        Ipv4Addr::from(*bytes.unwrap_or(&[0; 4]))
    };
    let (src, dst) = (address(ip_at + 12), address(ip_at + 16));
    let mut left = (end as usize).saturating_sub(udp_at);
    let mut sum = Sum::new().add_pseudo_v4(src, dst, Protocol::UDP, left as u16);
    packet.for_each_segment(udp_at, |segment| {
        let part = segment.len().min(left);
        sum = sum.add_bytes(&segment[..part]);
        left -= part;
    });
    sum.finish()
}
