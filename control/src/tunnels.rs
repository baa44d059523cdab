//! Tunnels and their remotes: from names and addresses to numbered records.

use crate::config::{self, Wanted};
use fastpath::ids::{BridgeId, RemoteId, TunnelId};
use fastpath::publish::Change;
use fastpath::snapshot::{
    Df, EncapSettings, EndPoint, Inherit, Remote, Snapshot, Tunnel, UdpPorts,
};
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Most remotes of one tunnel that were learned from traffic and not configured.
pub const MAX_LEARNED: usize = 1024;
/// Seconds that a learned remote is kept before it is asked whether anything leads to it.
const GRACE: u32 = 10;
const DEFAULT_TTL: u8 = 64;

/// One tunnel with its remotes.
struct Known {
    wanted: config::Tunnel,
    bridge: BridgeId,
    remotes: HashMap<Ipv4Addr, RemoteId>,
    /// With the second in which each was learned.
    learned: Vec<(RemoteId, u32)>,
}

/// All tunnels and remote records.
#[derive(Default)]
pub struct Tunnels {
    tunnels: Vec<Known>,
    remotes: Vec<Option<Arc<Remote>>>,
    /// Numbers of forgotten remotes in the order of their end. They are usable again once every
    /// worker has passed the change, which is not known before the next snapshot is published, and
    /// what workers told before has been heard.
    retired: Vec<(Option<Change>, RemoteId)>,
    free: Vec<RemoteId>,
    /// Senders that were not learned for want of room.
    pub refused: u64,
}

impl Tunnels {
    /// The tunnels of a checked configuration, with the remotes it names.
    pub fn new(wanted: &Wanted) -> Self {
        let mut tunnels = Tunnels::default();
        for tunnel in &wanted.tunnels {
            let at = wanted
                .bridges
                .iter()
                .position(|bridge| bridge.name == tunnel.bridge);
            let Some(bridge) = at.and_then(BridgeId::new) else {
                continue;
            };
            tunnels.add(tunnel, bridge);
        }
        for entry in &wanted.fdb {
            if let config::FdbTarget::Remote { tunnel, remote } = entry.target
                && let Some(id) = tunnels.by_name(tunnel)
            {
                tunnels.ensure(id, remote);
            }
        }
        tunnels
    }

    fn add(&mut self, wanted: &config::Tunnel, bridge: BridgeId) {
        let Some(id) = TunnelId::new(self.tunnels.len()) else {
            return;
        };
        let (remotes, learned) = (HashMap::new(), Vec::new());
        self.tunnels.push(Known {
            wanted: wanted.clone(),
            bridge,
            remotes,
            learned,
        });
        for remote in &wanted.remotes {
            self.ensure(id, remote.address);
        }
    }

    /// The tunnel of this name.
    pub fn by_name(&self, name: config::Name) -> Option<TunnelId> {
        TunnelId::new(
            self.tunnels
                .iter()
                .position(|tunnel| tunnel.wanted.name == name)?,
        )
    }

    /// Name and bridge of a tunnel.
    pub fn describe(&self, id: TunnelId) -> Option<(config::Name, BridgeId)> {
        self.tunnels
            .get(id.index())
            .map(|tunnel| (tunnel.wanted.name, tunnel.bridge))
    }

    /// The record of a remote.
    pub fn remote(&self, id: RemoteId) -> Option<&Remote> {
        self.remotes.get(id.index())?.as_deref()
    }

    /// All remote records.
    pub fn remotes(&self) -> impl Iterator<Item = &Remote> {
        self.remotes.iter().flatten().map(Arc::as_ref)
    }

    /// The number of a remote of a tunnel, with a new record if it has none. `None` if no number is
    /// left.
    pub fn ensure(&mut self, tunnel: TunnelId, address: Ipv4Addr) -> Option<RemoteId> {
        let known = self.tunnels.get(tunnel.index())?;
        if let Some(id) = known.remotes.get(&address) {
            return Some(*id);
        }
        let id = self
            .free
            .pop()
            .or_else(|| RemoteId::new(self.remotes.len()))?;
        let listed = known
            .wanted
            .remotes
            .iter()
            .find(|remote| remote.address == address);
        let bits = listed.map_or(known.wanted.reserved_bits, |remote| remote.reserved_bits);
        let lenient = bits == config::ReservedBits::Lenient;
        let remote = Remote::new(id, tunnel, address, lenient, settings(&known.wanted));
        if id.index() == self.remotes.len() {
            self.remotes.push(None);
        }
        self.remotes[id.index()] = Some(Arc::new(remote));
        self.tunnels
            .get_mut(tunnel.index())?
            .remotes
            .insert(address, id);
        Some(id)
    }

