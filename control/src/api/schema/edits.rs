//! Parameters of the commands that change what is wanted, for the schema: the keys of the tables of the
//! configuration. They are read by the readers of the file; a test holds the two together, key by key
//! and limit by limit.

#![expect(dead_code, reason = "only their form is of interest")]

use super::params::{RouteAdd, RouteDel};
use crate::config::Command;
use crate::offload::Offload;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// The parameters of a command. A key whose value is `null` counts as one that is left out: the setting
/// has its default, also in `set`.
pub(super) fn params(command: Command, types: &mut SchemaGenerator) -> Value {
    let mut of = |set: bool| match command {
        Command::SwitchSet => form::<Switch>(types, set, None),
        Command::PortAdd | Command::PortSet => form::<Port>(types, set, Some("name")),
        Command::PortDel | Command::BridgeDel | Command::VxlanDel => {
            form::<Named>(types, set, Some("name"))
        }
        Command::AddrAdd | Command::AddrDel => form::<Own>(types, false, None),
        Command::AddrSet => form::<OwnAgain>(types, false, None),
        Command::NeighAdd | Command::NeighSet | Command::NeighReplace => {
            form::<Neighbour>(types, false, None)
        }
        Command::NeighDel => form::<WhichNeighbour>(types, false, None),
        Command::RouteAdd | Command::RouteSet | Command::RouteReplace => {
            form::<RouteAdd>(types, false, None)
        }
        Command::RouteDel => form::<RouteDel>(types, false, None),
        Command::BridgeAdd | Command::BridgeSet => form::<Bridge>(types, set, Some("name")),
        Command::VxlanAdd | Command::VxlanSet => form::<Tunnel>(types, set, Some("name")),
        Command::RemoteAdd => form::<Remote>(types, false, None),
        Command::RemoteDel => form::<RemoteName>(types, false, None),
        Command::FdbAdd | Command::FdbSet | Command::FdbReplace | Command::FdbDel => {
            form::<Station>(types, false, None)
        }
        Command::FdbFlush => form::<Stations>(types, false, None),
    };
    match command {
        Command::PortSet | Command::BridgeSet | Command::VxlanSet => of(true),
        // All of them may be left out.
        Command::SwitchSet | Command::FdbFlush => json!({"anyOf": [of(false), {"type": "null"}]}),
        _ => of(false),
    }
}

/// The form of `P`; if something is set, no more than `name` has to be said.
fn form<P: JsonSchema>(types: &mut SchemaGenerator, set: bool, name: Option<&str>) -> Value {
    if !set {
        return types.subschema_for::<P>().to_value();
    }
    let mut form = P::json_schema(types).to_value();
    form["required"] = name.into_iter().collect();
    form
}

/// A name of something that is there.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Named {
    /// Its name.
    name: String,
}

/// The keys of `[switch]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Switch {
    /// Entries of each worker's flow cache.
    #[schemars(range(min = 16, max = 16_777_216))]
    cache_entries: Option<u32>,
    /// Entries of the forwarding table.
    #[schemars(range(min = 1, max = 16_777_216))]
    fdb_entries: Option<u32>,
    /// Packet buffers.
    #[schemars(range(min = 1024, max = 8_388_608))]
    mbufs: Option<u32>,
}

/// The keys of `[[port]]`, and the bridge that the port joins.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Port {
    /// Its name.
    name: String,
    /// A DPDK device name or PCI address; devargs may follow after a comma.
    device: String,
    /// The longest frame, without the Ethernet header.
    #[schemars(range(min = 68, max = 9600))]
    mtu: Option<u16>,
    /// Addresses of the switch.
    addresses: Option<Vec<PortAddress>>,
    /// The port by which the host's kernel has the rest.
    local: Option<String>,
    /// Whether it takes frames for any station.
    promiscuous: Option<bool>,
    /// What is done about checksums.
    rx_checksum: Option<RxChecksum>,
    /// The most that its NIC is asked to do for tunnels.
    offload: Option<Offload>,
    /// Receive queues.
    #[schemars(range(min = 1, max = 64))]
    rx_queues: Option<u16>,
    /// Workers that poll them, such as 0,2.
    rx_workers: Option<String>,
    /// Transmit queues.
    #[schemars(range(min = 1, max = 64))]
    tx_queues: Option<u16>,
    /// Descriptors of a receive queue.
    #[schemars(range(min = 32, max = 32_768))]
    rx_descriptors: Option<u16>,
    /// Descriptors of a transmit queue.
    #[schemars(range(min = 32, max = 32_768))]
    tx_descriptors: Option<u16>,
    /// The bridge that it is in; in `port.set` `null` takes it out of its bridge.
    bridge: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum RxChecksum {
    Trust,
    Verify,
    Recompute,
}

/// An address with the length of its prefix, such as 192.0.2.2/24, and perhaps its VLAN.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum PortAddress {
    Untagged(String),
    Tagged(VlanAddress),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct VlanAddress {
    address: String,
    #[schemars(range(min = 1, max = 4094))]
    vlan: Option<u16>,
}

