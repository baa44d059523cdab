//! How far the NIC behind each port is believed: what its marks stand for, and what it was caught at.

use super::Tier;
use super::agent::Change;
use super::target::Target;
use fastpath::ids::PortId;
use fastpath::offload::{Expected, Hints, Lie, Mark, Width};
use fastpath::snapshot::{Port, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The NICs of all ports.
#[derive(Debug, Default)]
pub struct Beliefs(BTreeMap<PortId, Belief>);

/// The NIC of one port.
#[derive(Debug, Default)]
struct Belief {
    /// The device that it is.
    device: String,
    /// What it does at best.
    tier: Tier,
    /// How wide its marks are.
    width: Option<Width>,
    /// What they stand for. What was proved of a rule stays proved as long as its mark is known.
    marks: BTreeMap<Mark, Arc<Expected>>,
    /// What it said that is not so. It is not forgotten as long as the device is behind the port.
    lies: BTreeSet<Lie>,
    /// Why its verdicts on checksums are not to be heeded, if a self-test found that. Likewise.
    distrusted: Option<String>,
}

impl Beliefs {
    /// A port was opened with this device.
    pub fn opened(&mut self, port: PortId, device: &str) {
        let belief = self.0.entry(port).or_default();
        if belief.device != device {
            *belief = Belief {
                device: device.to_owned(),
                ..Belief::default()
            };
        }
    }

    /// Something changed that the device thread tells.
    pub fn hear(&mut self, change: &Change) {
        match change {
            Change::Marked {
                port,
                width,
                mark,
                target,
                by_vni,
            } => {
                let belief = self.0.entry(*port).or_default();
                if belief.width != Some(*width) {
                    belief.width = Some(*width);
                    belief.marks.clear();
                }
                let Target {
                    end_point,
                    vlan,
                    remote,
                } = *target;
                let mut expected = Expected::new(*mark, end_point, vlan);
                if *by_vni {
                    expected = expected.by_vni();
                }
                if let Some(remote) = remote {
                    expected = expected.stripped(remote);
                }
                belief.marks.insert(*mark, Arc::new(expected));
            }
            Change::Unmarked { port, width, mark } => {
                if let Some(belief) = self.0.get_mut(port)
                    && belief.width == Some(*width)
                {
                    belief.marks.remove(mark);
                }
            }
            Change::Tier { port, tier, .. } => self.0.entry(*port).or_default().tier = *tier,
        }
    }

    /// What the NIC of a port said of a packet is not so. Returns whether that is news: what it was
    /// caught at before is not heeded any more.
    pub fn lied(&mut self, port: PortId, lie: Lie) -> bool {
        self.0.entry(port).or_default().lies.insert(lie)
    }

    /// How many marks of a port have a meaning, or had one until lately.
    pub fn known(&self, port: PortId) -> usize {
        self.0.get(&port).map_or(0, |belief| belief.marks.len())
    }

    /// The verdicts of a port's NIC on checksums are not heeded as long as its device is behind it.
    pub fn distrust(&mut self, port: PortId, why: String) {
        let distrusted = &mut self.0.entry(port).or_default().distrusted;
        distrusted.get_or_insert(why);
    }

    /// Why they are not, whether a test or a packet showed it, if the port has this device.
    pub fn distrust_of(&self, port: PortId, device: &str) -> Option<String> {
        let belief = self.0.get(&port).filter(|it| it.device == device)?;
        let lie = belief.lies.iter().find(|lie| is_of_checksums(lie));
        let lie = lie.map(|lie| lie.text().to_owned());
        belief.distrusted.clone().or(lie)
    }

    /// Of ports that are not there any more only what their devices were caught at is kept: both may come
    /// back.
    pub fn retain(&mut self, is_there: impl Fn(PortId) -> bool) {
        for (_, belief) in self.0.iter_mut().filter(|(port, _)| !is_there(**port)) {
            (belief.tier, belief.width) = (Tier::default(), None);
            belief.marks.clear();
        }
    }

    /// What workers may believe, into a snapshot that has its ports and end points. A mark means
    /// nothing in it once its tunnel is gone, or the link that it arrived by.
    pub fn fill(&self, snapshot: &mut Snapshot) {
        for (id, belief) in &self.0 {
            let port = snapshot.port(*id);
            let Some(hints) = port.and_then(|port| belief.hints(port, snapshot)) else {
                continue;
            };
            if snapshot.hints.len() <= id.index() {
                snapshot.hints.resize(id.index() + 1, None);
            }
            snapshot.hints[id.index()] = Some(Arc::new(hints));
        }
    }
}

impl Belief {
    /// `None`: the NIC is not asked anything about tunnels, and is not looked at.
    fn hints(&self, port: &Port, snapshot: &Snapshot) -> Option<Hints> {
        let mut hints = self.width.map_or_else(Hints::default, Hints::new);
        hints.distrusted = self.distrusted.is_some() || self.lies.iter().any(is_of_checksums);
        // Whatever became of it since: packets may come without outer headers as long as it is known.
        hints.strips = self.marks.values().any(|it| it.remote().is_some());
        let doubtful = self.lies.iter().any(|lie| lie.is_of_headers());
        let mut marks = 0;
        if !self.lies.contains(&Lie::Mark) {
            for expected in self.marks.values() {
                if doubtful && expected.remote().is_some() {
                    continue;
                }
                let end_point = expected.end_point();
                let here = snapshot.end_points.contains_key(&end_point)
                    && port.has(expected.vlan(), end_point.local);
                marks += usize::from(here && hints.insert(Arc::clone(expected)));
            }
        }
        let asked = self.tier > Tier::Software || marks > 0;
        (asked || hints.distrusted || hints.strips).then_some(hints)
    }
}

const fn is_of_checksums(lie: &Lie) -> bool {
    matches!(lie, Lie::IpChecksum | Lie::UdpChecksum)
}

#[cfg(test)]
mod tests;
