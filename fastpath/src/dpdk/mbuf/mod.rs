//! An owned packet in DPDK's memory.

#![expect(unsafe_code, reason = "owns foreign memory and reads its bytes")]

mod segment;

pub(super) use segment::Segment;

use crate::io::{Checksum, Packet, RxChecksums};
use dpdk_sys as sys;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// An owned packet: a chain of mbufs. Dropping it gives each of them back to its pool.
///
/// The owner of a chain owns the headers of all its mbufs. The bytes may be shared: in a replica
/// all segments but the first refer to the buffer of the packet it was made from, and keep that
/// buffer alive. Bytes that are shared are read only, on both sides: [`Packet::head_mut`] is empty
/// and [`Packet::prepend`] refuses as long as anybody else refers to the buffer of the first
/// segment. So a packet that was replicated is sent as it stands or dropped, or replicated once
/// more to be edited.
#[repr(transparent)]
pub struct Mbuf(NonNull<sys::rte_mbuf>);

// SAFETY: an mbuf is bound to no thread. Headers belong to the owner; shared buffers are only
// read; reference counts and pools are safe for use from several threads in DPDK itself. `Mbuf` is
// not `Sync`, because replicating through a shared reference writes a reference count that DPDK
// changes without atomic instructions while it is one.
unsafe impl Send for Mbuf {}

/// All flags that say something of a checksum.
const CHECKSUM_FLAGS: u64 = sys::K_MBUF_F_RX_IP_CKSUM_MASK
    | sys::K_MBUF_F_RX_L4_CKSUM_MASK
    | sys::K_MBUF_F_RX_OUTER_IP_CKSUM_BAD
    | sys::K_MBUF_F_RX_OUTER_L4_CKSUM_MASK;

impl Mbuf {
    /// # Safety
    ///
    /// `mbuf` heads a well-formed chain that is given to the caller, and nobody else uses the
    /// headers of the chain.
    pub(super) unsafe fn from_raw(mbuf: NonNull<sys::rte_mbuf>) -> Self {
        Mbuf(mbuf)
    }

    /// Gives up ownership.
    pub(super) fn into_raw(self) -> NonNull<sys::rte_mbuf> {
        ManuallyDrop::new(self).0
    }

    #[inline(always)]
    pub(super) fn first(&self) -> Segment {
        // SAFETY: the chain is owned by `self`, which is not `Sync`; segments are used within a
        // borrow of it.
        unsafe { Segment::new(self.0) }
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = Segment> {
        std::iter::successors(Some(self.first()), |segment| segment.next())
    }

    /// The data of one segment of this packet.
    #[inline(always)]
    pub(super) fn bytes(&self, segment: Segment) -> &[u8] {
        // SAFETY: `segment` is one of `self`, so its data is live while `self` is borrowed. Nobody
        // writes it meanwhile: its owner only writes through `&mut self`, and another packet that
        // refers to the same buffer does not write at all (`Segment::is_exclusive`).
        unsafe { std::slice::from_raw_parts(segment.data(), usize::from(segment.data_len())) }
    }

    /// The data of the first segment, to be written.
    ///
    /// # Safety
    ///
    /// Nobody else refers to its buffer: [`Segment::is_exclusive`].
    #[inline(always)]
    unsafe fn head_unshared(&mut self) -> &mut [u8] {
        let first = self.first();
        // SAFETY: the data is live while `self` is borrowed, and as nobody else refers to its
        // buffer (contract) and `self` is borrowed mutably, this is the only reference to it.
        unsafe { std::slice::from_raw_parts_mut(first.data(), usize::from(first.data_len())) }
    }

    /// Puts `tail` behind the last segment.
    pub(super) fn append(&mut self, tail: Mbuf) {
        let (first, Some(last)) = (self.first(), self.segments().last()) else {
            return;
        };
        first.set_pkt_len(first.pkt_len() + tail.first().pkt_len());
        first.set_nb_segs(first.nb_segs() + tail.first().nb_segs());
        // SAFETY: `tail` gives up the chain, whose owner `self` becomes.
        last.set_next(Some(unsafe { Segment::new(tail.into_raw()) }));
    }

    /// Cuts the packet, which is longer, to `len` bytes. Segments that end up empty are freed.
    fn cut(&mut self, len: usize) {
        let (mut left, mut count, mut last) = (len, 1, self.first());
        while left > usize::from(last.data_len())
            && let Some(next) = last.next()
        {
            left -= usize::from(last.data_len());
            (last, count) = (next, count + 1);
        }
        self.cut_after(last);
        // Both fit: they are no larger than what was in these fields before.
        last.set_data_len(left as u16);
        self.first().set_pkt_len(len as u32);
        self.first().set_nb_segs(count);
    }

    /// Ends the chain after `segment`, one of this packet, and frees the rest.
    fn cut_after(&mut self, segment: Segment) {
        let rest = segment.next();
        segment.set_next(None);
        if let Some(rest) = rest.and_then(|rest| NonNull::new(rest.as_ptr())) {
            // SAFETY: the rest was a part of this chain, and no longer is.
            drop(unsafe { Mbuf::from_raw(rest) });
        }
    }
}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: `self` owns the chain and is not used again.
        unsafe { sys::shim_pktmbuf_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Mbuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mbuf")
            .field("len", &self.len())
            .field("segments", &self.first().nb_segs())
            .finish_non_exhaustive()
    }
}

