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

mod counters;
mod offloading;
mod selftests;

pub use counters::{DriverCounters, DriverTotals};
pub use offloading::Offloading;
pub use selftests::{SelfTests, ToldOf};

use crate::config;
use crate::offload::report::PortReport;
use crate::offload::selftest::{Known, Tested};
use crate::offload::target::Targets;
use crate::offload::{self, Offload, Tier};
use crossbeam_channel::{Receiver, Sender, bounded};
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::offload::Mark;
use fastpath::snapshot::TxChecksums;
use fastpath::wire::Mac;
use fastpath::worker::Returned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What state wants of the device thread.
pub enum Order<I: Io> {
    /// Probe, configure and start a port.
    Open {
        /// Its number.
        id: PortId,
        /// What is wanted of it.
        wanted: Box<config::Port>,
        /// Whether its NIC is to be tested before anybody else gets its queues.
        test: Test,
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
    /// From now on this is wanted of NICs: all of it, not what changed.
    Offload {
        /// Of each port, open or not.
        wanted: BTreeMap<PortId, Targets>,
    },
    /// The most that the NIC of an open port is asked to do for tunnels from now on. Of a port that is
    /// not open it means nothing.
    SetOffload {
        /// Its number.
        id: PortId,
        /// The most.
        cap: Offload,
    },
    /// All workers know what these marks of a port stand for, and that packets may come without outer
    /// headers.
    Published {
        /// Its number.
        id: PortId,
        /// The marks.
        marks: Vec<Mark>,
    },
    /// Have a port do no more than that until another device is behind it.
    Demote {
        /// Its number.
        id: PortId,
        /// The most.
        to: Tier,
        /// Why, as a user should read it.
        why: String,
    },
    /// Stop and close a port.
    Close {
        /// Its number.
        id: PortId,
        /// All queues that came with [`Report::Opened`].
        queues: Vec<Returned<I>>,
    },
}

/// Which test there is to be of the NIC of a port that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Nobody asked: that of a start, if its device loops and was not tested yet.
    Due,
    /// Somebody asked, and no frame of it may leave: if its device loops.
    Looped,
    /// Somebody asked: by a wire, if its device does not loop.
    ByWire,
}

impl Test {
    /// Whether somebody asked for it.
    pub fn is_asked(self) -> bool {
        self != Test::Due
    }
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
    /// What the driver counted so far, since the port was opened.
    Counters {
        /// The port.
        id: PortId,
        /// The counters.
        counters: DriverCounters,
    },
    /// What NICs do for tunnels, or what became of that.
    Offload {
        /// What changed since this was last said, in order.
        changes: Vec<offload::Change>,
        /// What all ports do now, if that was looked at.
        ports: Option<Vec<PortReport>>,
    },
    /// A port is closed.
    Closed {
        /// Its number.
        id: PortId,
        /// What the driver counted up to its end, since the port was opened.
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
    /// A test of its NIC that was made since one was reported last: for this start, or for one that failed.
    pub tested: Option<Arc<Tested>>,
    /// What all tests found of its device, as long as it is behind this number.
    pub known: Known,
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
    /// Which checksums may be left to its NIC.
    pub tx: TxChecksums,
    /// It offers to make some, and refused when it was asked.
    pub tx_refused: bool,
    /// Its driver hands over packets whose checksum is open, and says so.
    pub rx_open: bool,
    /// Bytes from which on a received frame may have been cut by the driver.
    pub rx_limit: Option<u16>,
    /// The driver does not let go of it: once closed, nobody can have it again in this process.
    pub opens_once: bool,
    /// Its device may give back what it sends, for a self-test.
    pub may_loop: bool,
    /// What was wanted and could not be had, without being a failure.
    pub notes: Vec<String>,
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
pub(crate) const QUEUE: usize = 4 * PortId::LIMIT;

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
