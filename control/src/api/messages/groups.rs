//! Counters by queue, bridge, tunnel, VNI and underlay link, as clients see them.

use super::{FdbStats, PortStats, Traffic};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counters of what is not there any more, so that sums over what is there and these are those of
/// the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    /// All ports.
    pub ports: PortStats,
    /// What became of the word of their NICs.
    #[serde(default)]
    pub hints: HintStats,
    /// All bridges.
    pub bridges: BridgeStats,
    /// What tunnels received.
    pub tunnels_rx: Traffic,
    /// What tunnels sent.
    pub tunnels_tx: Traffic,
    /// What tunnels received by underlay links.
    pub links_rx: Traffic,
    /// What tunnels sent by underlay links.
    pub links_tx: Traffic,
}

/// Counters of the queues of one number of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueStats {
    /// The port.
    pub port: String,
    /// The number, from 0.
    pub queue: u16,
    /// Packets taken from the receive queue; of all queues together: `received` of the port.
    pub received: u64,
    /// Bursts in which they came.
    pub rx_bursts: u64,
    /// Packets that the transmit queue accepted; of all queues together: `sent` of the port.
    pub sent: u64,
    /// Bursts that it was given.
    pub tx_bursts: u64,
}

/// What became of the word of the NIC behind one port, about packets of tunnels. The first three are
/// of packets with a mark that no memo knew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HintStats {
    /// The port.
    pub port: String,
    /// Packets that are what their mark said: nothing else was read of their outer headers.
    pub confirmed: u64,
    /// Packets that may not be what their mark said: they were read as if they had none.
    pub differed: u64,
    /// Packets whose mark means nothing, or not any more: they were read as if they had none, or dropped
    /// where the NIC takes outer headers off.
    pub unknown: u64,
    /// Packets that came without outer headers.
    #[serde(default)]
    pub stripped: u64,
    /// Packets, marked or not, of which all was read and held against what the NIC said.
    pub inspected: u64,
    /// Of these, packets of which it had said what is not so.
    pub lies: u64,
}

/// Counters of one bridge: received + copied = sent + dropped + waited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BridgeStats {
    /// The bridge.
    pub bridge: String,
    /// Frames that entered, from its ports and its tunnels.
    pub received: u64,
    /// Copies of them, made or due, beyond the first.
    pub copied: u64,
    /// Frames and copies that left, to its ports and its tunnels.
    pub sent: u64,
    /// Frames and copies dropped on their way through.
    pub dropped: u64,
    /// Frames and copies kept until a neighbour was known, whatever became of them then.
    pub waited: u64,
    /// Of `received`, frames flooded that were for everybody.
    pub broadcast: u64,
    /// Of `received`, frames flooded that were for a group.
    pub multicast: u64,
    /// Of `received`, frames flooded that were for a station that was not known.
    pub unknown: u64,
    /// Frames that entered in the last whole second.
    pub rx_rate: u64,
    /// Its part of the forwarding table; the limit is that of all bridges together.
    pub fdb: FdbStats,
}

/// Counters of one tunnel since the start. Packets and bytes are those of inner frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TunnelStats {
    /// The tunnel.
    pub tunnel: String,
    /// Its bridge.
    pub bridge: String,
    /// Its VNI.
    pub vni: u32,
    /// What came by it: from its remotes, those that were forgotten, and strangers.
    pub rx: Traffic,
    /// What was sent by it.
    pub tx: Traffic,
    /// Of `rx`, what came from senders without a record.
    pub strangers: Traffic,
    /// Packets that came in the last whole second.
    pub rx_rate: u64,
    /// Packets sent in the last whole second.
    pub tx_rate: u64,
}

/// Counters of all tunnels of one VNI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VniStats {
    /// The VNI.
    pub vni: u32,
    /// What came by them.
    pub rx: Traffic,
    /// What was sent by them.
    pub tx: Traffic,
}

/// Frames received and sent by an underlay port: received = forwarded + consumed + waited + dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frames {
    /// Frames taken from the port.
    pub received: u64,
    /// Of these, frames that were forwarded, themselves or what a tunnel carried in them.
    pub forwarded: u64,
    /// Of these, frames that were meant for the switch itself.
    pub consumed: u64,
    /// Of these, frames that were kept until a neighbour was known.
    pub waited: u64,
    /// Of these, frames that were dropped.
    pub dropped: u64,
    /// Frames that were to leave by the port.
    pub enqueued: u64,
}

/// Counters of one underlay link: a port, or one VLAN of it. `rx` and `tx` are what tunnels
/// exchanged by it, packets and bytes of inner frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkStats {
    /// The port.
    pub port: String,
    /// The VLAN; none: frames without a tag.
    pub vlan: Option<u16>,
    /// All frames of it.
    #[serde(default)]
    pub frames: Frames,
    /// What came by it.
    pub rx: Traffic,
    /// What was sent by it.
    pub tx: Traffic,
    /// Packets that came in the last whole second.
    pub rx_rate: u64,
    /// Packets sent in the last whole second.
    pub tx_rate: u64,
}

/// Frames of an underlay port that are on none of its links. With those of its links they are all of
/// the port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StrayStats {
    /// The port.
    pub port: String,
    /// Those frames.
    pub frames: Frames,
}
