//! Safe owners of what DPDK hands out. With `dpdk-sys` the home of unsafe code.
//!
//! What exists proves what was done: an [`Eal`] that DPDK is initialised, a [`Mempool`] that its
//! memory is mapped, an [`RxQueue`] or [`TxQueue`] that its port runs. The order of use is
//!
//! ```text
//! Eal::init -> Mempool::new -> Port::open -> Port::configure -> Port::start -> queues
//!                                  ^                                |
//!                                  +------- StartedPort::stop <-----+  needs the queues back
//! ```
//!
//! Owners hold what they need alive, so they may be dropped in any order. What C returns becomes
//! one error type per operation, with the text of its errno.

mod af_packet;
mod bond;
mod claim;
mod clock;
mod configure;
mod eal;
mod errno;
mod event;
mod flow;
mod lcore;
mod log;
mod loopback;
mod mbuf;
mod mempool;
mod open;
mod pass;
mod plan;
mod port;
mod queue;
mod start;
mod told;
mod tunnel_port;

pub use af_packet::advice as rx_limit_advice;
pub use clock::Clock;
pub use configure::ConfigureError;
pub use eal::{Eal, EalError};
pub use errno::Errno;
pub use event::{PortEvent, PortEventKind};
pub use flow::{Flow, FlowError};
pub use lcore::{LaunchError, Lcore, LcoreHandle};
pub use mbuf::Mbuf;
pub use mempool::{Mempool, PoolConfig, PoolError};
pub use open::{OpenError, Port};
pub use pass::{PassError, PassProgram};
pub use plan::{Marks, PortConfig, PortSettings};
pub use port::{Device, Limits, Link, PortCounters, PortError, PortIndex, PortInfo};
pub use queue::{RxQueue, TxQueue};
pub use start::{QueueName, StartError, StartedPort, StopError};

use crate::io::Io;

/// DPDK's packets, queues and pools.
#[derive(Debug)]
pub enum DpdkIo {}

impl Io for DpdkIo {
    type Packet = Mbuf;
    type Rx = RxQueue;
    type Tx = TxQueue;
    type Pool = Mempool;
}
