//! The counters as clients see them.

use super::{
    BridgeStats, Gone, HintStats, Histogram, LinkStats, QueueStats, StrayStats, Traffic,
    TunnelStats, VniStats,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Counters of the switch since the start. Each is read while workers go on, so that sums close
/// only at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Where every packet went.
    pub account: Account,
    /// Packets dropped by reason; a reason that never occurred is left out.
    pub drops: BTreeMap<String, u64>,
    /// By port, in the order of their numbers: they come first that were there first.
    pub ports: Vec<PortStats>,
    /// By queue, in the order of ports and numbers.
    #[serde(default)]
    pub queues: Vec<QueueStats>,
    /// By bridge, in the order of their numbers.
    #[serde(default)]
    pub bridges: Vec<BridgeStats>,
    /// By tunnel, in the order of their numbers.
    #[serde(default)]
    pub tunnels: Vec<TunnelStats>,
    /// By VNI, smallest first.
    #[serde(default)]
    pub vnis: Vec<VniStats>,
    /// By underlay link, in the order of ports.
    #[serde(default)]
    pub links: Vec<LinkStats>,
    /// By port with links, in the order of their numbers.
    #[serde(default)]
    pub strays: Vec<StrayStats>,
    /// By port whose NIC is asked anything about tunnels, or was, in the order of their numbers.
    #[serde(default)]
    pub hints: Vec<HintStats>,
    /// By remote, in the order of tunnels.
    #[serde(default)]
    pub remotes: Vec<RemoteStats>,
    /// The forwarding table.
    #[serde(default)]
    pub fdb: FdbStats,
    /// By worker.
    pub workers: Vec<WorkerStats>,
    /// How many cycles of the workers' counters there are in a second; 0 if that is not known yet.
    #[serde(default)]
    pub ticks_per_second: u64,
    /// What is not there any more.
    #[serde(default)]
    pub gone: Gone,
    /// What workers told the state thread, by kind; kinds that never occurred are left out.
    pub events: BTreeMap<String, u64>,
}

/// Where every packet went: received + originated + copied = sent + dropped + consumed + held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Packets taken from ports.
    pub received: u64,
    /// Packets made by the switch itself, such as ARP requests.
    pub originated: u64,
    /// Copies made to flood.
    pub copied: u64,
    /// Packets that ports accepted.
    pub sent: u64,
    /// Packets dropped, for whatever reason.
    pub dropped: u64,
    /// Packets meant for the switch itself.
    pub consumed: u64,
    /// Packets that are inside the switch right now; 0 after a stop.
    pub held: u64,
}

/// Counters of the data plane for one port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortStats {
    /// The port.
    pub port: String,
    /// Packets taken from it: the sum of the verdicts, which follow.
    pub received: u64,
    /// Of these, packets that were forwarded to one port or more.
    pub forwarded: u64,
    /// Of these, packets that were dropped.
    pub dropped: u64,
    /// Of these, packets that were meant for the switch itself.
    pub consumed: u64,
    /// Of these, packets that were kept until a neighbour was known, whatever became of them then.
    #[serde(default)]
    pub waited: u64,
    /// Packets that were to leave by it: those sent and those of `tx_dropped`.
    pub enqueued: u64,
    /// Packets that it accepted.
    pub sent: u64,
    /// Packets that it did not accept.
    pub tx_dropped: u64,
    /// Packets that the switch made and gave it to send, such as ARP requests.
    #[serde(default)]
    pub originated: u64,
    /// Copies, beyond the first, of packets taken from it: made, or due.
    #[serde(default)]
    pub copied: u64,
    /// Of these, copies that were dropped.
    #[serde(default)]
    pub copies_dropped: u64,
    /// Of `waited`, packets that were dropped in the end.
    #[serde(default)]
    pub wait_dropped: u64,
    /// Bytes of `received`.
    #[serde(default)]
    pub received_bytes: u64,
    /// Bytes of `sent`.
    #[serde(default)]
    pub sent_bytes: u64,
    /// How much `received` grew in the last whole second.
    #[serde(default)]
    pub rx_rate: u64,
    /// How much `received_bytes` did.
    #[serde(default)]
    pub rx_byte_rate: u64,
    /// How much `sent` did.
    #[serde(default)]
    pub tx_rate: u64,
    /// How much `sent_bytes` did.
    #[serde(default)]
    pub tx_byte_rate: u64,
}

