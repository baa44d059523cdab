//! What the switch would do with a frame, step by step. Nothing is sent, learned, stamped, counted
//! or asked for.
//!
//! ```text
//!   frame --> parse --> resolve --> program, run as a whole ---------> verdict, events
//!                          |           |
//!                        mask          +--> its actions, one by one --> bytes before and after, ends
//! ```
//!
//! Every decision is made by what workers run, on packets of the heap and with ways out that lead
//! nowhere (`bench.rs`). Neither memo nor cache is asked: what they keep is what resolving gives. What
//! depends on other traffic has no part in it: budgets, rings and queues that are full.

mod bench;
pub mod fields;
mod walk;

use bench::Bench;
use fastpath::action::{Action, Target, Verdict};
use fastpath::cpu::ticks;
use fastpath::drop::DropReason;
use fastpath::event::Event;
use fastpath::fdb::FdbReader;
use fastpath::ids::PortId;
use fastpath::key::Mask;
use fastpath::parse::{Layout, Parsed, parse};
use fastpath::resolve::resolve;
use fastpath::snapshot::Snapshot;
use fastpath::stats::WorkerStats;
use walk::Walk;

/// Most ends of one action that are told one by one; the others are counted.
pub const MAX_ENDS: usize = 256;

/// What workers decide by.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The state.
    pub snapshot: &'a Snapshot,
    /// Which station is where. Read on the thread that writes it, or by who passes changes.
    pub fdb: &'a FdbReader,
    /// Where frames are counted that are not there: nothing here reads it.
    pub unread: &'a WorkerStats,
}

/// What would become of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// What the parser found.
    pub parsed: Parsed,
    /// What of it decided. Nothing, if the frame was dropped before.
    pub mask: Mask,
    /// What would be done, in this order. Empty if the frame was dropped before.
    pub steps: Vec<Step>,
    /// The verdict, which is the best of all ends.
    pub verdict: Verdict,
    /// What a worker would tell control, beside the packets that it hands over.
    pub events: Vec<Event>,
    /// What the stages took here. None, if the frame was dropped before.
    pub cycles: Option<Cycles>,
}

/// What the stages of one frame took, in [`ticks`]: more than on a worker, whose code and tables are
/// in the processor's caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycles {
    /// To parse it.
    pub parse: u64,
    /// To resolve it.
    pub resolve: u64,
    /// To do with it what was decided.
    pub act: u64,
}

/// Something that is done to a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub work: Work,
    /// The frame before.
    pub before: Vec<u8>,
    /// The frame afterwards, if it goes on.
    pub after: Option<Vec<u8>>,
    /// What became of the frame, or of copies of it; at most [`MAX_ENDS`].
    pub ends: Vec<End>,
    /// Others to whom the frame is flooded, and that are not in `ends`.
    pub more: usize,
}

/// What is done to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Its layer-4 checksums are computed anew on receipt, and were not right.
    Recompute,
    /// The outer headers are checked and stripped.
    Decap {
        /// Bytes taken off the front.
        front: usize,
        /// Bytes of padding cut off the end.
        back: usize,
    },
    /// Any other action.
    Act(Action),
}

/// The end of a frame, or of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Where it was to go, if that was found out.
    pub to: Option<Target>,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It leaves.
    Sent {
        /// By this port.
        port: PortId,
        /// As it is on the wire, without frame check sequence. The identification of an outer header
        /// that may be fragmented is another one on a worker, which counts them.
        frame: Vec<u8>,
    },
    /// Control keeps it until a neighbour is known, if there is room.
    Waiting,
    /// It is handed to control.
    Consumed,
    /// It is dropped.
    Dropped(DropReason),
}

/// Whether `frame` would be dropped on receipt because its end may be missing, before anybody asks
/// what is in it.
pub fn is_cut(snapshot: &Snapshot, ingress: PortId, frame: &[u8]) -> bool {
    let limit = snapshot.port(ingress).and_then(|port| port.rx_limit);
    limit.is_some_and(|limit| frame.len() >= usize::from(limit))
}

/// What would become of `frame` if `ingress` received it now, with no word of its NIC on checksums.
pub fn explain(world: World<'_>, ingress: PortId, frame: &[u8]) -> Life {
    let snapshot = world.snapshot;
    let began = ticks();
    let parsed = parse(ingress, frame, frame.len(), &snapshot.udp_ports);
    let parse = ticks().saturating_sub(began);
    if is_cut(snapshot, ingress, frame) {
        return Life {
            parsed,
            mask: Mask::default(),
            steps: Vec::new(),
            verdict: Verdict::Dropped(DropReason::FrameTruncated),
            events: Vec::new(),
            cycles: None,
        };
    }
    let began = ticks();
    let resolution = resolve(&parsed.key, snapshot);
    let resolve = ticks().saturating_sub(began);
    let mut walk = Walk::new(world, ingress, parsed.layout, frame);
    let recompute = walk.recompute();
    let mut bench = Bench::new(world, ingress, parsed.layout);
    let verdict = bench.run(snapshot, &resolution.program, walk.frame());
    for action in resolution.program.actions() {
        if !walk.act(action) {
            break;
        }
    }
    Life {
        parsed,
        mask: resolution.mask,
        steps: walk.into_steps(),
        verdict,
        events: bench.told(),
        cycles: Some(Cycles {
            parse,
            resolve,
            act: recompute + bench.took(),
        }),
    }
}

/// What would become of `frame` if a bridge had it for `to`, whoever sent it.
pub fn reach(world: World<'_>, to: Target, frame: &[u8]) -> End {
    let mut bench = Bench::new(world, PortId::modulo(0), Layout::default());
    let fate = bench.fate(world.snapshot, &[Action::Output(to)], frame);
    let to = Some(to);
    End { to, fate }
}

#[cfg(test)]
mod tests;
