//! Rules in a NIC whose driver is a real one: the igb of a QEMU guest, which takes 5-tuples. Run by
//! `scripts/test guests`, as the NIC has to be nobody else's.

use super::samples::rule;
use super::{Flow, FlowError};
use crate::dpdk::{Eal, Mempool, PoolConfig, Port, PortConfig, RxQueue, StartedPort, TxQueue};
use crate::ids::PortId;
use dpdk_sys as sys;
use std::ptr::{from_ref, null};
use sys::{rte_flow_action_type as action, rte_flow_item_type as item};

/// Where the NIC is, as DPDK writes it.
const NIC: &str = "OVERPATH_GUEST_NIC";

type Running = (StartedPort, Vec<RxQueue>, Vec<TxQueue>);

fn started(port: Port) -> Running {
    port.start(PortId::new(1).unwrap()).unwrap()
}

fn opened(eal: &Eal, pool: &Mempool) -> Running {
    let config = PortConfig {
        rx_queues: 2,
        offload: true,
        vxlan_ports: vec![4789],
        ..PortConfig::default()
    };
    let mut port = Port::open(eal, &std::env::var(NIC).unwrap()).unwrap();
    assert_eq!(port.device().info().unwrap().driver, "net_e1000_igb");
    port.configure(&config, pool).unwrap();
    started(port)
}

fn stopped((port, rx, tx): Running) -> Port {
    port.stop(rx, tx).unwrap()
}

/// UDP between two stations, to queue 1.
fn five_tuple(port: &StartedPort) -> Result<Flow, FlowError> {
    let (mut ip, mut ip_mask) = ([0_u8; 20], [0_u8; 20]);
    (ip[9], ip_mask[9]) = (17, 0xff);
    ip[12..].copy_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2]);
    ip_mask[12..].fill(0xff);
    let udp = [0x10, 0x01, 0x20, 0x02, 0, 0, 0, 0_u8];
    let udp_mask = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0_u8];
    let queue: u16 = 1;
    let item = |type_, spec, mask| sys::rte_flow_item {
        type_,
        spec,
        last: null(),
        mask,
    };
    let items = [
        item(
            item::RTE_FLOW_ITEM_TYPE_IPV4,
            ip.as_ptr().cast(),
            ip_mask.as_ptr().cast(),
        ),
        item(
            item::RTE_FLOW_ITEM_TYPE_UDP,
            udp.as_ptr().cast(),
            udp_mask.as_ptr().cast(),
        ),
        item(item::RTE_FLOW_ITEM_TYPE_END, null(), null()),
    ];
    let actions = [
        sys::rte_flow_action {
            type_: action::RTE_FLOW_ACTION_TYPE_QUEUE,
            // `struct rte_flow_action_queue` is this number alone.
            conf: from_ref(&queue).cast(),
        },
        sys::rte_flow_action {
            type_: action::RTE_FLOW_ACTION_TYPE_END,
            conf: null(),
        },
    ];
    // SAFETY: both end; the buffers are as large as the structs, which begin with these headers and
    // ask for no alignment, and live until the end of the call.
    unsafe { port.device().install(&items, &actions) }
}

#[test]
#[ignore = "needs an igb that nobody uses: scripts/test guests"]
fn a_rule_lives_as_long_as_a_real_driver_has_it() {
    let address = std::env::var(NIC).unwrap();
    let args = ["--no-huge", "-m", "128", "--no-telemetry", "-a", &address];
    let eal = Eal::init(&args).unwrap();
    let config = PoolConfig {
        name: "guest".to_owned(),
        mbufs: 8191,
        mtu: 1600,
        socket: None,
    };
    let pool = Mempool::new(&eal, &config).unwrap();
    let running = opened(&eal, &pool);
    // What an igb has no idea of is refused, and does no harm.
    let settings = running.0.settings();
    assert!(settings.vxlan_ports[0].1.unwrap_err().is_unsupported());
    println!(
        "a rule of a tunnel: {}",
        running.0.device().create_flow(&rule()).unwrap_err()
    );

    let first = five_tuple(&running.0).unwrap();
    println!("the same twice: {}", five_tuple(&running.0).unwrap_err());
    println!(
        "its count: {}",
        running.0.device().flow_hits(&first).unwrap_err()
    );
    running.0.device().destroy_flow(first).unwrap();
    let second = five_tuple(&running.0).unwrap();

    // The port stops and starts: the rule is gone, its handle is forgotten, and it can be replayed.
    let running = started(stopped(running));
    assert!(running.0.device().flow_hits(&second).is_err());
    running.0.device().destroy_flow(second).unwrap();
    let third = five_tuple(&running.0).unwrap();
    running.0.device().flush_flows().unwrap();
    running.0.device().destroy_flow(third).unwrap();
    let fourth = five_tuple(&running.0).unwrap();

    // The device is closed and set up from its registers on.
    drop(running);
    let running = opened(&eal, &pool);
    running.0.device().destroy_flow(fourth).unwrap();
    let fifth = five_tuple(&running.0).unwrap();
    running.0.device().destroy_flow(fifth).unwrap();
    drop(stopped(running));
}
