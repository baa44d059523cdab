//! Which devices can give back what they send, without a wire.
//!
//! ethdev has a field for it, `lpbk_mode`, and no way to ask whether it has an effect: most drivers
//! do not read it, and send to the wire as ever. So it is set for those alone whose code was read.

use super::PortInfo;

/// How a device comes to receive what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loopback {
    /// It does nothing else.
    Always,
    /// By this value, which cuts off the wire in both directions.
    Mode(u32),
    /// Not at all, or nothing is known of it, or frames would pass the wire meanwhile.
    Never,
}

/// Each was read in 22.11. It sets the MAC of the port to internal loopback when it starts (cnxk:
/// when it is configured), and takes that back when it is configured and started without. Virtual
/// functions cannot: those of cnxk refuse to be configured so, those of the others have drivers of
/// other names. ixgbe refuses to start where its NIC cannot.
const MODES: [(&str, u32); 4] = [
    ("net_i40e", 1),
    ("net_ixgbe", 1),
    ("net_cn9k", 1),
    ("net_cn10k", 1),
];

impl Loopback {
    /// Of the driver of this name.
    pub(super) fn of(driver: &str) -> Self {
        if driver == "net_ring" {
            return Loopback::Always;
        }
        let mode = MODES.iter().find(|(name, _)| *name == driver);
        mode.map_or(Loopback::Never, |(_, mode)| Loopback::Mode(*mode))
    }
}

impl PortInfo {
    /// Whether the device may give back what it sends, if it is configured so: see
    /// [`PortSettings::loopback`](super::PortSettings::loopback), which says whether it does.
    pub fn can_loop(&self) -> bool {
        Loopback::of(&self.driver) != Loopback::Never
    }
}
