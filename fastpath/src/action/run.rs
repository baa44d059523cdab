//! Runs a program on one packet, and gives it its verdict.

use super::bridge::{Gate, Stations, Way, bridge};
use super::decap::decap;
use super::encap::Outer;
use super::prepare::one_piece;
use super::road::{road, send, up};
use super::tally::Tally;
use super::{Action, Program, Target, flood};
use crate::cpu::Cpu;
use crate::drop::{DropReason, Reasons};
use crate::fdb::FdbReader;
use crate::ids::{LinkId, PortId, RemoteId};
use crate::io::{Io, Packet, Pool};
use crate::learn::Learner;
use crate::parse::Layout;
use crate::snapshot::{Port, RxChecksum, Snapshot};
use crate::stats::{BridgeStats, PortStats, WorkerStats};
use crate::tx::{Outputs, Why};
use crate::wire::Flow;

/// What became of a received packet. Every packet gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Kept by control until a neighbour is known. What becomes of it then is counted then.
    Waiting,
    /// At least one copy was enqueued, and none handed to control.
    Forwarded,
    /// Handed to control.
    Consumed,
    /// Dropped by name.
    Dropped(DropReason),
}

/// What programs work with.
pub struct Context<'a, I: Io> {
    /// What passes over its packets are compiled for.
    pub cpu: Cpu,
    /// The state by which packets are decided.
    pub snapshot: &'a Snapshot,
    /// Which station is where.
    pub fdb: &'a FdbReader,
    /// Where copies come from.
    pub pool: &'a I::Pool,
    /// Where packets go.
    pub outputs: &'a mut Outputs<I>,
    /// What is done about source MACs and unresolved neighbours.
    pub learner: &'a mut Learner,
    /// The worker's counters.
    pub stats: &'a WorkerStats,
    /// What is done about the checksums of the packets at hand.
    pub rx_checksum: RxChecksum,
}

/// What became of a received packet, and of copies of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its verdict.
    pub verdict: Verdict,
    /// Why copies were dropped that have no part in the verdict.
    pub copies_dropped: Reasons,
}

/// Runs `program` on a packet that came from `ingress`, which may have been cut since, and counts its
/// verdict: segments beyond the first count as copies.
pub fn run<I: Io>(
    context: &mut Context<'_, I>,
    ingress: PortId,
    program: &Program,
    layout: &Layout,
    packet: impl IntoIterator<Item = I::Packet>,
) -> Outcome {
    let mut run = Run::new(context, ingress);
    for segment in packet {
        run.program(program, layout, segment);
    }
    run.outcome()
}

/// Takes a packet that came from `ingress`, and may have been cut since, through a bridge, which it has
/// entered and was counted there, and counts its verdict.
pub(super) fn through<I: Io>(
    context: &mut Context<'_, I>,
    ingress: PortId,
    gate: &Gate,
    packet: impl IntoIterator<Item = I::Packet>,
) -> Outcome {
    let mut run = Run::new(context, ingress);
    let mut segments = 0_u64;
    for segment in packet {
        run.bridge(gate, segment);
        segments += 1;
    }
    let counters = run.context.stats.bridge(gate.bridge());
    counters.copied.add(segments.saturating_sub(1));
    run.outcome()
}

impl<I: Io> Context<'_, I> {
    /// A packet in as many segments as `port` takes.
    fn straight(&self, port: &Port, mut packet: I::Packet) -> Result<I::Packet, DropReason> {
        if !port.may_chain {
            one_piece(self.pool, &mut packet)?;
        }
        Ok(packet)
    }
}

/// One packet on its way through a program.
pub(super) struct Run<'r, 'c, I: Io> {
    pub(super) context: &'r mut Context<'c, I>,
    ingress: PortId,
    stats: &'r PortStats,
    /// Of the bridge that it is in.
    inside: Option<&'r BridgeStats>,
    /// How often the packet or a copy of it was delivered or dropped.
    ends: u64,
    /// The end that makes the verdict.
    best: Option<Verdict>,
    /// Why others were dropped.
    copies_dropped: Reasons,
}

