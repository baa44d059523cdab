//! What is wanted: bridges, whole files, and how they differ from it.

use crate::config::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ConfigText {
    /// Its text, in TOML.
    pub text: String,
    /// What errors call it.
    pub name: String,
}

/// A change was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// The numbers of workers that had not passed it when the answer was given: they may still
    /// forward by what was before. Empty, as a rule.
    pub lagging: Vec<u16>,
    /// Grows with each change that is kept.
    #[serde(default)]
    pub revision: u64,
    /// What takes effect only with the next start of the daemon.
    #[serde(default)]
    pub later: Vec<String>,
    /// The change is not kept yet: without [`Method::ConfigConfirm`](super::Method::ConfigConfirm)
    /// it is taken back.
    #[serde(default)]
    pub unconfirmed: bool,
}

/// Which learned stations: those of which all is true that is said; all, if nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Learned {
    /// Those of this bridge.
    pub bridge: Option<Name>,
    /// Those behind this port.
    pub port: Option<Name>,
    /// Those behind this tunnel.
    pub tunnel: Option<Name>,
}

/// A configuration holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// How many steps it is away.
    pub steps: usize,
}

/// What would have to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Differing {
    /// The commands, in an order in which they could be given.
    pub steps: Vec<String>,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exported {
    /// In TOML.
    pub text: String,
    /// How many changes were kept before; 0 if this was never stored.
    pub revision: u64,
    /// Why a change would be refused now: the store cannot be written.
    pub store_trouble: Option<String>,
}

/// A bridge, as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bridge {
    /// Its name.
    pub name: String,
    /// Its ports.
    pub ports: Vec<String>,
    /// Its tunnels.
    pub tunnels: Vec<String>,
    /// Seconds that a learned address lives without traffic.
    pub ageing: u64,
    /// Whether addresses are learned from traffic.
    pub learning: bool,
    /// Static entries.
    pub static_entries: usize,
}
