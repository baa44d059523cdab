//! What is said of a change: the words of commands, as `ip` and `bridge` take them, become the
//! parameters that the daemon reads as it reads a file.

mod fdb;
mod help;
mod load;
mod said;

pub(crate) use fdb::FdbVerb;
pub(crate) use help::with_words;
pub(crate) use load::load;

use clap::Subcommand;
use control::api::messages::{Changed, Method};
use control::config::{Command, Edit, Words};
use said::{Key, Kind, Said};

/// Words behind a verb.
#[derive(Debug, clap::Args)]
pub(crate) struct Rest {
    /// Words and their values
    #[arg(value_name = "WORDS", allow_hyphen_values = false)]
    words: Vec<String>,
}

/// What to do with ports; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum PortVerb {
    /// Show all ports, their state and devices
    #[command(alias = "s")]
    Show,
    /// Add a port: NAME device DEVICE [mtu N] [bridge NAME] [address PREFIX]... [local PORT] ...
    ///
    /// overpath port add lan device net_tap0,iface=lan0 mtu 1450 bridge br10
    #[command(verbatim_doc_comment)]
    Add(Rest),
    /// Change a port: NAME and what is to be other; the value `default` takes a setting back
    ///
    /// overpath port set lan bridge br20
    /// overpath port set lan nobridge mtu default
    #[command(verbatim_doc_comment)]
    Set(Rest),
    /// Remove a port: NAME
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with addresses; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum AddrVerb {
    /// Show all addresses, and whether other stations have them too
    #[command(alias = "s")]
    Show,
    /// Add an address: PREFIX port NAME [vlan N]
    ///
    /// overpath addr add 192.0.2.2/24 port uplink
    #[command(verbatim_doc_comment)]
    Add(Rest),
    /// Change an address, which is known by its address: PREFIX [port NAME] [vlan N | novlan]
    ///
    /// What is not said stays. The address itself cannot be set: add the other one, remove this one.
    ///
    /// overpath addr set 192.0.2.2/25
    /// overpath addr set 192.0.2.2/24 port uplink2 vlan 7
    #[command(verbatim_doc_comment, alias = "change")]
    Set(Rest),
    /// Remove an address: PREFIX port NAME [vlan N]
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with neighbours; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum NeighVerb {
    /// Show all of them, asked for or set
    #[command(alias = "s")]
    Show,
    /// Set the link address of one: ADDRESS lladdr MAC port NAME [vlan N]
    ///
    /// Nobody asks for it then, or believes who says otherwise.
    /// overpath neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev uplink
    #[command(verbatim_doc_comment)]
    Add(Rest),
    /// Change the link address of one that is set: ADDRESS lladdr MAC port NAME [vlan N]
    #[command(alias = "change")]
    Set(Rest),
    /// The same, in the place of the one that is set if there is one
    Replace(Rest),
    /// Have one asked for again: ADDRESS port NAME [vlan N]
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with bridges; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum BridgeVerb {
    /// Show all bridges, with their ports and tunnels
    #[command(alias = "s")]
    Show,
    /// Add a bridge: NAME [ageing SECONDS] [learning on|off] [port NAME]...
    Add(Rest),
    /// Change a bridge: NAME and what is to be other; ports join by `port set NAME bridge BRIDGE`
    Set(Rest),
    /// Remove a bridge: NAME
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with tunnels; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum VxlanVerb {
    /// Show all tunnels, and the way to each remote
    #[command(alias = "s")]
    Show,
    /// Add a tunnel: NAME bridge NAME vni N local ADDRESS [remote ADDRESS]... [ttl N] ...
    ///
    /// overpath vxlan add vx10 bridge br10 vni 10 local 192.0.2.2 remote 192.0.2.3
    #[command(verbatim_doc_comment, alias = "a")]
    Add(Rest),
    /// Change a tunnel: NAME and what is to be other; the value `default` takes a setting back
    Set(Rest),
    /// Add a default remote: NAME remote ADDRESS [reserved_bits strict|lenient]
    Append(Rest),
    /// Remove a tunnel, or one of its default remotes: NAME [remote ADDRESS]
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with the switch as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum SwitchVerb {
    /// Change its settings: [cache_entries N] [fdb_entries N] [mbufs N]
    Set(Rest),
}

const NAME: Key = Key::new("name", "name", Kind::Text).says("NAME", "");
const BRIDGE: Key = Key::new("bridge", "bridge", Kind::Text)
    .or("master")
    .says("NAME", "the bridge that it is in");
const LEARNING: Key =
    Key::new("learning", "learning", Kind::Bool).says("on|off", "whether MACs are learned");
const PREFIX: Key = Key::new("address", "address", Kind::Text).says("PREFIX", "");

const PORT: &[Key] = &[
    Key::new("device", "device", Kind::Text).says("DEVICE", "what DPDK calls it, with devargs"),
    Key::new("mtu", "mtu", Kind::Number).says("BYTES", "the largest layer-3 packet"),
    BRIDGE,
    Key::new("address", "addresses", Kind::List)
        .or("addresses")
        .says(
            "PREFIX",
            "an address of the switch: this is an underlay port",
        ),
    Key::new("local", "local", Kind::Text).says("PORT", "the port of the host's kernel beside it"),
    Key::new("promiscuous", "promiscuous", Kind::Bool)
        .says("on|off", "whether frames for others come in"),
    Key::new("rx_checksum", "rx_checksum", Kind::Text)
        .says("HOW", "layer-4 checksums: trust, verify, recompute"),
    Key::new("offload", "offload", Kind::OrOff).says(
        "MOST",
        "what the NIC may do for tunnels: off, auto, t1, t2, t3",
    ),
    Key::new("rx_queues", "rx_queues", Kind::Number).says("N", "receive queues"),
    Key::new("rx_workers", "rx_workers", Kind::Text)
        .says("LIST", "which workers poll them, as in 0,2"),
    Key::new("tx_queues", "tx_queues", Kind::Number).says("N", "transmit queues"),
    Key::new("rx_descriptors", "rx_descriptors", Kind::Number)
        .says("N", "packets that a receive queue holds"),
    Key::new("tx_descriptors", "tx_descriptors", Kind::Number)
        .says("N", "packets that a transmit queue holds"),
];

const ADDR: &[Key] = &[
    Key::new("port", "port", Kind::Text)
        .or("dev")
        .says("NAME", "the underlay port"),
    Key::new("vlan", "vlan", Kind::Vlan).says("ID", "the VLAN on it; novlan: untagged"),
];

const ADDRESS: Key = Key::new("address", "address", Kind::Text).says("ADDRESS", "");
const NEIGH: &[Key] = &[
    Key::new("lladdr", "mac", Kind::Text)
        .or("mac")
        .says("MAC", "its link address"),
    Key::new("port", "port", Kind::Text)
        .or("dev")
        .says("NAME", "the underlay port"),
    Key::new("vlan", "vlan", Kind::Vlan).says("ID", "the VLAN on it; novlan: untagged"),
];

const BRIDGE_KEYS: &[Key] = &[
    Key::new("ageing", "ageing", Kind::Number).says(
        "SECONDS",
        "how long a learned MAC lives; 0: none is learned",
    ),
    LEARNING,
    Key::new("port", "ports", Kind::List).or("ports").says(
        "NAME",
        "a port that is in it; the list takes the place of the one before",
    ),
];

const VXLAN: &[Key] = &[
    BRIDGE,
    Key::new("vni", "vni", Kind::Number)
        .or("id")
        .says("N", "VXLAN network identifier"),
    Key::new("local", "local", Kind::Text).says("ADDRESS", "our end: an address of a port"),
    Key::new("remote", "remotes", Kind::List).says(
        "ADDRESS",
        "another end: gets what goes to all, or has no entry",
    ),
    Key::new("udp_port", "udp_port", Kind::Number)
        .or("dstport")
        .says("N", "UDP destination port; 4789 by default"),
    Key::new("source_ports", "source_ports", Kind::Text)
        .or("srcport")
        .says("FIRST-LAST", "UDP source ports of what is sent"),
    Key::new("ttl", "ttl", Kind::Number).says("N", "outer time to live, or inherit"),
    Key::new("dscp", "dscp", Kind::Number).says("N", "outer DSCP, or inherit"),
    Key::new("df", "df", Kind::Text).says("HOW", "don't-fragment bit: set, unset, inherit"),
    Key::new("udp_checksum", "udp_checksum", Kind::Bool)
        .or("udpcsum")
        .says(
            "on|off",
            "whether outer UDP checksums are made; off by default",
        ),
    Key::new("accept", "accept", Kind::Text).says("WHOM", "who may send: known remotes, or any"),
    Key::new("zero_checksum", "zero_checksum", Kind::Text)
        .says("HOW", "packets without outer checksum: accept, refuse"),
    Key::new("reserved_bits", "reserved_bits", Kind::Text).says(
        "HOW",
        "reserved bits that are set: strict drops, lenient does not look",
    ),
    LEARNING,
];

const REMOTE: &[Key] = &[
    Key::new("remote", "address", Kind::Text)
        .or("dst")
        .says("ADDRESS", "the other end"),
    Key::new("reserved_bits", "reserved_bits", Kind::Text)
        .says("HOW", "strict or lenient, for this remote"),
];

const SWITCH: &[Key] = &[
    Key::new("cache_entries", "cache_entries", Kind::Number).says("N", "flow cache of each worker"),
    Key::new("fdb_entries", "fdb_entries", Kind::Number).says("N", "MACs over all bridges"),
    Key::new("mbufs", "mbufs", Kind::Number).says("N", "packets of the pool of all ports"),
];

impl Rest {
    /// The words behind `first`, if that is said, by `keys`.
    fn said(&self, first: Option<Key>, keys: &'static [Key]) -> Result<Words, String> {
        let words = self.words.iter().map(String::as_str);
        Said { first, keys }.read(words)
    }

    fn edit(
        &self,
        command: Command,
        first: impl Into<Option<Key>>,
        keys: &'static [Key],
    ) -> Result<Method, String> {
        let words = self.said(first.into(), keys)?;
        Ok(Method::Edit(Edit::Do(command, words)))
    }
}

impl PortVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            PortVerb::Show => Ok(Method::PortShow),
            PortVerb::Add(rest) => rest.edit(Command::PortAdd, NAME, PORT),
            PortVerb::Set(rest) => rest.edit(Command::PortSet, NAME, PORT),
            PortVerb::Del(rest) => rest.edit(Command::PortDel, NAME, &[]),
        }
    }
}

impl AddrVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            AddrVerb::Show => Ok(Method::AddrShow),
            AddrVerb::Add(rest) => rest.edit(Command::AddrAdd, PREFIX, ADDR),
            AddrVerb::Set(rest) => rest.edit(Command::AddrSet, PREFIX, ADDR),
            AddrVerb::Del(rest) => rest.edit(Command::AddrDel, PREFIX, ADDR),
        }
    }
}

