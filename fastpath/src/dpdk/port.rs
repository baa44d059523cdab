//! What a port is and says of itself.

#![expect(unsafe_code, reason = "asks foreign devices")]

use super::claim::Devices;
use super::told::Told;
use super::{Eal, Errno};
use crate::wire::Mac;
use dpdk_sys as sys;
use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A port in DPDK's own numbering. Ours is [`PortId`](crate::ids::PortId).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortIndex(pub(super) u16);

impl PortIndex {
    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for PortIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A device did not do as it was told.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} of port {device}: {errno}")]
pub struct PortError {
    pub(super) device: String,
    pub(super) what: &'static str,
    pub(super) errno: Errno,
}

impl PortError {
    /// Why.
    pub fn errno(&self) -> Errno {
        self.errno
    }
}

/// Numbers of descriptors that a queue can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At least.
    pub least: u16,
    /// At most.
    pub most: u16,
    /// Always a multiple of this.
    pub multiple: u16,
}

impl Limits {
    fn of(limits: &sys::rte_eth_desc_lim) -> Self {
        Limits {
            least: limits.nb_min,
            most: limits.nb_max,
            multiple: limits.nb_align,
        }
    }
}

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// DPDK's number of the port.
    pub index: PortIndex,
    /// DPDK's name of it: that of the device, mostly.
    pub name: String,
    /// Name of the driver, as in "net_tap".
    pub driver: String,
    /// Its address.
    pub mac: Mac,
    /// The memory next to it, if it has a place.
    pub socket: Option<u32>,
    /// Most receive queues.
    pub max_rx_queues: u16,
    /// Most transmit queues.
    pub max_tx_queues: u16,
    /// Descriptors of a receive queue.
    pub rx_descriptors: Limits,
    /// Descriptors of a transmit queue.
    pub tx_descriptors: Limits,
    /// The smallest MTU.
    pub min_mtu: u16,
    /// The largest MTU; drivers that do not know say 65535.
    pub max_mtu: u16,
    /// The longest frame it receives, by its own account.
    pub max_frame: u32,
    /// `RTE_ETH_RX_OFFLOAD_*` that it can do.
    pub rx_offloads: u64,
    /// `RTE_ETH_TX_OFFLOAD_*` that it can do.
    pub tx_offloads: u64,
    /// `RTE_ETH_RSS_*` that it says it can hash.
    pub rss_types: u64,
    /// Entries of its RSS table.
    pub reta_size: u16,
    /// It reports changes of its link.
    pub link_events: bool,
    /// It reports that it was removed.
    pub removal_events: bool,
    /// It can keep rules while it is stopped.
    pub keeps_rules: bool,
}

/// State of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Frames can pass. Some virtual drivers always say so.
    pub up: bool,
    /// Megabits in a second; 0 or [`u32::MAX`] if unknown.
    pub speed: u32,
    /// Both directions at once.
    pub full_duplex: bool,
}

/// What the device counted since it was started, or since its driver last reset it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets transmitted.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes transmitted.
    pub tx_bytes: u64,
    /// Packets lost because no receive descriptor was free (`imissed`).
    pub rx_missed: u64,
    /// Broken packets (`ierrors`).
    pub rx_errors: u64,
    /// Packets lost because the pool was empty (`rx_nombuf`).
    pub rx_no_mbuf: u64,
    /// Packets that could not be transmitted (`oerrors`).
    pub tx_errors: u64,
}

/// A port of DPDK that we own, running or not. Dropping the last owner stops it, closes it and
/// detaches its device.
///
/// May be asked from any thread; calls wait for each other. None is fit for a worker.
#[derive(Debug)]
pub struct Device {
    index: PortIndex,
    name: String,
    /// Held while the driver is called.
    calls: Mutex<Told>,
    /// Those of a bond, found when it starts for the first time: nobody gives it others later.
    pub(super) members: OnceLock<Vec<Device>>,
    /// It belongs to a bond, which sets it up, starts, stops and closes it.
    bonded: bool,
    /// Declared last: cleaned up after the port is closed.
    eal: Eal,
}

impl Device {
    /// The caller claimed the port, which exists.
    pub(super) fn new(eal: &Eal, index: PortIndex, name: String) -> Self {
        Device {
            index,
            name,
            calls: Mutex::new(Told::default()),
            members: OnceLock::new(),
            bonded: false,
            eal: eal.clone(),
        }
    }

