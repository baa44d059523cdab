//! Packets on the heap, for tests, fuzzers and simulated frames. No DPDK, no unsafe code.
//!
//! They mimic an mbuf in what matters to the data plane: bounded headroom, a first segment that
//! may be followed by a shared one, and a pool that runs empty and counts what is out.

use super::{Burst, Checksum, Io, Left, NicWord, Packet, Pool, RxChecksums, RxQueue, TxQueue};
use crate::ids::{PortId, QueueId};
use crate::snapshot::TxChecksums;
use crossbeam_queue::ArrayQueue;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Free bytes before the data of a fresh packet unless told otherwise; DPDK's default headroom.
pub const HEADROOM: usize = 128;
/// Most bytes of one segment unless told otherwise; DPDK's default data room.
const DATA_ROOM: usize = 2048;
/// Up to this length a replica is a copy.
const COPY_LIMIT: usize = 256;
/// Bytes copied into the replica's own segment when the rest is shared, as in DPDK's pools.
const COPIED_HEAD: usize = 128;

/// A packet on the heap.
#[derive(Debug)]
pub struct HeapPacket {
    data: Vec<u8>,
    start: usize,
    tail: Option<(Arc<Vec<u8>>, usize)>,
    word: NicWord,
    left: Option<Left>,
    open: bool,
    segment: Option<NonZeroU16>,
    out: Arc<AtomicUsize>,
    /// Cloned by every replica that, were this an mbuf, would refer to these bytes.
    lent: Arc<()>,
    /// The same of the packet that this one is a replica of.
    borrowed: Option<Arc<()>>,
}

impl HeapPacket {
    /// All bytes of all segments.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.for_each_segment(0, |segment| bytes.extend_from_slice(segment));
        bytes
    }

    /// The packet as a NIC with such verdicts would deliver it.
    pub fn with_rx_checksums(mut self, checksums: RxChecksums) -> Self {
        self.word.checksums = checksums;
        self
    }

    /// The packet as a rule of a NIC delivers it that writes such a mark.
    pub fn with_mark(mut self, mark: Option<u32>) -> Self {
        self.word.mark = mark;
        self
    }

    /// The packet as a driver delivers it whose sender left its checksum open, and is vouched for.
    pub fn with_open_checksum(mut self) -> Self {
        self.open = true;
        self.word.checksums.l4 = Checksum::Good;
        self
    }

    /// The packet as a driver delivers it whose sender left it to be cut, too.
    pub fn with_segments(self, segment: Option<NonZeroU16>) -> Self {
        let mut packet = self.with_open_checksum();
        packet.segment = segment;
        packet
    }

    /// The packet as a NIC delivers it that says this of it.
    pub fn with_nic_word(mut self, word: NicWord) -> Self {
        self.word = word;
        self
    }
}

