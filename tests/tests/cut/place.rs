//! A switch with guests, hosts and a tunnel, and what it counts.

use overpath_tests::account::{counters_moved, of_port, ports_closed};
use overpath_tests::daemon::Daemon;
use overpath_tests::guest::Guest;
use overpath_tests::lab::{self, HOST_END, Lab, Link};
use overpath_tests::netns::Netns;
use overpath_tests::site::{SWITCH, VNI, VTEP_DEVICE, host_ip, host_mac, underlay};
use overpath_tests::traffic::{self, Capture};
use overpath_tests::{Result, wait};
use serde_json::Value;
use tempfile::TempDir;

/// A switch with a bridge, and guests on net_vhost.
pub(crate) struct Place {
    lab: Lab,
    dir: TempDir,
}

impl Place {
    /// Makes ports of these names and starts the switch. `guests` are names of ports with arguments for
    /// net_vhost and further lines; `more` are lines of the `[[bridge]]` table, and what comes behind it.
    pub(crate) fn new(
        link: Link,
        lans: &[&str],
        guests: &[(&str, &str, &str)],
        more: &str,
    ) -> Result<Self> {
        Self::on(1, link, lans, guests, more)
    }

    /// The same on so many workers.
    pub(crate) fn on(
        workers: usize,
        link: Link,
        lans: &[&str],
        guests: &[(&str, &str, &str)],
        more: &str,
    ) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut lab = Lab::new(link)?.workers(workers);
        for lan in lans {
            lab.port(lan, 1500)?;
        }
        let mut config = lab.ports_toml(|name| match name {
            "uplink" => format!("addresses = [\"{SWITCH}/24\"]"),
            _ => String::new(),
        });
        for (n, (name, arguments, lines)) in guests.iter().enumerate() {
            let socket = dir.path().join(name);
            let device = format!("net_vhost{n},iface={},queues=1", socket.display());
            config += &format!(
                "[[port]]\nname = \"{name}\"\ndevice = \"{device},{arguments}\"\n{lines}\n"
            );
        }
        let bridged = lans.iter().filter(|lan| **lan != "uplink");
        let bridged: Vec<_> = bridged
            .chain(guests.iter().map(|(name, ..)| name))
            .collect();
        config += &format!("[[bridge]]\nname = \"br10\"\nports = {bridged:?}\n{more}");
        lab.start_with(&config)?;
        Ok(Self { lab, dir })
    }

    /// The running daemon.
    pub(crate) fn daemon(&self) -> Result<&Daemon> {
        self.lab.daemon()
    }

    /// Plugs host `n` into a port, with addresses.
    pub(crate) fn host(&self, port: &str, n: u8) -> Result<Netns> {
        let port = self.lab.find(port)?;
        let host = Netns::new(&format!("host{n}"))?;
        self.lab.plug(port, &host, &host_mac(n), None)?;
        address(&host, HOST_END, n)?;
        Ok(host)
    }

    /// Connects a guest to its port, with the addresses of host `n`.
    pub(crate) fn guest(&self, port: &str, n: u8, mtu: u32, segment: Option<u16>) -> Result<Guest> {
        let socket = self.dir.path().join(port);
        let guest = Guest::new(&socket, &host_mac(n), mtu, segment)?;
        address(&guest.ns, HOST_END, n)?;
        Ok(guest)
    }

    /// What the kernel's VTEP on the uplink is, with the addresses of host `n` in the overlay.
    pub(crate) fn vtep(&self, n: u8) -> Result<Netns> {
        let vtep = Netns::new("vtep")?;
        let (mac, ip) = ("02:00:00:00:01:01", underlay(1) + "/24");
        self.lab
            .plug(self.lab.find("uplink")?, &vtep, mac, Some(&ip))?;
        let (ends, own) = ((&*underlay(1), &[SWITCH][..]), host_ip(n) + "/24");
        lab::kernel_vxlan(&vtep, VNI, ends, &host_mac(n), &own)?;
        ipv6(&vtep, VTEP_DEVICE, n)?;
        traffic::reach(&vtep, SWITCH)?;
        Ok(vtep)
    }

    /// What the switch counted while `run` ran.
    pub(crate) fn count(&self, run: impl FnOnce() -> Result) -> Result<Counted> {
        let before = self.daemon()?.wait_quiet()?;
        run()?;
        let after = self.daemon()?.wait_quiet()?;
        ports_closed(&after)?;
        Ok(Counted { before, after })
    }

    /// The same, and the frames that a capture saw of it.
    pub(crate) fn watch(
        &self,
        seen: &Capture,
        run: impl FnOnce() -> Result,
    ) -> Result<(Counted, Frames)> {
        let (before, old) = self.still(seen)?;
        run()?;
        let (after, all) = self.still(seen)?;
        ports_closed(&after)?;
        Ok((Counted { before, after }, all[old.len()..].to_vec()))
    }

    /// What was counted and captured at a moment at which nothing moves: kernels speak unasked.
    fn still(&self, seen: &Capture) -> Result<(Value, Frames)> {
        wait::until("a still moment", wait::LONG, || {
            let before = seen.settle()?;
            let stats = self.daemon()?.wait_quiet()?;
            let same = seen.settle()?.len() == before.len();
            Ok(same.then_some((stats, before)))
        })
    }

    /// Stops the switch: its account is closed.
    pub(crate) fn finish(mut self) -> Result {
        self.lab.stop()?.check().map(drop)
    }
}

