//! The forwarding table: which port or remote a station is behind.
//!
//! One writer on the control side, lock-free readers on the workers. These look up both stations of
//! each packet and keep nothing of the answers, so a change needs no word to them: the next packet
//! finds it. Only the slot that a removed entry leaves waits until nobody can be reading there:
//!
//! ```text
//! control: FdbWriter::remove -> Publisher::change -> FdbWriter::seal
//! worker:  Reader::observe -> Reader::pass
//! control: FdbWriter::release(passed)
//! ```
//!
//! A value read here may name a port or remote of a snapshot that the worker has not observed
//! yet: it is looked up there with a check, and a packet for one that is not there is dropped by
//! name.

mod burst;
mod compare;
mod entry;
#[cfg(not(loom))]
#[cfg(test)]
mod fill;
mod hash;
#[cfg(loom)]
#[cfg(test)]
mod model;
#[cfg(not(loom))]
#[cfg(test)]
mod oracle;
mod reader;
mod table;
mod writer;

pub use burst::{FdbView, Pair, Word};
pub use entry::{Destination, FdbKey, FdbValue, Kind};
pub use hash::FdbPlace;
pub use reader::{FdbReader, Found};
pub use table::SlotId;
pub use writer::{Fdb, FdbEntry, FdbFull, FdbWriter, Inserted};
