//! The taps of a worker, and what becomes of the packets that they hold.
//!
//! ```text
//!   receive:  begin    bytes of the burst are held
//!   decide:   decided
//!   act:      note     what becomes of packets, if it is not that they are forwarded
//!             finish   copies, each with its verdict
//!   transmit: leaving, left
//! ```

use super::bits::ones;
use super::note::{Cycles, Decided, Moment, Side};
use super::tap::Tap;
use crate::action::Verdict;
use crate::cpu::ticks;
use crate::drop::{DropReason, Reasons};
use crate::ids::{PortId, QueueId};
use crate::io::{BURST, Packet};
use crate::offload::Front;
use arrayvec::ArrayVec;

/// Most taps of a worker.
pub const MAX_TAPS: usize = 4;

/// What became of a packet.
#[derive(Clone, Copy)]
struct End {
    verdict: Verdict,
    copies_dropped: Reasons,
    decided: Option<Decided>,
    front: Front,
}

const FORWARDED: End = End {
    verdict: Verdict::Forwarded,
    copies_dropped: Reasons::NONE,
    decided: None,
    front: Front::Whole,
};

/// The taps of a worker. Without any, all it costs is to ask [`Watch::is_on`].
///
/// # Thread safety
/// It belongs to its worker.
#[derive(Default)]
pub struct Watch {
    taps: ArrayVec<Box<Tap>, MAX_TAPS>,
    burst: Watched,
}

/// A received burst whose packets are held.
#[derive(Default)]
struct Watched {
    /// Some tap holds some packet of it: what becomes of the others is nothing to anybody.
    held: bool,
    /// Where its packets were in it, by where they are now: some were dropped.
    places: ArrayVec<u8, BURST>,
    ends: ArrayVec<End, BURST>,
    /// A bit for each of which something was noted: the others are forwarded.
    noted: u64,
    queue: Option<QueueId>,
    /// When it came, and when it was decided.
    came: u64,
    decided: u64,
}

