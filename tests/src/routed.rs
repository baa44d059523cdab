//! A remote behind routers: the switch on one network, a kernel VTEP on another, and gateways that
//! are on both.
//!
//! ```text
//!                                               +-- gateway 1 --+
//!   host 10.0.0.101 -- [lan  switch  uplink] ---+               +--- VTEP 198.51.100.1
//!                            192.0.2.254        +-- gateway 2 --+    10.0.0.1
//!                                     192.0.2.11, .12   198.51.100.11, .12
//! ```

use crate::daemon::Daemon;
use crate::frame::{self, Ipv4};
use crate::lab::{self, HOST_END, Lab, Link, Segment};
use crate::netns::Netns;
use crate::site::{SWITCH, VNI, VTEP_DEVICE, host_ip, host_mac, mac, vtep_ip, vtep_mac};
use crate::traffic::{self, Capture};
use crate::{Result, account};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The network behind the gateways.
pub const FAR: &str = "198.51.100.0/24";
/// The VTEP's address there.
pub const REMOTE: &str = "198.51.100.1";
/// A gateway's interface on the network of the VTEP; that on the network of the switch is
/// [`HOST_END`].
pub const FAR_END: &str = "far";

/// The address of gateway `n` on the network of the switch, from 1.
#[must_use]
pub fn gateway(n: u8) -> String {
    format!("192.0.2.{}", 10 + n)
}

/// The same on the network of the VTEP.
fn gateway_far(n: u8) -> String {
    format!("198.51.100.{}", 10 + n)
}

/// The switch, its host, two gateways and the VTEP, all running.
#[derive(Debug)]
pub struct Routed {
    /// The switch.
    pub lab: Lab,
    /// Its host.
    pub host: Netns,
    /// Two kernels that forward.
    pub gateways: [Netns; 2],
    /// The remote, which answers by way of gateway 1.
    pub vtep: Netns,
    // What they are plugged into.
    _segments: [Segment; 2],
}

impl Routed {
    /// Builds it, with these `[[route]]` tables.
    ///
    /// # Errors
    /// If anything fails on the way.
    pub fn new(routes: &str) -> Result<Self> {
        let (underlay, overlay) = Link::AfPacket.mtus();
        let mut lab = Lab::new(Link::AfPacket)?;
        let (uplink, lan) = (lab.port("uplink", underlay)?, lab.port("lan", overlay)?);
        let segments = [Segment::new(underlay)?, Segment::new(underlay)?];
        segments[0].uplink(&lab, &uplink)?;
        let gateways = [Netns::new("gw1")?, Netns::new("gw2")?];
        for (n, ns) in (1..).zip(&gateways) {
            connect_gateway(&segments, ns, n)?;
        }
        let vtep = Netns::new("vtep")?;
        let (far_mac, address) = ("02:00:00:00:01:01", format!("{REMOTE}/24"));
        segments[1].host(&vtep, "vtep", far_mac, &address)?;
        vtep.ip(&format!("route add 192.0.2.0/24 via {}", gateway_far(1)))?;
        let ends = (REMOTE, &[SWITCH][..]);
        lab::kernel_vxlan(&vtep, VNI, ends, &vtep_mac(1), &(vtep_ip(1) + "/24"))?;
        let host = Netns::new("host")?;
        let address = host_ip(1) + "/24";
        lab.plug(&lan, &host, &host_mac(1), Some(&address))?;
        lab.start_with(&format!(
            "{}addresses = [\"{SWITCH}/24\"]\n{}{routes}\
             [[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\n\
             local = \"{SWITCH}\"\nremotes = [\"{REMOTE}\"]\n",
            uplink.toml(),
            lan.toml()
        ))?;
        Ok(Self {
            lab,
            host,
            gateways,
            vtep,
            _segments: segments,
        })
    }

    /// The running switch.
    ///
    /// # Errors
    /// If it was not started.
    pub fn daemon(&self) -> Result<&Daemon> {
        self.lab.daemon()
    }

    /// Runs `overpath route` with these words.
    ///
    /// # Errors
    /// If it fails, with what it said.
    pub fn route(&self, line: &str) -> Result<String> {
        let words: Vec<&str> = ["route"].into_iter().chain(line.split(' ')).collect();
        self.daemon()?.client(&words)
    }

