//! From a burst to what is done with each packet: recalled, or parsed and looked up, or resolved.

mod bare;

use self::bare::Stripped;
use crate::action::{Program, Shape};
use crate::cache::{Cache, EntryId, Hit, Insertion, Survey, Task};
use crate::cpu::{Cpu, Work, ticks};
use crate::drop::DropReason;
use crate::fdb::{FdbKey, FdbReader, FdbView, Pair};
use crate::ids::{BridgeId, PortId};
use crate::io::{BURST, Packet};
use crate::key::FlowKey;
use crate::memo::{INNER_AT, Memo};
use crate::offload::Lie;
use crate::offload::belief::Belief;
use crate::parse::{ETHERNET_LEN, Layout, Parsed, parse};
use crate::plan::{Heads, Plans};
use crate::resolve::{Resolution, resolve};
use crate::snapshot::{RxChecksum, Snapshot};
use crate::stats::CacheStats;
use crate::trace::note::Decided;
use arrayvec::ArrayVec;
use std::ops::Range;

/// New flows that a worker resolves in one round, so that they cannot starve established ones. A
/// flow whose decision is only to be renewed does not count.
pub(crate) const RESOLVE_BUDGET: usize = 64;

/// What decisions are made with: all of it is read only, but for the counters.
pub(crate) struct Sources<'a> {
    pub(crate) cpu: Cpu,
    pub(crate) ingress: PortId,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) fdb: &'a FdbReader,
    pub(crate) stats: &'a CacheStats,
    /// What the NIC says, if it is believed anything.
    pub(crate) belief: Option<Belief<'a>>,
}

/// Decides packets, and keeps what it decided.
pub(crate) struct Decider {
    pub(crate) cache: Cache,
    pub(crate) memo: Memo,
    /// New flows that may still be resolved in this round.
    pub(crate) budget: usize,
    /// What the NIC said of a packet since this was last taken, and that is not so.
    pub(crate) lie: Option<Lie>,
    plans: Plans,
}

impl Decider {
    /// Keeps at most `entries` decisions.
    pub(crate) fn new(entries: usize) -> Self {
        Decider {
            cache: Cache::new(entries),
            memo: Memo::default(),
            budget: 0,
            lie: None,
            plans: Plans::new(),
        }
    }

    /// Decides the packets of a burst, and asks for what they will need of the forwarding table.
    #[inline(always)]
    pub(crate) fn decide<P: Packet>(&mut self, sources: &Sources<'_>, burst: &[P]) -> &Plans {
        self.plans.clear();
        // Who writes to a packet before it is acted upon wants to know all that is in it.
        let port = sources.snapshot.port(sources.ingress);
        let parse_all = port.is_none_or(|port| port.rx_checksum == RxChecksum::Recompute);
        let strips = sources.belief.as_ref().filter(|it| it.hints.strips);
        let by_port = !parse_all && strips.is_none() && self.decide_by_port(sources, burst);
        let mut at = if by_port { burst.len() } else { 0 };
        while at < burst.len() {
            let end = match strips {
                Some(belief) => self.decide_by_mark(sources, belief, &mut at, burst),
                None => burst.len(),
            };
            let usual = burst.get(at..end).unwrap_or_default();
            self.decide_each(sources, at, usual, parse_all);
            at = end;
        }
        &self.plans
    }

    /// If all packets of this port enter a bridge whatever is in them, and are long enough.
    #[inline(always)]
    fn decide_by_port<P: Packet>(&mut self, sources: &Sources<'_>, burst: &[P]) -> bool {
        let Sources {
            cpu,
            ingress,
            fdb,
            stats,
            ..
        } = *sources;
        let Some(known) = self.memo.by_port(ingress) else {
            return false;
        };
        let Shape::Bridge(gate) = known.program.shape() else {
            return false;
        };
        let ask = Ask {
            fdb: fdb.view(),
            bridge: gate.bridge(),
            inside: 0,
            packets: burst,
            pairs: &mut self.plans.pairs,
        };
        if !cpu.run(ask) {
            return false;
        }
        stats.hits.add(burst.len() as u64);
        known.packets += burst.len() as u64;
        let decided = Some(Decided::Entry(known.entry.place));
        self.plans
            .start(0, &known.program, Shape::Bridge(gate), Heads::Each, decided);
        true
    }

