//! Ports and queues over virtual devices.

use crate::rig::{bytes, on_eal, packet, pattern, pool, started};
use fastpath::dpdk::{
    Eal, Mempool, OpenError, PoolConfig, Port, PortConfig, PortEvent, PortEventKind, QueueName,
    StartedPort, StopError,
};
use fastpath::ids::PortId;
use fastpath::io::{BURST, Burst, Packet, Pool, RxQueue, TxQueue};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn packets_go_round_a_ring_and_are_counted() {
    on_eal(|eal| {
        let pool = pool(eal, "ring");
        let (port, mut rx, mut tx) = started(eal, "net_ring_round", &pool);
        assert_eq!(
            (rx.port(), tx.port()),
            (PortId::new(7).unwrap(), PortId::new(7).unwrap())
        );
        let mut burst: Burst<_> = (0..5).map(|n| packet(&pool, 60 + n)).collect();
        assert_eq!((tx.transmit(&mut burst), burst.len()), (5, 0));
        burst.push(packet(&pool, 200));
        assert_eq!(rx.receive(&mut burst), 5);
        let lens: Vec<_> = burst.iter().map(Packet::len).collect();
        assert_eq!(lens, [200, 60, 61, 62, 63, 64], "appended, in order");
        assert_eq!(bytes(&burst[3]), pattern(62));
        assert_eq!(rx.receive(&mut burst), 0);
        let counters = port.device().counters().unwrap();
        assert_eq!((counters.rx_packets, counters.tx_packets), (5, 5));
        drop(burst);
        drop(port.stop(vec![rx], vec![tx]).unwrap());
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_full_ring_leaves_the_rest_and_a_full_burst_takes_none() {
    on_eal(|eal| {
        let config = PoolConfig {
            name: "full".to_owned(),
            mbufs: 4095,
            mtu: 1500,
            socket: None,
        };
        let pool = Mempool::new(eal, &config).unwrap();
        let (_port, mut rx, mut tx) = started(eal, "net_ring_full", &pool);
        let (mut sent, mut rest) = (0, Burst::new());
        while rest.is_empty() {
            rest.extend((0..32).filter_map(|n| pool.alloc(&pattern(60 + n))));
            let given = rest.len();
            let accepted = tx.transmit(&mut rest);
            assert_eq!(accepted + rest.len(), given);
            sent += accepted;
            assert!(sent < 4000, "the ring is never full");
        }
        let lens: Vec<_> = rest.iter().map(Packet::len).collect();
        let first = 92 - rest.len();
        assert_eq!(
            lens,
            (first..92).collect::<Vec<_>>(),
            "the last ones are left"
        );
        let nearly = BURST - 2;
        let mut burst: Burst<_> = (0..nearly).filter_map(|_| pool.alloc(&[0; 60])).collect();
        assert_eq!(burst.len(), nearly);
        assert_eq!((rx.receive(&mut burst), rx.receive(&mut burst)), (2, 0));
        assert_eq!(pool.in_use(), sent + rest.len() + nearly);
    });
}

#[test]
fn a_port_stops_only_with_its_queues_back() {
    on_eal(|eal| {
        let pool = pool(eal, "stop");
        let (port, rx, tx) = started(eal, "net_null_stop", &pool);
        assert_eq!(port.queues_out(), [QueueName::Rx(0), QueueName::Tx(0)]);
        let refused = port.stop(vec![], vec![tx]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "port net_null_stop cannot stop before it has back receive queue 0"
        );
        let StopError::Missing { port, missing } = refused else {
            panic!("{refused}")
        };
        assert_eq!(missing, [QueueName::Rx(0)]);
        let port = port.stop(vec![rx], vec![]).unwrap();
        let (port, rx, tx) = port.start(PortId::new(1).unwrap()).unwrap();
        assert_eq!(rx[0].port(), PortId::new(1).unwrap());
        port.stop(rx, tx).unwrap();
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_dropped_port_runs_on_until_its_queues_are_dropped_too() {
    on_eal(|eal| {
        let pool = pool(eal, "drop");
        let (port, mut rx, mut tx) = started(eal, "net_ring_drop", &pool);
        drop(port);
        let mut burst = Burst::from_iter([packet(&pool, 60)]);
        assert_eq!((tx.transmit(&mut burst), rx.receive(&mut burst)), (1, 1));
        drop((rx, burst));
        assert!(matches!(
            Port::open(eal, "net_ring_drop"),
            Err(OpenError::InUse { .. })
        ));
        drop(tx);
        // Closed and detached, so it can be attached anew.
        assert!(Port::open(eal, "net_ring_drop").is_ok());
    });
}

#[test]
fn what_waits_in_a_ring_is_freed_with_its_port() {
    on_eal(|eal| {
        let pool = pool(eal, "left");
        let first = started(eal, "net_ring_left0", &pool);
        let second = started(eal, "net_ring_left1", &pool);
        let mut ports = [first, second];
        for (_, _, tx) in &mut ports {
            for _ in 0..5 {
                let mut burst: Burst<_> = (0..32).map(|_| packet(&pool, 60)).collect();
                assert_eq!(tx.transmit(&mut burst), 32);
            }
        }
        assert_eq!(pool.in_use(), 320);
        let [(first, rx, tx), second] = ports;
        drop(first.stop(vec![rx], vec![tx]).unwrap());
        assert_eq!(pool.in_use(), 160);
        drop(second);
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn a_source_without_end_stops() {
    on_eal(|eal| {
        let pool = pool(eal, "endless");
        let (port, rx, tx) = started(eal, "net_null_endless", &pool);
        let port = port.stop(vec![rx], vec![tx]).unwrap();
        let taken = port.device().counters().unwrap().rx_packets;
        assert!((1024..=17_000).contains(&taken), "{taken}");
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn errors_name_the_device() {
    on_eal(|eal| {
        for device in ["net_unheard_of0,a=b", "0000:7f:1f.7"] {
            let error = Port::open(eal, device).unwrap_err();
            assert!(matches!(error, OpenError::Attach { .. }), "{error:?}");
            assert!(error.to_string().contains(device), "{error}");
        }
        for device in ["", ",x", "a\0b"] {
            assert!(
                matches!(Port::open(eal, device), Err(OpenError::Name { .. })),
                "{device:?}"
            );
        }
        let port = Port::open(eal, "net_null_start").unwrap();
        let error = port.start(PortId::new(0).unwrap()).unwrap_err();
        assert!(error.to_string().contains("net_null_start"), "{error}");
    });
}

#[test]
fn a_device_has_one_owner() {
    on_eal(|eal| {
        let port = Port::open(eal, "net_null_owned").unwrap();
        let error = Port::open(eal, "net_null_owned").unwrap_err();
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
        drop(port);
        assert!(Port::open(eal, "net_null_owned").is_ok());
    });
}

#[test]
fn a_device_of_the_eal_keeps_its_arguments() {
    on_eal(|eal| {
        let pool = pool(eal, "given");
        let length = |device: &str| {
            let (port, mut rx, tx) = started(eal, device, &pool);
            let mut burst = Burst::new();
            assert_ne!(rx.receive(&mut burst), 0);
            drop(port.stop(vec![rx], vec![tx]).unwrap());
            burst[0].len()
        };
        // Attached by the EAL, then here: with the same arguments unless others are given.
        assert_eq!(length("net_null_given"), 123);
        assert_eq!(length("net_null_given"), 123);
        assert_eq!(length("net_null_given,size=77"), 77);
        assert_eq!(length("net_null_given"), 123);
        // Those of a device that was attached here are forgotten with it.
        assert_eq!(length("net_null_other,size=99"), 99);
        assert_eq!(length("net_null_other"), 64);
        assert_eq!(pool.in_use(), 0);
    });
}

#[test]
fn more_than_there_is_becomes_what_there_is() {
    on_eal(|eal| {
        let pool = pool(eal, "caps");
        let mut port = Port::open(eal, "net_ring_caps").unwrap();
        let info = port.device().info().unwrap();
        assert_eq!(
            (info.driver.as_str(), info.name.as_str()),
            ("net_ring", "net_ring_caps")
        );
        let wanted = PortConfig {
            rx_queues: 9999,
            tx_queues: Some(9999),
            ..PortConfig::default()
        };
        let settings = port.configure(&wanted, &pool).unwrap().clone();
        assert_eq!(settings.rx_queues, info.max_rx_queues);
        assert_eq!(settings.tx_queues, info.max_tx_queues);
        assert!(
            settings
                .notes
                .iter()
                .any(|note| note.contains("instead of 9999"))
        );
        let (port, rx, tx) = port.start(PortId::new(0).unwrap()).unwrap();
        assert_eq!(rx.len(), usize::from(info.max_rx_queues));
        assert_eq!(tx.len(), usize::from(info.max_tx_queues));
        port.stop(rx, tx).unwrap();
    });
}

#[test]
fn an_mtu_above_the_pool_is_refused() {
    on_eal(|eal| {
        let pool = pool(eal, "mtu");
        let mut port = Port::open(eal, "net_null_mtu").unwrap();
        let config = PortConfig {
            mtu: 9000,
            ..PortConfig::default()
        };
        let error = port.configure(&config, &pool).unwrap_err();
        assert!(error.to_string().contains("net_null_mtu"), "{error}");
        assert!(port.settings().is_none());
    });
}

/// Rings with arguments may be attached to those of another process, or another may to them.
#[test]
fn a_ring_is_a_loop_if_nobody_else_can_have_it() {
    on_eal(|eal| {
        let pool = pool(eal, "loop");
        for (device, loops) in [
            ("net_ring_own", true),
            ("net_ring_shared,nodeaction=shared:0:CREATE", false),
            ("net_null_loop", false),
        ] {
            let mut port = Port::open(eal, device).unwrap();
            let can = port.device().info().unwrap().can_loop();
            assert_eq!(can, device.starts_with("net_ring"), "{device}");
            let config = PortConfig {
                loopback: can,
                ..PortConfig::default()
            };
            let settings = port.configure(&config, &pool).unwrap();
            assert_eq!(settings.loopback, loops, "{device}");
        }
    });
}

#[test]
fn several_queues_without_rss_are_said() {
    on_eal(|eal| {
        let pool = pool(eal, "rss");
        // One offers no hash at all; what the other offers, it must also do.
        for (device, may_hash) in [("net_ring_rss", false), ("net_null_rss", true)] {
            let mut port = Port::open(eal, device).unwrap();
            let config = PortConfig {
                rx_queues: 2,
                ..PortConfig::default()
            };
            port.configure(&config, &pool).unwrap();
            let (port, rx, tx) = port.start(PortId::new(0).unwrap()).unwrap();
            let settings = port.settings();
            let said = settings.notes.iter().any(|note| note.contains("RSS"));
            assert!(
                rx.len() == 2 && settings.rss != said,
                "{device}: {settings:?}"
            );
            assert!(may_hash || said, "{device}: {settings:?}");
            port.stop(rx, tx).unwrap();
        }
    });
}

#[test]
fn a_link_that_comes_and_goes_is_an_event() {
    let socket = std::env::temp_dir().join(format!("overpath-link-{}", std::process::id()));
    let path = socket.display().to_string();
    on_eal(move |eal| {
        let pool = pool(eal, "link");
        while eal.next_port_event().is_some() {}
        let (host, rx, tx) = started(eal, &format!("net_vhost_link,iface={path}"), &pool);
        let index = host.device().index();
        assert!(host.device().info().unwrap().link_events);
        assert!(!host.device().link().unwrap().up);
        let guest = started(eal, &format!("net_virtio_user_link,path={path}"), &pool);
        wait_for_link(eal, &host, true);
        // It is the host's; the guest's link may be reported too.
        drop(guest);
        wait_for_link(eal, &host, false);
        assert_eq!((host.device().index(), eal.lost_port_events()), (index, 0));
        drop(host.stop(vec![rx], vec![tx]).unwrap());
        assert_eq!(pool.in_use(), 0);
    });
    assert!(!socket.exists(), "the driver removes its socket");
}

/// Reads events until the link of `port` was reported to be in a state.
fn wait_for_link(eal: &Eal, port: &StartedPort, up: bool) {
    let expected = PortEvent {
        port: port.device().index(),
        kind: PortEventKind::Link,
    };
    let end = Instant::now() + Duration::from_secs(60);
    while eal.next_port_event() != Some(expected) || port.device().link().unwrap().up != up {
        assert!(Instant::now() < end, "no event");
        thread::sleep(Duration::from_millis(1));
    }
}
