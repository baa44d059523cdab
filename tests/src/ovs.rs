//! Open vSwitch as a remote VTEP: daemons of our own in a namespace, with the userspace datapath.
//!
//! ```text
//!   host -- h0 [br-int] -- vx<vni> .. [br-phy 192.0.2.1] -- eth0 == uplink of the switch
//! ```
//!
//! The userspace datapath asks for the remote's MAC and looks up the route by itself; br-phy, whose
//! local port has the underlay address, is where it does so. A service of the host's own with the
//! same programs is not touched: database, sockets and process ids are in a directory of ours.

use crate::command::{self, Background};
use crate::lab::HOST_END;
use crate::netns::Netns;
use crate::{Result, wait};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The program that forwards; the others come with it.
pub const PROGRAM: &str = "ovs-vswitchd";

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// The bridge of the underlay, whose local port has the address.
pub const UNDERLAY: &str = "br-phy";
/// The bridge of the overlay.
pub const OVERLAY: &str = "br-int";

/// A running Open vSwitch. Its daemons are killed by their process ids when dropped.
#[derive(Debug)]
pub struct Ovs<'a> {
    ns: &'a Netns,
    // Stopped in this order.
    _switch: Background,
    _database: Background,
    dir: TempDir,
}

impl<'a> Ovs<'a> {
    /// Starts database and switch in a namespace, with both bridges and nothing in them.
    ///
    /// # Errors
    /// If one of them does not come up; with what it said.
    pub fn start(ns: &'a Netns) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("overpath-ovs.").tempdir()?;
        let at = dir.path();
        let (database, socket) = (at.join("conf.db"), at.join("db.sock"));
        command::run(
            Command::new("ovsdb-tool")
                .arg("create")
                .arg(&database)
                .arg(SCHEMA),
        )?;
        let mut server = daemon(ns, at, "ovsdb-server");
        server
            .arg(&database)
            .arg(format!("--remote=punix:{}", socket.display()));
        let server = Background::start(&mut server, at, "ovsdb-server")?;
        wait::until_true("ovsdb-server", || Ok(socket.exists()))?;
        let mut switch = daemon(ns, at, PROGRAM);
        switch.arg(format!("unix:{}", socket.display()));
        let switch = Background::start(&mut switch, at, PROGRAM)?;
        let ovs = Self {
            ns,
            _switch: switch,
            _database: server,
            dir,
        };
        wait::until_true(PROGRAM, || Ok(control(ovs.dir.path(), PROGRAM).exists()))?;
        ovs.vsctl("--no-wait init")?;
        for bridge in [UNDERLAY, OVERLAY] {
            ovs.vsctl(&format!(
                "add-br {bridge} -- set bridge {bridge} datapath_type=netdev"
            ))?;
        }
        Ok(ovs)
    }

    /// Runs ovs-vsctl with these words, and waits until the switch has done as it says.
    ///
    /// # Errors
    /// If it fails, with what it said.
    pub fn vsctl(&self, line: &str) -> Result<String> {
        let socket = self.dir.path().join("db.sock");
        let mut command = Command::new("ovs-vsctl");
        command.arg(format!("--db=unix:{}", socket.display()));
        command.arg("--timeout=60").args(line.split_whitespace());
        command::run(&mut command)
    }

    /// Asks the switch something, as in `fdb/show br-int`.
    ///
    /// # Errors
    /// If it fails, with what it said.
    pub fn ask(&self, line: &str) -> Result<String> {
        let mut command = Command::new("ovs-appctl");
        command.arg("-t").arg(control(self.dir.path(), PROGRAM));
        command::run(command.args(line.split_whitespace()))
    }

