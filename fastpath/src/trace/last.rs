//! The headers of the last packet that was dropped for each reason.
//!
//! Every worker keeps its own, always: a drop has a counter, and the counter an example.

use crate::drop::DropReason;
use crate::ids::PortId;
use crate::io::Packet;
use crate::offload::Front;
use crate::wire::VlanId;
use seqlock::Seqlock;

mod seqlock;

/// First bytes of a packet that are kept: outer Ethernet, VLAN, IPv4, UDP and VXLAN headers, and as
/// many of the inner ones.
pub const HEADERS: usize = 128;
const WORDS: usize = HEADERS / size_of::<u64>();

/// Where a packet was when it was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Place {
    /// It was received, and this was its verdict.
    Received,
    /// A copy of a received packet that has another verdict.
    Copy,
    /// It had waited for a neighbour.
    Waited,
    /// It was to leave.
    Sent,
}

impl Place {
    const ALL: [Place; 4] = [Place::Received, Place::Copy, Place::Waited, Place::Sent];
}

/// The first bytes of a packet, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    bytes: [u8; HEADERS],
    kept: u8,
    len: u32,
    front: Front,
}

impl Headers {
    /// Those of `packet`, as far as they are in its first segment.
    #[inline]
    pub fn of<P: Packet>(packet: &P) -> Self {
        let head = packet.head();
        let mut bytes = [0; HEADERS];
        if let Some(first) = head.first_chunk() {
            bytes = *first;
        } else {
            bytes[..head.len()].copy_from_slice(head);
        }
        Headers {
            bytes,
            kept: head.len().min(HEADERS) as u8,
            len: packet.len() as u32,
            front: Front::Whole,
        }
    }

    /// The same of a packet of whose front the NIC left this.
    #[must_use]
    pub fn left(self, front: Front) -> Self {
        Headers { front, ..self }
    }

    /// What the NIC left of its front. Of what was kept, the VLAN is not known any more.
    pub const fn front(&self) -> Front {
        self.front
    }

    /// The VLAN in which it came.
    pub(crate) fn vlan(&self) -> Option<VlanId> {
        self.front.vlan(self.bytes())
    }

    /// Those of `packet` as it came in, off whose front `stripped` bytes were taken since.
    pub fn as_received<P: Packet>(packet: &mut P, stripped: usize) -> Self {
        let grown = stripped > 0 && packet.prepend(stripped).is_some();
        let headers = Headers::of(packet);
        if grown {
            packet.trim_front(stripped);
        }
        headers
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.kept).min(HEADERS)]
    }

    /// Length of the whole packet, in bytes.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// The packet has no bytes.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A packet that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDrop {
    /// How many packets this worker had dropped for the reason, this one among them, as far as they
    /// were kept here.
    pub number: u64,
    /// The port that it came in by, or was to leave by.
    pub port: PortId,
    /// Where it was.
    pub place: Place,
    /// What it looked like.
    pub headers: Headers,
}

/// The last packet that a worker dropped for each reason.
///
/// # Thread safety
/// The worker writes; anybody may read. A reader that finds the worker writing tries again.
#[derive(Debug)]
pub struct LastDrops([Slot; DropReason::COUNT]);

/// Port, place, front, bytes kept and length, from the lowest bits: 16, 4, 4, 8 and 32. Then the bytes.
type Slot = Seqlock<{ 1 + WORDS }>;

/// Times that a reader tries; a worker writes for some nanoseconds.
const TRIES: usize = 1_000;

impl Default for LastDrops {
    fn default() -> Self {
        LastDrops(std::array::from_fn(|_| Slot::new()))
    }
}

