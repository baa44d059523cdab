//! What NICs do for tunnels: what the device thread is told to have them do, what it told of them,
//! and how far they are believed.
//!
//! ```text
//! wanted, demotions --Order--> device     whole, and again until there is room
//! marks, tiers     <--Report-- device --> beliefs --> the next snapshot
//! published        --Order--> device     once all workers have passed that, of marks that say that
//!                                        outer headers are off
//! lies             <--Event--- workers -> beliefs, and a demotion
//! ```

use super::State;
use crate::api::messages::SelfTestFound;
use crate::config::Wanted;
use crate::device::{Order, QUEUE};
use crate::offload::belief::Beliefs;
use crate::offload::report::PortReport;
use crate::offload::selftest::Known;
use crate::offload::target::Targets;
use crate::offload::wanted::targets;
use crate::offload::watch::Watch;
use crate::offload::{Change, Tier};
use crate::ports::Life;
use fastpath::ids::PortId;
use fastpath::io::Io;
use fastpath::offload::{Lie, Mark};
use fastpath::publish;
use std::collections::BTreeMap;
use tracing::{debug, info, warn};

/// Orders that wait already while these are held back: ports are more important.
const HOLD_BACK: usize = QUEUE / 2;

/// What is known of all ports.
#[derive(Default)]
pub(super) struct Offloads {
    /// What each does: those that run or did.
    reports: BTreeMap<PortId, PortReport>,
    /// How far each is believed.
    pub(super) beliefs: Beliefs,
    /// Whether the packets of each have marks, where outer headers are taken off.
    pub(super) watches: BTreeMap<PortId, Watch>,
    /// What the last self-test that says something found of the NIC of each, and the name of its device.
    pub(super) found: BTreeMap<PortId, (String, SelfTestFound)>,
    /// What is wanted of each.
    wanted: BTreeMap<PortId, Targets>,
    /// The device thread is to be told that.
    unsent: bool,
    /// Ports that are to do no more than that, because; the device thread is to be told.
    demotions: BTreeMap<PortId, (Tier, String)>,
    /// Marks that say that outer headers are off, and are in no snapshot yet.
    unpublished: BTreeMap<PortId, Vec<Mark>>,
    /// Those that are, and that the device thread is to be told of once workers have passed this.
    passing: Option<(publish::Change, BTreeMap<PortId, Vec<Mark>>)>,
}

impl Offloads {
    /// All that was heard is published with this change.
    pub(super) fn publish(&mut self, change: publish::Change) {
        if self.passing.is_none() && !self.unpublished.is_empty() {
            self.passing = Some((change, std::mem::take(&mut self.unpublished)));
        }
    }
}

impl Offloads {
    /// A port was opened with this device, of which the device thread knows so much from self-tests.
    pub(super) fn opened(&mut self, id: PortId, device: &str, known: &Known) {
        self.beliefs.opened(id, device);
        if let Some(why) = &known.distrust {
            self.beliefs.distrust(id, why.clone());
        }
        match &known.test {
            Some(tested) => {
                let found = (device.to_owned(), SelfTestFound::of(tested));
                self.found.insert(id, found);
            }
            None => drop(self.found.remove(&id)),
        }
    }
}

impl<I: Io> State<I> {
    /// What each port does for its tunnels, and why not more, as the device thread last looked: a
    /// second ago, or less. Ports that were never open are not there.
    pub fn offload(&self) -> &BTreeMap<PortId, PortReport> {
        &self.offloads.reports
    }

    /// From now on the tunnels of all of these are wanted of NICs.
    pub(super) fn want_offload(&mut self, all: &[&Wanted]) {
        let number = |name| self.ports.by_name(name);
        let wanted = targets(all.iter().copied(), number);
        if wanted != self.offloads.wanted {
            self.offloads.wanted = wanted;
            self.offloads.unsent = true;
            self.order_offload();
        }
    }

