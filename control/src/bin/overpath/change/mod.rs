//! What is said of a change: the words of commands, as `ip` and `bridge` take them, become the
//! parameters that the daemon reads as it reads a file.

mod load;
mod said;

pub(crate) use load::load;

use crate::fdb;
use clap::Subcommand;
use control::api::messages::{Changed, Learned, Method, Stations};
use control::config::{Command, Edit, NameError, Words};
use said::{Key, Kind, Said};
use serde_json::Value;
use std::path::PathBuf;

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
    /// Show all of them
    #[command(alias = "s")]
    Show,
    /// Add one: NAME device DEVICE [mtu N] [bridge NAME] [address PREFIX]... [local PORT] ...
    ///
    /// overpath port add lan device net_tap0,iface=lan0 mtu 1450 bridge br10
    #[command(verbatim_doc_comment)]
    Add(Rest),
    /// Change one: NAME and what is to be other; `default` is a value that takes one back
    ///
    /// overpath port set lan bridge br20
    /// overpath port set lan nobridge mtu default
    #[command(verbatim_doc_comment)]
    Set(Rest),
    /// Remove one: NAME
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with addresses; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum AddrVerb {
    /// Show all of them
    #[command(alias = "s")]
    Show,
    /// Add one: PREFIX port NAME [vlan N]
    ///
    /// overpath addr add 192.0.2.2/24 port uplink
    #[command(verbatim_doc_comment)]
    Add(Rest),
    /// Remove one: PREFIX port NAME [vlan N]
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with bridges; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum BridgeVerb {
    /// Show all of them
    #[command(alias = "s")]
    Show,
    /// Add one: NAME [ageing SECONDS] [learning on|off] [port NAME]...
    Add(Rest),
    /// Change one: NAME and what is to be other; ports join by `port set NAME bridge BRIDGE`
    Set(Rest),
    /// Remove one: NAME
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with tunnels; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum VxlanVerb {
    /// Show all of them
    #[command(alias = "s")]
    Show,
    /// Add one: NAME bridge NAME vni N local ADDRESS [remote ADDRESS]... [ttl N] ...
    ///
    /// overpath vxlan add vx10 bridge br10 vni 10 local 192.0.2.2 remote 192.0.2.3
    #[command(verbatim_doc_comment, alias = "a")]
    Add(Rest),
    /// Change one: NAME and what is to be other; `default` is a value that takes one back
    Set(Rest),
    /// Add a default remote: NAME remote ADDRESS [reserved_bits strict|lenient]
    Append(Rest),
    /// Remove one, or one of its default remotes: NAME [remote ADDRESS]
    #[command(alias = "delete")]
    Del(Rest),
}

/// What to do with forwarding entries; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum FdbVerb {
    /// Show all of them, or those of which all is true that is said
    ///
    /// overpath fdb show bridge br10 port lan
    /// overpath fdb show tunnel vx10
    #[command(verbatim_doc_comment, alias = "s")]
    Show(Rest),
    /// Show those of one station: MAC [bridge NAME]
    ///
    /// overpath fdb get 02:00:00:00:00:01
    #[command(verbatim_doc_comment)]
    Get(Rest),
    /// Add a static one: MAC bridge NAME (port NAME | tunnel NAME dst ADDRESS)
    ///
    /// overpath fdb add 02:00:00:00:00:01 bridge br10 tunnel vx10 dst 192.0.2.3
    #[command(verbatim_doc_comment)]
    Add(Rest),
    /// The same, in the place of the one of this address if there is one
    Replace(Rest),
    /// Remove a static one: MAC bridge NAME
    #[command(alias = "delete")]
    Del(Rest),
    /// Forget learned ones: [bridge NAME] [port NAME] [tunnel NAME]; or, with the word static,
    /// remove static ones
    Flush(Rest),
    /// Add many static ones from a file of lines such as those behind `fdb add`
    ///
    /// A line may begin with add, replace or del. A hundred thousand at a time are done as one
    /// change; - is standard input.
    Load {
        /// The file
        file: PathBuf,
    },
}

/// What to do with the switch as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum SwitchVerb {
    /// Change its settings: [cache_entries N] [fdb_entries N] [mbufs N]
    Set(Rest),
}

const NAME: Key = Key::new("name", "name", Kind::Text);
const BRIDGE: Key = Key::new("bridge", "bridge", Kind::Text).or("master");
const LEARNING: Key = Key::new("learning", "learning", Kind::Bool);

