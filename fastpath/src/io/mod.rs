//! What the data plane asks of its packets and queues.
//!
//! Everything but [`crate::dpdk`] is written against these traits, so parser, cache, resolve and
//! actions run on heap buffers in plain tests, under Miri and under the fuzzers.

pub mod heap;
mod left;

pub use left::Left;

use crate::ids::{PortId, QueueId};
use arrayvec::ArrayVec;
use std::num::NonZeroU16;

/// Most packets taken from or given to a queue in one call.
pub const BURST: usize = 64;

/// A burst of owned packets.
pub type Burst<P> = ArrayVec<P, BURST>;

/// What the NIC says of a checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Nothing: verify in software.
    #[default]
    Unknown,
    /// Verified, or vouched for by a sender on this host.
    Good,
    /// Verified and wrong.
    Bad,
}

/// What the NIC says of the outermost headers of a received packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxChecksums {
    /// IPv4 header checksum.
    pub ip: Checksum,
    /// TCP or UDP checksum. `Good` is never said of an inner header.
    pub l4: Checksum,
}

/// All that the NIC says of a received packet. It may be wrong: what is believed is compared with
/// the packet's own bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NicWord {
    /// It recognised a tunnel, so that what it says of plain checksums is of the inner headers.
    pub tunnel: bool,
    /// Of the outermost headers.
    pub checksums: RxChecksums,
    /// Of the headers of the frame in the tunnel that it recognised. Nothing depends on them; a
    /// self-test looks at them.
    pub inner: RxChecksums,
    /// [`Packet::mark`].
    pub mark: Option<u32>,
}

/// An owned packet: an mbuf chain, or heap bytes. Dropping it gives it back to its pool.
pub trait Packet: Send {
    /// The bytes of the first segment. All headers that overpath reads must lie here.
    fn head(&self) -> &[u8];

    /// The same bytes, to be changed. Only a packet whose first segment nobody else refers to may
    /// be written; [`Pool::replicate`] gives such a packet, and so does a receive queue.
    fn head_mut(&mut self) -> &mut [u8];

    /// Bytes over all segments.
    fn len(&self) -> usize;

    /// No bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `f` with the bytes of each segment in order, starting `skip` bytes into the packet.
    /// Segments that lie wholly in the skipped part are passed over.
    fn for_each_segment(&self, skip: usize, f: impl FnMut(&[u8]));

    /// Buffers that it is in, those without bytes too.
    fn buffers(&self) -> usize {
        let mut count = 0;
        self.for_each_segment(0, |_| count += 1);
        count
    }

    /// Grows the first segment at its front and returns the new bytes. Those that were taken off
    /// the front before are as they were, the content of others is unspecified. `None`, with the
    /// packet unchanged, if there is no room.
    fn prepend(&mut self, bytes: usize) -> Option<&mut [u8]>;

    /// Takes bytes off the front. `false`, with the packet unchanged, if the first segment is
    /// shorter.
    fn trim_front(&mut self, bytes: usize) -> bool;

    /// Cuts the packet to `len` bytes; does nothing if it is no longer than that. `false`, with
    /// the packet unchanged, if that would leave an empty segment behind the first.
    fn truncate(&mut self, len: usize) -> bool;

    /// What the NIC says of the outermost checksums.
    fn rx_checksums(&self) -> RxChecksums;

    /// Forgets what the NIC said, the mark included, because the headers it spoke of are gone.
    fn clear_rx_checksums(&mut self);

    /// Forgets what the NIC said, but for the mark, because it is not believed.
    fn distrust_rx_checksums(&mut self);

    /// What a rule of the NIC wrote beside the packet, in the NIC's own number of bits.
    fn mark(&self) -> Option<u32>;

    /// All that the NIC says, for those who check it. Not for every packet.
    fn nic_says(&self) -> NicWord;

    /// Its sender, on this host, left the TCP or UDP checksum open, and the driver says so: the sum of
    /// the pseudo header stands in its place. Forgotten with what the NIC says of checksums.
    fn is_open(&self) -> bool;

    /// Its sender, on this host, also left it to be cut into segments of TCP with so many bytes of payload
    /// each. Said only of a packet that [is open](Packet::is_open), and forgotten with that.
    fn segment(&self) -> Option<NonZeroU16>;

    /// Leaves a checksum to the NIC by which the packet is sent, or no longer. Only for a port that
    /// does this; a replica knows nothing of it.
    fn leave(&mut self, left: Option<Left>);

    /// What is left to the NIC.
    fn left(&self) -> Option<Left>;
}

/// Where packets come from.
pub trait Pool {
    /// The packets of this pool.
    type Packet: Packet;

    /// A new packet holding a copy of `bytes`, with headroom for an outer stack before them.
    /// `None` if the pool is empty or the bytes do not fit into one segment.
    fn alloc(&self, bytes: &[u8]) -> Option<Self::Packet>;

    /// A packet with the bytes of `packet`, whose first segment is its own: its front can be
    /// written and grown without touching `packet`. A short packet is copied; of a longer one the
    /// first bytes are copied and the rest is shared if `may_chain`, else all is copied. `packet`
    /// may not be written behind the bytes that stay shared while both exist. `None` if the pool
    /// is empty, or a copy does not fit.
    fn replicate(&self, packet: &Self::Packet, may_chain: bool) -> Option<Self::Packet>;

    /// A packet of one segment with a copy of `front`, and behind it of the `len` bytes from `at` on of
    /// `packet`. `None` if the pool is empty, the bytes do not fit, or there are fewer.
    fn piece(
        &self,
        front: &[u8],
        packet: &Self::Packet,
        at: usize,
        len: usize,
    ) -> Option<Self::Packet>;
}

/// One receive queue of one port. Owned by one worker; the port stops only when all its queues
/// have been given back.
pub trait RxQueue: Send {
    /// What it delivers.
    type Packet: Packet;

    /// The port it belongs to.
    fn port(&self) -> PortId;

    /// Which of the port's queues of its kind it is.
    fn number(&self) -> QueueId;

    /// Appends at most the free places of `burst` and returns how many packets were added.
    fn receive(&mut self, burst: &mut Burst<Self::Packet>) -> usize;
}

/// One transmit queue of one port. Owned by one worker.
pub trait TxQueue: Send {
    /// What it takes.
    type Packet: Packet;

    /// The port it belongs to.
    fn port(&self) -> PortId;

    /// Which of the port's queues of its kind it is.
    fn number(&self) -> QueueId;

    /// Gives the packets of `burst` to the port, first ones first; those accepted are removed, the
    /// rest stays in `burst`. Returns how many were accepted.
    fn transmit(&mut self, burst: &mut Burst<Self::Packet>) -> usize;
}

/// The types of one kind of input and output, taken together.
pub trait Io {
    /// Packets.
    type Packet: Packet;
    /// Receive queues.
    type Rx: RxQueue<Packet = Self::Packet>;
    /// Transmit queues.
    type Tx: TxQueue<Packet = Self::Packet>;
    /// Pools. One value belongs to one thread; a clone may go to another.
    type Pool: Pool<Packet = Self::Packet> + Clone + Send;
}
