//! What a port is asked for, and what is asked of its device. Pure: no device is touched.

mod quirks;
mod refused;

use super::loopback::Loopback;
use super::{Errno, PortInfo};
use crate::snapshot::{Inside, TxChecksums};
use dpdk_sys as sys;
use quirks::Quirks;

/// What ethdev takes a frame to have beyond its MTU if a driver does not say: header and FCS.
const PLAIN_OVERHEAD: u32 = 18;

const PLAIN_CHECKSUMS: u64 = sys::K_ETH_RX_OFFLOAD_IPV4_CKSUM | sys::K_ETH_RX_OFFLOAD_UDP_CKSUM;

/// Verdicts on outer headers. Drivers that have the flag for them and are not asked may leave them
/// out.
pub(super) const OUTER_CHECKSUMS: u64 =
    sys::K_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM | sys::K_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM;

/// Checksums that are left to the NIC in what is sent. Drivers that have a faster way for who asks for
/// nothing have left it before, because of packets of several segments.
pub(super) const TX_CHECKSUMS: u64 =
    sys::K_ETH_TX_OFFLOAD_UDP_CKSUM | sys::K_ETH_TX_OFFLOAD_TCP_CKSUM;

/// By which a NIC is asked to cut packets of TCP, beside their checksums.
const CUTS: u64 = sys::K_ETH_TX_OFFLOAD_TCP_TSO | sys::K_ETH_TX_OFFLOAD_IPV4_CKSUM;

/// The same of packets in VXLAN.
const INNER_CUTS: u64 =
    sys::K_ETH_TX_OFFLOAD_VXLAN_TNL_TSO | sys::K_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM;

/// All of them.
pub(super) const ALL_CUTS: u64 = CUTS | INNER_CUTS;

/// Least descriptors of a transmit queue of a NIC that cuts: a packet that wants more of them than there are
/// is never sent, nor is what comes behind it. One in 40 buffers, which are the most of any that is left to a
/// NIC, wants 41, and Intel's drivers free 32 at a time.
const CUT_DESCRIPTORS: u16 = 128;

/// By which a driver is told that checksums may be left open in what it receives.
pub(super) const OPEN: u64 = sys::K_ETH_RX_OFFLOAD_UDP_CKSUM | sys::K_ETH_RX_OFFLOAD_TCP_CKSUM;

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
    /// Rules are going to be installed that mark packets, the NIC is to look into tunnels, and
    /// checksums of what is sent are to be left to it, and cuts. It has to be known when a port is configured for
    /// the first time after it was opened.
    pub offload: bool,
    /// UDP ports, in host byte order, behind which the NIC is to find VXLAN from the moment it
    /// starts. For some a port that comes later is a reset.
    pub vxlan_ports: Vec<u16>,
    /// Give back what is sent instead of sending it, if the device can: see
    /// [`PortSettings::loopback`]. For a self-test; no frame leaves or comes in.
    pub loopback: bool,
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
            offload: false,
            vxlan_ports: Vec::new(),
            loopback: false,
        }
    }
}

