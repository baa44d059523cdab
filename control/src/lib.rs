//! The control plane of overpath.

pub mod api;
pub mod args;
pub mod config;
pub mod host;
pub mod neighbours;
