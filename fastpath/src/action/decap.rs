//! `decap`: what is checked on each packet for a tunnel, then the outer headers are gone.

use crate::drop::DropReason;
use crate::io::{Checksum, Packet};
use crate::parse::Parsed;
use crate::snapshot::RxChecksum;
use crate::wire::{Ecn, Protocol, Sum, decapsulate_ecn};
use std::net::Ipv4Addr;

/// Checks and strips the outer headers of `packet`, which `parsed` describes. On an error the packet
/// is to be dropped.
pub(super) fn decap<P: Packet>(
    packet: &mut P,
    parsed: &Parsed,
    checksums: RxChecksum,
) -> Result<(), DropReason> {
    if let Some(fault) = parsed.fault {
        return Err(fault);
    }
    if checksums != RxChecksum::Trust {
        ip_checksum(packet, parsed)?;
    }
    // One that was computed here cannot be wrong.
    if checksums == RxChecksum::Verify {
        udp_checksum(packet, parsed)?;
    }
    let outer = packet
        .head()
        .get(usize::from(parsed.ip_at) + 1)
        .map_or(0, |tos| *tos);
    // A first segment that ends within the headers would have been a fault.
    let stripped =
        packet.truncate(parsed.end as usize) && packet.trim_front(usize::from(parsed.inner_at));
    if !stripped {
        return Err(DropReason::VxlanTruncated);
    }
    packet.clear_rx_checksums();
    // RFC 6040, 4.2: what happened to the outer header on the way is told to the inner one.
    decapsulate_ecn(packet.head_mut(), Ecn::from_tos(outer)).map_err(|_| DropReason::EcnInvalid)
}

fn ip_checksum<P: Packet>(packet: &P, parsed: &Parsed) -> Result<(), DropReason> {
    let header = packet
        .head()
        .get(usize::from(parsed.ip_at)..usize::from(parsed.udp_at));
    let good = match packet.rx_checksums().ip {
        Checksum::Good => true,
        Checksum::Bad => false,
        Checksum::Unknown => {
            header.is_some_and(|header| Sum::new().add_bytes(header).finish() == 0)
        }
    };
    if good {
        Ok(())
    } else {
        Err(DropReason::IpChecksum)
    }
}

/// RFC 7348, 4.1: a zero checksum is accepted over IPv4, any other must be right.
fn udp_checksum<P: Packet>(packet: &P, parsed: &Parsed) -> Result<(), DropReason> {
    let (ip_at, udp_at) = (usize::from(parsed.ip_at), usize::from(parsed.udp_at));
    let head = packet.head();
    if head.get(udp_at + 6..udp_at + 8) == Some(&[0, 0]) {
        return Ok(());
    }
    let good = match packet.rx_checksums().l4 {
        Checksum::Good => true,
        Checksum::Bad => false,
        Checksum::Unknown => {
            let address = |at: usize| {
                let bytes = head.get(at..).and_then(|rest| rest.first_chunk::<4>());
                Ipv4Addr::from(*bytes.unwrap_or(&[0; 4]))
            };
            let mut left = (parsed.end as usize).saturating_sub(udp_at);
            let mut sum = Sum::new().add_pseudo_v4(
                address(ip_at + 12),
                address(ip_at + 16),
                Protocol::UDP,
                left as u16,
            );
            packet.for_each_segment(udp_at, |segment| {
                let part = segment.len().min(left);
                sum = sum.add_bytes(&segment[..part]);
                left -= part;
            });
            sum.finish() == 0
        }
    };
    if good {
        Ok(())
    } else {
        Err(DropReason::UdpChecksum)
    }
}
