//! Offload on the device thread: the agent gets its turns, and state is told what comes of them.

use super::Report;
use crate::offload::agent::{Agent, Change};
use crate::offload::nic::Nic;
use crate::offload::report::PortReport;
use crossbeam_channel::Sender;
use fastpath::io::Io;

/// How often state is told what ports do if nothing changes, in milliseconds: what rules match does.
const LOOK: u64 = 1_000;
/// How soon after something changed, which as a rule is not the last thing.
const SOON: u64 = 100;

/// The agent, and what state was not told yet.
///
/// Belongs to the device thread, the only one that calls NICs. Never waits for state: what there is
/// no room for is kept, and told with what comes next.
pub struct Offloading<N: Nic> {
    agent: Agent<N>,
    changes: Vec<Change>,
    /// What ports did, as state was told last.
    told: Vec<PortReport>,
    next_look: u64,
}

impl<N: Nic> Default for Offloading<N> {
    fn default() -> Self {
        Offloading {
            agent: Agent::default(),
            changes: Vec::new(),
            told: Vec::new(),
            next_look: 0,
        }
    }
}

impl<N: Nic> Offloading<N> {
    /// The agent, to be told something.
    pub fn agent(&mut self) -> &mut Agent<N> {
        self.next_look = 0;
        &mut self.agent
    }

    /// Makes some of the calls that are due, [`CALLS`](crate::offload::agent::CALLS) at most, and
    /// tells state. Returns when to call this again, at the latest. Times are milliseconds of a
    /// monotonic clock.
    pub fn turn<I: Io>(&mut self, now: u64, to: &Sender<Report<I>>) -> u64 {
        let due = self.agent.turn(now);
        let before = self.changes.len();
        self.changes.extend(self.agent.changes());
        if self.changes.len() > before {
            self.next_look = self.next_look.min(now + SOON);
        }
        self.tell(now, to);
        due.map_or(self.next_look, |due| due.min(self.next_look))
    }

    fn tell<I: Io>(&mut self, now: u64, to: &Sender<Report<I>>) {
        let mut ports = None;
        if self.next_look <= now {
            self.next_look = now + LOOK;
            ports = Some(self.agent.report()).filter(|ports| *ports != self.told);
        }
        if self.changes.is_empty() && ports.is_none() {
            return;
        }
        let (changes, told) = (std::mem::take(&mut self.changes), ports.clone());
        match to.try_send(Report::Offload { changes, ports }) {
            Ok(()) => self.told = told.unwrap_or_else(|| std::mem::take(&mut self.told)),
            Err(refused) => {
                if let Report::Offload { changes, .. } = refused.into_inner() {
                    self.changes = changes;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceEnd, OrderEnd, channel};
    use crate::offload::agent::Started;
    use crate::offload::model::{Model, ModelNic, Profile, target};
    use crate::offload::target::Targets;
    use crate::offload::{Offload, Tier};
    use fastpath::ids::PortId;
    use fastpath::io::heap::HeapIo;
    use std::collections::BTreeMap;

    struct Bench {
        offloading: Offloading<ModelNic>,
        model: Model,
        state: DeviceEnd<HeapIo>,
        device: OrderEnd<HeapIo>,
    }

    fn id() -> PortId {
        PortId::new(3).unwrap()
    }

    impl Bench {
        /// A NIC that takes rules, with so many tunnels.
        fn new(tunnels: u32) -> Self {
            let (state, device) = channel();
            let model = Model::new(Profile::MLX5, 1);
            let mut offloading = Offloading::default();
            let wanted: Targets = (1..=tunnels).map(|vni| target(4789, vni)).collect();
            let agent: &mut Agent<_> = offloading.agent();
            agent.set_wanted(BTreeMap::from([(id(), wanted)]));
            let (nic, told) = (model.start(), Vec::new());
            agent.port_up(id(), vec![Started { nic, told }], Offload::Auto, 0);
            Bench {
                offloading,
                model,
                state,
                device,
            }
        }

        fn turn(&mut self, now: u64) -> u64 {
            self.offloading.turn(now, &self.device.reports)
        }

        fn turns(&mut self, times: impl IntoIterator<Item = u64>) {
            for now in times {
                self.turn(now);
            }
        }

        /// What state was told.
        fn told(&self) -> (Vec<Change>, Option<Vec<PortReport>>) {
            let (mut all, mut last) = (Vec::new(), None);
            for report in self.state.reports.try_iter() {
                if let Report::Offload { changes, ports } = report {
                    all.extend(changes);
                    last = ports.or(last);
                }
            }
            (all, last)
        }
    }

    fn marks(changes: &[Change]) -> usize {
        let marked = |change: &&Change| matches!(change, Change::Marked { .. });
        changes.iter().filter(marked).count()
    }

    #[test]
    fn state_is_told_of_each_mark_and_soon_after_what_the_port_does() {
        let mut bench = Bench::new(3);
        let mut now = 0;
        while bench.turn(now) == now {
            now += 1;
            assert!(now < 20, "it comes to rest");
        }
        bench.turn(now + SOON);
        let (changes, ports) = bench.told();
        assert_eq!(marks(&changes), 3);
        let ports = ports.unwrap();
        assert_eq!((ports[0].port, ports[0].tier), (id(), Tier::Rule));
        assert_eq!(ports[0].members[0].tunnels.len(), 3);
    }

    #[test]
    fn what_did_not_change_is_not_told_again() {
        let mut bench = Bench::new(1);
        bench.turns(0..300);
        bench.told();
        bench.turns((300..10_000).step_by(10));
        // The rule was asked for its hits for the first time.
        let (changes, _) = bench.told();
        assert_eq!(changes, []);
        bench.turns((10_000..20_000).step_by(10));
        assert_eq!(bench.told(), (vec![], None));
        assert_eq!(bench.model.chip().rules().len(), 1);
    }

    #[test]
    fn without_room_what_changed_is_kept_in_order_and_nobody_waits() {
        let mut bench = Bench::new(200);
        let filler = || Report::Link { id: id(), up: true };
        while bench.device.reports.try_send(filler()).is_ok() {}
        bench.turns(0..200);
        assert_eq!(bench.told(), (vec![], None), "only what was there");
        bench.turn(1_200);
        let (changes, ports) = bench.told();
        assert_eq!(marks(&changes), 200);
        assert_eq!(ports.unwrap()[0].tier, Tier::Rule);
    }
}