    /// A sender that was not configured. `true` if it has a record now and had none before.
    pub fn learn(&mut self, tunnel: TunnelId, address: Ipv4Addr, now: u32) -> bool {
        let Some(known) = self.tunnels.get(tunnel.index()) else {
            return false;
        };
        if known.remotes.contains_key(&address) {
            return false;
        }
        let room = known.learned.len() < MAX_LEARNED;
        let id = room.then(|| self.ensure(tunnel, address)).flatten();
        match id {
            Some(id) => self.tunnels[tunnel.index()].learned.push((id, now)),
            None => self.refused += 1,
        }
        id.is_some()
    }

    /// Forgets learned remotes that nothing leads to any more. `used` gives those that something
    /// leads to, and is not asked in vain. Returns the addresses of the forgotten.
    pub fn forget_idle(
        &mut self,
        now: u32,
        used: impl FnOnce() -> HashSet<RemoteId>,
    ) -> Vec<Ipv4Addr> {
        let mut gone = Vec::new();
        if self.tunnels.iter().all(|tunnel| tunnel.learned.is_empty()) {
            return gone;
        }
        let used = used();
        for tunnel in &mut self.tunnels {
            tunnel.learned.retain(|(id, since)| {
                let fresh = now.saturating_sub(*since) < GRACE;
                if fresh || used.contains(id) {
                    return true;
                }
                if let Some(remote) = self.remotes[id.index()].take() {
                    tunnel.remotes.remove(&remote.address);
                    gone.push(remote.address);
                }
                self.retired.push((None, *id));
                false
            });
        }
        gone
    }

    /// A snapshot without the forgotten remotes was published as `change`.
    pub fn seal(&mut self, change: Change) {
        for (since, _) in &mut self.retired {
            since.get_or_insert(change);
        }
    }

    /// How many numbers of forgotten remotes no worker uses any more, as told by `passed`.
    pub fn passed(&self, passed: impl Fn(Change) -> bool) -> usize {
        let mut retired = self.retired.iter();
        let first = retired.position(|(since, _)| !since.is_some_and(&passed));
        first.unwrap_or(self.retired.len())
    }

    /// Makes the `count` numbers usable again that were retired first.
    pub fn release(&mut self, count: usize) {
        let over = self.retired.drain(..count.min(self.retired.len()));
        self.free.extend(over.map(|(_, id)| id));
    }

    /// Tunnels, end points and remote records, into a snapshot.
    pub fn fill(&self, snapshot: &mut Snapshot) {
        let mut udp_ports = UdpPorts::default();
        for (known, id) in self.tunnels.iter().zip((0..).map_while(TunnelId::new)) {
            let wanted = &known.wanted;
            udp_ports.insert(wanted.udp_port);
            let end_point = EndPoint {
                local: wanted.local,
                udp_port: wanted.udp_port,
                vni: wanted.vni,
            };
            snapshot.end_points.insert(end_point, id);
            snapshot.tunnels.push(Arc::new(Tunnel {
                id,
                bridge: known.bridge,
                learning: wanted.learning,
                accept_any: wanted.accept == config::Accept::Any,
                lenient: wanted.reserved_bits == config::ReservedBits::Lenient,
                known: known.remotes.clone(),
            }));
        }
        snapshot.udp_ports = udp_ports;
        snapshot.remotes.clone_from(&self.remotes);
    }

    /// The default remotes of the tunnels of `bridge`: the replication list, in the order of the
    /// configuration.
    pub fn flood_list(&self, bridge: BridgeId) -> Vec<(TunnelId, RemoteId)> {
        let numbered = self.tunnels.iter().zip((0..).map_while(TunnelId::new));
        let of_bridge = numbered.filter(|(tunnel, _)| tunnel.bridge == bridge);
        of_bridge
            .flat_map(|(tunnel, id)| {
                let defaults = tunnel.wanted.remotes.iter();
                defaults.filter_map(move |r| Some((id, *tunnel.remotes.get(&r.address)?)))
            })
            .collect()
    }
}

