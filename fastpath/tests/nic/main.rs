//! What is asked of a NIC and what it says, against a model of one.
//!
//! The model (tests/nic) stands before DPDK's own functions in a process that preloads it, so each
//! test runs in a process of its own, with virtual devices that behave like NICs. Needs a C compiler
//! and the headers of DPDK; no root, no huge pages and no device.
//!
//! `scripts/test nic` runs all of it with the model as a driver of its own instead, which can do
//! more: the tests in `driver.rs` need it.

#![expect(
    clippy::unwrap_used,
    reason = "a failure in what tests share fails the test"
)]

mod bond;
mod cuts;
mod driver;
mod lies;
mod lifecycle;
mod port;
mod ports;
mod rig;
mod rules;
mod verdicts;
