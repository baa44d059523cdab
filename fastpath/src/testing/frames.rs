//! Who is who in the frames, and frames of them.

use crate::snapshot::UdpPorts;
use crate::wire::craft::Pair;
use crate::wire::{Mac, Vni, vxlan};
use std::net::Ipv4Addr;

/// A guest: 02:00:00:00:00:`n`, 10.0.0.`n`.
pub(crate) fn guest(n: u8) -> (Mac, Ipv4Addr) {
    (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into())
}

/// A host of the underlay: 02:00:00:00:02:`n`, 192.0.2.`n`. The switch is number 2.
pub(crate) fn vtep(n: u8) -> (Mac, Ipv4Addr) {
    (Mac::new([2, 0, 0, 0, 2, n]), [192, 0, 2, n].into())
}

/// UDP from guest to guest with a payload of `len` bytes.
pub(crate) fn inner(src: u8, dst: u8, len: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
    Pair::new(guest(src), guest(dst)).udp(1000, 2000, &payload)
}

/// From a host of the underlay to the switch.
pub(crate) fn outer(host: u8) -> Pair {
    Pair::new(vtep(host), vtep(2))
}

/// `inner` in VXLAN, without a UDP checksum.
pub(crate) fn tunnelled(host: u8, vni: u8, inner: &[u8]) -> Vec<u8> {
    outer(host).vxlan(50000, Vni::from_bytes([0, 0, vni]), inner)
}

/// Where the parser looks for VXLAN.
pub(crate) fn udp_ports() -> UdpPorts {
    let mut ports = UdpPorts::default();
    ports.insert(vxlan::PORT);
    ports
}
