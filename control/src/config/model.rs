//! What is wanted, as checked types. Things refer to each other by name, since a name is what
//! stays the same from one version of the configuration to the next.

use super::name::Name;
use super::neighbour::Neighbour;
use super::prefix::Prefix;
use super::route::Route;
use crate::offload::Offload;
use fastpath::snapshot::RxChecksum;
use fastpath::wire::{Mac, VlanId, Vni};
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The wanted state of a switch.
///
/// What [`Wanted::parse`] gives holds these to be true, so that a consumer need not check again:
/// names are unique per kind and every reference names something that is there; the lists fit the
/// ids of [`fastpath::ids`], as do all (tunnel, remote) pairs together; a port is in at most one
/// bridge; an address is on one port only; a port that is the `local` of another has neither
/// addresses nor a bridge; networks of routes are
/// unique, and their gateways are on links of ports; neighbours are hosts on a link of their port, and
/// unique by (`port`, `vlan`, `address`); a tunnel's `local` is an address of a port; (`local`,
/// `udp_port`, `vni`) of tunnels are unique, as are (`bridge`, `mac`) of static entries. The lists
/// are in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Settings of the switch as a whole.
    pub switch: SwitchSettings,
    /// Ports.
    pub ports: Vec<Port>,
    /// Routes of the underlay.
    pub routes: Vec<Route>,
    /// Neighbours on underlay links whose link addresses are set.
    pub neighbours: Vec<Neighbour>,
    /// Bridges.
    pub bridges: Vec<Bridge>,
    /// Tunnel end points.
    pub tunnels: Vec<Tunnel>,
    /// Static forwarding entries.
    pub fdb: Vec<FdbEntry>,
}

impl Wanted {
    /// The port of this name.
    pub fn port(&self, name: Name) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }

    /// All addresses of the switch, on whatever port and VLAN.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        let own = self.ports.iter().flat_map(|port| &port.addresses);
        own.map(|own| own.prefix)
    }

    /// The bridge of this name.
    pub fn bridge(&self, name: Name) -> Option<&Bridge> {
        self.bridges.iter().find(|bridge| bridge.name == name)
    }

    /// The tunnel of this name.
    pub fn tunnel(&self, name: Name) -> Option<&Tunnel> {
        self.tunnels.iter().find(|tunnel| tunnel.name == name)
    }

    /// The port that has `address` as one of its own.
    pub fn port_of(&self, address: Ipv4Addr) -> Option<&Port> {
        self.ports.iter().find(|port| port.has(address))
    }
}

/// Settings of the switch as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchSettings {
    /// Entries in the flow cache of each worker, 16 to 2^24.
    pub cache_entries: u32,
    /// MAC addresses over all bridges, 1 to 2^24.
    pub fdb_entries: u32,
    /// Packets in the pool, 1024 to 2^23.
    pub mbufs: u32,
}

impl Default for SwitchSettings {
    fn default() -> Self {
        SwitchSettings {
            cache_entries: 65_536,
            fdb_entries: 65_536,
            mbufs: 16_384,
        }
    }
}

/// A DPDK device, as EAL names it, with the devargs that attach it where EAL has not probed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Device(Box<str>);

impl Device {
    /// The longest name of a device in bytes: EAL's `RTE_DEV_NAME_MAX_LEN` less its final zero.
    pub const NAME_MAX: usize = 63;

    /// `None` if the name is empty or too long, or the text has white space or control characters.
    pub fn new(text: &str) -> Option<Self> {
        let name = text.split(',').next().unwrap_or_default();
        let legal = |c: char| !c.is_whitespace() && !c.is_control();
        let fits = !name.is_empty() && name.len() <= Self::NAME_MAX;
        (fits && text.chars().all(legal)).then(|| Device(text.into()))
    }

    /// The name alone: `net_tap0` or `0000:01:00.0`.
    pub fn name(&self) -> &str {
        self.0.split(',').next().unwrap_or_default()
    }

