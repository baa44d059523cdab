//! Replication: a copy to everybody in the bridge but where the frame came from.

use super::run::{Reach, Run, Verdict};
use super::{From, Inlet, Target};
use crate::drop::DropReason;
use crate::io::{Io, Packet};
use crate::snapshot::Member;
use crate::stats::BridgeStats;
use crate::wire::Mac;

/// Floods `packet`, which entered by `inlet`. The list is pruned here and not when it is built, so that it is one
/// for all ingresses; the last member gets the packet itself, as in Linux.
pub(super) fn flood<I: Io>(run: &mut Run<'_, '_, I>, inlet: &Inlet, packet: I::Packet) {
    let snapshot = run.context.snapshot;
    count(run.context.stats.bridge(inlet.bridge), packet.head());
    let members = snapshot
        .bridge(inlet.bridge)
        .map_or(&[][..], |bridge| &bridge.flood);
    let mut last: Option<Reach<'_>> = None;
    let mut nobody = true;
    for member in members {
        let Some(target) = target(*member, inlet.from) else {
            continue;
        };
        nobody = false;
        match run.reach(target, &packet) {
            Ok(reach) => {
                if let Some(previous) = last.replace(reach) {
                    run.deliver_copy(&previous, &packet, true);
                }
            }
            Err(reason) => run.end(Verdict::Dropped(reason)),
        }
    }
    match last {
        Some(reach) => run.deliver(&reach, packet),
        None if nobody => run.end(Verdict::Dropped(DropReason::NoDestination)),
        None => {}
    }
}

/// Counts a frame by whom it is for.
fn count(counters: &BridgeStats, frame: &[u8]) {
    let kind = match frame.first_chunk().copied().map(Mac::new) {
        Some(Mac::BROADCAST) => &counters.broadcast,
        Some(mac) if mac.is_group() => &counters.multicast,
        _ => &counters.unknown,
    };
    kind.add(1);
}

/// Split horizon: never back to the port or the tunnel that it came from.
fn target(member: Member, from: From) -> Option<Target> {
    match member {
        Member::Port(port) if from != From::Port(port) => Some(Target::Port(port)),
        Member::Remote(tunnel, remote) if from != From::Tunnel(tunnel) => {
            Some(Target::Remote(remote))
        }
        _ => None,
    }
}
