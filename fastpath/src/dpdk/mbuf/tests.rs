//! Needs no EAL: flags and packet types are numbers.

use super::*;

/// Some tunnel, as `RTE_PTYPE_TUNNEL_VXLAN` is one.
const TUNNEL: u32 = 0x3000;

fn says(flags: u64, packet_type: u32, ip: Checksum, l4: Checksum) {
    assert_eq!(
        verdicts(flags, packet_type),
        RxChecksums { ip, l4 },
        "{flags:#x} {packet_type:#x}"
    );
}

#[test]
fn without_a_tunnel_the_plain_pair_speaks() {
    use Checksum::{Bad, Good, Unknown};
    says(0, 0, Unknown, Unknown);
    says(
        sys::K_MBUF_F_RX_IP_CKSUM_GOOD | sys::K_MBUF_F_RX_L4_CKSUM_BAD,
        0,
        Good,
        Bad,
    );
    says(
        sys::K_MBUF_F_RX_IP_CKSUM_BAD | sys::K_MBUF_F_RX_L4_CKSUM_GOOD,
        0,
        Bad,
        Good,
    );
    says(
        sys::K_MBUF_F_RX_IP_CKSUM_NONE | sys::K_MBUF_F_RX_L4_CKSUM_NONE,
        0,
        Good,
        Good,
    );
}

#[test]
fn with_a_tunnel_only_the_outer_pair_speaks() {
    use Checksum::{Bad, Good, Unknown};
    let inner = sys::K_MBUF_F_RX_IP_CKSUM_GOOD | sys::K_MBUF_F_RX_L4_CKSUM_GOOD;
    says(inner, TUNNEL, Unknown, Unknown);
    says(
        inner | sys::K_MBUF_F_RX_OUTER_L4_CKSUM_GOOD,
        TUNNEL,
        Unknown,
        Good,
    );
    says(
        inner | sys::K_MBUF_F_RX_OUTER_L4_CKSUM_BAD,
        TUNNEL,
        Unknown,
        Bad,
    );
    says(
        inner | sys::K_MBUF_F_RX_OUTER_L4_CKSUM_MASK,
        TUNNEL,
        Unknown,
        Unknown,
    );
    says(
        inner | sys::K_MBUF_F_RX_OUTER_IP_CKSUM_BAD,
        TUNNEL,
        Bad,
        Unknown,
    );
}
