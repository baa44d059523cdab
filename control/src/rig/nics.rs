//! NICs behind ports of a rig that do something for tunnels: models of them, which an agent drives as
//! the device thread does.

use super::Rig;
use crate::config;
use crate::device::{Offloading, Order, SelfTests, Test, ToldOf};
use crate::offload::agent::Started;
use crate::offload::model::{Model, ModelNic};
use crate::offload::selftest::path::Path;
use crate::offload::selftest::{Heard, Site, Tested, run};
use fastpath::ids::PortId;
use fastpath::io::heap::HeapIo;
use std::collections::{BTreeMap, BTreeSet};

/// How what a NIC sends in a self-test comes back to it.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// By the device itself.
    pub(crate) looped: bool,
    /// What comes of each frame.
    pub(crate) back: fn(Heard) -> Vec<Heard>,
}

impl Default for Way {
    /// Not at all.
    fn default() -> Self {
        let (looped, back) = (false, (|_| Vec::new()) as fn(_) -> _);
        Way { looped, back }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Nics {
    offloading: Offloading<ModelNic>,
    /// By the name of their device.
    models: BTreeMap<String, Model>,
    /// Likewise.
    ways: BTreeMap<String, Way>,
    tests: SelfTests,
    /// Of each port the device that was opened last.
    devices: BTreeMap<PortId, String>,
    /// Devices that do not start once they were tested.
    stalled: BTreeSet<String>,
}

impl Nics {
    /// An order that concerns offload is obeyed; any other is given back.
    pub(super) fn obey(&mut self, order: Order<HeapIo>) -> Option<Order<HeapIo>> {
        let agent = self.offloading.agent();
        match order {
            Order::Offload { wanted } => agent.set_wanted(wanted),
            Order::SetOffload { id, cap } => {
                agent.set_cap(id, cap);
                return Some(order);
            }
            Order::Published { id, marks } => {
                marks.into_iter().for_each(|mark| agent.published(id, mark));
            }
            Order::Demote { id, to, why } => agent.demote(id, to, &why),
            other => return Some(other),
        }
        None
    }

    pub(super) fn may_loop(&self, device: &str) -> bool {
        self.ways.get(device).is_some_and(|way| way.looped)
    }

    /// A port is opened, in the order of the device thread. Returns what state is told of its NIC, unless
    /// it does not start.
    pub(super) fn open(
        &mut self,
        id: PortId,
        wanted: &config::Port,
        test: Test,
        now: u64,
    ) -> Result<ToldOf, String> {
        let (device, cap) = (wanted.device.name(), wanted.offload);
        let Some(model) = self.models.get(device).cloned() else {
            self.devices.insert(id, device.to_owned());
            let agent = self.offloading.agent();
            return Ok(self.tests.opened(agent, id, device));
        };
        let driver = model.chip().profile().driver;
        let agent = self.offloading.agent();
        let told = agent.before_start(id, driver, cap);
        let udp_port = agent.test_port(id);
        let way = self.ways.get(device).copied().unwrap_or_default();
        let looped = way.looped && (test.is_asked() || self.tests.is_due(device, cap));
        if looped || test == Test::ByWire {
            model.chip().tell_before(&told);
            let site = Site::of(Rig::mac(0), udp_port, told.clone());
            let tested = Tested {
                asked: test.is_asked(),
                ..self.test(&model, way, &site)
            };
            self.tests.found(id, device, tested);
        }
        if self.stalled.contains(device) {
            return Err("it does not start".to_owned());
        }
        self.devices.insert(id, device.to_owned());
        let agent = self.offloading.agent();
        let told_of = self.tests.opened(agent, id, device);
        model.chip().tell_before(&told);
        let nic = model.start();
        agent.port_up(id, vec![Started { nic, told }], cap, now);
        Ok(told_of)
    }

    fn test(&mut self, model: &Model, way: Way, site: &Site) -> Tested {
        let report = run(
            &mut model.start(),
            &mut Path::new(model, way.back),
            site,
            self.tests.begin(),
        );
        model.chip().stop();
        Tested {
            asked: false,
            looped: way.looped,
            link: true,
            report,
        }
    }

    /// A port is about to be closed.
    pub(super) fn closing(&mut self, id: PortId, now: u64) {
        drop(self.offloading.agent().port_stopping(id, now));
        let device = self.devices.get(&id);
        if let Some(model) = device.and_then(|device| self.models.get(device)) {
            model.chip().stop();
        }
    }

    /// A port cannot go on.
    pub(super) fn lost(&mut self, id: PortId, now: u64) {
        drop(self.offloading.agent().port_lost(id, now));
    }
}

impl Rig {
    /// A switch whose devices of these names are such NICs.
    pub fn with_nics(wanted: config::Wanted, workers: usize, nics: &[(&str, &Model)]) -> Self {
        let mut rig = Rig::build(wanted, workers, 0);
        let nics = nics.iter();
        let models = nics.map(|(device, model)| ((*device).to_owned(), (*model).clone()));
        rig.nics.models = models.collect();
        rig.run(1);
        rig
    }

    /// The same. What they send in a self-test comes back by these ways.
    #[cfg(test)]
    pub(crate) fn with_ways(
        wanted: config::Wanted,
        workers: usize,
        nics: &[(&str, &Model, Way)],
    ) -> Self {
        let mut rig = Rig::build(wanted, workers, 0);
        for (device, model, way) in nics {
            let device = (*device).to_owned();
            rig.nics.models.insert(device.clone(), (*model).clone());
            rig.nics.ways.insert(device, *way);
        }
        rig.run(1);
        rig
    }

    /// How the NIC behind a device says what it says, from now on.
    #[cfg(test)]
    pub(crate) fn set_way(&mut self, device: &str, way: Way) {
        self.nics.ways.insert(device.to_owned(), way);
    }

    /// From now on the NIC behind a device does not start once it was tested, or does.
    #[cfg(test)]
    pub(crate) fn set_stalled(&mut self, device: &str, stalled: bool) {
        match stalled {
            true => self.nics.stalled.insert(device.to_owned()),
            false => self.nics.stalled.remove(device),
        };
    }

    /// Gives the agent a turn.
    pub(super) fn turn_offload(&mut self) {
        self.nics.offloading.turn(self.now, &self.device.reports);
    }
}
