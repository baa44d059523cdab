//! The data plane of overpath.

pub mod ids;
pub mod io;
pub mod wire;