const PORT: &[Key] = &[
    Key::new("device", "device", Kind::Text),
    Key::new("mtu", "mtu", Kind::Number),
    BRIDGE,
    Key::new("address", "addresses", Kind::List).or("addresses"),
    Key::new("local", "local", Kind::Text),
    Key::new("promiscuous", "promiscuous", Kind::Bool),
    Key::new("rx_checksum", "rx_checksum", Kind::Text),
    Key::new("rx_queues", "rx_queues", Kind::Number),
    Key::new("rx_workers", "rx_workers", Kind::Text),
    Key::new("tx_queues", "tx_queues", Kind::Number),
    Key::new("rx_descriptors", "rx_descriptors", Kind::Number),
    Key::new("tx_descriptors", "tx_descriptors", Kind::Number),
];

const ADDR: &[Key] = &[
    Key::new("port", "port", Kind::Text).or("dev"),
    Key::new("vlan", "vlan", Kind::Number),
];

const BRIDGE_KEYS: &[Key] = &[
    Key::new("ageing", "ageing", Kind::Number),
    LEARNING,
    Key::new("port", "ports", Kind::List).or("ports"),
];

const VXLAN: &[Key] = &[
    BRIDGE,
    Key::new("vni", "vni", Kind::Number).or("id"),
    Key::new("local", "local", Kind::Text),
    Key::new("remote", "remotes", Kind::List),
    Key::new("udp_port", "udp_port", Kind::Number).or("dstport"),
    Key::new("source_ports", "source_ports", Kind::Text).or("srcport"),
    Key::new("ttl", "ttl", Kind::Number),
    Key::new("dscp", "dscp", Kind::Number),
    Key::new("df", "df", Kind::Text),
    Key::new("accept", "accept", Kind::Text),
    Key::new("zero_checksum", "zero_checksum", Kind::Text),
    Key::new("reserved_bits", "reserved_bits", Kind::Text),
    LEARNING,
];

const REMOTE: &[Key] = &[
    Key::new("remote", "address", Kind::Text).or("dst"),
    Key::new("reserved_bits", "reserved_bits", Kind::Text),
];

const FDB: &[Key] = &[
    BRIDGE,
    Key::new("port", "port", Kind::Text).or("dev"),
    Key::new("tunnel", "tunnel", Kind::Text),
    Key::new("dst", "remote", Kind::Text).or("remote"),
];

const FLUSH: &[Key] = &[
    BRIDGE,
    Key::new("port", "port", Kind::Text).or("dev"),
    Key::new("tunnel", "tunnel", Kind::Text),
];

const SWITCH: &[Key] = &[
    Key::new("cache_entries", "cache_entries", Kind::Number),
    Key::new("fdb_entries", "fdb_entries", Kind::Number),
    Key::new("mbufs", "mbufs", Kind::Number),
];

const PREFIX: Key = Key::new("address", "address", Kind::Text);
const MAC: Key = Key::new("mac", "mac", Kind::Text);

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
            AddrVerb::Del(rest) => rest.edit(Command::AddrDel, PREFIX, ADDR),
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

impl FdbVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            FdbVerb::Load { .. } => Ok(Method::FdbShow(Stations::default())),
            FdbVerb::Show(rest) => fdb::stations(&rest.words).map(Method::FdbShow),
            FdbVerb::Get(rest) => {
                let words: Vec<_> = ["mac".to_owned()]
                    .into_iter()
                    .chain(rest.words.clone())
                    .collect();
                fdb::stations(&words).map(Method::FdbShow)
            }
            FdbVerb::Add(rest) => rest.edit(Command::FdbAdd, MAC, FDB),
            FdbVerb::Replace(rest) => rest.edit(Command::FdbReplace, MAC, FDB),
            FdbVerb::Del(rest) => rest.edit(Command::FdbDel, MAC, FDB),
            FdbVerb::Flush(rest) => flush(&rest.words),
        }
    }
}

fn flush(words: &[String]) -> Result<Method, String> {
    let fixed = words.iter().any(|word| word == "static");
    let words = words.iter().map(String::as_str);
    let words = words.filter(|word| *word != "static");
    let first = None;
    let said = Said { first, keys: FLUSH }.read(words)?;
    if fixed {
        return Ok(Method::Edit(Edit::Do(Command::FdbFlush, said)));
    }
    let name = |key: &str| {
        let text = said.get(key).and_then(Value::as_str);
        let name = text.map(|text| text.parse().map_err(|e: NameError| format!("{key}: {e}")));
        name.transpose()
    };
    Ok(Method::FdbFlush(Learned {
        bridge: name("bridge")?,
        port: name("port")?,
        tunnel: name("tunnel")?,
    }))
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