impl LastDrops {
    /// Keeps the headers of a packet that is dropped.
    #[cold]
    pub fn keep(&self, reason: DropReason, port: PortId, place: Place, headers: &Headers) {
        let front: u8 = match headers.front {
            Front::Whole => 0,
            Front::Bare(_) => 1,
            Front::InDoubt => 2,
        };
        let facts = u64::from(port.get())
            | u64::from(place as u8 | front << 4) << 16
            | u64::from(headers.kept) << 24
            | u64::from(headers.len) << 32;
        let (words, _) = headers.bytes.as_chunks();
        let words = words.iter().map(|word| u64::from_ne_bytes(*word));
        // The table has a place for every reason.
        self.0[reason as usize].write(std::iter::once(facts).chain(words));
    }

    /// The last packet that was dropped for `reason`. `None` if there was none, or if the worker
    /// drops so many that it is always writing.
    pub fn get(&self, reason: DropReason) -> Option<LastDrop> {
        let slot = &self.0[reason as usize];
        let (number, words) = (0..TRIES).find_map(|_| slot.read())?;
        LastDrop::of(number, &words).filter(|_| number > 0)
    }
}

impl LastDrop {
    /// Of what [`LastDrops::keep`] wrote.
    fn of(number: u64, [facts, words @ ..]: &[u64; 1 + WORDS]) -> Option<Self> {
        let mut bytes = [0; HEADERS];
        let (chunks, _) = bytes.as_chunks_mut();
        for (chunk, word) in chunks.iter_mut().zip(words) {
            *chunk = word.to_ne_bytes();
        }
        let [port_low, port_high, place, kept, len @ ..] = facts.to_le_bytes();
        Some(LastDrop {
            number,
            port: PortId::new(u16::from_le_bytes([port_low, port_high]).into())?,
            place: *Place::ALL.get(usize::from(place & 0xf))?,
            headers: Headers {
                bytes,
                kept,
                len: u32::from_le_bytes(len),
                front: match place >> 4 {
                    0 => Front::Whole,
                    1 => Front::Bare(None),
                    _ => Front::InDoubt,
                },
            },
        })
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::Pool;
    use crate::io::heap::HeapPool;

    fn headers(bytes: &[u8]) -> Headers {
        Headers::of(&HeapPool::new(1).alloc(bytes).unwrap())
    }

    #[test]
    fn each_reason_has_the_last_packet_that_was_dropped_for_it() {
        let last = LastDrops::default();
        let (runt, full) = (DropReason::FrameRunt, DropReason::TxFull);
        assert_eq!(last.get(runt), None);
        let port = |number| PortId::new(number).unwrap();
        let long: Vec<u8> = (0..200).collect();
        last.keep(full, port(255), Place::Sent, &headers(&long));
        for number in 1..=3 {
            let place = Place::ALL[usize::from(number)];
            last.keep(runt, port(7), place, &headers(&[number; 5]));
        }
        let runt = last.get(runt).unwrap();
        assert_eq!(
            (runt.number, runt.port, runt.place),
            (3, port(7), Place::Sent)
        );
        assert_eq!((runt.headers.bytes(), runt.headers.len()), (&[3; 5][..], 5));
        let full = last.get(full).unwrap();
        assert_eq!(full.headers.bytes(), &long[..HEADERS]);
        assert_eq!((full.number, full.headers.len()), (1, 200));
        assert_eq!((full.port, full.place), (port(255), Place::Sent));
    }

    /// What is read was written at once: each packet is of one byte, as long as that says.
    #[test]
    fn a_reader_never_sees_half_a_packet() {
        let last = LastDrops::default();
        let reason = DropReason::FrameRunt;
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for byte in (1..=100u8).cycle().take(100_000) {
                    let place = Place::ALL[usize::from(byte % 4)];
                    let port = PortId::new(byte.into()).unwrap();
                    last.keep(reason, port, place, &headers(&vec![byte; byte.into()]));
                }
            });
            while !writer.is_finished() {
                if let Some(LastDrop { port, headers, .. }) = last.get(reason) {
                    assert_eq!(headers.bytes(), vec![headers.len() as u8; headers.len()]);
                    assert_eq!(port.index(), headers.len());
                }
            }
        });
    }
}
