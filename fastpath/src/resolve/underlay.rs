//! Packets from underlay ports: for a tunnel, for the switch itself, or for somebody else.

use super::Resolver;
use crate::action::{Action, Arrival, From, Inlet, Target};
use crate::drop::DropReason;
use crate::event::Origin;
use crate::key::Field;
use crate::snapshot::{EndPoint, Place, Port, Tunnel};
use crate::wire::{Mac, VlanId};
use std::net::Ipv4Addr;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const ICMP: u16 = 1;
const ECHO_REQUEST: u16 = 8;
/// Destination unreachable, source quench, redirect, time exceeded, parameter problem (RFC 792).
const ICMP_ERRORS: [u16; 5] = [3, 4, 5, 11, 12];

impl<'a> Resolver<'a> {
    pub(super) fn underlay(&mut self, port: &'a Port) -> Action {
        self.key.depend_on(Field::OUTER_FACTS);
        let dst = self.key.mac(Field::DST_MAC);
        if dst != port.mac && !dst.is_group() {
            return self.other_host(port);
        }
        let tagged = self.key.is(Field::HAS_VLAN);
        let vlans = port.addresses.iter().any(|own| own.vlan.is_some());
        let vlan = match (tagged, vlans) {
            (false, _) => None,
            (true, true) => self.key.vlan(),
            (true, false) => return self.rest(port),
        };
        if !port.has_link(vlan) {
            return self.rest(port);
        }
        match self.key.number(Field::ETHER_TYPE) {
            ARP => self.arp(port, vlan, dst),
            IPV4 if !self.key.is(Field::HAS_IPV4) => {
                self.or_rest(port, Action::DropFault(DropReason::IpTruncated))
            }
            IPV4 => self.ipv4(port, vlan, dst),
            _ => self.rest(port),
        }
    }

    /// For another station: the bridge takes it if the port is in one.
    fn other_host(&mut self, port: &'a Port) -> Action {
        if port.bridge.is_some() {
            self.local(port)
        } else {
            Action::Drop(DropReason::OtherHost)
        }
    }

    /// Neither for a tunnel nor for the switch, and perhaps for this host: the bridge takes it, or
    /// else the host's kernel, if the port has either.
    fn rest(&mut self, port: &'a Port) -> Action {
        self.or_rest(port, Action::Drop(DropReason::NotForUs))
    }

    /// The same; `last` is what is done where there is neither.
    fn or_rest(&mut self, port: &'a Port, last: Action) -> Action {
        match port.local {
            _ if port.bridge.is_some() => self.local(port),
            Some(local) => Action::Output(Target::Port(local)),
            None => last,
        }
    }

    /// For the switch, and of use to the host's kernel too, which has neighbours of its own.
    fn punt_and_tell(&mut self, port: &Port) -> Action {
        let local = port.local.map(|local| Action::Output(Target::Port(local)));
        self.actions.extend(local);
        Action::Punt
    }

    /// Requests for our addresses, what is sent to us alone, which answers are, announcements, and
    /// whatever says that somebody else has an address of ours (RFC 826, RFC 5227). What is not for
    /// us alone is heard by the stations of a bridge as well.
    fn arp(&mut self, port: &'a Port, vlan: Option<VlanId>, dst: Mac) -> Action {
        if !self.key.is(Field::HAS_ARP) {
            return self.rest(port);
        }
        let target = self.key.ip(Field::DST_IP);
        let sender = self.key.ip(Field::SRC_IP);
        if dst == port.mac || port.has(vlan, target) {
            self.punt_and_tell(port)
        } else if sender != target && !port.has(vlan, sender) {
            self.rest(port)
        } else if port.bridge.is_some() {
            let bridged = self.local(port);
            self.actions.push(bridged);
            Action::Punt
        } else {
            self.punt_and_tell(port)
        }
    }

    /// An address of ours is one on every link, as in Linux: what is sent to it may come back by
    /// another way than what is sent from it.
    fn ipv4(&mut self, port: &'a Port, vlan: Option<VlanId>, dst: Mac) -> Action {
        let local = self.key.ip(Field::DST_IP);
        if dst.is_group() || !self.snapshot.is_own(local) {
            return self.rest(port);
        }
        if self.key.is(Field::FRAGMENT) {
            return self.not_ours(port, Action::Drop(DropReason::OuterFragment));
        }
        if self.key.is(Field::HAS_UDP) {
            return self.udp(port, vlan, local);
        }
        match self.key.number(Field::PROTOCOL) {
            ICMP if port.local.is_some() => self.icmp(port),
            ICMP => Action::Punt,
            _ => self.not_ours(port, Action::DropFault(DropReason::NoService)),
        }
    }

