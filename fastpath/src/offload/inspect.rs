//! What a NIC said of a packet, held against the packet itself.

use super::hints::{Expected, Said};
use crate::action::{ip_is_sound, udp_is_sound};
use crate::io::{Checksum, Packet};
use crate::key::{Field, FlowKey};
use crate::parse::Parsed;

/// What a NIC said that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lie {
    /// A mark on a packet that is not for the tunnel of that mark.
    Mark,
    /// The outer IPv4 checksum is good, or bad, as it said it is not.
    IpChecksum,
    /// The outer UDP checksum is good, or bad, as it said it is not.
    UdpChecksum,
    /// A mark that says that outer headers are off, on a packet that has them.
    Headers,
    /// A mark of no rule, where packets have outer headers or not by their mark. Seen in counters alone.
    NoRule,
    /// No mark, on packets whose outer headers are off. Seen in counters alone.
    NoMark,
}

impl Lie {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Lie::Mark => "it marked a packet as one of another tunnel",
            Lie::IpChecksum => "it misjudged an outer IPv4 checksum",
            Lie::UdpChecksum => "it misjudged an outer UDP checksum",
            Lie::Headers => "it said of a packet that its outer headers are off, and they are not",
            Lie::NoRule => "it takes outer headers off, and writes marks that it was not given",
            Lie::NoMark => "it takes outer headers off, and packets come without a mark",
        }
    }

    /// Whether nobody can tell any more by a mark whether outer headers are off.
    pub const fn is_of_headers(self) -> bool {
        matches!(self, Lie::Headers | Lie::NoRule | Lie::NoMark)
    }
}

/// What is not so of what was said of a packet that was parsed: by its mark, and of its checksums.
/// All bytes of the packet are read.
pub(crate) fn inspect<P: Packet>(
    packet: &P,
    parsed: &Parsed,
    said: Option<&Said<'_>>,
) -> Option<Lie> {
    if let Some(Said::Expected(expected)) = said
        && is_other(&parsed.key, expected)
    {
        return Some(Lie::Mark);
    }
    // Of other packets the verdicts are not asked for.
    if parsed.layout.fault.is_some() || parsed.key.get(Field::HAS_VXLAN) == 0 {
        return None;
    }
    let (verdicts, layout) = (packet.rx_checksums(), parsed.layout);
    if differs(verdicts.ip, || ip_is_sound(packet, layout)) {
        return Some(Lie::IpChecksum);
    }
    let judged = parsed.key.get(Field::HAS_CHECKSUM) != 0;
    if judged && differs(verdicts.l4, || udp_is_sound(packet, layout)) {
        return Some(Lie::UdpChecksum);
    }
    None
}

/// Whether a packet is for another tunnel. What has a header less than it should is told by the
/// parser, and no tag is no lie: not all NICs tell frames with a tag from those without.
pub(super) fn is_other(key: &FlowKey, expected: &Expected) -> bool {
    let end_point = expected.end_point();
    let fields = [
        (Field::HAS_VXLAN, Field::VNI, end_point.vni.get()),
        (Field::HAS_IPV4, Field::DST_IP, end_point.local.into()),
        (Field::HAS_UDP, Field::DST_PORT, end_point.udp_port.into()),
    ];
    let named = if expected.is_by_vni() {
        1
    } else {
        fields.len()
    };
    let other = |(has, field, value): (Field, Field, u32)| {
        key.get(has) != 0 && key.get(field) != u64::from(value)
    };
    fields.into_iter().take(named).any(other)
}

fn differs(verdict: Checksum, is_sound: impl FnOnce() -> bool) -> bool {
    match verdict {
        Checksum::Unknown => false,
        Checksum::Good => !is_sound(),
        Checksum::Bad => is_sound(),
    }
}
