//! Copies of packets for people who look: which ones, and how they leave a worker.
//!
//! A [`wish::Wish`] says which frames are wanted, by port, side, end and [`filter::Filter`]. A
//! [`tap::Tap`] takes their copies, each with a [`note::Note`] on what became of it, to a
//! [`tap::TapReader`] on another thread; a worker's [`watch::Watch`] has all of its taps. Nobody
//! waits: if the reader is slow copies are lost, and counted.

mod bits;
pub mod filter;
mod hold;
pub mod last;
pub mod note;
pub mod tap;
pub mod watch;
pub mod wish;
