//! Ports, bridges and tunnels as one immutable value.
//!
//! Control builds a snapshot and publishes it; workers only read. The one thing in it that changes
//! in place is the next hops of a [`Remote`], single words, so that a neighbour that moves costs one
//! store and no new snapshot.

mod links;
mod next_hops;
mod remote;

pub use links::Links;
pub use next_hops::{Hop, MAX_PATHS, NextHops, NoHop, Way};
pub use remote::{Df, EncapSettings, Inherit, OUTER_LEN, Remote};

use crate::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId, WorkerId};
use crate::io::Left;
use crate::offload::Hints;
use crate::wire::udp::Udp;
use crate::wire::{Mac, VlanId, Vni};
use arrayvec::ArrayVec;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The state by which workers decide.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By [`PortId`]; `None` where there is no such port.
    pub ports: Vec<Option<Arc<Port>>>,
    /// What next hops lead out of.
    pub links: Links,
    /// By [`BridgeId`]; one without members, where nothing is learned, where there is none any more.
    pub bridges: Vec<Arc<Bridge>>,
    /// By [`TunnelId`]; one that nothing leads to where there is none any more.
    pub tunnels: Vec<Arc<Tunnel>>,
    /// By [`RemoteId`]; `None` where a remote was forgotten.
    pub remotes: Vec<Option<Arc<Remote>>>,
    /// Tunnels by what a packet says.
    pub end_points: HashMap<EndPoint, TunnelId>,
    /// Behind which UDP ports the parser looks for VXLAN.
    pub udp_ports: UdpPorts,
    /// What the NICs behind ports may be believed, by [`PortId`]; as long as need be.
    pub hints: Vec<Option<Arc<Hints>>>,
}

impl Snapshot {
    /// The port, if there is one.
    pub fn port(&self, id: PortId) -> Option<&Port> {
        self.ports.get(id.index())?.as_deref()
    }

    /// Where the underlay link is, if there is one.
    pub fn link(&self, id: LinkId) -> Option<Place> {
        self.links.get(id)
    }

    /// What the NIC behind a port may be believed, if it does any of this.
    #[inline]
    pub fn hints(&self, id: PortId) -> Option<&Hints> {
        self.hints.get(id.index())?.as_deref()
    }

    /// The underlay link that is there, if there is one.
    pub fn link_at(&self, place: Place) -> Option<LinkId> {
        self.links.at(place)
    }

    /// Whether there are underlay links at `port`, be it open or not.
    pub fn has_links(&self, port: PortId) -> bool {
        self.links.has(port)
    }

    /// Whether `address` is one of the switch, on whatever port.
    pub fn is_own(&self, address: Ipv4Addr) -> bool {
        let mut own = self.ports.iter().flatten().flat_map(|port| &port.addresses);
        own.any(|own| own.address == address)
    }

    /// The bridge, if there is one.
    pub fn bridge(&self, id: BridgeId) -> Option<&Bridge> {
        self.bridges.get(id.index()).map(Arc::as_ref)
    }

    /// The tunnel, if there is one.
    pub fn tunnel(&self, id: TunnelId) -> Option<&Tunnel> {
        self.tunnels.get(id.index()).map(Arc::as_ref)
    }

    /// The remote record, if there is one.
    pub fn remote(&self, id: RemoteId) -> Option<&Remote> {
        self.remotes.get(id.index())?.as_deref()
    }
}

/// What a received packet must name to belong to a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndPoint {
    /// Outer destination address.
    pub local: Ipv4Addr,
    /// UDP destination port.
    pub udp_port: u16,
    /// Network identifier.
    pub vni: Vni,
}

/// Where an underlay link is: a port, or one VLAN of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The port that its frames come and go by.
    pub port: PortId,
    /// The VLAN in their 802.1Q tag; none, and never VLAN 0: they have no tag.
    pub vlan: Option<VlanId>,
}

/// An address of the switch on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The address.
    pub address: Ipv4Addr,
    /// The VLAN in whose frames it is spoken to; none: in untagged ones.
    pub vlan: Option<VlanId>,
}

/// The few UDP ports that tunnels listen on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UdpPorts(ArrayVec<u16, { UdpPorts::LIMIT }>);

impl UdpPorts {
    /// Most ports.
    pub const LIMIT: usize = 8;

    /// Is `port` one of them?
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }

    /// Adds a port. `false` if there is no room for it.
    pub fn insert(&mut self, port: u16) -> bool {
        self.contains(port) || self.0.try_push(port).is_ok()
    }
}

/// What is done about the layer-4 checksums of what a port receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RxChecksum {
    /// They are taken to be right, and not looked at: for a sender in the same memory.
    Trust,
    /// The driver's verdict counts; where it has none, what is decided by them is computed.
    #[default]
    Verify,
    /// They are computed anew, inner ones first: for a sender that left them to a NIC which is not
    /// there, as the kernel does behind veth. Damage on the way is not noticed any more.
    Recompute,
}

/// Which checksums a NIC makes as it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxChecksums {
    /// Those of UDP in outermost headers.
    pub udp: bool,
    /// Those of TCP there.
    pub tcp: bool,
    /// It cuts packets of TCP into segments, too.
    pub segments: bool,
    /// Those of both in VXLAN.
    pub inside: Inside,
    /// It cuts packets of TCP there, too, whose outer UDP checksum is zero.
    pub inside_segments: bool,
}

impl TxChecksums {
    /// Whether it makes this one, where no header comes before.
    #[inline]
    pub const fn makes(self, left: Left) -> bool {
        match left.segment {
            Some(_) => self.segments,
            None if left.udp => self.udp,
            None => self.tcp,
        }
    }

