//! Runs a program on one packet, and gives it its verdict.

use super::road::{road, send, up};
use super::{Action, Program, Target, decap, flood};
use crate::drop::DropReason;
use crate::ids::{PortId, RemoteId};
use crate::io::{Io, Packet, Pool};
use crate::key::Field;
use crate::learn::Learner;
use crate::parse::Parsed;
use crate::resolve::Decision;
use crate::snapshot::{Port, Remote, RxChecksum, Snapshot};
use crate::stats::{PortStats, WorkerStats};
use crate::tx::{Outputs, Why};
use crate::wire::{Mac, VlanId};

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
    /// The state by which packets are decided.
    pub snapshot: &'a Snapshot,
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

/// Runs `decision` on a packet that came from `ingress`, and counts its verdict.
pub fn run<I: Io>(
    context: &mut Context<'_, I>,
    ingress: PortId,
    decision: &Decision,
    parsed: &Parsed,
    packet: I::Packet,
) -> Verdict {
    let stats = context.stats.port(ingress);
    let mut run = Run {
        context,
        ingress,
        stats,
        ends: 0,
        best: None,
    };
    run.program(decision, parsed, packet);
    run.verdict()
}

/// One packet on its way through a program.
pub(super) struct Run<'r, 'c, I: Io> {
    pub(super) context: &'r mut Context<'c, I>,
    ingress: PortId,
    stats: &'r PortStats,
    /// How often the packet or a copy of it was delivered or dropped.
    ends: u64,
    /// The end that makes the verdict.
    best: Option<Verdict>,
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
    pub(super) remote: &'a Remote,
    pub(super) port: &'a Port,
    pub(super) vlan: Option<VlanId>,
    /// The next hop's.
    pub(super) mac: Mac,
    /// The hash of the inner flow.
    pub(super) flow: u32,
}

impl Reach<'_> {
    pub(super) fn may_chain(&self) -> bool {
        match self {
            Reach::Port(port) | Reach::Remote(Road { port, .. }) => port.may_chain,
            Reach::Wait(_) => false,
        }
    }
}

impl<'c, I: Io> Run<'_, 'c, I> {
    fn program(&mut self, decision: &Decision, parsed: &Parsed, mut packet: I::Packet) {
        let Program(steps) = decision.program;
        for step in steps {
            match step.action {
                Action::Decap(remote) => {
                    if let Err(reason) = decap::decap(&mut packet, parsed, self.context.rx_checksum)
                    {
                        return self.end(Verdict::Dropped(reason));
                    }
                    if let Some(remote) = remote {
                        let counters = self.context.stats.remote(remote);
                        counters.received.add(1);
                        counters.received_bytes.add(packet.len() as u64);
                    }
                }
                Action::Learn => self.learn(decision),
                Action::Output(target) if step.keep => {
                    self.output_copy(target, &packet, !step.edited);
                }
                Action::Output(target) => return self.output(target, packet),
                Action::Flood { bridge, from } if step.keep => {
                    match self.context.pool.replicate(&packet, false) {
                        Some(copy) => flood::flood(self, bridge, from, copy),
                        None => self.end(Verdict::Dropped(DropReason::NoBuffer)),
                    }
                }
                Action::Flood { bridge, from } => return flood::flood(self, bridge, from, packet),
                Action::Punt => {
                    let urgent = parsed.key.get(Field::HAS_ARP) != 0;
                    return self.punt(packet, urgent);
                }
                Action::Drop(reason) => return self.end(Verdict::Dropped(reason)),
                Action::DropFault(reason) => {
                    return self.end(Verdict::Dropped(parsed.fault.unwrap_or(reason)));
                }
            }
        }
        // A list of as many actions as there can be, and none of them ends the packet.
        self.end(Verdict::Dropped(DropReason::NoDestination));
    }

    fn learn(&mut self, decision: &Decision) {
        if !self.context.learner.learn(&decision.source) {
            self.context.stats.events_lost.add(1);
        }
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
        let packet = match self.straight(reach, packet) {
            Ok(packet) => packet,
            Err(reason) => return self.end(Verdict::Dropped(reason)),
        };
        let end = match reach {
            Reach::Port(port) => {
                let stats = self.context.stats;
                self.context.outputs.enqueue(port, packet, stats);
                Verdict::Forwarded
            }
            Reach::Remote(road) => match send(self.context, road, packet) {
                Ok(()) => Verdict::Forwarded,
                Err(reason) => Verdict::Dropped(reason),
            },
            Reach::Wait(remote) => {
                let why = Why::Unresolved(*remote);
                match self.context.outputs.punt(self.ingress, packet, why, false) {
                    Ok(()) => Verdict::Waiting,
                    Err(_packet) => Verdict::Dropped(DropReason::NeighbourUnresolved),
                }
            }
        };
        self.end(end);
    }

    /// A packet in as many segments as its port takes.
    fn straight(&self, reach: &Reach<'_>, packet: I::Packet) -> Result<I::Packet, DropReason> {
        if reach.may_chain() || packet.head().len() == packet.len() {
            return Ok(packet);
        }
        let whole = self.context.pool.replicate(&packet, false);
        whole.ok_or(DropReason::NoBuffer)
    }

    /// The packet or a copy of it met its end. The best of all ends makes the verdict, the first
    /// drop if there is no better; every other drop is one of a copy.
    pub(super) fn end(&mut self, end: Verdict) {
        self.ends += 1;
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
            self.stats.copies_dropped.count(reason);
        }
    }

    fn verdict(self) -> Verdict {
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
        verdict
    }
}
