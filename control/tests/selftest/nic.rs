//! A port as the device thread has it between its start and the day its queues go to workers.

use crate::rig::Bench;
use control::offload::nic::{MarkDelivery, Nic, NicError, NicFacts};
use control::offload::selftest::{Queues, Report, Site, run};
use fastpath::dpdk::{
    DpdkIo, Errno, Flow, FlowError, Marks, Mempool, PoolConfig, Port, PortConfig, StartedPort,
};
use fastpath::ids::PortId;
use fastpath::offload::Rule;

/// A started port, in the name of a driver: that of the model is of no NIC that is known.
struct Started<'a> {
    port: &'a StartedPort,
    driver: &'static str,
}

fn errno(errno: Errno, message: Option<&str>) -> NicError {
    NicError {
        errno: nix::errno::Errno::from_raw(errno.number()),
        message: message.map(str::to_owned),
    }
}

fn flow(error: &FlowError) -> NicError {
    errno(error.errno(), error.message())
}

impl Nic for Started<'_> {
    type Handle = Flow;

    fn facts(&self) -> NicFacts {
        let settings = self.port.settings();
        NicFacts {
            device: None,
            driver: self.driver.to_owned(),
            rx_queues: settings.rx_queues,
            marks: match settings.marks {
                Marks::Agreed => MarkDelivery::Agreed,
                Marks::Assumed => MarkDelivery::Assumed,
                Marks::Refused | Marks::NotAsked => MarkDelivery::Refused,
            },
            keeps_rules: false,
        }
    }

    fn add_udp_port(&mut self, port: u16) -> Result<(), NicError> {
        let added = self.port.device().add_vxlan_port(port);
        added.map_err(|error| errno(error.errno(), None))
    }

    fn del_udp_port(&mut self, port: u16) -> Result<(), NicError> {
        let deleted = self.port.device().del_vxlan_port(port);
        deleted.map_err(|error| errno(error.errno(), None))
    }

    fn validate(&mut self, rule: &Rule) -> Result<(), NicError> {
        self.port
            .device()
            .validate_flow(rule)
            .map_err(|error| flow(&error))
    }

    fn create(&mut self, rule: &Rule) -> Result<Flow, NicError> {
        self.port
            .device()
            .create_flow(rule)
            .map_err(|error| flow(&error))
    }

    fn destroy(&mut self, handle: Flow) -> Result<(), (Flow, NicError)> {
        let destroyed = self.port.device().destroy_flow(handle);
        destroyed.map_err(|(handle, error)| (handle, flow(&error)))
    }

    fn flush(&mut self) -> Result<(), NicError> {
        self.port
            .device()
            .flush_flows()
            .map_err(|error| flow(&error))
    }

    fn hits(&mut self, handle: &Flow) -> Result<u64, NicError> {
        self.port
            .device()
            .flow_hits(handle)
            .map_err(|error| flow(&error))
    }
}

/// Tests a NIC with so many receive queues, stops it, and sees that no packet of the pool is missed.
pub(crate) fn test(bench: &Bench, driver: &'static str, queues: u16) -> Report {
    let pool = PoolConfig {
        name: "selftest".to_owned(),
        mbufs: 511,
        mtu: 1600,
        socket: None,
    };
    let pool = Mempool::new(&bench.eal, &pool).unwrap();
    let name = bench.device("test");
    let mut port = Port::open(&bench.eal, &name).unwrap();
    let config = PortConfig {
        rx_queues: queues,
        rx_descriptors: 64,
        tx_descriptors: 64,
        offload: true,
        loopback: true,
        ..PortConfig::default()
    };
    let settings = port.configure(&config, &pool).unwrap();
    assert_eq!(settings.loopback, name.starts_with("net_ring"));
    let (port, mut rx, mut tx) = port.start(PortId::new(1).unwrap()).unwrap();
    let site = Site::new(port.device().mac().unwrap());
    let mut nic = Started {
        port: &port,
        driver,
    };
    let mut looped = Queues::<DpdkIo>::new(&mut rx, &mut tx[0], &pool);
    let report = run(&mut nic, &mut looped, &site, 1);
    drop(port.stop(rx, tx).unwrap());
    assert_eq!(pool.in_use(), 0, "packets of the test are still out");
    report
}
