//! What is done with a packet before it goes out of a port, in its place in the burst.

use super::around::Around;
use super::decap::decap;
use super::encap::{Outer, encap, outer_ip_len};
use super::run::{Context, Verdict};
use super::straight::Facts;
use crate::cpu::Work;
use crate::cut::noted;
use crate::drop::{DropReason, Reasons};
use crate::ids::PortId;
use crate::io::{Io, Packet, Pool};
use crate::memo::plain;
use crate::parse::Layout;
use crate::recompute::settle;
use crate::snapshot::{Port, Remote, RxChecksum, Snapshot};
use crate::stats::WorkerStats;
use crate::trace::last::{Headers, Place};
use crate::trace::watch::Watch;
use crate::wire::Flow;

/// Not a closure, which could not be told to be inlined.
pub(super) trait Prepare<I: Io> {
    /// What has to be known of each packet.
    type Place;

    /// It makes packets of tunnels.
    const WRAPS: bool;

    /// There is nothing to be done, nor to be checked.
    fn is_nothing(&self) -> bool;

    /// Does it, and returns how many bytes are to be counted. On an error the packet is to be
    /// dropped.
    fn prepare(
        &mut self,
        context: &mut Context<'_, I>,
        packet: &mut I::Packet,
        place: &Self::Place,
    ) -> Result<usize, DropReason>;

    /// What is to be done about checksums when all are prepared, if anything.
    fn around(&self) -> Option<Around<'_>>;
}

/// What a port takes, and whether it has to be asked of each packet.
#[derive(Clone, Copy)]
struct Limit {
    longest: usize,
    pieces: bool,
    /// A sender may have left a checksum open.
    open: bool,
    /// Some packet may be longer, or in more segments than the port takes, or open.
    asks: bool,
}

impl Limit {
    #[inline(always)]
    fn new(facts: Facts, longest: usize, port: &Port) -> Self {
        let pieces = !(facts.whole || port.may_chain);
        Limit {
            longest,
            pieces,
            open: facts.open,
            asks: pieces || facts.longest > longest || facts.open,
        }
    }

    /// The packet leaves by `port`, perhaps in the headers for `remote`.
    #[inline(always)]
    fn check<P: Pool>(
        &self,
        pool: &P,
        packet: &mut P::Packet,
        port: &Port,
        remote: Option<&Remote>,
    ) -> Result<(), DropReason> {
        if self.asks {
            // By value: so nothing has to be in memory where nothing is asked.
            self.ask(pool, packet, port, remote)
        } else {
            Ok(())
        }
    }

    /// Called, not inlined: what it needs would take registers of the loop that never asks.
    #[cold]
    #[inline(never)]
    fn ask<P: Pool>(
        self,
        pool: &P,
        packet: &mut P::Packet,
        port: &Port,
        remote: Option<&Remote>,
    ) -> Result<(), DropReason> {
        if self.open && packet.is_open() {
            return self.ask_open(pool, packet, port, remote);
        }
        if packet.len() > self.longest {
            return Err(DropReason::MtuExceeded);
        }
        if self.pieces {
            one_piece(pool, packet)?;
        }
        Ok(())
    }

    /// The same for a packet whose sender left its checksum open, and perhaps all of it to be cut, which
    /// is done when all are prepared.
    #[inline(never)]
    fn ask_open<P: Pool>(
        self,
        pool: &P,
        packet: &mut P::Packet,
        port: &Port,
        remote: Option<&Remote>,
    ) -> Result<(), DropReason> {
        let left = noted(packet);
        if left.map_or(packet.len(), |left| left.longest(packet.len())) > self.longest {
            return Err(DropReason::MtuExceeded);
        }
        if left.is_some() {
            packet.clear_rx_checksums();
            return Ok(());
        }
        if self.pieces {
            one_piece(pool, packet)?;
        }
        // A replica does not know.
        let tx = port.tx;
        settle(
            packet,
            remote.map_or(tx, |remote| tx.behind(remote.settings.udp_port)),
        );
        Ok(())
    }
}

/// Puts a packet that may be in several segments into one.
#[cold]
pub(super) fn one_piece<P: Pool>(pool: &P, packet: &mut P::Packet) -> Result<(), DropReason> {
    if packet.head().len() != packet.len() {
        *packet = pool.replicate(packet, false).ok_or(DropReason::NoBuffer)?;
    }
    Ok(())
}

/// Nothing.
pub(super) struct AsItIs<'a> {
    port: &'a Port,
    limit: Limit,
}

impl<'a> AsItIs<'a> {
    /// For packets, of which these are facts, that leave by `port`.
    #[inline(always)]
    pub(super) fn new(facts: Facts, port: &'a Port) -> Self {
        let limit = Limit::new(facts, port.longest(), port);
        AsItIs { port, limit }
    }
}

