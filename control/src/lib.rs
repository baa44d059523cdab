//! The control plane of overpath.

pub mod config;
