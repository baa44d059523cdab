//! Bytes in, bytes out: the daemon between two pairs of capture files, over net_pcap.
//!
//! The daemon reads the input file of a port as soon as the port is started, and starts ports in
//! the order of the configuration. The local port comes first: it is there for what arrives on the
//! uplink. What it receives itself needs an uplink and a neighbour that has introduced itself, so
//! its file begins with filler that no bridge forwards; if that was too short, [`Golden::run`]
//! takes more.

use crate::account::{self, Account};
use crate::daemon::Setup;
use crate::frame::{self, Mac};
use crate::{Result, pcap};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The switch's address on the underlay.
pub const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The remote's.
pub const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The MAC of the uplink: net_pcap numbers its devices in the order of their creation.
pub const UPLINK_MAC: Mac = [0x02, b'p', b'c', b'a', b'p', 1];
/// The MAC of the remote.
pub const REMOTE_MAC: Mac = [2, 0, 0, 0, 1, 1];
/// The group address of pause frames: no bridge forwards it (IEEE 802.1Q, 8.6.3).
pub const PAUSE: Mac = [0x01, 0x80, 0xc2, 0, 0, 1];
/// The name of the drop that filler ends in.
const FILLER_DROP: &str = "link_local";
/// What becomes of frames for the underlay before it is there.
const TOO_EARLY: [&str; 3] = ["neighbour_unresolved", "no_destination", "port_down"];
/// More than this is not needed by a machine that works.
const MOST_FILLER: usize = 3_000_000;

/// What goes in.
#[derive(Clone, Debug, Default)]
pub struct Golden {
    /// Frames into the uplink.
    pub uplink: Vec<Vec<u8>>,
    /// Frames into the local port.
    pub lan: Vec<Vec<u8>>,
    /// Further lines of the `[[tunnel]]` table; VNI 10 unless it says otherwise.
    pub tunnel: String,
    /// Further tables.
    pub more: String,
}

/// What came out.
#[derive(Debug)]
pub struct Output {
    /// Frames out of the uplink.
    pub uplink: Vec<Vec<u8>>,
    /// Frames out of the local port.
    pub lan: Vec<Vec<u8>>,
    /// The drop counters that are not zero, filler left out.
    pub drops: BTreeMap<String, u64>,
    /// The sums when the daemon stopped.
    pub account: Account,
    /// The answer to `stats.show` when all was done.
    pub stats: Value,
}

impl Golden {
    /// Frames that arrive on the uplink.
    #[must_use]
    pub fn from_uplink(frames: Vec<Vec<u8>>) -> Self {
        Self {
            uplink: frames,
            ..Self::default()
        }
    }

    /// Frames that arrive on the local port, from a switch whose remote has asked for its address
    /// and thereby told its own.
    #[must_use]
    pub fn from_lan(frames: Vec<Vec<u8>>) -> Self {
        let hello = frame::arp(1, (REMOTE_MAC, REMOTE), ([0; 6], LOCAL));
        Self {
            uplink: vec![hello],
            lan: frames,
            ..Self::default()
        }
    }

    /// With further lines in the `[[tunnel]]` table.
    #[must_use]
    pub fn tunnel(mut self, lines: &str) -> Self {
        self.tunnel = lines.to_owned();
        self
    }

    /// With further tables in the configuration.
    #[must_use]
    pub fn more(mut self, tables: &str) -> Self {
        self.more = tables.to_owned();
        self
    }

    /// Runs the daemon until it has taken every frame, stops it, and checks the account: the
    /// whole switch's and each port's.
    ///
    /// # Errors
    /// If the daemon fails or an account does not close.
    pub fn run(&self) -> Result<Output> {
        let mut filler = if self.lan.is_empty() { 0 } else { 50_000 };
        loop {
            let output = self.run_with(filler, &[])?;
            let early = TOO_EARLY
                .iter()
                .any(|name| output.drops.contains_key(*name));
            if !early || filler == 0 || filler > MOST_FILLER {
                return Ok(output);
            }
            filler *= 8;
        }
    }

