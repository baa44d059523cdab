//! An owned packet in DPDK's memory.

#![expect(unsafe_code, reason = "owns foreign memory and reads its bytes")]

mod segment;

pub(super) use segment::Segment;

use crate::io::{Checksum, Left, NicWord, Packet, RxChecksums};
use dpdk_sys as sys;
use std::fmt;
use std::mem::ManuallyDrop;
use std::num::NonZeroU16;
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

/// Flags that, both set, say that there is a mark.
const MARK_FLAGS: u64 = sys::K_MBUF_F_RX_FDIR | sys::K_MBUF_F_RX_FDIR_ID;

/// All flags by which a NIC is asked for a checksum, or to cut a packet, as it sends.
const LEFT_FLAGS: u64 = sys::K_MBUF_F_TX_L4_MASK
    | sys::K_MBUF_F_TX_IPV4
    | sys::K_MBUF_F_TX_IPV6
    | sys::K_MBUF_F_TX_TCP_SEG
    | sys::K_MBUF_F_TX_IP_CKSUM
    | sys::K_MBUF_F_TX_OUTER_IP_CKSUM
    | OUTER_FLAGS;

/// Those by which it is asked to do either.
const ASKED_FLAGS: u64 = sys::K_MBUF_F_TX_L4_MASK | sys::K_MBUF_F_TX_TCP_SEG;

/// Those that say that headers of VXLAN over IPv4 come before. Nothing is asked of these.
const OUTER_FLAGS: u64 = sys::K_MBUF_F_TX_TUNNEL_VXLAN | sys::K_MBUF_F_TX_OUTER_IPV4;

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

    /// Takes away flags that ask for something as the packet is sent, whoever has set them.
    #[inline(always)]
    pub(super) fn ask_nothing(&mut self) {
        let first = self.first();
        first.set_ol_flags(first.ol_flags() & !sys::K_MBUF_F_TX_OFFLOAD_MASK);
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

    fn buffers(&self) -> usize {
        usize::from(self.first().nb_segs())
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
        // The mark goes with the same instruction.
        first.set_ol_flags(first.ol_flags() & !(CHECKSUM_FLAGS | MARK_FLAGS));
        first.set_packet_type(0);
    }

    fn distrust_rx_checksums(&mut self) {
        let first = self.first();
        first.set_ol_flags(first.ol_flags() & !CHECKSUM_FLAGS);
        first.set_packet_type(0);
    }

    #[inline(always)]
    fn mark(&self) -> Option<u32> {
        let first = self.first();
        is_marked(first.ol_flags()).then(|| first.mark())
    }

    fn nic_says(&self) -> NicWord {
        let tunnel = names_tunnel(self.first().packet_type());
        NicWord {
            tunnel,
            checksums: self.rx_checksums(),
            inner: match tunnel {
                true => plain(self.first().ol_flags()),
                false => RxChecksums::default(),
            },
            mark: self.mark(),
        }
    }

    #[inline]
    fn is_open(&self) -> bool {
        let l4 = self.first().ol_flags() & sys::K_MBUF_F_RX_L4_CKSUM_MASK;
        l4 == sys::K_MBUF_F_RX_L4_CKSUM_NONE
    }

    #[inline]
    fn segment(&self) -> Option<NonZeroU16> {
        let first = self.first();
        let said = first.ol_flags() & sys::K_MBUF_F_RX_LRO != 0 && self.is_open();
        segment(first.tx_offload()).filter(|_| said)
    }

    #[inline]
    fn leave(&mut self, left: Option<Left>) {
        let first = self.first();
        let flags = first.ol_flags() & !LEFT_FLAGS;
        first.set_ol_flags(flags);
        let Some(left) = left else {
            return;
        };
        match words(left) {
            Some((asked, lengths)) => {
                first.set_ol_flags(flags | asked);
                first.set_tx_offload(lengths);
            }
            // Nobody can be told where it is.
            None => left.finish(self),
        }
    }

    #[inline]
    fn left(&self) -> Option<Left> {
        let first = self.first();
        let flags = first.ol_flags();
        match flags & ASKED_FLAGS {
            0 => None,
            _ => Some(left(flags, first.tx_offload())),
        }
    }
}

const L2_LEN: u64 = Left::L2_MAX as u64;
const L3_LEN: u64 = Left::L3_MAX as u64;
const L4_LEN: u64 = 0xff;

