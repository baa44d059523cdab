//! The way to a remote: which next hop, over which port, and the packet put on it.

use super::encap;
use super::run::{Context, Reach, Road};
use crate::drop::DropReason;
use crate::ids::{LinkId, PortId, RemoteId};
use crate::io::{Io, Packet};
use crate::snapshot::{NoHop, Port, Remote, Snapshot};
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
    let mut roads = Roads::new(context.snapshot, remote);
    match roads.road(packet) {
        Ok(road) => Ok(Reach::Remote(road)),
        Err(Closed::Dropped(reason)) => Err(reason),
        Err(Closed::NoHop(NoHop::Wait)) => Ok(Reach::Wait(id)),
        Err(Closed::NoHop(NoHop::Down)) => Err(DropReason::TunnelDown),
        Err(Closed::NoHop(NoHop::NoRoute)) => Err(DropReason::NoRoute),
        Err(Closed::NoHop(NoHop::Unresolved)) => {
            if !context.learner.unresolved(id) {
                context.stats.events_lost.add(1);
            }
            Err(DropReason::NeighbourUnresolved)
        }
    }
}

/// Why there is no way for a packet.
pub(super) enum Closed {
    /// There is no next hop.
    NoHop(NoHop),
    /// The packet cannot go there.
    Dropped(DropReason),
}

/// The roads to one remote for packets in a row, which mostly leave by the same link.
pub(super) struct Roads<'c> {
    snapshot: &'c Snapshot,
    remote: &'c Remote,
    last: Option<(LinkId, &'c Port, Option<VlanId>)>,
}

impl<'c> Roads<'c> {
    #[inline(always)]
    pub(super) fn new(snapshot: &'c Snapshot, remote: &'c Remote) -> Self {
        Roads {
            snapshot,
            remote,
            last: None,
        }
    }

    /// The road for `packet`, which fits on it.
    #[inline(always)]
    pub(super) fn road<P: Packet>(&mut self, packet: &P) -> Result<Road<'c>, Closed> {
        let flow = Flow::of(packet.head());
        let hop = self
            .remote
            .next_hops
            .pick(flow.hash)
            .map_err(Closed::NoHop)?;
        let (port, vlan) = match self.last {
            Some((link, port, vlan)) if link == hop.link => (port, vlan),
            _ => self.link(hop.link).map_err(Closed::Dropped)?,
        };
        if encap::outer_ip_len(packet.len()) > usize::from(port.mtu) {
            return Err(Closed::Dropped(DropReason::MtuExceeded));
        }
        Ok(Road {
            remote: self.remote,
            port,
            vlan,
            mac: hop.mac,
            flow,
        })
    }

    fn link(&mut self, id: LinkId) -> Result<(&'c Port, Option<VlanId>), DropReason> {
        let link = self.snapshot.link(id).ok_or(DropReason::PortDown)?;
        let port = up(self.snapshot, link.port)?;
        self.last = Some((id, port, link.vlan));
        Ok((port, link.vlan))
    }
}

/// Encapsulates `packet` and enqueues it.
#[inline(always)]
pub(super) fn send<I: Io>(
    context: &mut Context<'_, I>,
    road: &Road<'_>,
    packet: I::Packet,
) -> Result<(), DropReason> {
    let inner_len = packet.len() as u64;
    let packet = encap::encap(context, road, packet)?;
    let counters = context.stats.remote(road.remote.id);
    counters.sent.add(1);
    counters.sent_bytes.add(inner_len);
    context.outputs.enqueue(road.port, packet, context.stats);
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
        Ok(_) => Err(DropReason::NeighbourUnresolved),
        Err(reason) => Err(reason),
    };
    if let Err(reason) = sent {
        context.stats.port(ingress).wait_dropped.count(reason);
    }
}