impl Drop for HeapPacket {
    fn drop(&mut self) {
        self.out.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Packet for HeapPacket {
    fn head(&self) -> &[u8] {
        &self.data[self.start..]
    }

    fn head_mut(&mut self) -> &mut [u8] {
        debug_assert_eq!(
            Arc::strong_count(&self.lent),
            1,
            "a packet is written while a replica shares its bytes"
        );
        &mut self.data[self.start..]
    }

    fn len(&self) -> usize {
        let tail = self
            .tail
            .as_ref()
            .map_or(0, |(bytes, skip)| bytes.len() - skip);
        self.head().len() + tail
    }

    fn for_each_segment(&self, skip: usize, mut f: impl FnMut(&[u8])) {
        let head = self.head();
        if skip < head.len() {
            f(&head[skip..]);
        }
        if let Some((bytes, from)) = &self.tail {
            let from = from + skip.saturating_sub(head.len());
            if from < bytes.len() {
                f(&bytes[from..]);
            }
        }
    }

    /// Refuses also while a replica shares its bytes, as an mbuf does.
    fn prepend(&mut self, bytes: usize) -> Option<&mut [u8]> {
        if Arc::strong_count(&self.lent) != 1 {
            return None;
        }
        self.start = self.start.checked_sub(bytes)?;
        Some(&mut self.data[self.start..self.start + bytes])
    }

    fn trim_front(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.head().len();
        if fits {
            self.start += bytes;
        }
        fits
    }

    fn truncate(&mut self, len: usize) -> bool {
        let (head, whole) = (self.head().len(), self.len());
        match &mut self.tail {
            _ if len >= whole => true,
            None => {
                self.data.truncate(self.start + len);
                true
            }
            Some((bytes, from)) if len > head => {
                let end = *from + len - head;
                *bytes = Arc::new(bytes[*from..end].to_vec());
                *from = 0;
                true
            }
            Some(_) => false,
        }
    }

    fn rx_checksums(&self) -> RxChecksums {
        self.word.checksums
    }

    fn clear_rx_checksums(&mut self) {
        self.word = NicWord::default();
        self.open = false;
    }

    fn distrust_rx_checksums(&mut self) {
        self.open = false;
        self.word = NicWord {
            mark: self.word.mark,
            ..NicWord::default()
        };
    }

    fn mark(&self) -> Option<u32> {
        self.word.mark
    }

    fn nic_says(&self) -> NicWord {
        self.word
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn segment(&self) -> Option<NonZeroU16> {
        self.segment.filter(|_| self.open)
    }

    fn leave(&mut self, left: Option<Left>) {
        debug_assert!(
            left.is_none_or(Left::fits),
            "a NIC is asked for what it cannot be told"
        );
        self.left = left;
    }

    fn left(&self) -> Option<Left> {
        self.left
    }
}

/// A pool of heap packets, shared by its clones.
#[derive(Clone, Debug)]
pub struct HeapPool {
    out: Arc<AtomicUsize>,
    capacity: usize,
    data_room: usize,
    headroom: usize,
}

impl HeapPool {
    /// A pool from which at most `capacity` packets are out at a time.
    pub fn new(capacity: usize) -> Self {
        Self::with_data_room(capacity, DATA_ROOM)
    }

    /// The same, of packets whose segments hold `data_room` bytes each.
    pub fn with_data_room(capacity: usize, data_room: usize) -> Self {
        HeapPool {
            out: Arc::default(),
            capacity,
            data_room,
            headroom: HEADROOM,
        }
    }

    /// The same, of packets with `headroom` free bytes before their data.
    pub fn with_headroom(self, headroom: usize) -> Self {
        HeapPool { headroom, ..self }
    }

    /// Packets that were taken and not yet dropped.
    pub fn out(&self) -> usize {
        self.out.load(Ordering::Relaxed)
    }

    /// A packet with a copy of `bytes`, as a NIC delivers it that splits packets: the first `first`
    /// bytes in the first segment, what there is behind them in another. `None` if the pool is
    /// empty, or the first segment does not hold so much.
    pub fn alloc_chain(&self, bytes: &[u8], first: usize) -> Option<HeapPacket> {
        match bytes.split_at_checked(first) {
            Some((head, tail)) if !tail.is_empty() => {
                self.take(head, Some((Arc::new(tail.to_vec()), 0)))
            }
            _ => self.take(bytes, None),
        }
    }

    fn take(&self, head: &[u8], tail: Option<(Arc<Vec<u8>>, usize)>) -> Option<HeapPacket> {
        if head.len() > self.data_room {
            return None;
        }
        if self.out.fetch_add(1, Ordering::Relaxed) >= self.capacity {
            self.out.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let mut data = vec![0; self.headroom];
        data.extend_from_slice(head);
        let out = Arc::clone(&self.out);
        Some(HeapPacket {
            data,
            start: self.headroom,
            tail,
            word: NicWord::default(),
            left: None,
            open: false,
            segment: None,
            out,
            lent: Arc::default(),
            borrowed: None,
        })
    }
}

impl Pool for HeapPool {
    type Packet = HeapPacket;

    fn alloc(&self, bytes: &[u8]) -> Option<HeapPacket> {
        self.take(bytes, None)
    }

    fn replicate(&self, packet: &HeapPacket, may_chain: bool) -> Option<HeapPacket> {
        let bytes = packet.bytes();
        if !may_chain || bytes.len() <= COPY_LIMIT {
            return self.take(&bytes, None);
        }
        let head = bytes[..COPIED_HEAD].to_vec();
        let mut replica = self.take(&head, Some((Arc::new(bytes), COPIED_HEAD)))?;
        replica.borrowed = Some(Arc::clone(&packet.lent));
        Some(replica)
    }

    fn piece(
        &self,
        front: &[u8],
        packet: &HeapPacket,
        at: usize,
        len: usize,
    ) -> Option<HeapPacket> {
        let bytes = packet.bytes();
        let behind = bytes.get(at..at.checked_add(len)?)?;
        self.take(&[front, behind].concat(), None)
    }
}

/// One end of a wire on the heap: what is pushed here is received there.
#[derive(Clone, Debug)]
pub struct HeapQueue {
    port: PortId,
    number: QueueId,
    packets: Arc<ArrayQueue<HeapPacket>>,
    makes: TxChecksums,
    finished: Arc<AtomicUsize>,
}

impl HeapQueue {
    /// The first queue of `port`, which holds at most `capacity` packets.
    pub fn new(port: PortId, capacity: usize) -> Self {
        Self::numbered(port, QueueId::modulo(0), capacity)
    }

    /// The queue of this number.
    pub fn numbered(port: PortId, number: QueueId, capacity: usize) -> Self {
        HeapQueue {
            port,
            number,
            packets: Arc::new(ArrayQueue::new(capacity)),
            makes: TxChecksums::default(),
            finished: Arc::default(),
        }
    }

    /// The same queue, of a NIC that makes these checksums if they are left to it. Anything else it
    /// sends as it gets it, and what it is to cut with what is left of it.
    pub fn making(self, makes: TxChecksums) -> Self {
        HeapQueue { makes, ..self }
    }

    /// Checksums that its NIC has made.
    pub fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }

    /// Adds a packet at the back, or gives it back if the queue is full.
    pub fn push(&self, packet: HeapPacket) -> Result<(), HeapPacket> {
        self.packets.push(packet)
    }

    /// Takes the packet at the front.
    pub fn pop(&self) -> Option<HeapPacket> {
        self.packets.pop()
    }
}

impl RxQueue for HeapQueue {
    type Packet = HeapPacket;

    fn port(&self) -> PortId {
        self.port
    }

    fn number(&self) -> QueueId {
        self.number
    }

    fn receive(&mut self, burst: &mut Burst<HeapPacket>) -> usize {
        let before = burst.len();
        while !burst.is_full()
            && let Some(packet) = self.packets.pop()
        {
            burst.push(packet);
        }
        burst.len() - before
    }
}

impl TxQueue for HeapQueue {
    type Packet = HeapPacket;

    fn port(&self) -> PortId {
        self.port
    }

    fn number(&self) -> QueueId {
        self.number
    }

    fn transmit(&mut self, burst: &mut Burst<HeapPacket>) -> usize {
        let room = self.packets.capacity() - self.packets.len();
        let accepted = room.min(burst.len());
        for mut packet in burst.drain(..accepted) {
            if let Some(left) = packet.left.take()
                && self.makes.takes(left, packet.head())
            {
                match left.segment {
                    Some(_) => packet.left = Some(left),
                    None => left.finish(&mut packet),
                }
                self.finished.fetch_add(1, Ordering::Relaxed);
            }
            // The room was counted and this is the only writer, so nothing comes back.
            drop(self.packets.push(packet));
        }
        accepted
    }
}

/// Heap packets and queues.
#[derive(Debug)]
pub enum HeapIo {}

impl Io for HeapIo {
    type Packet = HeapPacket;
    type Rx = HeapQueue;
    type Tx = HeapQueue;
    type Pool = HeapPool;
}

#[cfg(test)]
mod tests;
