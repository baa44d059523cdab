//! How fast counters grow, and what the cycles of workers are in time.

use super::traffic::Both;
use super::{SECOND, State};
use fastpath::cpu::ticks;
use fastpath::ids::{BridgeId, LinkId, PortId, TunnelId};
use fastpath::io::Io;

/// The name of a counter whose growth is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sampled {
    /// Of a port.
    Port(PortId, Way),
    /// Of a bridge: frames that entered.
    Entered(BridgeId),
    /// Of a bridge: addresses.
    Learned(BridgeId),
    Moved(BridgeId),
    Aged(BridgeId),
    /// Packets of a tunnel, received or sent.
    Tunnel(TunnelId, Way),
    /// The same of an underlay link.
    Link(LinkId, Way),
    /// Of a worker: packets moved, cycles with and without.
    Packets(u16),
    Busy(u16),
    Idle(u16),
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    Received,
    ReceivedBytes,
    Sent,
    SentBytes,
}

/// How fast the cycle counter goes, by the clock of state.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When it was first looked at, in milliseconds, and what it said.
    first: Option<(u64, u64)>,
    in_a_second: u64,
}

impl Pace {
    /// The counter says `ticks` at `now`, in milliseconds. The longer ago the first look was, the less
    /// it matters that these are whole ones.
    fn sample(&mut self, now: u64, ticks: u64) {
        let (at, said) = *self.first.get_or_insert((now, ticks));
        let grown = u128::from(ticks.saturating_sub(said)) * u128::from(SECOND);
        if let Some(rate) = grown.checked_div(now.saturating_sub(at).into()) {
            self.in_a_second = rate.try_into().unwrap_or_default();
        }
    }
}

fn packets(name: impl Fn(Way) -> Sampled, [rx, tx]: Both) -> [(Sampled, u64); 2] {
    [
        (name(Way::Received), rx.packets),
        (name(Way::Sent), tx.packets),
    ]
}

impl<I: Io> State<I> {
    /// How much a counter grew in the last whole second.
    pub(super) fn rate(&self, of: Sampled) -> u64 {
        self.rates.of(of)
    }

    /// Takes note of what counters say. Called once a second.
    pub(super) fn sample_rates(&mut self) {
        let mut rates = std::mem::take(&mut self.rates);
        let all = self.of_ports().into_iter();
        let all = all.chain(self.of_bridges()).chain(self.of_tunnels());
        rates.sample(self.now, all.chain(self.of_workers()));
        self.rates = rates;
        self.pace.sample(self.now, ticks());
    }

    /// How many cycles there are in a second; 0 in the first one.
    pub(super) fn ticks_per_second(&self) -> u64 {
        self.pace.in_a_second
    }

    fn of_ports(&self) -> Vec<(Sampled, u64)> {
        let ids = self.ports.iter().map(|port| port.id);
        ids.flat_map(|id| {
            let of = |way, sum| (Sampled::Port(id, way), sum);
            [
                of(Way::Received, self.sum(id, |p| p.received.get())),
                of(Way::ReceivedBytes, self.sum(id, |p| p.received_bytes.get())),
                of(Way::Sent, self.sum(id, |p| p.sent.get())),
                of(Way::SentBytes, self.sum(id, |p| p.sent_bytes.get())),
            ]
        })
        .collect()
    }

    fn of_bridges(&self) -> Vec<(Sampled, u64)> {
        let bridges = self.bridges.iter();
        let all = bridges.flat_map(|(id, _)| {
            let fdb = self.fdb.counters_of(id);
            [
                (Sampled::Entered(id), self.entered(id)),
                (Sampled::Learned(id), fdb.learned),
                (Sampled::Moved(id), fdb.moved),
                (Sampled::Aged(id), fdb.aged),
            ]
        });
        all.collect()
    }

    fn of_tunnels(&self) -> Vec<(Sampled, u64)> {
        let tunnels = self.tunnel_traffic().into_iter().flat_map(|(id, both)| {
            let name = move |way| Sampled::Tunnel(id, way);
            packets(name, both)
        });
        let links = self.links.iter().flat_map(|(id, _)| {
            let name = move |way| Sampled::Link(id, way);
            packets(name, self.link_traffic(id))
        });
        tunnels.chain(links).collect()
    }

    fn of_workers(&self) -> Vec<(Sampled, u64)> {
        let numbered = (0..).zip(&self.workers);
        numbered
            .flat_map(|(number, end)| {
                [
                    (Sampled::Packets(number), end.stats.moved()),
                    (Sampled::Busy(number), end.stats.busy_ticks.get()),
                    (Sampled::Idle(number), end.stats.idle_ticks.get()),
                ]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_since_the_first_look() {
        let mut pace = Pace::default();
        let mut said = |now, ticks| {
            pace.sample(now, ticks);
            pace.in_a_second
        };
        assert_eq!(said(1_000, 500), 0);
        assert_eq!(said(1_000, 900), 0, "no time has passed");
        assert_eq!(said(2_001, 2_500), 1_998);
        assert_eq!(said(5_000, 8_500), 2_000);
        assert_eq!(said(6_000, 0), 0, "it went backwards");
    }
}
