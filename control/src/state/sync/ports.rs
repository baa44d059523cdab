//! Ports and their underlay links, as they are wanted.

use super::Gone;
use crate::api::Refused;
use crate::config::{self, Name, Wanted};
use crate::device::Order;
use crate::ports::{Life, Then};
use crate::state::State;
use crate::state::room::full;
use fastpath::ids::{LinkId, PortId, QueueId};
use fastpath::io::{Io, RxQueue};
use fastpath::snapshot::Place;
use fastpath::worker::Command;
use std::collections::{HashMap, HashSet};

/// A driver does not let go of a device, so that nobody can have it again in this process.
pub(in crate::state) fn opens_once(name: Name, driver: &str) -> Refused {
    Refused(format!(
        "port {name}: driver {driver} can be set up only once in the life of the daemon: change it in the \
         file, and restart with --replace"
    ))
}

impl<I: Io> State<I> {
    pub(super) fn sync_ports(&mut self, next: &Wanted, gone: &mut Gone) {
        let wanted: HashMap<_, _> = next.ports.iter().map(|port| (port.name, port)).collect();
        let members: HashMap<_, _> = self
            .bridges
            .iter()
            .flat_map(|(id, bridge)| bridge.ports.iter().map(move |port| (*port, id)))
            .collect();
        let locals = next.ports.iter();
        let locals: HashMap<_, _> = locals
            .filter_map(|port| Some((port.local?, port.name)))
            .collect();
        for id in self.ports.ids() {
            let Some(name) = self.ports.get(id).map(|port| port.wanted.name) else {
                continue;
            };
            let bridge = members.get(&name).copied();
            let local = wanted.get(&name).and_then(|port| port.local);
            let local = local.and_then(|local| self.ports.by_name(local));
            let uplink = locals
                .get(&name)
                .and_then(|uplink| self.ports.by_name(*uplink));
            let Some(port) = self.ports.get_mut(id) else {
                continue;
            };
            if let Some(left) = port.bridge.filter(|left| Some(*left) != bridge) {
                gone.members.insert((left, id));
            }
            (port.bridge, port.local, port.uplink) = (bridge, local, uplink);
            match wanted.get(&name) {
                Some(after) => self.set_port(id, after),
                None => self.leave(id),
            }
        }
        self.tell_caps();
    }

