//! Cuts what a guest left to be cut: a packet of TCP that is longer than the MTU becomes segments that
//! are not, each behind the headers of the whole.
//!
//! In each segment lengths and checksums are its own, the sequence number counts on, FIN and PSH are
//! those of the last and CWR is that of the first, as in Linux (`tcp_gso_segment`). Identifications of
//! IPv4 count on too, for a NIC does nothing else.

mod nic;

pub use nic::for_nic;
pub(crate) use nic::suits_nics;

use crate::action::IpIds;
use crate::io::{Left, Packet, Pool};
use crate::snapshot::TxChecksums;
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::ipv6::{self, Ipv6};
use crate::wire::tcp::{self, Tcp, flag};
use crate::wire::udp::Udp;
use crate::wire::{Protocol, Sum};
use arrayvec::ArrayVec;

/// Most segments of one packet: those of 64 kB at `LEAST` bytes each.
pub const MOST: usize = 128;

/// Least bytes of payload of segments of which there are more than [`FEW`]. A guest chooses their size, and
/// each costs what a packet costs: many have to be paid for with as much to carry. TCP sends no less than 536
/// bytes to whom it knows nothing of (RFC 9293, 3.7.1), of which options may take some.
const LEAST: u16 = 512;
/// See [`LEAST`].
const FEW: usize = 8;

/// Bytes in which all headers fit: outer ones, two tags, and IPv4 and TCP with all options.
const FRONT: usize = 200;

/// In place of an outer UDP checksum: it is wanted, and is made for each segment.
pub(crate) const WANTED: u16 = 0xffff;

/// The segments of one packet.
pub(crate) type Segments<P> = ArrayVec<P, MOST>;

/// What is to be done with a packet as a guest sent it, if it is to be cut: it is one of TCP behind at
/// most two tags, over IPv4 or over IPv6 without extension headers, whose lengths are right, and which
/// has more payload than fits into one segment, but not more than into [`MOST`], or into `FEW` smaller ones.
/// What is left to be cut and is not such a packet is as long as it is.
pub fn uncut<P: Packet>(packet: &P) -> Option<Left> {
    let segment = packet.segment()?;
    let left = Left::of(packet.head()).filter(|left| !left.udp)?;
    let at = left.payload_at();
    let header = packet.head().len() >= at && usize::from(left.l4_len) >= tcp::HEADER_LEN;
    let found = left.transport(packet).filter(|found| found.at == left.at());
    let left = Left {
        segment: Some(segment),
        ..left
    };
    let most = if segment.get() < LEAST { FEW } else { MOST };
    let some = (2..=most).contains(&left.segments(packet.len()));
    (header && found.is_some() && some).then_some(left)
}

/// Notes what is to be cut of packets that are open: [`noted`] says so from then on.
#[cold]
#[inline(never)]
pub(crate) fn note_uncut<P: Packet>(packets: &mut [P]) {
    for packet in packets.iter_mut().filter(|packet| packet.is_open()) {
        if let Some(left) = uncut(packet) {
            packet.leave(Some(left));
        }
    }
}

/// What was noted of a packet that is to be cut.
pub(crate) fn noted<P: Packet>(packet: &P) -> Option<Left> {
    packet.left().filter(|left| left.segment.is_some())
}

/// Cuts a packet, of which that is left, for a port whose NIC makes these checksums. `None` if there is
/// no buffer for one of the segments: then there are none.
pub(crate) fn cut<P: Pool>(
    pool: &P,
    packet: &P::Packet,
    left: Left,
    tx: TxChecksums,
    ip_ids: &mut IpIds,
) -> Option<Segments<P::Packet>> {
    let size = usize::from(left.segment?.get());
    let start = left.payload_at();
    let whole = packet.len().checked_sub(start)?;
    let mut front = [0; FRONT];
    let front = front.get_mut(..start)?;
    front.copy_from_slice(packet.head().get(..start)?);
    let one = Left {
        segment: None,
        ..left
    };
    let sums = Sums {
        left: one,
        leave: tx.takes(one, front) && left.is_plain(packet),
        outer: tx.udp,
    };
    let mut headers = Headers::of(front, left)?;
    let mut segments = Segments::new();
    for at in (0..whole).step_by(size) {
        let len = size.min(whole - at);
        headers.write(front, len, at + len == whole)?;
        let mut segment = pool.piece(front, packet, start + at, len)?;
        sums.make(&mut segment);
        segments.try_push(segment).ok()?;
        headers.go_on(front, len, ip_ids)?;
    }
    Some(segments)
}

