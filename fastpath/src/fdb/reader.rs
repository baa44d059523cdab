//! The reading end of the forwarding table.

use super::burst::FdbView;
use super::hash::FdbPlace;
use super::table::{SlotId, Table};
use super::{FdbKey, FdbValue, Kind};
use crate::sync::Arc;

/// An entry as it was when it was read.
///
/// To be used up before the next [`Reader::pass`](crate::publish::Reader::pass): the slot may have
/// another key after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    slot: SlotId,
    word: u64,
}

impl Found {
    #[inline(always)]
    pub(super) const fn new(slot: SlotId, word: u64) -> Self {
        Found { slot, word }
    }

    /// Where it stands.
    #[inline(always)]
    pub const fn slot(&self) -> SlotId {
        self.slot
    }

    /// What the table says.
    #[inline(always)]
    pub const fn value(&self) -> FdbValue {
        FdbValue::unpack(self.word as u32)
    }

    /// Where frames go, as [`Destination::to_bits`](super::Destination::to_bits): the same bits if
    /// and only if it is the same destination.
    #[inline(always)]
    pub const fn to_bits(&self) -> u32 {
        FdbValue::to_bits(self.word as u32)
    }

    /// How it got into the table.
    #[inline(always)]
    pub const fn kind(&self) -> Kind {
        self.value().kind
    }

    /// The second in which the station was last seen, or learned, or moved.
    #[inline(always)]
    pub const fn seen(&self) -> u32 {
        (self.word >> 32) as u32
    }

    pub(super) const fn word(&self) -> u64 {
        self.word
    }
}

/// The reading end of the forwarding table.
///
/// ```text
/// view    for a burst: every line asked for, then all of them read
/// read    for one key: one line, 1 of 200 times up to four
/// touch   for sources that are where the table says: at most one write a second
/// ```
///
/// # Thread safety
/// Any number of clones on any threads. A thread that may run beside the writer must hold a
/// [`Reader`](crate::publish::Reader) and pass changes between look-ups, not within one: that is
/// what keeps slots from being used again under it. Lock-free; an entry is read as it was before or
/// after what the writer does meanwhile.
#[derive(Clone)]
pub struct FdbReader {
    pub(super) table: Arc<Table>,
}

impl FdbReader {
    /// The table for one burst.
    #[inline(always)]
    pub fn view(&self) -> FdbView<'_> {
        self.table.view()
    }

    /// Where [`Self::read`] looks for `key`. Touches no memory of the table.
    #[inline(always)]
    pub fn place(&self, key: FdbKey) -> FdbPlace {
        self.table.place(key)
    }

    /// What the table says of `key`, of which `place` is the place.
    #[inline(always)]
    pub fn read(&self, key: FdbKey, place: FdbPlace) -> Option<Found> {
        self.table.find(key, place)
    }

    /// Notes that the station of `found` sent a frame at `tick`, in seconds on the clock of
    /// [`FdbWriter::set_tick`](super::FdbWriter::set_tick). Writes only if nobody has noted that
    /// tick or a later one.
    #[inline(always)]
    pub fn touch(&self, found: &Found, tick: u32) {
        if found.seen() < tick {
            self.table.stamp(*found, tick);
        }
    }

    /// What the table says of `key`, and where it stands. The plain way, for a single look-up.
    #[inline(always)]
    pub fn lookup(&self, key: FdbKey) -> Option<(SlotId, FdbValue)> {
        let found = self.read(key, self.place(key))?;
        Some((found.slot(), found.value()))
    }
}
