//! The long way, for packets that are flooded, wait, are for the switch itself, or are dropped by name.

use super::Straight;
use crate::action::run::{Context, Outcome, Verdict, run, through};
use crate::cut::{Segments, cut, noted};
use crate::drop::{DropReason, Reasons};
use crate::ids::PortId;
use crate::io::{Io, Left, Packet};
use crate::plan::{Plan, Plans};
use crate::recompute::settle;
use crate::snapshot::TxChecksums;
use crate::trace::last::Place;
use std::ops::Range;

impl<I: Io> Straight<'_, '_, I> {
    /// One by one.
    pub(super) fn long(&mut self, plans: &Plans, group: Range<usize>) {
        let Straight {
            context, ingress, ..
        } = self;
        let ingress = *ingress;
        for (at, mut packet) in group.zip(self.packets.each()) {
            // Copies may be made of it, which know nothing of it.
            let plan = plans.of(at);
            let open = self.facts.open && packet.is_open() && !plan.only_drops();
            let left = if open { noted(&packet) } else { None };
            if open && left.is_none() {
                settle(&mut packet, TxChecksums::default());
            }
            let headers = plans.as_received(at, &mut packet);
            let Outcome {
                verdict,
                copies_dropped,
            } = match left {
                None => carry_out(context, ingress, plan, std::iter::once(packet)),
                Some(left) => carry_out_cut(context, ingress, plan, &packet, left),
            };
            let Context {
                stats, snapshot, ..
            } = &**context;
            stats.count_verdict(snapshot, ingress, &headers, verdict);
            let last = &stats.last_drops;
            if let Verdict::Dropped(reason) = verdict {
                last.keep(reason, ingress, Place::Received, &headers);
            }
            for reason in copies_dropped.iter() {
                last.keep(reason, ingress, Place::Copy, &headers);
            }
            context.outputs.watch().note(at, verdict, copies_dropped);
        }
    }
}

/// Does with a packet, in as many segments as it was cut into, what is planned.
fn carry_out<I: Io>(
    context: &mut Context<'_, I>,
    ingress: PortId,
    plan: Plan<'_>,
    packet: impl IntoIterator<Item = I::Packet>,
) -> Outcome {
    match plan {
        Plan::Bridge(gate) => through(context, ingress, gate, packet),
        Plan::Other(program, layout) => run(context, ingress, program, &layout, packet),
    }
}

/// Does that with a packet that is cut before. Apart: segments take a lot of stack.
#[cold]
#[inline(never)]
fn carry_out_cut<I: Io>(
    context: &mut Context<'_, I>,
    ingress: PortId,
    plan: Plan<'_>,
    packet: &I::Packet,
    left: Left,
) -> Outcome {
    match cut_all(context, packet, left) {
        Ok(segments) => carry_out(context, ingress, plan, segments),
        Err(reason) => refuse(context, ingress, plan, reason),
    }
}

/// Cuts a packet, and makes all checksums. Buffers are for what any port takes.
fn cut_all<I: Io>(
    context: &mut Context<'_, I>,
    packet: &I::Packet,
    left: Left,
) -> Result<Segments<I::Packet>, DropReason> {
    let ports = context.snapshot.ports.iter().flatten();
    let longest = ports.map(|port| port.longest()).max();
    if Some(left.longest(packet.len())) > longest {
        return Err(DropReason::MtuExceeded);
    }
    let ip_ids = context.outputs.ip_ids();
    let segments = cut(context.pool, packet, left, TxChecksums::default(), ip_ids);
    segments.ok_or(DropReason::NoBuffer)
}

/// Segments cannot be made of a packet.
fn refuse<I: Io>(
    context: &Context<'_, I>,
    ingress: PortId,
    plan: Plan<'_>,
    reason: DropReason,
) -> Outcome {
    if let Plan::Bridge(gate) = plan {
        context.stats.bridge(gate.bridge()).dropped.add(1);
    }
    context.stats.port(ingress).dropped.count(reason);
    Outcome {
        verdict: Verdict::Dropped(reason),
        copies_dropped: Reasons::NONE,
    }
}
