//! One step from what is to what is wanted, and the words of the command that takes it.

use crate::config::{
    Address, Bridge, FdbEntry, FdbTarget, Name, Neighbour, Port, Prefix, Remote, ReservedBits,
    Route, Setting, SwitchSettings, Tunnel,
};
use fastpath::wire::VlanId;
use std::fmt;

/// One step. Shown, it is the command that takes it, without the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Settings of the switch as a whole, before and after.
    Switch(SwitchSettings, SwitchSettings),
    /// A port comes, without its addresses and its local port.
    PortAdd(Port),
    /// Settings of a port, before and after; addresses and local port are steps of their own.
    PortSet(Port, Port),
    /// A port goes.
    PortDel(Name),
    /// A port has another local port, or none.
    Local(Name, Option<Name>),
    /// A port gets an address.
    AddressAdd(Name, Address),
    /// A port loses an address.
    AddressDel(Name, Address),
    /// A route comes.
    RouteAdd(Route),
    /// A route has other gateways.
    RouteReplace(Route),
    /// A route goes.
    RouteDel(Prefix),
    /// A neighbour's link address is set.
    NeighbourAdd(Neighbour),
    /// Another link address of a neighbour is set.
    NeighbourReplace(Neighbour),
    /// A neighbour's link address is not set any more.
    NeighbourDel(Neighbour),
    /// A bridge comes, without its ports.
    BridgeAdd(Bridge),
    /// Settings of a bridge, before and after; its ports are steps of their own.
    BridgeSet(Bridge, Bridge),
    /// A bridge goes.
    BridgeDel(Name),
    /// A port joins a bridge.
    Join {
        /// The port.
        port: Name,
        /// The bridge.
        bridge: Name,
    },
    /// A port leaves its bridge.
    Leave {
        /// The port.
        port: Name,
        /// The bridge.
        bridge: Name,
    },
    /// A tunnel comes, without its remotes.
    TunnelAdd(Tunnel),
    /// Settings of a tunnel, before and after; remotes are steps of their own.
    TunnelSet(Tunnel, Tunnel),
    /// A tunnel goes.
    TunnelDel(Name),
    /// A tunnel gets a default remote.
    RemoteAdd {
        /// The tunnel.
        tunnel: Name,
        /// The remote.
        remote: Remote,
        /// How those are judged of which nothing else is said.
        usual: ReservedBits,
    },
    /// A tunnel loses a default remote.
    RemoteDel(Name, Remote),
    /// A static entry comes.
    FdbAdd(FdbEntry),
    /// A static entry leads elsewhere.
    FdbReplace(FdbEntry),
    /// A static entry goes.
    FdbDel(FdbEntry),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Switch(before, after) => {
                write!(f, "switch set")?;
                changed(f, &before.settings(), &after.settings())
            }
            Step::PortAdd(port) => {
                write!(f, "port add {}", port.name)?;
                words(f, &port.settings())
            }
            Step::PortSet(before, after) => {
                write!(f, "port set {}", after.name)?;
                changed(f, &before.settings(), &after.settings())
            }
            Step::Local(port, Some(local)) => write!(f, "port set {port} local {local}"),
            Step::Local(port, None) => write!(f, "port set {port} nolocal"),
            Step::PortDel(name) => write!(f, "port del {name}"),
            Step::AddressAdd(port, address) => {
                write!(f, "addr add ")?;
                on_port(f, address, *port)
            }
            Step::AddressDel(port, address) => {
                write!(f, "addr del ")?;
                on_port(f, address, *port)
            }
            Step::RouteAdd(route) => via(f, "add", route),
            Step::RouteReplace(route) => via(f, "replace", route),
            Step::RouteDel(to) => write!(f, "route del {to}"),
            Step::NeighbourAdd(set) => neighbour(f, "add", set),
            Step::NeighbourReplace(set) => neighbour(f, "replace", set),
            Step::NeighbourDel(set) => {
                write!(f, "neigh del {} ", set.address)?;
                place(f, set.port, set.vlan)
            }
            Step::BridgeAdd(bridge) => {
                write!(f, "bridge add {}", bridge.name)?;
                words(f, &bridge.settings())
            }
            Step::BridgeSet(before, after) => {
                write!(f, "bridge set {}", after.name)?;
                changed(f, &before.settings(), &after.settings())
            }
            Step::BridgeDel(name) => write!(f, "bridge del {name}"),
            Step::Join { port, bridge } => write!(f, "port set {port} bridge {bridge}"),
            Step::Leave { port, .. } => write!(f, "port set {port} nobridge"),
            Step::TunnelAdd(tunnel) => {
                write!(f, "vxlan add {}", tunnel.name)?;
                words(f, &tunnel.settings())
            }
            Step::TunnelSet(before, after) => {
                write!(f, "vxlan set {}", after.name)?;
                changed(f, &before.settings(), &after.settings())
            }
            Step::TunnelDel(name) => write!(f, "vxlan del {name}"),
            Step::RemoteAdd {
                tunnel,
                remote,
                usual,
            } => {
                write!(f, "vxlan append {tunnel} remote {}", remote.address)?;
                let bits = remote.reserved_bits;
                match bits == *usual {
                    true => Ok(()),
                    false => write!(f, " reserved_bits {}", bits.word()),
                }
            }
            Step::RemoteDel(tunnel, remote) => {
                write!(f, "vxlan del {tunnel} remote {}", remote.address)
            }
            Step::FdbAdd(entry) => {
                write!(f, "fdb add ")?;
                leading(f, entry)
            }
            Step::FdbReplace(entry) => {
                write!(f, "fdb replace ")?;
                leading(f, entry)
            }
            Step::FdbDel(FdbEntry { bridge, mac, .. }) => {
                write!(f, "fdb del {mac} bridge {bridge}")
            }
        }
    }
}

