//! The underlay: links, ways to remotes, and tunnels that stand and fall with them.

use super::{MAX_UNSENT, SECOND, State};
use crate::device::Order;
use crate::neighbours::{AddressState, Hops, LinkSettings, Output, TunnelError};
use crate::ports::{Life, Port, Then};
use fastpath::ids::{PortId, RemoteId, TunnelId};
use fastpath::io::Io;
use fastpath::snapshot::{Hop, MAX_PATHS, Way};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use tracing::{info, warn};

impl<I: Io> State<I> {
    /// The kernel's end of a local port is the same station as the underlay port: frames for either
    /// have one MAC.
    fn share_mac(&self, id: PortId) {
        let ports = self
            .ports
            .iter()
            .filter_map(|port| Some((port, port.local?)));
        let concerned = ports.filter(|(port, local)| port.id == id || *local == id);
        for (port, local) in concerned {
            let info = |port: &Port<I>| match &port.life {
                Life::Open(info) => Some(info.mac),
                _ => None,
            };
            let there = self.ports.get(local).and_then(info);
            if let (Some(mac), Some(other)) = (info(port), there)
                && mac != other
            {
                drop(
                    self.device
                        .orders
                        .try_send(Order::SetMac { id: local, mac }),
                );
            }
        }
    }

    /// A port is open, or has other addresses.
    pub(super) fn add_links(&mut self, id: PortId) {
        let Some(port) = self.ports.get(id) else {
            return;
        };
        let Life::Open(info) = &port.life else {
            return;
        };
        let (mac, up) = (info.mac, info.link);
        for (number, place) in self.links.of(id) {
            let prefixes: Vec<_> = port.wanted.prefixes(place.vlan).collect();
            let settings = LinkSettings {
                place,
                mac,
                prefixes: &prefixes,
            };
            let (now, out) = (self.now, &mut self.outbox);
            self.neighbours.add_link(number, settings, now, out);
            self.neighbours.set_link_up(number, up, now, out);
        }
        self.share_mac(id);
        self.lower_changed = true;
    }

    /// The link of a port came or went.
    pub(super) fn set_links_up(&mut self, id: PortId, up: bool) {
        for (number, _) in self.links.of(id) {
            let (now, out) = (self.now, &mut self.outbox);
            self.neighbours.set_link_up(number, up, now, out);
        }
        self.lower_changed = true;
    }

    /// A port is not open any more.
    pub(super) fn remove_links(&mut self, id: PortId) {
        for (number, _) in self.links.of(id) {
            let (now, out) = (self.now, &mut self.outbox);
            self.neighbours.remove_link(number, now, out);
        }
        self.lower_changed = true;
    }

    /// A remote at `address` has a record now. The way there may be known already.
    pub(super) fn want(&mut self, address: Ipv4Addr) {
        self.neighbours.want(address, self.now, &mut self.outbox);
        let hops = self.neighbours.way(address);
        for remote in self.tunnels.at(address) {
            self.lead(remote, &hops);
        }
    }

    /// Carries out what neighbours found out, and keeps what it wants sent for the next step.
    pub(super) fn carry_out(&mut self) {
        for output in std::mem::take(&mut self.outbox) {
            match output {
                Output::Send { port, frame } if self.unsent.len() < MAX_UNSENT => {
                    self.unsent.push((port, frame));
                }
                Output::Send { .. } => self.originated_lost += 1,
                Output::Way { destination, hops } => {
                    for remote in self.tunnels.at(destination) {
                        self.lead(remote, &hops);
                    }
                }
                Output::Address {
                    address, taken_by, ..
                } => {
                    self.lower_changed = true;
                    match taken_by {
                        Some(by) => warn!("{by} has our address {address}: it is not used"),
                        None => info!("nobody else has our address {address} any more: it is used"),
                    }
                }
                Output::Conflict { address, by, .. } => {
                    warn!("{by} has our address {address} too: it is defended");
                }
                Output::Error(error) => self.tunnel_error(&error),
            }
        }
        if std::mem::take(&mut self.lower_changed) {
            self.follow_lower();
        }
    }

    /// Stores the next hops of a remote: one word each, which workers read with the next packet. A
    /// path that is not there any more is shut off before it is cleared.
    fn lead(&mut self, id: RemoteId, hops: &Hops) {
        let Some(remote) = self.tunnels.remote(id) else {
            return;
        };
        let next_hops = &remote.next_hops;
        let before = next_hops.way();
        let way = Way {
            paths: hops.len().min(MAX_PATHS) as u8,
            ..before
        };
        if way.paths < before.paths {
            next_hops.set_way(way);
        }
        for path in 0..MAX_PATHS {
            let hop = hops.get(path).copied().flatten();
            let hop = hop.map(|(link, mac)| Hop { link, mac });
            if next_hops.hop(path) != hop {
                next_hops.store(path, hop);
            }
        }
        next_hops.set_way(way);
        if hops.iter().any(Option::is_some) {
            self.release(id);
        }
    }

    /// Takes tunnels down with what they rest on, and up again with it.
    fn follow_lower(&mut self) {
        // Many tunnels share few addresses.
        let mut faults = HashMap::new();
        for id in self.tunnels.ids() {
            let Some(local) = self.tunnels.wanted(id).map(|wanted| wanted.local) else {
                continue;
            };
            let fault = faults
                .entry(local)
                .or_insert_with(|| self.lower_fault(local));
            let down = fault.clone();
            if self.tunnels.set_down(id, down.clone()) {
                self.tell(id, down.as_deref());
            }
        }
    }

    fn tell(&mut self, id: TunnelId, down: Option<&str>) {
        self.tell_tunnel(id, down);
        if let Some((tunnel, _)) = self.tunnels.describe(id) {
            match down {
                Some(reason) => warn!(%tunnel, "tunnel down: {reason}"),
                None => info!(%tunnel, "tunnel up"),
            }
        }
    }

    /// Why nothing can be sent from `local`, which is an address of a port.
    fn lower_fault(&self, local: Ipv4Addr) -> Option<String> {
        let mut ports = self.ports.iter().filter(|port| port.then != Then::Leave);
        let port = ports.find(|port| port.wanted.has(local))?;
        let name = port.wanted.name;
        match &port.life {
            Life::Open(info) if !info.link => return Some(format!("port {name} has no link")),
            Life::Open(_) => {}
            Life::Opening => return Some(format!("port {name} is not open yet")),
            Life::Closing(reason) | Life::Waiting { reason, .. } => {
                return Some(format!("port {name}: {reason}"));
            }
        }
        let mut addresses = self.neighbours.addresses();
        let own = addresses.find(|own| own.prefix.address() == local)?;
        match own.state {
            AddressState::Duplicate(by) => Some(format!("{by} has the address {local} too")),
            AddressState::Tentative | AddressState::Preferred => None,
        }
    }

    /// Somebody says that a packet for a remote did not arrive. Whom it concerns is looked up:
    /// anybody can say so.
    fn tunnel_error(&mut self, error: &TunnelError) {
        let now = self.now / SECOND;
        let concerned = self.tunnels.concerned(error);
        if concerned.is_empty() {
            self.errors_unmatched += 1;
        }
        for id in concerned {
            let news = self.tunnels.note_error(id, error, now);
            let tunnel = self.tunnels.remote(id).map(|remote| remote.tunnel);
            let name = tunnel.and_then(|tunnel| self.tunnels.describe(tunnel));
            if let Some((tunnel, _)) = name.filter(|_| news) {
                let (from, remote, fault) = (error.from, error.remote, error.fault);
                warn!(%tunnel, %remote, %from, "ICMP: {fault}");
            }
        }
    }
}
