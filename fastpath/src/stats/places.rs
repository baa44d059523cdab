//! What is counted by queue, tunnel and bridge.

use super::Counter;

/// What one worker made of what the NIC behind one port said. Of marks only those of packets that no
/// memo knew: others were compared with what the memo rests on.
#[derive(Debug, Default)]
pub struct HintStats {
    /// Packets whose mark stood for the parse, since their bytes agreed.
    pub confirmed: Counter,
    /// Packets whose bytes did not agree with their mark: they were parsed.
    pub differed: Counter,
    /// Packets with a mark that is out of bounds, of a rule that is gone, or was never given out:
    /// they were parsed, or dropped where the NIC takes outer headers off.
    pub unknown: Counter,
    /// Packets that came without outer headers, which the NIC had taken off.
    pub stripped: Counter,
    /// Packets that were looked at in full.
    pub inspected: Counter,
    /// Of these, those of which the NIC said what is not so.
    pub lies: Counter,
}

/// What one worker exchanged with the queues of one number of a port: as a rule at most one each way
/// has it.
#[derive(Debug, Default)]
pub struct QueueStats {
    /// Packets taken from the receive queue.
    pub received: Counter,
    /// Bursts in which they came.
    pub rx_bursts: Counter,
    /// Packets that the transmit queue accepted.
    pub sent: Counter,
    /// Bursts that it was given.
    pub tx_bursts: Counter,
}

/// What one worker exchanged by one underlay link.
#[derive(Debug, Default)]
pub struct LinkStats {
    /// All frames, but for those that tunnels sent.
    pub frames: FrameStats,
    /// What tunnels carried.
    pub tunnels: TunnelStats,
}

/// Frames that one worker received by an underlay port and that left by it: those of one link, or
/// those on no link of it.
///
/// `received` = `consumed` + `waited` + `dropped` + those forwarded, the verdicts, of which the last
/// are not counted again.
#[derive(Debug, Default)]
pub struct FrameStats {
    /// Frames taken from receive queues.
    pub received: Counter,
    /// Of these, those handed to control.
    pub consumed: Counter,
    /// Of these, those that control keeps until a neighbour is known.
    pub waited: Counter,
    /// Of these, those dropped.
    pub dropped: Counter,
    /// Frames decided to leave that no tunnel sent.
    pub enqueued: Counter,
}

/// What one worker exchanged through tunnels: with one remote, or by one underlay link.
#[derive(Debug, Default)]
pub struct TunnelStats {
    /// Packets encapsulated to go there.
    pub sent: Counter,
    /// Inner bytes of them.
    pub sent_bytes: Counter,
    /// Packets decapsulated that came from there.
    pub received: Counter,
    /// Inner bytes of them.
    pub received_bytes: Counter,
}

/// What one worker decapsulated of one tunnel from senders without a record.
#[derive(Debug, Default)]
pub struct StrangerStats {
    /// Packets.
    pub received: Counter,
    /// Inner bytes of them.
    pub received_bytes: Counter,
}

/// What one worker did with the frames that entered one bridge, from ports or tunnels.
///
/// `received` + `copied` = `dropped` + `waited` + those sent to ports and remotes, which are not
/// counted again.
#[derive(Debug, Default)]
pub struct BridgeStats {
    /// Frames that entered.
    pub received: Counter,
    /// Copies made, or due, of them.
    pub copied: Counter,
    /// Frames and copies dropped on their way through the bridge.
    pub dropped: Counter,
    /// Frames and copies that control keeps until a neighbour is known.
    pub waited: Counter,
    /// Frames flooded that were for everybody.
    pub broadcast: Counter,
    /// Frames flooded that were for a group.
    pub multicast: Counter,
    /// Frames flooded that were for a station that nobody knows.
    pub unknown: Counter,
}
