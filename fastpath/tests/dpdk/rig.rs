//! The one EAL of this process, and what every test needs.

use crate::log;
use fastpath::dpdk::{
    Eal, Mbuf, Mempool, PoolConfig, Port, PortConfig, RxQueue, StartedPort, TxQueue,
};
use fastpath::ids::PortId;
use fastpath::io::{Packet, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Job = Box<dyn FnOnce(&Eal) + Send>;

static JOBS: OnceLock<Sender<Job>> = OnceLock::new();

/// A CPU that this process may use.
fn some_cpu() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap();
    list.trim().split([',', '-']).next().unwrap().to_owned()
}

fn main_lcore() -> Sender<Job> {
    let (sender, jobs) = channel::<Job>();
    thread::spawn(move || {
        log::capture();
        let cpu = some_cpu();
        let lcores = format!("0@{cpu},1@{cpu}");
        let args = [
            "--no-huge",
            "--no-shconf",
            "-m",
            "128",
            "--no-pci",
            // The argument is the length of what it receives.
            "--vdev=net_null_given,size=123",
            "--lcores",
            &lcores,
        ];
        let eal = Eal::init(&args).unwrap();
        for job in jobs {
            job(&eal);
        }
    });
    sender
}

/// Runs a test on the main lcore and returns what it returns.
pub(crate) fn on_eal<T: Send + 'static>(test: impl FnOnce(&Eal) -> T + Send + 'static) -> T {
    let (sender, result) = channel();
    let job: Job = Box::new(move |eal| {
        let result = catch_unwind(AssertUnwindSafe(|| test(eal)));
        sender.send(result).unwrap();
    });
    JOBS.get_or_init(main_lcore).send(job).unwrap();
    result
        .recv()
        .unwrap()
        .unwrap_or_else(|panic| resume_unwind(panic))
}

/// A small pool.
pub(crate) fn pool(eal: &Eal, name: &str) -> Mempool {
    let config = PoolConfig {
        name: name.to_owned(),
        mbufs: 1023,
        mtu: 1600,
        socket: None,
    };
    Mempool::new(eal, &config).unwrap()
}

/// A running port of a device, with one queue each way.
pub(crate) fn started(eal: &Eal, device: &str, pool: &Mempool) -> (StartedPort, RxQueue, TxQueue) {
    let mut port = Port::open(eal, device).unwrap();
    let config = PortConfig {
        rx_descriptors: 64,
        tx_descriptors: 64,
        ..PortConfig::default()
    };
    port.configure(&config, pool).unwrap();
    let (port, mut rx, mut tx) = port.start(PortId::new(7).unwrap()).unwrap();
    (port, rx.pop().unwrap(), tx.pop().unwrap())
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|place| (place * 7 + place / 256) as u8)
        .collect()
}

/// A packet of one segment.
pub(crate) fn packet(pool: &Mempool, len: usize) -> Mbuf {
    pool.alloc(&pattern(len)).unwrap()
}

/// All bytes of a packet.
pub(crate) fn bytes(packet: &impl Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.for_each_segment(0, |segment| bytes.extend_from_slice(segment));
    bytes
}
