//! The learning bridge, in Linux's order: source, link-local groups, learning, destination.
//!
//! Both stations are looked up for each packet, in the forwarding table as it is now: nothing is
//! kept of it that could go stale. See `docs/decisions/0040-the-table-is-read-live.md`.

use super::run::Context;
use super::{From, Inlet, Target};
use crate::drop::DropReason;
use crate::event::{Event, Origin};
use crate::fdb::{Destination, FdbKey, FdbPlace, FdbView, Kind};
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
#[derive(Clone, Copy)]
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
            From::Port(port) => (Destination::Port(port).to_bits(), 0),
            From::Tunnel(_) => (0, Destination::REMOTE),
        };
        Gate {
            inlet,
            here,
            back,
            doubtful,
        }
    }

    /// Where a frame goes of which nothing has to be said or written, as
    /// [`Destination::to_bits`]: both stations are known, the source is here and was seen in this
    /// second. Zero for any other, for which [`bridge`] knows more.
    #[inline(always)]
    pub(super) fn quick(&self, fdb: &FdbView<'_>, stations: &Stations, tick: u32) -> u32 {
        let to = fdb.word(stations.dst, stations.dst_place).to_bits();
        let src = fdb.word(stations.src, stations.src_place);
        let known = src.to_bits() == self.here && src.seen() >= tick;
        let plain = to != self.back && to & self.doubtful == 0;
        if plain & (known | !self.inlet.learning) {
            to
        } else {
            0
        }
    }

    #[inline]
    pub(crate) const fn bridge(&self) -> BridgeId {
        self.inlet.bridge
    }
}

/// The two stations of a frame, and where the forwarding table has them if it does.
#[derive(Clone, Copy)]
pub(crate) struct Stations {
    src: FdbKey,
    dst: FdbKey,
    src_place: FdbPlace,
    dst_place: FdbPlace,
}

impl Stations {
    /// In place of those that are not looked for.
    pub(crate) const NOBODY: Stations = Stations {
        src: FdbKey::NOBODY,
        dst: FdbKey::NOBODY,
        src_place: FdbPlace::NOWHERE,
        dst_place: FdbPlace::NOWHERE,
    };

    /// The stations of a frame with this Ethernet header.
    #[inline(always)]
    pub(crate) fn of(bridge: BridgeId, header: &[u8; ETHERNET_LEN], fdb: &FdbView<'_>) -> Self {
        let (dst, src) = FdbKey::pair(bridge, header);
        Stations {
            src,
            dst,
            src_place: fdb.place(src),
            dst_place: fdb.place(dst),
        }
    }

    /// The same for [`Gate::quick`], which need not look for a frame that no bridge forwards.
    #[inline(always)]
    pub(crate) fn if_sound(
        bridge: BridgeId,
        header: &[u8; ETHERNET_LEN],
        fdb: &FdbView<'_>,
    ) -> Self {
        let mut stations = Self::of(bridge, header, fdb);
        if !stations.src.is_station() | stations.dst.is_link_local_group() {
            stations.dst = FdbKey::NOBODY;
        }
        stations
    }

    /// Asks for the lines that will be read.
    #[inline(always)]
    pub(crate) fn prefetch(&self, fdb: &FdbView<'_>) {
        fdb.prefetch(self.src_place);
        fdb.prefetch(self.dst_place);
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
    let found = context.fdb.read(stations.dst, stations.dst_place);
    let Some(found) = found else {
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
    let found = context.fdb.read(stations.src, stations.src_place);
    match found {
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
