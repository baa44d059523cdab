//! The straight way: into a bridge, perhaps out of a tunnel before, and on to one port or remote.
//!
//! Nearly every packet goes this way. It means the same as [`run`](super::run()), which is asked
//! whenever there is more to be done or said, and differs in that each step is done for many
//! packets at once, each in its place in the burst:
//!
//! ```text
//! decide:  stations of all packets: hash, prefetch
//! here:    packets in a row from the same remote: stripped
//!          stations of all packets: read
//!          packets in a row from the same port or remote: to where each goes
//!          packets in a row that go to the same place: prepared, and into the buffer of the port
//! ```

mod cut;
mod long;

use super::Shape;
use super::around::Around;
use super::bridge::{GONE, Quick};
use super::encap::Outer;
use super::packets::Packets;
use super::prepare::{AsItIs, Losses, Prepare, Strip, Weigh, Wrap};
use super::road::{count_sent, link, up};
use super::run::Context;
use super::tally::Tally;
use crate::cpu::Work;
use crate::fdb::{Destination, FdbView, Pair, Word};
use crate::ids::{PortId, RemoteId};
use crate::io::{BURST, Burst, Io, Packet};
use crate::offload::Front;
use crate::parse::vlan;
use crate::plan::{Layouts, Plan, Plans, Run};
use crate::snapshot::{Hop, Port, Remote};
use crate::wire::Flow;
use cut::Group;
use std::ops::Range;

/// What is known of all packets of a burst.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    /// None of them has more bytes.
    pub(crate) longest: usize,
    /// All are in one segment.
    pub(crate) whole: bool,
    /// They came by an underlay port.
    pub(crate) underlay: bool,
    /// The sender of some left its checksum open.
    pub(crate) open: bool,
}

/// What is noted of each packet on the way. Kept between bursts, so that it is not cleared for each.
pub(crate) struct Scratch {
    words: [[Word; 2]; BURST],
    ways: [u32; BURST],
    flows: [Flow; BURST],
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch {
            words: [[Word::default(); 2]; BURST],
            ways: [0; BURST],
            flows: [Flow::default(); BURST],
        }
    }
}

const _: () = assert!(BURST <= u64::BITS as usize, "a bit for each packet");

/// The packets of one burst, run by run.
pub(crate) struct Straight<'s, 'c, I: Io> {
    context: &'s mut Context<'c, I>,
    ingress: PortId,
    facts: Facts,
    packets: Packets<I::Packet>,
    /// The bits of packets that are dropped, and counted.
    gone: u64,
    /// Verdicts that are not counted yet.
    forwarded: u64,
}

impl<'s, 'c, I: Io> Straight<'s, 'c, I> {
    /// A way for a burst that came from `ingress`.
    #[inline(always)]
    pub(crate) fn new(
        context: &'s mut Context<'c, I>,
        ingress: PortId,
        facts: Facts,
        burst: Burst<I::Packet>,
    ) -> Self {
        Straight {
            context,
            ingress,
            facts,
            packets: Packets::new(burst),
            gone: 0,
            forwarded: 0,
        }
    }

    /// Does with each packet what is planned.
    #[inline(always)]
    pub(crate) fn carry_out(mut self, plans: &Plans, scratch: &mut Scratch) {
        let count = self.packets.as_mut_slice().len();
        self.strip(plans, count);
        let pairs = plans.pairs.get(..count).unwrap_or_default();
        let Scratch { words, ways, flows } = scratch;
        self.context.cpu.run(Words {
            fdb: self.context.fdb.view(),
            pairs,
            words,
        });
        for (range, run) in plans.runs(count) {
            if !matches!(run.shape, Shape::Decap(..)) {
                self.count_received(plans, run, range.clone());
            }
            let ways = ways.get_mut(range.clone()).unwrap_or_default();
            match &run.shape {
                Shape::Bridge(gate) | Shape::Decap(_, gate) => self.context.cpu.run(Quick {
                    gate,
                    fdb: self.context.fdb,
                    words: words.get(range.clone()).unwrap_or_default(),
                    gone: self.gone.unbounded_shr(range.start as u32),
                    pairs: pairs.get(range).unwrap_or_default(),
                    tick: self.context.learner.tick(),
                    ways,
                }),
                Shape::Other => ways.fill(0),
            }
        }
        self.groups(plans, ways.get(..count).unwrap_or_default(), flows);
        let stats = self.context.stats.port(self.ingress);
        stats.forwarded.add(self.forwarded);
    }