    fn set_port(&mut self, id: PortId, after: &config::Port) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        let reopens = port.reopens(after);
        let mtu = after.mtu.min(self.largest_mtu);
        let mtu = (port.wanted.mtu.min(self.largest_mtu) != mtu).then_some(mtu);
        let moves = port.wanted.rx_workers != after.rx_workers;
        port.wanted.clone_from(after);
        match &port.life {
            Life::Open(_) if reopens => {
                port.changing = true;
                self.close_port(id, "it gets other settings".to_owned(), Then::Reopen);
            }
            // It was to go, and is wanted again.
            Life::Closing(_) if reopens || mtu.is_some() || port.then == Then::Leave => {
                (port.then, port.changing) = (Then::Reopen, true);
            }
            Life::Opening if reopens || mtu.is_some() || port.then == Then::Leave => {
                (port.then, port.changing) = (Then::Reopen, true);
            }
            // One that waits for its device comes with that.
            Life::Waiting { .. } if (reopens || mtu.is_some()) && !port.changing => {
                (port.changing, port.failed_before) = (true, true);
                self.order_open(id);
            }
            Life::Open(_) => {
                if let Some(mtu) = mtu {
                    port.mtu_ordered = true;
                    drop(self.device.orders.try_send(Order::SetMtu { id, mtu }));
                }
                if moves {
                    self.move_queues(id);
                }
            }
            _ => {}
        }
    }

    /// Takes receive queues from workers that are not to poll them any more. Who is to has them when
    /// they come back.
    fn move_queues(&mut self, id: PortId) {
        let queues = self.ports.get(id).map_or(0, |port| port.queues.0);
        for number in (0..usize::from(queues)).map_while(QueueId::new) {
            let worker = self.poller(id, number.index());
            let Some(port) = self.ports.get_mut(id) else {
                return;
            };
            let before = port.pollers.get(number.index()).copied();
            let Some(before) = before.filter(|before| *before != worker) else {
                continue;
            };
            if port.moving.contains(&number) {
                // Who gets it is asked when it comes back.
                continue;
            }
            let mut arrived = self.arrived.iter_mut();
            let waits = arrived.find(|(_, q)| (q.port(), q.number()) == (id, number));
            if let Some((poller, _)) = waits {
                // Nobody has it yet.
                *poller = worker;
                port.pollers[number.index()] = worker;
                continue;
            }
            port.moving.push(number);
            self.workers[before].command(Command::WithdrawRx(id, number));
        }
    }

    /// A receive queue that moves to another worker has come back from the one before.
    pub(in crate::state) fn moved(&mut self, queue: I::Rx) -> Option<I::Rx> {
        let (id, number) = (queue.port(), queue.number());
        let worker = self.poller(id, number.index());
        let Some(port) = self.ports.get_mut(id) else {
            return Some(queue);
        };
        let Some(at) = port.moving.iter().position(|moving| *moving == number) else {
            return Some(queue);
        };
        port.moving.swap_remove(at);
        if !matches!(port.life, Life::Open(_)) {
            return Some(queue);
        }
        if let Some(poller) = port.pollers.get_mut(number.index()) {
            *poller = worker;
        }
        self.arrived.push((worker, queue));
        None
    }

    /// A port has another MTU, or has to be opened anew for it.
    pub(in crate::state) fn mtu_changed(&mut self, id: PortId, mtu: Option<u16>) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        port.mtu_ordered = false;
        let Life::Open(info) = &mut port.life else {
            return;
        };
        match mtu {
            None if info.opens_once => {
                let refused = opens_once(port.wanted.name, &info.driver);
                self.change_failed.get_or_insert(refused);
            }
            Some(mtu) => {
                info.mtu = mtu;
                (self.dirty, self.lower_changed) = (true, true);
            }
            None => {
                port.changing = true;
                self.close_port(id, "it gets another MTU".to_owned(), Then::Reopen);
            }
        }
    }

    /// A port is not wanted any more.
    pub(in crate::state) fn leave(&mut self, id: PortId) {
        let Some(port) = self.ports.get_mut(id) else {
            return;
        };
        let name = port.wanted.name;
        port.changing = true;
        match &port.life {
            Life::Open(_) => self.close_port(id, "it is removed".to_owned(), Then::Leave),
            Life::Opening | Life::Closing(_) => port.then = Then::Leave,
            Life::Waiting { .. } => self.ports.remove(name, self.now),
        }
    }

    pub(super) fn sync_links(&mut self, before: &Wanted, next: &Wanted) -> Result<(), Refused> {
        let mut wanted = HashSet::new();
        for port in &next.ports {
            let id = self.ports.by_name(port.name);
            wanted.extend(port.addresses.iter().filter_map(|own| {
                let vlan = own.vlan;
                id.map(|port| Place { port, vlan })
            }));
        }
        let left: Vec<_> = self
            .links
            .iter()
            .filter(|(_, place)| !wanted.contains(place))
            .collect();
        for (id, place) in left {
            self.neighbours.remove_link(id, self.now, &mut self.outbox);
            self.links.remove(place, self.now);
        }
        let mut new: Vec<_> = wanted.into_iter().collect();
        new.sort_unstable();
        for place in new {
            let world = &self.world;
            let added = self
                .links
                .add(place, self.now, |change| world.passed(change));
            let given = added.ok_or_else(|| full("link", LinkId::LIMIT))?;
            if let Some(id) = given
                .filter(|given| given.used)
                .and_then(|given| LinkId::new(given.at))
            {
                let all: Vec<_> = self.all_stats().collect();
                self.former.set_down_link(id, &all);
            }
        }
        for port in &next.ports {
            let known = before.port(port.name).map(|port| &port.addresses);
            if known != Some(&port.addresses)
                && let Some(id) = self.ports.by_name(port.name)
            {
                self.add_links(id);
            }
        }
        Ok(())
    }
}
