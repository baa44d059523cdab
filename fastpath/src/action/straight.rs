//! The straight way: into a bridge, perhaps out of a tunnel before, and on to one port or remote.
//!
//! Nearly every packet goes this way. It means the same as [`run`](super::run()), which is asked
//! whenever there is more to be done or said, and differs in what it does for many packets at once:
//!
//! ```text
//! decide:  stations of all packets: hash, prefetch
//! here:    both stations of all packets: read, to where each goes
//!          packets in a row that go to the same place: checked, stripped, buffered
//! ```

use super::Shape;
use super::bridge::{Gate, Stations};
use super::decap::decap;
use super::encap::encap;
use super::road::{Roads, up};
use super::run::{Context, one_piece};
use crate::decide::Run;
use crate::drop::DropReason;
use crate::fdb::Destination;
use crate::ids::{PortId, RemoteId};
use crate::io::{BURST, Io, Packet};
use crate::memo::plain;
use crate::parse::Layout;
use crate::snapshot::RxChecksum;

/// The packets of one burst, run by run.
pub(crate) struct Straight<'s, 'c, I: Io> {
    context: &'s mut Context<'c, I>,
    ingress: PortId,
    /// Verdicts that are not counted yet.
    forwarded: u64,
}

/// What is done with a packet before it goes out. Not a closure, which could not be told to be
/// inlined.
trait Prepare<P> {
    fn prepare(&mut self, packet: &mut P, layout: &Layout) -> Result<(), DropReason>;
}

/// Nothing.
struct AsItIs;

impl<P> Prepare<P> for AsItIs {
    #[inline(always)]
    fn prepare(&mut self, _packet: &mut P, _layout: &Layout) -> Result<(), DropReason> {
        Ok(())
    }
}

/// The outer headers are checked and stripped, and what is left is counted.
///
/// With `PLAIN` the layouts are [`plain`], which makes constants of all places but the end.
#[derive(Default)]
struct Strip<const PLAIN: bool> {
    checksum: RxChecksum,
    packets: u64,
    bytes: u64,
}

impl<const PLAIN: bool> Strip<PLAIN> {
    fn new(checksum: RxChecksum) -> Self {
        Strip {
            checksum,
            ..Self::default()
        }
    }

    /// Packets, and bytes of what was inside them.
    fn stripped(self) -> (u64, u64) {
        (self.packets, self.bytes)
    }
}

impl<P: Packet, const PLAIN: bool> Prepare<P> for Strip<PLAIN> {
    #[inline(always)]
    fn prepare(&mut self, packet: &mut P, layout: &Layout) -> Result<(), DropReason> {
        if PLAIN {
            decap(packet, &plain(layout.end), self.checksum)?;
        } else {
            decap(packet, layout, self.checksum)?;
        }
        self.packets += 1;
        self.bytes += packet.len() as u64;
        Ok(())
    }
}

impl<'s, 'c, I: Io> Straight<'s, 'c, I> {
    /// A way for packets that came from `ingress`.
    pub(crate) fn new(context: &'s mut Context<'c, I>, ingress: PortId) -> Self {
        Straight {
            context,
            ingress,
            forwarded: 0,
        }
    }

    /// Does with the packets of a run, which `packets` gives first, what its program says.
    #[inline(always)]
    pub(crate) fn run(
        &mut self,
        run: &Run,
        layouts: &[Layout],
        stations: &[Stations],
        packets: &mut impl ExactSizeIterator<Item = I::Packet>,
    ) {
        let count = layouts.len().min(packets.len());
        match &run.shape {
            Shape::Bridge(gate) => {
                let ways = self.ways(gate, stations, count);
                self.groups(run, &ways[..count], layouts, packets, AsItIs);
            }
            Shape::Decap(remote, gate) => {
                let ways = self.ways(gate, stations, count);
                let checksum = self.context.rx_checksum;
                let stripped = if run.plain {
                    let strip = Strip::<true>::new(checksum);
                    self.groups(run, &ways[..count], layouts, packets, strip)
                        .stripped()
                } else {
                    let strip = Strip::<false>::new(checksum);
                    self.groups(run, &ways[..count], layouts, packets, strip)
                        .stripped()
                };
                if let (Some(remote), (packets, bytes)) = (remote, stripped) {
                    let counters = self.context.stats.remote(*remote);
                    counters.received.add(packets);
                    counters.received_bytes.add(bytes);
                }
            }
            Shape::Other => self.long(run, layouts, packets),
        }
    }

    /// Where the first `count` packets go, as [`Gate::quick`].
    #[inline(always)]
    fn ways(&self, gate: &Gate, stations: &[Stations], count: usize) -> [u32; BURST] {
        let (fdb, tick) = (self.context.fdb.view(), self.context.learner.tick());
        let mut ways = [0; BURST];
        for (way, stations) in ways.iter_mut().zip(stations).take(count) {
            *way = gate.quick(&fdb, stations, tick);
        }
        ways
    }