impl NeighVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            NeighVerb::Show => Ok(Method::NeighShow),
            NeighVerb::Add(rest) => rest.edit(Command::NeighAdd, ADDRESS, NEIGH),
            NeighVerb::Set(rest) => rest.edit(Command::NeighSet, ADDRESS, NEIGH),
            NeighVerb::Replace(rest) => rest.edit(Command::NeighReplace, ADDRESS, NEIGH),
            NeighVerb::Del(rest) => rest.edit(Command::NeighDel, ADDRESS, NEIGH),
        }
    }
}

impl BridgeVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            BridgeVerb::Show => Ok(Method::BridgeShow),
            BridgeVerb::Add(rest) => rest.edit(Command::BridgeAdd, NAME, BRIDGE_KEYS),
            BridgeVerb::Set(rest) => rest.edit(Command::BridgeSet, NAME, BRIDGE_KEYS),
            BridgeVerb::Del(rest) => rest.edit(Command::BridgeDel, NAME, &[]),
        }
    }
}

impl VxlanVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            VxlanVerb::Show => Ok(Method::VxlanShow),
            VxlanVerb::Add(rest) => rest.edit(Command::VxlanAdd, NAME, VXLAN),
            VxlanVerb::Set(rest) => rest.edit(Command::VxlanSet, NAME, VXLAN),
            VxlanVerb::Append(rest) => rest.edit(Command::RemoteAdd, NAME, REMOTE),
            VxlanVerb::Del(rest) if rest.words.len() > 1 => {
                rest.edit(Command::RemoteDel, NAME, REMOTE)
            }
            VxlanVerb::Del(rest) => rest.edit(Command::VxlanDel, NAME, &[]),
        }
    }
}

impl SwitchVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            SwitchVerb::Set(rest) => rest.edit(Command::SwitchSet, None, SWITCH),
        }
    }
}

/// Nothing if all is well, as with `ip`.
pub(crate) fn text(changed: &Changed) -> String {
    let lagging = changed.lagging.iter().map(u16::to_string);
    let mut text = match lagging.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        workers => format!("done, but not yet seen by workers: {workers}\n"),
    };
    for later in &changed.later {
        text += &format!("{later}\n");
    }
    if changed.unconfirmed {
        text += "not kept until it is confirmed: overpath config confirm, \
                 or overpath config rollback\n";
    }
    text
}

#[cfg(test)]
mod tests;
