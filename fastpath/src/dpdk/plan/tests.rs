mod cuts;

use super::*;
use crate::dpdk::{Limits, PortIndex};
use crate::wire::Mac;

pub(super) fn info(driver: &str) -> PortInfo {
    let limits = Limits {
        least: 1,
        most: u16::MAX,
        multiple: 1,
    };
    PortInfo {
        index: PortIndex(0),
        name: "port".to_owned(),
        driver: driver.to_owned(),
        mac: Mac::default(),
        socket: None,
        max_rx_queues: 4,
        max_tx_queues: 2,
        rx_descriptors: limits,
        tx_descriptors: limits,
        min_mtu: 68,
        max_mtu: 9000,
        max_frame: 9026,
        rx_offloads: u64::MAX,
        tx_offloads: u64::MAX,
        rss_types: u64::MAX,
        reta_size: 128,
        link_events: true,
        removal_events: false,
        keeps_rules: false,
    }
}

fn config(rx_queues: u16, tx_queues: u16) -> PortConfig {
    PortConfig {
        rx_queues,
        tx_queues: Some(tx_queues),
        ..PortConfig::default()
    }
}

#[test]
fn without_a_number_there_is_a_transmit_queue_for_each_worker() {
    for (driver, workers, expected) in [
        ("net_x", 0, 1),
        ("net_x", 1, 1),
        ("net_x", 2, 2),
        ("net_x", 8, 2),
        ("net_tap", 1, 3),
        ("net_tap", 8, 3),
        ("net_af_xdp", 1, 3),
    ] {
        let wanted = PortConfig {
            rx_queues: 3,
            workers,
            ..PortConfig::default()
        };
        let settings = plan(&info(driver), &wanted).settings;
        assert_eq!(settings.tx_queues, expected, "{driver} {workers}");
        assert_eq!(settings.notes, [""; 0], "{driver} {workers}");
    }
}

#[test]
fn counts_and_mtu_are_capped_and_said() {
    let wanted = PortConfig {
        mtu: 9600,
        ..config(8, 8)
    };
    let settings = plan(&info("net_x"), &wanted).settings;
    assert_eq!(
        (settings.rx_queues, settings.tx_queues, settings.mtu),
        (4, 2, 9000)
    );
    assert_eq!(
        settings.notes,
        [
            "4 receive queues instead of 8",
            "2 transmit queues instead of 8",
            "9000 bytes of MTU instead of 9600"
        ]
    );
    assert!(
        plan(&info("net_x"), &config(1, 2))
            .settings
            .notes
            .is_empty()
    );
}

#[test]
fn rss_needs_several_queues_and_types() {
    assert!(plan(&info("net_x"), &config(2, 1)).settings.rss);
    assert!(!plan(&info("net_x"), &config(1, 1)).settings.rss);
    let plain = PortInfo {
        rss_types: 0,
        ..info("net_x")
    };
    let settings = plan(&plain, &config(2, 1)).settings;
    assert!(!settings.rss && settings.notes[0].starts_with("no RSS"));
}

#[test]
fn only_what_is_there_and_wanted_is_enabled() {
    let all = plan(&info("net_x"), &config(1, 1));
    assert_eq!(
        all.rx_offloads,
        sys::K_ETH_RX_OFFLOAD_IPV4_CKSUM | sys::K_ETH_RX_OFFLOAD_UDP_CKSUM
    );
    // Shared payloads forbid what assumes one owner per buffer.
    assert_eq!(all.tx_offloads, sys::K_ETH_TX_OFFLOAD_MULTI_SEGS);
    let bare = PortInfo {
        rx_offloads: 0,
        tx_offloads: 0,
        ..info("net_x")
    };
    let none = plan(&bare, &config(1, 1));
    assert_eq!((none.rx_offloads, none.tx_offloads), (0, 0));
    assert!(!none.settings.chains && !none.settings.rx_checksums);
}

