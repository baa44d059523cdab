//! Bytes to meaning: the headers that overpath reads and writes. Depends on nothing of ours.
//!
//! Each header has two layers. A *view* ([`Ipv4`](ipv4::Ipv4), [`Udp`](udp::Udp), ...) wraps bytes
//! and offers one getter and one setter per field; it judges nothing. A *repr* (`ipv4::Repr`, ...)
//! holds the meaning only: `parse` makes it from a view and may refuse with a named error, `emit`
//! writes it into a view and cannot fail.
//!
//! `View::new` checks once that the fixed part of the header is there, and never looks at what the
//! bytes say. So it serves for received bytes and for buffers that still hold old ones, and no
//! getter or setter panics afterwards. It relies on `as_ref` giving the same bytes each time, which
//! slices, arrays and vectors do. A field whose place depends on content (what follows options, for
//! one) is looked up with a check of its own.
//!
//! ```
//! use fastpath::wire::{EtherType, Mac, Protocol, ethernet, ipv4, udp};
//!
//! fn destination_port(frame: &[u8]) -> Option<u16> {
//!     let frame = ethernet::Ethernet::new(frame)?;
//!     let packet = (frame.ethertype() == EtherType::IPV4).then_some(frame.payload())?;
//!     let packet = ipv4::Ipv4::new(packet)?;
//!     let header = ipv4::Repr::parse(&packet).ok()?;
//!     (header.protocol == Protocol::UDP && !packet.is_fragment()).then_some(())?;
//!     Some(udp::Udp::new(packet.payload())?.dst_port())
//! }
//!
//! let mut frame = [0; 42];
//! let eth = ethernet::Repr { dst: Mac::BROADCAST, src: Mac::ZERO, ethertype: EtherType::IPV4 };
//! eth.emit(&mut ethernet::Ethernet::new(&mut frame).unwrap());
//! frame[14..18].copy_from_slice(&[0x45, 0, 0, 28]);
//! frame[23] = 17;
//! frame[36..38].copy_from_slice(&4789u16.to_be_bytes());
//! assert_eq!(destination_port(&frame), Some(4789));
//! ```

pub mod arp;
pub mod checksum;
pub mod craft;
pub mod ethernet;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod tcp;
pub mod udp;
pub mod vlan;
pub mod vxlan;

mod cursor;
mod dscp;
mod ecn;
mod field;
mod flow_hash;
mod inner;
mod mac;
mod protocol;
mod transport;
mod vni;

#[cfg(test)]
pub(crate) mod samples;

pub use checksum::{Sum, is_sound_ipv4};
pub use cursor::Cursor;
pub use dscp::Dscp;
pub use ecn::{CongestionLost, Ecn};
pub use ethernet::EtherType;
pub use flow_hash::{Flow, flow_hash};
pub use inner::{Family, InnerIp, decapsulate_ecn};
pub use mac::{Mac, MacParseError};
pub use protocol::Protocol;
pub use transport::Transport;
pub use vlan::{Tag, VlanId};
pub use vni::Vni;
