//! What is to become of a good VXLAN frame with one byte changed, from the field that the byte is in
//! and from nothing else. Written from the RFCs, RFC 6040 and the decisions, not from the parser.

use super::{INNER_AT, LEN};
use std::ops::Range;

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The inner frame leaves by port a, cut to its first bytes.
    Forwarded(usize),
    /// The inner frame leaves by both local ports: its destination is not known.
    Flooded,
    /// Control takes it, as it is ICMP, and refuses it by this name.
    Consumed(&'static str),
    /// Dropped by this name.
    Dropped(&'static str),
}

/// Which checksums of the frame are right although a byte was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// The UDP checksum is zero, so nothing but the IPv4 header is covered.
    NoUdp,
    /// As above, and that of the IPv4 header was made right again.
    Mended,
    /// Both are there and were right before the change.
    Both,
}

/// Reasons that are met behind the checksums: they need what decapsulation gives.
const BEHIND: [&str; 4] = [
    "ecn_invalid",
    "inner_source",
    "split_horizon",
    "static_elsewhere",
];

const IPV4_HEADER: Range<usize> = 14..34;
/// What the UDP checksum covers beside the addresses, which are judged before.
const UDP: Range<usize> = 34..LEN;

/// The fate of the good frame with byte `at`, which was `old`, changed to `new`.
pub(super) fn fate(at: usize, old: u8, new: u8, sums: Sums) -> Fate {
    let own = by_field(at, old, new);
    match own {
        Fate::Dropped(reason) if !BEHIND.contains(&reason) => own,
        Fate::Consumed(_) if sums == Sums::Mended => own,
        Fate::Consumed(_) => Fate::Consumed("ipv4_checksum"),
        _ if IPV4_HEADER.contains(&at) && sums != Sums::Mended => Fate::Dropped("ip_checksum"),
        _ if UDP.contains(&at) && sums == Sums::Both => Fate::Dropped("udp_checksum"),
        _ => own,
    }
}

const WHOLE: Fate = Fate::Forwarded(LEN - INNER_AT);

/// What the field itself demands, with all checksums right.
fn by_field(at: usize, old: u8, new: u8) -> Fate {
    use Fate::{Consumed, Dropped, Flooded};
    let group = new & 1 == 1;
    match at {
        // Ethernet: to us or not; nobody looks at the source.
        0 if group => Dropped("not_for_us"),
        0..6 => Dropped("other_host"),
        6..12 => WHOLE,
        12..14 => Dropped("not_for_us"),
        // IPv4, RFC 791, 3.1.
        14 if new >> 4 != 4 => Dropped("ip_version"),
        14 if new & 0xf < 5 => Dropped("ip_header_length"),
        // Behind a longer header stand other bytes where the port was.
        14 => Dropped("no_service"),
        15 => match new & 3 {
            // RFC 6040, 4.2: the inner packet is not ECN-capable.
            3 => Dropped("ecn_invalid"),
            _ => WHOLE,
        },
        16 | 17 => ip_length(word(at == 16, (LEN - 14) as u16, new)),
        18 | 19 | 22 => WHOLE,
        // The reserved bit and DF, which is set, say nothing of fragments.
        20 if new & 0x3f != 0 => Dropped("outer_fragment"),
        20 => WHOLE,
        21 => Dropped("outer_fragment"),
        23 if new == 1 => Consumed("icmp_checksum"),
        23 => Dropped("no_service"),
        24 | 25 => Dropped("ip_checksum"),
        26..30 => source(at, new),
        30..34 => Dropped("not_for_us"),
        // UDP, RFC 768.
        34 | 35 => WHOLE,
        36 | 37 => Dropped("no_service"),
        38 | 39 => udp_length(word(at == 38, (LEN - 34) as u16, new)),
        40 | 41 => Dropped("udp_checksum"),
        // VXLAN, RFC 7348, 5.
        42 if new & 8 == 0 => Dropped("vxlan_no_vni"),
        42..46 | 49 => Dropped("vxlan_reserved"),
        46..49 => Dropped("vni_unknown"),
        // The inner addresses: from station 2 behind the peer to station 1, fixed at port a.
        55 if new == 2 => Dropped("split_horizon"),
        50..56 => Flooded,
        56 if group => Dropped("inner_source"),
        61 if new == 1 => Dropped("static_elsewhere"),
        // From there on it is the stations' own affair.
        _ => {
            assert_ne!(old, new);
            WHOLE
        }
    }
}

/// A word of which one byte was changed.
fn word(high: bool, old: u16, new: u8) -> usize {
    let [first, second] = old.to_be_bytes();
    let bytes = if high { [new, second] } else { [first, new] };
    u16::from_be_bytes(bytes).into()
}

/// IPv4's own length, in a frame without padding whose UDP length is that of the frame.
fn ip_length(total: usize) -> Fate {
    match total {
        0..20 => Fate::Dropped("ip_total_length"),
        20..28 => Fate::Dropped("udp_truncated"),
        _ if total < LEN - 14 => Fate::Dropped("udp_length"),
        _ => Fate::Dropped("ip_total_length"),
    }
}

/// What is behind the UDP datagram but within the IPv4 packet is left out.
fn udp_length(length: usize) -> Fate {
    match length {
        0..8 => Fate::Dropped("udp_length"),
        8..16 => Fate::Dropped("vxlan_truncated"),
        16..30 => Fate::Dropped("inner_runt"),
        _ if length < LEN - 34 => Fate::Forwarded(length - 16),
        _ => Fate::Dropped("udp_length"),
    }
}

/// From 192.0.2.1, the only remote, to 192.0.2.2, us.
fn source(at: usize, new: u8) -> Fate {
    let impossible = match at {
        26 => new == 127 || (224..240).contains(&new),
        29 => new == 2,
        _ => false,
    };
    Fate::Dropped(if impossible {
        "outer_source"
    } else {
        "remote_unknown"
    })
}

/// The fate of the good frame of which only the first `len` bytes arrived.
pub(super) fn cut(len: usize) -> Fate {
    match len {
        0..14 => Fate::Dropped("frame_runt"),
        14..34 => Fate::Dropped("ip_truncated"),
        LEN => WHOLE,
        _ => Fate::Dropped("ip_total_length"),
    }
}

/// The fate of a frame whose IPv4 and UDP lengths both say that it ends after `len` bytes, at least
/// those of an IPv4 header.
pub(super) fn ended(len: usize) -> Fate {
    match len {
        0..42 => Fate::Dropped("udp_truncated"),
        42..INNER_AT => Fate::Dropped("vxlan_truncated"),
        _ if len < INNER_AT + 14 => Fate::Dropped("inner_runt"),
        _ => Fate::Forwarded(len - INNER_AT),
    }
}