#[test]
fn outer_verdicts_are_asked_for_with_offload_only() {
    let offload = PortConfig {
        offload: true,
        ..config(1, 1)
    };
    let plain = plan(&info("net_x"), &config(1, 1));
    assert!(!plain.settings.outer_checksums && !plain.ask_marks);
    let all = plan(&info("net_x"), &offload);
    assert_eq!(all.rx_offloads, PLAIN_CHECKSUMS | OUTER_CHECKSUMS);
    assert!(all.settings.outer_checksums && all.settings.rx_checksums && all.ask_marks);
    let some = PortInfo {
        rx_offloads: sys::K_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM,
        ..info("net_x")
    };
    let some = plan(&some, &offload);
    assert_eq!(some.rx_offloads, sys::K_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM);
    assert!(some.settings.outer_checksums && !some.settings.rx_checksums);
    let untold = PortConfig {
        rx_checksums: false,
        ..offload
    };
    let untold = plan(&info("net_x"), &untold);
    assert_eq!(untold.rx_offloads, 0);
    assert!(!untold.settings.outer_checksums);
}

#[test]
fn checksums_of_what_is_sent_are_left_to_who_offers_it_with_offload_only() {
    let offload = PortConfig {
        offload: true,
        ..config(1, 1)
    };
    let plain = plan(&info("net_ixgbe"), &config(1, 1));
    assert_eq!(plain.settings.tx, TxChecksums::default());
    let all = plan(&info("net_ixgbe"), &offload);
    let chains = sys::K_ETH_TX_OFFLOAD_MULTI_SEGS;
    assert_eq!(all.tx_offloads, chains | TX_CHECKSUMS | CUTS);
    assert!(all.settings.tx.udp && all.settings.tx.tcp && all.settings.chains);
    let none = PortInfo {
        tx_offloads: chains,
        ..info("net_ixgbe")
    };
    let none = plan(&none, &offload);
    assert_eq!((none.tx_offloads, none.settings.tx.udp), (chains, false));
    let only = PortInfo {
        tx_offloads: sys::K_ETH_TX_OFFLOAD_UDP_CKSUM,
        ..info("net_ixgbe")
    };
    let only = plan(&only, &offload).settings;
    assert!(only.tx.udp && !only.tx.tcp && !only.chains);
}

#[test]
fn checksums_are_left_to_drivers_that_believe_where_they_are() {
    let offload = PortConfig {
        offload: true,
        ..config(1, 1)
    };
    for driver in [
        "net_i40e",
        "net_iavf",
        "net_ice",
        "net_ixgbe",
        "net_ixgbe_vf",
        "net_virtio",
        "net_virtio_user",
        "net_vhost",
        "net_tap",
        "mlx5_pci",
    ] {
        let tx = plan(&info(driver), &offload).settings.tx;
        assert!(tx.udp && tx.tcp, "{driver}");
    }
    // They look for tunnels themselves, or nobody knows.
    for driver in ["net_bnxt", "net_hns3", "net_cnxk", "net_bonding", "net_x"] {
        let plan = plan(&info(driver), &offload);
        assert_eq!(plan.settings.tx, TxChecksums::default(), "{driver}");
        assert_eq!(plan.tx_offloads & TX_CHECKSUMS, 0, "{driver}");
    }
}

#[test]
fn inner_checksums_are_left_to_devices_that_have_an_eye_for_tunnels() {
    let offload = PortConfig {
        offload: true,
        ..config(1, 1)
    };
    let plain = TX_CHECKSUMS | sys::K_ETH_TX_OFFLOAD_MULTI_SEGS;
    let tso = sys::K_ETH_TX_OFFLOAD_VXLAN_TNL_TSO;
    let outer = sys::K_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM;
    let never = Inside::Never;
    for (driver, with_tso, with_outer) in [
        ("net_x", never, never),
        ("net_vhost", never, never),
        ("net_ixgbe", never, never),
        ("net_i40e", Inside::Always, Inside::Always),
        ("net_ice", Inside::Always, Inside::Always),
        ("mlx5_pci", Inside::Behind(4789), never),
    ] {
        for (offers, inside) in [
            (plain, never),
            (plain | tso, with_tso),
            (plain | outer, with_outer),
            (
                plain & !sys::K_ETH_TX_OFFLOAD_TCP_CKSUM | tso | outer,
                never,
            ),
            (TX_CHECKSUMS | tso | outer, never),
        ] {
            let device = PortInfo {
                tx_offloads: offers,
                ..info(driver)
            };
            let tx = plan(&device, &offload).settings.tx;
            assert_eq!(tx.inside, inside, "{driver} {offers:#x}");
        }
    }
}

