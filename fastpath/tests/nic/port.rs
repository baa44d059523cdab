//! A port that receives what it sends, and packets for it.

use crate::rig::Bench;
use fastpath::dpdk::{
    Mbuf, Mempool, PoolConfig, Port, PortConfig, PortSettings, RxQueue, StartedPort, TxQueue,
};
use fastpath::ids::PortId;
use fastpath::io::{Burst, NicWord, Packet, Pool, RxQueue as _, TxQueue as _};
use fastpath::offload::{Delivery, Mark, Pattern, Rule, Width};
use fastpath::snapshot::EndPoint;
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, Vni};
use std::net::Ipv4Addr;

/// The local VTEP of all samples, and another.
pub(crate) const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
pub(crate) const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// A UDP port that reads differently in each byte order.
pub(crate) const UDP: u16 = 8472;

/// A pool of its own for each port.
pub(crate) fn pool(bench: &Bench, name: &str) -> Mempool {
    let config = PoolConfig {
        name: name.to_owned(),
        mbufs: 511,
        mtu: 1600,
        socket: None,
    };
    Mempool::new(&bench.eal, &config).unwrap()
}

/// With offload wanted.
pub(crate) fn config() -> PortConfig {
    PortConfig {
        rx_descriptors: 64,
        tx_descriptors: 64,
        offload: true,
        ..PortConfig::default()
    }
}

/// A ring that runs as a NIC.
pub(crate) struct Nic {
    pub(crate) port: StartedPort,
    pub(crate) pool: Mempool,
    pub(crate) rx: RxQueue,
    pub(crate) tx: TxQueue,
}

impl Nic {
    /// One of a name that no other has.
    pub(crate) fn new(bench: &Bench, device: &str) -> Self {
        Self::configured(bench, device, &config())
    }

    pub(crate) fn configured(bench: &Bench, device: &str, config: &PortConfig) -> Self {
        let port = Port::open(&bench.eal, &bench.device(device)).unwrap();
        Self::of(bench, port, config)
    }

    /// One of this port.
    pub(crate) fn of(bench: &Bench, mut port: Port, config: &PortConfig) -> Self {
        let pool = pool(bench, port.device().name());
        port.configure(config, &pool).unwrap();
        Self::start(port, pool)
    }

    fn start(port: Port, pool: Mempool) -> Self {
        let (port, mut rx, mut tx): (StartedPort, Vec<RxQueue>, Vec<TxQueue>) =
            port.start(PortId::new(1).unwrap()).unwrap();
        Nic {
            port,
            pool,
            rx: rx.pop().unwrap(),
            tx: tx.pop().unwrap(),
        }
    }

    pub(crate) fn restarted(self) -> Self {
        let port = self.port.stop(vec![self.rx], vec![self.tx]).unwrap();
        Self::start(port, self.pool)
    }

    pub(crate) fn settings(&self) -> &PortSettings {
        self.port.settings()
    }

    /// A frame as the NIC delivers it.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Mbuf {
        let mut burst: Burst<Mbuf> = Burst::from_iter([self.pool.alloc(frame).unwrap()]);
        assert_eq!(self.tx.transmit(&mut burst), 1);
        assert_eq!(self.rx.receive(&mut burst), 1);
        burst.pop().unwrap()
    }

    pub(crate) fn mark(&mut self, frame: &[u8]) -> Option<u32> {
        self.receive(frame).mark()
    }

    pub(crate) fn word(&mut self, frame: &[u8]) -> NicWord {
        self.receive(frame).nic_says()
    }
}

/// Slot 5 of 16 bits.
pub(crate) fn rule() -> Rule {
    Rule {
        vlan: None,
        end_point: EndPoint {
            local: LOCAL,
            udp_port: UDP,
            vni: vni(10),
        },
        pattern: Pattern::Tunnel,
        delivery: Delivery::Rss,
        queues: 1,
        mark: mark(5),
        count: true,
        strip: None,
    }
}

/// The first of a slot, of 16 bits.
pub(crate) fn mark(slot: usize) -> Mark {
    Mark::first(Width::Bits16, slot).unwrap()
}

pub(crate) fn vni(vni: u32) -> Vni {
    Vni::new(vni).unwrap()
}

fn mac(n: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, n])
}

fn guests() -> Pair {
    Pair::new(
        (mac(1), [10, 0, 0, 1].into()),
        (mac(2), [10, 0, 0, 2].into()),
    )
}

/// What a tenant sends.
pub(crate) fn inner() -> Vec<u8> {
    guests().udp(1000, 2000, b"a tenant's")
}

pub(crate) fn inner_arp() -> Vec<u8> {
    guests().arp_request()
}

/// From the remote VTEP to `local`.
pub(crate) fn outer(local: Ipv4Addr) -> Pair {
    Pair::new((mac(3), REMOTE), (mac(4), local))
}

/// A VXLAN packet whose UDP checksum is right.
pub(crate) fn vxlan(local: Ipv4Addr, udp_port: u16, vni: u32, inner: &[u8]) -> Vec<u8> {
    let [_, vni @ ..] = vni.to_be_bytes();
    let header = [0x08, 0, 0, 0, vni[0], vni[1], vni[2], 0];
    outer(local).udp(50_000, udp_port, &[&header, inner].concat())
}

/// The one that [`rule`] names.
pub(crate) fn ours() -> Vec<u8> {
    vxlan(LOCAL, UDP, 10, &inner())
}
