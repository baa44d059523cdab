//! Segments of TCP as a guest sends them that cuts them itself, and as one leaves them to be cut.

use super::guest;
use crate::snapshot::{Inside, TxChecksums};
use crate::wire::craft::{Pair, tagged, v6};
use crate::wire::tcp::{self, flag};
use crate::wire::{EtherType, Protocol, Sum, Tag};

/// A NIC that makes all checksums and cuts, also in tunnels.
pub(crate) const CUTS: TxChecksums = TxChecksums {
    udp: true,
    tcp: true,
    segments: true,
    inside: Inside::Always,
    inside_segments: true,
};

/// What all segments of a stream have in common, and where they begin.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// Guests.
    pub(crate) src: u8,
    pub(crate) dst: u8,
    pub(crate) ipv6: bool,
    /// One or two, if any, the last one first.
    pub(crate) tags: Vec<u16>,
    /// Words of options.
    pub(crate) options: u8,
    /// Those of what is sent at once: of its segments CWR is set in the first alone, FIN and PSH in the
    /// last.
    pub(crate) flags: u8,
    pub(crate) sequence: u32,
    pub(crate) ident: u16,
}

impl Stream {
    /// From guest 1 to guest 2, plain, with ACK and PSH set.
    pub(crate) fn new() -> Self {
        Stream {
            src: 1,
            dst: 2,
            ipv6: false,
            tags: Vec::new(),
            options: 0,
            flags: 0x18,
            sequence: 1,
            ident: 1,
        }
    }

    /// What a guest sends at once, in segments with `size` bytes each.
    pub(crate) fn segments(&self, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
        let count = payload.len().div_ceil(size);
        let parts = payload.chunks(size).enumerate();
        let segment = |(number, part): (usize, &[u8])| {
            let (first, last) = (number == 0, number + 1 == count);
            let mut flags = self.flags;
            if !first {
                flags &= !flag::CWR;
            }
            if !last {
                flags &= !(flag::FIN | flag::PSH);
            }
            let one = Stream {
                flags,
                sequence: self.sequence.wrapping_add((number * size) as u32),
                ident: self.ident.wrapping_add(number as u16),
                ..self.clone()
            };
            one.frame(part, Sum::finish)
        };
        parts.map(segment).collect()
    }

    /// The same left to be cut: in place of the checksum is the sum of the pseudo header.
    pub(crate) fn whole(&self, payload: &[u8]) -> Vec<u8> {
        let mut frame = self.frame(payload, |_| 0);
        let at = self.tcp_at();
        let pseudo = !self.pseudo(frame.len() - at).finish();
        frame[at + tcp::CHECKSUM_AT..][..2].copy_from_slice(&pseudo.to_be_bytes());
        frame
    }

    /// Bytes before the payload.
    pub(crate) fn header_len(&self) -> usize {
        self.tcp_at() + tcp::HEADER_LEN + 4 * usize::from(self.options)
    }

    fn tcp_at(&self) -> usize {
        14 + 4 * self.tags.len() + if self.ipv6 { 40 } else { 20 }
    }

    fn pair(&self) -> Pair {
        let mut pair = Pair::new(guest(self.src), guest(self.dst));
        pair.ip.ident = self.ident;
        pair
    }

    /// The sum of the pseudo header as if there was no length in it.
    pub(crate) fn pseudo_without_length(&self) -> Sum {
        self.pseudo(0)
    }

    fn pseudo(&self, len: usize) -> Sum {
        let ip = self.pair().ip;
        match self.ipv6 {
            true => Sum::new().add_pseudo_v6(v6(ip.src), v6(ip.dst), Protocol::TCP, len as u32),
            false => Sum::new().add_pseudo_v4(ip.src, ip.dst, Protocol::TCP, len as u16),
        }
    }

    fn frame(&self, payload: &[u8], checksum: fn(Sum) -> u16) -> Vec<u8> {
        let mut segment = vec![0; tcp::HEADER_LEN];
        segment[..4].copy_from_slice(&[0x12, 0x34, 0, 80]);
        segment[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        segment[12] = (5 + self.options) << 4;
        segment[13] = self.flags;
        // NOPs.
        segment.resize(segment.len() + 4 * usize::from(self.options), 1);
        segment.extend_from_slice(payload);
        let sum = self.pseudo(segment.len()).add_bytes(&segment);
        segment[tcp::CHECKSUM_AT..][..2].copy_from_slice(&checksum(sum).to_be_bytes());
        let mut frame = match self.ipv6 {
            true => self.pair().ipv6(Protocol::TCP, &segment),
            false => self.pair().ipv4(Protocol::TCP, &segment),
        };
        for tag in &self.tags {
            frame = tagged(&frame, EtherType::VLAN, Tag::from_bits(*tag));
        }
        frame
    }
}
