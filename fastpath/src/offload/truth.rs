//! What software finds in a packet, for whoever holds what a NIC says against all of it.

use super::hints::Expected;
use super::inspect::is_other;
use crate::action::{ip_is_sound, udp_is_sound};
use crate::ids::PortId;
use crate::io::{Checksum, Packet, RxChecksums};
use crate::key::Field;
use crate::parse::{Parsed, parse};
use crate::snapshot::UdpPorts;
use crate::wire::{InnerIp, Transport, ipv4::Ipv4};

/// What is so of a packet, by the code that workers run.
///
/// `Unknown` is a checksum that is not there, or that cannot be judged by this packet alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// What the parser finds.
    pub parsed: Parsed,
    /// The outermost checksums.
    pub outer: RxChecksums,
    /// Those of the frame in a tunnel.
    pub inner: RxChecksums,
}

/// How a packet and the tunnel of a mark go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The packet's own bytes confirm that it is for that tunnel.
    Confirmed,
    /// They do not, nor do they say that it is for another: it is a fragment, has a tag or a bit
    /// more than is expected, or something is wrong with its headers.
    Open,
    /// It is for something else.
    Other,
}

impl Truth {
    /// Reads all of a packet, as if no NIC had said anything.
    pub fn of<P: Packet>(packet: &P, udp_ports: &UdpPorts) -> Self {
        let parsed = parse(INGRESS, packet.head(), packet.len(), udp_ports);
        let (key, layout) = (parsed.key, parsed.layout);
        let in_tunnel = key.get(Field::HAS_VXLAN) != 0 && layout.fault.is_none();
        if !in_tunnel {
            return Truth {
                parsed,
                outer: of_frame(packet.head()),
                inner: RxChecksums::default(),
            };
        }
        let has_sum = key.get(Field::HAS_CHECKSUM) != 0;
        let outer = RxChecksums {
            ip: judged(ip_is_sound(packet, layout)),
            l4: match has_sum {
                true => judged(udp_is_sound(packet, layout)),
                false => Checksum::Unknown,
            },
        };
        let inner = usize::from(layout.inner_at)..layout.end as usize;
        let inner = packet.head().get(inner).unwrap_or_default();
        Truth {
            parsed,
            outer,
            inner: of_frame(inner),
        }
    }

    /// How the packet that this is of goes with what is expected of a mark.
    pub fn fit<P: Packet>(&self, packet: &P, expected: &Expected, udp_ports: &UdpPorts) -> Fit {
        let (head, len) = (packet.head(), packet.len());
        let (key, layout) = (&self.parsed.key, self.parsed.layout);
        if expected.confirm(INGRESS, head, len, udp_ports).is_some() {
            return Fit::Confirmed;
        }
        let unsure = key.get(Field::FRAGMENT) != 0
            || key.get(Field::HAS_VXLAN) != 0
            || layout.fault.is_some();
        let over_ipv4 = key.get(Field::HAS_IPV4) != 0;
        match over_ipv4 && unsure && !is_other(key, expected) {
            true => Fit::Open,
            false => Fit::Other,
        }
    }
}

/// Nothing here depends on where a packet came in.
const INGRESS: PortId = PortId::modulo(0);

/// The checksums of the first headers of a frame that lies in one piece.
fn of_frame(frame: &[u8]) -> RxChecksums {
    RxChecksums {
        ip: ip(frame).map_or(Checksum::Unknown, judged),
        l4: l4(frame).map_or(Checksum::Unknown, judged),
    }
}

fn ip(frame: &[u8]) -> Option<bool> {
    let at = InnerIp::of(frame)?.offset;
    let header = Ipv4::new(frame.get(at..)?)?;
    (header.version() == 4).then(|| header.verify_checksum())
}

fn l4(frame: &[u8]) -> Option<bool> {
    let found = Transport::of(frame, frame.len())?;
    let bytes = frame.get(found.at..)?.get(..found.len)?;
    // That of TCP is never left out.
    let none = found.protocol == crate::wire::Protocol::UDP
        && frame.get(found.checksum_at()..)?.starts_with(&[0, 0]);
    (!none).then(|| found.pseudo.add_bytes(bytes).finish() == 0)
}

const fn judged(is_sound: bool) -> Checksum {
    match is_sound {
        true => Checksum::Good,
        false => Checksum::Bad,
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
