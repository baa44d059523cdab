//! How a port is found.

#![expect(unsafe_code, reason = "looks up and attaches foreign devices")]

use super::claim::Devices;
use super::configure::Configured;
use super::{Device, Eal, Errno, PortIndex};
use dpdk_sys as sys;
use std::ffi::{CStr, CString};

/// A port could not be opened. Every text names the device.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name is empty, or has a zero byte.
    #[error("{device:?} is no device name")]
    Name {
        /// As given.
        device: String,
    },
    /// No driver took it.
    #[error("cannot attach device {device}: {errno}")]
    Attach {
        /// As given.
        device: String,
        /// Why; DPDK's log may say more.
        errno: Errno,
    },
    /// A driver took it, but made no port of it.
    #[error("device {device} has no network port")]
    NoPort {
        /// As given.
        device: String,
    },
    /// Another [`Port`] has it.
    #[error("device {device} is in use as port {port}")]
    InUse {
        /// As given.
        device: String,
        /// DPDK's number of the port.
        port: PortIndex,
    },
}

/// A port that does not run.
#[derive(Debug)]
pub struct Port {
    /// Declared first: closed before the pool that it receives into can go.
    pub(super) device: Device,
    pub(super) configured: Option<Configured>,
}

impl Port {
    /// Takes the port of a device. If DPDK does not know the device yet, it is attached, with the
    /// arguments that follow its name (`net_tap0,iface=up0`, `0000:01:00.0`); else these are not
    /// looked at. A device that the EAL was given with arguments is attached again with those, if
    /// none follow its name. A slow call.
    pub fn open(eal: &Eal, device: &str) -> Result<Self, OpenError> {
        let name = device_name(device);
        let bad_name = || OpenError::Name {
            device: device.to_owned(),
        };
        let c_name = CString::new(name.as_str()).map_err(|_| bad_name())?;
        let mut c_device = CString::new(device).map_err(|_| bad_name())?;
        if name.is_empty() {
            return Err(bad_name());
        }
        let mut devices = Devices::lock();
        let found = find(&c_name);
        if found.is_none()
            && !device.contains(',')
            && let Some(arguments) = devices.arguments(&name)
        {
            c_device = with_arguments(&c_name, arguments).ok_or_else(bad_name)?;
        }
        let index = match found {
            Some(index) => index,
            None => attach(&c_name, &c_device, device)?,
        };
        if !devices.claim(index) {
            return Err(OpenError::InUse {
                device: device.to_owned(),
                port: index,
            });
        }
        let device = Device::new(eal, index, name);
        // What was attached here is attached again by the same text.
        if found.is_some()
            && let Some(arguments) = device.arguments()
        {
            devices.remember(device.name(), arguments);
        }
        Ok(Port {
            configured: None,
            device,
        })
    }

    /// What can be asked of it.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// The part of a device before its arguments. A PCI address gets its domain, which may be left out
/// on the command line of the EAL too.
fn device_name(device: &str) -> String {
    let name = device.split(',').next().unwrap_or_default().trim();
    let is_short_pci = name.len() == 7
        && name.bytes().enumerate().all(|(place, byte)| match place {
            2 => byte == b':',
            5 => byte == b'.',
            _ => byte.is_ascii_hexdigit(),
        });
    if is_short_pci {
        format!("0000:{name}")
    } else {
        name.to_owned()
    }
}

fn with_arguments(name: &CStr, arguments: &CStr) -> Option<CString> {
    CString::new([name.to_bytes(), b",", arguments.to_bytes()].concat()).ok()
}

fn find(name: &CStr) -> Option<PortIndex> {
    let mut index = 0;
    // SAFETY: DPDK is initialised, as the caller has an `Eal`; `index` is written.
    let returned = unsafe { sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut index) };
    (returned == 0).then_some(PortIndex(index))
}

fn attach(name: &CStr, device: &CStr, text: &str) -> Result<PortIndex, OpenError> {
    // SAFETY: DPDK is initialised, and copies the string.
    let returned = unsafe { sys::rte_dev_probe(device.as_ptr()) };
    Errno::check(returned).map_err(|errno| OpenError::Attach {
        device: text.to_owned(),
        errno,
    })?;
    find(name)
        .or_else(|| first_match(name))
        .ok_or_else(|| OpenError::NoPort {
            device: text.to_owned(),
        })
}

/// The first port of a device whose ports have names of their own.
fn first_match(name: &CStr) -> Option<PortIndex> {
    let mut iterator = sys::rte_dev_iterator::default();
    // SAFETY: `iterator` is initialised by this call, and refers to `name` no longer than both
    // live.
    if unsafe { sys::rte_eth_iterator_init(&raw mut iterator, name.as_ptr()) } < 0 {
        return None;
    }
    // SAFETY: the iterator was initialised.
    let index = unsafe { sys::rte_eth_iterator_next(&raw mut iterator) };
    // SAFETY: as above; cleaning up twice does no harm.
    unsafe { sys::rte_eth_iterator_cleanup(&raw mut iterator) };
    (index < sys::K_MAX_ETHPORTS).then_some(PortIndex(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_device_ends_at_its_arguments() {
        assert_eq!(device_name("net_tap0,iface=up0,x=y"), "net_tap0");
        assert_eq!(device_name("net_null0"), "net_null0");
        assert_eq!(device_name("01:00.0"), "0000:01:00.0");
        assert_eq!(device_name("0000:01:00.0,representor=1"), "0000:01:00.0");
        assert_eq!(device_name("net_xyz"), "net_xyz");
    }
}
