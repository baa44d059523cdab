//! Tunnels and their remotes, as they are wanted.

use super::Gone;
use crate::api::Refused;
use crate::config::{Name, Wanted};
use crate::state::State;
use crate::state::room::full;
use fastpath::ids::{RemoteId, TunnelId};
use fastpath::io::Io;
use std::collections::HashSet;
use std::net::Ipv4Addr;

impl<I: Io> State<I> {
    pub(super) fn remove_tunnels(&mut self, next: &Wanted, gone: &mut Gone) {
        let wanted: HashSet<_> = next.tunnels.iter().map(|tunnel| tunnel.name).collect();
        let there = self.tunnels.ids().into_iter();
        let there = there.filter_map(|id| self.tunnels.describe(id));
        let left: Vec<_> = there.filter(|(name, _)| !wanted.contains(name)).collect();
        for (name, _) in left {
            let Some((_, remotes)) = self.tunnels.remove(name, self.now) else {
                continue;
            };
            self.lose_remotes(&remotes, gone);
        }
    }

    /// `kept` are remotes to which static entries are about to lead: those that have records keep them.
    pub(super) fn sync_tunnels(
        &mut self,
        next: &Wanted,
        kept: &HashSet<(Name, Ipv4Addr)>,
        gone: &mut Gone,
    ) -> Result<(), Refused> {
        let mut traffic = None;
        for tunnel in &next.tunnels {
            let Some(bridge) = self.bridges.by_name(tunnel.bridge) else {
                continue;
            };
            match self.tunnels.by_name(tunnel.name) {
                Some(id) => {
                    let moved = self.tunnels.describe(id).map(|(_, before)| before) != Some(bridge);
                    if moved {
                        gone.remotes.extend(self.tunnels.remotes_of(id));
                    }
                    self.tunnels.set(tunnel, bridge);
                }
                None => {
                    let world = &self.world;
                    let passed = |change| world.passed(change);
                    let free = self.tunnels.free(tunnel.name, self.now, passed);
                    let given = free.ok_or_else(|| full("tunnel", TunnelId::LIMIT))?;
                    if let Some(id) = TunnelId::new(given.at).filter(|_| given.used) {
                        let all = traffic.get_or_insert_with(|| self.tunnel_traffic());
                        self.ledger.forget(id, all.remove(&id).unwrap_or_default());
                        let all: Vec<_> = self.all_stats().collect();
                        self.former.set_down_tunnel(id, &all);
                    }
                    self.tunnels.put(given, tunnel, bridge);
                }
            }
            let kept = |address| kept.contains(&(tunnel.name, address));
            let settled = self.tunnels.settle(tunnel.name, kept);
            let (came, left) = settled.ok_or_else(|| full("remote", RemoteId::LIMIT))?;
            self.lose_remotes(&left, gone);
            for id in came {
                self.gain_remote(id);
            }
        }
        Ok(())
    }

    fn gain_remote(&mut self, id: RemoteId) {
        self.count_anew(id);
        if let Some(address) = self.tunnels.remote(id).map(|remote| remote.address) {
            self.want(address);
        }
    }

    fn lose_remotes(&mut self, remotes: &[(RemoteId, Ipv4Addr)], gone: &mut Gone) {
        for (id, address) in remotes {
            self.neighbours.unwant(*address);
            self.give_up_remote(*id);
            gone.remotes.insert(*id);
        }
    }

    /// The record of a remote that a static entry leads to.
    pub(super) fn remote_for(&mut self, tunnel: Name, address: Ipv4Addr) -> Option<RemoteId> {
        let tunnel = self.tunnels.by_name(tunnel)?;
        if let Some(id) = self.tunnels.known(tunnel, address) {
            return Some(id);
        }
        let id = self.tunnels.ensure(tunnel, address)?;
        self.gain_remote(id);
        Some(id)
    }
}
