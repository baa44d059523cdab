//! The first bytes of the packets of a burst, until it is known what becomes of each.

use super::filter::Frame;
use crate::io::{BURST, Packet};
use arrayvec::ArrayVec;

/// No page of memory is smaller.
const PAGE: usize = 4096;
/// Bytes in which a filter finds what it looks for, if a packet is in pieces.
const HEADERS: usize = 256;

/// A place for each packet of a burst, with room for so many bytes of each.
#[derive(Debug)]
pub(super) struct Hold {
    snap: usize,
    bytes: Box<[u8]>,
    places: [Place; BURST],
    /// A bit for each place that is taken.
    taken: u64,
}

/// Where the bytes of a packet are: one behind the other, since places at the distance of the longest
/// would share a few sets of the cache.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: u32,
    kept: u32,
    len: u32,
}

/// The first bytes of a packet, and its length.
pub(super) struct Held<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) len: u32,
}

impl Hold {
    /// Places of `snap` bytes each.
    pub(super) fn new(snap: usize) -> Self {
        let mut bytes: Box<[u8]> = vec![0; snap * BURST].into();
        // Memory that is there only when it is touched would be touched first by a worker.
        bytes.chunks_mut(PAGE).for_each(|page| page.fill(1));
        Hold {
            snap,
            bytes,
            places: [Place::default(); BURST],
            taken: 0,
        }
    }

    /// Takes the places of those packets that have a bit, and leaves all others empty.
    pub(super) fn fill<P: Packet>(&mut self, packets: &[P], wanted: u64) {
        self.taken = 0;
        if wanted == 0 {
            return;
        }
        let mut left = &mut self.bytes[..];
        let mut start = 0;
        for (at, (packet, place)) in packets.iter().zip(&mut self.places).enumerate() {
            if wanted & 1 << at != 0 {
                // Each has less than its share, so there is room for all.
                let room = left.len().min(self.snap);
                let kept = copy(packet, &mut left[..room]);
                *place = Place {
                    start,
                    kept: kept as u32,
                    len: packet.len() as u32,
                };
                left = left.get_mut(kept..).unwrap_or_default();
                start += kept as u32;
                self.taken |= 1 << at;
            }
        }
    }

    /// A bit for each place that is taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// What is in a place. A place can be emptied once.
    pub(super) fn take(&mut self, at: usize) -> Option<Held<'_>> {
        let bit = 1u64.checked_shl(at as u32)?;
        if self.taken & bit == 0 {
            return None;
        }
        self.taken ^= bit;
        let Place { start, kept, len } = *self.places.get(at)?;
        let bytes = self.bytes.get(start as usize..)?.get(..kept as usize)?;
        Some(Held { bytes, len })
    }
}

/// Copies the first bytes of a packet. Returns how many.
pub(super) fn copy<P: Packet>(packet: &P, place: &mut [u8]) -> usize {
    let mut kept = 0;
    packet.for_each_segment(0, |segment| {
        let left = place.get_mut(kept..).unwrap_or_default();
        let part = segment.len().min(left.len());
        left[..part].copy_from_slice(&segment[..part]);
        kept += part;
    });
    kept
}

/// The headers of the packets of a burst, each in one piece, for filters to look at.
#[derive(Debug)]
pub(super) struct Headers(Box<[[u8; HEADERS]]>);

impl Headers {
    pub(super) fn new() -> Self {
        Headers(vec![[0; HEADERS]; BURST].into())
    }

    /// Of each packet the bytes up to the end of its first piece, or more if that is short.
    pub(super) fn of<'a, P: Packet>(&'a mut self, burst: &'a [P]) -> ArrayVec<Frame<'a>, BURST> {
        let whole = |(packet, place): (&'a P, &'a mut [u8; HEADERS])| {
            let (len, mut head) = (packet.len(), packet.head());
            if head.len() < HEADERS && head.len() < len {
                let kept = copy(packet, place);
                head = &place[..kept];
            }
            Frame {
                head,
                // The length of a packet fits into 32 bits by far.
                len: len as u32,
            }
        };
        burst.iter().zip(&mut self.0).map(whole).collect()
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Pool;
    use crate::io::heap::{HeapPacket, HeapPool};

    fn packets() -> Vec<HeapPacket> {
        let pool = HeapPool::new(4);
        let first: Vec<u8> = (0..=255).cycle().take(600).collect();
        let whole = pool.alloc(&first).unwrap();
        let chain = pool.replicate(&whole, true).unwrap();
        assert!(chain.head().len() < HEADERS);
        vec![whole, chain, pool.alloc(&[7; 20]).unwrap()]
    }

    #[test]
    fn a_place_has_the_first_bytes_of_its_packet_in_however_many_pieces() {
        let packets = packets();
        let mut hold = Hold::new(300);
        hold.fill(&packets, 0b011);
        let expected: Vec<u8> = (0..=255).cycle().take(300).collect();
        for at in 0..2 {
            let held = hold.take(at).unwrap();
            assert_eq!((held.bytes, held.len), (&expected[..], 600), "{at}");
            assert!(hold.take(at).is_none(), "twice");
        }
        assert!(hold.take(2).is_none() && hold.take(BURST).is_none());
    }

    #[test]
    fn what_was_not_taken_is_gone_with_the_next_burst() {
        let packets = packets();
        let mut hold = Hold::new(10);
        hold.fill(&packets, 0b111);
        hold.fill(&packets[2..], 1);
        let held = hold.take(0).unwrap();
        assert_eq!((held.bytes, held.len), (&[7; 10][..], 20));
        assert!(hold.take(1).is_none());
    }

    #[test]
    fn headers_are_seen_together_though_they_lie_apart() {
        let expected: Vec<u8> = (0..=255).collect();
        let packets = packets();
        let mut headers = Headers::new();
        let frames = headers.of(&packets);
        for frame in &frames[..2] {
            assert_eq!((&frame.head[..HEADERS], frame.len), (&expected[..], 600));
        }
        assert_eq!((frames[2].head, frames[2].len), (&[7; 20][..], 20));
    }
}
