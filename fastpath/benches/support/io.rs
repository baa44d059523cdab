//! Packets in buffers that go back to a shelf, as mbufs go back to their pool: nothing is allocated
//! once the shelf is full.

use crossbeam_queue::ArrayQueue;
use fastpath::ids::{PortId, QueueId};
use fastpath::io::{Burst, Io, Left, NicWord, Packet, Pool, RxChecksums, RxQueue, TxQueue};
use std::num::NonZeroU16;

const HEADROOM: usize = 128;
const ROOM: usize = HEADROOM + 2048;

struct Buffer {
    start: usize,
    end: usize,
    word: NicWord,
    left: Option<Left>,
    shelf: &'static ArrayQueue<Box<Buffer>>,
    room: [u8; ROOM],
}

/// A packet in one segment. It has its buffer until it is dropped.
pub(crate) struct Frame(Option<Box<Buffer>>);

impl Drop for Frame {
    fn drop(&mut self) {
        if let Some(buffer) = self.0.take() {
            give_back(buffer);
        }
    }
}

/// A call, as it is one of a driver: else it depends on how many places there are where a packet may
/// end whether it is inlined, and so do the instructions that are counted.
#[inline(never)]
fn give_back(buffer: Box<Buffer>) {
    drop(buffer.shelf.push(buffer));
}

impl Packet for Frame {
    #[inline]
    fn head(&self) -> &[u8] {
        let buffer = self.0.as_ref();
        buffer
            .and_then(|buffer| buffer.room.get(buffer.start..buffer.end))
            .unwrap_or_default()
    }

    #[inline]
    fn head_mut(&mut self) -> &mut [u8] {
        let buffer = self.0.as_mut();
        buffer
            .and_then(|buffer| buffer.room.get_mut(buffer.start..buffer.end))
            .unwrap_or_default()
    }

    #[inline]
    fn len(&self) -> usize {
        self.head().len()
    }

    #[inline]
    fn for_each_segment(&self, skip: usize, mut f: impl FnMut(&[u8])) {
        if let Some(rest) = self.head().get(skip..) {
            f(rest);
        }
    }

    #[inline]
    fn prepend(&mut self, bytes: usize) -> Option<&mut [u8]> {
        let buffer = self.0.as_mut()?;
        buffer.start = buffer.start.checked_sub(bytes)?;
        buffer.room.get_mut(buffer.start..buffer.start + bytes)
    }

    #[inline]
    fn trim_front(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.len();
        if let Some(buffer) = self.0.as_mut().filter(|_| fits) {
            buffer.start += bytes;
        }
        fits
    }

    #[inline]
    fn truncate(&mut self, len: usize) -> bool {
        if let Some(buffer) = self.0.as_mut() {
            buffer.end = buffer.end.min(buffer.start + len);
        }
        true
    }

    #[inline]
    fn rx_checksums(&self) -> RxChecksums {
        self.nic_says().checksums
    }

    #[inline]
    fn clear_rx_checksums(&mut self) {
        if let Some(buffer) = self.0.as_mut() {
            buffer.word = NicWord::default();
        }
    }

    #[inline]
    fn distrust_rx_checksums(&mut self) {
        if let Some(buffer) = self.0.as_mut() {
            buffer.word = NicWord {
                mark: buffer.word.mark,
                ..NicWord::default()
            };
        }
    }

    #[inline]
    fn mark(&self) -> Option<u32> {
        self.nic_says().mark
    }

    #[inline]
    fn nic_says(&self) -> NicWord {
        self.0
            .as_ref()
            .map(|buffer| buffer.word)
            .unwrap_or_default()
    }

    #[inline]
    fn is_open(&self) -> bool {
        false
    }

    #[inline]
    fn segment(&self) -> Option<NonZeroU16> {
        None
    }

    #[inline]
    fn leave(&mut self, left: Option<Left>) {
        if let Some(buffer) = self.0.as_mut() {
            buffer.left = left;
        }
    }

    #[inline]
    fn left(&self) -> Option<Left> {
        self.0.as_ref().and_then(|buffer| buffer.left)
    }
}

