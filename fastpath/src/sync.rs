//! The atomics that threads of the switch share data by: those of `std`, or those of loom.
//!
//! Under `--cfg loom` everything built on this module runs in loom's model, which tries the
//! orders in which threads and memory may interleave:
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test -p fastpath --lib loom_
//! ```
//!
//! (with a target directory of its own, because the flag rebuilds all). Tests for it are named
//! `loom_*`; the others cannot run there, because loom's atomics exist only inside a model.

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicPtr, AtomicU64, Ordering, fence},
};
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicPtr, AtomicU64, Ordering, fence},
};
