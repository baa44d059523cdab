//! The data plane of overpath.

pub mod action;
pub mod cache;
#[cfg(feature = "dpdk")]
pub mod dpdk;
pub mod drop;
pub mod event;
pub mod fdb;
pub mod ids;
pub mod io;
pub mod key;
pub mod learn;
pub mod parse;
pub mod publish;
pub mod resolve;
pub mod snapshot;
pub mod stats;
mod sync;
#[cfg(not(loom))]
#[cfg(test)]
mod testing;
pub mod tx;
pub mod wire;
pub mod worker;
