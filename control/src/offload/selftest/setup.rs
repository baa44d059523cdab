//! What a NIC is told for a self-test, and what it has to forget afterwards.

use super::Site;
use super::frames::{LOCAL, VNIS, vni};
use crate::offload::Target;
use crate::offload::driver::{Driver, Ports, Refusal, Rules};
use crate::offload::nic::{Nic, NicError, NicFacts};
use crate::offload::probe::{Probe, Shape, nobodys};
use crate::offload::target::Targets;
use fastpath::offload::{Expected, Mark, Pattern, Width};
use fastpath::snapshot::EndPoint;

/// What is so of a NIC while its frames are looked at.
pub(super) struct Setup<H> {
    /// Its parser knows the UDP port; if not, why.
    pub(super) parser: Result<(), String>,
    /// The shape of its rules; if there are none, why.
    pub(super) shape: Result<Shape, String>,
    /// It takes rules, or may, and failed when the test installed its own: there is nothing to prove them by.
    pub(super) failed: bool,
    /// What packets with the marks of those rules are to be.
    pub(super) expected: Vec<Expected>,
    handles: Vec<H>,
    /// The UDP port is to be taken back.
    added: Option<u16>,
}

/// What could not be taken back, with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// A UDP port that the parser still knows.
    pub(super) udp_port: Option<(u16, String)>,
    /// Rules.
    pub(super) rules: Option<String>,
}

impl Left {
    /// For people; `None` if nothing is left.
    pub(super) fn words(&self) -> Option<String> {
        let rules = self.rules.as_ref().map(|reason| format!("rules: {reason}"));
        let port = self.udp_port.as_ref();
        let port = port.map(|(port, reason)| format!("UDP port {port}: {reason}"));
        let all: Vec<_> = rules.into_iter().chain(port).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

impl<H> Setup<H> {
    /// Tells the NIC the UDP port, unless it knows it, and installs a rule for each tunnel of the
    /// test, if it takes any.
    pub(super) fn install<N: Nic<Handle = H>>(nic: &mut N, site: &Site) -> Self {
        let facts = nic.facts();
        let driver = Driver::of(&facts.driver);
        let mut setup = Setup {
            parser: Ok(()),
            shape: Err(String::new()),
            failed: false,
            expected: Vec::new(),
            handles: Vec::new(),
            added: None,
        };
        setup.parser = setup.tell(nic, driver, site);
        let rules = match (driver.rules, &setup.parser) {
            (Rules::Never(reason), _) => Err(reason.to_owned()),
            (Rules::Parser, Err(reason)) => Err(reason.clone()),
            _ => setup.rules(nic, &facts, site).unwrap_or_else(|error| {
                setup.failed = true;
                Err(error.to_string())
            }),
        };
        setup.shape = rules;
        setup
    }

    fn tell<N: Nic<Handle = H>>(
        &mut self,
        nic: &mut N,
        driver: &Driver,
        site: &Site,
    ) -> Result<(), String> {
        let port = site.udp_port;
        if driver.knows(port) || site.told.contains(&port) {
            return Ok(());
        }
        if driver.told_before() {
            return Err(format!(
                "it has to be told UDP port {port} before it starts"
            ));
        }
        if let Ports::Never(reason) = driver.ports {
            return Err(reason.to_owned());
        }
        if driver.room() <= site.told.len() {
            return Err(format!("it has no room for UDP port {port}"));
        }
        match nic.add_udp_port(port) {
            Ok(()) => {
                self.added = Some(port);
                Ok(())
            }
            Err(error) => match driver.refused(port, &error) {
                Refusal::Known => Ok(()),
                Refusal::Not(_) => Err(format!("it does not take UDP port {port}: {error}")),
            },
        }
    }

    /// `Err` if the NIC could not answer.
    fn rules<N: Nic<Handle = H>>(
        &mut self,
        nic: &mut N,
        facts: &NicFacts,
        site: &Site,
    ) -> Result<Result<Shape, String>, NicError> {
        let targets = VNIS.map(|number| Target {
            vlan: None,
            end_point: EndPoint {
                local: LOCAL,
                udp_port: site.udp_port,
                vni: vni(number),
            },
            remote: None,
        });
        let mut probe = Probe {
            driver: Driver::of(&facts.driver),
            facts,
            nic: &mut *nic,
            target: targets[0],
            nobodys: nobodys(&Targets::new()),
            widths: &Width::ALL,
            left: Vec::new(),
        };
        let answer = probe.run();
        self.handles.append(&mut probe.left);
        let shape = match answer? {
            Ok(shape) => shape,
            Err(reason) => return Ok(Err(reason)),
        };
        for (which, target) in targets.iter().enumerate() {
            let mark = Mark::trial(shape.width, which);
            let rule = shape.rule(target, facts.rx_queues, mark);
            self.handles.push(nic.create(&rule)?);
            let expected = Expected::new(mark, target.end_point, None);
            self.expected.push(expected);
        }
        Ok(Ok(shape))
    }

    /// Which packets its rules name.
    pub(super) fn pattern(&self) -> Option<Pattern> {
        self.shape.as_ref().ok().map(|shape| shape.pattern)
    }

    /// Has the NIC forget all of it.
    pub(super) fn remove<N: Nic<Handle = H>>(self, nic: &mut N) -> Left {
        let mut left = Left::default();
        for handle in self.handles {
            if let Err((_, error)) = nic.destroy(handle) {
                left.rules = Some(error.to_string());
            }
        }
        // There were none before.
        if left.rules.is_some() && nic.flush().is_ok() {
            left.rules = None;
        }
        if let Some(port) = self.added
            && let Err(error) = nic.del_udp_port(port)
        {
            left.udp_port = Some((port, error.to_string()));
        }
        left
    }
}
