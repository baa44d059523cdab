//! What the drop reasons mean, in words for who runs the switch.

use fastpath::drop::DropReason;

/// What is so of a packet that is dropped for `reason`: a clause without a full stop, as it stands in
/// docs/operations.md. What to do about it is [`DropReason::advice`].
pub const fn meaning(reason: DropReason) -> &'static str {
    match reason {
        DropReason::FrameTruncated => {
            "As long as the longest frame that the driver hands over: the rest may be missing"
        }
        DropReason::FrameRunt => "Shorter than an Ethernet header",
        DropReason::OtherHost => "On an underlay port, sent to the MAC of another station",
        DropReason::NotForUs => {
            "On an underlay port that is in no bridge: neither for a tunnel nor for the switch"
        }
        DropReason::NoService => {
            "An IPv4 packet to an address of ours, but no service of ours: not ICMP, no tunnel's UDP port"
        }
        DropReason::IpTruncated => "Ends within its IPv4 header (RFC 791, 3.1)",
        DropReason::IpVersion => "EtherType IPv4, but another version inside",
        DropReason::IpHeaderLength => "IPv4 header length below five words",
        DropReason::IpTotalLength => {
            "IPv4 total length shorter than the header or longer than the frame"
        }
        DropReason::IpChecksum => "Wrong IPv4 header checksum",
        DropReason::OuterFragment => {
            "A fragment of an outer packet; overpath does not reassemble (RFC 7348, 4.3)"
        }
        DropReason::UdpTruncated => "Ends within its UDP header (RFC 768)",
        DropReason::UdpLength => "UDP length shorter than its header or not what IPv4 carries",
        DropReason::UdpChecksum => {
            "Wrong UDP checksum; zero is none and passes over IPv4 (RFC 7348, 4.1)"
        }
        DropReason::VxlanTruncated => "Ends within its VXLAN header (RFC 7348, 5)",
        DropReason::VxlanNoVni => "The I flag is clear: no valid VNI (RFC 7348, 5)",
        DropReason::VxlanReserved => {
            "A reserved VXLAN bit is set and the remote is not configured as lenient"
        }
        DropReason::VniUnknown => "No tunnel of ours has this local address, UDP port and VNI",
        DropReason::RemoteUnknown => "The outer source is not a configured remote of the tunnel",
        DropReason::OuterSource => {
            "The outer source is zero, multicast, broadcast, loopback or our own"
        }
        DropReason::UdpNoChecksum => "No outer UDP checksum, and the tunnel wants one",
        DropReason::InnerRunt => "The inner frame is shorter than an Ethernet header",
        DropReason::InnerSource => "The inner source MAC is a group or zero",
        DropReason::EcnInvalid => {
            "Congestion was marked on the outer header of a packet that is not ECN-capable (RFC 6040, 4.2)"
        }
        DropReason::SourceInvalid => "The source MAC of a frame from a port is a group or zero",
        DropReason::LinkLocal => {
            "To one of the link-local group addresses that a bridge does not forward (IEEE 802.1Q, 8.6.3)"
        }
        DropReason::StaticElsewhere => "The source MAC has a static entry elsewhere",
        DropReason::SamePort => "The destination is on the port that the frame came from",
        DropReason::SplitHorizon => "The destination is behind the tunnel that the frame came from",
        DropReason::NoBridge => "The port is in no bridge and has no address",
        DropReason::NoDestination => "A flood with nobody to send to",
        DropReason::PortDown => "The egress port is down or gone",
        DropReason::TunnelDown => {
            "The tunnel is down with the port or the address that it rests on"
        }
        DropReason::NoRoute => "No port's prefix and no route contains the remote's address",
        DropReason::NeighbourUnresolved => {
            "The remote's next hop has no link-layer address, and the packet waited in vain or found no room to wait"
        }
        DropReason::MtuExceeded => "Longer than the egress port's MTU allows",
        DropReason::NoHeadroom => "Nowhere to put the outer headers",
        DropReason::NoBuffer => {
            "The packet pool is empty, or a packet that had to be copied does not fit into one buffer"
        }
        DropReason::ResolveBudget => {
            "More new flows in one round than the worker may resolve; what guests send, and what is inside a tunnel, makes no flows of its own"
        }
        DropReason::PuntFull => "The ring to the control side is full",
        DropReason::HandoffFull => "The ring to the worker that owns the transmit queue is full",
        DropReason::TxFull => "The port did not accept it",
        DropReason::Shutdown => "Still waiting to be sent when the switch stopped",
    }
}