/// An address of a port.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Own {
    /// The port.
    port: String,
    /// An address with the length of its prefix, such as 192.0.2.2/24.
    address: String,
    /// Its VLAN.
    #[schemars(range(min = 1, max = 4094))]
    vlan: Option<u16>,
}

/// An address of ours, and what of it is to be other.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct OwnAgain {
    /// It, with the length that its prefix is to have, such as 192.0.2.2/25.
    address: String,
    /// The port that it is to be on.
    port: Option<String>,
    /// Its VLAN; `null`: none.
    #[schemars(range(min = 1, max = 4094))]
    vlan: Option<u16>,
}

/// The keys of `[[neighbour]]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Neighbour {
    /// The underlay port.
    port: String,
    /// Its VLAN.
    #[schemars(range(min = 1, max = 4094))]
    vlan: Option<u16>,
    /// Its address.
    address: Ipv4Addr,
    /// Its link address.
    mac: String,
}

/// A neighbour that is there; its link address if that matters.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct WhichNeighbour {
    /// The underlay port.
    port: String,
    /// Its VLAN.
    #[schemars(range(min = 1, max = 4094))]
    vlan: Option<u16>,
    /// Its address.
    address: Ipv4Addr,
    /// Its link address.
    mac: Option<String>,
}

/// The keys of `[[bridge]]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Bridge {
    /// Its name.
    name: String,
    /// Names of its ports.
    ports: Option<Vec<String>>,
    /// Seconds after which a silent station is forgotten; 0: never.
    #[schemars(range(min = 0, max = 1_000_000))]
    ageing: Option<u32>,
    /// Whether it learns.
    learning: Option<bool>,
}

/// The keys of `[[tunnel]]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Tunnel {
    /// Its name.
    name: String,
    /// The bridge that it is in.
    bridge: String,
    #[schemars(range(min = 0, max = 16_777_215))]
    vni: u32,
    /// Our end: an address of a port.
    local: Ipv4Addr,
    /// Those that get what is flooded.
    remotes: Option<Vec<DefaultRemote>>,
    #[schemars(range(min = 1, max = 65_535))]
    udp_port: Option<u16>,
    /// UDP source ports, from the first to the last.
    source_ports: Option<SourcePorts>,
    ttl: Option<Ttl>,
    dscp: Option<Dscp>,
    df: Option<Df>,
    /// Whether outer UDP checksums are made.
    udp_checksum: Option<bool>,
    /// Who may send to us.
    accept: Option<Accept>,
    /// What becomes of packets without an outer UDP checksum.
    zero_checksum: Option<ZeroChecksum>,
    /// What becomes of packets in whose VXLAN header reserved bits are set.
    reserved_bits: Option<ReservedBits>,
    /// Whether stations behind it are learned.
    learning: Option<bool>,
}

/// An address, and perhaps what is peculiar to it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum DefaultRemote {
    Address(Ipv4Addr),
    Table(RemoteTable),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RemoteTable {
    address: Ipv4Addr,
    reserved_bits: Option<ReservedBits>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum SourcePorts {
    List([u16; 2]),
    /// Such as 49152-65535.
    Word(String),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Ttl {
    Fixed(#[schemars(range(min = 1, max = 255))] u8),
    Word(Inherit),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Dscp {
    Fixed(#[schemars(range(min = 0, max = 63))] u8),
    Word(Inherit),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Inherit {
    Inherit,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Df {
    Set,
    Unset,
    Inherit,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Accept {
    Known,
    Any,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum ZeroChecksum {
    Accept,
    Refuse,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum ReservedBits {
    Strict,
    Lenient,
}

/// One more default remote of a tunnel.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Remote {
    /// The tunnel.
    name: String,
    address: Ipv4Addr,
    /// As the tunnel, if nothing is said.
    reserved_bits: Option<ReservedBits>,
}

/// A default remote of a tunnel.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RemoteName {
    /// The tunnel.
    name: String,
    address: Ipv4Addr,
}

/// The keys of `[[fdb]]`: a static entry, which leads to `port`, or to `remote` of `tunnel`. In `fdb.del`
/// that may be left out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Station {
    bridge: String,
    /// The station's address.
    mac: String,
    port: Option<String>,
    tunnel: Option<String>,
    remote: Option<Ipv4Addr>,
}

/// Which static entries: all, if nothing is said.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Stations {
    /// A bridge.
    bridge: Option<String>,
    /// A port that they lead to.
    port: Option<String>,
    /// A tunnel that they lead through.
    tunnel: Option<String>,
}

/// Parameters of `fdb.load`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FdbLoad {
    /// Static entries, each address once.
    entries: Vec<Item>,
}

/// The keys of `[[fdb]]`, and what is done with the entry.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Item {
    /// `add`, if nothing is said.
    op: Option<Op>,
    bridge: String,
    /// The station's address.
    mac: String,
    port: Option<String>,
    tunnel: Option<String>,
    remote: Option<Ipv4Addr>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Op {
    Add,
    Replace,
    Del,
}
