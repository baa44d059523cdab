//! What is left to be cut to a NIC.
//!
//! A guest chooses the size of segments and fills the buffers. NICs take what they did not expect for
//! malice and stop the queue, and drivers look at it only in `rte_eth_tx_prepare`, which is not called. So
//! here are bounds that hold for all of them: i40e, iavf, ice, ixgbe and mlx5, read in DPDK 22.11.

use crate::io::{Left, Packet};
use crate::wire::ipv4::Ipv4;
use crate::wire::tcp::{Tcp, flag};
use std::ops::RangeInclusive;

/// Bytes of payload of a segment. For i40e less than 256 or more than 9674 is malicious, for iavf more
/// than 9668, for ice less than 64 or more than 9728. The others only have 16 bits for it.
const SIZES: RangeInclusive<u16> = 256..=9668;

/// Buffers of a packet: ixgbe takes 40. For mlx5 a request has 60 units of 16 bytes, of which 13 are for
/// headers. The others take more.
const BUFFERS: usize = 40;

/// Buffers that the payload of one segment is in: Intel's NICs from i40e on fetch 8 for a segment, and
/// the headers are in one of these.
const BUFFERS_OF_SEGMENT: usize = 7;

/// Bytes of a buffer. A descriptor of Intel's NICs has 14 bits for it. ixgbe does not split what is longer,
/// and iavf splits fewer than it has counted.
const BUFFER: usize = 0x3fff;

/// Bytes from the outermost IP header on: what that header can say before the NIC writes it.
const LONGEST: usize = 0xffff;

/// Whether every NIC that cuts takes this packet, which is to be cut and [is plain](Left::is_plain).
///
/// Of plain headers there are at most 172 bytes, in the first buffer; mlx5 takes 192 there, and no more
/// than fits into a frame is in a segment, since the MTU is that of segments.
pub(crate) fn suits_nics<P: Packet>(packet: &P, left: Left) -> bool {
    let Some(size) = left.segment.filter(|size| SIZES.contains(&size.get())) else {
        return false;
    };
    let mut buffers = Buffers::new(left, size.get().into());
    packet.for_each_segment(0, |bytes| buffers.go_on(bytes.len()));
    // For ice a buffer without bytes is malicious.
    buffers.suit() && buffers.count == packet.buffers() && !says_less(packet, left)
}

/// Whether CWR is set, which belongs to the first segment alone (RFC 3168, 6.1.2). ixgbe repeats it in those
/// behind that as it is set up, so that a receiver would miss that the network is congested still.
fn says_less<P: Packet>(packet: &P, left: Left) -> bool {
    let tcp = packet.head().get(left.at()..).and_then(Tcp::new);
    tcp.is_some_and(|tcp| tcp.flags() & flag::CWR != 0)
}

/// Goes over the buffers of a packet that is to be cut.
struct Buffers {
    /// Bytes before the outermost IP header.
    l2_len: usize,
    /// Bytes of headers.
    headers: usize,
    /// Bytes of payload of a segment.
    size: usize,
    /// Bytes so far.
    at: usize,
    count: usize,
    longest: usize,
    /// Buffers of the segment that is begun.
    of_segment: usize,
    /// Most of any segment.
    most: usize,
}

impl Buffers {
    fn new(left: Left, size: usize) -> Self {
        let l2_len = left.outer.map_or(left.l2_len, |(l2_len, _)| l2_len);
        Buffers {
            l2_len: l2_len.into(),
            headers: left.payload_at(),
            size,
            at: 0,
            count: 0,
            longest: 0,
            of_segment: 0,
            most: 0,
        }
    }

    /// The next one has `len` bytes.
    fn go_on(&mut self, len: usize) {
        let begin = self.at.saturating_sub(self.headers);
        self.at += len;
        self.count += 1;
        self.longest = self.longest.max(len);
        let end = self.at.saturating_sub(self.headers);
        if end == begin {
            return;
        }
        self.of_segment += 1;
        self.most = self.most.max(self.of_segment);
        if end / self.size > begin / self.size {
            // A segment ends here. The next one begins in this buffer, or where it ends.
            self.of_segment = usize::from(!end.is_multiple_of(self.size));
        }
    }

    fn suit(&self) -> bool {
        self.at - self.l2_len <= LONGEST
            && self.count <= BUFFERS
            && self.longest <= BUFFER
            && self.most <= BUFFERS_OF_SEGMENT
    }
}

/// Makes a packet that is to be cut by its NIC as NICs want it: the sum of the pseudo header is without
/// a length, and checksums of IPv4 headers, which the NIC writes, are zero.
pub fn for_nic<P: Packet>(packet: &mut P, left: Left) {
    if let Some(found) = left.transport(packet) {
        // Fits: it is in a field of 16 bits.
        let len = found.len as u16;
        let word = left.word(packet);
        left.put(packet, !crate::wire::checksum::update(!word, len, 0));
    }
    let inner = (!left.ipv6).then(|| left.at() - usize::from(left.l3_len));
    let outer = left.outer.map(|(l2_len, _)| usize::from(l2_len));
    for at in inner.into_iter().chain(outer) {
        if let Some(mut ip) = packet.head_mut().get_mut(at..).and_then(Ipv4::new) {
            ip.set_checksum(0);
        }
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
