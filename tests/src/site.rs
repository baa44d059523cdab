//! The usual site: kernel VTEPs on the underlay, overpath, plain hosts on its local ports, all in
//! one overlay.
//!
//! ```text
//!   VTEP 1 192.0.2.1 --+                            +-- host 1 10.0.0.101 (port lan1)
//!                      +-- uplink 192.0.2.254 [br10]+
//!   VTEP 2 192.0.2.2 --+                            +-- host 2 10.0.0.102 (port lan2)
//! ```

use crate::lab::{self, HOST_END, Lab, Link, Segment};
use crate::netns::Netns;
use crate::{Result, frame, traffic, wait};
use serde_json::Value;

/// The address of the switch on the underlay.
pub const SWITCH: &str = "192.0.2.254";
/// The network of the overlay.
pub const VNI: u32 = 10;

/// What a site is to have.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What ports are made of.
    pub link: Link,
    /// How many kernel VTEPs.
    pub vteps: u8,
    /// How many local hosts.
    pub hosts: u8,
    /// On how many worker lcores the switch runs.
    pub workers: usize,
    /// Further lines of the `[[bridge]]` table.
    pub bridge: &'static str,
    /// Further lines of each `[[port]]` table.
    pub port: &'static str,
    /// Further lines of the `[[tunnel]]` table.
    pub tunnel: &'static str,
    /// Hosts and VTEPs keep the offloads that the kernel gives them.
    pub default_offloads: bool,
}

impl Plan {
    /// One VTEP, one host.
    #[must_use]
    pub fn new(link: Link) -> Self {
        Self {
            link,
            vteps: 1,
            hosts: 1,
            workers: 1,
            bridge: "",
            port: "",
            tunnel: "",
            default_offloads: false,
        }
    }

    /// With so many kernel VTEPs.
    #[must_use]
    pub fn vteps(self, vteps: u8) -> Self {
        Self { vteps, ..self }
    }

    /// With so many local hosts.
    #[must_use]
    pub fn hosts(self, hosts: u8) -> Self {
        Self { hosts, ..self }
    }

    /// On so many worker lcores.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// With further lines in the `[[bridge]]` table.
    #[must_use]
    pub fn bridge(self, bridge: &'static str) -> Self {
        Self { bridge, ..self }
    }

    /// With further lines in each `[[port]]` table.
    #[must_use]
    pub fn port(self, port: &'static str) -> Self {
        Self { port, ..self }
    }

    /// With further lines in the `[[tunnel]]` table.
    #[must_use]
    pub fn tunnel(self, tunnel: &'static str) -> Self {
        Self { tunnel, ..self }
    }

    /// With the offloads that the kernel gives to hosts and VTEPs.
    #[must_use]
    pub fn default_offloads(self) -> Self {
        let default_offloads = true;
        Self {
            default_offloads,
            ..self
        }
    }

    fn config(&self, lab: &Lab) -> String {
        let quoted = |names: Vec<String>| format!("{names:?}");
        let lans = quoted((1..=self.hosts).map(|n| format!("lan{n}")).collect());
        let remotes = quoted((1..=self.vteps).map(underlay).collect());
        let ports = lab.ports_toml(|name| match name {
            "uplink" => format!("addresses = [\"192.0.2.254/24\"]\n{}", self.port),
            _ => self.port.to_owned(),
        });
        format!(
            "{ports}\n[[bridge]]\nname = \"br10\"\nports = {lans}\n{}\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\n\
             local = \"{SWITCH}\"\nremotes = {remotes}\n{}\n",
            self.bridge, self.tunnel
        )
    }
}

/// The underlay address of VTEP `n`, from 1.
#[must_use]
pub fn underlay(n: u8) -> String {
    format!("192.0.2.{n}")
}

/// The overlay MAC of VTEP `n`, from 1.
#[must_use]
pub fn vtep_mac(n: u8) -> String {
    format!("02:00:00:00:0a:{n:02x}")
}

/// The MAC of host `n`, from 1.
#[must_use]
pub fn host_mac(n: u8) -> String {
    format!("02:00:00:00:0b:{n:02x}")
}

/// The overlay address of VTEP `n`, from 1.
#[must_use]
pub fn vtep_ip(n: u8) -> String {
    format!("10.0.0.{n}")
}

/// The overlay address of host `n`, from 1.
#[must_use]
pub fn host_ip(n: u8) -> String {
    format!("10.0.0.{}", 100 + u16::from(n))
}

/// A running site.
#[derive(Debug)]
pub struct Site {
    /// The switch.
    pub lab: Lab,
    /// Kernel VTEPs, each with the device `vx10`.
    pub vteps: Vec<Netns>,
    /// Local hosts.
    pub hosts: Vec<Netns>,
    /// What the VTEPs hang on, if there is more than one.
    pub segment: Option<Segment>,
}