fn settings(wanted: &config::Tunnel) -> EncapSettings {
    EncapSettings {
        local: wanted.local,
        udp_port: wanted.udp_port,
        vni: wanted.vni,
        source_ports: wanted.source_ports.clone(),
        ttl: match wanted.ttl {
            config::Ttl::Fixed(ttl) => Inherit::Fixed(ttl.get()),
            config::Ttl::Inherit => Inherit::Inner(DEFAULT_TTL),
        },
        dscp: match wanted.dscp {
            config::Dscp::Fixed(dscp) => Inherit::Fixed(dscp),
            config::Dscp::Inherit => Inherit::Inner(0),
        },
        df: match wanted.df {
            config::Df::Set => Df::Set,
            config::Df::Unset => Df::Unset,
            config::Df::Inherit => Df::Inherit,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastpath::publish::Publisher;

    const CONFIG: &str = r#"
        [[port]]
        name = "up"
        device = "d"
        addresses = ["192.0.2.2/24"]
        [[bridge]]
        name = "br0"
        [[bridge]]
        name = "br1"
        [[tunnel]]
        name = "vx0"
        bridge = "br1"
        vni = 10
        local = "192.0.2.2"
        remotes = ["192.0.2.9", { address = "192.0.2.1", reserved_bits = "lenient" }]
        [[tunnel]]
        name = "vx1"
        bridge = "br1"
        vni = 11
        local = "192.0.2.2"
        accept = "any"
        udp_port = 8472
        reserved_bits = "lenient"
        remotes = [{ address = "192.0.2.1", reserved_bits = "strict" }]
        [[fdb]]
        bridge = "br1"
        mac = "02:00:00:00:00:01"
        tunnel = "vx1"
        remote = "192.0.2.7"
    "#;

    fn tunnels() -> Tunnels {
        Tunnels::new(&Wanted::parse(CONFIG, "test").unwrap())
    }

    fn id(number: usize) -> TunnelId {
        TunnelId::new(number).unwrap()
    }

    fn address(number: usize) -> Ipv4Addr {
        Ipv4Addr::from_bits(0x0a00_0000 + number as u32)
    }

    #[test]
    fn every_remote_of_the_configuration_has_a_record() {
        let tunnels = tunnels();
        let records = tunnels
            .remotes()
            .map(|r| (r.tunnel.index(), r.address.octets()[3], r.lenient));
        let expected = [(0, 9, false), (0, 1, true), (1, 1, false), (1, 7, true)];
        assert!(
            records.eq(expected),
            "that of the static entry is judged as strangers are"
        );
        let list = |bridge| {
            let list = tunnels.flood_list(BridgeId::new(bridge).unwrap());
            let numbers = list.into_iter().map(|(t, r)| (t.index(), r.index()));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(list(0), []);
        assert_eq!(
            list(1),
            [(0, 0), (0, 1), (1, 2)],
            "the default ones, in their order"
        );
    }

    #[test]
    fn a_snapshot_has_what_packets_are_asked_for() {
        let mut snapshot = Snapshot::default();
        tunnels().fill(&mut snapshot);
        let udp = |port| snapshot.udp_ports.contains(port);
        assert!(udp(4789) && udp(8472) && !udp(4790));
        let end = |udp_port, vni| {
            let (local, vni) = (
                [192, 0, 2, 2].into(),
                fastpath::wire::Vni::new(vni).unwrap(),
            );
            let end_point = EndPoint {
                local,
                udp_port,
                vni,
            };
            snapshot.end_points.get(&end_point).copied()
        };
        assert_eq!(
            (end(4789, 10), end(8472, 11), end(4789, 11)),
            (Some(id(0)), Some(id(1)), None)
        );
        let tunnel = snapshot.tunnel(id(1)).unwrap();
        assert!(tunnel.accept_any && tunnel.lenient && tunnel.learning);
        assert_eq!((tunnel.bridge.index(), tunnel.known.len()), (1, 2));
        assert_eq!(snapshot.remotes.len(), 4);
    }

    #[test]
    fn a_remote_has_one_record_however_often_it_is_named() {
        let mut tunnels = tunnels();
        let (first, known) = (tunnels.ensure(id(0), address(1)), tunnels.remotes().count());
        assert_eq!(
            (first, tunnels.ensure(id(0), address(1))),
            (RemoteId::new(4), first)
        );
        assert_eq!(tunnels.remotes().count(), known);
        assert_ne!(
            tunnels.ensure(id(1), address(1)),
            first,
            "of another tunnel"
        );
        assert_eq!(tunnels.ensure(id(2), address(1)), None);
        assert!(!tunnels.learn(id(0), address(1), 0) && !tunnels.learn(id(2), address(1), 0));
        assert_eq!(tunnels.refused, 0);
    }

    #[test]
    fn no_more_are_learned_than_a_tunnel_may_have() {
        let mut tunnels = tunnels();
        assert!((0..MAX_LEARNED).all(|number| tunnels.learn(id(1), address(number), 0)));
        assert!(!tunnels.learn(id(1), address(MAX_LEARNED), 0));
        assert!(
            tunnels.learn(id(0), address(MAX_LEARNED), 0),
            "of another tunnel"
        );
        assert_eq!(tunnels.refused, 1);
        assert_eq!(
            tunnels.forget_idle(GRACE, HashSet::new).len(),
            MAX_LEARNED + 1
        );
        assert!(tunnels.learn(id(1), address(MAX_LEARNED), 0));
    }

    #[test]
    fn without_numbers_nobody_is_learned() {
        let mut tunnels = tunnels();
        while tunnels.remotes.len() < RemoteId::LIMIT {
            tunnels.remotes.push(None);
        }
        assert!(!tunnels.learn(id(1), address(1), 0));
        assert_eq!((tunnels.refused, tunnels.tunnels[1].learned.len()), (1, 0));
    }

    #[test]
    fn who_is_used_or_fresh_or_configured_stays() {
        let mut tunnels = tunnels();
        let used = tunnels.remotes.len();
        assert!(tunnels.learn(id(1), address(1), 100) && tunnels.learn(id(1), address(2), 100));
        let keep = || HashSet::from([RemoteId::new(used).unwrap()]);
        assert_eq!(
            tunnels.forget_idle(99 + GRACE, HashSet::new),
            [] as [Ipv4Addr; 0]
        );
        assert_eq!(tunnels.forget_idle(100 + GRACE, keep), [address(2)]);
        assert_eq!(tunnels.forget_idle(100 + GRACE, HashSet::new), [address(1)]);
        assert_eq!(tunnels.remotes().count(), 4);
        let unasked = || panic!("nothing was learned");
        assert_eq!(tunnels.forget_idle(u32::MAX, unasked), [] as [Ipv4Addr; 0]);
    }

    #[test]
    fn a_number_is_used_again_when_every_worker_has_passed_its_end() {
        let (mut world, mut readers) = Publisher::new((), 2);
        let mut tunnels = tunnels();
        let next = |tunnels: &mut Tunnels, number| {
            tunnels.learn(id(1), address(number), 0);
            tunnels.tunnels[1].learned.last().unwrap().0.index()
        };
        let first = next(&mut tunnels, 1);
        tunnels.forget_idle(GRACE, HashSet::new);
        assert!(tunnels.remote(RemoteId::new(first).unwrap()).is_none());
        let over = |tunnels: &Tunnels, world: &Publisher<()>| tunnels.passed(|c| world.passed(c));
        assert_eq!(over(&tunnels, &world), 0, "not published");
        tunnels.seal(world.publish(()));
        readers[0].observe();
        readers[0].pass();
        assert_eq!(over(&tunnels, &world), 0, "one worker has not passed");
        assert_eq!(next(&mut tunnels, 2), first + 1);
        // Another one goes later: it does not go with the first.
        tunnels.forget_idle(GRACE, HashSet::new);
        readers[1].observe();
        readers[1].pass();
        assert_eq!(over(&tunnels, &world), 1);
        tunnels.release(1);
        assert_eq!(
            [next(&mut tunnels, 3), next(&mut tunnels, 4)],
            [first, first + 2]
        );
    }
}