/// All segments of a packet, of which that is left, with all that belongs there: what a NIC is to make of it
/// too. For who compares them.
pub fn in_software<P: Pool>(pool: &P, packet: &P::Packet, left: Left) -> Option<Vec<P::Packet>> {
    let segments = cut(
        pool,
        packet,
        left,
        TxChecksums::default(),
        &mut IpIds::new(0),
    );
    segments.map(|segments| segments.into_iter().collect())
}

/// Where headers are, and what is not the same in all segments.
struct Headers {
    left: Left,
    /// Of the outer IPv4 header.
    outer: Option<usize>,
    ip: usize,
    tcp: usize,
    /// Those of the whole that its segments do not all have.
    flags: u8,
}

impl Headers {
    fn of(front: &[u8], left: Left) -> Option<Self> {
        let tcp = left.at();
        Some(Headers {
            left,
            outer: left.outer.map(|(l2_len, _)| l2_len.into()),
            ip: tcp.checked_sub(left.l3_len.into())?,
            tcp,
            flags: Tcp::new(front.get(tcp..)?)?.flags(),
        })
    }

    /// Those of a segment with `len` bytes of payload, before these.
    fn write(&mut self, front: &mut [u8], len: usize, last: bool) -> Option<()> {
        // No segment is longer than the whole, whose length is in a field of 16 bits.
        let behind = |at: usize, end: usize| (end - at + len) as u16;
        let end = front.len();
        if let Some(at) = self.outer {
            let mut ip = Ipv4::new(front.get_mut(at..)?)?;
            ip.set_total_len(behind(at, end));
            ip.fill_checksum();
            let at = at + ipv4::HEADER_LEN;
            Udp::new(front.get_mut(at..)?)?.set_length(behind(at, end));
        }
        let header = front.get_mut(self.ip..)?;
        if self.left.ipv6 {
            Ipv6::new(header)?.set_payload_len(behind(self.ip + ipv6::HEADER_LEN, end));
        } else {
            let mut ip = Ipv4::new(header)?;
            ip.set_total_len(behind(self.ip, end));
            ip.fill_checksum();
        }
        let mut tcp = Tcp::new(front.get_mut(self.tcp..)?)?;
        let later = if last { 0 } else { flag::FIN | flag::PSH };
        tcp.set_flags(self.flags & !later);
        Some(())
    }

    /// To the segment after one of `len` bytes.
    fn go_on(&mut self, front: &mut [u8], len: usize, ip_ids: &mut IpIds) -> Option<()> {
        if let Some(at) = self.outer {
            let mut ip = Ipv4::new(front.get_mut(at..)?)?;
            // RFC 6864, 4.1: what cannot be fragmented needs none.
            if !ip.dont_fragment() {
                ip.set_ident(ip_ids.next());
            }
        }
        if !self.left.ipv6 {
            let mut ip = Ipv4::new(front.get_mut(self.ip..)?)?;
            ip.set_ident(ip.ident().wrapping_add(1));
        }
        let mut tcp = Tcp::new(front.get_mut(self.tcp..)?)?;
        tcp.set_sequence(tcp.sequence().wrapping_add(len as u32));
        self.flags &= !flag::CWR;
        Some(())
    }
}

/// What is done about checksums of segments.
struct Sums {
    /// Of each.
    left: Left,
    /// That of TCP is left to the NIC.
    leave: bool,
    /// So is an outer one, if it is not.
    outer: bool,
}

impl Sums {
    fn make<P: Packet>(&self, segment: &mut P) {
        let Some(found) = self.left.transport(segment) else {
            return;
        };
        self.left.open(segment, found.pseudo);
        match self.around(segment) {
            None if self.leave => segment.leave(Some(self.left)),
            None => self.left.finish(segment),
            Some((left, pseudo)) => {
                self.left.finish(segment);
                left.open(segment, pseudo);
                if self.outer {
                    segment.leave(Some(left));
                } else {
                    left.finish(segment);
                }
            }
        }
    }

    /// The outer UDP checksum, if it is wanted, and what it begins with.
    fn around<P: Packet>(&self, segment: &P) -> Option<(Left, Sum)> {
        let (l2_len, l3_len) = self.left.outer?;
        let left = Left::outer_udp(l2_len, l3_len);
        if left.word(segment) == 0 {
            return None;
        }
        let ip = Ipv4::new(segment.head().get(l2_len.into()..)?)?;
        let len = segment.len().checked_sub(left.at())?;
        let len = u16::try_from(len).ok()?;
        let sum = Sum::new().add_pseudo_v4(ip.src(), ip.dst(), Protocol::UDP, len);
        Some((left, sum))
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;
