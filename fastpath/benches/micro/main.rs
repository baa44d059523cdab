//! What the stages of the data plane cost one by one, and a burst as a whole.
//!
//! `cargo bench -p fastpath`. Stages alone are compiled for any processor of the
//! architecture; a worker's bursts are run as in the daemon, by what the processor has.

#![expect(clippy::unwrap_used, reason = "a failure in a bench ends it")]

mod actions;
mod bursts;
mod fdb;
mod headers;
#[expect(dead_code, reason = "the test of allocations uses the rest")]
#[path = "../support/mod.rs"]
mod support;

fn main() {
    divan::main();
}
