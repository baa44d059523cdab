//! Copies of packets for people who look: which ones, and how they leave a worker.
//!
//! [`filter::Filter`] says whether a frame is wanted. [`tap::Tap`] takes its copy, with a
//! [`note::Note`] on what became of it, to a [`tap::TapReader`] on another thread. Nobody waits: if
//! the reader is slow copies are lost, and counted.

pub mod filter;
pub mod note;
pub mod tap;
