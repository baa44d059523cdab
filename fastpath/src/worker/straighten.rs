//! Packets whose headers are not in their first segment, or whose end may be missing.

use super::{HEADERS, Parts, Worker};
use crate::drop::DropReason;
use crate::ids::PortId;
use crate::io::{Burst, Io, Packet, Pool};
use crate::offload::Front;
use crate::recompute::settle;
use crate::snapshot::TxChecksums;
use crate::trace::last::{Headers, Place};

impl<I: Io> Worker<I> {
    #[cold]
    pub(super) fn straighten(
        &mut self,
        ingress: PortId,
        limit: usize,
        burst: &mut Burst<I::Packet>,
    ) {
        let Parts {
            pool,
            outputs,
            stats,
            snapshot,
            ..
        } = &mut self.parts;
        let snapshot = snapshot.get();
        let hints = snapshot.hints(ingress);
        let mut kept = 0;
        burst.retain(|packet| {
            let front = hints.map_or(Front::Whole, |hints| hints.front(packet.mark()));
            let refused = straighten(pool, limit, packet, front).err();
            match refused {
                Some(reason) => {
                    let headers = Headers::of(packet).left(front);
                    stats.lose(Place::Received, ingress, reason, &headers);
                    if let Some(frames) = stats.frames(snapshot, ingress, headers.vlan()) {
                        frames.received.add(1);
                        frames.dropped.add(1);
                    }
                    outputs.watch().gone(kept, reason, front);
                }
                None => kept += 1,
            }
            refused.is_none()
        });
    }
}

/// Brings the headers of a packet into its first segment. A copy has no mark, without which nobody knows
/// that outer headers are off.
fn straighten<P: Pool>(
    pool: &P,
    limit: usize,
    packet: &mut P::Packet,
    front: Front,
) -> Result<(), DropReason> {
    if packet.len() >= limit {
        return Err(DropReason::FrameTruncated);
    }
    let have = packet.head().len();
    if have < HEADERS && have < packet.len() {
        if front != Front::Whole {
            return Err(DropReason::HeadersInDoubt);
        }
        let open = packet.is_open();
        *packet = pool.replicate(packet, false).ok_or(DropReason::NoBuffer)?;
        // The replica does not know.
        if open {
            settle(packet, TxChecksums::default());
        }
    }
    Ok(())
}
