//! The control plane of overpath.

pub mod ageing;
pub mod api;
pub mod args;
pub mod config;
pub mod device;
pub mod fdb;
pub mod host;
pub mod neighbours;
pub mod ports;
pub mod rig;
pub mod snapshot;
pub mod state;
pub mod tunnels;
