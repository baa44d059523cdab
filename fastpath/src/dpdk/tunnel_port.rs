//! What is agreed with a driver about tunnels before there are rules: behind which UDP ports it
//! looks for VXLAN, and whether it delivers marks.

#![expect(unsafe_code, reason = "tells foreign devices")]

use super::told::Told;
use super::{Device, Errno, Marks, PortError, PortSettings};
use dpdk_sys as sys;

type Call = unsafe extern "C" fn(u16, *mut sys::rte_eth_udp_tunnel) -> i32;

impl Device {
    /// Has the NIC look for VXLAN behind a UDP port, in host byte order. A port that it was told
    /// already is not told again, as drivers differ in what they make of that: some count, some
    /// fail. It holds until the device is stopped. A slow call.
    ///
    /// # Errors
    /// What the driver says, whose numbers mean little: [`Errno::is_unsupported`] if it knows no
    /// such thing, others if it cannot take this port, or no more of them.
    pub fn add_vxlan_port(&self, udp_port: u16) -> Result<(), PortError> {
        let mut told = self.calls();
        if told.vxlan_ports.contains(&udp_port) {
            return Ok(());
        }
        let returned = self.tell(&told, sys::rte_eth_dev_udp_tunnel_port_add, udp_port);
        self.check("add a VXLAN port", returned)?;
        told.doubtful.remove(&udp_port);
        told.vxlan_ports.insert(udp_port);
        Ok(())
    }

    /// Takes that back; a port that the NIC was not told of is none that it has. A slow call.
    ///
    /// # Errors
    /// What the driver says. Some that can be told of a port cannot forget it: the NIC has it still.
    pub fn del_vxlan_port(&self, udp_port: u16) -> Result<(), PortError> {
        let mut told = self.calls();
        if !told.vxlan_ports.contains(&udp_port) && !told.doubtful.contains(&udp_port) {
            return Ok(());
        }
        let returned = self.tell(&told, sys::rte_eth_dev_udp_tunnel_port_delete, udp_port);
        self.check("remove a VXLAN port", returned)?;
        told.vxlan_ports.remove(&udp_port);
        told.doubtful.remove(&udp_port);
        Ok(())
    }

    /// The NIC recovered from an error, and nobody can say which of its UDP ports it still has: each
    /// may be taken back, and is told when it is added again.
    pub fn doubt_vxlan_ports(&self) {
        let mut told = self.calls();
        let known = std::mem::take(&mut told.vxlan_ports);
        told.doubtful.extend(known);
    }

    /// Tells the NIC of each, and says what came of it.
    pub(super) fn add_vxlan_ports(&self, udp_ports: &[u16]) -> Vec<(u16, Result<(), Errno>)> {
        let add = |udp_port: &u16| {
            let added = self.add_vxlan_port(*udp_port);
            (*udp_port, added.map_err(|error| error.errno()))
        };
        udp_ports.iter().map(add).collect()
    }

    /// Takes all back from a port that was just stopped: after that it may be lost or kept, by
    /// driver, and what is kept must not be told twice.
    pub(super) fn drop_vxlan_ports(&self, told: &mut Told) {
        let mut known = std::mem::take(&mut told.vxlan_ports);
        known.append(&mut told.doubtful);
        for udp_port in known {
            let returned = self.tell(told, sys::rte_eth_dev_udp_tunnel_port_delete, udp_port);
            if let Err(error) = self.check("remove a VXLAN port", returned) {
                tracing::debug!(%error, udp_port, "the NIC may still know it");
            }
        }
    }

    fn tell(&self, told: &Told, call: Call, udp_port: u16) -> i32 {
        if told.left {
            return -libc::ENODEV;
        }
        let mut tunnel = sys::rte_eth_udp_tunnel {
            udp_port,
            prot_type: sys::rte_eth_tunnel_type::RTE_ETH_TUNNEL_TYPE_VXLAN as u8,
        };
        // SAFETY: the port is ours, and `call` is one of the two functions of DPDK that take this;
        // they read it during the call. The caller holds the lock of the port.
        unsafe { call(self.index().get(), &raw mut tunnel) }
    }

    /// Asks the driver to deliver marks, unless it was asked before: it wants to know before the
    /// port is configured for the first time.
    pub(super) fn ask_marks(&self, settings: &mut PortSettings) {
        let mut told = self.calls();
        settings.marks = match told.marks {
            Some(marks) => marks,
            None => self.negotiate(&mut settings.notes),
        };
        told.marks = Some(settings.marks);
    }

    fn negotiate(&self, notes: &mut Vec<String>) -> Marks {
        let mut features = sys::K_ETH_RX_METADATA_USER_MARK | sys::K_ETH_RX_METADATA_USER_FLAG;
        // SAFETY: the port is ours; `features` is read and written. The caller holds the lock.
        let returned =
            unsafe { sys::rte_eth_rx_metadata_negotiate(self.index().get(), &raw mut features) };
        match Errno::check(returned) {
            Ok(_) if features & sys::K_ETH_RX_METADATA_USER_MARK != 0 => Marks::Agreed,
            Ok(_) => Marks::Refused,
            Err(errno) if errno.is_unsupported() => Marks::Assumed,
            Err(errno) => {
                notes.push(format!("marks cannot be agreed on: {errno}"));
                Marks::Refused
            }
        }
    }
}
