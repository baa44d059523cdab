//! What went through tunnels, by remote and by tunnel. Workers count by number of a remote, and numbers
//! of learned remotes are used again.

use super::State;
use crate::api::messages::Traffic;
use fastpath::ids::{LinkId, RemoteId, TunnelId};
use fastpath::io::Io;
use fastpath::stats::{TunnelStats, WorkerStats};
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// The tunnel and the address of a remote.
type Owner = (TunnelId, Ipv4Addr);

/// Received, sent.
pub(super) type Both = [Traffic; 2];

/// Whose the counters of numbers are that remotes have or had.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Who had the number last, and what stood in the counters before. As many as there are numbers
    /// at most.
    owners: HashMap<RemoteId, (Owner, Both)>,
    /// What those before them exchanged. As many as there are tunnels at most.
    past: HashMap<TunnelId, Both>,
    /// What tunnels exchanged whose numbers are others' now.
    pub(super) gone: Both,
}

impl Ledger {
    /// A remote has this number now, whose counters say `counted`. One that had it last goes on.
    pub(super) fn take_over(&mut self, id: RemoteId, owner: Owner, counted: Both) {
        if self.owners.get(&id).is_some_and(|(last, _)| *last == owner) {
            return;
        }
        if let Some(((former, _), before)) = self.owners.insert(id, (owner, counted)) {
            let past = self.past.entry(former).or_default();
            *past = add(*past, less(counted, before));
        }
    }

    /// A number is that of another tunnel now. What was exchanged under it, `sum`, is kept as that of
    /// tunnels that are gone for good.
    pub(super) fn forget(&mut self, tunnel: TunnelId, sum: Both) {
        self.gone = add(self.gone, sum);
        self.past.remove(&tunnel);
        self.owners.retain(|_, ((owner, _), _)| *owner != tunnel);
    }

    /// What of `counted` is that of who had the number last.
    pub(super) fn own(&self, id: RemoteId, counted: Both) -> Both {
        match self.owners.get(&id) {
            Some((_, before)) => less(counted, *before),
            None => counted,
        }
    }
}

fn pair(of: impl Fn(usize) -> Traffic) -> Both {
    [of(0), of(1)]
}

pub(super) fn less(counted: Both, before: Both) -> Both {
    pair(|way| Traffic {
        packets: counted[way].packets.saturating_sub(before[way].packets),
        bytes: counted[way].bytes.saturating_sub(before[way].bytes),
    })
}

/// The sum of two.
pub(super) fn add(one: Both, other: Both) -> Both {
    pair(|way| Traffic {
        packets: one[way].packets + other[way].packets,
        bytes: one[way].bytes + other[way].bytes,
    })
}

fn read(counters: &TunnelStats) -> Both {
    let traffic = |packets: u64, bytes: u64| Traffic { packets, bytes };
    [
        traffic(counters.received.get(), counters.received_bytes.get()),
        traffic(counters.sent.get(), counters.sent_bytes.get()),
    ]
}

impl<I: Io> State<I> {
    fn over_workers(&self, of: impl Fn(&WorkerStats) -> Both) -> Both {
        let all = self.all_stats().map(&of).fold(Both::default(), add);
        less(all, of(&self.former))
    }

    /// What workers counted under a number, whoever had it.
    fn counted(&self, id: RemoteId) -> Both {
        self.over_workers(|stats| read(stats.remote(id)))
    }

    /// A learned remote has a number that another one may have had: workers count on from there.
    pub(super) fn count_anew(&mut self, id: RemoteId) {
        let counted = self.counted(id);
        if let Some(remote) = self.tunnels.remote(id) {
            let owner = (remote.tunnel, remote.address);
            self.ledger.take_over(id, owner, counted);
        }
    }

    /// What was exchanged with a remote since it has its number.
    pub(super) fn traffic(&self, id: RemoteId) -> Both {
        self.ledger.own(id, self.counted(id))
    }

    /// What tunnels sent and received by an underlay link.
    pub(super) fn link_traffic(&self, id: LinkId) -> Both {
        self.over_workers(|stats| read(&stats.link(id).tunnels))
    }

    /// The same by all that had the number of a link.
    pub(super) fn link_traffic_ever(&self, id: LinkId) -> Both {
        let all = self.all_stats().map(|stats| read(&stats.link(id).tunnels));
        all.fold(Both::default(), add)
    }

    /// What came by a tunnel from senders without a record.
    pub(super) fn strangers(&self, id: TunnelId) -> Traffic {
        let [received, _] = self.over_workers(|stats| {
            let counters = stats.strangers(id);
            let received = Traffic {
                packets: counters.received.get(),
                bytes: counters.received_bytes.get(),
            };
            [received, Traffic::default()]
        });
        received
    }

    /// What was exchanged through each tunnel: with its remotes, with those that were forgotten, and
    /// with strangers.
    pub(super) fn tunnel_traffic(&self) -> HashMap<TunnelId, Both> {
        let mut sums = self.ledger.past.clone();
        let mut count = |tunnel, both| {
            let sum = sums.entry(tunnel).or_default();
            *sum = add(*sum, both);
        };
        for remote in self.tunnels.remotes() {
            count(remote.tunnel, self.traffic(remote.id));
        }
        for (id, ((tunnel, _), _)) in &self.ledger.owners {
            if self.tunnels.remote(*id).is_none() {
                count(*tunnel, self.traffic(*id));
            }
        }
        for tunnel in (0..self.tunnels.numbers()).map_while(TunnelId::new) {
            count(tunnel, [self.strangers(tunnel), Traffic::default()]);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(received: u64, sent: u64) -> Both {
        let traffic = |packets| Traffic {
            packets,
            bytes: 100 * packets,
        };
        [traffic(received), traffic(sent)]
    }

    #[test]
    fn who_has_a_number_after_another_counts_from_zero_and_nothing_is_lost() {
        let mut ledger = Ledger::default();
        let (id, other) = (RemoteId::modulo(7), RemoteId::modulo(8));
        let [first, second] = [0, 1].map(TunnelId::modulo);
        let at = |tunnel, number: u8| (tunnel, Ipv4Addr::from([192, 0, 2, number]));
        assert_eq!(ledger.own(id, both(1, 2)), both(1, 2), "configured");
        ledger.take_over(id, at(first, 1), both(0, 0));
        ledger.take_over(id, at(second, 1), both(10, 4));
        ledger.take_over(id, at(first, 2), both(15, 4));
        ledger.take_over(id, at(first, 2), both(16, 6));
        assert_eq!(ledger.own(id, both(16, 9)), both(1, 5));
        assert_eq!(ledger.own(other, both(3, 3)), both(3, 3));
        assert_eq!(ledger.past[&first], both(10, 4));
        assert_eq!(ledger.past[&second], both(5, 0));
    }
}
