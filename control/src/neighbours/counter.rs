//! What the switch counts as a host of its links.

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Counter {
            $($(#[$doc])* $variant,)*
        }

        impl Counter {
            /// All counters.
            pub const ALL: [Counter; [$($name),*].len()] = [$(Counter::$variant,)*];

            /// The name under which it is shown.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Counter::$variant => $name,)*
                }
            }
        }
    };
}

counters! {
    /// ARP requests sent.
    ArpRequestSent = "arp_request_sent",
    /// ARP requests for our addresses answered.
    ArpRequestAnswered = "arp_request_answered",
    /// ICMP echo requests answered.
    EchoAnswered = "echo_answered",
    /// ARP requests not sent because the last one to this neighbour was just sent.
    ArpRequestSuppressed = "arp_request_suppressed",
    /// Neighbours that nobody needed and that gave way to others.
    NeighbourEvicted = "neighbour_evicted",
    /// Neighbours not taken in because those that are needed fill the table.
    NeighbourTableFull = "neighbour_table_full",
    /// Neighbours whose link address changed.
    NeighbourMoved = "neighbour_moved",

    /// Refused: not from an underlay port.
    PortUnknown = "port_unknown",
    /// Refused: from a port without link.
    PortDown = "port_down",
    /// Refused: shorter than an Ethernet header.
    FrameShort = "frame_short",
    /// Refused: sent neither to the port's address nor to all.
    FrameDestination = "frame_destination",
    /// Refused: from a group address or from address zero.
    FrameSource = "frame_source",
    /// Refused: one of our own frames that came back.
    FrameLoop = "frame_loop",
    /// Refused: neither ARP nor IPv4.
    FrameType = "frame_type",

    /// Refused: the ARP packet is cut short.
    ArpShort = "arp_short",
    /// Refused: ARP with link addresses other than Ethernet's.
    ArpHardware = "arp_hardware",
    /// Refused: ARP for another protocol than IPv4.
    ArpProtocol = "arp_protocol",
    /// Refused: neither request nor reply.
    ArpOperation = "arp_operation",
    /// Refused: the sender says that its link address is a group, zero or one of ours.
    ArpSenderMac = "arp_sender_mac",
    /// Refused: the sender says that it has an address which no host can have.
    ArpSenderIp = "arp_sender_ip",
    /// Refused: the sender says that it has an address of ours.
    ArpConflict = "arp_conflict",
    /// Not learned: the sender is not on this link.
    ArpOffLink = "arp_off_link",
    /// Refused: a reply from somebody who was not asked.
    ArpUnasked = "arp_unasked",
    /// Ignored: between others, and neither of them is known.
    ArpOther = "arp_other",

    /// Refused: the IPv4 packet is cut short.
    Ipv4Short = "ipv4_short",
    /// Refused: the version is not 4.
    Ipv4Version = "ipv4_version",
    /// Refused: the header length is less than 20 bytes or beyond the frame.
    Ipv4HeaderLength = "ipv4_header_length",
    /// Refused: the total length is less than the header's or beyond the frame.
    Ipv4TotalLength = "ipv4_total_length",
    /// Refused: the header checksum is wrong.
    Ipv4Checksum = "ipv4_checksum",
    /// Refused: the header has options, such as a source route.
    Ipv4Options = "ipv4_options",
    /// Refused: from an address that no other host of the link can have.
    Ipv4Source = "ipv4_source",
    /// Refused: not to an address of this port, or in a broadcast frame (RFC 1122, section 3.3.6).
    Ipv4Destination = "ipv4_destination",
    /// Refused: a fragment.
    Ipv4Fragment = "ipv4_fragment",
    /// Refused: not ICMP.
    Ipv4Protocol = "ipv4_protocol",
    /// Refused: the ICMP message is cut short.
    IcmpShort = "icmp_short",
    /// Refused: the ICMP checksum is wrong.
    IcmpChecksum = "icmp_checksum",
    /// Refused: not an echo request.
    IcmpType = "icmp_type",
}

/// One number for each [`Counter`].
#[derive(Clone, Debug)]
pub(super) struct Counters([u64; Counter::ALL.len()]);

impl Counters {
    pub(super) const fn new() -> Self {
        Counters([0; Counter::ALL.len()])
    }

    pub(super) fn count(&mut self, counter: Counter) {
        self.0[counter as usize] += 1;
    }

    pub(super) fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_has_a_name_and_a_number_of_its_own() {
        let mut counters = Counters::new();
        for (at, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, at);
            let same = Counter::ALL.iter().filter(|c| c.name() == counter.name());
            assert_eq!(same.count(), 1, "{}", counter.name());
            counters.count(counter);
            assert_eq!(counters.get(counter), 1);
        }
    }
}