    /// The name and what follows it, as EAL takes it: `net_tap0,iface=up0`.
    pub fn devargs(&self) -> &str {
        &self.0
    }
}

/// A port of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name, ours and not EAL's.
    pub name: Name,
    /// The device behind it.
    pub device: Device,
    /// The largest L3 packet in bytes, 68 to 9600.
    pub mtu: u16,
    /// Addresses of the switch on this link, at most [`Port::MAX_ADDRESSES`]. A port that has any
    /// is an underlay port.
    pub addresses: Vec<Address>,
    /// Whether the device is to hand over frames for other stations.
    pub promiscuous: bool,
    /// The port that gives the kernel of this host what is neither for a tunnel nor for the switch.
    /// Only an underlay port outside of bridges has one, and each one of its own.
    pub local: Option<Name>,
    /// What is done about the layer-4 checksums of what it receives.
    pub rx_checksum: RxChecksum,
    /// The most that its NIC is asked to do for tunnels.
    pub offload: Offload,
    /// Receive queues, 1 to 64.
    pub rx_queues: u16,
    /// Which worker polls each receive queue, from the first on; the others are polled in turn. At
    /// most as many as there are receive queues.
    pub rx_workers: Vec<u16>,
    /// Transmit queues, 1 to 64; `None`: as many as workers, at most what the device has.
    pub tx_queues: Option<u16>,
    /// Descriptors of each receive queue, 32 to 32768.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue, 32 to 32768.
    pub tx_descriptors: u16,
}

impl Port {
    /// The MTU of a port that does not say.
    pub const DEFAULT_MTU: u16 = 1500;
    /// Descriptors of each queue of a port that does not say.
    pub const DEFAULT_DESCRIPTORS: u16 = 1024;
    /// The most addresses of one port.
    pub const MAX_ADDRESSES: usize = 8;

    /// Whether it has addresses and may carry tunnels.
    pub fn is_underlay(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Whether `address` is one of its own.
    pub fn has(&self, address: Ipv4Addr) -> bool {
        self.addresses
            .iter()
            .any(|own| own.prefix.address() == address)
    }

    /// Its own addresses on this VLAN, or on frames without a tag.
    pub fn prefixes(&self, vlan: Option<VlanId>) -> impl Iterator<Item = Prefix> {
        let here = self.addresses.iter().filter(move |own| own.vlan == vlan);
        here.map(|own| own.prefix)
    }
}

/// An address of the switch on a link: a port, or one VLAN of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address and how much of it is common to the link; see [`Prefix::is_host`].
    pub prefix: Prefix,
    /// The VLAN, 1 to 4094; `None`: frames without a tag.
    pub vlan: Option<VlanId>,
}

/// A set of ports and tunnels that share a forwarding table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Its name.
    pub name: Name,
    /// Its ports, none twice.
    pub ports: Vec<Name>,
    /// How long a learned address lives without traffic. Zero: nothing is learned, as with
    /// `ageing_time 0` of a Linux bridge.
    pub ageing: Duration,
    /// Whether addresses are learned from traffic; see [`Bridge::learns`].
    pub learning: bool,
}

impl Bridge {
    /// How long a learned address lives in a bridge that does not say.
    pub const DEFAULT_AGEING: Duration = Duration::from_secs(300);

    /// Whether an address is ever learned here.
    pub fn learns(&self) -> bool {
        self.learning && !self.ageing.is_zero()
    }
}