    /// Counts packets that came by no tunnel, for their bridge and their links.
    #[inline(always)]
    fn count_received(&mut self, plans: &Plans, run: &Run, range: Range<usize>) {
        let Context {
            stats, snapshot, ..
        } = &*self.context;
        if let Shape::Bridge(gate) = &run.shape {
            stats.bridge(gate.bridge()).received.add(range.len() as u64);
        }
        if !self.facts.underlay {
            return;
        }
        let front = plans.front(run);
        if front != Front::Whole {
            let frames = stats.frames(snapshot, self.ingress, front.vlan(&[]));
            return frames.map_or((), |frames| frames.received.add(range.len() as u64));
        }
        let packets = self.packets.as_mut_slice().get(range);
        for packet in packets.unwrap_or_default() {
            if let Some(frames) = stats.frames(snapshot, self.ingress, vlan(packet.head())) {
                frames.received.add(1);
            }
        }
    }

    /// Checks and strips the outer headers of packets from tunnels, in their places.
    #[inline(always)]
    fn strip(&mut self, plans: &Plans, count: usize) {
        let Context {
            cpu,
            outputs,
            stats,
            snapshot,
            rx_checksum: checksums,
            ..
        } = &mut *self.context;
        let (cpu, stats, checksums) = (*cpu, *stats, *checksums);
        let losses = &mut Losses {
            ingress: self.ingress,
            stats,
            snapshot,
            watch: outputs.watch(),
        };
        let packets = self.packets.as_mut_slice();
        let mut tally = Tally::new(stats, true);
        for (range, run) in plans.runs(count) {
            let Shape::Decap(arrival, gate) = &run.shape else {
                continue;
            };
            let start = range.start;
            let layouts = plans.layouts_of(run, range.clone());
            let packets = packets.get_mut(range).unwrap_or_default();
            let arrived = packets.len() as u64;
            let (refused, bytes) = match layouts {
                Layouts::Plain(places) => cpu.run(Strip {
                    packets,
                    places,
                    checksums,
                    start,
                    losses,
                }),
                Layouts::Each(places) => cpu.run(Strip {
                    packets,
                    places,
                    checksums,
                    start,
                    losses,
                }),
                Layouts::Bare => (0, cpu.run(Weigh { packets })),
            };
            self.gone |= refused.unbounded_shl(start as u32);
            let received = arrived - u64::from(refused.count_ones());
            tally.add(arrival, Some(gate.bridge()), received, bytes);
        }
        tally.count();
    }

    /// Takes packets in a row that go the same way together, whatever they came in by.
    #[inline(always)]
    fn groups(&mut self, plans: &Plans, ways: &[u32], flows: &mut [Flow; BURST]) {
        let mut at = 0;
        while let Some(way) = ways.get(at) {
            let group = at..at + alike(ways.get(at..).unwrap_or_default());
            at = group.end;
            match (*way, Destination::from_bits(*way)) {
                (GONE, _) => self.packets.each().take(group.len()).for_each(drop),
                (0, _) => self.long(plans, group),
                (_, Destination::Port(id)) => self.port(plans, id, group),
                (_, Destination::Remote(id)) => self.remote(plans, id, group, flows),
            }
        }
    }

    #[inline(always)]
    fn port(&mut self, plans: &Plans, id: PortId, group: Range<usize>) {
        match up(self.context.snapshot, id) {
            Ok(port) => {
                let places = [(); BURST];
                let places = places.get(..group.len()).unwrap_or_default();
                let mut prepare = AsItIs::new(self.facts, port);
                self.deliver(plans, group.start, port, places, &mut prepare);
            }
            // In vain, and the long way has the name of it.
            Err(_) => self.long(plans, group),
        }
    }

