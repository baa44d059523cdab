//! The underlay as clients see it: routes, our addresses, tunnels.

use super::route::Network;
use crate::api::text;
use fastpath::wire::Mac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Where it leads.
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub to: Network,
    /// The ways there; one if it is connected.
    pub via: Vec<Via>,
    /// Where the route is from.
    pub kind: RouteKind,
}

/// Where a route is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// An address of ours: the network is on a link.
    Connected,
    /// The configuration, or a client.
    Static,
}

/// One way of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Via {
    /// Who forwards; none if the network is on the link itself.
    pub gateway: Option<Ipv4Addr>,
    /// The underlay port.
    pub port: String,
    /// The VLAN on that port; none: untagged.
    pub vlan: Option<u16>,
    /// The gateway's link address, if it is known.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub mac: Option<Mac>,
    /// Whether packets can go this way now.
    pub alive: bool,
}

/// An address of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// The address.
    pub address: Ipv4Addr,
    /// How many of its leading bits are common to the link.
    pub prefix_length: u8,
    /// The underlay port.
    pub port: String,
    /// The VLAN on that port; none: untagged.
    pub vlan: Option<u16>,
    /// Whether it is ours alone.
    pub state: AddressState,
    /// The station that has it too, if it is a duplicate.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub taken_by: Option<Mac>,
}

/// Whether an address is ours alone (RFC 5227).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AddressState {
    /// The link is being asked.
    Tentative,
    /// Nobody else claims it.
    Preferred,
    /// Another station claims it.
    Duplicate,
}

/// A tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tunnel {
    /// Its name in the configuration.
    pub name: String,
    /// The bridge whose frames it carries.
    pub bridge: String,
    /// VXLAN network identifier, 24 bits.
    pub vni: u32,
    /// Our end.
    pub local: Ipv4Addr,
    /// UDP destination port, both ways.
    pub udp_port: u16,
    /// Whether it works.
    pub state: TunnelState,
    /// Why it does not: names the port, or the station that has our address.
    pub reason: Option<String>,
    /// The other ends.
    pub remotes: Vec<Remote>,
}

/// Whether a tunnel works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TunnelState {
    /// Its local address can be used.
    Up,
    /// It cannot.
    Down,
}

/// The other end of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remote {
    /// Its address.
    pub address: Ipv4Addr,
    /// From traffic, not from the configuration.
    pub learned: bool,
    /// The ways there, among which flows are spread; none if no route leads there.
    pub way: Vec<Way>,
    /// What came from there since the start.
    pub rx: Traffic,
    /// What was sent there since the start.
    pub tx: Traffic,
    /// What was last said to be wrong on the way there, if anything was.
    pub last_error: Option<RemoteError>,
}

/// The neighbour that packets for a remote are handed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Way {
    /// The underlay port.
    pub port: String,
    /// The VLAN on that port; none: untagged.
    pub vlan: Option<u16>,
    /// The neighbour's link address, if it is known.
    #[serde(with = "text::option")]
    #[schemars(with = "Option<String>")]
    pub mac: Option<Mac>,
}

/// Packets and bytes, those of the inner frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Their bytes, without frame check sequence.
    pub bytes: u64,
}

/// An ICMP error about packets for a remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemoteError {
    /// Who sent it.
    pub from: Ipv4Addr,
    /// What is wrong, in words.
    pub kind: String,
    /// The largest packet in bytes that the next link takes, where that is what is wrong (RFC 1191).
    pub mtu: Option<u16>,
    /// How many came.
    pub count: u64,
    /// Seconds since the last one.
    pub age: u64,
}