    /// Packets of a burst from number `at` on, one after the other.
    #[inline(always)]
    fn decide_each<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        mut at: usize,
        burst: &[P],
        parse_all: bool,
    ) {
        let mut left = burst;
        while let Some(packet) = left.first() {
            let recalled = if parse_all {
                0
            } else {
                self.recall(sources, at, left)
            };
            let done = if recalled > 0 {
                recalled
            } else {
                self.decide_one(sources, at, packet, parse_all);
                1
            };
            (at, left) = (at + done, left.get(done..).unwrap_or_default());
        }
    }

    /// Recalls how packets are decided by their outer headers, from the first of `burst`, number
    /// `at` of its burst, to the first that is not remembered. Returns how many there are.
    #[inline(always)]
    fn recall<P: Packet>(&mut self, sources: &Sources<'_>, at: usize, burst: &[P]) -> usize {
        let mut runs = ArrayVec::new();
        let count = sources.cpu.run(Recall {
            memo: &self.memo,
            ingress: sources.ingress,
            packets: burst,
            ends: self.plans.ends.get_mut(at..).unwrap_or_default(),
            runs: &mut runs,
        });
        sources.stats.hits.add(count as u64);
        let mut waiting = 0..0;
        let mut enters = None;
        for (place, run) in runs {
            let outer = self.memo.at(place);
            outer.known.packets += run.len() as u64;
            let (known, shape) = (&outer.known, outer.shape);
            let decided = Some(Decided::Entry(known.entry.place));
            self.plans
                .start(at + run.start, &known.program, shape, Heads::Plain, decided);
            let next = match outer.shape {
                Shape::Bridge(gate) => Some((gate.bridge(), 0)),
                Shape::Decap(_, gate) => Some((gate.bridge(), INNER_AT)),
                Shape::Other => None,
            };
            if next != enters {
                self.ask(sources, enters, at, burst, waiting);
                (enters, waiting) = (next, run.clone());
            }
            waiting.end = run.end;
        }
        self.ask(sources, enters, at, burst, waiting);
        count
    }

    /// Asks for the stations of recalled packets of `burst`, which begins at number `at`, that enter
    /// a bridge.
    #[inline(always)]
    fn ask<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        enters: Option<(BridgeId, usize)>,
        at: usize,
        burst: &[P],
        which: Range<usize>,
    ) {
        if let Some((bridge, inside)) = enters {
            // Done with all of them: they are as long as what was compared.
            sources.cpu.run(Ask {
                fdb: sources.fdb.view(),
                bridge,
                inside,
                pairs: self
                    .plans
                    .pairs
                    .get_mut(at + which.start..)
                    .unwrap_or_default(),
                packets: burst.get(which).unwrap_or_default(),
            });
        }
    }

    /// Decides a packet that no memo knows, number `at` of its burst.
    #[cold]
    fn decide_one<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        at: usize,
        packet: &P,
        parse_all: bool,
    ) {
        let (program, layout, decided) = self.look_up(sources, packet, parse_all, None);
        self.plans.layouts[at % BURST] = layout;
        let shape = program.shape();
        let (gate, inside) = match shape {
            Shape::Bridge(gate) => (gate, 0),
            Shape::Decap(_, gate) => (gate, usize::from(layout.inner_at)),
            Shape::Other => return self.plans.start(at, &program, shape, Heads::Each, decided),
        };
        let ask = Ask {
            fdb: sources.fdb.view(),
            bridge: gate.bridge(),
            inside,
            packets: std::slice::from_ref(packet),
            pairs: self.plans.pairs.get_mut(at..).unwrap_or_default(),
        };
        // Too short for a frame: the long way has a name for it.
        let shape = if ask.work() { shape } else { Shape::Other };
        self.plans.start(at, &program, shape, Heads::Each, decided);
    }

    /// The decision for a packet that no memo knows. `stripped`: its outer headers are off.
    #[inline(always)]
    fn look_up<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        packet: &P,
        parse_all: bool,
        stripped: Option<&Stripped<'_>>,
    ) -> (Program, Layout, Option<Decided>) {
        let Sources {
            ingress,
            snapshot,
            stats,
            ..
        } = *sources;
        let head = packet.head();
        // By the port alone, and into no bridge: what is in it is not asked.
        if stripped.is_none()
            && let Some(known) = self.memo.by_port(ingress).filter(|_| !parse_all)
            && head.len() >= ETHERNET_LEN
        {
            stats.hits.add(1);
            known.packets += 1;
            let decided = Decided::Entry(known.entry.place);
            return (known.program, Layout::default(), Some(decided));
        }
        let (parsed, proving) = match stripped {
            None => self.read(sources, packet),
            Some(stripped) => (stripped.parsed(sources, packet), stripped.proving),
        };
        let generation = snapshot.port(ingress).map_or(0, |port| port.generation);
        let (hit, decided) = if let Some(hit) = self.cache.lookup(&parsed.key, generation) {
            stats.hits.add(1);
            (hit, Decided::Entry(hit.entry.place))
        } else {
            stats.misses.add(1);
            if !self.cache.knows(&parsed.key) {
                let Some(left) = self.budget.checked_sub(1) else {
                    let over = Program::drop(DropReason::ResolveBudget);
                    return (over, parsed.layout, None);
                };
                self.budget = left;
            }
            let began = ticks();
            let resolution = resolve(&parsed.key, snapshot);
            let kept = self.keep(stats, &parsed.key, &resolution, generation);
            let took = ticks().saturating_sub(began);
            stats.resolve_times.add(took, 1);
            stats.resolve_ticks.add(took);
            let Resolution { program, mask } = resolution;
            let Some(entry) = kept else {
                return (program, parsed.layout, Some(Decided::Resolved));
            };
            let hit = Hit {
                program,
                mask,
                entry,
            };
            (hit, Decided::Made(entry.place))
        };
        if proving {
            return (hit.program, parsed.layout, Some(decided));
        }
        let before = match stripped {
            None => self.memo.remember(ingress, head, &parsed, &hit),
            Some(stripped) => {
                let mark = stripped.expected.mark();
                self.memo.remember_mark(ingress, mark, &hit)
            }
        };
        if let Some(before) = before {
            self.cache.credit(before.entry, before.packets);
            self.cache.set_remembered(before.entry, false);
            self.cache.set_remembered(hit.entry, true);
        }
        (hit.program, parsed.layout, Some(decided))
    }

    /// What is in a packet, and whether the next like it is to be read too.
    fn read<P: Packet>(&mut self, sources: &Sources<'_>, packet: &P) -> (Parsed, bool) {
        let Some(belief) = &sources.belief else {
            let ports = &sources.snapshot.udp_ports;
            let parsed = parse(sources.ingress, packet.head(), packet.len(), ports);
            return (parsed, false);
        };
        let read = belief.read(packet);
        self.lie = read.lie.or(self.lie);
        (read.parsed, read.proving)
    }

    /// Keeps a decision, if there may be one more.
    fn keep(
        &mut self,
        stats: &CacheStats,
        key: &FlowKey,
        resolution: &Resolution,
        generation: u32,
    ) -> Option<EntryId> {
        let insertion = self.cache.insert(key, resolution, generation);
        stats.entries.set(self.cache.len());
        stats.masks.set(self.cache.masks());
        match insertion {
            Insertion::Kept {
                entry,
                replaced,
                evicted,
            } => {
                stats.inserted.add(1);
                stats.replaced.add(replaced as u64);
                stats.evicted.add(evicted as u64);
                return Some(entry);
            }
            Insertion::MaskLimit => stats.mask_limit.add(1),
            Insertion::Off => {}
        }
        None
    }

    /// Credits entries with what was recalled in their place.
    fn settle(&mut self) {
        let cache = &mut self.cache;
        self.memo
            .settle(|entry, packets| cache.credit(entry, packets));
    }

    /// Recalls nothing any more: there is another snapshot, or what it rests on is gone.
    pub(crate) fn forget(&mut self) {
        let cache = &mut self.cache;
        self.memo.settle(|entry, packets| {
            cache.credit(entry, packets);
            cache.set_remembered(entry, false);
        });
        self.memo.forget();
    }

    /// Goes on with a survey of the cache. `true` if it is done: after a flush, nothing is decided any
    /// more by what was kept when it began.
    #[cold]
    pub(crate) fn survey(
        &mut self,
        survey: &mut Survey,
        snapshot: &Snapshot,
        stats: &CacheStats,
    ) -> bool {
        if let Task::Find(probe) = survey.task() {
            let (finding, record) = self.probe(&probe, snapshot);
            survey.tell(finding, record);
            return true;
        }
        if !survey.has_begun() {
            self.settle();
        }
        let before = self.cache.len();
        let done = self.cache.survey(survey);
        stats.flushed.add((before - self.cache.len()) as u64);
        stats.entries.set(self.cache.len());
        stats.masks.set(self.cache.masks());
        if done && survey.task() == Task::Flush {
            self.forget();
        }
        done
    }
}

