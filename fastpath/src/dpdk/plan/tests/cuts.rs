//! Packets that a NIC is to cut.

use super::*;

const CHAINS: u64 = sys::K_ETH_TX_OFFLOAD_MULTI_SEGS;

fn offload() -> PortConfig {
    PortConfig {
        offload: true,
        ..config(1, 1)
    }
}

/// What is asked of one that offers these, of all that has to do with cuts, and what comes of it.
fn asked(driver: &str, offers: u64) -> (u64, [bool; 2]) {
    let device = PortInfo {
        tx_offloads: offers,
        ..info(driver)
    };
    of(&plan(&device, &offload()))
}

fn of(plan: &Plan) -> (u64, [bool; 2]) {
    let tx = plan.settings.tx;
    (
        plan.tx_offloads & ALL_CUTS,
        [tx.segments, tx.inside_segments],
    )
}

#[test]
fn packets_are_left_to_drivers_whose_code_cuts_them() {
    for (driver, wanted) in [
        ("net_i40e", (ALL_CUTS, [true; 2])),
        ("net_ice", (ALL_CUTS, [true; 2])),
        ("mlx5_pci", (ALL_CUTS, [true; 2])),
        ("net_iavf", (CUTS, [true, false])),
        ("net_ixgbe", (CUTS, [true, false])),
        ("net_ixgbe_vf", (CUTS, [true, false])),
        // Guests cut, if they have agreed to it, or nobody; and of others nobody knows.
        ("net_vhost", (0, [false; 2])),
        ("net_virtio", (0, [false; 2])),
        ("net_virtio_user", (0, [false; 2])),
        ("net_tap", (0, [false; 2])),
        ("net_bonding", (0, [false; 2])),
        ("net_bnxt", (0, [false; 2])),
        ("net_x", (0, [false; 2])),
    ] {
        assert_eq!(asked(driver, u64::MAX), wanted, "{driver}");
        let plain = plan(&info(driver), &config(1, 1));
        assert_eq!(of(&plain), (0, [false; 2]), "{driver} without offload");
    }
}

#[test]
fn a_nic_cuts_only_with_all_that_it_takes() {
    let tcp = sys::K_ETH_TX_OFFLOAD_TCP_TSO;
    let ip = sys::K_ETH_TX_OFFLOAD_IPV4_CKSUM;
    let vxlan = sys::K_ETH_TX_OFFLOAD_VXLAN_TNL_TSO;
    let outer = sys::K_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM;
    let udp_sum = sys::K_ETH_TX_OFFLOAD_UDP_CKSUM;
    let tcp_sum = sys::K_ETH_TX_OFFLOAD_TCP_CKSUM;
    for driver in ["net_i40e", "net_ice", "mlx5_pci"] {
        for lacks in [CHAINS, udp_sum, tcp_sum, tcp, ip] {
            assert_eq!(
                asked(driver, !lacks),
                (0, [false; 2]),
                "{driver} {lacks:#x}"
            );
        }
        for lacks in [vxlan, outer] {
            let only_plain = (CUTS, [true, false]);
            assert_eq!(asked(driver, !lacks), only_plain, "{driver} {lacks:#x}");
        }
    }
}

#[test]
fn a_queue_that_is_shorter_than_a_packet_takes_none_to_be_cut() {
    for (wanted, has, cuts) in [(128, 4096, true), (127, 4096, false), (1024, 127, false)] {
        let mut device = info("net_ixgbe");
        device.tx_descriptors.most = has;
        let config = PortConfig {
            tx_descriptors: wanted,
            ..offload()
        };
        let plan = plan(&device, &config);
        assert_eq!(plan.settings.tx.segments, cuts, "{wanted} {has}");
        assert_eq!(plan.tx_offloads & ALL_CUTS != 0, cuts, "{wanted} {has}");
        assert!(plan.settings.tx.tcp);
    }
}
