//! What passes between the state thread, which decides, and the device thread, which alone makes
//! slow calls to a NIC.
//!
//! ```text
//! state --Order--> device     open this port, close it with these queues
//! state <--Report-- device    opened with these queues, failed because, link, counters, closed
//! ```
//!
//! Both queues are bounded. A queue object belongs to whoever holds it: state passes it on to a
//! worker, and a port can only be closed with all of its queues.

use crate::config;
use crossbeam_channel::{Receiver, Sender, bounded};
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::wire::Mac;
use fastpath::worker::Returned;

/// What state wants of the device thread.
pub enum Order<I: Io> {
    /// Probe, configure and start a port.
    Open {
        /// Its number.
        id: PortId,
        /// What is wanted of it.
        wanted: Box<config::Port>,
    },
    /// Give an open port another MAC.
    SetMac {
        /// Its number.
        id: PortId,
        /// The MAC.
        mac: Mac,
    },
    /// Give an open port another MTU.
    SetMtu {
        /// Its number.
        id: PortId,
        /// The MTU.
        mtu: u16,
    },
    /// Stop and close a port.
    Close {
        /// Its number.
        id: PortId,
        /// All queues that came with [`Report::Opened`].
        queues: Vec<Returned<I>>,
    },
}

/// What the device thread has to say.
pub enum Report<I: Io> {
    /// A port is open and started.
    Opened(Box<Opened<I>>),
    /// A port could not be opened.
    Failed {
        /// Its number.
        id: PortId,
        /// What went wrong, as a user should read it.
        reason: String,
    },
    /// The link came or went.
    Link {
        /// The port.
        id: PortId,
        /// Whether there is link now.
        up: bool,
    },
    /// The device is gone or cannot go on: the port is to be closed, and opened again later.
    Lost {
        /// The port.
        id: PortId,
        /// What happened, as a user should read it.
        reason: String,
    },
    /// Something that was wanted of an open port could not be had, and it goes on without.
    Note {
        /// The port.
        id: PortId,
        /// What, as a user should read it.
        text: String,
    },
    /// An open port has the MTU of [`Order::SetMtu`] now, or has to be opened anew for it.
    Mtu {
        /// The port.
        id: PortId,
        /// Its MTU now; `None` if it cannot be changed while the port runs.
        mtu: Option<u16>,
    },
    /// What the driver counted so far.
    Counters {
        /// The port.
        id: PortId,
        /// The counters.
        counters: DriverCounters,
    },
    /// A port is closed.
    Closed {
        /// Its number.
        id: PortId,
        /// What the driver counted up to its end.
        counters: DriverCounters,
    },
}

/// A started port.
pub struct Opened<I: Io> {
    /// Its number.
    pub id: PortId,
    /// What it turned out to be.
    pub info: PortInfo,
    /// Its receive queues.
    pub rx: Vec<I::Rx>,
    /// Its transmit queues; queue `q` is for worker `q`.
    pub tx: Vec<I::Tx>,
}

/// What is known of a started port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// Name of the driver.
    pub driver: String,
    /// Its own MAC.
    pub mac: Mac,
    /// Longest layer-3 packet, as the device has it: at most what was wanted.
    pub mtu: u16,
    /// Whether there is link.
    pub link: bool,
    /// Takes packets of more than one segment.
    pub may_chain: bool,
    /// Bytes from which on a received frame may have been cut by the driver.
    pub rx_limit: Option<u16>,
    /// What was wanted and could not be had, without being a failure.
    pub notes: Vec<String>,
}

/// What a driver counts beside us. Never part of the account: these packets did not reach us, or
/// left us before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverCounters {
    /// Packets that the device had no descriptor for.
    pub rx_missed: u64,
    /// Packets that the pool had no buffer for.
    pub rx_no_mbuf: u64,
    /// Packets received in error.
    pub rx_errors: u64,
    /// Packets that failed to be sent.
    pub tx_errors: u64,
}

/// State's end.
pub struct DeviceEnd<I: Io> {
    /// Orders go here.
    pub orders: Sender<Order<I>>,
    /// Reports come here.
    pub reports: Receiver<Report<I>>,
}

/// The device thread's end.
pub struct OrderEnd<I: Io> {
    /// Orders come here.
    pub orders: Receiver<Order<I>>,
    /// Reports go here.
    pub reports: Sender<Report<I>>,
}

/// Room for an order and a few reports for each port there can be.
const QUEUE: usize = 4 * PortId::LIMIT;

/// The two ends of the queues between state and device.
pub fn channel<I: Io>() -> (DeviceEnd<I>, OrderEnd<I>) {
    let (orders, orders_rx) = bounded(QUEUE);
    let (reports, reports_rx) = bounded(QUEUE);
    (
        DeviceEnd {
            orders,
            reports: reports_rx,
        },
        OrderEnd {
            orders: orders_rx,
            reports,
        },
    )
}
