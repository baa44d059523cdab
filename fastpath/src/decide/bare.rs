//! Packets of a port whose NIC takes outer headers off: decided by their marks, run by run.
//!
//! No memo is asked about the bytes of a packet before its mark was read: an inner frame may begin with
//! what looks like outer headers.

use super::{Ask, Decider, Sources};
use crate::action::{Program, Shape};
use crate::cpu::Work;
use crate::drop::DropReason;
use crate::fdb::Pair;
use crate::ids::BridgeId;
use crate::io::{BURST, Packet};
use crate::offload::Expected;
use crate::offload::belief::Belief;
use crate::offload::hints::Said;
use crate::parse::Parsed;
use crate::plan::Heads;
use crate::trace::note::Decided;
use crate::wire::Mac;
use std::net::Ipv4Addr;

/// A packet whose outer headers are off.
pub(super) struct Stripped<'a> {
    pub(super) expected: &'a Expected,
    pub(super) remote: Ipv4Addr,
    /// The next is to be looked at too.
    pub(super) proving: bool,
}

impl Stripped<'_> {
    /// What would have been found in it as it was sent.
    pub(super) fn parsed<P: Packet>(&self, sources: &Sources<'_>, packet: &P) -> Parsed {
        let ingress = sources.ingress;
        let port = sources.snapshot.port(ingress);
        let own = port.map_or(Mac::new([0; 6]), |port| port.mac);
        let (head, len) = (packet.head(), packet.len());
        self.expected.bare(self.remote, ingress, own, head, len)
    }
}

/// Packets in a row with the mark of one rule that takes outer headers off.
struct Run<'a, P> {
    expected: &'a Expected,
    remote: Ipv4Addr,
    /// Number of the first in its burst.
    at: usize,
    packets: &'a [P],
}

impl<P> Run<'_, P> {
    /// Asks for the stations of its packets, of which nothing comes before the inner frame. `pairs` are
    /// those of the burst.
    #[inline(always)]
    fn ask<'a>(
        &'a self,
        sources: &'a Sources<'_>,
        bridge: BridgeId,
        pairs: &'a mut [Pair],
    ) -> Ask<'a, P> {
        Ask {
            fdb: sources.fdb.view(),
            bridge,
            inside: 0,
            packets: self.packets,
            pairs: pairs.get_mut(self.at..).unwrap_or_default(),
        }
    }
}

impl Decider {
    /// Decides packets of a burst from number `at` on, as far as they have no outer headers, or may have
    /// none. `at` is then the number of the first of others, and what is returned that behind them.
    #[inline(never)]
    pub(super) fn decide_by_mark<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        belief: &Belief<'_>,
        at: &mut usize,
        burst: &[P],
    ) -> usize {
        while let Some(left) = burst.get(*at..)
            && let Some(packet) = left.first()
        {
            let mark = packet.mark();
            let next = left.iter().position(|other| other.mark() != mark);
            let packets = left.get(..next.unwrap_or(left.len())).unwrap_or(left);
            let end = *at + packets.len();
            match mark.map(|mark| belief.hints.said(mark)) {
                Some(Said::Unknown) => {
                    belief.stats.unknown.add(packets.len() as u64);
                    self.refuse(*at);
                }
                Some(Said::Expected(expected)) => {
                    let Some(remote) = expected.remote() else {
                        return end;
                    };
                    let run = Run {
                        expected,
                        remote,
                        at: *at,
                        packets,
                    };
                    self.decide_bare(sources, belief, &run);
                }
                None => return end,
            }
            *at = end;
        }
        burst.len()
    }

    /// Nobody can tell what the packets from `at` on are.
    fn refuse(&mut self, at: usize) {
        let program = Program::drop(DropReason::HeadersInDoubt);
        self.plans
            .start(at, &program, Shape::Other, Heads::InDoubt, None);
    }

    fn decide_bare<P: Packet>(
        &mut self,
        sources: &Sources<'_>,
        belief: &Belief<'_>,
        run: &Run<'_, P>,
    ) {
        if run.expected.is_proved() && self.recall_bare(sources, run) {
            return belief.stats.stripped.add(run.packets.len() as u64);
        }
        for (at, packet) in (run.at..).zip(run.packets) {
            let proving = !run.expected.is_proved();
            let lie = match proving {
                true => belief.unwrap(packet, run.expected, run.remote),
                false => None,
            };
            if lie.is_some() {
                self.lie = lie;
                self.refuse(at);
                continue;
            }
            belief.stats.stripped.add(1);
            let packets = std::slice::from_ref(packet);
            let one = Run {
                at,
                packets,
                ..*run
            };
            self.look_up_bare(sources, &one, proving);
        }
    }

    /// Recalls how packets with this mark are decided. `false` if it is not remembered, or if one of
    /// them is too short for a frame.
    fn recall_bare<P: Packet>(&mut self, sources: &Sources<'_>, run: &Run<'_, P>) -> bool {
        let mark = run.expected.mark();
        let Some(bare) = self.memo.by_mark(sources.ingress, mark) else {
            return false;
        };
        let Shape::Decap(_, gate) = bare.shape else {
            return false;
        };
        let ask = run.ask(sources, gate.bridge(), &mut self.plans.pairs);
        if !sources.cpu.run(ask) {
            return false;
        }
        let count = run.packets.len() as u64;
        sources.stats.hits.add(count);
        bare.known.packets += count;
        self.plans.vlans[run.at % BURST] = run.expected.vlan();
        let decided = Some(Decided::Entry(bare.known.entry.place));
        self.plans.start(
            run.at,
            &bare.known.program,
            bare.shape,
            Heads::Bare,
            decided,
        );
        true
    }

    /// Decides the one packet of a run by the key that it had with its outer headers. `proving`: the next
    /// is to be looked at too.
    #[cold]
    fn look_up_bare<P: Packet>(&mut self, sources: &Sources<'_>, run: &Run<'_, P>, proving: bool) {
        let Some(packet) = run.packets.first() else {
            return;
        };
        let stripped = Stripped {
            expected: run.expected,
            remote: run.remote,
            proving,
        };
        let (program, _, decided) = self.look_up(sources, packet, false, Some(&stripped));
        self.plans.vlans[run.at % BURST] = run.expected.vlan();
        let shape = program.shape();
        if let Shape::Decap(_, gate) = shape {
            let ask = run.ask(sources, gate.bridge(), &mut self.plans.pairs);
            if ask.work() {
                return self
                    .plans
                    .start(run.at, &program, shape, Heads::Bare, decided);
            }
        }
        // No other action makes sense without outer headers.
        let reason = program.refusal();
        let program = Program::drop(reason.unwrap_or(DropReason::HeadersInDoubt));
        self.plans
            .start(run.at, &program, Shape::Other, Heads::Bare, decided);
    }
}