/// What a driver said when it was asked to deliver marks with packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marks {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It will.
    Agreed,
    /// It knows no such question. By ethdev's rules it delivers marks if it takes the rules.
    Assumed,
    /// It will not.
    Refused,
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
    /// It also verifies, or may, those of outer headers in packets that it sees a tunnel in.
    pub outer_checksums: bool,
    /// Which checksums may be left to it in what is sent, and whether that may be cut by it.
    pub tx: TxChecksums,
    /// It hands over packets whose checksum their sender left open, and says so of each.
    pub open: bool,
    /// It may hand over packets with flags that ask for something as they are sent: those of who had the
    /// buffer before, or of another process. They are cleared.
    pub stray_flags: bool,
    /// It offers to make checksums of what is sent, and refused when it was asked.
    pub tx_refused: bool,
    /// Whether marks reach packets.
    pub marks: Marks,
    /// The UDP ports of [`PortConfig::vxlan_ports`], and what the driver said of each when the port
    /// was started last.
    pub vxlan_ports: Vec<(u16, Result<(), Errno>)>,
    /// By all that is known of its driver it receives what it sends, and nothing else, and sends
    /// nothing to anybody else. Never so unless asked for, but for devices that do nothing else.
    pub loopback: bool,
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
    /// `lpbk_mode`, a number that each driver reads in its own way; zero is none.
    pub(super) loopback_mode: u32,
    pub(super) link_events: bool,
    pub(super) removal_events: bool,
    /// Whether marks are wanted.
    pub(super) ask_marks: bool,
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
    let rss_types = rss_types(info, rx_queues);
    if told_mtu.is_none() {
        notes.push(format!("the driver cannot be told an MTU above {told}"));
    }
    if rx_queues > 1 && rss_types == 0 {
        notes.push("no RSS: the driver fills the receive queues as it likes".to_owned());
    }
    let loops = Loopback::of(&info.driver);
    if config.loopback && loops == Loopback::Never {
        let driver = &info.driver;
        notes.push(format!("{driver} is not known to loop without a wire"));
    }
    let rx_offloads = rx_offloads(info, config, &quirks);
    let tx_offloads = tx_offloads(info, config, &quirks);
    Plan {
        settings: PortSettings {
            rx_queues,
            tx_queues,
            rx_descriptors: config.rx_descriptors,
            tx_descriptors: config.tx_descriptors,
            mtu,
            rss: rss_types != 0,
            chains: tx_offloads & sys::K_ETH_TX_OFFLOAD_MULTI_SEGS != 0,
            rx_checksums: rx_offloads & PLAIN_CHECKSUMS != 0 && !quirks.open_checksums,
            outer_checksums: rx_offloads & OUTER_CHECKSUMS != 0,
            tx: tx_checksums(info, tx_offloads, &quirks),
            open: quirks.open_checksums && rx_offloads & OPEN != 0,
            stray_flags: quirks.stray_flags,
            tx_refused: false,
            marks: Marks::NotAsked,
            vxlan_ports: Vec::new(),
            loopback: match loops {
                Loopback::Always => true,
                Loopback::Mode(_) => config.loopback,
                Loopback::Never => false,
            },
            kept: quirks.kept * u32::from(rx_queues),
            notes,
        },
        mtu: told_mtu,
        rss_types,
        rx_offloads,
        tx_offloads,
        loopback_mode: match loops {
            Loopback::Mode(mode) if config.loopback => mode,
            _ => 0,
        },
        link_events: info.link_events,
        removal_events: info.removal_events,
        ask_marks: config.offload,
    }
}

fn rss_types(info: &PortInfo, rx_queues: u16) -> u64 {
    let wanted = sys::K_ETH_RSS_IP | sys::K_ETH_RSS_UDP | sys::K_ETH_RSS_TCP;
    if rx_queues > 1 {
        info.rss_types & wanted
    } else {
        0
    }
}

fn rx_offloads(info: &PortInfo, config: &PortConfig, quirks: &Quirks) -> u64 {
    if !config.rx_checksums || (quirks.open_checksums && !config.offload) {
        return 0;
    }
    if quirks.open_checksums {
        return info.rx_offloads & OPEN;
    }
    let outer = if config.offload { OUTER_CHECKSUMS } else { 0 };
    info.rx_offloads & (PLAIN_CHECKSUMS | outer)
}

fn tx_offloads(info: &PortInfo, config: &PortConfig, quirks: &Quirks) -> u64 {
    let checksums = match config.offload && quirks.believes {
        true => TX_CHECKSUMS,
        false => 0,
    };
    let offloads = info.tx_offloads & (sys::K_ETH_TX_OFFLOAD_MULTI_SEGS | checksums);
    offloads | cuts(info, config, quirks, offloads)
}

/// What is asked for beside these so that the device cuts packets. A packet that is left to be cut is in many
/// buffers, and each segment has checksums.
fn cuts(info: &PortInfo, config: &PortConfig, quirks: &Quirks, offloads: u64) -> u64 {
    let offers = |all: u64| info.tx_offloads & all == all;
    let room = config.tx_descriptors.min(info.tx_descriptors.most) >= CUT_DESCRIPTORS;
    let needs = TX_CHECKSUMS | sys::K_ETH_TX_OFFLOAD_MULTI_SEGS;
    if !quirks.cuts || !room || offloads & needs != needs || !offers(CUTS) {
        return 0;
    }
    match quirks.inside != Inside::Never && offers(INNER_CUTS) {
        true => ALL_CUTS,
        false => CUTS,
    }
}

fn tx_checksums(info: &PortInfo, offloads: u64, quirks: &Quirks) -> TxChecksums {
    let has = |one: u64| offloads & one != 0;
    let udp = has(sys::K_ETH_TX_OFFLOAD_UDP_CKSUM);
    let tcp = has(sys::K_ETH_TX_OFFLOAD_TCP_CKSUM);
    // Without packets of several segments there is a faster way (net_ice), which knows of no tunnels.
    let inside = udp && tcp && has(sys::K_ETH_TX_OFFLOAD_MULTI_SEGS);
    TxChecksums {
        udp,
        tcp,
        segments: has(sys::K_ETH_TX_OFFLOAD_TCP_TSO),
        inside_segments: has(sys::K_ETH_TX_OFFLOAD_VXLAN_TNL_TSO),
        inside: match inside && info.tx_offloads & quirks.tunnels != 0 {
            true => quirks.inside,
            false => Inside::Never,
        },
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
