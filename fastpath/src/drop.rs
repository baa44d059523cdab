//! Why a packet was dropped. Every drop has a name, every name a counter, a meaning and advice.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal: $advice:literal,)*) => {
        /// The named reasons, in the order in which a packet can meet them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl DropReason {
            /// All reasons, in the order of their numbers.
            pub const ALL: &[DropReason] = &[$(DropReason::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name under which it is counted and shown.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DropReason::$variant => $name,)*
                }
            }

            /// The reason of this name.
            pub fn named(name: &str) -> Option<Self> {
                let mut all = Self::ALL.iter().copied();
                all.find(|reason| reason.name() == name)
            }

            /// When a packet is dropped by this name: a sentence for who runs the switch. It is what
            /// stands in the documentation of the variant.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(DropReason::$variant => concat!($($doc),+).trim_start(),)*
                }
            }

            /// What it can mean that it is counted, and what to do: a sentence or two in Markdown for
            /// who runs the switch.
            pub const fn advice(self) -> &'static str {
                match self {
                    $(DropReason::$variant => $advice,)*
                }
            }
        }
    };
}

reasons! {
    /// As long as the longest frame that the driver hands over: the rest may be missing.
    FrameTruncated = "frame_truncated":
        "Frames beyond the MTU from a local sender, or an MTU above what the driver's ring \
         holds: see net_af_packet.",
    /// Shorter than an Ethernet header.
    FrameRunt = "frame_runt":
        "A broken sender or driver; see `errors` in `port show`.",
    /// On a port whose NIC takes outer headers off, with a mark by which nobody can tell whether they
    /// are off.
    HeadersInDoubt = "headers_in_doubt":
        "A few are usual when a tunnel or a remote goes. If they go on the NIC marks what it was not \
         asked to: `overpath stats offload`, and `offload = \"t2\"` for this port.",
    /// On an underlay port, sent to the MAC of another station.
    OtherHost = "other_host":
        "Usual on a port in promiscuous mode, or while a switch floods. `promiscuous = false` \
         leaves it to the NIC; a bridge on the port would carry it.",
    /// On an underlay port that is in no bridge: neither for a tunnel nor for the switch.
    NotForUs = "not_for_us":
        "Usual: broadcasts, IPv6, LLDP, tagged frames. Put the port in a bridge if it is to \
         carry them.",
    /// An IPv4 packet to an address of ours, but no service of ours: not ICMP, no tunnel's UDP port.
    NoService = "no_service":
        "If VXLAN was meant: compare `udp_port` with the sender's (the kernel's is 8472 unless \
         it is given `dstport 4789`).",
    /// Ends within its IPv4 header (RFC 791, 3.1).
    IpTruncated = "ip_truncated":
        "A broken or hostile sender.",
    /// EtherType IPv4, but another version inside.
    IpVersion = "ip_version":
        "A broken or hostile sender.",
    /// IPv4 header length below five words.
    IpHeaderLength = "ip_header_length":
        "A broken or hostile sender.",
    /// IPv4 total length shorter than the header or longer than the frame.
    IpTotalLength = "ip_total_length":
        "A broken or hostile sender, or a driver that cut the frame: compare the MTUs.",
    /// Wrong IPv4 header checksum.
    IpChecksum = "ip_checksum":
        "A broken sender, or damage on the way.",
    /// A fragment of an outer packet; overpath does not reassemble (RFC 7348, 4.3).
    OuterFragment = "outer_fragment":
        "Raise the MTU of the underlay, or lower that of the overlay at the sender; let the \
         sender set DF.",
    /// Ends within its UDP header (RFC 768).
    UdpTruncated = "udp_truncated":
        "A broken or hostile sender.",
    /// UDP length shorter than its header or longer than what IPv4 carries.
    UdpLength = "udp_length":
        "A broken or hostile sender.",
    /// Wrong UDP checksum; zero is none and passes over IPv4 (RFC 7348, 4.1).
    UdpChecksum = "udp_checksum":
        "A sender whose NIC is to finish checksums, as veth: `rx_checksum = \"recompute\"` for \
         this port, or `ethtool -K PEER tx off`; or damage on the way.",
    /// Ends within its VXLAN header (RFC 7348, 5).
    VxlanTruncated = "vxlan_truncated":
        "Something other than VXLAN on a tunnel's UDP port.",
    /// The I flag is clear: no valid VNI (RFC 7348, 5).
    VxlanNoVni = "vxlan_no_vni":
        "Something other than VXLAN on a tunnel's UDP port, or a broken sender.",
    /// A reserved VXLAN bit is set and the remote is not configured as lenient.
    VxlanReserved = "vxlan_reserved":
        "The sender uses an extension (GBP, GPE) or does not clear the bits: `reserved_bits = \
         \"lenient\"` for that remote.",
    /// No tunnel of ours has this local address, UDP port and VNI.
    VniUnknown = "vni_unknown":
        "Compare `local`, `udp_port` and `vni` of the tunnels with what the sender uses.",
    /// The outer source is not a configured remote of the tunnel.
    RemoteUnknown = "remote_unknown":
        "Add the sender to `remotes` or to a static entry, or say `accept = \"any\"`.",
    /// The outer source is zero, multicast, broadcast, loopback or our own.
    OuterSource = "outer_source":
        "A forged packet, or a loop in the underlay.",
    /// No outer UDP checksum, and the tunnel wants one.
    UdpNoChecksum = "udp_no_checksum":
        "`zero_checksum = \"accept\"`, or let the sender compute it (kernel: `udpcsum`).",
    /// The inner frame is shorter than an Ethernet header.
    InnerRunt = "inner_runt":
        "A broken or hostile sender.",
    /// The inner source MAC is a group or zero.
    InnerSource = "inner_source":
        "A broken or hostile station behind the remote.",
    /// Congestion was marked on the outer header of a packet that is not ECN-capable (RFC 6040, 4.2).
    EcnInvalid = "ecn_invalid":
        "Congestion in the underlay: it is as the loss that it stands for.",
    /// The source MAC of a frame from a port is a group or zero.
    SourceInvalid = "source_invalid":
        "A broken or hostile guest; net_null delivers nothing else.",
    /// To one of the link-local group addresses that a bridge does not forward (IEEE 802.1Q, 8.6.3).
    LinkLocal = "link_local":
        "Usual: LLDP, LACP and their like end at the first bridge.",
    /// The source MAC has a static entry elsewhere.
    StaticElsewhere = "static_elsewhere":
        "A forged MAC, a station that moved, or a loop: correct the `[[fdb]]` entry.",
    /// The destination is on the port that the frame came from.
    SamePort = "same_port":
        "Usual where the segment behind the port floods too; otherwise a station answers for \
         another.",
    /// The destination is behind the tunnel that the frame came from.
    SplitHorizon = "split_horizon":
        "The sending remote has an old or missing entry for this MAC; it ends when that one \
         learns.",
    /// The port is in no bridge and has no address.
    NoBridge = "no_bridge":
        "Put the port in a bridge, or give it an address.",
    /// A flood with nobody to send to.
    NoDestination = "no_destination":
        "Nobody else is in the bridge: no other port, no remote in `remotes`.",
    /// The egress port is down or gone.
    PortDown = "port_down":
        "See `state` and `reason` in `port show`.",
    /// The tunnel is down with the port or the address that it rests on.
    TunnelDown = "tunnel_down":
        "See `vxlan show`: it names the port, or the station that has our address too.",
    /// No port's prefix and no route contains the remote's address.
    NoRoute = "no_route":
        "`overpath route add`, or a `[[route]]`; a route counts while a port with link leads to \
         one of its gateways.",
    /// The remote's next hop has no link-layer address, and the packet waited in vain or found no
    /// room to wait.
    NeighbourUnresolved = "neighbour_unresolved":
        "See `neigh show`. A few at the start are usual; if they go on, the remote does not \
         answer ARP, or no port's prefix contains its address.",
    /// Longer than the egress port's MTU allows.
    MtuExceeded = "mtu_exceeded":
        "Raise `mtu` of the egress port (50 more than the overlay's, 54 with an inner tag), or \
         lower the guests'.",
    /// Nowhere to put the outer headers.
    NoHeadroom = "no_headroom":
        "A device whose buffers leave no room in front: a fault to report.",
    /// The packet pool is empty, or a packet that had to be copied does not fit into one buffer.
    NoBuffer = "no_buffer":
        "Raise `switch.mbufs`.",
    /// More new flows in one round than the worker may resolve; what guests send, and what is
    /// inside a tunnel, makes no flows of its own.
    ResolveBudget = "resolve_budget":
        "Many new senders or addresses at once on an underlay port: a scan or an attack, or a \
         cache that is too small (`evictions`): raise `switch.cache_entries`.",
    /// The ring to the control side is full.
    PuntFull = "punt_full":
        "Much ARP or ping to the switch, or a state thread without CPU time.",
    /// The ring to the worker that owns the transmit queue is full.
    HandoffFull = "handoff_full":
        "Give the port more transmit queues, or use fewer workers.",
    /// The port did not accept it.
    TxFull = "tx_full":
        "The port is slower than what is sent to it; raise `tx_descriptors` for bursts.",
    /// Still waiting to be sent when the switch stopped.
    Shutdown = "shutdown":
        "None: only at a stop.",
}

