//! Parameters as they stand on the wire, for the schema. They are read, and checked more closely, in
//! `control/src/api/params.rs`; a test holds the two together.

#![expect(dead_code, reason = "only their form is of interest")]

use schemars::JsonSchema;

/// Parameters of `fdb.show`: which entries, all if nothing is said.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FdbShow {
    /// A bridge.
    bridge: Option<String>,
    /// A port that they lead to.
    port: Option<String>,
    /// A tunnel that they lead through.
    tunnel: Option<String>,
    /// A station's address.
    mac: Option<String>,
}

/// Parameters of `fdb.flush`: which learned stations, all if nothing is said.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FdbFlush {
    /// A bridge.
    bridge: Option<String>,
    /// A port that they are behind.
    port: Option<String>,
    /// A tunnel that they are behind.
    tunnel: Option<String>,
}

/// Parameters of `config.check` and `config.diff`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ConfigFile {
    /// A configuration, in TOML.
    text: String,
    /// What errors call it.
    name: Option<String>,
}

/// Parameters of `config.apply`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ConfigApply {
    /// A configuration, in TOML.
    text: String,
    /// What errors call it.
    name: Option<String>,
    /// Seconds after which it is taken back, unless it is confirmed.
    #[schemars(range(min = 1, max = 86_400))]
    confirm: Option<u32>,
}

/// Parameters of `route.add`, `route.set` and `route.replace`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RouteAdd {
    /// A network, such as 203.0.113.0/24.
    to: String,
    /// Gateways, all different.
    #[schemars(length(min = 1, max = 8))]
    via: Vec<std::net::Ipv4Addr>,
}

/// Parameters of `route.del`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RouteDel {
    /// A network, such as 203.0.113.0/24.
    to: String,
}

/// Parameters of `drops.show`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct DropsShow {
    /// A port.
    port: String,
}

/// Parameters of `offload.show`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct OffloadShow {
    /// A port.
    port: String,
}

/// Parameters of `offload.selftest`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct OffloadSelftest {
    /// A port.
    port: String,
}

/// Parameters of `cache.show`: one of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CacheShow {
    /// The port whose packets the entries decide.
    port: Option<String>,
    /// A worker and an entry of its cache, such as 0:17.
    entry: Option<String>,
}

/// Parameters of `explain`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Explain {
    /// The port that the frame comes in by.
    port: String,
    /// 1 to 9216 bytes in hex.
    frame: String,
    /// Whether the workers of the port are asked; they are, if nothing is said.
    ask_workers: Option<bool>,
}

/// Parameters of `explain.entry`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ExplainEntry {
    /// A worker and an entry of its cache, such as 0:17.
    entry: String,
}

/// Parameters of `explain.drop`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ExplainDrop {
    /// The name of a reason for drops.
    reason: String,
}

/// Parameters of `explain.fdb`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ExplainFdb {
    /// A station's address.
    mac: String,
}

/// Parameters of `capture.start` and `explain.next`: one of the first six says whose packets.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CaptureStart {
    /// A port.
    port: Option<String>,
    /// A bridge.
    bridge: Option<String>,
    /// A tunnel.
    tunnel: Option<String>,
    /// A port, bridge or tunnel.
    name: Option<String>,
    /// Drops: all of them, or those for this reason.
    drops: Option<Drops>,
    /// All packets: true.
    all: Option<bool>,
    /// Which of them, in the words of tcpdump.
    filter: Option<String>,
    /// Bytes that are kept of a packet.
    #[schemars(range(min = 1))]
    snap: Option<u16>,
    /// Packets after which it ends.
    #[schemars(range(min = 1))]
    count: Option<u64>,
}

/// All drops, or those for one reason.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Drops {
    /// True: all of them.
    All(bool),
    /// The name of a reason.
    Reason(String),
}

/// Parameters of `events.subscribe`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct EventsSubscribe {
    /// What events are about.
    #[schemars(length(min = 1))]
    kinds: Vec<crate::api::messages::EventKind>,
}