    /// As [`Golden::run`], once, with so much filler, under another program.
    ///
    /// # Errors
    /// As [`Golden::run`].
    pub fn run_with(&self, filler: usize, wrapper: &[&str]) -> Result<Output> {
        let dir = tempfile::tempdir()?;
        let file = |name: &str| dir.path().join(name);
        let pause = frame::ethernet(PAUSE, frame::mac(0xfe), 0x8808, &[0; 46]);
        let lan: Vec<&[u8]> = std::iter::repeat_n(&pause[..], filler)
            .chain(self.lan.iter().map(Vec::as_slice))
            .collect();
        pcap::write(&file("uplink.in"), &self.uplink)?;
        pcap::write(&file("lan.in"), &lan)?;
        let config = self.config(&dir.path().to_string_lossy());
        let mut daemon = Setup::new(&config).under(wrapper).spawn()?;
        daemon.wait_forwarding()?;
        let uplink_mac = daemon
            .find("port.show", "name", "uplink")?
            .ok_or("no uplink")?;
        let expected: Vec<String> = UPLINK_MAC.iter().map(|b| format!("{b:02x}")).collect();
        if uplink_mac["mac"] != expected.join(":") {
            return Err(format!("net_pcap has another MAC than this lab: {uplink_mac}").into());
        }
        daemon.wait_received((lan.len() + self.uplink.len()) as u64)?;
        let stats = daemon.wait_quiet()?;
        let account = daemon.stop()?.check()?;
        account::ports_closed(&stats)?;
        let mut drops = account::drops(&stats)?;
        let fillers = drops.remove(FILLER_DROP).unwrap_or(0);
        match fillers.checked_sub(filler as u64) {
            Some(0) => {}
            Some(more) => drops.extend([(FILLER_DROP.to_owned(), more)]),
            None => return Err(format!("{fillers} of {filler} filler frames were dropped").into()),
        }
        let (uplink, lan) = (
            pcap::read(&file("uplink.out"))?,
            pcap::read(&file("lan.out"))?,
        );
        Ok(Output {
            uplink,
            lan,
            drops,
            account,
            stats,
        })
    }

    fn config(&self, dir: &str) -> String {
        let port = |number: u8, name: &str, extra: &str| {
            format!(
                "[[port]]\nname = \"{name}\"\n{extra}\n\
                 device = \"net_pcap{number},rx_pcap={dir}/{name}.in,tx_pcap={dir}/{name}.out\"\n"
            )
        };
        let vni = if self.tunnel.contains("vni =") {
            ""
        } else {
            "vni = 10"
        };
        let remotes = if self.tunnel.contains("remotes =") {
            ""
        } else {
            "remotes = [\"192.0.2.1\"]"
        };
        port(0, "lan", "")
            + &port(1, "uplink", "addresses = [\"192.0.2.2/24\"]")
            + "[[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n"
            + "[[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nlocal = \"192.0.2.2\"\n"
            + &format!("{vni}\n{remotes}\n{}\n{}\n", self.tunnel, self.more)
    }
}

impl Output {
    /// The frames out of the uplink that carry the overlay, taken apart: outer headers and inner
    /// frame.
    ///
    /// # Errors
    /// If an outer header is broken.
    pub fn encapsulated(&self) -> Result<Vec<(frame::Outer, Vec<u8>)>> {
        let ipv4 = |frame: &&Vec<u8>| frame[12..14] == [8, 0];
        let parse = |frame: &Vec<u8>| {
            frame::Outer::parse(frame).map(|(outer, inner)| (outer, inner.to_vec()))
        };
        self.uplink.iter().filter(ipv4).map(parse).collect()
    }

    /// The drop counters as text, for comparison: "name=count name=count".
    #[must_use]
    pub fn dropped(&self) -> String {
        let each: Vec<String> = self
            .drops
            .iter()
            .map(|(name, n)| format!("{name}={n}"))
            .collect();
        each.join(" ")
    }
}

/// The outer headers of a good frame from the remote to the switch.
#[must_use]
pub fn outer() -> frame::Outer {
    frame::Outer::new((UPLINK_MAC, REMOTE_MAC), (LOCAL, REMOTE), 10)
}

/// An inner frame between two tenants, marked by a number in its payload.
#[must_use]
pub fn inner(mark: u8) -> Vec<u8> {
    let ip = frame::Ipv4::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), 17);
    frame::udp_frame(
        frame::mac(0x22),
        frame::mac(0x11),
        ip,
        (1000, 2000),
        &[mark; 64],
    )
}
