//! What is asked of a NIC. The driver answers, or a model of one.

use fastpath::offload::Rule;
use nix::errno::Errno;
use std::fmt;

/// One port of a NIC that is open, as the device thread sees it. All calls may be slow; all are made
/// on that thread.
pub trait Nic {
    /// A rule that is installed. Of no use any more once its port was stopped.
    type Handle;

    /// What it is and has.
    fn facts(&self) -> NicFacts;

    /// Has its parser look for VXLAN behind a UDP port, in host byte order. Not asked twice for the
    /// same port: drivers differ in what they make of that.
    fn add_udp_port(&mut self, port: u16) -> Result<(), NicError>;

    /// Takes that back.
    fn del_udp_port(&mut self, port: u16) -> Result<(), NicError>;

    /// Whether it would take a rule. Drivers answer wrongly in both directions at times.
    fn validate(&mut self, rule: &Rule) -> Result<(), NicError>;

    /// Installs a rule.
    fn create(&mut self, rule: &Rule) -> Result<Self::Handle, NicError>;

    /// Takes a rule back. If it fails the handle is kept.
    fn destroy(&mut self, handle: Self::Handle) -> Result<(), (Self::Handle, NicError)>;

    /// Takes all rules of the port back: no handle may be used any more, whatever it returns.
    fn flush(&mut self) -> Result<(), NicError>;

    /// Packets that a rule which counts has matched.
    fn hits(&mut self, handle: &Self::Handle) -> Result<u64, NicError>;
}

/// What a NIC says of itself, as far as offload is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicFacts {
    /// The device, if it is a member of a bond.
    pub device: Option<String>,
    /// Name of the driver, as in "mlx5_pci" and "net_ice".
    pub driver: String,
    /// Receive queues that the port runs with.
    pub rx_queues: u16,
    /// Whether marks reach packets, as the driver said before the port was configured.
    pub marks: MarkDelivery,
    /// Whether rules live on when the port is stopped and started again.
    pub keeps_rules: bool,
}

/// What a driver said when it was asked to deliver marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkDelivery {
    /// It will.
    Agreed,
    /// It knows no such question, which by ethdev's rules means that marks are delivered if rules
    /// are taken.
    Assumed,
    /// It will not.
    Refused,
}

/// A NIC did not do as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicError {
    /// Which error.
    pub errno: Errno,
    /// What the driver said, if it said anything.
    pub message: Option<String>,
}

/// What an error means for whoever would go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The NIC cannot do it, and asking again is of no use.
    Never,
    /// There is no room for one more: what is there stays.
    Full,
    /// It may work later.
    Later,
    /// The device is gone.
    Gone,
}

impl NicError {
    /// What follows from it.
    pub fn meaning(&self) -> Meaning {
        match self.errno {
            Errno::EIO | Errno::ENODEV => Meaning::Gone,
            Errno::ENOSPC | Errno::ENOMEM => Meaning::Full,
            Errno::EAGAIN | Errno::EBUSY | Errno::ETIMEDOUT => Meaning::Later,
            _ => Meaning::Never,
        }
    }

    /// Whether the device is gone.
    pub fn is_gone(&self) -> bool {
        self.meaning() == Meaning::Gone
    }
}

impl fmt::Display for NicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{message} ({})", self.errno.desc()),
            None => f.write_str(self.errno.desc()),
        }
    }
}

impl std::error::Error for NicError {}