#[test]
fn flags_of_others_are_cleared_but_where_drivers_write_them() {
    for (driver, stray) in [
        ("net_virtio", true),
        ("net_virtio_user", true),
        ("net_vhost", true),
        ("net_ring", true),
        ("net_x", true),
        ("net_af_packet", false),
        ("net_ice", false),
        ("mlx5_pci", false),
    ] {
        let settings = plan(&info(driver), &config(1, 1)).settings;
        assert_eq!(settings.stray_flags, stray, "{driver}");
    }
}

#[test]
fn guests_leave_checksums_open_with_offload_only() {
    for driver in ["net_vhost", "net_virtio", "net_virtio_user"] {
        let plain = plan(&info(driver), &config(1, 1));
        assert_eq!(
            (plain.rx_offloads, plain.settings.open),
            (0, false),
            "{driver}"
        );
        let told = PortConfig {
            offload: true,
            ..config(1, 1)
        };
        let told = plan(&info(driver), &told);
        assert_eq!(
            (told.rx_offloads, told.settings.open),
            (OPEN, true),
            "{driver}"
        );
        let settings = told.settings;
        assert!(
            !settings.rx_checksums && !settings.outer_checksums,
            "{driver}"
        );
    }
}

#[test]
fn net_tap_has_as_many_transmit_as_receive_queues() {
    for (rx, tx, both) in [(1, 2, 1), (2, 1, 2), (2, 2, 2)] {
        let settings = plan(&info("net_tap"), &config(rx, tx)).settings;
        assert_eq!(
            (settings.rx_queues, settings.tx_queues),
            (both, both),
            "{rx} {tx}"
        );
    }
}

/// What DPDK 22.11 says of these drivers.
fn plain(driver: &str) -> PortInfo {
    let max_frame = if driver == "net_tap" { 1522 } else { 1518 };
    PortInfo {
        max_mtu: u16::MAX,
        max_frame,
        ..info(driver)
    }
}

#[test]
fn what_a_driver_cannot_be_told_is_kept_only_if_it_does_not_matter() {
    let wanted = PortConfig {
        mtu: 1600,
        ..config(1, 1)
    };
    for (driver, mtu, told) in [
        ("net_tap", 1504, Some(1504)),
        ("net_x", 1500, Some(1500)),
        ("net_af_packet", 1600, None),
        ("net_memif", 1600, None),
    ] {
        let plan = plan(&plain(driver), &wanted);
        assert_eq!((plan.settings.mtu, plan.mtu), (mtu, told), "{driver}");
        assert_eq!(plan.settings.notes.len(), 1, "{driver}");
    }
    let plan = plan(&plain("net_af_packet"), &config(1, 1));
    assert_eq!((plan.settings.mtu, plan.mtu), (1500, Some(1500)));
}

#[test]
fn only_af_xdp_keeps_mbufs_for_each_receive_queue() {
    let kept = |driver: &str, queues| plan(&info(driver), &config(queues, queues)).settings.kept;
    assert_eq!(kept("net_tap", 2), 0);
    assert_eq!(kept("net_af_xdp", 1), 2048);
    assert_eq!(kept("net_af_xdp", 2), 4096);
}

#[test]
fn a_device_loops_if_it_is_asked_to_and_is_known_to_cut_off_the_wire() {
    for (driver, mode, always) in [
        ("net_i40e", 1, false),
        ("net_ixgbe", 1, false),
        ("net_cn10k", 1, false),
        ("net_ring", 0, true),
        // They read the field, and frames pass the wire, or are not known not to.
        ("mlx5_pci", 0, false),
        ("net_sfc_efx", 0, false),
        // They do not read it.
        ("net_ice", 0, false),
        ("net_i40e_vf", 0, false),
        ("net_ixgbe_vf", 0, false),
        ("net_x", 0, false),
    ] {
        let looping = PortConfig {
            loopback: true,
            ..config(1, 1)
        };
        let asked = plan(&info(driver), &looping);
        let loops = mode != 0 || always;
        assert_eq!(info(driver).can_loop(), loops, "{driver}");
        assert_eq!(
            (asked.loopback_mode, asked.settings.loopback),
            (mode, loops),
            "{driver}"
        );
        let notes = asked.settings.notes;
        assert_eq!(notes.is_empty(), loops, "{driver}: {notes:?}");
        let plain = plan(&info(driver), &config(1, 1));
        assert_eq!(plain.loopback_mode, 0, "{driver}");
        assert_eq!(plain.settings.loopback, always, "{driver}");
        assert_eq!(plain.settings.notes, [""; 0], "{driver}");
    }
}