    /// Takes packets in a row that go the same way together. `prepare` is done with each that is
    /// not asked about again.
    #[inline(always)]
    fn groups<T: Prepare<I::Packet>>(
        &mut self,
        run: &Run,
        mut ways: &[u32],
        mut layouts: &[Layout],
        packets: &mut impl Iterator<Item = I::Packet>,
        mut prepare: T,
    ) -> T {
        while let Some(way) = ways.first() {
            let count = ways.iter().take_while(|other| *other == way).count();
            let here = &layouts[..count];
            match (*way, Destination::from_bits(*way)) {
                (0, _) => self.long(run, here, packets),
                (_, Destination::Port(id)) => self.port(id, here, packets, &mut prepare),
                (_, Destination::Remote(id)) => self.remote(run, id, here, packets),
            }
            (ways, layouts) = (&ways[count..], &layouts[count..]);
        }
        prepare
    }

    #[inline(always)]
    fn port(
        &mut self,
        id: PortId,
        layouts: &[Layout],
        packets: &mut impl Iterator<Item = I::Packet>,
        prepare: &mut impl Prepare<I::Packet>,
    ) {
        let Context {
            snapshot,
            pool,
            outputs,
            stats,
            ..
        } = &mut *self.context;
        let port = match up(snapshot, id) {
            Ok(port) => port,
            Err(reason) => {
                for (layout, mut packet) in layouts.iter().zip(packets) {
                    let checked = prepare.prepare(&mut packet, layout);
                    self.dropped(checked.err().unwrap_or(reason));
                }
                return;
            }
        };
        // Asked once for all of them: what is in a packet cannot change it.
        let (longest, may_chain) = (port.longest(), port.may_chain);
        let drops = &stats.port(self.ingress).dropped;
        let mut output = outputs.way_out(id);
        let mut sent = 0;
        for (layout, mut packet) in layouts.iter().zip(packets) {
            if let Err(reason) = prepare.prepare(&mut packet, layout) {
                drops.count(reason);
            } else if packet.len() > longest {
                drops.count(DropReason::MtuExceeded);
            } else {
                match one_piece(*pool, may_chain, packet) {
                    Ok(packet) => {
                        sent += 1;
                        output.push(port, packet, stats);
                    }
                    Err(reason) => drops.count(reason),
                }
            }
        }
        stats.port(id).enqueued.add(sent);
        self.forwarded += sent;
    }

    /// From a port only: out of one tunnel and into another is doubtful.
    #[inline(always)]
    fn remote(
        &mut self,
        run: &Run,
        id: RemoteId,
        layouts: &[Layout],
        packets: &mut impl Iterator<Item = I::Packet>,
    ) {
        let Some(remote) = self.context.snapshot.remote(id) else {
            return self.long(run, layouts, packets);
        };
        let mut roads = Roads::new(self.context.snapshot, remote);
        let (mut sent, mut bytes) = (0, 0);
        // The port that they leave by, and how many of them are not counted there yet.
        let (mut port, mut enqueued) = (None, 0);
        for (layout, packet) in layouts.iter().zip(packets) {
            // What waits, and what is dropped for want of a way, is told by the long way.
            let Ok(road) = roads.road(&packet) else {
                super::run(self.context, self.ingress, &run.program, layout, packet);
                continue;
            };
            let len = packet.len() as u64;
            let piece = one_piece(self.context.pool, road.port.may_chain, packet);
            match piece.and_then(|packet| encap(self.context, &road, packet)) {
                Ok(packet) => {
                    sent += 1;
                    bytes += len;
                    if port != Some(road.port.id) {
                        self.enqueued(port, enqueued);
                        (port, enqueued) = (Some(road.port.id), 0);
                    }
                    enqueued += 1;
                    let Context { outputs, stats, .. } = &mut *self.context;
                    outputs.forward(road.port, packet, stats);
                }
                Err(reason) => self.dropped(reason),
            }
        }
        self.enqueued(port, enqueued);
        self.forwarded += sent;
        let counters = self.context.stats.remote(id);
        counters.sent.add(sent);
        counters.sent_bytes.add(bytes);
    }

    fn enqueued(&self, port: Option<PortId>, packets: u64) {
        if let Some(port) = port {
            self.context.stats.port(port).enqueued.add(packets);
        }
    }

    fn long(
        &mut self,
        run: &Run,
        layouts: &[Layout],
        packets: &mut impl Iterator<Item = I::Packet>,
    ) {
        for (layout, packet) in layouts.iter().zip(packets) {
            super::run(self.context, self.ingress, &run.program, layout, packet);
        }
    }

    #[cold]
    fn dropped(&self, reason: DropReason) {
        self.context.stats.port(self.ingress).dropped.count(reason);
    }

    /// Counts what is not counted yet. To be called behind the last packet.
    pub(crate) fn end(self) {
        let stats = self.context.stats.port(self.ingress);
        stats.forwarded.add(self.forwarded);
    }
}
