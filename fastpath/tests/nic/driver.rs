//! What only a driver of its own can do: hash packets to queues, mark them as they come in, and
//! report what happens to it.

use crate::port::{LOCAL, Nic, UDP, config, ours, pool, rule, vxlan};
use crate::rig::{Bench, under};
use fastpath::dpdk::{
    Mbuf, Mempool, Port, PortConfig, PortEvent, PortEventKind, RxQueue, StartedPort, TxQueue,
};
use fastpath::ids::PortId;
use fastpath::io::{Burst, Packet, Pool, RxQueue as _, TxQueue as _};
use fastpath::offload::{Delivery, Rule};
use fastpath::wire::Mac;
use fastpath::wire::craft::Pair;

const QUEUES: u16 = 4;

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_packet_that_waits_has_the_mark_of_a_rule_that_is_gone() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "wait");
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        let mut burst: Burst<Mbuf> = Burst::from_iter([nic.pool.alloc(&ours()).unwrap()]);
        assert_eq!(nic.tx.transmit(&mut burst), 1);
        nic.port.device().destroy_flow(flow).unwrap();
        assert_eq!(nic.rx.receive(&mut burst), 1);
        assert_eq!(burst[0].mark(), Some(rule().mark.get()));
        assert_eq!(nic.mark(&ours()), None);
    });
}

/// What arrives in each of the queues, of as many flows in one tunnel.
fn spread((rx, tx): (&mut [RxQueue], &mut TxQueue), pool: &Mempool) -> Vec<Vec<Option<u32>>> {
    let guest = |n| (Mac::new([2, 0, 0, 0, 0, n]), [10, 0, 0, n].into());
    for flow in 0..64 {
        let inner = Pair::new(guest(1), guest(2)).udp(1000 + flow, 2000, b"flow");
        let frame = vxlan(LOCAL, UDP, 10, &inner);
        let mut burst: Burst<Mbuf> = Burst::from_iter([pool.alloc(&frame).unwrap()]);
        assert_eq!(tx.transmit(&mut burst), 1);
    }
    let marks = |rx: &mut RxQueue| {
        let mut burst = Burst::new();
        rx.receive(&mut burst);
        burst.iter().map(Packet::mark).collect()
    };
    rx.iter_mut().map(marks).collect()
}

fn wide(bench: &Bench) -> (StartedPort, Vec<RxQueue>, TxQueue, Mempool) {
    let pool = pool(bench, "wide");
    let mut port = Port::open(&bench.eal, &bench.device("wide")).unwrap();
    let config = PortConfig {
        rx_queues: QUEUES,
        ..config()
    };
    assert!(port.configure(&config, &pool).unwrap().rss);
    let (port, rx, mut tx) = port.start(PortId::new(1).unwrap()).unwrap();
    (port, rx, tx.pop().unwrap(), pool)
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_rule_spreads_a_tunnel_over_the_queues_by_its_inner_flows() {
    under("any", |bench| {
        let (port, mut rx, mut tx, pool) = wide(bench);
        let before = spread((&mut rx, &mut tx), &pool);
        let counts: Vec<_> = before.iter().map(Vec::len).collect();
        assert!(
            counts.contains(&64),
            "one outer flow, one queue: {counts:?}"
        );
        for (delivery, level) in [(Delivery::InnerRss, 2), (Delivery::Rss, 0)] {
            let rule = Rule {
                delivery,
                queues: QUEUES,
                ..rule()
            };
            let flow = port.device().create_flow(&rule).unwrap();
            let queues = spread((&mut rx, &mut tx), &pool);
            let counts: Vec<_> = queues.iter().map(Vec::len).collect();
            assert_eq!(counts.iter().sum::<usize>(), 64);
            let even = counts.iter().all(|count| (8..=24).contains(count));
            assert_eq!(even, level == 2, "level {level}: {counts:?}");
            assert!(
                queues
                    .concat()
                    .iter()
                    .all(|mark| *mark == Some(rule.mark.get()))
            );
            port.device().destroy_flow(flow).unwrap();
        }
    });
}

#[test]
#[ignore = "needs the model as a driver: scripts/test nic"]
fn a_device_reports_that_it_recovers_and_its_rules_are_flushed_and_installed_anew() {
    under("any", |bench| {
        let mut nic = Nic::new(bench, "events");
        let _lost = nic.port.device().create_flow(&rule()).unwrap();
        for (mtu, kind) in [
            (1401, PortEventKind::Recovering),
            (1402, PortEventKind::Recovered),
            (1403, PortEventKind::RecoveryFailed),
            (1404, PortEventKind::Reset),
            (1405, PortEventKind::Removed),
        ] {
            nic.port.device().change_mtu(mtu).unwrap();
            let port = nic.port.device().index();
            assert_eq!(bench.eal.next_port_event(), Some(PortEvent { port, kind }));
            assert_eq!(bench.eal.next_port_event(), None);
        }
        assert_eq!(
            nic.mark(&ours()),
            None,
            "the rules of a device that recovered are lost"
        );
        nic.port.device().flush_flows().unwrap();
        let flow = nic.port.device().create_flow(&rule()).unwrap();
        assert_eq!(nic.mark(&ours()), Some(rule().mark.get()));
        assert_eq!(nic.port.device().flow_hits(&flow).unwrap(), 1);
    });
}
