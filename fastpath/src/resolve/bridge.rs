//! The learning bridge, in Linux's order: source, link-local groups, learning, destination.

use super::{Resolver, Source};
use crate::action::{Action, From, Target};
use crate::drop::DropReason;
use crate::event::{Event, Origin};
use crate::fdb::{Destination, FdbKey, Kind};
use crate::key::Field;
use crate::snapshot::{Bridge, Port, Tunnel};
use crate::wire::Mac;

/// The one link-local group that a bridge without spanning tree forwards, as Linux does: BPDUs.
const BPDU: Mac = Mac::new([0x01, 0x80, 0xc2, 0, 0, 0]);

/// Where a frame enters a bridge.
#[derive(Clone, Copy)]
pub(super) enum Ingress<'a> {
    Port(&'a Port),
    Tunnel(&'a Tunnel, Origin),
}

impl<'a> Resolver<'a> {
    /// A frame from a port enters the port's bridge as it is.
    pub(super) fn local(&mut self, port: &'a Port) -> Action {
        let snapshot = self.snapshot;
        match port.bridge.and_then(|id| snapshot.bridge(id)) {
            Some(bridge) => self.bridge(bridge, Ingress::Port(port)),
            None => Action::Drop(DropReason::NoBridge),
        }
    }

    pub(super) fn bridge(&mut self, bridge: &'a Bridge, ingress: Ingress<'a>) -> Action {
        let (src, dst, bad_source) = match ingress {
            Ingress::Port(_) => (Field::SRC_MAC, Field::DST_MAC, DropReason::SourceInvalid),
            Ingress::Tunnel(..) => (
                Field::INNER_SRC_MAC,
                Field::INNER_DST_MAC,
                DropReason::InnerSource,
            ),
        };
        let src = self.key.mac(src);
        if !src.is_station() {
            return Action::Drop(bad_source);
        }
        let dst = self.key.mac(dst);
        if dst.is_link_local_group() && dst != BPDU {
            return Action::Drop(DropReason::LinkLocal);
        }
        if let Some(reason) = self.source(bridge, ingress, src) {
            return Action::Drop(reason);
        }
        self.destination(bridge, ingress, dst)
    }

    /// Compares the FDB's idea of the source with the truth.
    fn source(&mut self, bridge: &Bridge, ingress: Ingress<'_>, mac: Mac) -> Option<DropReason> {
        let (from, learning) = match ingress {
            Ingress::Port(port) => (Origin::Port(port.id), bridge.learning),
            Ingress::Tunnel(tunnel, origin) => (origin, bridge.learning && tunnel.learning),
        };
        if !learning {
            return None;
        }
        let here = match from {
            Origin::Port(port) => Some(Destination::Port(port)),
            Origin::Remote(remote) => Some(Destination::Remote(remote)),
            Origin::Unknown { .. } => None,
        };
        self.source = match self.fdb(FdbKey::new(bridge.id, mac)) {
            Some((slot, value)) if here == Some(value.to) => Source::Known(slot),
            Some((_, value)) if value.kind == Kind::Static => {
                return Some(DropReason::StaticElsewhere);
            }
            _ => Source::Ask(Event::Seen {
                bridge: bridge.id,
                mac,
                from,
            }),
        };
        self.actions.push(Action::Learn);
        None
    }

    fn destination(&mut self, bridge: &Bridge, ingress: Ingress<'_>, mac: Mac) -> Action {
        let from = match ingress {
            Ingress::Port(port) => From::Port(port.id),
            Ingress::Tunnel(tunnel, _) => From::Tunnel(tunnel.id),
        };
        let Some((_, value)) = self.fdb(FdbKey::new(bridge.id, mac)) else {
            return Action::Flood {
                bridge: bridge.id,
                from,
            };
        };
        match value.to {
            Destination::Port(port) if from == From::Port(port) => {
                Action::Drop(DropReason::SamePort)
            }
            Destination::Port(port) => Action::Output(Target::Port(port)),
            Destination::Remote(id) => match self.snapshot.remote(id) {
                Some(remote) if from == From::Tunnel(remote.tunnel) => {
                    Action::Drop(DropReason::SplitHorizon)
                }
                _ => Action::Output(Target::Remote(id)),
            },
        }
    }
}