    #[inline(always)]
    fn remote(
        &mut self,
        plans: &Plans,
        id: RemoteId,
        group: Range<usize>,
        flows: &mut [Flow; BURST],
    ) {
        let Some(remote) = self.context.snapshot.remote(id) else {
            return self.long(plans, group);
        };
        let flows = flows.get_mut(..group.len()).unwrap_or_default();
        self.context.cpu.run(Flows {
            packets: self.packets.as_mut_slice(),
            flows,
        });
        let (mut at, mut flows) = (group.start, &*flows);
        let hops = &remote.next_hops;
        if let Some(hop) = hops.only() {
            return self.hop(plans, remote, Some(hop), at, flows);
        }
        while let Some(flow) = flows.first() {
            let hop = hops.pick(flow.hash).ok();
            let more = flows.iter().skip(1);
            let alike = more.take_while(|flow| hops.pick(flow.hash).ok() == hop);
            let (here, later) = flows
                .split_at_checked(1 + alike.count())
                .unwrap_or_default();
            self.hop(plans, remote, hop, at, here);
            (at, flows) = (at + here.len(), later);
        }
    }

    /// Packets from number `at` on that go to a remote over the same neighbour, if there is one.
    #[inline(always)]
    fn hop(&mut self, plans: &Plans, remote: &Remote, hop: Option<Hop>, at: usize, flows: &[Flow]) {
        let road = hop.and_then(|hop| Some((link(self.context.snapshot, hop.link).ok()?, hop)));
        // What waits, and what is dropped for want of a way, is told by the long way.
        let Some(((port, vlan), hop)) = road else {
            return self.long(plans, at..at + flows.len());
        };
        let mut wrap = Wrap::new(self.facts, Outer::new(remote, port, vlan, hop.mac));
        let counts = self.deliver(plans, at, port, flows, &mut wrap);
        count_sent(self.context.stats, remote.id, hop.link, counts);
    }

    /// As many packets as there are places, from number `at` on, prepared, to `port`. Returns how
    /// many went there, and the bytes that are to be counted of them.
    #[inline(always)]
    fn deliver<T: Prepare<I>>(
        &mut self,
        plans: &Plans,
        at: usize,
        port: &Port,
        places: &[T::Place],
        prepare: &mut T,
    ) -> (u64, u64) {
        let (refused, bytes) = if prepare.is_nothing() {
            (0, 0)
        } else {
            let cpu = self.context.cpu;
            cpu.run(Each {
                context: self.context,
                ingress: self.ingress,
                plans,
                start: at,
                packets: self.packets.as_mut_slice(),
                places,
                prepare,
            })
        };
        if let Some(around) = prepare.around() {
            self.complete(around, places.len(), refused);
        }
        if refused != 0 {
            self.count_refused(plans, at, refused);
        }
        if self.facts.open && self.any_uncut(places.len()) {
            let wraps = T::WRAPS;
            let group = Group {
                at,
                count: places.len(),
                refused,
                bytes,
                wraps,
            };
            return self.deliver_cut(plans, port, &group);
        }
        if !T::WRAPS && port.is_underlay() {
            self.count_enqueued(port, places.len(), refused);
        }
        let Context { outputs, stats, .. } = &mut *self.context;
        let mut way = outputs.way_out(port.id);
        let count = places.len();
        if let Some(burst) = self.packets.whole(count).filter(|_| refused == 0) {
            way.push_burst(port, burst, stats);
        } else {
            let packets = self.packets.each().take(count).enumerate();
            let kept = packets.filter(|(at, _)| refused >> at & 1 == 0);
            way.push_all(port, kept.map(|(_, packet)| packet), stats);
        }
        let packets = count as u64 - u64::from(refused.count_ones());
        stats.port(port.id).enqueued.add(packets);
        self.forwarded += packets;
        (packets, bytes)
    }

