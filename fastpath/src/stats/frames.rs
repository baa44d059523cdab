//! Which counters are those of a frame on the underlay.

use super::{FrameStats, WorkerStats};
use crate::action::Verdict;
use crate::ids::PortId;
use crate::parse::vlan;
use crate::snapshot::{Place, Snapshot};
use crate::trace::last::Headers;
use crate::wire::VlanId;

impl WorkerStats {
    /// The counters of a frame of a VLAN that comes or goes by `port`. `None` if there are no links at
    /// this port.
    pub(crate) fn frames(
        &self,
        snapshot: &Snapshot,
        port: PortId,
        vlan: Option<VlanId>,
    ) -> Option<&FrameStats> {
        match snapshot.links.look(Place { port, vlan }) {
            (Some(link), _) => Some(&self.link(link).frames),
            (None, any) => any.then(|| self.strays(port)),
        }
    }

    /// Counts the frame for its link when it is decided to leave.
    pub(crate) fn count_enqueued(&self, snapshot: &Snapshot, port: PortId, head: &[u8]) {
        if let Some(frames) = self.frames(snapshot, port, vlan(head)) {
            frames.enqueued.add(1);
        }
    }

    /// Counts the verdict of a received frame for its link. One that is forwarded is not counted
    /// again.
    pub(crate) fn count_verdict(
        &self,
        snapshot: &Snapshot,
        ingress: PortId,
        headers: &Headers,
        verdict: Verdict,
    ) {
        if verdict == Verdict::Forwarded {
            return;
        }
        let Some(frames) = self.frames(snapshot, ingress, headers.vlan()) else {
            return;
        };
        match verdict {
            Verdict::Waiting => frames.waited.add(1),
            Verdict::Consumed => frames.consumed.add(1),
            Verdict::Dropped(_) => frames.dropped.add(1),
            Verdict::Forwarded => {}
        }
    }
}
