//! Frames from underlay ports: what they ask of us, and what they tell of neighbours.

use super::counter::Counter;
use super::state::Event;
use super::table::arp_frame;
use super::{Neighbours, Output, echo};
use crate::config::is_unicast;
use fastpath::ids::PortId;
use fastpath::wire::Mac;
use fastpath::wire::arp::{self, Arp, Operation};
use fastpath::wire::ethernet::{EtherType, Ethernet};
use std::net::Ipv4Addr;

/// What a sender said of itself.
#[derive(Clone, Copy)]
struct Said {
    port: PortId,
    address: Ipv4Addr,
    mac: Mac,
    how: How,
}

/// How it was said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// In a reply to us alone.
    Reply,
    /// In a request for our address.
    Request,
    /// In any other way, to which we listen only about those we know.
    Other,
}

impl Neighbours {
    /// Takes a frame that `port` received. What is refused is counted under a name.
    pub fn input(&mut self, port: PortId, frame: &[u8], now: u64, out: &mut Vec<Output>) {
        if let Err(refusal) = self.judge(port, frame, now, out) {
            self.counters.count(refusal);
        }
    }

    fn judge(
        &mut self,
        port: PortId,
        frame: &[u8],
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Counter> {
        let link = self.links.get(port).ok_or(Counter::PortUnknown)?;
        if !link.up {
            return Err(Counter::PortDown);
        }
        let frame = Ethernet::new(frame).ok_or(Counter::FrameShort)?;
        if frame.dst() != link.mac && frame.dst() != Mac::BROADCAST {
            return Err(Counter::FrameDestination);
        }
        if !frame.src().is_station() {
            return Err(Counter::FrameSource);
        }
        if frame.src() == link.mac {
            return Err(Counter::FrameLoop);
        }
        match frame.ethertype() {
            EtherType::ARP => self.arp(port, &frame, now, out),
            EtherType::IPV4 => {
                let frame = echo::answer(link, &frame)?;
                self.counters.count(Counter::EchoAnswered);
                out.push(Output::Send { port, frame });
                Ok(())
            }
            _ => Err(Counter::FrameType),
        }
    }

    fn arp(
        &mut self,
        port: PortId,
        frame: &Ethernet<&[u8]>,
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Counter> {
        let packet = Arp::new(frame.payload()).ok_or(Counter::ArpShort)?;
        let packet = arp::Repr::parse(&packet).map_err(|error| match error {
            arp::Error::Hardware | arp::Error::HardwareLen => Counter::ArpHardware,
            arp::Error::Protocol | arp::Error::ProtocolLen => Counter::ArpProtocol,
        })?;
        let is_probe = self.judge_sender(&packet)?;
        let link = self.links.get(port).ok_or(Counter::PortUnknown)?;
        let to_us = link.has(packet.target_ip);
        let how = match packet.operation {
            Operation::REQUEST if to_us => How::Request,
            Operation::REPLY if to_us && frame.dst() == link.mac => How::Reply,
            _ => How::Other,
        };
        if how == How::Request {
            let reply = arp::Repr {
                operation: Operation::REPLY,
                sender_mac: link.mac,
                sender_ip: packet.target_ip,
                target_mac: packet.sender_mac,
                target_ip: packet.sender_ip,
            };
            let frame = arp_frame(packet.sender_mac, &reply);
            self.counters.count(Counter::ArpRequestAnswered);
            out.push(Output::Send { port, frame });
        }
        if is_probe {
            return Ok(());
        }
        let (address, mac) = (packet.sender_ip, packet.sender_mac);
        let said = Said {
            port,
            address,
            mac,
            how,
        };
        self.learn(said, now, out)
    }

    /// Whether somebody could be who the packet says it is from. `true`: from nobody yet, which
    /// asks whether an address is taken (RFC 5227, section 2.1.1).
    fn judge_sender(&self, packet: &arp::Repr) -> Result<bool, Counter> {
        if !matches!(packet.operation, Operation::REQUEST | Operation::REPLY) {
            return Err(Counter::ArpOperation);
        }
        match self.links.owner(packet.sender_ip) {
            Some(mac) if mac == packet.sender_mac => return Err(Counter::FrameLoop),
            Some(_) => return Err(Counter::ArpConflict),
            None => {}
        }
        if !packet.sender_mac.is_station() || self.links.has_mac(packet.sender_mac) {
            return Err(Counter::ArpSenderMac);
        }
        let is_probe = packet.sender_ip.is_unspecified() && packet.operation == Operation::REQUEST;
        if is_probe || is_unicast(packet.sender_ip) {
            Ok(is_probe)
        } else {
            Err(Counter::ArpSenderIp)
        }
    }

    /// Updates the neighbour that spoke. One that is not known is taken in only if it asked for us,
    /// since then it is about to talk to us (RFC 826).
    fn learn(&mut self, said: Said, now: u64, out: &mut Vec<Output>) -> Result<(), Counter> {
        let Said {
            port,
            address,
            mac,
            how,
        } = said;
        let Some(neighbour) = self.table.get_mut(&address) else {
            return match how {
                How::Request => self.meet(said, now, out),
                How::Reply => Err(Counter::ArpUnasked),
                How::Other => Err(Counter::ArpOther),
            };
        };
        if neighbour.port != port {
            return Err(Counter::ArpOffLink);
        }
        neighbour.heard_at = now;
        let known = neighbour.next_hop() == Some((port, mac));
        let asked = neighbour.state.is_asking();
        let event = match how {
            How::Reply if known || asked => Event::Answered,
            _ if known => return Ok(()),
            _ => Event::Claimed,
        };
        self.apply(address, event, Some(mac), now, out);
        Ok(())
    }

    /// Takes in somebody who asked for us.
    fn meet(&mut self, said: Said, now: u64, out: &mut Vec<Output>) -> Result<(), Counter> {
        let Said {
            port, address, mac, ..
        } = said;
        if self.links.route(address).map(|(port, _)| port) != Some(port) {
            return Err(Counter::ArpOffLink);
        }
        if self.insert(address, port, now) {
            self.apply(address, Event::Claimed, Some(mac), now, out);
        }
        Ok(())
    }
}
