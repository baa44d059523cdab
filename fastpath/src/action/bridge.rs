//! The learning bridge, in Linux's order: source, link-local groups, learning, destination.
//!
//! Both stations are looked up for each packet, in the forwarding table as it is now: nothing is
//! kept of it that could go stale. See `docs/decisions/0040-the-table-is-read-live.md`.

use super::run::Context;
use super::{From, Inlet, Target};
use crate::cpu::Work;
use crate::drop::DropReason;
use crate::event::{Event, Origin};
use crate::fdb::{Destination, FdbKey, FdbReader, Found, Kind, Pair, Word};
use crate::ids::{BridgeId, RemoteId, TunnelId};
use crate::io::Io;
use crate::parse::ETHERNET_LEN;
use crate::wire::Mac;

/// The one link-local group that a bridge without spanning tree forwards, as Linux does: BPDUs.
const BPDU: Mac = Mac::new([0x01, 0x80, 0xc2, 0, 0, 0]);

/// What a bridge does with a frame.
pub(super) enum Way {
    /// The station is there.
    To(Target),
    /// Nobody knows the station.
    Flood,
}

/// An inlet, with what is asked of each frame worked out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    inlet: Inlet,
    /// Where the forwarding table says that a source which is here is, as
    /// [`Destination::to_bits`]; what is no destination for a remote without a record.
    here: u32,
    /// Where frames may not go again, in the same way; zero for a tunnel, which is more than one.
    back: u32,
    /// Bits of destinations that are to be looked at more closely.
    doubtful: u32,
}

impl Gate {
    #[inline]
    pub(crate) const fn new(inlet: Inlet) -> Self {
        let here = match inlet.origin {
            Origin::Port(port) => Destination::Port(port).to_bits(),
            Origin::Remote(remote) => Destination::Remote(remote).to_bits(),
            Origin::Unknown { .. } => u32::MAX,
        };
        let (back, doubtful) = match inlet.from {
            From::Port(port) => (Destination::Port(port).to_bits(), Word::GROUP),
            From::Tunnel(_) => (0, Destination::REMOTE | Word::GROUP),
        };
        Gate {
            inlet,
            here,
            back,
            doubtful,
        }
    }

    #[inline]
    pub(crate) const fn bridge(&self) -> BridgeId {
        self.inlet.bridge
    }

    #[inline]
    pub(super) const fn inlet(&self) -> Inlet {
        self.inlet
    }
}

/// In place of where a frame goes: it was dropped.
pub(super) const GONE: u32 = u32::MAX;

/// Where frames go of which nothing has to be said, as [`Destination::to_bits`]: both stations are
/// known, and the source is here, or is a station of whom nothing is learned. Zero for any other,
/// for which [`bridge`] knows more. Keeps the entries of the sources fresh.
pub(super) struct Quick<'a> {
    pub(super) gate: &'a Gate,
    pub(super) fdb: &'a FdbReader,
    /// What the table says of their stations.
    pub(super) words: &'a [[Word; 2]],
    /// The bits of those that were dropped.
    pub(super) gone: u64,
    pub(super) pairs: &'a [Pair],
    pub(super) tick: u32,
    pub(super) ways: &'a mut [u32],
}

impl Work for Quick<'_> {
    type Output = ();

    #[inline(always)]
    fn work(mut self) {
        let Gate {
            here,
            back,
            doubtful,
            ..
        } = *self.gate;
        let strangers = !self.gate.inlet.learning;
        let mut oldest = u32::MAX;
        // Without a branch, so that it is done for several packets at once.
        for (way, [dst, src]) in self.ways.iter_mut().zip(self.words) {
            let to = dst.to_bits();
            let known = src.to_bits() == here;
            let plain = (to != back) & (to & doubtful == 0);
            *way = if plain & (known | strangers) { to } else { 0 };
            oldest = oldest.min(if known { src.seen() } else { u32::MAX });
        }
        if strangers | (self.gone != 0) {
            self.correct(strangers);
        }
        if !strangers && oldest < self.tick {
            self.touch();
        }
    }
}

