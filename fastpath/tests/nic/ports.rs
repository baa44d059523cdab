//! UDP ports, and whether marks are delivered.

use crate::port::{Nic, UDP, config, pool};
use crate::rig::under;
use fastpath::dpdk::{Marks, Port, PortConfig, PortSettings};

fn notes_of_marks(settings: &PortSettings) -> usize {
    let notes = settings.notes.iter();
    notes.filter(|note| note.starts_with("marks")).count()
}

#[test]
fn a_udp_port_is_told_once_and_taken_back_once() {
    // One counts, the other fails, if told twice.
    for dialect in ["ice", "sfc"] {
        under(dialect, |bench| {
            let nic = Nic::new(bench, "once");
            let device = nic.port.device();
            for _ in 0..2 {
                device.add_vxlan_port(UDP).unwrap();
            }
            for _ in 0..2 {
                device.del_vxlan_port(UDP).unwrap();
            }
            assert_eq!(
                bench.asked("udp"),
                ["0 udp_add 8472: 0", "0 udp_del 8472: 0"]
            );
            device.add_vxlan_port(UDP).unwrap();
            assert_eq!(bench.asked("udp_add").len(), 2);
        });
    }
}

#[test]
fn a_udp_port_in_doubt_is_taken_back_and_told_anew() {
    under("sfc", |bench| {
        let nic = Nic::new(bench, "doubt");
        let device = nic.port.device();
        device.add_vxlan_port(UDP).unwrap();
        device.doubt_vxlan_ports();
        for _ in 0..2 {
            device.del_vxlan_port(UDP).unwrap();
        }
        for _ in 0..2 {
            device.add_vxlan_port(UDP).unwrap();
        }
        assert_eq!(
            bench.asked("udp"),
            [
                "0 udp_add 8472: 0",
                "0 udp_del 8472: 0",
                "0 udp_add 8472: 0"
            ]
        );
    });
}

#[test]
fn what_cannot_be_forgotten_is_not_told_again() {
    under("mlx5", |bench| {
        let nic = Nic::new(bench, "fixed");
        let device = nic.port.device();
        let error = device.add_vxlan_port(UDP).unwrap_err();
        assert!(error.errno().is_unsupported(), "{error}");
        device.add_vxlan_port(4789).unwrap();
        assert!(
            device
                .del_vxlan_port(4789)
                .unwrap_err()
                .errno()
                .is_unsupported()
        );
        device.add_vxlan_port(4789).unwrap();
        assert_eq!(
            bench.asked("udp"),
            [
                "0 udp_add 8472: -95",
                "0 udp_add 4789: 0",
                "0 udp_del 4789: -95"
            ]
        );
    });
}

#[test]
fn ports_that_are_wanted_from_the_start_are_told_before_it() {
    under("keeping", |bench| {
        let config = PortConfig {
            vxlan_ports: vec![UDP, 4789],
            ..config()
        };
        let nic = Nic::configured(bench, "early", &config);
        let said = &nic.settings().vxlan_ports;
        assert_eq!(said[0], (UDP, Ok(())));
        assert_eq!(said[1].0, 4789);
        assert_eq!(said[1].1.unwrap_err().number(), 28, "there is room for one");
        let start = bench.journal().iter().position(|line| line == "0 start");
        assert_eq!(start, Some(bench.journal().len() - 1));
    });
}

#[test]
fn marks_are_asked_for_before_the_port_is_configured() {
    for (dialect, marks) in [
        ("any", Marks::Agreed),
        ("ice", Marks::Assumed),
        ("markless", Marks::Refused),
    ] {
        under(dialect, |bench| {
            let pool = pool(bench, "marks");
            let mut port = Port::open(&bench.eal, &bench.device("marks")).unwrap();
            // Asked once, whatever is configured later.
            for _ in 0..2 {
                let settings = port.configure(&config(), &pool).unwrap();
                assert_eq!(settings.marks, marks);
                assert_eq!(notes_of_marks(settings), 0, "{:?}", settings.notes);
            }
            assert_eq!(bench.asked("negotiate 0x3").len(), 1);
            assert!(bench.journal()[0].contains("negotiate"));
        });
    }
}

#[test]
fn whoever_asks_too_late_gets_no_marks() {
    under("any", |bench| {
        let pool = pool(bench, "late");
        let mut port = Port::open(&bench.eal, &bench.device("late")).unwrap();
        let plain = PortConfig {
            offload: false,
            ..config()
        };
        let settings = port.configure(&plain, &pool).unwrap();
        assert_eq!(
            (settings.marks, settings.outer_checksums),
            (Marks::NotAsked, false)
        );
        assert!(bench.asked("negotiate").is_empty());
        let settings = port.configure(&config(), &pool).unwrap();
        assert_eq!(
            (settings.marks, settings.outer_checksums),
            (Marks::Refused, true)
        );
        assert_eq!(notes_of_marks(settings), 1);
        // A port that is opened anew may ask again.
        drop(port);
        let mut port = Port::open(&bench.eal, &bench.device("late")).unwrap();
        assert_eq!(
            port.configure(&config(), &pool).unwrap().marks,
            Marks::Agreed
        );
    });
}

#[test]
fn a_driver_that_keeps_rules_is_known() {
    for (dialect, keeps) in [("keeping", true), ("mlx5", false)] {
        under(dialect, |bench| {
            let port = Port::open(&bench.eal, &bench.device("keeps")).unwrap();
            assert_eq!(port.device().info().unwrap().keeps_rules, keeps);
        });
    }
}