    /// Does what is to be done about checksums of the next `count` packets, but for those of these bits.
    #[cold]
    fn complete(&mut self, around: Around<'_>, count: usize, refused: u64) {
        let packets = self.packets.as_mut_slice().iter_mut();
        let packets = packets.take(count).enumerate();
        for (_, packet) in packets.filter(|(at, _)| refused >> at & 1 == 0) {
            around.complete(packet);
        }
    }

    /// Counts packets that are dropped, from number `at` on those of these bits, for their bridges.
    #[cold]
    fn count_refused(&self, plans: &Plans, at: usize, refused: u64) {
        let refused = (at..BURST)
            .zip(0..)
            .filter(|(_, bit)| refused >> bit & 1 != 0);
        for (at, _) in refused {
            if let Plan::Bridge(gate) = plans.of(at) {
                self.context.stats.bridge(gate.bridge()).dropped.add(1);
            }
        }
    }

    /// Counts the next `count` packets, but for those of these bits, for their links.
    #[cold]
    fn count_enqueued(&mut self, port: &Port, count: usize, refused: u64) {
        let Context {
            stats, snapshot, ..
        } = &*self.context;
        let packets = self.packets.as_mut_slice().iter().take(count).enumerate();
        for (_, packet) in packets.filter(|(at, _)| refused >> at & 1 == 0) {
            stats.count_enqueued(snapshot, port.id, packet.head());
        }
    }
}

/// What the table says of all stations, as far as their first buckets do.
struct Words<'a> {
    fdb: FdbView<'a>,
    pairs: &'a [Pair],
    words: &'a mut [[Word; 2]],
}

impl Work for Words<'_> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        self.fdb.words(self.pairs, self.words);
    }
}

/// What an outer header takes from each packet.
struct Flows<'a, P> {
    packets: &'a [P],
    flows: &'a mut [Flow],
}

impl<P: Packet> Work for Flows<'_, P> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        for (flow, packet) in self.flows.iter_mut().zip(self.packets) {
            *flow = Flow::of(packet.head());
        }
    }
}

/// Each packet is prepared. The bits of those that are to be dropped, which are counted, and the
/// bytes of the others.
struct Each<'a, 'c, I: Io, T: Prepare<I>> {
    context: &'a mut Context<'c, I>,
    ingress: PortId,
    plans: &'a Plans,
    /// Number of the first of them in its burst.
    start: usize,
    packets: &'a mut [I::Packet],
    places: &'a [T::Place],
    prepare: &'a mut T,
}

impl<I: Io, T: Prepare<I>> Work for Each<'_, '_, I, T> {
    type Output = (u64, u64);

    #[inline(always)]
    fn work(self) -> (u64, u64) {
        let (mut refused, mut bytes) = (0, 0);
        for (at, (packet, place)) in self.packets.iter_mut().zip(self.places).enumerate() {
            match self.prepare.prepare(self.context, packet, place) {
                Ok(len) => bytes += len as u64,
                Err(reason) => {
                    refused |= 1 << at;
                    let Context {
                        stats,
                        snapshot,
                        outputs,
                        ..
                    } = &mut *self.context;
                    let mut losses = Losses {
                        ingress: self.ingress,
                        stats,
                        snapshot,
                        watch: outputs.watch(),
                    };
                    let at = self.start + at;
                    let headers = self.plans.as_received(at, packet);
                    losses.lose(at, &headers, reason);
                }
            }
        }
        (refused, bytes)
    }
}

/// How many of `ways` from the first on are the same as that: mostly all of them.
#[inline(always)]
fn alike(ways: &[u32]) -> usize {
    let first = ways.first().copied().unwrap_or_default();
    if ways.get(1).is_some_and(|second| *second != first) {
        return 1;
    }
    // Without a branch, so that several are compared at once.
    if ways.iter().fold(0, |differ, way| differ | (way ^ first)) == 0 {
        return ways.len();
    }
    ways.iter().take_while(|way| **way == first).count()
}