impl Quick<'_> {
    #[cold]
    fn correct(&mut self, strangers: bool) {
        for (at, (way, pair)) in self.ways.iter_mut().zip(self.pairs).enumerate() {
            if self.gone.unbounded_shr(at as u32) & 1 != 0 {
                *way = GONE;
            } else if strangers && !pair.src().is_station() {
                *way = 0;
            }
        }
    }

    /// Once a second for each source that is here and on its way.
    #[inline(never)]
    fn touch(&self) {
        let sources = self.pairs.iter().map(Pair::src).zip(self.words);
        for ((key, [_, src]), way) in sources.zip(self.ways.iter()) {
            if ![0, GONE].contains(way)
                && src.seen() < self.tick
                && let Some(found) = self.fdb.read(key, self.fdb.place(key))
                && found.to_bits() == self.gate.here
            {
                self.fdb.touch(&found, self.tick);
            }
        }
    }
}

/// The two stations of a frame.
#[derive(Clone, Copy)]
pub(super) struct Stations {
    src: FdbKey,
    dst: FdbKey,
}

impl Stations {
    /// The stations of a frame with this Ethernet header.
    pub(super) fn of(bridge: BridgeId, header: &[u8; ETHERNET_LEN]) -> Self {
        let (dst, src) = FdbKey::pair(bridge, header);
        Stations { src, dst }
    }
}

/// Where a frame between `stations` goes that entered by `gate`.
pub(super) fn bridge<I: Io>(
    context: &mut Context<'_, I>,
    gate: &Gate,
    stations: &Stations,
) -> Result<Way, DropReason> {
    if !stations.src.is_station() {
        return Err(match gate.inlet.from {
            From::Port(_) => DropReason::SourceInvalid,
            From::Tunnel(_) => DropReason::InnerSource,
        });
    }
    if stations.dst.is_link_local_group() && stations.dst.mac() != BPDU {
        return Err(DropReason::LinkLocal);
    }
    if gate.inlet.learning {
        source(context, gate, stations)?;
    }
    let Some(found) = find(context, stations.dst) else {
        return Ok(Way::Flood);
    };
    if found.to_bits() == gate.back {
        return Err(DropReason::SamePort);
    }
    match (Destination::from_bits(found.to_bits()), gate.inlet.from) {
        (Destination::Port(port), _) => Ok(Way::To(Target::Port(port))),
        (Destination::Remote(id), From::Tunnel(tunnel)) => {
            horizon(context, tunnel, id).map(|()| Way::To(Target::Remote(id)))
        }
        (Destination::Remote(id), _) => Ok(Way::To(Target::Remote(id))),
    }
}

/// Compares the table's idea of the source with the truth: keeps the entry fresh, or tells control.
fn source<I: Io>(
    context: &mut Context<'_, I>,
    gate: &Gate,
    stations: &Stations,
) -> Result<(), DropReason> {
    match find(context, stations.src) {
        Some(found) if found.to_bits() == gate.here => {
            context.fdb.touch(&found, context.learner.tick());
            Ok(())
        }
        Some(found) if found.kind() == Kind::Static => Err(DropReason::StaticElsewhere),
        _ => {
            ask(context, &gate.inlet, stations.src.mac());
            Ok(())
        }
    }
}

fn find<I: Io>(context: &Context<'_, I>, key: FdbKey) -> Option<Found> {
    context.fdb.read(key, context.fdb.place(key))
}

/// The table does not know the station, or knows it elsewhere.
#[cold]
fn ask<I: Io>(context: &mut Context<'_, I>, inlet: &Inlet, mac: Mac) {
    let event = Event::Seen {
        bridge: inlet.bridge,
        mac,
        from: inlet.origin,
    };
    if !context.learner.tell(event) {
        context.stats.events_lost.add(1);
    }
}

/// Never from one remote of a tunnel to another.
#[cold]
fn horizon<I: Io>(
    context: &Context<'_, I>,
    from: TunnelId,
    to: RemoteId,
) -> Result<(), DropReason> {
    match context.snapshot.remote(to) {
        Some(remote) if remote.tunnel == from => Err(DropReason::SplitHorizon),
        _ => Ok(()),
    }
}
