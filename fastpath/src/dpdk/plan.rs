//! What a port is asked for, and what is asked of its device. Pure: no device is touched.

use super::PortInfo;
use dpdk_sys as sys;

/// What ethdev takes a frame to have beyond its MTU if a driver does not say: header and FCS.
const PLAIN_OVERHEAD: u32 = 18;

/// What a port is asked for. The device may have less: see [`PortSettings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// Receive queues, at least one.
    pub rx_queues: u16,
    /// Transmit queues, at least one. `None`: one for each worker, or as many as there are.
    pub tx_queues: Option<u16>,
    /// Threads that transmit.
    pub workers: u16,
    /// Descriptors of each receive queue.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue.
    pub tx_descriptors: u16,
    /// The largest L3 packet.
    pub mtu: u16,
    /// Receive frames for other stations too.
    pub promiscuous: bool,
    /// Let the NIC verify checksums if it can.
    pub rx_checksums: bool,
}

impl Default for PortConfig {
    fn default() -> Self {
        PortConfig {
            rx_queues: 1,
            tx_queues: None,
            workers: 1,
            rx_descriptors: 1024,
            tx_descriptors: 1024,
            mtu: 1500,
            promiscuous: true,
            rx_checksums: true,
        }
    }
}

/// What a port was configured to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortSettings {
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Descriptors of each receive queue.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue.
    pub tx_descriptors: u16,
    /// The largest L3 packet, as the device has it.
    pub mtu: u16,
    /// Receive queues are chosen by a hash of the flow. If not, and there are several, the driver
    /// fills them as it likes.
    pub rss: bool,
    /// Packets may be sent in several segments: the `may_chain` of
    /// [`Pool::replicate`](crate::io::Pool::replicate).
    pub chains: bool,
    /// The NIC verifies IPv4 and UDP checksums.
    pub rx_checksums: bool,
    /// Mbufs that the driver never gives back, not even when the port is closed.
    pub kept: u32,
    /// What is not as it was asked for, in words for the log.
    pub notes: Vec<String>,
}

/// What to ask of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// What is hoped for; becomes true as the device agrees.
    pub(super) settings: PortSettings,
    /// The MTU that the driver is told, if it can be.
    pub(super) mtu: Option<u16>,
    /// Hashes for RSS, or none.
    pub(super) rss_types: u64,
    pub(super) rx_offloads: u64,
    pub(super) tx_offloads: u64,
    pub(super) link_events: bool,
    pub(super) removal_events: bool,
}

/// Drivers whose device has less than it says.
struct Quirks {
    /// Wants as many transmit as receive queues.
    equal_queues: bool,
    /// With receive checksum offload it delivers packets of guests whose checksum is unfinished,
    /// which must not leave on a wire. Without, the driver or the guest finishes them.
    unfinished_checksums: bool,
    /// Says the length of a plain Ethernet frame, but passes what its interface or ring passes.
    nominal_frame: bool,
    /// Mbufs that it puts before the kernel for each receive queue, and forgets there at the end.
    kept: u32,
}

impl Quirks {
    fn of(driver: &str) -> Self {
        Quirks {
            equal_queues: matches!(driver, "net_tap" | "net_af_xdp"),
            unfinished_checksums: driver == "net_vhost" || driver.starts_with("net_virtio"),
            nominal_frame: matches!(driver, "net_af_packet" | "net_memif"),
            kept: if driver == "net_af_xdp" { 2048 } else { 0 },
        }
    }
}

/// Fits what is asked for to what the device says it has.
pub(super) fn plan(info: &PortInfo, config: &PortConfig) -> Plan {
    let quirks = Quirks::of(&info.driver);
    let mut notes = Vec::new();
    let mut cap = |wanted: u16, has: u16, what: &str| {
        let wanted = wanted.max(1);
        if wanted > has {
            notes.push(format!("{has} {what} instead of {wanted}"));
        }
        wanted.min(has)
    };
    let rx_queues = cap(config.rx_queues, info.max_rx_queues, "receive queues");
    let most = if quirks.equal_queues {
        rx_queues
    } else {
        info.max_tx_queues
    };
    let tx_queues = match config.tx_queues {
        _ if quirks.equal_queues && config.tx_queues.unwrap_or(config.workers) < rx_queues => {
            rx_queues
        }
        Some(wanted) => cap(wanted, most, "transmit queues"),
        // Nobody asked for a number, so one that the device does not have is no news.
        None => config.workers.max(1).min(most),
    };
    let told = max_mtu(info);
    let (mtu, told_mtu) = if quirks.nominal_frame && config.mtu > told {
        (config.mtu, None)
    } else {
        let mtu = cap(config.mtu, told, "bytes of MTU");
        (mtu, Some(mtu))
    };
    let rss_types = if rx_queues > 1 {
        info.rss_types & (sys::K_ETH_RSS_IP | sys::K_ETH_RSS_UDP | sys::K_ETH_RSS_TCP)
    } else {
        0
    };
    if told_mtu.is_none() {
        notes.push(format!("the driver cannot be told an MTU above {told}"));
    }
    if rx_queues > 1 && rss_types == 0 {
        notes.push("no RSS: the driver fills the receive queues as it likes".to_owned());
    }
    let rx_offloads = if config.rx_checksums && !quirks.unfinished_checksums {
        info.rx_offloads & (sys::K_ETH_RX_OFFLOAD_IPV4_CKSUM | sys::K_ETH_RX_OFFLOAD_UDP_CKSUM)
    } else {
        0
    };
    let tx_offloads = info.tx_offloads & sys::K_ETH_TX_OFFLOAD_MULTI_SEGS;
    Plan {
        settings: PortSettings {
            rx_queues,
            tx_queues,
            rx_descriptors: config.rx_descriptors,
            tx_descriptors: config.tx_descriptors,
            mtu,
            rss: rss_types != 0,
            chains: tx_offloads != 0,
            rx_checksums: rx_offloads != 0,
            kept: quirks.kept * u32::from(rx_queues),
            notes,
        },
        mtu: told_mtu,
        rss_types,
        rx_offloads,
        tx_offloads,
        link_events: info.link_events,
        removal_events: info.removal_events,
    }
}

/// The largest MTU that ethdev lets a driver be told: that of the driver, if it knows one, and what
/// its longest frame leaves.
fn max_mtu(info: &PortInfo) -> u16 {
    let known = info.max_mtu != u16::MAX && info.max_frame > u32::from(info.max_mtu);
    let overhead = if known {
        info.max_frame - u32::from(info.max_mtu)
    } else {
        PLAIN_OVERHEAD
    };
    let left = info.max_frame.saturating_sub(overhead);
    info.max_mtu.min(u16::try_from(left).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