fn words(f: &mut fmt::Formatter<'_>, settings: &[Setting]) -> fmt::Result {
    let mut settings = settings.iter();
    settings.try_for_each(|(key, value)| write!(f, " {key} {value}"))
}

/// Those that are other ones; `default` is the word for what is not said any more.
fn changed(f: &mut fmt::Formatter<'_>, before: &[Setting], after: &[Setting]) -> fmt::Result {
    let new = after.iter().filter(|setting| !before.contains(setting));
    for (key, value) in new {
        write!(f, " {key} {value}")?;
    }
    let said = |key: &str| after.iter().any(|(other, _)| *other == key);
    let mut gone = before.iter().filter(|(key, _)| !said(key));
    gone.try_for_each(|(key, _)| write!(f, " {key} default"))
}

fn on_port(f: &mut fmt::Formatter<'_>, address: &Address, port: Name) -> fmt::Result {
    write!(f, "{} ", address.prefix)?;
    place(f, port, address.vlan)
}

fn place(f: &mut fmt::Formatter<'_>, port: Name, vlan: Option<VlanId>) -> fmt::Result {
    write!(f, "port {port}")?;
    vlan.map_or(Ok(()), |vlan| write!(f, " vlan {}", vlan.get()))
}

fn neighbour(f: &mut fmt::Formatter<'_>, verb: &str, set: &Neighbour) -> fmt::Result {
    write!(f, "neigh {verb} {} lladdr {} ", set.address, set.mac)?;
    place(f, set.port, set.vlan)
}

fn via(f: &mut fmt::Formatter<'_>, verb: &str, route: &Route) -> fmt::Result {
    write!(f, "route {verb} {}", route.to)?;
    route
        .via
        .iter()
        .try_for_each(|gateway| write!(f, " via {gateway}"))
}

fn leading(f: &mut fmt::Formatter<'_>, entry: &FdbEntry) -> fmt::Result {
    write!(f, "{} bridge {}", entry.mac, entry.bridge)?;
    match &entry.target {
        FdbTarget::Port(port) => write!(f, " port {port}"),
        FdbTarget::Remote { tunnel, remote } => write!(f, " tunnel {tunnel} dst {remote}"),
    }
}
