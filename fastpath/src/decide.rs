//! From a burst to what is done with each packet: recalled, or parsed and looked up, or resolved.

use crate::action::{Program, Shape, Stations};
use crate::cache::{Cache, Hit, Insertion};
use crate::drop::DropReason;
use crate::fdb::{FdbReader, FdbView};
use crate::ids::{BridgeId, PortId};
use crate::io::{BURST, Packet};
use crate::memo::{Memo, Recalled, plain};
use crate::parse::{ETHERNET_LEN, Layout, parse};
use crate::resolve::resolve;
use crate::snapshot::{RxChecksum, Snapshot};
use crate::stats::CacheStats;
use arrayvec::ArrayVec;
use std::ops::Range;

/// New flows that a worker resolves in one round, so that they cannot starve established ones. A
/// flow whose decision is only to be renewed does not count.
pub(crate) const RESOLVE_BUDGET: usize = 64;

/// What is done with the packets of a burst. Kept between bursts, so that it is not cleared for each.
pub(crate) struct Plans {
    /// One for each run of packets that share it.
    runs: ArrayVec<Run, BURST>,
    layouts: [Layout; BURST],
    stations: [Stations; BURST],
}

/// Packets in a row with which the same is done.
pub(crate) struct Run {
    pub(crate) program: Program,
    pub(crate) shape: Shape,
    /// The layouts are [`plain`].
    pub(crate) plain: bool,
    packets: Range<u8>,
}

impl Plans {
    fn new() -> Self {
        Plans {
            runs: ArrayVec::new(),
            layouts: [Layout::default(); BURST],
            stations: [Stations::NOBODY; BURST],
        }
    }

    /// All runs, in the order of the packets, with the layout and the stations of each packet. The
    /// stations are those of the frame that enters a bridge, if the shape says that it does.
    #[inline(always)]
    pub(crate) fn runs(&self) -> impl Iterator<Item = (&Run, &[Layout], &[Stations])> {
        self.runs.iter().map(|run| {
            let range = usize::from(run.packets.start)..usize::from(run.packets.end);
            let layouts = self.layouts.get(range.clone()).unwrap_or_default();
            (run, layouts, self.stations.get(range).unwrap_or_default())
        })
    }

    /// Where the headers of each packet are.
    pub(crate) fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// The packets from `at` on, up to the next run, are done by `program`.
    #[inline(always)]
    fn start(&mut self, at: usize, program: Program, plain: bool) -> Enters {
        if let Some(run) = self.runs.last_mut() {
            run.packets.end = at as u8;
        }
        let shape = program.shape();
        self.runs.push(Run {
            program,
            shape,
            plain,
            packets: at as u8..BURST as u8,
        });
        match shape {
            Shape::Bridge(gate) => Enters {
                bridge: Some(gate.bridge()),
                inside: false,
            },
            Shape::Decap(_, gate) => Enters {
                bridge: Some(gate.bridge()),
                inside: true,
            },
            Shape::Other => Enters::default(),
        }
    }

    /// Some packet of the run begun last has no stations.
    #[cold]
    fn long_way(&mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.shape = Shape::Other;
        }
    }
}

/// Where the packets of a run enter a bridge, if they do.
#[derive(Clone, Copy, Default)]
struct Enters {
    bridge: Option<BridgeId>,
    /// It is the inner frame that does.
    inside: bool,
}

impl Enters {
    /// The stations of a packet, if it enters a bridge and is long enough.
    #[inline(always)]
    fn of(
        &self,
        head: &[u8],
        inner: Option<&[u8; ETHERNET_LEN]>,
        fdb: &FdbView<'_>,
    ) -> Option<Stations> {
        let frame = if self.inside {
            inner
        } else {
            head.first_chunk()
        };
        Some(Stations::if_sound(self.bridge?, frame?, fdb))
    }
}

/// What decisions are made with: all of it is read only, but for the counters.
pub(crate) struct Sources<'a> {
    pub(crate) ingress: PortId,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) fdb: &'a FdbReader,
    pub(crate) stats: &'a CacheStats,
}

/// Decides packets, and keeps what it decided.
pub(crate) struct Decider {
    pub(crate) cache: Cache,
    pub(crate) memo: Memo,
    /// New flows that may still be resolved in this round.
    pub(crate) budget: usize,
    plans: Plans,
}

impl Decider {
    /// Keeps at most `entries` decisions.
    pub(crate) fn new(entries: usize) -> Self {
        Decider {
            cache: Cache::new(entries),
            memo: Memo::default(),
            budget: 0,
            plans: Plans::new(),
        }
    }

    /// Decides the packets of a burst, and asks for what they will need of the forwarding table.
    #[inline(always)]
    pub(crate) fn decide<P: Packet>(&mut self, sources: &Sources<'_>, burst: &[P]) -> &Plans {
        self.plans.runs.clear();
        // Who writes to a packet before it is acted upon wants to know all that is in it.
        let port = sources.snapshot.port(sources.ingress);
        let parse_all = port.is_none_or(|port| port.rx_checksum == RxChecksum::Recompute);
        if parse_all || !self.decide_by_port(sources, burst) {
            self.decide_each(sources, burst, parse_all);
        }
        &self.plans
    }

