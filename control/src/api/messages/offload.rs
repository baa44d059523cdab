//! What NICs do for tunnels, as clients see it.

use super::SelfTestFound;
use crate::offload::{Offload, Tier, TxTier};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What the NIC of a port does for tunnels, and why not more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortOffload {
    /// The port.
    pub port: String,
    /// The most that its NIC is asked for, as it is wanted.
    pub offload: Offload,
    /// What it does for the tunnel for which it does most.
    pub tier: Tier,
    /// Why that is not more, if it is less than what is asked for.
    pub reason: Option<String>,
    /// What it does to what is sent.
    pub tx: TxTier,
    /// Why that is not more.
    pub tx_reason: Option<String>,
    /// It does no more than that until another device is behind the port, whatever is wanted.
    pub demoted: Option<Demoted>,
    /// Why what its NIC says of checksums is not heeded until another device is behind the port, if so.
    #[serde(default)]
    pub distrusted: Option<String>,
    /// Its NIC recovers from an error by itself, and is left alone meanwhile.
    pub suspended: bool,
    /// How often it was started, was reset or recovered.
    pub generation: u64,
    /// The marks that are given out; none if there are none.
    pub marks: Option<MarksGiven>,
    /// What the last self-test of the device found of which something came back; the last one, if there is
    /// none.
    #[serde(default)]
    pub selftest: Option<SelfTestFound>,
    /// Its NICs: one, or the members of a bond. None while the port is not started.
    pub nics: Vec<NicOffload>,
}

/// A port was told to do no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Demoted {
    /// Than this.
    pub tier: Tier,
    /// Why.
    pub reason: String,
}

/// Marks that are given out on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MarksGiven {
    /// How many bits of them its NICs deliver.
    pub bits: u8,
    /// How many there are.
    pub given: usize,
}

/// What one NIC does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NicOffload {
    /// The device, if it is a member of a bond.
    #[serde(default)]
    pub device: Option<String>,
    /// The PMD.
    pub driver: String,
    /// Why it is not there any more, if so.
    pub gone: Option<String>,
    /// Why it takes no more rules, if so.
    pub full: Option<String>,
    /// UDP ports of tunnels of this host, in order.
    pub udp_ports: Vec<UdpPortOffload>,
    /// What it was asked about rules, and what it said.
    pub shapes: Vec<ShapeOffload>,
    /// What it does for each tunnel: for the packets of anybody, then for those of a remote.
    pub tunnels: Vec<TunnelOffload>,
}

/// A UDP port behind which a NIC is to find VXLAN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UdpPortOffload {
    /// It.
    pub udp_port: u16,
    /// Whether its parser knows it.
    pub known: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// What a NIC was asked about rules of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShapeOffload {
    /// The UDP port of the tunnels.
    pub udp_port: u16,
    /// Whether their packets have a VLAN tag.
    pub tagged: bool,
    /// Whether outer headers are to be taken off.
    pub strip: bool,
    /// The shape of rules that it takes, in the words of testpmd.
    pub shape: Option<String>,
    /// Why it takes none.
    pub reason: Option<String>,
}

/// What a NIC does for the packets of a tunnel, or for those of one remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelOffload {
    /// The tunnel; none if it is not wanted any more.
    pub tunnel: Option<String>,
    /// Its VNI.
    pub vni: u32,
    /// Our end.
    pub local: Ipv4Addr,
    /// The UDP destination port.
    pub udp_port: u16,
    /// The VLAN that its packets arrive with; none: without a tag.
    pub vlan: Option<u16>,
    /// Their sender, if its packets alone are meant.
    pub remote: Option<Ipv4Addr>,
    /// What is asked for.
    pub wanted: Tier,
    /// What is done.
    pub tier: Tier,
    /// The mark that is written beside its packets.
    pub mark: Option<u32>,
    /// Packets that the rule matched; none if it does not count, or was not asked yet.
    pub hits: Option<u64>,
    /// Why no more is done, if it is less than what is asked for.
    pub reason: Option<String>,
    /// The rule that is installed, as testpmd takes it for its port 0.
    pub rule: Option<String>,
}
