//! The data plane of overpath: one loop per core, which reads shared state and never waits.
//!
//! ```text
//!   io::RxQueue -> memo -----------> action -> tx::Outputs -> io::TxQueue
//!                   | miss          ^  ^  |
//!                   v               |  |  +-> tx::Punt, event::Event: to control
//!                 parse -> cache ---+  |
//!                   | miss     ^       |
//!                   v          |       |
//!                 resolve -----+       |
//!                   ^                  |
//!                 snapshot            fdb     written by control, read here
//! ```
//!
//! [`worker::Worker`] is the loop. [`memo::Memo`] recalls the decisions of most packets. Of others
//! [`parse`](parse::parse) makes a [`key::FlowKey`], [`cache::Cache`] has the decision or
//! [`resolve`](resolve::resolve) makes it. [`action::run`] carries it out, or passes over the burst
//! that mean the same; a bridge looks both stations up in the [`fdb`] as it is then. All of it is
//! generic over [`io::Io`]: packets of DPDK in the daemon (`dpdk::DpdkIo`, feature `dpdk`), packets on the heap ([`io::heap::HeapIo`]) in tests.
//!
//! # Threads
//!
//! A worker belongs to one thread and owns its queues and its cache. What it shares with control:
//!
//! | what | writer | readers |
//! | --- | --- | --- |
//! | [`snapshot::Snapshot`], by [`publish`] | control | workers |
//! | [`fdb`] | control | workers |
//! | [`snapshot::NextHops`] | control | workers |
//! | when a station was seen, in [`fdb`] | workers | control |
//! | [`stats`] | one worker each | control |
//! | rings ([`tx`], [`worker::Command`]), [`event`] | one end each | the other end |
//!
//! In the code here a worker does not lock, allocate, make a system call, read a clock or format
//! text. Time is an argument; cycles are counted ([`cpu::ticks`]), and decide nothing.
//!
//! # Example
//!
//! A frame from a guest is parsed and decided: it enters the bridge of its port. Where it goes from
//! there is looked up anew for each packet.
//!
//! ```
//! use fastpath::action::{Action, From, Inlet};
//! use fastpath::event::Origin;
//! use fastpath::ids::{BridgeId, PortId};
//! use fastpath::snapshot::{Bridge, Port, RxChecksum, Snapshot, TxChecksums};
//! use fastpath::wire::{Mac, craft};
//! use fastpath::{key::Field, parse::parse, resolve::resolve};
//! use std::sync::Arc;
//!
//! let (port, bridge) = (PortId::new(0).unwrap(), BridgeId::new(0).unwrap());
//! let lan = Port {
//!     id: port,
//!     mac: Mac::new([2, 0, 0, 0, 0, 0xff]),
//!     mtu: 1500,
//!     generation: 0,
//!     up: true,
//!     bridge: Some(bridge),
//!     addresses: Vec::new(),
//!     local: None,
//!     uplink: None,
//!     tx_queues: 1,
//!     may_chain: true,
//!     tx: TxChecksums::default(),
//!     rx_open: false,
//!     rx_checksum: RxChecksum::Verify,
//!     rx_limit: None,
//! };
//! let snapshot = Snapshot {
//!     ports: vec![Some(Arc::new(lan))],
//!     bridges: vec![Arc::new(Bridge { id: bridge, learning: true, flood: Vec::new() })],
//!     ..Snapshot::default()
//! };
//!
//! let sender = (Mac::new([2, 0, 0, 0, 0, 1]), [10, 0, 0, 1].into());
//! let receiver = (Mac::new([2, 0, 0, 0, 0, 2]), [10, 0, 0, 2].into());
//! let frame = craft::Pair::new(sender, receiver).udp(5000, 53, b"?");
//! let parsed = parse(port, &frame, frame.len(), &snapshot.udp_ports);
//! assert_eq!(parsed.key.get(Field::DST_PORT), 53);
//!
//! let resolution = resolve(&parsed.key, &snapshot);
//! let actions: Vec<_> = resolution.program.actions().collect();
//! let (from, origin) = (From::Port(port), Origin::Port(port));
//! assert_eq!(actions, [Action::Bridge(Inlet { bridge, from, origin, learning: true })]);
//! // It rests on the port, and was not asked what is inside.
//! assert_eq!(parsed.key.masked(&resolution.mask).get(Field::DST_PORT), 0);
//! ```

pub mod action;
pub mod cache;
pub mod cpu;
pub mod cut;
mod decide;
#[cfg(feature = "dpdk")]
pub mod dpdk;
pub mod drop;
pub mod event;
pub mod fdb;
mod huge;
pub mod ids;
pub mod io;
pub mod key;
pub mod learn;
pub mod memo;
pub mod offload;
pub mod parse;
mod plan;
mod prefetch;
pub mod probe;
pub mod publish;
pub mod recompute;
pub mod resolve;
pub mod snapshot;
pub mod stats;
mod sync;
#[cfg(not(loom))]
#[cfg(test)]
mod testing;
pub mod trace;
pub mod tx;
pub mod wire;
pub mod worker;
