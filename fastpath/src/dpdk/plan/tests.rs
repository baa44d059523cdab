use super::*;
use crate::dpdk::{Limits, PortIndex};
use crate::wire::Mac;

fn info(driver: &str) -> PortInfo {
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
fn guests_are_not_trusted_with_unfinished_checksums() {
    for driver in ["net_vhost", "net_virtio", "net_virtio_user"] {
        assert_eq!(
            plan(&info(driver), &config(1, 1)).rx_offloads,
            0,
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