    /// If all packets of this port enter a bridge whatever is in them, and are long enough.
    #[inline(always)]
    fn decide_by_port<P: Packet>(&mut self, sources: &Sources<'_>, burst: &[P]) -> bool {
        let Sources {
            ingress,
            fdb,
            stats,
            ..
        } = *sources;
        let Some(program) = self.memo.by_port(ingress) else {
            return false;
        };
        let shape = program.shape();
        let Shape::Bridge(gate) = &shape else {
            return false;
        };
        let fdb = fdb.view();
        for (packet, place) in burst.iter().zip(&mut self.plans.stations) {
            let Some(frame) = packet.head().first_chunk() else {
                return false;
            };
            let stations = Stations::if_sound(gate.bridge(), frame, &fdb);
            stations.prefetch(&fdb);
            *place = stations;
        }
        stats.hits.add(burst.len() as u64);
        self.plans.start(0, *program, false);
        true
    }

    #[inline(always)]
    fn decide_each<P: Packet>(&mut self, sources: &Sources<'_>, burst: &[P], parse_all: bool) {
        let Sources {
            ingress,
            fdb,
            stats,
            ..
        } = *sources;
        let fdb = fdb.view();
        let (mut hits, mut last) = (0, None);
        let mut enters = Enters::default();
        for (at, packet) in burst.iter().enumerate() {
            let head = packet.head();
            let known = head.first_chunk().filter(|_| !parse_all).and_then(|head| {
                let (place, end) = self.memo.outer(ingress, head, packet.len())?;
                Some((head, place, end))
            });
            let stations = if let Some((head, place, end)) = known {
                hits += 1;
                if last != Some(place) {
                    last = Some(place);
                    let program = *self.memo.program(ingress, Recalled::Outer(place));
                    enters = self.plans.start(at, program, true);
                }
                self.plans.layouts[at % BURST] = plain(end);
                enters.of(head, head.last_chunk(), &fdb)
            } else {
                last = None;
                let (program, layout) = self.look_up(sources, packet, parse_all);
                enters = self.plans.start(at, program, false);
                self.plans.layouts[at % BURST] = layout;
                let inner = head.get(usize::from(layout.inner_at)..);
                enters.of(head, inner.and_then(|inner| inner.first_chunk()), &fdb)
            };
            match stations {
                Some(stations) => {
                    stations.prefetch(&fdb);
                    self.plans.stations[at % BURST] = stations;
                }
                None if enters.bridge.is_none() => {}
                // The long way has a name for it.
                None => self.plans.long_way(),
            }
        }
        stats.hits.add(hits);
    }

    /// The decision for a packet that no memo knows.
    #[cold]
    fn look_up<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        packet: &P,
        parse_all: bool,
    ) -> (Program, Layout) {
        let Sources {
            ingress,
            snapshot,
            stats,
            ..
        } = *sources;
        let head = packet.head();
        // By the port alone, and into no bridge: what is in it is not asked.
        if let Some(program) = self.memo.by_port(ingress).filter(|_| !parse_all)
            && head.len() >= ETHERNET_LEN
        {
            stats.hits.add(1);
            return (*program, Layout::default());
        }
        let parsed = parse(ingress, head, packet.len(), &snapshot.udp_ports);
        let generation = snapshot.port(ingress).map_or(0, |port| port.generation);
        let hit = self.cache.lookup(&parsed.key, generation);
        let (program, mask) = if let Some(Hit { program, mask }) = hit {
            stats.hits.add(1);
            (program, mask)
        } else {
            stats.misses.add(1);
            if !self.cache.knows(&parsed.key) {
                let Some(left) = self.budget.checked_sub(1) else {
                    let over = Program::drop(DropReason::ResolveBudget);
                    return (over, parsed.layout);
                };
                self.budget = left;
            }
            let resolution = resolve(&parsed.key, snapshot);
            count(
                stats,
                self.cache.insert(&parsed.key, &resolution, generation),
            );
            stats.entries.set(self.cache.len());
            stats.masks.set(self.cache.masks());
            (resolution.program, resolution.mask)
        };
        // A cache that is turned off remembers nothing here either.
        if self.cache.capacity() > 0 {
            self.memo.remember(ingress, head, &parsed, &mask, &program);
        }
        (program, parsed.layout)
    }
}

fn count(stats: &CacheStats, insertion: Insertion) {
    match insertion {
        Insertion::Kept { replaced, evicted } => {
            stats.inserted.add(1);
            stats.replaced.add(replaced as u64);
            stats.evicted.add(evicted as u64);
        }
        Insertion::MaskLimit => stats.mask_limit.add(1),
        Insertion::Off => {}
    }
}
