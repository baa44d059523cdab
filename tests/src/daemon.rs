//! Running overpathd: its configuration, its log, its socket, its end.

mod running;
mod setup;

pub use running::{Daemon, Stopped};
pub use setup::{Setup, binary};
