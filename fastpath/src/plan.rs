//! What is done with the packets of a burst, as it was decided.

use crate::action::{Action, Gate, Program, Shape};
use crate::fdb::Pair;
use crate::io::{BURST, Packet};
use crate::memo::plain;
use crate::offload::Front;
use crate::parse::Layout;
use crate::trace::last::Headers;
use crate::trace::note::Decided;
use crate::wire::VlanId;
use arrayvec::ArrayVec;
use std::ops::Range;

/// What is done with the packets of a burst. Kept between bursts, so that it is not cleared for
/// each.
pub(crate) struct Plans {
    runs: ArrayVec<Run, BURST>,
    /// Of runs of no common shape.
    programs: ArrayVec<Program, BURST>,
    /// Of packets that were parsed.
    pub(crate) layouts: [Layout; BURST],
    /// [`Layout::end`] of packets whose layout is [`plain`] but for that.
    pub(crate) ends: [u32; BURST],
    /// The VLANs of runs without outer headers, by the number of their first packet.
    pub(crate) vlans: [Option<VlanId>; BURST],
    /// The stations of frames that enter a bridge.
    pub(crate) pairs: [Pair; BURST],
}

/// Packets in a row with which the same is done.
pub(crate) struct Run {
    pub(crate) shape: Shape,
    /// Of [`Plans::programs`].
    program: u8,
    heads: Heads,
    packets: Range<u8>,
    decided: Option<Decided>,
}

/// Where the outer headers of packets in a row are.
#[derive(Clone, Copy)]
pub(crate) enum Heads {
    /// Where [`Plans::layouts`] says.
    Each,
    /// They are [`plain`], and end where [`Plans::ends`] says.
    Plain,
    /// The NIC has taken them off, of frames of the VLAN that [`Plans::vlans`] has for the first.
    Bare,
    /// Nobody can tell whether it has.
    InDoubt,
}

/// Where the headers of packets are.
#[derive(Clone, Copy)]
pub(crate) enum Layouts<'a> {
    /// Each as it is.
    Each(&'a [Layout]),
    /// They are [`plain`], and end here.
    Plain(&'a [u32]),
    /// Outer headers are off, or may be.
    Bare,
}

/// What is done with a packet.
pub(crate) enum Plan<'a> {
    /// It has entered a bridge.
    Bridge(&'a Gate),
    /// This, with its headers where these are.
    Other(&'a Program, Layout),
}

impl Plan<'_> {
    /// Nothing is sent.
    pub(crate) fn only_drops(&self) -> bool {
        match self {
            Plan::Bridge(_) => false,
            Plan::Other(program, _) => {
                let first = program.actions().next();
                matches!(first, Some(Action::Drop(_) | Action::DropFault(_)))
            }
        }
    }
}

impl Plans {
    /// Of an empty burst.
    pub(crate) fn new() -> Self {
        Plans {
            runs: ArrayVec::new(),
            programs: ArrayVec::new(),
            layouts: [Layout::default(); BURST],
            ends: [0; BURST],
            vlans: [None; BURST],
            pairs: [Pair::NOBODY; BURST],
        }
    }

    /// Forgets the burst before.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.programs.clear();
    }

    /// The packets from `at` on, up to the next run, are done by `program`. `decided`: by what it was.
    #[inline(always)]
    pub(crate) fn start(
        &mut self,
        at: usize,
        program: &Program,
        shape: Shape,
        heads: Heads,
        decided: Option<Decided>,
    ) {
        if let Some(run) = self.runs.last_mut() {
            run.packets.end = at as u8;
        }
        let number = self.programs.len() as u8;
        if matches!(shape, Shape::Other) {
            self.programs.push(*program);
        }
        self.runs.push(Run {
            shape,
            program: number,
            heads,
            packets: at as u8..BURST as u8,
            decided,
        });
    }

    /// The runs of a burst of `count` packets, in their order. The stations are those of the frames
    /// that enter a bridge, if the shape says that they do.
    #[inline(always)]
    pub(crate) fn runs(&self, count: usize) -> impl Iterator<Item = (Range<usize>, &Run)> {
        self.runs.iter().map(move |run| {
            let range = usize::from(run.packets.start)..count.min(run.packets.end.into());
            (range, run)
        })
    }

    /// Where the headers of packets of a run are.
    #[inline(always)]
    pub(crate) fn layouts_of(&self, run: &Run, range: Range<usize>) -> Layouts<'_> {
        match run.heads {
            Heads::Plain => Layouts::Plain(self.ends.get(range).unwrap_or_default()),
            Heads::Each => Layouts::Each(self.layouts.get(range).unwrap_or_default()),
            Heads::Bare | Heads::InDoubt => Layouts::Bare,
        }
    }

    /// What is done with one packet. If it came out of a tunnel, after its outer headers are gone.
    pub(crate) fn of(&self, at: usize) -> Plan<'_> {
        match self.run(at) {
            Some(run) => match run.shape {
                Shape::Bridge(ref gate) | Shape::Decap(_, ref gate) => Plan::Bridge(gate),
                Shape::Other => {
                    let program = self.programs.get(usize::from(run.program));
                    let program = program.unwrap_or(&Program::NOTHING);
                    Plan::Other(program, self.layout(run, at))
                }
            },
            None => Plan::Other(&Program::NOTHING, Layout::default()),
        }
    }

    /// The headers of packet number `at` as it came in, be the outer ones taken off here meanwhile.
    pub(crate) fn as_received<P: Packet>(&self, at: usize, packet: &mut P) -> Headers {
        let Some(run) = self.run(at) else {
            return Headers::of(packet);
        };
        match run.shape {
            Shape::Decap(..) if matches!(run.heads, Heads::Each | Heads::Plain) => {
                Headers::as_received(packet, self.layout(run, at).inner_at.into())
            }
            _ => Headers::of(packet).left(self.front(run)),
        }
    }

    /// What the NIC left of the front of the packets of a run.
    pub(crate) fn front(&self, run: &Run) -> Front {
        match run.heads {
            Heads::Each | Heads::Plain => Front::Whole,
            Heads::Bare => Front::Bare(self.vlans[usize::from(run.packets.start) % BURST]),
            Heads::InDoubt => Front::InDoubt,
        }
    }

    /// What decided the packets, if anything did: how many that follow each other, what, and what the
    /// NIC left of their front.
    pub(crate) fn decided(&self) -> impl Iterator<Item = (usize, Option<Decided>, Front)> {
        let runs = self.runs.iter();
        runs.map(|run| (run.packets.len(), run.decided, self.front(run)))
    }

    fn run(&self, at: usize) -> Option<&Run> {
        let over = |run: &Run| usize::from(run.packets.end) <= at;
        self.runs.get(self.runs.partition_point(over))
    }

    fn layout(&self, run: &Run, at: usize) -> Layout {
        match run.heads {
            Heads::Plain => plain(self.ends[at % BURST]),
            Heads::Each => self.layouts[at % BURST],
            // No header of the packet as it is has to be found.
            Heads::Bare | Heads::InDoubt => Layout::default(),
        }
    }

    /// Where the headers of each packet are.
    pub(crate) fn layouts(&self, count: usize) -> ArrayVec<Layout, BURST> {
        let all = self.runs.iter().flat_map(|run| {
            let range = usize::from(run.packets.start)..count.min(run.packets.end.into());
            range.map(|at| self.layout(run, at))
        });
        all.take(BURST).collect()
    }
}
