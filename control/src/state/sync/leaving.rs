//! What was learned of bridges, ports and tunnels that are about to leave: forgotten, and told, while
//! all of it has names.

use crate::config::{Name, Wanted};
use crate::state::State;
use fastpath::fdb::Destination;
use fastpath::ids::{BridgeId, PortId, RemoteId};
use fastpath::io::Io;
use std::collections::{HashMap, HashSet};

impl<I: Io> State<I> {
    /// Forgets the stations of bridges that are not wanted any more, and on others those behind ports
    /// and tunnels that leave them.
    pub(super) fn part(&mut self, next: &Wanted) {
        let bridges = self.leaving_bridges(next);
        let members = self.leaving_members(next);
        let remotes = self.leaving_remotes(next);
        if bridges.is_empty() && members.is_empty() && remotes.is_empty() {
            return;
        }
        self.fdb.forget(|bridge, to| {
            bridges.contains(&bridge)
                || match to {
                    Destination::Port(port) => members.contains(&(bridge, port)),
                    Destination::Remote(remote) => remotes.contains(&remote),
                }
        });
        self.tell_news();
    }

    fn leaving_bridges(&self, next: &Wanted) -> HashSet<BridgeId> {
        let stay: HashSet<Name> = next.bridges.iter().map(|bridge| bridge.name).collect();
        let there = self.bridges.iter();
        let leave = there.filter(|(_, bridge)| !stay.contains(&bridge.name));
        leave.map(|(id, _)| id).collect()
    }

    fn leaving_members(&self, next: &Wanted) -> HashSet<(BridgeId, PortId)> {
        let bridges = next.bridges.iter();
        let stay: HashSet<(Name, Name)> = bridges
            .flat_map(|bridge| bridge.ports.iter().map(|port| (bridge.name, *port)))
            .collect();
        let there = self.ports.iter().filter_map(|port| {
            let bridge = port.bridge?;
            let name = self.bridges.get(bridge)?.name;
            let stays =
                stay.contains(&(name, port.wanted.name)) && next.port(port.wanted.name).is_some();
            (!stays).then_some((bridge, port.id))
        });
        there.collect()
    }

    fn leaving_remotes(&self, next: &Wanted) -> HashSet<RemoteId> {
        let tunnels = next.tunnels.iter();
        let stay: HashMap<Name, Name> =
            tunnels.map(|tunnel| (tunnel.name, tunnel.bridge)).collect();
        let leave = self.tunnels.ids().into_iter().filter(|id| {
            self.tunnels.describe(*id).is_some_and(|(name, bridge)| {
                let bridge = self.bridges.get(bridge).map(|bridge| bridge.name);
                bridge.is_none() || stay.get(&name).copied() != bridge
            })
        });
        leave.flat_map(|id| self.tunnels.remotes_of(id)).collect()
    }
}
