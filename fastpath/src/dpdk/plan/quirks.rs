//! What is known of drivers beside what they say.

use crate::snapshot::Inside;
use crate::wire::vxlan;
use dpdk_sys as sys;

/// Drivers whose device has less than it says.
pub(super) struct Quirks {
    /// Wants as many transmit as receive queues.
    pub(super) equal_queues: bool,
    /// With receive checksum offload it delivers packets of guests whose checksum is open, and says so
    /// of each. Without, the driver or the guest makes them.
    pub(super) open_checksums: bool,
    /// Makes the checksum that it is asked for in a packet of VXLAN, too, of which it is told no tunnel.
    /// Others look for the tunnel themselves and make the inner one (net_bnxt), or cannot at its UDP ports
    /// (net_hns3).
    pub(super) believes: bool,
    /// Cuts packets of TCP if it offers to, as far as its code was read: it writes lengths, checksums and
    /// sequence numbers of each segment anew, and is told no more than it is asked. net_vhost and net_virtio
    /// are not asked: they hand packets on to be cut by a guest, which may not have agreed to that, and do
    /// not cut themselves. net_tap does so in software, from a pool of its own.
    pub(super) cuts: bool,
    /// Where it makes checksums of inner headers, if it offers any of `tunnels`.
    pub(super) inside: Inside,
    /// Without one of these the device has no eye for tunnels, or its firmware none.
    pub(super) tunnels: u64,
    /// Is not known to write all flags of each packet that it receives: net_virtio leaves them alone in
    /// one of its ways, net_ring hands on what another process wrote, net_vhost means something else by
    /// some if it is told so (`legacy-ol-flags=1`).
    pub(super) stray_flags: bool,
    /// Says the length of a plain Ethernet frame, but passes what its interface or ring passes.
    pub(super) nominal_frame: bool,
    /// Mbufs that it puts before the kernel for each receive queue, and forgets there at the end.
    pub(super) kept: u32,
}

impl Quirks {
    pub(super) fn of(driver: &str) -> Self {
        let guests = driver == "net_vhost" || driver.starts_with("net_virtio");
        let intel = matches!(
            driver,
            "net_i40e" | "net_iavf" | "net_ice" | "net_ixgbe" | "net_ixgbe_vf"
        );
        let nic = intel || driver == "mlx5_pci";
        let copies = matches!(
            driver,
            "net_tap" | "net_af_packet" | "net_af_xdp" | "net_null"
        );
        let tso = sys::K_ETH_TX_OFFLOAD_VXLAN_TNL_TSO;
        Quirks {
            equal_queues: matches!(driver, "net_tap" | "net_af_xdp"),
            open_checksums: guests,
            believes: nic || guests || driver == "net_tap",
            cuts: nic,
            inside: match driver {
                "net_i40e" | "net_ice" => Inside::Always,
                "mlx5_pci" => Inside::Behind(vxlan::PORT),
                _ => Inside::Never,
            },
            tunnels: match intel {
                true => tso | sys::K_ETH_TX_OFFLOAD_OUTER_IPV4_CKSUM,
                false => tso,
            },
            stray_flags: !nic && !copies,
            nominal_frame: matches!(driver, "net_af_packet" | "net_memif"),
            kept: if driver == "net_af_xdp" { 2048 } else { 0 },
        }
    }
}
