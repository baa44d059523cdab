//! The forwarding table: which port or remote a station is behind.
//!
//! One writer on the control side, lock-free readers on the workers. A change is made and taken in
//! this order:
//!
//! ```text
//! control: FdbWriter::insert, remove -> LogWriter::append -> Publisher::change -> FdbWriter::seal
//! worker:  Reader::observe -> LogReader::drain, forget entries of those keys -> Reader::pass
//! control: FdbWriter::release(passed)
//! ```
//!
//! So a worker cannot keep a stale decision. What it resolved before the table was written is
//! forgotten when it drains the key. What it resolves after it drained the key is right, because
//! the store to the table is visible to whoever sees the key in the log. What it resolves in
//! between may be new or old, and is forgotten all the same.
//!
//! A value read here may name a port or remote of a snapshot that the worker has not observed
//! yet: it is looked up there with a check, and what came of it is forgotten with the key.

mod entry;
#[cfg(not(loom))]
#[cfg(test)]
mod fill;
mod hash;
mod log;
#[cfg(loom)]
#[cfg(test)]
mod model;
#[cfg(not(loom))]
#[cfg(test)]
mod oracle;
mod reader;
mod table;
mod writer;

pub use entry::{Destination, FdbKey, FdbValue, Kind};
pub use hash::FdbPlace;
pub use log::{DEFAULT_LOG, Drained, LogReader, LogWriter};
pub use reader::{FdbReader, Found};
pub use table::SlotId;
pub use writer::{Fdb, FdbEntry, FdbFull, FdbWriter, Inserted};
