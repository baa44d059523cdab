//! Captures as clients ask for them.

use crate::config::Name;
use fastpath::drop::DropReason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::num::{NonZeroU16, NonZeroU64};

/// Whose packets are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// What comes in and leaves by a port.
    Port(Name),
    /// The same of all ports of a bridge, and what its tunnels carry.
    Bridge(Name),
    /// What a tunnel carries, with its outer headers.
    Tunnel(Name),
    /// The port, the bridge or the tunnel of this name; refused if there are several.
    Named(Name),
    /// What is dropped anywhere, for this reason if one is said.
    Drops(Option<DropReason>),
    /// What comes in and leaves by any port.
    All,
}

impl fmt::Display for Subject {
    /// As on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Port(name) => write!(f, "port {name}"),
            Subject::Bridge(name) => write!(f, "bridge {name}"),
            Subject::Tunnel(name) => write!(f, "tunnel {name}"),
            Subject::Named(name) => write!(f, "{name}"),
            Subject::Drops(None) => f.write_str("drops"),
            Subject::Drops(Some(reason)) => write!(f, "drops {}", reason.name()),
            Subject::All => f.write_str("all"),
        }
    }
}

/// What is to be captured, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Capture {
    /// Whose packets.
    pub of: Subject,
    /// Which of them, in the words of pcap-filter; all, if it is empty. It is about the frame that
    /// is copied, which of a tunnel is the outer one.
    pub filter: String,
    /// How many of a packet's first bytes are kept.
    pub snap: NonZeroU16,
    /// After how many packets the capture ends; none: it ends with the client.
    pub count: Option<NonZeroU64>,
}

impl Capture {
    /// Whole packets, all of them.
    pub fn of(subject: Subject) -> Self {
        Capture {
            of: subject,
            filter: String::new(),
            snap: NonZeroU16::MAX,
            count: None,
        }
    }

    /// As parameters.
    pub(super) fn params(&self) -> Value {
        let (key, value) = match self.of {
            Subject::Port(name) => ("port", name.as_str().into()),
            Subject::Bridge(name) => ("bridge", name.as_str().into()),
            Subject::Tunnel(name) => ("tunnel", name.as_str().into()),
            Subject::Named(name) => ("name", name.as_str().into()),
            Subject::Drops(None) => ("drops", true.into()),
            Subject::Drops(Some(reason)) => ("drops", reason.name().into()),
            Subject::All => ("all", true.into()),
        };
        let mut params = Map::new();
        params.insert(key.to_owned(), value);
        if !self.filter.is_empty() {
            params.insert("filter".to_owned(), self.filter.as_str().into());
        }
        if self.snap != NonZeroU16::MAX {
            params.insert("snap".to_owned(), self.snap.get().into());
        }
        if let Some(count) = self.count {
            params.insert("count".to_owned(), count.get().into());
        }
        params.into()
    }
}

/// The answer when a capture begins. Behind its line the connection carries a pcapng file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capturing {
    /// Whose packets, as in `port uplink`: of which kind a mere name was.
    pub of: String,
    /// The interfaces of the file, in their order: names of ports.
    pub interfaces: Vec<String>,
    /// What a packet begins with: always `ethernet`.
    pub link_type: String,
}