impl Watch {
    /// There are taps.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        !self.taps.is_empty()
    }

    /// Adds a tap, or gives it back if there is no room.
    pub fn add(&mut self, tap: Box<Tap>) -> Result<(), Box<Tap>> {
        self.taps.try_push(tap).map_err(|full| full.element())
    }

    /// Takes out a tap that nobody reads any more.
    pub fn abandoned(&mut self) -> Option<Box<Tap>> {
        let at = self.taps.iter().position(|tap| tap.is_abandoned())?;
        Some(self.taps.swap_remove(at))
    }

    /// Takes out any tap.
    pub fn remove(&mut self) -> Option<Box<Tap>> {
        self.taps.pop()
    }

    /// A burst came in by `queue` of `port`.
    #[cold]
    pub(crate) fn begin<P: Packet>(&mut self, port: PortId, queue: QueueId, burst: &[P]) {
        let watched = &mut self.burst;
        watched.came = ticks();
        watched.held = false;
        for tap in &mut self.taps {
            tap.hold(Side::Received, port, burst);
            watched.held |= tap.holds(Side::Received);
        }
        if watched.held {
            watched.queue = Some(queue);
            watched.noted = 0;
            watched.places = (0..burst.len() as u8).take(BURST).collect();
            watched.ends = burst.iter().map(|_| FORWARDED).take(BURST).collect();
        }
    }

    /// Packet number `at` of those that are left, of whose front the NIC left this, was dropped before it
    /// was decided.
    #[cold]
    pub(crate) fn gone(&mut self, at: usize, reason: DropReason, front: Front) {
        if !self.burst.held {
            return;
        }
        self.note(at, Verdict::Dropped(reason), Reasons::NONE);
        let place = self.burst.places.get(at).copied().unwrap_or(u8::MAX);
        if let Some(end) = self.burst.ends.get_mut(usize::from(place)) {
            end.front = front;
        }
        self.burst.places.pop_at(at);
    }

    /// Every packet that is left is decided: so many that follow each other, by what, and what the NIC
    /// left of their front.
    #[cold]
    pub(crate) fn decided(&mut self, by: impl Iterator<Item = (usize, Option<Decided>, Front)>) {
        if !self.burst.held {
            return;
        }
        self.burst.decided = ticks();
        let mut left = &self.burst.places[..];
        for (count, decided, front) in by {
            let (places, rest) = left.split_at(count.min(left.len()));
            for place in places {
                if let Some(end) = self.burst.ends.get_mut(usize::from(*place)) {
                    (end.decided, end.front) = (decided, front);
                }
            }
            left = rest;
        }
    }

    /// What became of packet number `at` of those that were decided: `copies_dropped` of copies of it.
    /// Of one that is forwarded, and no copy dropped, nothing need be said.
    #[inline]
    pub(crate) fn note(&mut self, at: usize, verdict: Verdict, copies_dropped: Reasons) {
        if self.is_on() && self.burst.held {
            self.end(at, verdict, copies_dropped);
        }
    }

    #[cold]
    fn end(&mut self, at: usize, verdict: Verdict, copies_dropped: Reasons) {
        let place = self.burst.places.get(at).map(|place| usize::from(*place));
        if let Some((place, end)) = place.and_then(|at| Some((at, self.burst.ends.get_mut(at)?))) {
            (end.verdict, end.copies_dropped) = (verdict, copies_dropped);
            self.burst.noted |= 1 << place;
        }
    }

    /// All packets of the burst have met their ends.
    #[cold]
    pub(crate) fn finish(&mut self, port: PortId) {
        if !self.burst.held {
            return;
        }
        let Watched {
            ends,
            noted,
            queue,
            came,
            decided,
            ..
        } = &self.burst;
        let since = |from: u64, to: u64| to.saturating_sub(from).try_into().unwrap_or(u32::MAX);
        let cycles = Cycles {
            packets: ends.len() as u8,
            decide: since(*came, *decided),
            act: since(*decided, ticks()),
        };
        for tap in &mut self.taps {
            for at in ones(tap.awaits(*noted)) {
                let Some(end) = ends.get(at) else {
                    break;
                };
                let moment = Moment {
                    verdict: Some(end.verdict),
                    copies_dropped: end.copies_dropped,
                    decided: end.decided,
                    front: end.front,
                    queue: *queue,
                    cycles: Some(cycles),
                    ..Moment::new(*came, port, Side::Received)
                };
                tap.tell(at, &moment);
            }
        }
    }

    /// A burst is about to be given to `port`.
    #[cold]
    pub(crate) fn leaving<P: Packet>(&mut self, port: PortId, burst: &[P]) {
        for tap in &mut self.taps {
            tap.hold(Side::Sent, port, burst);
        }
    }

    /// The queue took so many packets of it.
    #[cold]
    pub(crate) fn left(&mut self, port: PortId, queue: QueueId, accepted: usize) {
        let moment = Moment {
            queue: Some(queue),
            ..Moment::new(ticks(), port, Side::Sent)
        };
        for tap in self.taps.iter_mut().filter(|tap| tap.holds(Side::Sent)) {
            for at in 0..accepted {
                tap.tell(at, &moment);
            }
        }
    }

    /// A packet that is none of a burst, or of one that was to leave, is dropped.
    #[inline]
    pub fn dropped<P: Packet>(&mut self, side: Side, port: PortId, packet: &P, reason: DropReason) {
        if self.is_on() {
            self.offer(side, port, packet, reason);
        }
    }

    #[cold]
    fn offer<P: Packet>(&mut self, side: Side, port: PortId, packet: &P, reason: DropReason) {
        let moment = Moment {
            verdict: Some(Verdict::Dropped(reason)),
            ..Moment::new(ticks(), port, side)
        };
        for tap in &mut self.taps {
            tap.offer(&moment, packet);
        }
    }
}
