//! Why a packet was dropped. Every drop has a name, every name a counter.

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The named reasons, in the order in which a packet can meet them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[$doc])* $variant,)*
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
        }
    };
}

reasons! {
    /// As long as the longest frame that the driver hands over: the rest may be missing.
    FrameTruncated = "frame_truncated",
    /// Shorter than an Ethernet header.
    FrameRunt = "frame_runt",
    /// On an underlay port, sent to the MAC of another station.
    OtherHost = "other_host",
    /// On an underlay port that is in no bridge: neither for a tunnel nor for the switch.
    NotForUs = "not_for_us",
    /// An IPv4 packet to an address of ours, but no service of ours: not ICMP, no tunnel's UDP port.
    NoService = "no_service",
    /// Ends within its IPv4 header (RFC 791, 3.1).
    IpTruncated = "ip_truncated",
    /// EtherType IPv4, but another version inside.
    IpVersion = "ip_version",
    /// IPv4 header length below five words.
    IpHeaderLength = "ip_header_length",
    /// IPv4 total length shorter than the header or longer than the frame.
    IpTotalLength = "ip_total_length",
    /// Wrong IPv4 header checksum.
    IpChecksum = "ip_checksum",
    /// A fragment of an outer packet; overpath does not reassemble (RFC 7348, 4.3).
    OuterFragment = "outer_fragment",
    /// Ends within its UDP header (RFC 768).
    UdpTruncated = "udp_truncated",
    /// UDP length shorter than its header or longer than what IPv4 carries.
    UdpLength = "udp_length",
    /// Wrong UDP checksum; zero is none and passes over IPv4 (RFC 7348, 4.1).
    UdpChecksum = "udp_checksum",
    /// Ends within its VXLAN header (RFC 7348, 5).
    VxlanTruncated = "vxlan_truncated",
    /// The I flag is clear: no valid VNI (RFC 7348, 5).
    VxlanNoVni = "vxlan_no_vni",
    /// A reserved VXLAN bit is set and the remote is not configured as lenient.
    VxlanReserved = "vxlan_reserved",
    /// No tunnel of ours has this local address, UDP port and VNI.
    VniUnknown = "vni_unknown",
    /// The outer source is not a configured remote of the tunnel.
    RemoteUnknown = "remote_unknown",
    /// The outer source is zero, multicast, broadcast, loopback or our own.
    OuterSource = "outer_source",
    /// No outer UDP checksum, and the tunnel is configured to want one.
    UdpNoChecksum = "udp_no_checksum",
    /// The inner frame is shorter than an Ethernet header.
    InnerRunt = "inner_runt",
    /// The inner source MAC is a group or zero.
    InnerSource = "inner_source",
    /// Congestion was marked on the outer header of a packet that is not ECN-capable (RFC 6040, 4.2).
    EcnInvalid = "ecn_invalid",
    /// The source MAC of a frame from a port is a group or zero.
    SourceInvalid = "source_invalid",
    /// To one of the link-local group addresses that a bridge does not forward (IEEE 802.1Q, 8.6.3).
    LinkLocal = "link_local",
    /// The source MAC has a static entry elsewhere.
    StaticElsewhere = "static_elsewhere",
    /// The destination is on the port that the frame came from.
    SamePort = "same_port",
    /// The destination is behind the tunnel that the frame came from.
    SplitHorizon = "split_horizon",
    /// The port is in no bridge and has no address.
    NoBridge = "no_bridge",
    /// A flood with nobody to send to.
    NoDestination = "no_destination",
    /// The egress port is down or gone.
    PortDown = "port_down",
    /// The tunnel is down with the port or the address that it rests on.
    TunnelDown = "tunnel_down",
    /// No route leads to the remote.
    NoRoute = "no_route",
    /// The remote's next hop has no link-layer address yet.
    NeighbourUnresolved = "neighbour_unresolved",
    /// Longer than the egress port's MTU allows.
    MtuExceeded = "mtu_exceeded",
    /// Nowhere to put the outer headers.
    NoHeadroom = "no_headroom",
    /// The packet pool is empty, or a packet that had to be copied does not fit into one buffer.
    NoBuffer = "no_buffer",
    /// More new flows in one round than the worker may resolve.
    ResolveBudget = "resolve_budget",
    /// The ring to the control side is full.
    PuntFull = "punt_full",
    /// The ring to the worker that owns the transmit queue is full.
    HandoffFull = "handoff_full",
    /// The port did not accept it.
    TxFull = "tx_full",
    /// Still waiting to be sent when the switch stopped.
    Shutdown = "shutdown",
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
