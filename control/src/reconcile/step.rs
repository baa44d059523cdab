//! One step from what is to what is wanted, and the words of the command that takes it.

use crate::config::{
    Address, Bridge, FdbEntry, FdbTarget, Name, Port, Prefix, Remote, ReservedBits, Route, Setting,
    SwitchSettings, Tunnel,
};
use std::fmt;

/// One step. Shown, it is the command that takes it, without the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Settings of the switch as a whole are other ones.
    Switch(SwitchSettings),
    /// A port comes, without its addresses.
    PortAdd(Port),
    /// A port has other settings; addresses are steps of their own.
    PortSet(Port),
    /// A port goes.
    PortDel(Name),
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
    /// A bridge comes, without its ports.
    BridgeAdd(Bridge),
    /// A bridge has other settings; its ports are steps of their own.
    BridgeSet(Bridge),
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
    /// A tunnel has other settings; remotes are steps of their own.
    TunnelSet(Tunnel),
    /// A tunnel goes.
    TunnelDel(Name),
    /// A tunnel gets a default remote.
    RemoteAdd(Name, Remote),
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
            Step::Switch(switch) => {
                write!(f, "switch set")?;
                words(f, &switch.settings())
            }
            Step::PortAdd(port) => {
                write!(f, "port add {}", port.name)?;
                words(f, &port.settings())
            }
            Step::PortSet(port) => {
                write!(f, "port set {}", port.name)?;
                words(f, &port.settings())
            }
            Step::PortDel(name) => write!(f, "port del {name}"),
            Step::AddressAdd(port, address) => {
                write!(f, "addr add ")?;
                on_port(f, address, *port)
            }
            Step::AddressDel(port, address) => {
                write!(f, "addr del ")?;
                on_port(f, address, *port)
            }
            Step::RouteAdd(route) => {
                write!(f, "route add ")?;
                via(f, route)
            }
            Step::RouteReplace(route) => {
                write!(f, "route replace ")?;
                via(f, route)
            }
            Step::RouteDel(to) => write!(f, "route del {to}"),
            Step::BridgeAdd(bridge) => {
                write!(f, "bridge add {}", bridge.name)?;
                words(f, &bridge.settings())
            }
            Step::BridgeSet(bridge) => {
                write!(f, "bridge set {}", bridge.name)?;
                words(f, &bridge.settings())
            }
            Step::BridgeDel(name) => write!(f, "bridge del {name}"),
            Step::Join { port, bridge } => write!(f, "port set {port} bridge {bridge}"),
            Step::Leave { port, .. } => write!(f, "port set {port} nobridge"),
            Step::TunnelAdd(tunnel) => {
                write!(f, "vxlan add {}", tunnel.name)?;
                words(f, &tunnel.settings())
            }
            Step::TunnelSet(tunnel) => {
                write!(f, "vxlan set {}", tunnel.name)?;
                words(f, &tunnel.settings())
            }
            Step::TunnelDel(name) => write!(f, "vxlan del {name}"),
            Step::RemoteAdd(tunnel, remote) => {
                let Remote {
                    address,
                    reserved_bits,
                } = remote;
                write!(f, "vxlan append {tunnel} remote {address}")?;
                match reserved_bits {
                    ReservedBits::Strict => Ok(()),
                    bits => write!(f, " reserved_bits {}", bits.word()),
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

fn on_port(f: &mut fmt::Formatter<'_>, address: &Address, port: Name) -> fmt::Result {
    write!(f, "{} port {port}", address.prefix)?;
    address
        .vlan
        .map_or(Ok(()), |vlan| write!(f, " vlan {}", vlan.get()))
}

fn via(f: &mut fmt::Formatter<'_>, route: &Route) -> fmt::Result {
    write!(f, "{}", route.to)?;
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