    /// Puts the namespace's [`HOST_END`] into the underlay bridge and gives that an address.
    ///
    /// # Errors
    /// If the kernel or the switch refuses.
    pub fn underlay(&self, address: &str) -> Result {
        self.vsctl(&format!("add-port {UNDERLAY} {HOST_END}"))?;
        self.ns.ip(&format!("addr add {address} dev {UNDERLAY}"))?;
        self.ns.ip(&format!("link set {UNDERLAY} up"))?;
        let network = address
            .rsplit_once('.')
            .map_or(address, |(network, _)| network);
        wait::until_true("Open vSwitch to see its route", || {
            Ok(self.ask("ovs/route/show")?.contains(&format!("{network}.")))
        })
    }

    /// The underlay is in a VLAN: what leaves by [`HOST_END`] has the tag, and what comes in without
    /// it is not for the tunnels.
    ///
    /// # Errors
    /// If the switch refuses.
    pub fn tagged(&self, vlan: u16) -> Result {
        self.vsctl(&format!("set port {UNDERLAY} tag={vlan}"))?;
        self.vsctl(&format!("set port {HOST_END} trunks={vlan}"))
            .map(drop)
    }

    /// Adds a tunnel `vx<vni>` to the overlay bridge, with further options such as
    /// `options:csum=true`.
    ///
    /// # Errors
    /// If the switch refuses.
    pub fn tunnel(&self, vni: u32, remote: &str, options: &str) -> Result {
        self.vsctl(&format!(
            "add-port {OVERLAY} vx{vni} -- set interface vx{vni} type=vxlan \
             options:remote_ip={remote} options:key={vni} options:dst_port=4789 {options}"
        ))
        .map(drop)
    }

    /// Connects a host to the overlay bridge: it gets [`HOST_END`] with a MAC and an address.
    ///
    /// # Errors
    /// If the kernel or the switch refuses.
    pub fn host(&self, host: &Netns, mac: &str, address: &str, mtu: u32) -> Result {
        let to = host.name();
        self.ns.ip(&format!(
            "link add h0 mtu {mtu} type veth peer name {HOST_END} netns {to} mtu {mtu} address {mac}"
        ))?;
        self.ns.ip("link set h0 up")?;
        // The datapath reads raw frames, and hands them on as they are.
        host.finish_frames(HOST_END)?;
        host.ip(&format!("addr add {address} dev {HOST_END}"))?;
        host.ip(&format!("link set {HOST_END} up"))?;
        self.vsctl(&format!("add-port {OVERLAY} h0")).map(drop)
    }

    /// The MAC of a bridge's local port.
    ///
    /// # Errors
    /// If there is no such bridge.
    pub fn mac(&self, bridge: &str) -> Result<String> {
        let quoted = self.vsctl(&format!("get interface {bridge} mac_in_use"))?;
        Ok(quoted.trim().trim_matches('"').to_owned())
    }

    /// Waits until the overlay bridge knows a MAC behind one of its ports: `vx10`, `h0`.
    ///
    /// # Errors
    /// If it never does; with its table.
    pub fn wait_fdb(&self, mac: &str, port: &str) -> Result {
        let number = self.vsctl(&format!("get interface {port} ofport"))?;
        let mut table = String::new();
        let known = wait::until_true(&format!("{mac} behind {port}"), || {
            table = self.ask(&format!("fdb/show {OVERLAY}"))?;
            Ok(table.lines().any(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                words.first() == Some(&number.trim()) && words.contains(&mac)
            }))
        });
        known.map_err(|error| format!("{error}; the table:\n{table}").into())
    }
}

/// One of the daemons, with all it writes in `dir`.
fn daemon(ns: &Netns, dir: &Path, program: &str) -> Command {
    let mut command = ns.command(program);
    command.arg("--no-chdir");
    command.arg(format!("--unixctl={}", control(dir, program).display()));
    command.arg(format!(
        "--pidfile={}",
        dir.join(format!("{program}.pid")).display()
    ));
    for place in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR"] {
        command.env(place, dir);
    }
    command
}

/// The socket that a daemon is asked by.
fn control(dir: &Path, program: &str) -> PathBuf {
    dir.join(format!("{program}.ctl"))
}