/// A target that can take a packet now, or control in its place.
pub(super) enum Reach<'a> {
    Port(&'a Port),
    Remote(Road<'a>),
    /// Nobody on the way to this remote is known yet.
    Wait(RemoteId),
}

/// How a packet gets to a remote.
pub(super) struct Road<'a> {
    pub(super) outer: Outer<'a>,
    /// The underlay link.
    pub(super) link: LinkId,
    /// What the outer header takes from the inner frame.
    pub(super) flow: Flow,
}

impl Reach<'_> {
    pub(super) fn may_chain(&self) -> bool {
        match self {
            Reach::Port(port) => port.may_chain,
            Reach::Remote(road) => road.outer.port.may_chain,
            Reach::Wait(_) => false,
        }
    }
}

impl<'r, 'c, I: Io> Run<'r, 'c, I> {
    fn new(context: &'r mut Context<'c, I>, ingress: PortId) -> Self {
        let stats = context.stats.port(ingress);
        Run {
            context,
            ingress,
            stats,
            inside: None,
            ends: 0,
            best: None,
            copies_dropped: Reasons::NONE,
        }
    }

    fn program(&mut self, program: &Program, layout: &Layout, mut packet: I::Packet) {
        for step in &program.0 {
            match step.action {
                Action::Decap(arrival) => {
                    if let Err(reason) = decap(&mut packet, *layout, self.context.rx_checksum) {
                        return self.end(Verdict::Dropped(reason));
                    }
                    // The frame was counted before.
                    let mut tally = Tally::new(self.context.stats, false);
                    tally.add(&arrival, None, 1, packet.len() as u64);
                    tally.count();
                }
                Action::Output(target) if step.keep => {
                    self.output_copy(target, &packet, !step.edited);
                }
                Action::Output(target) => return self.output(target, packet),
                Action::Bridge(inlet) if step.keep => {
                    match self.context.pool.replicate(&packet, false) {
                        Some(copy) => self.enter(&Gate::new(inlet), copy),
                        None => self.end(Verdict::Dropped(DropReason::NoBuffer)),
                    }
                }
                Action::Bridge(inlet) => return self.enter(&Gate::new(inlet), packet),
                Action::Punt => return self.punt(packet, layout.arp),
                Action::Drop(reason) => return self.end(Verdict::Dropped(reason)),
                Action::DropFault(reason) => {
                    return self.end(Verdict::Dropped(layout.fault.unwrap_or(reason)));
                }
            }
        }
        // A list of as many actions as there can be, and none of them ends the packet.
        self.end(Verdict::Dropped(DropReason::NoDestination));
    }

    fn enter(&mut self, gate: &Gate, packet: I::Packet) {
        self.context.stats.bridge(gate.bridge()).received.add(1);
        self.bridge(gate, packet);
    }

    /// Through a bridge, which it has entered.
    fn bridge(&mut self, gate: &Gate, packet: I::Packet) {
        let counters = self.context.stats.bridge(gate.bridge());
        let before = self.ends;
        self.inside = Some(counters);
        let way = match packet.head().first_chunk() {
            Some(header) => {
                let stations = Stations::of(gate.bridge(), header);
                bridge(self.context, gate, &stations)
            }
            // Who decided to bridge it has seen an Ethernet header.
            None => Err(DropReason::FrameRunt),
        };
        match way {
            Ok(Way::To(target)) => self.output(target, packet),
            Ok(Way::Flood) => flood::flood(self, &gate.inlet(), packet),
            Err(reason) => self.end(Verdict::Dropped(reason)),
        }
        self.inside = None;
        let ends = self.ends - before;
        counters.copied.add(ends.saturating_sub(1));
    }

    fn punt(&mut self, packet: I::Packet, urgent: bool) {
        let verdict = match self
            .context
            .outputs
            .punt(self.ingress, packet, Why::ForUs, urgent)
        {
            Ok(()) => Verdict::Consumed,
            Err(_packet) => Verdict::Dropped(DropReason::PuntFull),
        };
        self.end(verdict);
    }

