//! Self-tests of NICs: the one that a client asks for, and what follows from each.
//!
//! ```text
//! client: offload.selftest --> the port's queues come back from workers, it is closed
//!                              Order::Open, with a test --> device
//! client <-- the report        Report::Opened, tested   <-- device, also of a port that is just started
//! ```

use super::State;
use crate::api::messages::{Method, Reply, SelfTest, SelfTestFound};
use crate::api::{Refused, Request};
use crate::config::Name;
use crate::device::Test;
use crate::offload::Tier;
use crate::offload::selftest::Tested;
use crate::ports::{Life, Port, Then};
use fastpath::ids::PortId;
use fastpath::io::Io;
use tracing::{info, warn};

/// A test that a client waits for.
pub(super) struct Testing {
    id: PortId,
    /// The device that is to be tested.
    device: String,
    request: Request,
}

impl<I: Io> State<I> {
    /// Has the NIC of a port tested, if it may be.
    pub(super) fn test_nic(&mut self, request: Request) {
        let Method::OffloadSelftest(name) = request.method else {
            return;
        };
        match self.may_test(name) {
            Ok((id, device)) => {
                info!(port = %name, "its NIC is tested: workers give back its queues");
                self.testing = Some(Testing {
                    id,
                    device,
                    request,
                });
                self.close_port(id, "its NIC is tested".to_owned(), Then::Reopen);
            }
            Err(refused) => request.refuse(refused),
        }
    }

    /// One at a time: each takes the device thread for seconds.
    fn may_test(&self, name: Name) -> Result<(PortId, String), Refused> {
        let id = self.port_of_that_name(name)?;
        let refused = |why: String| Err(Refused(format!("port {name}: {why}")));
        if let Some(Testing { id, .. }) = &self.testing {
            let other = self.port_name(*id).unwrap_or_default();
            return refused(format!(
                "a self-test of port {other} is under way: ask again when it is over"
            ));
        }
        let Some(port) = self.ports.get(id) else {
            return refused("it is gone".to_owned());
        };
        match self.obstacle(port) {
            Some(why) => refused(why),
            None => Ok((id, port.wanted.device.name().to_owned())),
        }
    }

    /// Why the NIC of a port cannot be tested now, if so.
    fn obstacle(&self, port: &Port<I>) -> Option<String> {
        let name = port.wanted.name;
        if !port.wanted.offload.is_on() {
            return Some(format!(
                "its offload is off, so that nothing is asked of its NIC: overpath port set {name} \
                 offload auto"
            ));
        }
        match &port.life {
            Life::Open(info) if info.opens_once => Some(format!(
                "driver {} can be set up only once in the life of the daemon, and a test sets it up \
                 anew",
                info.driver
            )),
            Life::Open(info) if !info.may_loop && self.is_bridged(name) => Some(GUESTS.to_owned()),
            Life::Open(_) if !port.is_on_its_way() => None,
            Life::Waiting { reason, .. } => Some(format!("it is not started: {reason}")),
            Life::Open(_) | Life::Opening | Life::Closing(_) => {
                Some("it is being opened, closed or changed: ask again".to_owned())
            }
        }
    }

    fn is_bridged(&self, name: Name) -> bool {
        let mut bridges = self.wanted.bridges.iter();
        bridges.any(|bridge| bridge.ports.contains(&name))
    }

    /// Which test a port is opened with. What was asked for is as old as the closing of the port took.
    pub(super) fn test_of(&mut self, id: PortId) -> Test {
        let testing = self.testing.as_ref().filter(|testing| testing.id == id);
        let (Some(testing), Some(port)) = (testing, self.ports.get(id)) else {
            return Test::Due;
        };
        let why = if !port.wanted.offload.is_on() {
            "its offload was turned off"
        } else if port.wanted.device.name() != testing.device {
            "it has another device now"
        } else if self.is_bridged(port.wanted.name) {
            return Test::Looped;
        } else {
            return Test::ByWire;
        };
        self.not_tested(id, why);
        Test::Due
    }

    /// There will be no answer of a test of the port, if somebody waits for one.
    pub(super) fn not_tested(&mut self, id: PortId, why: &str) {
        if let Some(Testing { request, .. }) = self.testing.take_if(|testing| testing.id == id) {
            let name = self.port_name(id).unwrap_or_default();
            request.refuse(Refused(format!("port {name}: it was not tested: {why}")));
        }
    }

    /// A port was opened with `device`, whose NIC was tested before, or was not.
    pub(super) fn tested(&mut self, id: PortId, device: &str, tested: Option<&Tested>) {
        let Some(name) = self.port_name(id) else {
            return;
        };
        let Some(tested) = tested else {
            let guest = self.ports.get(id);
            let guest = guest.is_some_and(|port| self.is_bridged(port.wanted.name));
            let why = if guest {
                GUESTS
            } else {
                "its device was opened without"
            };
            return self.not_tested(id, why);
        };
        let sound = tested.demotion().is_none() && tested.distrust().is_none();
        match sound && tested.report.is_conclusive() {
            true => info!(port = %name, "self-test: {tested}"),
            false => warn!(port = %name, "self-test: {tested}"),
        }
        self.tell_selftest(id, &SelfTestFound::of(tested));
        if let Some(Testing { request, .. }) = self.testing.take_if(|testing| testing.id == id) {
            let notes = self.notes(id, device, tested);
            let test = SelfTest::of(name, tested, notes);
            request.answer(Reply::SelfTest(Box::new(test)));
        }
    }

    /// What a client might take from a test that is not so.
    fn notes(&self, id: PortId, device: &str, tested: &Tested) -> Vec<String> {
        let mut notes = Vec::new();
        let before = self.offload().get(&id).and_then(|it| it.demoted.as_ref());
        let by_this = tested.demotion().map(|(tier, _)| tier);
        if let Some((tier, why)) = before
            && by_this.is_none_or(|by_this| *tier < by_this)
        {
            notes.push(format!(
                "it stays demoted to {tier}, which was found before: {why}"
            ));
        }
        let distrust = self.offloads.beliefs.distrust_of(id, device);
        if let (Some(why), None) = (distrust, tested.distrust()) {
            notes.push(format!(
                "it stays distrusted, which was found before: {why}"
            ));
        }
        let port = self.ports.get(id);
        if port.is_some_and(|port| port.wanted.offload.cap() == Tier::Decap) {
            notes.push(
                "rules that take outer headers off (T3) were not looked at: marks were tested with the \
                 headers there"
                    .to_owned(),
            );
        }
        notes
    }
}

/// Frames of a test are for nobody.
const GUESTS: &str = "its device does not loop by itself, and frames of a test would leave for who is behind \
                      a port of a bridge";
