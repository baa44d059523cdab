//! What benches, instruction counts and the test of allocations share: a worker between a source of
//! frames that never runs dry and a sink. All buffers are made beforehand and used again.

#![expect(
    clippy::unwrap_used,
    reason = "a failure in what benches share ends the bench"
)]

pub(crate) mod frames;
pub(crate) mod io;
pub(crate) mod nic;
pub(crate) mod site;
pub(crate) mod switch;
