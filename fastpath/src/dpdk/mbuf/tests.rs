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

#[test]
fn a_mark_is_there_only_if_both_flags_say_so() {
    let (matched, id) = (sys::K_MBUF_F_RX_FDIR, sys::K_MBUF_F_RX_FDIR_ID);
    assert!(is_marked(matched | id) && is_marked(u64::MAX));
    // A rule that only flags sets the first alone.
    assert!(!is_marked(matched) && !is_marked(id) && !is_marked(0));
}

#[test]
fn a_tunnel_is_what_the_packet_type_says_is_one() {
    assert!(names_tunnel(TUNNEL) && names_tunnel(TUNNEL | 0x91));
    assert!(!names_tunnel(0) && !names_tunnel(!sys::K_PTYPE_TUNNEL_MASK));
}

#[test]
fn what_is_left_is_asked_for_as_a_plain_checksum_and_read_back() {
    for (udp, flag) in [
        (true, sys::K_MBUF_F_TX_UDP_CKSUM),
        (false, sys::K_MBUF_F_TX_TCP_CKSUM),
    ] {
        for (ipv6, version) in [
            (false, sys::K_MBUF_F_TX_IPV4),
            (true, sys::K_MBUF_F_TX_IPV6),
        ] {
            let asked = Left {
                udp,
                ipv6,
                l2_len: 127,
                l3_len: 511,
                l4_len: 60,
                outer: None,
                segment: None,
            };
            let (flags, lengths) = words(asked).unwrap();
            assert_eq!(flags, flag | version);
            // l2_len, l3_len and l4_len have 7, 9 and 8 bits.
            assert_eq!(lengths, 127 | 511 << 7 | 60 << 16);
            assert_eq!(flags & !LEFT_FLAGS, 0);
            assert_eq!(left(flags, lengths), asked);
            let inside = Left {
                outer: Some((18, 20)),
                ..asked
            };
            let (inner, both) = words(inside).unwrap();
            let tunnel = sys::K_MBUF_F_TX_TUNNEL_VXLAN | sys::K_MBUF_F_TX_OUTER_IPV4;
            assert_eq!(inner, flags | tunnel);
            assert_eq!(both, lengths | 20 << 40 | 18 << 49);
            assert_eq!((inner & !LEFT_FLAGS, left(inner, both)), (0, inside));
        }
    }
}

#[test]
fn what_there_is_no_room_for_is_not_asked() {
    let asked = Left {
        udp: true,
        ipv6: true,
        l2_len: 127,
        l3_len: 511,
        l4_len: 255,
        outer: Some((127, 511)),
        segment: None,
    };
    assert!(words(asked).is_some());
    for (what, asked) in [
        (
            "l2_len",
            Left {
                l2_len: 128,
                ..asked
            },
        ),
        (
            "l3_len",
            Left {
                l3_len: 512,
                ..asked
            },
        ),
        (
            "outer l2_len",
            Left {
                outer: Some((128, 20)),
                ..asked
            },
        ),
        (
            "outer l3_len",
            Left {
                outer: Some((14, 512)),
                ..asked
            },
        ),
    ] {
        assert_eq!(words(asked), None, "{what}");
    }
}

/// Flags and lengths of a packet that is to be cut into segments of so many bytes.
fn cut_words(ipv6: bool, outer: Option<(u8, u16)>) -> (u64, u64) {
    let asked = Left {
        udp: false,
        ipv6,
        l2_len: 30,
        l3_len: 40,
        l4_len: 32,
        outer,
        segment: NonZeroU16::new(1448),
    };
    let (flags, lengths) = words(asked).unwrap();
    assert_eq!((flags & !LEFT_FLAGS, left(flags, lengths)), (0, asked));
    (flags, lengths)
}

#[test]
fn a_cut_is_asked_for_with_checksums_of_all_ipv4_headers() {
    let cut = sys::K_MBUF_F_TX_TCP_SEG;
    let v4 = sys::K_MBUF_F_TX_IPV4 | sys::K_MBUF_F_TX_IP_CKSUM;
    let v6 = sys::K_MBUF_F_TX_IPV6;
    let tunnel = sys::K_MBUF_F_TX_TUNNEL_VXLAN
        | sys::K_MBUF_F_TX_OUTER_IPV4
        | sys::K_MBUF_F_TX_OUTER_IP_CKSUM;
    // tso_segsz has 16 bits behind those of l4_len.
    let lengths = 30 | 40 << 7 | 32 << 16 | 1448 << 24;
    assert_eq!(cut_words(false, None), (cut | v4, lengths));
    assert_eq!(cut_words(true, None), (cut | v6, lengths));
    let both = lengths | 20 << 40 | 18 << 49;
    let outer = Some((18, 20));
    assert_eq!(cut_words(false, outer), (cut | v4 | tunnel, both));
    assert_eq!(cut_words(true, outer), (cut | v6 | tunnel, both));
}

#[test]
fn a_size_is_read_as_one_of_segments_only_if_it_is_asked_to_be() {
    let (flags, lengths) = cut_words(false, None);
    let plain = flags & !sys::K_MBUF_F_TX_TCP_SEG | sys::K_MBUF_F_TX_TCP_CKSUM;
    assert_eq!(left(plain, lengths).segment, None);
    assert_eq!(
        left(flags, lengths & 0xff_ffff).segment,
        None,
        "none is given"
    );
}