/// Where free buffers stand. It is never given up, so that a buffer finds it without counting who
/// has it.
#[derive(Clone, Copy)]
pub(crate) struct Shelf(&'static ArrayQueue<Box<Buffer>>);

impl Shelf {
    /// A shelf with so many buffers.
    pub(crate) fn new(buffers: usize) -> Self {
        let shelf: &ArrayQueue<_> = Box::leak(Box::new(ArrayQueue::new(buffers)));
        for _ in 0..buffers {
            let buffer = Buffer {
                start: HEADROOM,
                end: HEADROOM,
                word: NicWord::default(),
                left: None,
                shelf,
                room: [0; ROOM],
            };
            drop(shelf.push(Box::new(buffer)));
        }
        Shelf(shelf)
    }

    /// Buffers that are free.
    pub(crate) fn free(&self) -> usize {
        self.0.len()
    }
}

impl Pool for Shelf {
    type Packet = Frame;

    #[inline]
    fn alloc(&self, bytes: &[u8]) -> Option<Frame> {
        let mut buffer = self.0.pop()?;
        buffer.start = HEADROOM;
        buffer.end = HEADROOM + bytes.len();
        let mut frame = Frame(Some(buffer));
        if frame.len() != bytes.len() {
            return None;
        }
        frame.head_mut().copy_from_slice(bytes);
        Some(frame)
    }

    fn replicate(&self, packet: &Frame, _may_chain: bool) -> Option<Frame> {
        self.alloc(packet.head())
    }

    fn piece(&self, front: &[u8], packet: &Frame, at: usize, len: usize) -> Option<Frame> {
        let behind = packet.head().get(at..)?.get(..len)?;
        self.alloc(&[front, behind].concat())
    }
}

/// A receive queue that delivers the same frames over and over, in full bursts.
pub(crate) struct Source {
    port: PortId,
    shelf: Shelf,
    frames: Vec<Vec<u8>>,
    next: usize,
    /// What is said of each.
    word: NicWord,
    /// The marks of each, if there are several.
    marks: Vec<Option<u32>>,
}

impl Source {
    /// Delivers `frames` at `port`, in buffers of `shelf`.
    pub(crate) fn new(port: PortId, shelf: Shelf, frames: Vec<Vec<u8>>) -> Self {
        Source {
            port,
            shelf,
            frames,
            next: 0,
            word: NicWord::default(),
            marks: Vec::new(),
        }
    }

    /// The same from a NIC that says something of each, and of one frame after the other that they have
    /// these marks.
    pub(crate) fn saying(self, word: NicWord, marks: Vec<Option<u32>>) -> Self {
        Source {
            word,
            marks,
            ..self
        }
    }
}

impl RxQueue for Source {
    type Packet = Frame;

    fn port(&self) -> PortId {
        self.port
    }

    fn number(&self) -> QueueId {
        QueueId::modulo(0)
    }

    fn receive(&mut self, burst: &mut Burst<Frame>) -> usize {
        let before = burst.len();
        while !burst.is_full()
            && let Some(bytes) = self.frames.get(self.next)
            && let Some(mut frame) = self.shelf.alloc(bytes)
        {
            if let Some(buffer) = frame.0.as_mut() {
                buffer.word = self.word;
                if let Some(mark) = self.marks.get(self.next) {
                    buffer.word.mark = *mark;
                }
            }
            burst.push(frame);
            self.next = (self.next + 1) % self.frames.len();
        }
        burst.len() - before
    }
}

/// A transmit queue that takes all and sends it nowhere.
pub(crate) struct Sink(pub(crate) PortId);

impl TxQueue for Sink {
    type Packet = Frame;

    fn port(&self) -> PortId {
        self.0
    }

    fn number(&self) -> QueueId {
        QueueId::modulo(0)
    }

    fn transmit(&mut self, burst: &mut Burst<Frame>) -> usize {
        let accepted = burst.len();
        burst.clear();
        accepted
    }
}

/// All of these.
pub(crate) enum Recycled {}

impl Io for Recycled {
    type Packet = Frame;
    type Rx = Source;
    type Tx = Sink;
    type Pool = Shelf;
}
