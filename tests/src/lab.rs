//! A switch with ports that lead into namespaces.

use crate::daemon::{Daemon, Setup, Stopped};
use crate::netns::Netns;
use crate::{Result, skip};
use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a port of the switch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// net_tap: the kernel's end is moved into the host's namespace once the daemon runs.
    Tap,
    /// net_af_packet on one end of a veth pair.
    AfPacket,
    /// net_af_xdp on one end of a veth pair: native XDP, copy mode.
    AfXdp,
}

impl Link {
    /// The largest MTU of the underlay that works on such ports, and what is left of it for the
    /// overlay. net_tap of DPDK 22.11 refuses more than 1504.
    #[must_use]
    pub fn mtus(self) -> (u32, u32) {
        match self {
            Self::Tap => (1500, 1450),
            Self::AfPacket | Self::AfXdp => (1600, 1500),
        }
    }

    /// The word `need!` wants for such ports, beside those of the lab.
    #[must_use]
    pub fn need(self) -> &'static str {
        match self {
            Self::Tap => skip::TAP,
            Self::AfPacket => "ethtool",
            Self::AfXdp => skip::XDP,
        }
    }

    /// What DPDK calls such a device number `n`, and the kernel's end of it.
    fn device(self, n: usize) -> (String, String) {
        match self {
            Self::Tap => (format!("net_tap{n},iface=tap{n}"), format!("tap{n}")),
            Self::AfPacket => (format!("net_af_packet{n},iface=p{n}"), format!("u{n}")),
            Self::AfXdp => (format!("net_af_xdp{n},iface=p{n}"), format!("u{n}")),
        }
    }

    /// Both ends are devices of the kernel, made before the daemon starts.
    fn is_veth(self) -> bool {
        self != Self::Tap
    }
}

/// One port of the switch and the kernel's end of it.
#[derive(Clone, Debug)]
pub struct Port {
    name: String,
    device: String,
    kernel_end: String,
    mtu: u32,
}

impl Port {
    /// The port's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its `[[port]]` table, to which lines may be added.
    #[must_use]
    pub fn toml(&self) -> String {
        let Self {
            name, device, mtu, ..
        } = self;
        format!("[[port]]\nname = {name:?}\ndevice = {device:?}\nmtu = {mtu}\n")
    }

    /// The DPDK device, with its arguments.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }
}

/// The name of the kernel's end of a port once it is plugged into a host.
pub const HOST_END: &str = "eth0";

/// The switch: a namespace of its own, its ports, the daemon once it is started.
#[derive(Debug)]
pub struct Lab {
    daemon: Option<Daemon>,
    ports: Vec<Port>,
    link: Link,
    workers: usize,
    default_offloads: bool,
    wrapper: Vec<String>,
    switch: Netns,
}

impl Lab {
    /// Makes the switch's namespace.
    ///
    /// # Errors
    /// Without root.
    pub fn new(link: Link) -> Result<Self> {
        Ok(Self {
            daemon: None,
            ports: Vec::new(),
            link,
            workers: 1,
            default_offloads: false,
            wrapper: Vec::new(),
            switch: Netns::new("switch")?,
        })
    }

    /// Leaves the hosts' ends of veth pairs as the kernel makes them: checksums are left to the
    /// device, and so is cutting data into segments.
    #[must_use]
    pub fn default_offloads(mut self) -> Self {
        self.default_offloads = true;
        self
    }

    /// Starts the daemon on so many worker lcores (default 1).
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Starts the daemon under another program, whose command line goes before the daemon's.
    #[must_use]
    pub fn under(mut self, wrapper: &[String]) -> Self {
        self.wrapper = wrapper.to_vec();
        self
    }

    /// The switch's namespace.
    #[must_use]
    pub fn switch(&self) -> &Netns {
        &self.switch
    }

    /// Adds a port. Its `[[port]]` table is in [`Lab::ports_toml`].
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn port(&mut self, name: &str, mtu: u32) -> Result<Port> {
        let n = self.ports.len();
        if self.link.is_veth() {
            let make = format!("link add p{n} type veth peer name u{n}");
            self.switch.ip(&make)?;
            self.switch.ip(&format!("link set p{n} mtu {mtu} up"))?;
            // A driver that takes frames from the veth itself looks at both ends' MTU.
            self.switch.ip(&format!("link set u{n} mtu {mtu}"))?;
        }
        let (device, kernel_end) = self.link.device(n);
        let port = Port {
            name: name.into(),
            device,
            kernel_end,
            mtu,
        };
        self.ports.push(port.clone());
        Ok(port)
    }

    /// A port that was added.
    ///
    /// # Errors
    /// If none has this name.
    pub fn find(&self, name: &str) -> Result<&Port> {
        let found = self.ports.iter().find(|port| port.name == name);
        found.ok_or_else(|| format!("no port {name}").into())
    }

    /// The `[[port]]` tables of all ports; `extra` gives further lines for a port by its name.
    #[must_use]
    pub fn ports_toml<T: Display>(&self, extra: impl Fn(&str) -> T) -> String {
        let table = |port: &Port| format!("{}{}\n", port.toml(), extra(&port.name));
        self.ports.iter().map(table).collect()
    }

