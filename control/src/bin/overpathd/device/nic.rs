//! A started port of DPDK, as the agent of offload sees it.

use control::offload::agent::Started;
use control::offload::nic::{MarkDelivery, Nic, NicError, NicFacts};
use fastpath::dpdk::{Device, Errno, Flow, FlowError, Marks, PortError, PortInfo, StartedPort};
use fastpath::offload::Rule;
use fastpath::stats::Counter;
use std::rc::Rc;
use std::sync::Arc;

/// A started port that the agent may call. The port itself belongs to the device thread, which takes
/// this back from the agent before it stops the port.
pub(super) struct DpdkNic {
    port: Rc<StartedPort>,
    /// Which member of it this is, if it is a bond whose members are told by themselves.
    member: Option<usize>,
    facts: NicFacts,
    turns: Arc<Counter>,
}

impl DpdkNic {
    /// `info` is what the device said before it was configured. `turns` is counted up at each call.
    pub(super) fn new(port: Rc<StartedPort>, info: &PortInfo, turns: Arc<Counter>) -> Self {
        let settings = port.settings();
        let facts = NicFacts {
            device: None,
            driver: info.driver.clone(),
            rx_queues: settings.rx_queues,
            marks: match settings.marks {
                Marks::Agreed => MarkDelivery::Agreed,
                Marks::Assumed => MarkDelivery::Assumed,
                Marks::Refused | Marks::NotAsked => MarkDelivery::Refused,
            },
            keeps_rules: info.keeps_rules,
        };
        DpdkNic {
            port,
            member: None,
            facts,
            turns,
        }
    }

    /// What the agent is to know of a port that has started: its NIC, or those of a bond.
    pub(super) fn started(
        port: &Rc<StartedPort>,
        info: &PortInfo,
        turns: &Arc<Counter>,
    ) -> Vec<Started<Self>> {
        let new = || DpdkNic::new(Rc::clone(port), info, Arc::clone(turns));
        if port.members().is_empty() {
            let told = taken(port);
            return vec![Started { told, nic: new() }];
        }
        let member = |(at, device): (usize, &Device)| {
            turns.add(1);
            let mut nic = new();
            nic.member = Some(at);
            nic.facts.device = Some(device.name().to_owned());
            // One that does not even say what it is says so again when it is called.
            let (driver, keeps_rules) = device.info().map_or_else(
                |_| Default::default(),
                |info| (info.driver, info.keeps_rules),
            );
            nic.facts.driver = driver;
            nic.facts.keeps_rules = keeps_rules;
            let told = Vec::new();
            Started { told, nic }
        };
        port.members().iter().enumerate().map(member).collect()
    }

    /// The device, for a call, which may take long.
    fn called(&self) -> &Device {
        self.turns.add(1);
        let members = self.port.members();
        let member = self.member.and_then(|at| members.get(at));
        member.unwrap_or(self.port.device())
    }
}

/// Of the UDP ports that a NIC was told before it started, those that it took.
pub(super) fn taken(port: &StartedPort) -> Vec<u16> {
    let told = port.settings().vxlan_ports.iter();
    let taken = told.filter(|(_, answer)| answer.is_ok());
    taken.map(|(udp_port, _)| *udp_port).collect()
}

fn nic_error(errno: Errno, message: Option<&str>) -> NicError {
    NicError {
        errno: nix::errno::Errno::from_raw(errno.number()),
        message: message.map(str::to_owned),
    }
}

fn of_port(error: &PortError) -> NicError {
    nic_error(error.errno(), None)
}

fn of_flow(error: &FlowError) -> NicError {
    nic_error(error.errno(), error.message())
}

impl Nic for DpdkNic {
    type Handle = Flow;

    fn facts(&self) -> NicFacts {
        self.facts.clone()
    }

    fn add_udp_port(&mut self, port: u16) -> Result<(), NicError> {
        let device = self.called();
        device.add_vxlan_port(port).map_err(|error| of_port(&error))
    }

    fn del_udp_port(&mut self, port: u16) -> Result<(), NicError> {
        let device = self.called();
        device.del_vxlan_port(port).map_err(|error| of_port(&error))
    }

    fn validate(&mut self, rule: &Rule) -> Result<(), NicError> {
        let valid = self.called().validate_flow(rule);
        valid.map_err(|error| of_flow(&error))
    }

    fn create(&mut self, rule: &Rule) -> Result<Flow, NicError> {
        let created = self.called().create_flow(rule);
        created.map_err(|error| of_flow(&error))
    }

    fn destroy(&mut self, handle: Flow) -> Result<(), (Flow, NicError)> {
        let destroyed = self.called().destroy_flow(handle);
        destroyed.map_err(|(flow, error)| (flow, of_flow(&error)))
    }

    fn flush(&mut self) -> Result<(), NicError> {
        let flushed = self.called().flush_flows();
        flushed.map_err(|error| of_flow(&error))
    }

    fn hits(&mut self, handle: &Flow) -> Result<u64, NicError> {
        let hits = self.called().flow_hits(handle);
        hits.map_err(|error| of_flow(&error))
    }
}
