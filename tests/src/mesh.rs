//! Several switches on one underlay, each with one local host, each with all others as remotes.
//!
//! ```text
//!   host 1 -- [overpathd 1] --+            +-- [overpathd 3] -- host 3
//!                             +-- segment -+
//!   host 2 -- [overpathd 2] --+
//! ```

use crate::account;
use crate::daemon::Daemon;
use crate::lab::{Lab, Link, Port, Segment};
use crate::netns::Netns;
use crate::site::{VNI, host_ip, host_mac, underlay};
use crate::turn::turn;
use crate::{Result, wait};
use std::sync::MutexGuard;

/// One switch and its host.
#[derive(Debug)]
pub struct Node {
    /// The switch.
    pub lab: Lab,
    /// Its host.
    pub host: Netns,
    config: String,
}

impl Node {
    /// Makes the switch's ports, and starts it as the `n`-th of `all`.
    fn new(link: Link, n: u8, all: u8) -> Result<(Self, [Port; 2])> {
        let mut lab = Lab::new(link)?;
        let (underlay_mtu, overlay_mtu) = link.mtus();
        let ports = [
            lab.port("uplink", underlay_mtu)?,
            lab.port("lan", overlay_mtu)?,
        ];
        let others: Vec<String> = (1..=all)
            .filter(|other| *other != n)
            .map(underlay)
            .collect();
        let own = underlay(n);
        let config = format!(
            "{}addresses = [\"{own}/24\"]\n{}\
             [[bridge]]\nname = \"br10\"\nports = [\"lan\"]\n\
             [[tunnel]]\nname = \"vx10\"\nbridge = \"br10\"\nvni = {VNI}\n\
             local = \"{own}\"\nremotes = {others:?}\n",
            ports[0].toml(),
            ports[1].toml()
        );
        let mut node = Self {
            lab,
            host: Netns::new(&format!("host{n}"))?,
            config,
        };
        node.start()?;
        Ok((node, ports))
    }

    /// Starts its switch, again after [`Lab::kill`].
    ///
    /// # Errors
    /// If it does not forward.
    pub fn start(&mut self) -> Result {
        self.lab.start_with(&self.config)
    }

    /// The running switch.
    ///
    /// # Errors
    /// If it was not started.
    pub fn daemon(&self) -> Result<&Daemon> {
        self.lab.daemon()
    }

    /// Waits until the switch knows a MAC with `key` (port, remote) of this value.
    ///
    /// # Errors
    /// If it never does.
    pub fn wait_fdb(&self, mac: &str, key: &str, value: &str) -> Result {
        wait::until_true(&format!("{mac} with {key} {value}"), || {
            let entry = self.daemon()?.find("fdb.show", "mac", mac)?;
            Ok(entry.is_some_and(|entry| entry[key] == value))
        })
    }
}

/// The switches and what connects them.
#[derive(Debug)]
pub struct Mesh {
    /// From 1 on: see [`Mesh::node`].
    pub nodes: Vec<Node>,
    // The ports of the nodes are plugged in here.
    _segment: Segment,
    _turn: MutexGuard<'static, ()>,
}

impl Mesh {
    /// Builds and starts `all` of them.
    ///
    /// # Errors
    /// If anything fails on the way.
    pub fn new(link: Link, all: u8) -> Result<Self> {
        let turn = turn();
        let segment = Segment::new(link.mtus().0)?;
        let mut nodes = Vec::new();
        for n in 1..=all {
            let (node, [uplink, lan]) = Node::new(link, n, all)?;
            segment.uplink(&node.lab, &uplink)?;
            let address = host_ip(n) + "/24";
            node.lab
                .plug(&lan, &node.host, &host_mac(n), Some(&address))?;
            nodes.push(node);
        }
        Ok(Self {
            nodes,
            _segment: segment,
            _turn: turn,
        })
    }

    /// Switch and host `n`, from 1.
    #[must_use]
    pub fn node(&self, n: u8) -> &Node {
        &self.nodes[usize::from(n) - 1]
    }

    /// Stops all switches and checks that their accounts close.
    ///
    /// # Errors
    /// If one does not.
    pub fn finish(self) -> Result {
        for mut node in self.nodes {
            account::ports_closed(&node.daemon()?.wait_quiet()?)?;
            node.lab.stop()?.check()?;
        }
        Ok(())
    }
}
