//! Bytes to meaning: the headers that overpath reads and writes. Depends on nothing of ours.

mod mac;
mod vni;

pub use mac::{Mac, MacParseError};
pub use vni::Vni;
