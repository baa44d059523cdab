//! Numbers that are used again: what was counted under them before is set down, so that their next
//! owners begin at zero. Counters themselves are never reset.

use super::{
    BridgeStats, Counter, Drops, FrameStats, HintStats, LinkStats, PortStats, QueueStats,
    StrangerStats, TunnelStats, WorkerStats,
};
use crate::ids::{BridgeId, LinkId, PortId, QueueId, TunnelId};

/// Counters of one kind of thing, in a fixed order.
trait Counters {
    fn counters(&self) -> Vec<&Counter>;
}

impl Counters for Drops {
    fn counters(&self) -> Vec<&Counter> {
        self.0.iter().collect()
    }
}

impl Counters for PortStats {
    fn counters(&self) -> Vec<&Counter> {
        let mut all = vec![
            &self.received,
            &self.received_bytes,
            &self.forwarded,
            &self.consumed,
            &self.waited,
            &self.copied,
            &self.originated,
            &self.enqueued,
            &self.sent,
            &self.sent_bytes,
        ];
        all.extend(self.all_drops().into_iter().flat_map(Counters::counters));
        all
    }
}

impl Counters for QueueStats {
    fn counters(&self) -> Vec<&Counter> {
        vec![&self.received, &self.rx_bursts, &self.sent, &self.tx_bursts]
    }
}

impl Counters for HintStats {
    fn counters(&self) -> Vec<&Counter> {
        vec![
            &self.confirmed,
            &self.differed,
            &self.unknown,
            &self.stripped,
            &self.inspected,
            &self.lies,
        ]
    }
}

impl Counters for FrameStats {
    fn counters(&self) -> Vec<&Counter> {
        vec![
            &self.received,
            &self.consumed,
            &self.waited,
            &self.dropped,
            &self.enqueued,
        ]
    }
}

impl Counters for TunnelStats {
    fn counters(&self) -> Vec<&Counter> {
        vec![
            &self.sent,
            &self.sent_bytes,
            &self.received,
            &self.received_bytes,
        ]
    }
}

impl Counters for LinkStats {
    fn counters(&self) -> Vec<&Counter> {
        let mut all = self.frames.counters();
        all.extend(self.tunnels.counters());
        all
    }
}

impl Counters for StrangerStats {
    fn counters(&self) -> Vec<&Counter> {
        vec![&self.received, &self.received_bytes]
    }
}

impl Counters for BridgeStats {
    fn counters(&self) -> Vec<&Counter> {
        vec![
            &self.received,
            &self.copied,
            &self.dropped,
            &self.waited,
            &self.broadcast,
            &self.multicast,
            &self.unknown,
        ]
    }
}

/// What was counted up to now: by whom, or by all who count.
///
/// # Thread safety
/// `self` has one writer, who calls these; the others may go on counting.
impl WorkerStats {
    fn set_down<T: Counters>(&self, all: &[&WorkerStats], of: impl Fn(&WorkerStats) -> &T) {
        for (at, counter) in of(self).counters().into_iter().enumerate() {
            let counted = all.iter().map(|stats| of(stats).counters()[at].get());
            counter.add(counted.sum::<u64>().wrapping_sub(counter.get()));
        }
    }

    /// Sets down what `all` counted under the number of a port: by the port, by its queues, of
    /// frames on no link, and of what its NIC said.
    pub fn set_down_port(&self, id: PortId, all: &[&WorkerStats]) {
        self.set_down(all, |stats| stats.port(id));
        self.set_down(all, |stats| stats.strays(id));
        self.set_down(all, |stats| stats.hints(id));
        for number in (0..QueueId::LIMIT).map_while(QueueId::new) {
            self.set_down(all, |stats| stats.queue(id, number));
        }
    }

    /// The same of a bridge.
    pub fn set_down_bridge(&self, id: BridgeId, all: &[&WorkerStats]) {
        self.set_down(all, |stats| stats.bridge(id));
    }

    /// The same of a tunnel: of its strangers.
    pub fn set_down_tunnel(&self, id: TunnelId, all: &[&WorkerStats]) {
        self.set_down(all, |stats| stats.strangers(id));
    }

    /// The same of an underlay link.
    pub fn set_down_link(&self, id: LinkId, all: &[&WorkerStats]) {
        self.set_down(all, |stats| stats.link(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drop::DropReason;

    #[test]
    fn what_is_set_down_is_all_that_was_counted_each_time() {
        let (one, two, former) = (
            WorkerStats::default(),
            WorkerStats::default(),
            WorkerStats::default(),
        );
        let (id, other) = (PortId::modulo(3), PortId::modulo(4));
        let queue = QueueId::modulo(63);
        for round in 1..=2 {
            for (stats, n) in [(&one, 5), (&two, 7)] {
                stats.port(id).received.add(n);
                stats.port(other).received.add(n);
                stats.port(id).tx_dropped.count(DropReason::TxFull);
                stats.queue(id, queue).sent.add(n);
                stats.strays(id).enqueued.add(n);
                stats.hints(id).lies.add(n);
            }
            former.set_down_port(id, &[&one, &two]);
            assert_eq!(former.port(id).received.get(), 12 * round);
            assert_eq!(
                former.port(id).tx_dropped.get(DropReason::TxFull),
                2 * round
            );
            assert_eq!(former.queue(id, queue).sent.get(), 12 * round);
            assert_eq!(former.strays(id).enqueued.get(), 12 * round);
            assert_eq!(former.hints(id).lies.get(), 12 * round);
            assert_eq!(former.port(other).received.get(), 0);
        }
    }
}