    /// A member of this bond, claimed likewise.
    pub(super) fn member(&self, index: PortIndex) -> Self {
        let mut member = Device::new(&self.eal, index, String::new());
        member.name = member.name_in_dpdk();
        member.bonded = true;
        member
    }

    /// DPDK's number of the port.
    pub fn index(&self) -> PortIndex {
        self.index
    }

    /// The device as it was given to [`Port::open`](super::Port::open), without arguments.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for other calls to the driver.
    pub(super) fn calls(&self) -> MutexGuard<'_, Told> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check(&self, what: &'static str, returned: i32) -> Result<i32, PortError> {
        Errno::check(returned).map_err(|errno| PortError {
            device: self.name.clone(),
            what,
            errno,
        })
    }

    pub(super) fn raw_info(&self) -> Result<sys::rte_eth_dev_info, PortError> {
        let mut info = sys::rte_eth_dev_info::default();
        let _calls = self.calls();
        // SAFETY: the port is ours, so it exists; `info` is written.
        let returned = unsafe { sys::rte_eth_dev_info_get(self.index.0, &raw mut info) };
        self.check("read the properties", returned)?;
        Ok(info)
    }

    /// What the device says of itself.
    pub fn info(&self) -> Result<PortInfo, PortError> {
        let info = self.raw_info()?;
        let flags = match info.dev_flags.is_null() {
            true => 0,
            // SAFETY: points to the flags in the data of the port, which exists while we own it.
            false => unsafe { *info.dev_flags },
        };
        Ok(PortInfo {
            index: self.index,
            name: self.name_in_dpdk(),
            driver: driver_name(&info),
            mac: self.mac()?,
            // SAFETY: reads the place of an existing port.
            socket: u32::try_from(unsafe { sys::rte_eth_dev_socket_id(self.index.0) }).ok(),
            max_rx_queues: info.max_rx_queues,
            max_tx_queues: info.max_tx_queues,
            rx_descriptors: Limits::of(&info.rx_desc_lim),
            tx_descriptors: Limits::of(&info.tx_desc_lim),
            min_mtu: info.min_mtu,
            max_mtu: info.max_mtu,
            max_frame: info.max_rx_pktlen,
            rx_offloads: info.rx_offload_capa,
            tx_offloads: info.tx_offload_capa,
            rss_types: info.flow_type_rss_offloads,
            reta_size: info.reta_size,
            link_events: flags & sys::K_ETH_DEV_INTR_LSC != 0,
            removal_events: flags & sys::K_ETH_DEV_INTR_RMV != 0,
            keeps_rules: info.dev_capa & sys::K_ETH_DEV_CAPA_FLOW_RULE_KEEP != 0,
        })
    }

    /// What followed the name of the device when it was attached. The caller holds [`Devices`].
    pub(super) fn arguments(&self) -> Option<CString> {
        let device = self.raw_info().ok()?.device;
        if device.is_null() {
            return None;
        }
        // SAFETY: the device exists while its port does.
        let arguments = unsafe { sys::shim_dev_arguments(device) };
        if arguments.is_null() {
            return None;
        }
        // SAFETY: a string that belongs to the device, copied while nobody may remove it.
        let arguments = unsafe { CStr::from_ptr(arguments) }.to_owned();
        (!arguments.is_empty()).then_some(arguments)
    }

    pub(super) fn has_arguments(&self) -> bool {
        let _devices = Devices::lock();
        self.arguments().is_some()
    }

    /// Whether this is one of them, as it was written.
    pub(super) fn has_argument(&self, wanted: &str) -> bool {
        let _devices = Devices::lock();
        let arguments = self.arguments();
        arguments.is_some_and(|arguments| {
            let mut each = arguments.to_bytes().split(|byte| *byte == b',');
            each.any(|one| one == wanted.as_bytes())
        })
    }

    fn name_in_dpdk(&self) -> String {
        let mut name = [0; sys::K_ETH_NAME_MAX_LEN as usize];
        // SAFETY: the buffer has the length that DPDK writes at most, end included.
        let returned =
            unsafe { sys::rte_eth_dev_get_name_by_port(self.index.0, name.as_mut_ptr()) };
        if returned < 0 {
            return self.name.clone();
        }
        // SAFETY: the call succeeded, so the buffer holds a string.
        unsafe { CStr::from_ptr(name.as_ptr()) }
            .to_string_lossy()
            .into_owned()
    }

    /// Its own address.
    pub fn mac(&self) -> Result<Mac, PortError> {
        let mut address = sys::rte_ether_addr::default();
        let _calls = self.calls();
        // SAFETY: the port exists; `address` is written.
        let returned = unsafe { sys::rte_eth_macaddr_get(self.index.0, &raw mut address) };
        self.check("read the address", returned)?;
        Ok(Mac::new(address.addr_bytes))
    }

    /// Gives it another address. A tap gives it to the kernel's end too.
    pub fn set_mac(&self, mac: Mac) -> Result<(), PortError> {
        let mut address = sys::rte_ether_addr {
            addr_bytes: mac.bytes(),
        };
        let _calls = self.calls();
        // SAFETY: the port exists; `address` is read, and not kept.
        let returned =
            unsafe { sys::rte_eth_dev_default_mac_addr_set(self.index.0, &raw mut address) };
        self.check("set the address", returned).map(drop)
    }

    /// The state of its link, without waiting for it to settle.
    pub fn link(&self) -> Result<Link, PortError> {
        let mut link = Link::default();
        let calls = self.calls();
        // SAFETY: the port exists; the three fields are written.
        let returned = unsafe {
            sys::shim_eth_link_get_nowait(
                self.index.0,
                &raw mut link.speed,
                &raw mut link.full_duplex,
                &raw mut link.up,
            )
        };
        self.check("read the link state", returned)?;
        drop(calls);
        link.up |= self.is_elsewhere()?;
        Ok(link)
    }

    /// Whether this is a tap whose kernel interface is in another network namespace. Its driver
    /// looks for the interface in ours and sees no link, but frames pass.
    fn is_elsewhere(&self) -> Result<bool, PortError> {
        let info = self.raw_info()?;
        let mut name = [0; libc::IF_NAMESIZE];
        let tap = driver_name(&info) == "net_tap" && info.if_index != 0;
        // SAFETY: the buffer has the length that the call writes at most.
        Ok(tap && unsafe { libc::if_indextoname(info.if_index, name.as_mut_ptr()) }.is_null())
    }

    /// What it counted.
    pub fn counters(&self) -> Result<PortCounters, PortError> {
        let mut stats = sys::rte_eth_stats::default();
        let _calls = self.calls();
        // SAFETY: the port exists; `stats` is written.
        let returned = unsafe { sys::rte_eth_stats_get(self.index.0, &raw mut stats) };
        self.check("read the counters", returned)?;
        Ok(PortCounters {
            rx_packets: stats.ipackets,
            tx_packets: stats.opackets,
            rx_bytes: stats.ibytes,
            tx_bytes: stats.obytes,
            rx_missed: stats.imissed,
            rx_errors: stats.ierrors,
            rx_no_mbuf: stats.rx_nombuf,
            tx_errors: stats.oerrors,
        })
    }
}

