//! Pools of packets.

#![expect(unsafe_code, reason = "owns a foreign pool")]

use super::mbuf::Segment;
use super::{Eal, Errno, Mbuf};
use crate::io::{Packet, Pool};
use dpdk_sys as sys;
use std::ffi::CString;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;

/// Up to this length a replica is a copy: copying is cheaper than a second mbuf.
const COPY_LIMIT: usize = 256;
/// Bytes copied into the replica's own segment when the rest is shared. Encapsulation reads the
/// headers there: Ethernet, two VLAN tags, IPv4 with all options or IPv6, and the ports.
const COPIED_HEAD: usize = 128;
/// What a frame has beyond its MTU: Ethernet header, one VLAN tag, FCS.
const FRAME_OVERHEAD: u32 = 22;
/// What XDP takes of a buffer before each frame (XDP_PACKET_HEADROOM), in buffers that net_af_xdp
/// lends to the kernel. net_af_packet wants less: its ring's frames are to fit with their header.
const XDP_HEADROOM: u32 = 256;
/// Some NICs can be told the size of a buffer in kilobytes only, and round it down.
const ROOM_UNIT: u32 = 1024;
/// Least bytes of a buffer; drivers are tuned to this.
const LEAST_ROOM: u32 = 2048;
/// Most mbufs that one thread keeps to itself.
const CACHE: u32 = 256;

/// What a pool is to be.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Its name, unique in the process, at most 25 bytes.
    pub name: String,
    /// How many mbufs it has. Receive descriptors of all queues, what is on its way through
    /// workers and transmit queues, and 256 for each lcore must come from these.
    pub mbufs: u32,
    /// The largest MTU of a port that receives into it: a received frame of this and 22 bytes fits
    /// into one segment.
    pub mtu: u16,
    /// The memory to take it from; `None` for any.
    pub socket: Option<u32>,
}

/// A pool could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// DPDK refused.
    #[error("cannot make packet pool {name} of {mbufs} packets of {room} bytes: {errno}")]
    Create {
        /// Name of the pool.
        name: String,
        /// Wanted mbufs.
        mbufs: u32,
        /// Bytes of each buffer.
        room: u32,
        /// Why: `ENOMEM` says that not enough memory was given to the EAL.
        errno: Errno,
    },
    /// No buffer is large enough.
    #[error("cannot make packet pool {name}: no buffer holds a frame of MTU {mtu}")]
    Mtu {
        /// Name of the pool.
        name: String,
        /// Wanted MTU.
        mtu: u16,
    },
    /// The name has a zero byte.
    #[error("the name of a packet pool has a zero byte")]
    Name,
}

/// A pool of packets, shared by its clones. May be used from any thread; lcores and registered
/// threads have a cache of their own in it.
///
/// Its memory goes back to DPDK with the last clone if that is dropped on the main lcore, all
/// packets are back, no closure runs on a worker lcore and no registered thread is left. Otherwise
/// somebody might still refer to the memory: then it stays, and so does DPDK, until the process
/// ends, and a log line says why.
#[derive(Clone, Debug)]
pub struct Mempool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: NonNull<sys::rte_mempool>,
    name: String,
    mbufs: u32,
    room: u16,
    eal: ManuallyDrop<Eal>,
}

// SAFETY: DPDK's pools are safe for use from several threads: the common ring is multi-producer and
// multi-consumer, and the caches belong to one lcore each.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Mempool {
    /// Makes a pool.
    pub fn new(eal: &Eal, config: &PoolConfig) -> Result<Self, PoolError> {
        let name = CString::new(config.name.as_str()).map_err(|_| PoolError::Name)?;
        let room = data_room(config.mtu);
        let buffer = u16::try_from(room + sys::K_PKTMBUF_HEADROOM).map_err(|_| PoolError::Mtu {
            name: config.name.clone(),
            mtu: config.mtu,
        })?;
        let socket = config.socket.and_then(|socket| i32::try_from(socket).ok());
        // SAFETY: DPDK is initialised, and copies the name.
        let pool = unsafe {
            sys::rte_pktmbuf_pool_create(
                name.as_ptr(),
                config.mbufs,
                CACHE.min(config.mbufs / 16),
                0,
                buffer,
                socket.unwrap_or(sys::K_SOCKET_ID_ANY),
            )
        };
        let pool = NonNull::new(pool).ok_or_else(|| PoolError::Create {
            name: config.name.clone(),
            mbufs: config.mbufs,
            room,
            errno: Errno::last(),
        })?;
        Ok(Mempool(Arc::new(Inner {
            pool,
            name: config.name.clone(),
            mbufs: config.mbufs,
            room: room as u16,
            eal: ManuallyDrop::new(eal.clone()),
        })))
    }

    /// How many mbufs it has.
    pub fn capacity(&self) -> usize {
        self.0.mbufs as usize
    }

    /// Most bytes of a segment whose headroom is kept.
    pub fn room(&self) -> usize {
        usize::from(self.0.room)
    }

    /// Mbufs that can be had, caches included. Exact only while no other thread takes or gives.
    /// Slow: looks into every cache.
    pub fn available(&self) -> usize {
        self.0.available()
    }

    /// Mbufs that are out: in packets, and in the receive rings of started ports. Exact only while
    /// no other thread takes or gives. Slow, as [`Mempool::available`].
    pub fn in_use(&self) -> usize {
        self.0.in_use()
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rte_mempool {
        self.0.pool.as_ptr()
    }

    /// An empty mbuf.
    fn take(&self) -> Option<Mbuf> {
        // SAFETY: the pool is live while `self` is.
        let mbuf = unsafe { sys::shim_pktmbuf_alloc(self.as_ptr()) };
        // SAFETY: a fresh mbuf is a chain of one, and given to the caller.
        NonNull::new(mbuf).map(|mbuf| unsafe { Mbuf::from_raw(mbuf) })
    }

    /// A copy in one segment.
    fn copy(&self, packet: &Mbuf) -> Option<Mbuf> {
        let mut copy = self.take()?;
        for segment in packet.segments() {
            push(&mut copy, packet.bytes(segment))?;
        }
        Some(copy)
    }

    /// A packet whose first bytes are copied and whose rest is shared with `packet`.
    fn share(&self, packet: &Mbuf) -> Option<Mbuf> {
        let copied = packet.head().len().min(COPIED_HEAD);
        let mut replica = self.alloc(&packet.head()[..copied])?;
        let mut skip = copied as u16;
        for segment in packet.segments() {
            let left = segment.data_len().saturating_sub(skip);
            if left > 0 {
                replica.append(self.refer(packet, segment, skip)?);
            }
            skip -= skip.min(segment.data_len());
        }
        Some(replica)
    }

    /// An indirect mbuf for the data of a segment of `packet` behind its first `skip` bytes, which
    /// are fewer than it has.
    fn refer(&self, _owner: &Mbuf, segment: Segment, skip: u16) -> Option<Mbuf> {
        let indirect = self.take()?;
        let view = indirect.first();
        // SAFETY: the first is a fresh direct mbuf of ours. The second is live and its header ours
        // to read, as its owner is borrowed by this thread; its buffer is in a direct mbuf, as
        // external ones are not shared. DPDK counts the reference, so the buffer outlives both.
        unsafe { sys::shim_pktmbuf_attach(view.as_ptr(), segment.as_ptr()) };
        view.set_data_off(view.data_off() + skip);
        view.set_data_len(view.data_len() - skip);
        view.set_pkt_len(u32::from(view.data_len()));
        Some(indirect)
    }
}