    /// These, or none.
    #[must_use]
    pub fn only_if(self, wanted: bool) -> Self {
        if wanted { self } else { Self::default() }
    }

    /// Those that it makes in frames which go into VXLAN with this UDP port.
    pub const fn behind(self, udp_port: u16) -> Self {
        let makes = self.inside.behind(udp_port);
        TxChecksums {
            udp: makes,
            tcp: makes,
            segments: makes && self.inside_segments,
            ..self
        }
    }

    /// Whether it makes this one, and cuts the packet if it is to be cut, in one that begins with `head`.
    pub fn takes(self, left: Left, head: &[u8]) -> bool {
        let Some((l2_len, l3_len)) = left.outer else {
            return self.makes(left);
        };
        let at = usize::from(l2_len) + usize::from(l3_len);
        let Some(udp) = head.get(at..).and_then(Udp::new) else {
            return false;
        };
        let cuts = left.segment.is_none() || (self.inside_segments && udp.checksum() == 0);
        cuts && self.inside.behind(udp.dst_port())
    }
}

/// In which VXLAN packets a NIC makes checksums of inner headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inside {
    /// In none.
    #[default]
    Never,
    /// In those to a UDP port that it knows: it looks at the packet itself.
    Behind(u16),
    /// In all: it believes what is said beside the packet.
    Always,
}

impl Inside {
    /// Whether it does so in packets to this UDP port.
    #[inline]
    pub const fn behind(self, udp_port: u16) -> bool {
        match self {
            Inside::Never => false,
            Inside::Behind(known) => known == udp_port,
            Inside::Always => true,
        }
    }
}

/// One port as workers see it.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its number.
    pub id: PortId,
    /// Its own MAC: the source of what the switch sends there.
    pub mac: Mac,
    /// Longest layer-3 packet, in bytes.
    pub mtu: u16,
    /// Bumped when a decision about a packet from here may have changed.
    pub generation: u32,
    /// Started, with link. Nothing is sent to a port that is not up.
    pub up: bool,
    /// The bridge that it is a member of.
    pub bridge: Option<BridgeId>,
    /// Its own addresses. A port with addresses is an underlay port.
    pub addresses: Vec<Own>,
    /// The port by which the kernel of this host gets what on this underlay port is neither for a
    /// tunnel nor for the switch.
    pub local: Option<PortId>,
    /// Of such a local port: the underlay port by which all leaves that the kernel sends.
    pub uplink: Option<PortId>,
    /// Transmit queues; worker `w` owns queue `w` if there is one.
    pub tx_queues: u16,
    /// Takes packets of more than one segment.
    pub may_chain: bool,
    /// Which checksums may be left to its NIC.
    pub tx: TxChecksums,
    /// Its driver hands over packets whose sender, on this host, left a checksum open, and says so of
    /// each.
    pub rx_open: bool,
    /// What is done about the checksums of what it receives.
    pub rx_checksum: RxChecksum,
    /// Bytes from which on a received frame may have been cut by the driver, without a sign of it.
    /// `None` if the driver does not cut.
    pub rx_limit: Option<u16>,
}

impl Port {
    /// The worker that sends what `worker` has for this port: itself if it owns a queue. `None` if
    /// the port has no queue at all.
    pub fn tx_owner(&self, worker: WorkerId) -> Option<WorkerId> {
        let queues = usize::from(self.tx_queues);
        WorkerId::new(worker.index().checked_rem(queues)?)
    }

    /// Whether it is an underlay port.
    #[inline]
    pub fn is_underlay(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Whether the switch has `address` here, in frames of this VLAN.
    pub fn has(&self, vlan: Option<VlanId>, address: Ipv4Addr) -> bool {
        self.addresses.contains(&Own { address, vlan })
    }

    /// Whether the switch has any address here in frames of this VLAN.
    pub fn has_link(&self, vlan: Option<VlanId>) -> bool {
        self.addresses.iter().any(|own| own.vlan == vlan)
    }

    /// Whether a frame of `len` bytes fits. A VLAN tag does not count against the MTU, as in Linux.
    pub fn fits(&self, len: usize) -> bool {
        len <= self.longest()
    }

    /// Bytes of the longest frame that fits.
    #[inline]
    pub fn longest(&self) -> usize {
        usize::from(self.mtu) + 14 + 4
    }
}

/// One bridge.
#[derive(Clone, Debug)]
pub struct Bridge {
    /// Its number; the FDB's filtering id derives from it.
    pub id: BridgeId,
    /// Learn the sources of frames from ports.
    pub learning: bool,
    /// Everybody who gets a copy of a flooded frame, pruned by ingress at run time.
    pub flood: Vec<Member>,
}

/// Somebody who gets a copy of a flooded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A port of the bridge.
    Port(PortId),
    /// A default remote of a tunnel of the bridge.
    Remote(TunnelId, RemoteId),
}

/// One tunnel end point of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// Its number.
    pub id: TunnelId,
    /// The bridge that inner frames enter.
    pub bridge: BridgeId,
    /// Learn inner sources.
    pub learning: bool,
    /// Take packets from remotes that are not in `known`.
    pub accept_any: bool,
    /// Tolerate reserved bits from remotes that are not in `known`.
    pub lenient: bool,
    /// Refuse packets without outer UDP checksum.
    pub need_checksum: bool,
    /// Remotes by outer source address.
    pub known: HashMap<Ipv4Addr, RemoteId>,
}
