//! Ports whose NICs take outer headers off: whether their packets have the marks that they should have.

use super::State;
use crate::offload::watch::Counted;
use fastpath::ids::PortId;
use fastpath::io::Io;

impl<I: Io> State<I> {
    /// Looks at all of them, once a second. Who is caught is taken for a liar, as if a worker had seen it.
    pub(super) fn look_at_bare(&mut self) {
        let ids: Vec<_> = self.ports.iter().map(|port| port.id).collect();
        for id in ids {
            let hints = self.world.current().hints(id).filter(|it| it.strips);
            let shown = hints.map(|hints| hints.expected().count());
            let counted = shown.map(|_| self.counted_bare(id));
            let known = self.offloads.beliefs.known(id);
            let watch = self.offloads.watches.entry(id).or_default();
            let (Some(shown), Some(counted)) = (shown, counted) else {
                watch.rest();
                continue;
            };
            if known > shown {
                watch.unmarked(self.now);
            }
            if let Some(lie) = watch.look(self.now, counted) {
                self.lied(id, lie);
            }
        }
    }

    fn counted_bare(&self, id: PortId) -> Counted {
        let report = self.offload().get(&id);
        let members = report.into_iter().flat_map(|report| &report.members);
        let tunnels = members.flat_map(|member| &member.tunnels);
        let stripped = tunnels.filter(|tunnel| tunnel.target.is_stripped());
        Counted {
            received: self.counted_of(|stats| stats.port(id).received.get()),
            hits: stripped.filter_map(|tunnel| tunnel.hits).sum(),
            stripped: self.counted_of(|stats| stats.hints(id).stripped.get()),
            unknown: self.counted_of(|stats| stats.hints(id).unknown.get()),
        }
    }
}
