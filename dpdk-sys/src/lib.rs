//! Raw bindings to DPDK, generated at build time from the headers that `pkg-config libdpdk` finds.
//!
//! Names are those of DPDK. Two groups are ours: constants `K_*` stand for macros of the same name
//! with `RTE_` in place of `K_`, and for offsets and sizes of the fields of `struct
//! rte_mbuf` (`K_MBUF_DATA_OFF`, `K_MBUF_DATA_OFF_SIZE` and their kin); functions `shim_*` wrap inline functions of the headers.
//!
//! There is no logic here. Safe owners of what these functions return are in `fastpath::dpdk`.
//!
//! ```text
//!   installed headers --bindgen, allowlist in build.rs--> functions, types
//!   wrapper.h         --bindgen-------------------------> K_* constants
//!   shim.c            --cc------------------------------> shim_* functions
//! ```
//!
//! # Threads
//!
//! Those of DPDK: each function says in DPDK's documentation who may call it when. A queue of a port
//! belongs to one thread at a time; `rte_eal_init` is called once in a process.
//!
//! # Example
//!
//! ```
//! // SAFETY: returns a string that lives as long as the process, initialised or not.
//! let version = unsafe { std::ffi::CStr::from_ptr(dpdk_sys::rte_version()) };
//! assert!(version.to_bytes().starts_with(b"DPDK "));
//! ```

#![no_std]
pub use bindings::*;

#[expect(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    non_camel_case_types,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated from C headers, whose names and documentation apply"
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