    /// Tells the device thread what it was not told yet, as far as there is room. What is wanted is
    /// told as it is now, whatever it was meanwhile.
    pub(super) fn order_offload(&mut self) {
        let offloads = &mut self.offloads;
        let orders = &self.device.orders;
        if offloads.unsent && orders.len() < HOLD_BACK {
            let wanted = offloads.wanted.clone();
            offloads.unsent = orders.try_send(Order::Offload { wanted }).is_err();
        }
        while orders.len() < HOLD_BACK
            && let Some((id, (to, why))) = offloads.demotions.pop_first()
        {
            // If nobody is there to be told the daemon is ending.
            drop(orders.try_send(Order::Demote { id, to, why }));
        }
        let world = &self.world;
        let passing = offloads.passing.as_mut();
        let Some((_, marks)) = passing.filter(|(change, _)| world.passed(*change)) else {
            return;
        };
        while orders.len() < HOLD_BACK
            && let Some((id, marks)) = marks.pop_first()
        {
            drop(orders.try_send(Order::Published { id, marks }));
        }
        if marks.is_empty() {
            offloads.passing = None;
            // What was heard meanwhile is in a snapshot of its own, if it is in none yet.
            self.dirty |= !self.offloads.unpublished.is_empty();
        }
    }

    /// Tells the device thread of ports that are open, or being opened, what their NICs are asked to do
    /// for tunnels, where it was told otherwise. Nobody waits for that. What has no room is told a second
    /// later.
    pub(super) fn tell_caps(&mut self) {
        let orders = &self.device.orders;
        for port in self.ports.iter_mut() {
            let cap = port.wanted.offload;
            let open = matches!(port.life, Life::Open(_) | Life::Opening);
            if open && port.cap != cap && orders.len() < HOLD_BACK {
                let order = Order::SetOffload { id: port.id, cap };
                if orders.try_send(order).is_ok() {
                    port.cap = cap;
                }
            }
        }
    }

    /// The device thread tells what changed, and perhaps what all ports do now.
    pub(super) fn offload_reported(
        &mut self,
        changes: Vec<Change>,
        ports: Option<Vec<PortReport>>,
    ) {
        for change in changes {
            self.offloads.beliefs.hear(&change);
            match change {
                Change::Tier { port, tier, reason } => self.tier_changed(port, tier, reason),
                Change::Marked {
                    port, mark, target, ..
                } => {
                    let watch = self.offloads.watches.entry(port).or_default();
                    watch.marked(self.now);
                    if target.is_stripped() {
                        let unpublished = &mut self.offloads.unpublished;
                        unpublished.entry(port).or_default().push(mark);
                    }
                }
                Change::Unmarked { port, .. } => {
                    let watch = self.offloads.watches.entry(port).or_default();
                    watch.unmarked(self.now);
                }
            }
            self.dirty = true;
        }
        if let Some(ports) = ports {
            let here = |port: &PortReport| self.ports.get(port.port).is_some();
            let ports = ports.into_iter().filter(here);
            self.offloads.reports = ports.map(|port| (port.port, port)).collect();
        }
    }

    /// A port does more or less for its tunnels than before, or for another reason.
    fn tier_changed(&mut self, id: PortId, tier: Tier, reason: Option<String>) {
        self.tell_offload(id, tier, reason.clone());
        let Some(port) = self.ports.get(id) else {
            return;
        };
        let port = port.wanted.name;
        match reason {
            // That a NIC cannot do something is normal.
            Some(reason) => debug!(%port, %tier, "offload: {}: {reason}", tier.words()),
            None => info!(%port, %tier, "offload: {}", tier.words()),
        }
    }

    /// The NIC of a port said what is not so. From the next snapshot on it is not believed such a
    /// thing; one that writes wrong marks is to write none.
    pub(super) fn lied(&mut self, id: PortId, lie: Lie) {
        let Some(port) = self.ports.get(id) else {
            return;
        };
        let port = port.wanted.name;
        if !self.offloads.beliefs.lied(id, lie) {
            return;
        }
        warn!(%port, "the NIC is not believed any more: {}", lie.text());
        self.dirty = true;
        if lie == Lie::Mark || lie.is_of_headers() {
            let why = (Tier::Parser, lie.text().to_owned());
            self.offloads.demotions.insert(id, why);
            self.order_offload();
        }
    }

    /// Ports that are gone are forgotten, before a snapshot is made without them.
    pub(super) fn forget_offloads(&mut self) {
        let ports = &self.ports;
        let here = |id| ports.get(id).is_some();
        self.offloads.beliefs.retain(here);
        self.offloads.watches.retain(|id, _| here(*id));
        self.offloads.reports.retain(|id, _| here(*id));
        self.offloads.found.retain(|id, _| here(*id));
    }
}

#[cfg(test)]
mod tests;