    /// Starts the daemon: the ports' tables, without addresses, go before `config`.
    ///
    /// # Errors
    /// If it does not forward.
    pub fn start(&mut self, config: &str) -> Result {
        self.start_with(&(self.ports_toml(|_| "") + config))
    }

    /// Starts the daemon with the whole configuration given.
    ///
    /// # Errors
    /// If it does not forward.
    pub fn start_with(&mut self, config: &str) -> Result {
        let wrapper: Vec<_> = self.wrapper.iter().map(String::as_str).collect();
        let setup = Setup::new(config)
            .workers(self.workers)
            .under(&wrapper)
            .inside(&self.switch);
        self.daemon = Some(setup.start()?);
        Ok(())
    }

    /// The running daemon.
    ///
    /// # Errors
    /// If it was not started.
    pub fn daemon(&self) -> Result<&Daemon> {
        self.daemon
            .as_ref()
            .ok_or_else(|| "the daemon was not started".into())
    }

    /// Puts the kernel's end of a port into a host as [`HOST_END`], with a MAC and maybe an
    /// address, and sets it up. To be called when whatever holds the other end runs.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn plug(&self, port: &Port, host: &Netns, mac: &str, address: Option<&str>) -> Result {
        let Port {
            kernel_end, mtu, ..
        } = port;
        self.switch.ip(&format!("link set {kernel_end} down"))?;
        self.switch.ip(&format!(
            "link set {kernel_end} netns {} name {HOST_END}",
            host.name()
        ))?;
        // A tap device starts with the MAC of the switch's port: two owners of one address.
        host.ip(&format!("link set {HOST_END} address {mac} mtu {mtu}"))?;
        if self.link.is_veth() && !self.default_offloads {
            host.finish_frames(HOST_END)?;
        }
        if let Some(address) = address {
            host.ip(&format!("addr add {address} dev {HOST_END}"))?;
        }
        host.ip(&format!("link set {HOST_END} up"))?;
        Ok(())
    }

    /// Kills the daemon (SIGKILL); it can be started again.
    pub fn kill(&mut self) {
        self.daemon = None;
    }

    /// Stops the daemon with SIGTERM.
    ///
    /// # Errors
    /// If it was not started, or does not end.
    pub fn stop(&mut self) -> Result<Stopped> {
        self.daemon
            .take()
            .ok_or("the daemon was not started")?
            .stop()
    }
}

/// Makes a kernel VXLAN device `vx<vni>` in a host, on its [`HOST_END`], with a MAC, an overlay
/// address, and the remotes to which it sends what has no entry.
///
/// # Errors
/// If the kernel refuses.
pub fn kernel_vxlan(
    host: &Netns,
    vni: u32,
    (local, remotes): (&str, &[&str]),
    mac: &str,
    address: &str,
) -> Result {
    // Its MTU is that of the underlay device less 50.
    host.ip(&format!(
        "link add vx{vni} address {mac} type vxlan id {vni} dstport 4789 local {local} dev {HOST_END}"
    ))?;
    host.ip(&format!("link set vx{vni} up"))?;
    host.ip(&format!("addr add {address} dev vx{vni}"))?;
    let device = format!("vx{vni}");
    for remote in remotes {
        let entry = [
            "fdb",
            "append",
            "00:00:00:00:00:00",
            "dev",
            &device,
            "dst",
            remote,
        ];
        host.run("bridge", &entry)?;
    }
    Ok(())
}

/// A namespace that is one Ethernet segment: a kernel bridge that other hosts hang on.
#[derive(Debug)]
pub struct Segment {
    ns: Netns,
    mtu: u32,
    uplinks: AtomicU8,
}

impl Segment {
    /// Makes the bridge.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn new(mtu: u32) -> Result<Self> {
        let ns = Netns::new("segment")?;
        ns.ip(&format!("link add br0 mtu {mtu} type bridge"))?;
        ns.ip("link set br0 up")?;
        let uplinks = AtomicU8::new(0);
        Ok(Self { ns, mtu, uplinks })
    }

    /// Plugs a port of a switch into the segment.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn uplink(&self, lab: &Lab, port: &Port) -> Result {
        let n = self.uplinks.fetch_add(1, Ordering::Relaxed);
        let mac = format!("02:00:00:00:fe:{n:02x}");
        lab.plug(port, &self.ns, &mac, None)?;
        // The next one is plugged in under the same name.
        self.ns.ip(&format!("link set {HOST_END} down"))?;
        self.ns
            .ip(&format!("link set {HOST_END} name up{n} master br0"))?;
        self.ns.ip(&format!("link set up{n} up")).map(drop)
    }

    /// Connects a host, which gets [`HOST_END`] with a MAC and an address.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn host(&self, host: &Netns, name: &str, mac: &str, address: &str) -> Result {
        let (to, mtu) = (host.name(), self.mtu);
        self.ns.ip(&format!(
            "link add name to-{name} mtu {mtu} type veth peer name {HOST_END} netns {to} mtu {mtu} address {mac}"
        ))?;
        self.ns.ip(&format!("link set to-{name} master br0 up"))?;
        host.finish_frames(HOST_END)?;
        host.ip(&format!("addr add {address} dev {HOST_END}"))?;
        host.ip(&format!("link set {HOST_END} up")).map(drop)
    }
}