    /// Host and VTEP know each other.
    ///
    /// # Errors
    /// If they never do.
    pub fn warm_up(&self) -> Result {
        traffic::reach(&self.host, &vtep_ip(1))?;
        traffic::reach(&self.vtep, &host_ip(1))
    }

    /// The VTEP sends to the network of the switch by way of gateway `n`.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn answer_by(&self, n: u8) -> Result {
        let via = gateway_far(n);
        self.vtep
            .ip(&format!("route replace 192.0.2.0/24 via {via}"))
            .map(drop)
    }

    /// Sends flows of one frame each from the host, some milliseconds apart. Their numbers come out
    /// in [`Arrivals`].
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn send(&self, flows: std::ops::Range<u16>, pause_ms: u32) -> Result {
        let frames: Vec<_> = flows.map(flow).collect();
        self.host.send_frames(HOST_END, &frames, pause_ms)
    }

    /// Stops the switch and checks that its account closes.
    ///
    /// # Errors
    /// If it does not.
    pub fn finish(mut self) -> Result {
        account::ports_closed(&self.daemon()?.wait_quiet()?)?;
        self.lab.stop()?.check().map(drop)
    }
}

fn connect_gateway(segments: &[Segment; 2], ns: &Netns, n: u8) -> Result {
    let mac = |side: u8| format!("02:00:00:00:0{side}:{:02x}", 0x10 + n);
    let name = format!("gw{n}");
    segments[1].host(ns, &name, &mac(6), &(gateway_far(n) + "/24"))?;
    ns.ip(&format!("link set {HOST_END} down"))?;
    ns.ip(&format!("link set {HOST_END} name {FAR_END}"))?;
    ns.ip(&format!("link set {FAR_END} up"))?;
    segments[0].host(ns, &name, &mac(5), &(gateway(n) + "/24"))?;
    ns.write_proc("net/ipv4/ip_forward", "1")
}

/// A frame of flow `number`, to an address that the VTEP's kernel does not have: it is silent.
fn flow(number: u16) -> Vec<u8> {
    let nobody = Ipv4Addr::new(10, 0, 0, 99);
    let ip = Ipv4::new(Ipv4Addr::new(10, 0, 0, 101), nobody, 17);
    let (to, from) = (mac(&vtep_mac(1)), mac(&host_mac(1)));
    frame::udp_frame(to, from, ip, (FIRST_PORT + number, 9), &[0; 32])
}

/// The source port of flow 0.
const FIRST_PORT: u16 = 10_000;

/// The flows that come out of the tunnel, and by which gateway they came.
#[derive(Debug)]
pub struct Arrivals {
    at_vtep: Capture,
    at_gateways: [Capture; 2],
}

impl Arrivals {
    /// Watches from now on.
    ///
    /// # Errors
    /// If a capture does not start.
    pub fn watch(site: &Routed) -> Result<Self> {
        let [one, two] = &site.gateways;
        let outer = "-Q in udp dst port 4789";
        Ok(Self {
            at_vtep: Capture::start(&site.vtep, VTEP_DEVICE, "-Q in udp dst port 9")?,
            at_gateways: [
                Capture::start(one, HOST_END, outer)?,
                Capture::start(two, HOST_END, outer)?,
            ],
        })
    }

    /// The numbers of the flows at the VTEP, in the order in which they came.
    ///
    /// # Errors
    /// If the capture is broken.
    pub fn flows(&self) -> Result<Vec<u16>> {
        let number = |frame: Vec<u8>| source_port(&frame) - FIRST_PORT;
        Ok(self.at_vtep.frames()?.into_iter().map(number).collect())
    }

    /// By which gateway, 1 or 2, each flow came last.
    ///
    /// # Errors
    /// If a capture is broken.
    pub fn ways(&self) -> Result<BTreeMap<u16, u8>> {
        let mut ways = BTreeMap::new();
        for (n, capture) in (1..).zip(&self.at_gateways) {
            for frame in capture.frames()? {
                let inner = &frame[frame::OUTER_LEN..];
                let udp = inner[12..14] == [8, 0] && inner[23] == 17;
                if let Some(number) = source_port(inner).checked_sub(FIRST_PORT).filter(|_| udp) {
                    ways.insert(number, n);
                }
            }
        }
        Ok(ways)
    }
}

/// Of an IPv4 frame without options.
fn source_port(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[34], frame[35]])
}