/// Asks for the stations of frames that enter a bridge, which begin `inside` bytes into the packets.
/// `false` if one is too short.
struct Ask<'a, P> {
    fdb: FdbView<'a>,
    bridge: BridgeId,
    inside: usize,
    packets: &'a [P],
    pairs: &'a mut [Pair],
}

impl<P: Packet> Work for Ask<'_, P> {
    type Output = bool;

    #[inline(always)]
    fn work(self) -> bool {
        let frame = self.inside..self.inside + ETHERNET_LEN;
        for (packet, pair) in self.packets.iter().zip(self.pairs) {
            let frame = packet.head().get(frame.clone());
            let Some(header) = frame.and_then(|frame| frame.first_chunk()) else {
                return false;
            };
            let (dst, src) = FdbKey::pair(self.bridge, header);
            *pair = self.fdb.ask(dst, src);
        }
        true
    }
}

/// How many packets have outer headers that are remembered, up to the first that has not. Notes
/// where they end, and in which place of the memo those of packets in a row are.
struct Recall<'a, P> {
    memo: &'a Memo,
    ingress: PortId,
    packets: &'a [P],
    ends: &'a mut [u32],
    runs: &'a mut ArrayVec<(u8, Range<usize>), BURST>,
}

impl<P: Packet> Work for Recall<'_, P> {
    type Output = usize;

    #[inline(always)]
    fn work(mut self) -> usize {
        let mut at = 0;
        while let Some((place, count)) = self.alike(at) {
            // A packet is in one run, so there is room.
            let _ = self.runs.try_push((place, at..at + count));
            at += count;
        }
        at
    }
}

impl<P: Packet> Recall<'_, P> {
    /// The place of the outer headers of packet number `at`, and how many in a row have the same.
    #[inline(always)]
    fn alike(&mut self, at: usize) -> Option<(u8, usize)> {
        let packets = self.packets.get(at..)?;
        let (place, outer) = self
            .memo
            .outer(self.ingress, packets.first()?.head().first_chunk()?)?;
        let mut count = 0;
        for (packet, end) in packets.iter().zip(self.ends.get_mut(at..)?) {
            let head = packet.head().first_chunk();
            let Some(known) = head.and_then(|head| outer.end(head, packet.len())) else {
                break;
            };
            *end = known;
            count += 1;
        }
        (count > 0).then_some((place, count))
    }
}
