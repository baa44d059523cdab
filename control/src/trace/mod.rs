//! What people see of packets: which ones they ask for, and the files that copies are written to.

pub mod clock;
pub mod comment;
pub mod filter;
pub mod pcapng;
pub mod recording;
pub mod scope;
pub mod sources;
