//! The record of one remote: what an encapsulated packet needs, in one place.

use super::{MAX_PATHS, NextHops};
use crate::ids::{RemoteId, TunnelId};
use crate::wire::Vni;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// Bytes that encapsulation over IPv4 adds: Ethernet, IPv4, UDP, VXLAN.
pub const OUTER_LEN: usize = 14 + 20 + 8 + 8;

/// A header field that is fixed, or taken from the inner packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherit<T> {
    /// Always this.
    Fixed(T),
    /// As in the inner packet; the value is for inner frames that are not IP.
    Inner(T),
}

/// The outer don't-fragment flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Df {
    /// Set: VTEPs must not fragment (RFC 7348, 4.3).
    Set,
    /// Clear: routers on the way may.
    Unset,
    /// As in the inner packet; IPv6 counts as set, everything else as clear.
    Inherit,
}

/// How a tunnel fills the outer headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncapSettings {
    /// Outer source address.
    pub local: Ipv4Addr,
    /// UDP destination port.
    pub udp_port: u16,
    /// Network identifier.
    pub vni: Vni,
    /// UDP source ports; which one is a hash of the inner flow.
    pub source_ports: RangeInclusive<u16>,
    /// Outer time to live.
    pub ttl: Inherit<u8>,
    /// Outer differentiated services code point, 0 to 63.
    pub dscp: Inherit<u8>,
    /// Outer don't-fragment flag.
    pub df: Df,
    /// Outer UDP checksums are made.
    pub udp_checksum: bool,
}

impl EncapSettings {
    /// Nothing is taken from the inner packet, but ECN and entropy.
    pub fn is_fixed(&self) -> bool {
        matches!(self.ttl, Inherit::Fixed(_))
            && matches!(self.dscp, Inherit::Fixed(_))
            && !matches!(self.df, Df::Inherit)
    }
}

/// One (tunnel, remote) pair.
///
/// # Thread safety
/// Immutable but for `next_hops`, which control writes and workers read.
#[derive(Debug)]
pub struct Remote {
    /// Its number.
    pub id: RemoteId,
    /// The tunnel it belongs to.
    pub tunnel: TunnelId,
    /// Outer destination address.
    pub address: Ipv4Addr,
    /// Tolerate reserved VXLAN bits in what it sends.
    pub lenient: bool,
    /// How the outer headers are filled.
    pub settings: EncapSettings,
    /// The outer stack with everything that is the same for each packet; lengths, checksum, MACs,
    /// source port and inherited fields are zero.
    pub template: [u8; OUTER_LEN],
    /// The sum of the 16-bit words of the template's IPv4 header.
    pub ip_sum: u32,
    /// [`EncapSettings::is_fixed`].
    pub is_fixed: bool,
    /// Where the outer packet goes.
    pub next_hops: NextHops,
}

impl Remote {
    /// A record with its template made from `settings`, and no way there yet.
    pub fn new(
        id: RemoteId,
        tunnel: TunnelId,
        address: Ipv4Addr,
        lenient: bool,
        settings: EncapSettings,
    ) -> Self {
        let template = template(address, &settings);
        let sum = template[14..34]
            .chunks(2)
            .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
        let ip_sum = sum.sum();
        Remote {
            id,
            tunnel,
            address,
            lenient,
            is_fixed: settings.is_fixed(),
            settings,
            template,
            ip_sum,
            next_hops: NextHops::default(),
        }
    }

    /// The same remote, with the way there that is known, otherwise spoken to.
    pub fn with(&self, lenient: bool, settings: EncapSettings) -> Self {
        let changed = Remote::new(self.id, self.tunnel, self.address, lenient, settings);
        for path in 0..MAX_PATHS {
            changed.next_hops.store(path, self.next_hops.hop(path));
        }
        changed.next_hops.set_way(self.next_hops.way());
        changed
    }
}

fn template(remote: Ipv4Addr, settings: &EncapSettings) -> [u8; OUTER_LEN] {
    let mut bytes = [0; OUTER_LEN];
    let mut at = 12;
    let mut put = |field: &[u8]| {
        bytes[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    };
    put(&[0x08, 0x00]);
    // IPv4: version and header length; TOS, total length, id, DF, TTL are patched; protocol UDP.
    put(&[0x45, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0]);
    put(&settings.local.octets());
    put(&remote.octets());
    put(&[0, 0]);
    put(&settings.udp_port.to_be_bytes());
    // UDP length is patched. The checksum stays zero, which is none, as RFC 7348, 4.1 wants over IPv4;
    // or one is made when all the rest is there.
    put(&[0, 0, 0, 0]);
    // VXLAN: the I flag, and the VNI.
    put(&[0x08, 0, 0, 0]);
    put(&settings.vni.bytes());
    bytes
}
