//! The owners of DPDK's objects, against DPDK itself.
//!
//! Needs no root, no huge pages and no device: the EAL runs on plain memory with virtual devices,
//! once in this process. Its main lcore is a thread that takes the tests one by one.

#![expect(
    clippy::unwrap_used,
    reason = "a failure in what tests share fails the test"
)]

mod eal;
mod log;
mod open;
mod packets;
mod ports;
mod rig;
mod uncut;