impl<I: Io> Prepare<I> for AsItIs<'_> {
    type Place = ();

    const WRAPS: bool = false;

    #[inline(always)]
    fn is_nothing(&self) -> bool {
        !self.limit.asks
    }

    #[inline(always)]
    fn prepare(
        &mut self,
        context: &mut Context<'_, I>,
        packet: &mut I::Packet,
        _place: &(),
    ) -> Result<usize, DropReason> {
        self.limit.check(context.pool, packet, self.port, None)?;
        Ok(packet.len())
    }

    #[inline(always)]
    fn around(&self) -> Option<Around<'_>> {
        None
    }
}

/// Outer headers are put before it.
pub(super) struct Wrap<'a> {
    outer: Outer<'a>,
    limit: Limit,
}

impl<'a> Wrap<'a> {
    /// For packets of which these are facts.
    #[inline(always)]
    pub(super) fn new(facts: Facts, outer: Outer<'a>) -> Self {
        let longest = usize::from(outer.port.mtu).checked_sub(outer_ip_len(0));
        let limit = Limit::new(facts, longest.unwrap_or_default(), outer.port);
        Wrap { outer, limit }
    }
}

impl<I: Io> Prepare<I> for Wrap<'_> {
    type Place = Flow;

    const WRAPS: bool = true;

    #[inline(always)]
    fn is_nothing(&self) -> bool {
        false
    }

    #[inline(always)]
    fn prepare(
        &mut self,
        context: &mut Context<'_, I>,
        packet: &mut I::Packet,
        flow: &Flow,
    ) -> Result<usize, DropReason> {
        let (port, remote) = (self.outer.port, self.outer.remote);
        self.limit.check(context.pool, packet, port, Some(remote))?;
        let len = packet.len();
        encap(context, &self.outer, *flow, packet)?;
        Ok(len)
    }

    #[inline(always)]
    fn around(&self) -> Option<Around<'_>> {
        let needed = self.limit.open || self.outer.sums();
        needed.then(|| self.outer.around(self.limit.open))
    }
}

/// The outer headers of packets from a tunnel are checked and stripped. The bits of packets that are
/// to be dropped, which are counted, and the bytes of what was inside the others.
pub(super) struct Strip<'a, 'l, P, T> {
    pub(super) packets: &'a mut [P],
    pub(super) places: &'a [T],
    pub(super) checksums: RxChecksum,
    /// Number of the first of them in its burst.
    pub(super) start: usize,
    pub(super) losses: &'a mut Losses<'l>,
}

/// Where it is noted that packets of a burst are dropped.
pub(super) struct Losses<'a> {
    pub(super) ingress: PortId,
    pub(super) stats: &'a WorkerStats,
    pub(super) snapshot: &'a Snapshot,
    pub(super) watch: &'a mut Watch,
}

impl Losses<'_> {
    /// Packet number `at`, which came in with these headers, is dropped.
    #[cold]
    pub(super) fn lose(&mut self, at: usize, headers: &Headers, reason: DropReason) {
        let verdict = Verdict::Dropped(reason);
        self.stats
            .lose(Place::Received, self.ingress, reason, headers);
        self.stats
            .count_verdict(self.snapshot, self.ingress, headers, verdict);
        self.watch.note(at, verdict, Reasons::NONE);
    }

    /// The same; it comes out of no tunnel, and was not counted for its link.
    #[cold]
    fn refuse(&mut self, at: usize, headers: &Headers, reason: DropReason) {
        let Losses {
            ingress, snapshot, ..
        } = *self;
        if let Some(frames) = self.stats.frames(snapshot, ingress, headers.vlan()) {
            frames.received.add(1);
        }
        self.lose(at, headers, reason);
    }
}

/// The bytes of packets whose outer headers the NIC has taken off: there is nothing left to be
/// checked, and nothing to be stripped. What it said is forgotten here, too.
pub(super) struct Weigh<'a, P> {
    pub(super) packets: &'a mut [P],
}

impl<P: Packet> Work for Weigh<'_, P> {
    type Output = u64;

    #[inline(always)]
    fn work(self) -> u64 {
        let weigh = |packet: &mut P| {
            packet.clear_rx_checksums();
            packet.len() as u64
        };
        self.packets.iter_mut().map(weigh).sum()
    }
}

/// Where the headers of a tunnelled packet are: its [`Layout`], or its end if the rest is [`plain`],
/// which makes constants of all other places.
pub(super) trait Ends {
    fn layout(&self) -> Layout;
}

impl Ends for Layout {
    #[inline(always)]
    fn layout(&self) -> Layout {
        *self
    }
}

impl Ends for u32 {
    #[inline(always)]
    fn layout(&self) -> Layout {
        plain(*self)
    }
}

impl<P: Packet, T: Ends> Work for Strip<'_, '_, P, T> {
    type Output = (u64, u64);

    #[inline(always)]
    fn work(self) -> (u64, u64) {
        let (mut refused, mut bytes) = (0, 0);
        for (at, (packet, place)) in self.packets.iter_mut().zip(self.places).enumerate() {
            match decap(packet, place.layout(), self.checksums) {
                Ok(()) => bytes += packet.len() as u64,
                Err(reason) => {
                    refused |= 1 << at;
                    self.losses
                        .refuse(self.start + at, &Headers::of(packet), reason);
                }
            }
        }
        (refused, bytes)
    }
}