/// Adds bytes behind the data of `packet`, a fresh one of one segment. `None` if they do not fit.
fn push(packet: &mut Mbuf, bytes: &[u8]) -> Option<()> {
    let first = packet.first();
    if bytes.len() > first.tailroom() {
        return None;
    }
    let old = usize::from(first.data_len());
    // Fits: no more than the tailroom, which is counted in 16 bits.
    first.set_data_len((old + bytes.len()) as u16);
    first.set_pkt_len((old + bytes.len()) as u32);
    packet.head_mut().get_mut(old..)?.copy_from_slice(bytes);
    Some(())
}

/// Bytes of a buffer, headroom not counted.
fn data_room(mtu: u16) -> u32 {
    (u32::from(mtu) + FRAME_OVERHEAD + XDP_HEADROOM)
        .next_multiple_of(ROOM_UNIT)
        .max(LEAST_ROOM)
}

impl Pool for Mempool {
    type Packet = Mbuf;

    fn alloc(&self, bytes: &[u8]) -> Option<Mbuf> {
        let mut packet = self.take()?;
        push(&mut packet, bytes)?;
        Some(packet)
    }

    /// A packet with an external buffer is always copied, so that such buffers have one owner.
    fn replicate(&self, packet: &Mbuf, may_chain: bool) -> Option<Mbuf> {
        let copied =
            !may_chain || packet.len() <= COPY_LIMIT || packet.segments().any(Segment::is_external);
        if copied {
            self.copy(packet)
        } else {
            self.share(packet)
        }
    }

    fn piece(&self, front: &[u8], packet: &Mbuf, at: usize, len: usize) -> Option<Mbuf> {
        let mut piece = self.alloc(front)?;
        let (mut left, mut fits) = (len, Some(()));
        packet.for_each_segment(at, |bytes| {
            let part = bytes.get(..left).unwrap_or(bytes);
            left -= part.len();
            if !part.is_empty() {
                fits = fits.and_then(|()| push(&mut piece, part));
            }
        });
        fits.filter(|()| left == 0).map(|()| piece)
    }
}

impl Inner {
    fn available(&self) -> usize {
        // SAFETY: the pool is live while `self` is; the function only reads counters.
        unsafe { sys::rte_mempool_avail_count(self.pool.as_ptr()) as usize }
    }

    fn in_use(&self) -> usize {
        (self.mbufs as usize).saturating_sub(self.available())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let in_use = self.in_use();
        // An lcore counts an mbuf as returned before it has finished returning it, so that all are
        // back proves something only if no lcore is at it.
        if in_use != 0 || !self.eal.is_quiet() {
            tracing::warn!(
                pool = self.name,
                in_use,
                "packet pool is kept, it may be in use"
            );
            return;
        }
        // SAFETY: nobody holds an mbuf of the pool or is about to return one (above), ports that
        // receive into it hold a clone of it, and this is the last clone.
        unsafe { sys::rte_mempool_free(self.pool.as_ptr()) };
        // SAFETY: `eal` is not used again. It is not dropped above, because the memory must stay.
        unsafe { ManuallyDrop::drop(&mut self.eal) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_follows_the_mtu_in_kilobytes() {
        assert_eq!(data_room(68), 2048);
        assert_eq!(data_room(1770), 2048);
        assert_eq!(data_room(1771), 3072);
        assert_eq!(data_room(2794), 3072, "the longest that net_af_xdp takes");
        assert_eq!(data_room(9600), 10240);
    }
}
