//! The data plane of overpath.

pub mod event;
pub mod fdb;
pub mod ids;
pub mod io;
pub mod publish;
mod sync;
pub mod wire;
