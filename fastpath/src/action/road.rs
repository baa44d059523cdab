//! The way to a remote: which next hop, over which port, and the packet put on it.

use super::encap::{Outer, encap, outer_ip_len};
use super::run::{Context, Reach, Road};
use crate::drop::DropReason;
use crate::ids::{LinkId, PortId, RemoteId};
use crate::io::{Io, Packet};
use crate::snapshot::{NoHop, Port, Snapshot};
use crate::stats::WorkerStats;
use crate::tx::drop_waiting;
use crate::wire::{Flow, VlanId};

/// The port, if it is up.
pub(super) fn up(snapshot: &Snapshot, id: PortId) -> Result<&Port, DropReason> {
    let port = snapshot.port(id).filter(|port| port.up);
    port.ok_or(DropReason::PortDown)
}

/// How `packet` gets to a remote now. Where no neighbour on the way is known, state is asked for
/// one, by the packet itself if it keeps packets.
pub(super) fn road<'c, I: Io>(
    context: &mut Context<'c, I>,
    id: RemoteId,
    packet: &I::Packet,
) -> Result<Reach<'c>, DropReason> {
    let remote = context.snapshot.remote(id).ok_or(DropReason::PortDown)?;
    let flow = Flow::of(packet.head());
    let hop = match remote.next_hops.pick(flow.hash) {
        Ok(hop) => hop,
        Err(NoHop::Wait) => return Ok(Reach::Wait(id)),
        Err(NoHop::Down) => return Err(DropReason::TunnelDown),
        Err(NoHop::NoRoute) => return Err(DropReason::NoRoute),
        Err(NoHop::Unresolved) => {
            if !context.learner.unresolved(id) {
                context.stats.events_lost.add(1);
            }
            return Err(DropReason::NeighbourUnresolved);
        }
    };
    let (port, vlan) = link(context.snapshot, hop.link)?;
    if outer_ip_len(packet.len()) > usize::from(port.mtu) {
        return Err(DropReason::MtuExceeded);
    }
    let (outer, link) = (Outer::new(remote, port, vlan, hop.mac), hop.link);
    Ok(Reach::Remote(Road { outer, link, flow }))
}

/// The port of a link, which is up, and the VLAN there.
pub(super) fn link(snapshot: &Snapshot, id: LinkId) -> Result<(&Port, Option<VlanId>), DropReason> {
    let link = snapshot.link(id).ok_or(DropReason::PortDown)?;
    Ok((up(snapshot, link.port)?, link.vlan))
}

/// Counts packets, and inner bytes, that go to a remote by a link.
#[inline(always)]
pub(super) fn count_sent(
    stats: &WorkerStats,
    remote: RemoteId,
    link: LinkId,
    (packets, bytes): (u64, u64),
) {
    for counters in [stats.remote(remote), &stats.link(link).tunnels] {
        counters.sent.add(packets);
        counters.sent_bytes.add(bytes);
    }
}

/// Encapsulates `packet` and enqueues it. Gives it back if that cannot be done.
pub(super) fn send<I: Io>(
    context: &mut Context<'_, I>,
    road: &Road<'_>,
    mut packet: I::Packet,
) -> Result<(), (DropReason, I::Packet)> {
    let inner_len = packet.len() as u64;
    if let Err(reason) = encap(context, &road.outer, road.flow, &mut packet) {
        return Err((reason, packet));
    }
    if road.outer.sums() {
        // What a sender left open was made before.
        road.outer.around(false).complete(&mut packet);
    }
    let remote = road.outer.remote.id;
    count_sent(context.stats, remote, road.link, (1, inner_len));
    context
        .outputs
        .enqueue(road.outer.port, packet, context.stats);
    Ok(())
}

/// Sends a packet that control kept until a neighbour was known. If it cannot go now either it is
/// dropped, on the account of the port that it came from.
#[cold]
pub fn release<I: Io>(
    context: &mut Context<'_, I>,
    ingress: PortId,
    remote: RemoteId,
    packet: I::Packet,
) {
    let sent = match road(context, remote, &packet) {
        Ok(Reach::Remote(road)) => send(context, &road, packet),
        Ok(_) => Err((DropReason::NeighbourUnresolved, packet)),
        Err(reason) => Err((reason, packet)),
    };
    if let Err((reason, packet)) = sent {
        let Context { stats, outputs, .. } = context;
        drop_waiting(ingress, &packet, reason, stats, outputs.watch());
    }
}
