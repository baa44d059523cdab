//! The commands that change what is wanted, and their names.

/// A command. Its parameters are named in its description; those in brackets may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// The keys of `[switch]`.
    SwitchSet,
    /// The keys of `[[port]]`, (`bridge`).
    PortAdd,
    /// name, and those keys that change; one that is `null` has its default again. `bridge` is the
    /// bridge that it joins, or `null`.
    PortSet,
    /// name. It leaves its bridge, and its static entries and its neighbours go with it.
    PortDel,
    /// port, address, (`vlan`).
    AddrAdd,
    /// address, (port), (`vlan`): the one of ours that has this address gets the prefix length, and
    /// the port and the VLAN that are said; a `vlan` that is `null` is none.
    AddrSet,
    /// port, address, (`vlan`).
    AddrDel,
    /// The keys of `[[route]]`.
    RouteAdd,
    /// The keys of `[[route]]`, of one that is there.
    RouteSet,
    /// The keys of `[[route]]`.
    RouteReplace,
    /// to.
    RouteDel,
    /// The keys of `[[neighbour]]`.
    NeighAdd,
    /// The keys of `[[neighbour]]`, of one that is there.
    NeighSet,
    /// The keys of `[[neighbour]]`.
    NeighReplace,
    /// port, address, (`vlan`), and (`mac`) if that matters.
    NeighDel,
    /// The keys of `[[bridge]]`.
    BridgeAdd,
    /// name, and those keys that change.
    BridgeSet,
    /// name. Its ports are free then.
    BridgeDel,
    /// The keys of `[[tunnel]]`.
    VxlanAdd,
    /// name, and those keys that change.
    VxlanSet,
    /// name. Its static entries go with it.
    VxlanDel,
    /// name, address, (`reserved_bits`): one more default remote.
    RemoteAdd,
    /// name, address.
    RemoteDel,
    /// The keys of `[[fdb]]`.
    FdbAdd,
    /// bridge, mac, and where it leads, of which what is not said stays as it is.
    FdbSet,
    /// The keys of `[[fdb]]`.
    FdbReplace,
    /// bridge, mac, and where it leads, if that matters.
    FdbDel,
    /// (`bridge`), (`port`), (`tunnel`): static entries for which all of these are so.
    FdbFlush,
}

impl Command {
    /// All of them.
    pub const ALL: [Command; 28] = [
        Command::SwitchSet,
        Command::PortAdd,
        Command::PortSet,
        Command::PortDel,
        Command::AddrAdd,
        Command::AddrSet,
        Command::AddrDel,
        Command::RouteAdd,
        Command::RouteSet,
        Command::RouteReplace,
        Command::RouteDel,
        Command::NeighAdd,
        Command::NeighSet,
        Command::NeighReplace,
        Command::NeighDel,
        Command::BridgeAdd,
        Command::BridgeSet,
        Command::BridgeDel,
        Command::VxlanAdd,
        Command::VxlanSet,
        Command::VxlanDel,
        Command::RemoteAdd,
        Command::RemoteDel,
        Command::FdbAdd,
        Command::FdbSet,
        Command::FdbReplace,
        Command::FdbDel,
        Command::FdbFlush,
    ];

    /// Its noun and its verb.
    pub const fn name(self) -> &'static str {
        match self {
            Command::SwitchSet => "switch.set",
            Command::PortAdd => "port.add",
            Command::PortSet => "port.set",
            Command::PortDel => "port.del",
            Command::AddrAdd => "addr.add",
            Command::AddrSet => "addr.set",
            Command::AddrDel => "addr.del",
            Command::RouteAdd => "route.add",
            Command::RouteSet => "route.set",
            Command::RouteReplace => "route.replace",
            Command::RouteDel => "route.del",
            Command::NeighAdd => "neigh.add",
            Command::NeighSet => "neigh.set",
            Command::NeighReplace => "neigh.replace",
            Command::NeighDel => "neigh.del",
            Command::BridgeAdd => "bridge.add",
            Command::BridgeSet => "bridge.set",
            Command::BridgeDel => "bridge.del",
            Command::VxlanAdd => "vxlan.add",
            Command::VxlanSet => "vxlan.set",
            Command::VxlanDel => "vxlan.del",
            Command::RemoteAdd => "vxlan.remote_add",
            Command::RemoteDel => "vxlan.remote_del",
            Command::FdbAdd => "fdb.add",
            Command::FdbSet => "fdb.set",
            Command::FdbReplace => "fdb.replace",
            Command::FdbDel => "fdb.del",
            Command::FdbFlush => "fdb.flush_static",
        }
    }
}
