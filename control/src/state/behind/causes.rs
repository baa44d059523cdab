//! What is now so that it leads to drops by some name, as far as state can tell.

use crate::api::messages::{PortState, Tunnel, TunnelState};
use crate::state::State;
use fastpath::drop::DropReason;
use fastpath::fdb::Kind;
use fastpath::io::Io;

/// Most that are told.
const MAX: usize = 64;

impl<I: Io> State<I> {
    pub(super) fn causes(&self, why: DropReason) -> Vec<String> {
        let mut causes = match why {
            DropReason::PortDown => self.ports_down(),
            DropReason::TunnelDown => self.tunnels_down(),
            DropReason::NoRoute => self.remotes_without(|tunnel| {
                let none = tunnel.remotes.iter().filter(|remote| remote.way.is_empty());
                let told = |address| format!("no route leads to {address}");
                none.map(|remote| told(remote.address)).collect()
            }),
            DropReason::NeighbourUnresolved => self.remotes_without(|tunnel| {
                let unknown = tunnel.remotes.iter().filter(|remote| {
                    let mut ways = remote.way.iter();
                    !remote.way.is_empty() && ways.all(|way| way.mac.is_none())
                });
                let told = |address| format!("no neighbour on the way to {address} answers");
                unknown.map(|remote| told(remote.address)).collect()
            }),
            DropReason::NoBridge => self.without_bridge(),
            DropReason::MtuExceeded => self.mtus(),
            DropReason::StaticElsewhere => self.static_entries(),
            _ => Vec::new(),
        };
        causes.truncate(MAX);
        causes
    }

    fn ports_down(&self) -> Vec<String> {
        let ports = self.show_ports().into_iter();
        let down = ports.filter(|port| port.state != PortState::Up);
        down.map(|port| {
            let why = port.reason.unwrap_or_else(|| "it has no link".to_owned());
            format!("port {} is down: {why}", port.name)
        })
        .collect()
    }

    fn tunnels_down(&self) -> Vec<String> {
        let tunnels = self.show_tunnels().into_iter();
        let down = tunnels.filter(|tunnel| tunnel.state == TunnelState::Down);
        down.map(|tunnel| {
            let why = tunnel.reason.unwrap_or_default();
            format!("tunnel {} is down: {why}", tunnel.name)
        })
        .collect()
    }

    /// What `fault` says of the remotes of each tunnel.
    fn remotes_without(&self, fault: impl Fn(&Tunnel) -> Vec<String>) -> Vec<String> {
        let tunnels = self.show_tunnels().into_iter();
        let told = tunnels.flat_map(|tunnel| {
            let faults = fault(&tunnel).into_iter();
            faults.map(move |fault| format!("tunnel {}: {fault}", tunnel.name))
        });
        told.collect()
    }

    fn without_bridge(&self) -> Vec<String> {
        let snapshot = self.world.current();
        let ports = snapshot.ports.iter().flatten();
        let lone = ports.filter(|port| {
            port.bridge.is_none() && port.addresses.is_empty() && port.uplink.is_none()
        });
        lone.filter_map(|port| Some(format!("port {} is in no bridge", self.port_name(port.id)?)))
            .collect()
    }

    fn mtus(&self) -> Vec<String> {
        let ports = self.show_ports().into_iter();
        ports
            .map(|port| format!("port {} has mtu {}", port.name, port.mtu))
            .collect()
    }

    fn static_entries(&self) -> Vec<String> {
        let entries = self.fdb.entries();
        let fixed = entries.filter(|entry| entry.value.kind == Kind::Static);
        fixed
            .take(MAX)
            .filter_map(|entry| {
                let shown = self.show_entry(&entry)?;
                let place = shown
                    .port
                    .map(|port| format!("port {port}"))
                    .or_else(|| Some(format!("tunnel {} remote {}", shown.tunnel?, shown.remote?)));
                let (mac, bridge) = (shown.mac, shown.bridge);
                Some(format!("{mac} is pinned to {} in bridge {bridge}", place?))
            })
            .collect()
    }
}
