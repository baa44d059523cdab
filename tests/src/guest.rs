//! A guest with the kernel's TCP, which leaves checksums and segments to its NIC: testpmd is the driver
//! of that NIC.
//!
//! ```text
//!   kernel -- eth0 == wire -- testpmd -- net_virtio_user == vhost socket of the switch
//! ```
//!
//! What the kernel hands out longer than its MTU testpmd passes on as it is, and asks for segments of the
//! size that it was told. What comes from the switch is handed to the kernel frame by frame.

use crate::Result;
use crate::lab::HOST_END;
use crate::netns::Netns;
use crate::testpmd::Testpmd;
use std::path::Path;

/// The driver's end of the veth pair.
const WIRE: &str = "wire";
/// How much the kernel hands out at once: with headers it fits into a frame of the ring.
const MOST: u32 = 30_000;
/// Room for such a frame, which the driver does not take in pieces.
const RING: &str = "blocksz=65536,framesz=32768,framecnt=256";
const BUFFERS: [&str; 2] = ["--mbuf-size=33024", "--total-num-mbufs=2048"];

/// A guest, connected.
#[derive(Debug)]
pub struct Guest {
    /// Its kernel.
    pub ns: Netns,
    /// Its driver.
    pub testpmd: Testpmd,
    // Held for the driver's end.
    _driver: Netns,
}

impl Guest {
    /// Connects a guest to a socket, with a MAC and an MTU. Packets of TCP that have more payload are
    /// left to be cut into segments of `segment` bytes; without it the kernel cuts them itself.
    ///
    /// # Errors
    /// If the kernel or testpmd refuses.
    pub fn new(socket: &Path, mac: &str, mtu: u32, segment: Option<u16>) -> Result<Self> {
        let (ns, driver) = (Netns::new("guest")?, Netns::new("driver")?);
        driver.ip(&format!(
            "link add {WIRE} mtu {mtu} type veth peer name {HOST_END} netns {} mtu {mtu} address {mac}",
            ns.name()
        ))?;
        driver.ip(&format!("link set {WIRE} up"))?;
        match segment {
            Some(_) => ns.ip(&format!("link set {HOST_END} gso_max_size {MOST}"))?,
            None => ns.run("ethtool", &["-K", HOST_END, "tso", "off", "gso", "off"])?,
        };
        ns.ip(&format!("link set {HOST_END} up"))?;
        let wire = format!("net_af_packet0,iface={WIRE},{RING}");
        let port = format!(
            "net_virtio_user0,path={},queues=1,mac={mac}",
            socket.display()
        );
        let mut testpmd = Testpmd::start_with(Some(&driver), &[&wire, &port], "csum", &BUFFERS)?;
        // Or the stations at both ends would be testpmd's own.
        testpmd.tell("csum mac-swap off 0")?;
        testpmd.tell("csum mac-swap off 1")?;
        let mut guest = Self {
            ns,
            testpmd,
            _driver: driver,
        };
        guest.set("csum set tcp hw 1")?;
        if let Some(segment) = segment {
            guest.set(&format!("tso set {segment} 1"))?;
        }
        Ok(guest)
    }

    /// Changes what the driver, which is testpmd's port 1, leaves to the switch: a command of testpmd's.
    /// The guest is connected anew.
    ///
    /// # Errors
    /// If testpmd is gone.
    pub fn set(&mut self, command: &str) -> Result {
        for line in ["stop", "port stop 1", command, "port start 1", "start"] {
            self.testpmd.tell(line)?;
        }
        Ok(())
    }
}
