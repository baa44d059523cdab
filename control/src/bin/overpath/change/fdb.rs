//! `overpath fdb`: the words of its changes.

use super::said::{Key, Kind, Said};
use super::{BRIDGE, Rest};
use crate::fdb::stations;
use clap::Subcommand;
use control::api::messages::{Learned, Method, Stations};
use control::config::{Command, Edit, NameError};
use fastpath::wire::Mac;
use serde_json::Value;
use std::path::PathBuf;

/// What to do with forwarding entries; show them, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum FdbVerb {
    /// Show entries: all, or those that match [bridge NAME] [port NAME] [tunnel NAME] [mac MAC]
    ///
    /// overpath fdb show bridge br10 port lan
    /// overpath fdb show tunnel vx10
    #[command(verbatim_doc_comment, alias = "s")]
    Show(Rest),
    /// Show the entries of one station: MAC [bridge NAME]
    ///
    /// overpath fdb get 02:00:00:00:00:01
    #[command(verbatim_doc_comment)]
    Get(Rest),
    /// Add a static entry: MAC bridge NAME (port NAME | tunnel NAME dst ADDRESS)
    ///
    /// overpath fdb add 02:00:00:00:00:01 bridge br10 tunnel vx10 dst 192.0.2.3
    #[command(verbatim_doc_comment, alias = "a")]
    Add(Rest),
    /// Add a static entry, in the place of the one of this MAC if there is one
    Replace(Rest),
    /// Change a static entry: MAC bridge NAME [port NAME | tunnel NAME] [dst ADDRESS]
    ///
    /// What is not said of a place behind a tunnel stays. Address and bridge cannot be set: they are
    /// what an entry is known by.
    ///
    /// overpath fdb set 02:00:00:00:00:01 bridge br10 dst 192.0.2.4
    #[command(verbatim_doc_comment)]
    Set(Rest),
    /// Add a remote that gets what has no entry: 00:00:00:00:00:00 tunnel NAME dst ADDRESS
    ///
    /// It is `overpath vxlan append` in the words of `bridge fdb`. Any other station is in one place:
    /// `replace` puts it elsewhere.
    ///
    /// overpath fdb append 00:00:00:00:00:00 tunnel vx10 dst 192.0.2.4
    #[command(verbatim_doc_comment)]
    Append(Rest),
    /// Remove a static entry: MAC bridge NAME; or a default: 00:00:00:00:00:00 tunnel NAME dst ADDRESS
    #[command(alias = "delete")]
    Del(Rest),
    /// Forget learned entries: [bridge NAME] [port NAME] [tunnel NAME]; `static` removes static ones
    ///
    /// overpath fdb flush port lan
    /// overpath fdb flush static bridge br10
    #[command(verbatim_doc_comment)]
    Flush(Rest),
    /// Add many static entries from a file of lines such as those behind `fdb add`
    ///
    /// A line may begin with add, replace or del. A hundred thousand at a time are done as one
    /// change; - is standard input.
    Load {
        /// The file
        file: PathBuf,
    },
}

pub(super) const MAC: Key = Key::new("mac", "mac", Kind::Text).says("MAC", "");

/// Not learned.
const STATIC: &str = "static";

const PLACE: Key = Key::new("port", "port", Kind::Text)
    .or("dev")
    .says("NAME", "the port that it is behind");
const TUNNEL: Key =
    Key::new("tunnel", "tunnel", Kind::Text).says("NAME", "the tunnel that it is behind");

pub(super) const FDB: &[Key] = &[
    BRIDGE,
    PLACE,
    TUNNEL,
    Key::new("dst", "remote", Kind::Text)
        .or("remote")
        .says("ADDRESS", "the remote behind that tunnel"),
];

pub(super) const FLUSH: &[Key] = &[
    BRIDGE,
    PLACE,
    TUNNEL,
    Key::new(STATIC, STATIC, Kind::Flag).says("", "static ones instead of learned ones"),
];

/// A default remote of a tunnel. There is nothing else that `dev` could be.
pub(super) const DEFAULT: &[Key] = &[
    Key::new("tunnel", "name", Kind::Text)
        .or("dev")
        .says("NAME", "the tunnel"),
    Key::new("dst", "address", Kind::Text)
        .or("remote")
        .says("ADDRESS", "the other end"),
    Key::new("reserved_bits", "reserved_bits", Kind::Text)
        .says("HOW", "strict or lenient, for this remote"),
];

impl FdbVerb {
    pub(crate) fn method(&self) -> Result<Method, String> {
        match self {
            FdbVerb::Load { .. } => Ok(Method::FdbShow(Stations::default())),
            FdbVerb::Show(rest) => stations(&rest.words).map(Method::FdbShow),
            FdbVerb::Get(rest) => {
                let words: Vec<_> = ["mac".to_owned()]
                    .into_iter()
                    .chain(rest.words.clone())
                    .collect();
                stations(&words).map(Method::FdbShow)
            }
            FdbVerb::Add(rest) if rest.is_default() => rest.default(Command::RemoteAdd),
            FdbVerb::Add(rest) => rest.edit(Command::FdbAdd, MAC, FDB),
            FdbVerb::Replace(rest) => rest.station(Command::FdbReplace),
            FdbVerb::Set(rest) => rest.station(Command::FdbSet),
            FdbVerb::Append(rest) => rest.append(),
            FdbVerb::Del(rest) if rest.is_default() => rest.default(Command::RemoteDel),
            FdbVerb::Del(rest) => rest.edit(Command::FdbDel, MAC, FDB),
            FdbVerb::Flush(rest) => flush(&rest.words),
        }
    }
}

/// The default of a tunnel, as `bridge fdb` says it: what has no entry goes there.
const ANY: Mac = Mac::new([0; 6]);

impl Rest {
    /// Whether it is about a default remote and no station.
    fn is_default(&self) -> bool {
        let first = self.words.first();
        first.is_some_and(|mac| mac.parse() == Ok(ANY))
    }

    /// A change of the default remotes of a tunnel.
    fn default(&self, command: Command) -> Result<Method, String> {
        let words = self.words.iter().skip(1).map(String::as_str);
        let first = None;
        let said = Said {
            first,
            keys: DEFAULT,
        };
        let said = said.read(words)?;
        if !(said.contains_key("name") && said.contains_key("address")) {
            let why = "a default is added to a tunnel: say tunnel NAME and dst ADDRESS";
            return Err(why.to_owned());
        }
        Ok(Method::Edit(Edit::Do(command, said)))
    }

    /// A change of the one place of a station.
    fn station(&self, command: Command) -> Result<Method, String> {
        if self.is_default() {
            let why = format!("{ANY} is the default of a tunnel, which may have several remotes");
            return Err(format!("{why}: fdb append adds one, fdb del removes one"));
        }
        self.edit(command, MAC, FDB)
    }

    fn append(&self) -> Result<Method, String> {
        match self.words.first() {
            None => Err(format!("the mac is missing: it is {ANY}")),
            Some(_) if self.is_default() => self.default(Command::RemoteAdd),
            Some(mac) => Err(format!(
                "{mac:?} can be in one place only: say fdb replace to put it elsewhere; \
                 allowed: {ANY}, the default of a tunnel"
            )),
        }
    }
}

fn flush(words: &[String]) -> Result<Method, String> {
    let words = words.iter().map(String::as_str);
    let first = None;
    let mut said = Said { first, keys: FLUSH }.read(words)?;
    if said.remove(STATIC).is_some() {
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