    fn output(&mut self, target: Target, packet: I::Packet) {
        match self.reach(target, &packet) {
            Ok(reach) => self.deliver(&reach, packet),
            Err(reason) => self.end(Verdict::Dropped(reason)),
        }
    }

    fn output_copy(&mut self, target: Target, packet: &I::Packet, share: bool) {
        match self.reach(target, packet) {
            Ok(reach) => self.deliver_copy(&reach, packet, share),
            Err(reason) => self.end(Verdict::Dropped(reason)),
        }
    }

    /// Whether `target` can take `packet` now, and over what.
    pub(super) fn reach(
        &mut self,
        target: Target,
        packet: &I::Packet,
    ) -> Result<Reach<'c>, DropReason> {
        match target {
            Target::Port(id) => {
                let port = up(self.context.snapshot, id)?;
                if port.fits(packet.len()) {
                    Ok(Reach::Port(port))
                } else {
                    Err(DropReason::MtuExceeded)
                }
            }
            Target::Remote(id) => road(self.context, id, packet),
        }
    }

    /// `share`: the copy may refer to the bytes of `packet`, which nobody will write.
    pub(super) fn deliver_copy(&mut self, reach: &Reach<'_>, packet: &I::Packet, share: bool) {
        let may_chain = share && reach.may_chain();
        match self.context.pool.replicate(packet, may_chain) {
            Some(copy) => self.deliver(reach, copy),
            None => self.end(Verdict::Dropped(DropReason::NoBuffer)),
        }
    }

    pub(super) fn deliver(&mut self, reach: &Reach<'_>, packet: I::Packet) {
        let context = &mut *self.context;
        let done = match reach {
            Reach::Port(port) => context.straight(port, packet).map(|packet| {
                if port.is_underlay() {
                    let (stats, snapshot) = (context.stats, context.snapshot);
                    stats.count_enqueued(snapshot, port.id, packet.head());
                }
                context.outputs.enqueue(port, packet, context.stats);
                Verdict::Forwarded
            }),
            Reach::Remote(road) => context
                .straight(road.outer.port, packet)
                .and_then(|packet| send(context, road, packet).map_err(|(reason, _packet)| reason))
                .map(|()| Verdict::Forwarded),
            Reach::Wait(remote) => {
                let why = Why::Unresolved(*remote);
                let kept = context.outputs.punt(self.ingress, packet, why, false);
                kept.map(|()| Verdict::Waiting)
                    .map_err(|_packet| DropReason::NeighbourUnresolved)
            }
        };
        self.end(done.unwrap_or_else(Verdict::Dropped));
    }

    /// The packet or a copy of it met its end. The best of all ends makes the verdict, the first
    /// drop if there is no better; every other drop is one of a copy.
    pub(super) fn end(&mut self, end: Verdict) {
        self.ends += 1;
        if let Some(bridge) = self.inside {
            match end {
                Verdict::Dropped(_) => bridge.dropped.add(1),
                Verdict::Waiting => bridge.waited.add(1),
                Verdict::Forwarded | Verdict::Consumed => {}
            }
        }
        let rank = |verdict| match verdict {
            Verdict::Dropped(_) => 0,
            Verdict::Waiting => 1,
            Verdict::Forwarded => 2,
            Verdict::Consumed => 3,
        };
        let lesser = match self.best {
            Some(best) if rank(best) >= rank(end) => Some(end),
            _ => self.best.replace(end),
        };
        if let Some(Verdict::Dropped(reason)) = lesser {
            self.copies_dropped.insert(reason);
            self.stats.copies_dropped.count(reason);
        }
    }

    fn outcome(self) -> Outcome {
        self.stats.copied.add(self.ends.saturating_sub(1));
        let verdict = self
            .best
            .unwrap_or(Verdict::Dropped(DropReason::NoDestination));
        match verdict {
            Verdict::Waiting => self.stats.waited.add(1),
            Verdict::Forwarded => self.stats.forwarded.add(1),
            Verdict::Consumed => self.stats.consumed.add(1),
            Verdict::Dropped(reason) => self.stats.dropped.count(reason),
        }
        Outcome {
            verdict,
            copies_dropped: self.copies_dropped,
        }
    }
}
