//! Copies of packets for people who look: which ones, and how they leave a worker.
//!
//! [`filter::Filter`] says whether a frame is wanted.

pub mod filter;
