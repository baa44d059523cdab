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
    /// ARP requests for our addresses not answered because too many asked.
    ArpReplyLimited = "arp_reply_limited",
    /// ICMP echo requests answered.
    EchoAnswered = "echo_answered",
    /// ICMP echo requests not answered because too many came.
    EchoLimited = "echo_limited",
    /// ICMP errors about UDP packets from us, passed on to tunnels.
    IcmpErrorReceived = "icmp_error_received",
    /// ICMP errors about UDP packets from us, ignored because too many came.
    IcmpErrorLimited = "icmp_error_limited",
    /// ARP requests not sent because the last one to this neighbour was just sent.
    ArpRequestSuppressed = "arp_request_suppressed",
    /// ARP requests that had to wait because too many were to be sent.
    ArpRequestDelayed = "arp_request_delayed",
    /// Neighbours that nobody needed and that gave way to others.
    NeighbourEvicted = "neighbour_evicted",
    /// Neighbours not taken in because those that are needed fill the table.
    NeighbourTableFull = "neighbour_table_full",
    /// Neighbours whose link address changed.
    NeighbourMoved = "neighbour_moved",
    /// Probes sent: whether anybody has an address of ours.
    ProbeSent = "probe_sent",
    /// Announcements of our addresses sent.
    AnnouncementSent = "announcement_sent",
    /// Times that probes and announcements had to wait because too many were to be sent.
    AnnouncementDelayed = "announcement_delayed",
    /// Addresses of ours given up because another station has them.
    AddressDuplicate = "address_duplicate",
    /// Addresses of ours in use again because no other station has them any more.
    AddressRecovered = "address_recovered",
    /// Announcements sent against a station that has an address of ours.
    AddressDefended = "address_defended",

    /// Refused: from a port or VLAN on which we have no addresses.
    LinkUnknown = "link_unknown",
    /// Refused: from a port without link.
    LinkDown = "link_down",
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
    /// Refused: the sender has an address of ours, or asks for one that we ask for.
    ArpConflict = "arp_conflict",
    /// Not learned: the sender is not on this link.
    ArpOffLink = "arp_off_link",
    /// Refused: a reply from another link address than it names.
    ArpReplySource = "arp_reply_source",
    /// Refused: a reply to no question of ours.
    ArpUnasked = "arp_unasked",
    /// Refused: another link address than the one that the neighbour said less than a second ago.
    ArpLocked = "arp_locked",
    /// Refused: another link address than the one that was set by hand.
    ArpPermanent = "arp_permanent",
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
    /// Refused: not to an address of this link, or in a broadcast frame (RFC 1122, section 3.3.6).
    Ipv4Destination = "ipv4_destination",
    /// Refused: a fragment.
    Ipv4Fragment = "ipv4_fragment",
    /// Refused: not ICMP.
    Ipv4Protocol = "ipv4_protocol",
    /// Refused: the ICMP message is cut short.
    IcmpShort = "icmp_short",
    /// Refused: the ICMP checksum is wrong.
    IcmpChecksum = "icmp_checksum",
    /// Refused: neither an echo request nor an error.
    IcmpType = "icmp_type",
    /// Refused: the ICMP error quotes too little to tell what it is about.
    IcmpQuoteShort = "icmp_quote_short",
    /// Refused: what the ICMP error quotes is not an IPv4 header.
    IcmpQuoteHeader = "icmp_quote_header",
    /// Refused: what the ICMP error quotes is a fragment, and not the first.
    IcmpQuoteFragment = "icmp_quote_fragment",
    /// Refused: what the ICMP error quotes is not UDP.
    IcmpQuoteProtocol = "icmp_quote_protocol",
    /// Refused: what the ICMP error quotes is not from the address that it was sent to.
    IcmpQuoteSource = "icmp_quote_source",
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