impl Packet for Mbuf {
    #[inline(always)]
    fn head(&self) -> &[u8] {
        self.bytes(self.first())
    }

    /// Empty if somebody else refers to the buffer of the first segment: see [`Mbuf`].
    #[inline(always)]
    fn head_mut(&mut self) -> &mut [u8] {
        if !self.first().is_exclusive() {
            return &mut [];
        }
        // SAFETY: asked just now.
        unsafe { self.head_unshared() }
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.first().pkt_len() as usize
    }

    fn for_each_segment(&self, skip: usize, mut f: impl FnMut(&[u8])) {
        let mut skip = skip;
        for segment in self.segments() {
            let bytes = self.bytes(segment);
            if skip < bytes.len() {
                f(&bytes[skip..]);
            }
            skip = skip.saturating_sub(bytes.len());
        }
    }

    /// Refuses also if somebody else refers to the buffer of the first segment: see [`Mbuf`].
    #[inline(always)]
    fn prepend(&mut self, bytes: usize) -> Option<&mut [u8]> {
        let first = self.first();
        let grown = u16::try_from(bytes).ok()?;
        let data_off = first.data_off().checked_sub(grown)?;
        let data_len = first.data_len().checked_add(grown)?;
        if !first.is_exclusive() {
            return None;
        }
        first.set_data_off(data_off);
        first.set_data_len(data_len);
        first.set_pkt_len(first.pkt_len() + u32::from(grown));
        // SAFETY: these bytes of the first segment are live while `self` is borrowed, and as nobody
        // else refers to its buffer (asked above) and `self` is borrowed mutably, this is the only
        // reference to them.
        Some(unsafe { std::slice::from_raw_parts_mut(first.data(), bytes) })
    }

    #[inline(always)]
    fn trim_front(&mut self, bytes: usize) -> bool {
        let first = self.first();
        let Some(data_len) = usize::from(first.data_len()).checked_sub(bytes) else {
            return false;
        };
        // Both fit: they are no larger than what was in these fields before.
        first.set_data_off(first.data_off() + bytes as u16);
        first.set_data_len(data_len as u16);
        first.set_pkt_len(first.pkt_len() - bytes as u32);
        true
    }

    /// Never refuses.
    #[inline(always)]
    fn truncate(&mut self, len: usize) -> bool {
        if len < self.len() {
            self.cut(len);
        }
        true
    }

    #[inline(always)]
    fn rx_checksums(&self) -> RxChecksums {
        let first = self.first();
        let flags = first.ol_flags();
        // Nothing is said, whatever it would be of.
        if flags & CHECKSUM_FLAGS == 0 {
            return RxChecksums::default();
        }
        verdicts(flags, first.packet_type())
    }

    #[inline(always)]
    fn clear_rx_checksums(&mut self) {
        let first = self.first();
        first.set_ol_flags(first.ol_flags() & !CHECKSUM_FLAGS);
        first.set_packet_type(0);
    }
}

/// What flags and packet type say of the outermost headers.
///
/// A NIC that recognised a tunnel speaks of the inner headers in `IP_CKSUM` and `L4_CKSUM` and of
/// the outer ones in `OUTER_*`; one that did not has only the first pair, and there is no outer
/// "good" for IPv4. Both bits of a pair say that the checksum is unfinished but a sender on this
/// host vouches for the bytes; of the outer pair they mean nothing.
#[inline]
fn verdicts(flags: u64, packet_type: u32) -> RxChecksums {
    if packet_type & sys::K_PTYPE_TUNNEL_MASK != 0 {
        let ip = match flags & sys::K_MBUF_F_RX_OUTER_IP_CKSUM_BAD {
            0 => Checksum::Unknown,
            _ => Checksum::Bad,
        };
        let l4 = match flags & sys::K_MBUF_F_RX_OUTER_L4_CKSUM_MASK {
            sys::K_MBUF_F_RX_OUTER_L4_CKSUM_BAD => Checksum::Bad,
            sys::K_MBUF_F_RX_OUTER_L4_CKSUM_GOOD => Checksum::Good,
            _ => Checksum::Unknown,
        };
        return RxChecksums { ip, l4 };
    }
    let ip = match flags & sys::K_MBUF_F_RX_IP_CKSUM_MASK {
        sys::K_MBUF_F_RX_IP_CKSUM_BAD => Checksum::Bad,
        sys::K_MBUF_F_RX_IP_CKSUM_GOOD | sys::K_MBUF_F_RX_IP_CKSUM_NONE => Checksum::Good,
        _ => Checksum::Unknown,
    };
    let l4 = match flags & sys::K_MBUF_F_RX_L4_CKSUM_MASK {
        sys::K_MBUF_F_RX_L4_CKSUM_BAD => Checksum::Bad,
        sys::K_MBUF_F_RX_L4_CKSUM_GOOD | sys::K_MBUF_F_RX_L4_CKSUM_NONE => Checksum::Good,
        _ => Checksum::Unknown,
    };
    RxChecksums { ip, l4 }
}

#[cfg(test)]
mod tests;