impl Site {
    /// Builds it, starts the daemon, and waits until every VTEP reaches the switch.
    ///
    /// # Errors
    /// If anything fails on the way.
    pub fn new(plan: Plan) -> Result<Self> {
        let mut lab = Lab::new(plan.link)?.workers(plan.workers);
        if plan.default_offloads {
            lab = lab.default_offloads();
        }
        let (underlay_mtu, overlay_mtu) = plan.link.mtus();
        let uplink = lab.port("uplink", underlay_mtu)?;
        let lans = (1..=plan.hosts).map(|n| lab.port(&format!("lan{n}"), overlay_mtu));
        let lans = lans.collect::<Result<Vec<_>>>()?;
        lab.start_with(&plan.config(&lab))?;
        let mut site = Self {
            lab,
            vteps: Vec::new(),
            hosts: Vec::new(),
            segment: None,
        };
        if plan.vteps != 1 {
            let segment = Segment::new(underlay_mtu)?;
            segment.uplink(&site.lab, &uplink)?;
            site.segment = Some(segment);
        }
        for n in 1..=plan.vteps {
            let vtep = Netns::new(&format!("vtep{n}"))?;
            let (mac, address) = (format!("02:00:00:00:01:{n:02x}"), underlay(n) + "/24");
            match &site.segment {
                None => site.lab.plug(&uplink, &vtep, &mac, Some(&address))?,
                Some(segment) => segment.host(&vtep, &format!("v{n}"), &mac, &address)?,
            }
            let ends = (&*underlay(n), &[SWITCH][..]);
            lab::kernel_vxlan(&vtep, VNI, ends, &vtep_mac(n), &(vtep_ip(n) + "/24"))?;
            site.vteps.push(vtep);
        }
        for (n, lan) in (1..).zip(&lans) {
            let host = Netns::new(&format!("host{n}"))?;
            site.lab
                .plug(lan, &host, &host_mac(n), Some(&(host_ip(n) + "/24")))?;
            site.hosts.push(host);
        }
        for vtep in &site.vteps {
            traffic::reach(vtep, SWITCH)?;
        }
        Ok(site)
    }

    /// VTEP `n`, from 1.
    #[must_use]
    pub fn vtep(&self, n: u8) -> &Netns {
        &self.vteps[usize::from(n) - 1]
    }

    /// Host `n`, from 1.
    #[must_use]
    pub fn host(&self, n: u8) -> &Netns {
        &self.hosts[usize::from(n) - 1]
    }

    /// Pings between VTEP 1 and host 1 until both know each other, so that what follows may ask
    /// for every single answer.
    ///
    /// # Errors
    /// If they never do.
    pub fn warm_up(&self) -> Result {
        traffic::reach(self.host(1), &vtep_ip(1))?;
        traffic::reach(self.vtep(1), &host_ip(1))
    }

    /// The FDB entry of a MAC, if there is one.
    ///
    /// # Errors
    /// If the daemon does not answer.
    pub fn fdb(&self, mac: &str) -> Result<Option<Value>> {
        self.lab.daemon()?.find("fdb.show", "mac", mac)
    }

    /// Waits until the FDB has a MAC with `key` (port, remote, ...) of this value.
    ///
    /// # Errors
    /// If it never does; with the FDB.
    pub fn wait_fdb(&self, mac: &str, key: &str, value: &str) -> Result<Value> {
        let what = format!("{mac} with {key} {value}");
        wait::until(&what, wait::LONG, || {
            Ok(self.fdb(mac)?.filter(|entry| entry[key] == value))
        })
        .map_err(|error| {
            match self.lab.daemon().and_then(|daemon| daemon.call("fdb.show")) {
                Ok(fdb) => format!("{error}; the FDB: {fdb}").into(),
                Err(_) => error,
            }
        })
    }

    /// Waits until the FDB no longer has a MAC.
    ///
    /// # Errors
    /// If it keeps it.
    pub fn wait_fdb_gone(&self, mac: &str) -> Result {
        wait::until_true(&format!("{mac} to go"), || Ok(self.fdb(mac)?.is_none()))
    }

    /// Stops the switch and checks that its account closes.
    ///
    /// # Errors
    /// If it does not.
    pub fn finish(mut self) -> Result {
        crate::account::ports_closed(&self.lab.daemon()?.wait_quiet()?)?;
        self.lab.stop()?.check().map(drop)
    }
}

/// A frame that no stack answers, marked by a number in its payload.
#[must_use]
pub fn marked(dst: &str, src: &str, mark: u8) -> Vec<u8> {
    frame::ethernet(mac(dst), mac(src), MARKED, &[mark; 46])
}

/// The EtherType of [`marked`] frames: the first for local experiments (IEEE 802).
pub const MARKED: u16 = 0x88b5;

/// A MAC from its text; zero if it is none.
#[must_use]
pub fn mac(text: &str) -> frame::Mac {
    let mut bytes = text
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).unwrap_or(0));
    std::array::from_fn(|_| bytes.next().unwrap_or(0))
}

/// Where local hosts see the overlay.
pub const HOST_DEVICE: &str = HOST_END;
/// Where VTEPs see the overlay.
pub const VTEP_DEVICE: &str = "vx10";
