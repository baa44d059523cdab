//! Remotes that were learned from traffic: who gets a record, and for how long.

use super::Tunnels;
use crate::config;
use fastpath::ids::{RemoteId, TunnelId};
use std::collections::HashSet;
use std::net::Ipv4Addr;

/// Most remotes of one tunnel that were learned from traffic and not configured.
pub const MAX_LEARNED: usize = 1024;
/// Seconds that a learned remote is kept before it is asked whether anything leads to it.
pub(super) const GRACE: u32 = 10;

impl Tunnels {
    /// Whether a remote was learned from traffic, and is in no configuration: neither on the list of its
    /// tunnel, nor where a static entry leads.
    pub fn is_learned(&self, id: RemoteId) -> bool {
        if self.pins.contains_key(&id) {
            return false;
        }
        let tunnel = self.remote(id).map(|remote| remote.tunnel.index());
        let known = tunnel.and_then(|tunnel| self.tunnels.get(tunnel));
        known.is_some_and(|known| known.learned.iter().any(|(learned, _)| *learned == id))
    }

    /// A sender that was not configured. Its number if it has a record now and had none before.
    pub fn learn(&mut self, tunnel: TunnelId, address: Ipv4Addr, now: u32) -> Option<RemoteId> {
        let known = self.tunnels.get(tunnel.index())?;
        // What was told may be older than what is wanted.
        let any = known.wanted.accept == config::Accept::Any;
        if known.remotes.contains_key(&address) || !any {
            return None;
        }
        let room = known.learned.len() < MAX_LEARNED;
        let id = room.then(|| self.ensure(tunnel, address)).flatten();
        let known = self.tunnels.get_mut(tunnel.index());
        match id.zip(known) {
            Some((id, known)) => known.learned.push((id, now)),
            None => self.refused += 1,
        }
        id
    }

    /// Forgets learned remotes that nothing leads to any more. `used` gives those that something
    /// leads to, and is not asked in vain. Returns numbers and addresses of the forgotten.
    pub fn forget_idle(
        &mut self,
        now: u32,
        used: impl FnOnce() -> HashSet<RemoteId>,
    ) -> Vec<(RemoteId, Ipv4Addr)> {
        let (mut gone, mut owners) = (Vec::new(), Vec::new());
        if self
            .tunnels
            .iter()
            .all(|(_, tunnel)| tunnel.learned.is_empty())
        {
            return gone;
        }
        let used = used();
        for (at, tunnel) in self.tunnels.iter_mut() {
            tunnel.learned.retain(|(id, since)| {
                let fresh = now.saturating_sub(*since) < GRACE;
                let stays = fresh || used.contains(id);
                if let Some(remote) = self.remotes[id.index()].as_ref().filter(|_| !stays) {
                    tunnel.remotes.remove(&remote.address);
                    gone.push((*id, remote.address));
                    owners.push((TunnelId::modulo(at), remote.address));
                }
                stays
            });
        }
        for ((id, _), owner) in gone.iter().zip(owners) {
            self.retire(*id, owner);
        }
        gone
    }
}
