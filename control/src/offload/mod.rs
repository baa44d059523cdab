//! What of a tunnel a NIC does itself: found out by asking it, and kept true while it runs.
//!
//! ```text
//!   wanted end points --+
//!                       v
//!   plan: wanted, actual -> the next calls       pure: time is a number
//!                       |
//!                       v
//!   agent: makes them on the device thread, a bounded number a turn, and remembers what came of it
//!                       |
//!                       v
//!   nic: the driver, or a model of one
//! ```
//!
//! What [`driver`] says of drivers is all that is known of them beforehand. Everything else is asked
//! when a port starts ([`probe`]). Whatever a NIC refuses is done in software, with the reason kept.

pub mod actual;
pub mod agent;
pub mod belief;
pub mod driver;
pub mod fate;
pub mod marks;
mod member;
#[cfg(any(test, feature = "model"))]
pub mod model;
pub mod nic;
pub mod plan;
mod port;
pub mod ports;
pub mod probe;
pub mod report;
pub mod retry;
pub mod selftest;
pub mod target;
pub mod tier;
pub mod tx;
pub mod wanted;
pub mod watch;

pub use agent::{Agent, Change};
pub use target::Target;
pub use tier::{Offload, Tier};
pub use tx::TxTier;