    /// To an address of ours, but nothing of ours: a kernel that has the address too takes it. A
    /// bridge does not, since the frame is for this station.
    fn not_ours(&self, port: &Port, last: Action) -> Action {
        let local = port.local.filter(|_| port.bridge.is_none());
        local.map_or(last, |local| Action::Output(Target::Port(local)))
    }

    /// Echo requests are the switch's to answer, answers are the kernel's, who alone asks, and
    /// errors may be about what either has sent.
    fn icmp(&mut self, port: &Port) -> Action {
        match self.key.number(Field::DST_PORT) {
            ECHO_REQUEST => Action::Punt,
            kind if ICMP_ERRORS.contains(&kind) => self.punt_and_tell(port),
            _ => self.not_ours(port, Action::Punt),
        }
    }

    fn udp(&mut self, port: &Port, vlan: Option<VlanId>, local: Ipv4Addr) -> Action {
        let udp_port = self.key.number(Field::DST_PORT);
        if !self.snapshot.udp_ports.contains(udp_port) {
            return self.not_ours(port, Action::Drop(DropReason::NoService));
        }
        self.key.depend_on(Field::VXLAN_FACTS);
        if !self.key.is(Field::HAS_VXLAN) {
            return Action::DropFault(DropReason::VxlanTruncated);
        }
        if !self.key.is(Field::VXLAN_VNI_VALID) {
            return Action::Drop(DropReason::VxlanNoVni);
        }
        let end_point = EndPoint {
            local,
            udp_port,
            vni: self.key.vni(),
        };
        let snapshot = self.snapshot;
        match snapshot
            .end_points
            .get(&end_point)
            .and_then(|id| snapshot.tunnel(*id))
        {
            Some(tunnel) => self.tunnel(
                tunnel,
                Place {
                    port: port.id,
                    vlan,
                },
            ),
            None => Action::Drop(DropReason::VniUnknown),
        }
    }

    /// Who may send to us, and with which reserved bits; then the inner frame enters the bridge.
    fn tunnel(&mut self, tunnel: &'a Tunnel, place: Place) -> Action {
        let source = self.key.ip(Field::SRC_IP);
        if !is_remote_address(source) || self.snapshot.is_own(source) {
            return Action::Drop(DropReason::OuterSource);
        }
        let remote = tunnel
            .known
            .get(&source)
            .and_then(|id| self.snapshot.remote(*id));
        if remote.is_none() && !tunnel.accept_any {
            return Action::Drop(DropReason::RemoteUnknown);
        }
        let lenient = remote.map_or(tunnel.lenient, |remote| remote.lenient);
        if !lenient && self.key.is(Field::VXLAN_RESERVED) {
            return Action::Drop(DropReason::VxlanReserved);
        }
        if tunnel.need_checksum && !self.key.is(Field::HAS_CHECKSUM) {
            return Action::Drop(DropReason::UdpNoChecksum);
        }
        if !self.key.is(Field::HAS_INNER) {
            return Action::DropFault(DropReason::InnerRunt);
        }
        self.actions.push(Action::Decap(Arrival {
            tunnel: tunnel.id,
            remote: remote.map(|remote| remote.id),
            link: self.snapshot.link_at(place),
        }));
        let Some(bridge) = self.snapshot.bridge(tunnel.bridge) else {
            return Action::Drop(DropReason::NoBridge);
        };
        let origin = match remote {
            Some(remote) => Origin::Remote(remote.id),
            None => Origin::Unknown {
                tunnel: tunnel.id,
                address: source,
            },
        };
        Action::Bridge(Inlet {
            bridge: bridge.id,
            from: From::Tunnel(tunnel.id),
            origin,
            learning: bridge.learning && tunnel.learning,
        })
    }
}

/// Fit to be the source of a packet from another host.
fn is_remote_address(address: Ipv4Addr) -> bool {
    !address.is_unspecified()
        && !address.is_multicast()
        && !address.is_broadcast()
        && !address.is_loopback()
}