/// What was exchanged with one remote since it is known. Learned remotes that were forgotten are
/// left out, and are in the sum of their tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemoteStats {
    /// The tunnel.
    pub tunnel: String,
    /// Its other end.
    pub remote: Ipv4Addr,
    /// What came from there.
    pub rx: Traffic,
    /// What was sent there.
    pub tx: Traffic,
}

/// The forwarding table: entries = static_entries + learned - aged - flushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FdbStats {
    /// Entries now.
    pub entries: u64,
    /// Of these, those of the configuration.
    pub static_entries: u64,
    /// Entries there may be.
    pub limit: u64,
    /// Addresses learned.
    pub learned: u64,
    /// Addresses that turned up elsewhere.
    pub moved: u64,
    /// Addresses removed because they were silent for too long.
    pub aged: u64,
    /// Learned addresses removed with what they led to, or because somebody wanted it.
    pub flushed: u64,
    /// Addresses not learned because there was no room.
    pub full: u64,
    /// How much `learned` grew in the last whole second.
    #[serde(default)]
    pub learned_rate: u64,
    /// How much `moved` did.
    #[serde(default)]
    pub moved_rate: u64,
    /// How much `aged` did.
    #[serde(default)]
    pub aged_rate: u64,
}

/// Counters of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerStats {
    /// Its number, from 0.
    pub worker: u16,
    /// Rounds of its loop.
    #[serde(default)]
    pub rounds: u64,
    /// Of these, rounds that found no packet.
    #[serde(default)]
    pub idle_rounds: u64,
    /// How much of the last whole second it spent in rounds that moved packets, in percent.
    #[serde(default)]
    pub busy: u8,
    /// Cycles of rounds that moved packets.
    #[serde(default)]
    pub busy_ticks: u64,
    /// Cycles of rounds that found none.
    #[serde(default)]
    pub idle_ticks: u64,
    /// Packets taken from receive queues.
    #[serde(default)]
    pub received: u64,
    /// Packets that its transmit queues accepted.
    #[serde(default)]
    pub sent: u64,
    /// Packets moved: those received, and those that other workers or the switch gave it to send.
    #[serde(default)]
    pub moved: u64,
    /// Cycles for each packet moved in the last whole second; 0 if there was none.
    #[serde(default)]
    pub ticks_per_packet: u64,
    /// Bursts received, by their packets.
    #[serde(default)]
    pub rx_burst_sizes: Histogram,
    /// Bursts given to transmit queues, by their packets.
    #[serde(default)]
    pub tx_burst_sizes: Histogram,
    /// Packets moved, by the cycles of the round that did it: none was longer between the two
    /// queues.
    #[serde(default)]
    pub rx_to_tx_ticks: Histogram,
    /// Packets that were resolved, by the cycles that it took.
    #[serde(default)]
    pub resolve_ticks: Histogram,
    /// All cycles spent on that.
    #[serde(default)]
    pub resolve_ticks_sum: u64,
    /// What it had to tell the state thread and could not; the next packet tells it again.
    #[serde(default)]
    pub events_lost: u64,
    /// Packets given to another worker to send.
    #[serde(default)]
    pub handed_off: u64,
    /// Its flow cache.
    pub cache: CacheStats,
}

/// Counters of a flow cache: entries = inserted - replaced - evictions - flushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheStats {
    /// Packets that an entry decided.
    pub hits: u64,
    /// Packets that had to be resolved.
    pub misses: u64,
    /// Entries now.
    pub entries: u64,
    /// Entries that gave way to others.
    pub evictions: u64,
    /// Decisions kept.
    #[serde(default)]
    pub inserted: u64,
    /// Of these, decisions made anew because something had changed; those that came out the same
    /// kept their entry, with its number and its packets.
    #[serde(default)]
    pub replaced: u64,
    /// Entries removed by `cache.flush`.
    #[serde(default)]
    pub flushed: u64,
    /// Decisions not kept because there were already as many masks as may be.
    #[serde(default)]
    pub mask_limit: u64,
    /// Masks now: each is a combination of fields that decides some packets.
    #[serde(default)]
    pub masks: u64,
}
