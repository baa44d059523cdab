//! What is done with the packets of a burst, as it was decided.

use crate::action::{Gate, Program, Shape};
use crate::fdb::Pair;
use crate::io::BURST;
use crate::memo::plain;
use crate::parse::Layout;
use crate::trace::note::Decided;
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
    /// The stations of frames that enter a bridge.
    pub(crate) pairs: [Pair; BURST],
}

/// Packets in a row with which the same is done.
struct Run {
    shape: Shape,
    /// Of [`Plans::programs`].
    program: u8,
    plain: bool,
    packets: Range<u8>,
    decided: Option<Decided>,
}

/// Where the headers of packets are.
#[derive(Clone, Copy)]
pub(crate) enum Layouts<'a> {
    /// Each as it is.
    Each(&'a [Layout]),
    /// They are [`plain`], and end here.
    Plain(&'a [u32]),
}

/// What is done with a packet.
pub(crate) enum Plan<'a> {
    /// It has entered a bridge.
    Bridge(&'a Gate),
    /// This, with its headers where these are.
    Other(&'a Program, Layout),
}

impl Plans {
    /// Of an empty burst.
    pub(crate) fn new() -> Self {
        Plans {
            runs: ArrayVec::new(),
            programs: ArrayVec::new(),
            layouts: [Layout::default(); BURST],
            ends: [0; BURST],
            pairs: [Pair::NOBODY; BURST],
        }
    }

    /// Forgets the burst before.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.programs.clear();
    }

    /// The packets from `at` on, up to the next run, are done by `program`. `plain`: [`Self::ends`]
    /// has their layouts. `decided`: by what it was.
    #[inline(always)]
    pub(crate) fn start(
        &mut self,
        at: usize,
        program: &Program,
        shape: Shape,
        plain: bool,
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
            plain,
            packets: at as u8..BURST as u8,
            decided,
        });
    }

    /// The runs of a burst of `count` packets, in their order. The stations are those of the frames
    /// that enter a bridge, if the shape says that they do.
    #[inline(always)]
    pub(crate) fn runs(
        &self,
        count: usize,
    ) -> impl Iterator<Item = (Range<usize>, &Shape, Layouts<'_>)> {
        self.runs.iter().map(move |run| {
            let range = usize::from(run.packets.start)..count.min(run.packets.end.into());
            let layouts = if run.plain {
                Layouts::Plain(self.ends.get(range.clone()).unwrap_or_default())
            } else {
                Layouts::Each(self.layouts.get(range.clone()).unwrap_or_default())
            };
            (range, &run.shape, layouts)
        })
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

    /// How many bytes of outer headers were taken off one packet.
    pub(crate) fn stripped(&self, at: usize) -> usize {
        match self.run(at) {
            Some(run) if matches!(run.shape, Shape::Decap(..)) => {
                self.layout(run, at).inner_at.into()
            }
            _ => 0,
        }
    }

    /// What decided the packets, if anything did: how many that follow each other, and what.
    pub(crate) fn decided(&self) -> impl Iterator<Item = (usize, Option<Decided>)> {
        self.runs.iter().map(|run| (run.packets.len(), run.decided))
    }

    fn run(&self, at: usize) -> Option<&Run> {
        let over = |run: &Run| usize::from(run.packets.end) <= at;
        self.runs.get(self.runs.partition_point(over))
    }

    fn layout(&self, run: &Run, at: usize) -> Layout {
        if run.plain {
            plain(self.ends[at % BURST])
        } else {
            self.layouts[at % BURST]
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