/// A VXLAN tunnel end point of ours and those it talks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// Its name.
    pub name: Name,
    /// The bridge it belongs to.
    pub bridge: Name,
    /// The segment.
    pub vni: Vni,
    /// Our end, an address of a port.
    pub local: Ipv4Addr,
    /// Where broadcast, unknown unicast and multicast go; none twice, may be empty.
    pub remotes: Vec<Remote>,
    /// UDP destination port, both ways; never 0.
    pub udp_port: u16,
    /// UDP source ports of what we send; never empty, never 0.
    pub source_ports: RangeInclusive<u16>,
    /// Outer time to live.
    pub ttl: Ttl,
    /// Outer DSCP.
    pub dscp: Dscp,
    /// Outer Don't Fragment bit.
    pub df: Df,
    /// Whether outer UDP checksums are made.
    pub udp_checksum: bool,
    /// Who may send to us.
    pub accept: Accept,
    /// Whether packets without an outer UDP checksum are taken; the same for all tunnels of one
    /// (`local`, `udp_port`).
    pub zero_checksum: ZeroChecksum,
    /// How remotes that are not listed, such as those of static entries, are judged.
    pub reserved_bits: ReservedBits,
    /// Whether addresses are learned from what comes out of the tunnel.
    pub learning: bool,
}

impl Tunnel {
    /// UDP source ports of a tunnel that does not say: the dynamic range (RFC 7348, section 5).
    pub const SOURCE_PORTS: RangeInclusive<u16> = 49_152..=65_535;
    /// UDP destination port of a tunnel that does not say.
    pub const UDP_PORT: u16 = 4789;
    /// Time to live of a tunnel that does not say.
    pub const TTL: NonZeroU8 = NonZeroU8::new(64).unwrap();
}

/// A remote end point of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its address: unicast, never our own end.
    pub address: Ipv4Addr,
    /// How its VXLAN headers are judged.
    pub reserved_bits: ReservedBits,
}

/// Time to live of the outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Always this.
    Fixed(NonZeroU8),
    /// That of the inner IP header; 64 where there is none.
    Inherit,
}

/// DSCP of the outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dscp {
    /// Always this, 0 to 63.
    Fixed(u8),
    /// That of the inner IP header; 0 where there is none.
    Inherit,
}

/// Don't Fragment bit of the outer IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Df {
    /// Always one.
    Set,
    /// Always zero.
    Unset,
    /// That of the inner IPv4 header; one if the inner packet is IPv6.
    Inherit,
}

/// Which senders a tunnel listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// Its remotes and those of its static entries.
    Known,
    /// Any address; those that send are learned as remotes.
    Any,
}

/// What is done about a packet whose outer UDP checksum is zero, which means that it has none. The
/// VNI is among what the checksum protects, so this is decided before a tunnel is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroChecksum {
    /// It is taken (RFC 7348, section 5).
    #[default]
    Accept,
    /// It is dropped.
    Refuse,
}

/// How bits of the VXLAN header that RFC 7348 reserves are judged on receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReservedBits {
    /// All must be zero, as Linux wants it.
    #[default]
    Strict,
    /// They are not looked at, as RFC 7348, section 5 wants it.
    Lenient,
}

/// A static forwarding entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdbEntry {
    /// The bridge whose table it is in.
    pub bridge: Name,
    /// The destination, never zero. A group address goes to the target instead of being flooded.
    pub mac: Mac,
    /// Where frames for it go.
    pub target: FdbTarget,
}

/// Where a static entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdbTarget {
    /// A port of the bridge.
    Port(Name),
    /// A remote end point.
    Remote {
        /// A tunnel of the bridge.
        tunnel: Name,
        /// Unicast, never the tunnel's own end; need not be one of the tunnel's remotes.
        remote: Ipv4Addr,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_name_and_devargs() {
        let device = Device::new("net_tap0,iface=up0").unwrap();
        assert_eq!(
            (device.name(), device.devargs()),
            ("net_tap0", "net_tap0,iface=up0")
        );
        assert_eq!(Device::new("0000:01:00.0").unwrap().name(), "0000:01:00.0");
        assert!(Device::new(&"x".repeat(63)).is_some());
        for bad in [
            "",
            ",iface=x",
            "net tap",
            "net_tap0,iface=a\n",
            &"x".repeat(64),
        ] {
            assert_eq!(Device::new(bad), None, "{bad:?}");
        }
    }
}
