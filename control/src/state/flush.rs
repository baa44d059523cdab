//! Learned stations that a client has forgotten.

use super::State;
use crate::api::Refused;
use crate::api::messages::Learned;
use crate::config::{Name, nearest};
use fastpath::fdb::Destination;
use fastpath::ids::{BridgeId, PortId, TunnelId};
use fastpath::io::Io;

impl<I: Io> State<I> {
    /// Forgets the learned stations for which all that is said is true.
    pub(super) fn flush_learned(&mut self, which: &Learned) -> Result<(), Refused> {
        let bridge = which.bridge.map(|name| self.bridge_named(name));
        let port = which.port.map(|name| self.port_id(name));
        let tunnel = which.tunnel.map(|name| self.tunnel_named(name));
        let (bridge, port) = (bridge.transpose()?, port.transpose()?);
        let tunnel = tunnel.transpose()?;
        let tunnels = &self.tunnels;
        let through = |to| match to {
            Destination::Port(_) => None,
            Destination::Remote(id) => tunnels.remote(id).map(|remote| remote.tunnel),
        };
        self.fdb.forget(|inside, to| {
            bridge.is_none_or(|bridge| inside == bridge)
                && port.is_none_or(|port| to == Destination::Port(port))
                && (tunnel.is_none() || through(to) == tunnel)
        });
        Ok(())
    }

    fn bridge_named(&self, name: Name) -> Result<BridgeId, Refused> {
        let names = self.wanted.bridges.iter().map(|bridge| &bridge.name);
        let id = self.bridges.by_name(name);
        id.ok_or_else(|| missing("bridge", name, names))
    }

    fn port_id(&self, name: Name) -> Result<PortId, Refused> {
        let names = self.wanted.ports.iter().map(|port| &port.name);
        let id = self.ports.by_name(name);
        id.ok_or_else(|| missing("port", name, names))
    }

    fn tunnel_named(&self, name: Name) -> Result<TunnelId, Refused> {
        let names = self.wanted.tunnels.iter().map(|tunnel| &tunnel.name);
        let id = self.tunnels.by_name(name);
        id.ok_or_else(|| missing("tunnel", name, names))
    }
}

fn missing<'n>(kind: &str, name: Name, names: impl Iterator<Item = &'n Name>) -> Refused {
    let hint = nearest(name.as_str(), names.map(Name::as_str));
    let hint = hint.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Refused(format!("{kind}: there is no {kind} {name}{hint}"))
}
