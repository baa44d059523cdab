//! Forwarding entries as clients ask for them.

use super::FdbEntry;
use crate::config::Name;
use fastpath::wire::Mac;
use serde::Serialize;
use serde_json::{Map, Value};

/// Which forwarding entries: those of which all is true that is said; all, if nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stations {
    /// Those of this bridge.
    pub bridge: Option<Name>,
    /// Those that lead to this port.
    pub port: Option<Name>,
    /// Those that lead through this tunnel.
    pub tunnel: Option<Name>,
    /// Those of this station.
    pub mac: Option<Mac>,
    /// The place in the table where to go on: [`FdbPage::next`], or 0. Clients do not say it: the
    /// server goes through all pages for them.
    pub from: usize,
}

impl Stations {
    /// As parameters; none, if all are asked for.
    pub(super) fn params(&self) -> Option<Value> {
        let names = [
            ("bridge", self.bridge),
            ("port", self.port),
            ("tunnel", self.tunnel),
        ];
        let mut params = Map::new();
        for (key, name) in names {
            if let Some(name) = name {
                params.insert(key.to_owned(), name.as_str().into());
            }
        }
        if let Some(mac) = self.mac {
            params.insert("mac".to_owned(), mac.to_string().into());
        }
        (!params.is_empty()).then(|| params.into())
    }
}

/// Some of the forwarding entries that are asked for. As text it is those, without `next`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FdbPage {
    /// In the order of their places.
    pub entries: Vec<FdbEntry>,
    /// Where to go on; none: these are the last ones.
    #[serde(skip)]
    pub next: Option<usize>,
}
