//! Packets from underlay ports: for a tunnel, for the switch itself, or for somebody else.

use super::Resolver;
use super::bridge::Ingress;
use crate::action::Action;
use crate::drop::DropReason;
use crate::event::Origin;
use crate::key::Field;
use crate::snapshot::{EndPoint, Port, Tunnel};
use crate::wire::Mac;
use std::net::Ipv4Addr;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const ICMP: u16 = 1;

impl<'a> Resolver<'a> {
    pub(super) fn underlay(&mut self, port: &'a Port) -> Action {
        self.key.depend_on(Field::OUTER_FACTS);
        if self.key.is(Field::HAS_VLAN) {
            return self.not_for_us(port, DropReason::NotForUs);
        }
        let dst = self.key.mac(Field::DST_MAC);
        if dst != port.mac && !dst.is_group() {
            return self.not_for_us(port, DropReason::OtherHost);
        }
        match self.key.number(Field::ETHER_TYPE) {
            ARP => self.arp(port),
            IPV4 if !self.key.is(Field::HAS_IPV4) => self.not_ipv4(port),
            IPV4 => self.ipv4(port, dst),
            _ => self.not_for_us(port, DropReason::NotForUs),
        }
    }

    /// Neither for a tunnel nor for the switch: the bridge takes it if the port is in one.
    fn not_for_us(&mut self, port: &'a Port, reason: DropReason) -> Action {
        if port.bridge.is_some() {
            self.local(port)
        } else {
            Action::Drop(reason)
        }
    }

    fn not_ipv4(&mut self, port: &'a Port) -> Action {
        if port.bridge.is_some() {
            self.local(port)
        } else {
            Action::DropFault(DropReason::IpTruncated)
        }
    }

    /// Requests for our addresses, answers to our requests, and announcements (RFC 826, RFC 5227).
    /// In a bridge announcements are for all its stations, so they are bridged.
    fn arp(&mut self, port: &'a Port) -> Action {
        if !self.key.is(Field::HAS_ARP) {
            return self.not_for_us(port, DropReason::NotForUs);
        }
        let target = self.key.ip(Field::DST_IP);
        let ours = port.addresses.contains(&target);
        if ours || (port.bridge.is_none() && self.key.ip(Field::SRC_IP) == target) {
            Action::Punt
        } else {
            self.not_for_us(port, DropReason::NotForUs)
        }
    }

    fn ipv4(&mut self, port: &'a Port, dst: Mac) -> Action {
        let local = self.key.ip(Field::DST_IP);
        if dst.is_group() || !port.addresses.contains(&local) {
            return self.not_for_us(port, DropReason::NotForUs);
        }
        if self.key.is(Field::FRAGMENT) {
            return Action::Drop(DropReason::OuterFragment);
        }
        if self.key.is(Field::HAS_UDP) {
            return self.udp(local);
        }
        match self.key.number(Field::PROTOCOL) {
            ICMP => Action::Punt,
            _ => Action::DropFault(DropReason::NoService),
        }
    }

    fn udp(&mut self, local: Ipv4Addr) -> Action {
        let udp_port = self.key.number(Field::DST_PORT);
        if !self.snapshot.udp_ports.contains(udp_port) {
            return Action::Drop(DropReason::NoService);
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
            Some(tunnel) => self.tunnel(tunnel),
            None => Action::Drop(DropReason::VniUnknown),
        }
    }

    /// Who may send to us, and with which reserved bits; then the inner frame enters the bridge.
    fn tunnel(&mut self, tunnel: &'a Tunnel) -> Action {
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
        if !self.key.is(Field::HAS_INNER) {
            return Action::DropFault(DropReason::InnerRunt);
        }
        self.actions
            .push(Action::Decap(remote.map(|remote| remote.id)));
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
        self.bridge(bridge, Ingress::Tunnel(tunnel, origin))
    }
}

/// Fit to be the source of a packet from another host.
fn is_remote_address(address: Ipv4Addr) -> bool {
    !address.is_unspecified()
        && !address.is_multicast()
        && !address.is_broadcast()
        && !address.is_loopback()
}