/// What a capture saw.
pub(crate) type Frames = Vec<Vec<u8>>;

/// What was counted between two moments.
pub(crate) struct Counted {
    before: Value,
    after: Value,
}

impl Counted {
    /// A counter of a port.
    pub(crate) fn of(&self, port: &str, counter: &str) -> Result<u64> {
        Ok(of_port(&self.after, port, counter)? - of_port(&self.before, port, counter)?)
    }

    /// What became of what came from a port.
    pub(crate) fn became(&self, port: &str) -> Result<u64> {
        Ok(self.of(port, "received")? + self.of(port, "copied")?)
    }

    /// A counter of what went into the only tunnel.
    pub(crate) fn tunnel(&self, counter: &str) -> Result<u64> {
        let count = |stats: &Value| stats["tunnels"][0]["tx"][counter].as_u64();
        let (before, after) = (count(&self.before), count(&self.after));
        Ok(after
            .zip(before)
            .map(|(after, before)| after - before)
            .ok_or("no tunnel")?)
    }

    /// The reasons for which anything was dropped.
    pub(crate) fn reasons(&self) -> Result<Vec<String>> {
        let moved = counters_moved(&self.before, &self.after)?;
        Ok(moved.into_keys().collect())
    }

    /// How many frames `port`, by which a stream leaves, did not take: a ring is full where its other end
    /// has no CPU, be it a guest's, that of a veth pair or of a stream's answers. Nothing else was dropped.
    pub(crate) fn lost(&self, port: &str) -> Result<u64> {
        let reasons = self.reasons()?;
        let full = |reason: &String| ["tx_full", "handoff_full"].contains(&&**reason);
        assert!(reasons.iter().all(full), "{reasons:?}");
        self.of(port, "tx_dropped")
    }
}

fn ipv6(host: &Netns, device: &str, n: u8) -> Result {
    host.write_proc(&format!("net/ipv6/conf/{device}/disable_ipv6"), "0")?;
    host.ip(&format!("addr add {}/64 dev {device} nodad", host_ipv6(n)))
        .map(drop)
}

fn address(host: &Netns, device: &str, n: u8) -> Result {
    host.ip(&format!("addr add {}/24 dev {device}", host_ip(n)))?;
    ipv6(host, device, n)
}

/// The IPv6 address of host `n`.
pub(crate) fn host_ipv6(n: u8) -> String {
    format!("2001:db8::{n}")
}
