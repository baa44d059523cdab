//! The fields of one segment of a packet.

use dpdk_sys as sys;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// A view of one segment of a chain. It owns nothing.
///
/// Every value points to a live mbuf whose header nobody else reads or writes while the value is
/// used, but for its reference count: that is the contract of [`Segment::new`]. It is made from a
/// borrowed [`Mbuf`](super::Mbuf), which owns the headers of its chain, and does not outlive that
/// borrow.
#[derive(Clone, Copy)]
pub(in crate::dpdk) struct Segment(NonNull<sys::rte_mbuf>);

/// A field can be read and written as a `T`.
const fn fits<T>(offset: usize, size: usize) -> bool {
    size_of::<T>() == size && offset.is_multiple_of(align_of::<T>())
}

const _: () = assert!(fits::<*mut sys::rte_mbuf>(
    sys::K_MBUF_NEXT,
    sys::K_MBUF_NEXT_SIZE
));
const _: () = assert!(fits::<AtomicU16>(
    sys::K_MBUF_REFCNT,
    sys::K_MBUF_REFCNT_SIZE
));

macro_rules! fields {
    ($($(#[$doc:meta])* $get:ident $set:ident $offset:ident $size:ident: $type:ty;)*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub(in crate::dpdk) fn $get(self) -> $type {
                const _: () = assert!(fits::<$type>(sys::$offset, sys::$size));
                // SAFETY: the header is live and ours to read (`Segment::new`); the field is at
                // this offset, as large as the type and aligned for it (asserted above), and any
                // bits are a value of it.
                unsafe { self.field::<$type>(sys::$offset).read() }
            }

            #[inline(always)]
            pub(in crate::dpdk) fn $set(self, value: $type) {
                // SAFETY: as above, and ours to write.
                unsafe { self.field::<$type>(sys::$offset).write(value) }
            }
        )*
    };
}

impl Segment {
    /// # Safety
    ///
    /// `mbuf` is live, and its header is not used by anybody else, but for its reference count,
    /// while the result or a copy of it is.
    pub(in crate::dpdk) unsafe fn new(mbuf: NonNull<sys::rte_mbuf>) -> Self {
        Segment(mbuf)
    }

    fields! {
        /// Where the buffer begins.
        buf_addr _set_buf_addr K_MBUF_BUF_ADDR K_MBUF_BUF_ADDR_SIZE: *mut u8;
        /// Bytes of the buffer.
        buf_len _set_buf_len K_MBUF_BUF_LEN K_MBUF_BUF_LEN_SIZE: u16;
        /// Bytes of the buffer before the data.
        data_off set_data_off K_MBUF_DATA_OFF K_MBUF_DATA_OFF_SIZE: u16;
        /// Bytes of data in this segment.
        data_len set_data_len K_MBUF_DATA_LEN K_MBUF_DATA_LEN_SIZE: u16;
        /// Bytes of data in all segments; only in the first one.
        pkt_len set_pkt_len K_MBUF_PKT_LEN K_MBUF_PKT_LEN_SIZE: u32;
        /// Segments of the chain; only in the first one.
        nb_segs set_nb_segs K_MBUF_NB_SEGS K_MBUF_NB_SEGS_SIZE: u16;
        /// Offload flags.
        ol_flags set_ol_flags K_MBUF_OL_FLAGS K_MBUF_OL_FLAGS_SIZE: u64;
        /// What the NIC recognised.
        packet_type set_packet_type K_MBUF_PACKET_TYPE K_MBUF_PACKET_TYPE_SIZE: u32;
        /// What a rule wrote, if the flags say that one did.
        mark _set_mark K_MBUF_MARK K_MBUF_MARK_SIZE: u32;
        /// Where headers lie of which the flags ask something, as the packet is sent.
        tx_offload set_tx_offload K_MBUF_TX_OFFLOAD K_MBUF_TX_OFFLOAD_SIZE: u64;
    }

    /// A pointer to a field of the header.
    ///
    /// # Safety
    ///
    /// The field at `offset` has type `T`.
    #[inline(always)]
    unsafe fn field<T>(self, offset: usize) -> *mut T {
        // SAFETY: offsets are taken from the C struct, so the result stays within the header.
        unsafe { self.0.as_ptr().cast::<u8>().add(offset).cast() }
    }

    /// The mbuf itself.
    pub(in crate::dpdk) fn as_ptr(self) -> *mut sys::rte_mbuf {
        self.0.as_ptr()
    }

    /// The segment behind this one.
    pub(in crate::dpdk) fn next(self) -> Option<Segment> {
        // SAFETY: `next` is a pointer to an mbuf or null; a chain is owned as a whole, so what
        // holds for this header (`Segment::new`) holds for the next one.
        let next = unsafe { self.field::<*mut sys::rte_mbuf>(sys::K_MBUF_NEXT).read() };
        NonNull::new(next).map(Segment)
    }

    /// Ends the chain here, or goes on with `next`.
    pub(in crate::dpdk) fn set_next(self, next: Option<Segment>) {
        let next = next.map_or(std::ptr::null_mut(), Segment::as_ptr);
        // SAFETY: the header is ours to write (`Segment::new`), and the field is such a pointer.
        unsafe {
            self.field::<*mut sys::rte_mbuf>(sys::K_MBUF_NEXT)
                .write(next)
        }
    }

    /// Nobody else refers to the bytes of the buffer.
    ///
    /// A buffer is shared in one way only: an indirect mbuf refers to the direct one that holds
    /// it, whose reference count is then above one. External buffers belong to one mbuf, because
    /// [`Mempool::replicate`](crate::io::Pool::replicate) copies them; that their own count is
    /// above one says that a driver carved several packets' buffers from one area.
    #[inline(always)]
    pub(in crate::dpdk) fn is_exclusive(self) -> bool {
        // SAFETY: the field is a `uint16_t` that is aligned and live (`Segment::new`), and other
        // threads, which drop indirect mbufs that refer to this one, only change it atomically.
        let references = unsafe { AtomicU16::from_ptr(self.field(sys::K_MBUF_REFCNT)) };
        // Acquire: what the last sharer read, it read before it let go.
        references.load(Ordering::Acquire) == 1 && self.ol_flags() & sys::K_MBUF_F_INDIRECT == 0
    }

    /// The buffer is not part of an mbuf of a pool.
    pub(in crate::dpdk) fn is_external(self) -> bool {
        self.ol_flags() & sys::K_MBUF_F_EXTERNAL != 0
    }

    /// Where the data begins.
    #[inline(always)]
    pub(in crate::dpdk) fn data(self) -> *mut u8 {
        // SAFETY: in an mbuf the data begins within the buffer or at its end.
        unsafe { self.buf_addr().add(usize::from(self.data_off())) }
    }

    /// Free bytes behind the data.
    pub(in crate::dpdk) fn tailroom(self) -> usize {
        usize::from(self.buf_len())
            .saturating_sub(usize::from(self.data_off()) + usize::from(self.data_len()))
    }
}