/// The flags and lengths by which a checksum is asked for. `None` if there is no room for a length: the
/// rest of it would be another one, and a NIC may stop a queue for that. A tunnel is told of only for an
/// inner one: NICs of which nothing inner is asked may stop at that.
#[inline]
fn words(left: Left) -> Option<(u64, u64)> {
    if !left.fits() {
        return None;
    }
    let ip = match left.ipv6 {
        true => sys::K_MBUF_F_TX_IPV6,
        false => sys::K_MBUF_F_TX_IPV4,
    };
    let checksum = match (left.udp, left.segment) {
        (true, _) => sys::K_MBUF_F_TX_UDP_CKSUM,
        (false, None) => sys::K_MBUF_F_TX_TCP_CKSUM,
        (false, Some(_)) => sys::K_MBUF_F_TX_TCP_SEG | ip_checksums(left),
    };
    let segment = left.segment.map_or(0, NonZeroU16::get);
    let (l2, l3) = (u64::from(left.l2_len), u64::from(left.l3_len));
    let lengths = l2 << sys::K_MBUF_L2_LEN_OFS
        | l3 << sys::K_MBUF_L3_LEN_OFS
        | u64::from(left.l4_len) << sys::K_MBUF_L4_LEN_OFS
        | u64::from(segment) << sys::K_MBUF_TSO_SEGSZ_OFS;
    let Some((l2, l3)) = left.outer else {
        return Some((ip | checksum, lengths));
    };
    let (l2, l3) = (u64::from(l2), u64::from(l3));
    let outer = l2 << sys::K_MBUF_OUTL2_LEN_OFS | l3 << sys::K_MBUF_OUTL3_LEN_OFS;
    Some((ip | checksum | OUTER_FLAGS, lengths | outer))
}

/// Whose length is not the same in all segments, so that they have to be asked for.
const fn ip_checksums(left: Left) -> u64 {
    let inner = match left.ipv6 {
        true => 0,
        false => sys::K_MBUF_F_TX_IP_CKSUM,
    };
    let outer = match left.outer {
        Some(_) => sys::K_MBUF_F_TX_OUTER_IP_CKSUM,
        None => 0,
    };
    inner | outer
}

/// Bytes of payload of a segment.
const fn segment(lengths: u64) -> Option<NonZeroU16> {
    NonZeroU16::new((lengths >> sys::K_MBUF_TSO_SEGSZ_OFS) as u16)
}

/// The same, read.
fn left(flags: u64, lengths: u64) -> Left {
    Left {
        udp: flags & sys::K_MBUF_F_TX_L4_MASK == sys::K_MBUF_F_TX_UDP_CKSUM,
        ipv6: flags & sys::K_MBUF_F_TX_IPV6 != 0,
        l2_len: (lengths >> sys::K_MBUF_L2_LEN_OFS & L2_LEN) as u8,
        l3_len: (lengths >> sys::K_MBUF_L3_LEN_OFS & L3_LEN) as u16,
        l4_len: (lengths >> sys::K_MBUF_L4_LEN_OFS & L4_LEN) as u8,
        outer: (flags & OUTER_FLAGS != 0).then_some((
            (lengths >> sys::K_MBUF_OUTL2_LEN_OFS & L2_LEN) as u8,
            (lengths >> sys::K_MBUF_OUTL3_LEN_OFS & L3_LEN) as u16,
        )),
        segment: match flags & sys::K_MBUF_F_TX_TCP_SEG {
            0 => None,
            _ => segment(lengths),
        },
    }
}

#[inline(always)]
const fn is_marked(flags: u64) -> bool {
    flags & MARK_FLAGS == MARK_FLAGS
}

#[inline(always)]
const fn names_tunnel(packet_type: u32) -> bool {
    packet_type & sys::K_PTYPE_TUNNEL_MASK != 0
}

/// What flags and packet type say of the outermost headers.
///
/// A NIC that recognised a tunnel speaks of the inner headers in `IP_CKSUM` and `L4_CKSUM` and of
/// the outer ones in `OUTER_*`; one that did not has only the first pair, and there is no outer
/// "good" for IPv4. Both bits of a pair say that the checksum is unfinished but a sender on this
/// host vouches for the bytes; of the outer pair they mean nothing.
#[inline]
fn verdicts(flags: u64, packet_type: u32) -> RxChecksums {
    if names_tunnel(packet_type) {
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
    plain(flags)
}

/// What the first pair of flags says, whichever headers it is of.
#[inline]
fn plain(flags: u64) -> RxChecksums {
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