/// Some of the reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(u64);

const _: () = assert!(DropReason::COUNT <= u64::BITS as usize, "a bit for each");

impl Reasons {
    /// None of them.
    pub const NONE: Reasons = Reasons(0);

    /// Adds a reason.
    pub fn insert(&mut self, reason: DropReason) {
        self.0 |= 1 << reason as u8;
    }

    /// Whether it is one of them.
    pub fn contains(self, reason: DropReason) -> bool {
        self.0 >> reason as u8 & 1 != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// All of them, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = DropReason> {
        let all = DropReason::ALL.iter().copied();
        all.filter(move |reason| self.contains(*reason))
    }
}

impl FromIterator<DropReason> for Reasons {
    fn from_iter<T: IntoIterator<Item = DropReason>>(reasons: T) -> Self {
        let mut some = Reasons::NONE;
        reasons.into_iter().for_each(|reason| some.insert(reason));
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_reasons_are_those_that_were_put_there() {
        assert!(Reasons::NONE.is_empty());
        assert_eq!(Reasons::NONE.iter().count(), 0);
        let put = [
            DropReason::FrameTruncated,
            DropReason::NoRoute,
            DropReason::Shutdown,
        ];
        let some: Reasons = put.into_iter().chain(put).collect();
        assert!(some.iter().eq(put) && !some.is_empty());
        assert!(!some.contains(DropReason::PortDown) && some.contains(DropReason::Shutdown));
    }

    #[test]
    fn names_are_unique_and_numbers_dense() {
        for (number, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, number);
            assert_eq!(
                DropReason::ALL
                    .iter()
                    .filter(|r| r.name() == reason.name())
                    .count(),
                1
            );
        }
    }

    /// It stands in a table of a document, and at the end of a line of output.
    #[test]
    fn meaning_and_advice_are_one_line_of_whole_sentences() {
        for reason in DropReason::ALL {
            for text in [reason.meaning(), reason.advice()] {
                assert!(text.ends_with('.') && !text.starts_with(' '), "{text}");
                assert!(
                    !text.contains(['|', '\n']) && !text.contains("  "),
                    "{text}"
                );
            }
            // A link of rustdoc is none elsewhere.
            assert!(!reason.meaning().contains('['), "{}", reason.meaning());
        }
    }
}