pub(super) fn driver_name(info: &sys::rte_eth_dev_info) -> String {
    if info.driver_name.is_null() {
        return String::new();
    }
    // SAFETY: a driver's name is a constant of the driver, which stays loaded.
    unsafe { CStr::from_ptr(info.driver_name) }
        .to_string_lossy()
        .into_owned()
}

impl Drop for Device {
    fn drop(&mut self) {
        if self.bonded {
            return Devices::lock().release(self.index);
        }
        let device = self.raw_info().map(|info| info.device);
        let mut devices = Devices::lock();
        // SAFETY: the port is ours, and stopped, as a queue of a running one would hold it.
        let returned = unsafe { sys::rte_eth_dev_close(self.index.0) };
        if let Err(error) = self.check("close the queues", returned) {
            // It may still exist, so it stays claimed: nobody is to take it up in this state.
            tracing::warn!(%error, "port is left as it is");
            return;
        }
        devices.release(self.index);
        if let Ok(device) = device {
            // SAFETY: asks for a port of this device, whose pointer is only compared.
            let sibling = unsafe { sys::rte_eth_find_next_of(0, device) };
            if sibling < sys::K_MAX_ETHPORTS || device.is_null() {
                return;
            }
            // SAFETY: the device is on its bus, as nobody else removes devices, and has no port.
            let returned = unsafe { sys::rte_dev_remove(device) };
            if let Err(error) = self.check("detach the device", returned) {
                tracing::debug!(%error, "device stays attached");
            }
        }
    }
}
