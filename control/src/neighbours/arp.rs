//! ARP packets: what they ask of us, and what is believed of what they tell.

use super::counter::Counter;
use super::frame::Frame;
use super::state::Event;
use super::{Neighbours, Output};
use crate::config::is_unicast;
use fastpath::ids::LinkId;
use fastpath::wire::arp::{self, Arp, Operation};
use fastpath::wire::{EtherType, Mac};
use std::net::Ipv4Addr;

/// What a sender said of itself.
#[derive(Clone, Copy)]
struct Said {
    link: LinkId,
    address: Ipv4Addr,
    mac: Mac,
    how: How,
}

/// How it was said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// In a reply to an address of ours, in a frame to us alone.
    Reply,
    /// In another reply in a frame to us alone. No question of ours has such an answer.
    Stray,
    /// In a request for our address.
    Request,
    /// To everybody, or in a request for another's address.
    Public,
}

impl Neighbours {
    pub(super) fn arp(
        &mut self,
        id: LinkId,
        frame: &Frame<'_>,
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Counter> {
        let packet = parse(frame.payload)?;
        self.judge_sender(&packet)?;
        self.judge_conflict(id, &packet, now, out)?;
        let is_reply = packet.operation == Operation::REPLY;
        if is_reply && packet.sender_mac != frame.src {
            return Err(Counter::ArpReplySource);
        }
        let link = self.links.get(id).ok_or(Counter::LinkUnknown)?;
        let to_us = link.has(packet.target_ip);
        let how = match (is_reply, frame.dst == link.mac) {
            (true, true) if to_us => How::Reply,
            (true, true) => How::Stray,
            (false, _) if to_us => How::Request,
            _ => How::Public,
        };
        if how == How::Request {
            self.answer(id, &packet, now, out);
        }
        if packet.sender_ip.is_unspecified() {
            return if how == How::Request {
                Ok(())
            } else {
                Err(Counter::ArpOther)
            };
        }
        let (address, mac) = (packet.sender_ip, packet.sender_mac);
        let said = Said {
            link: id,
            address,
            mac,
            how,
        };
        self.learn(said, now, out)
    }

    /// Tells who asked for an address of ours, unless too many ask.
    fn answer(&mut self, id: LinkId, packet: &arp::Repr, now: u64, out: &mut Vec<Output>) {
        let Some(link) = self.links.get(id) else {
            return;
        };
        if !self.limits.replies.take(now) {
            return self.counters.count(Counter::ArpReplyLimited);
        }
        let us = (link.mac, packet.target_ip);
        let them = (packet.sender_mac, packet.sender_ip);
        let reply = self::packet(Operation::REPLY, us, them);
        self.counters.count(Counter::ArpRequestAnswered);
        out.push(link.send(packet.sender_mac, EtherType::ARP, &reply));
    }

    /// Whether somebody could be who the packet says it is from.
    fn judge_sender(&self, packet: &arp::Repr) -> Result<(), Counter> {
        if !packet.sender_mac.is_station() {
            return Err(Counter::ArpSenderMac);
        }
        let is_request = packet.operation == Operation::REQUEST;
        // From nobody yet, who asks whether an address is taken (RFC 5227, section 2.1.1).
        let is_probe = packet.sender_ip.is_unspecified() && is_request;
        if self.links.has_mac(packet.sender_mac) {
            let ours = is_probe || self.links.owner(packet.sender_ip).is_some();
            return Err(if ours {
                Counter::FrameLoop
            } else {
                Counter::ArpSenderMac
            });
        }
        if is_probe || is_unicast(packet.sender_ip) {
            Ok(())
        } else {
            Err(Counter::ArpSenderIp)
        }
    }

    /// Whether the sender has an address of ours, or asks for one that we ask for too.
    fn judge_conflict(
        &mut self,
        id: LinkId,
        packet: &arp::Repr,
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Counter> {
        let link = self.links.get_mut(id).ok_or(Counter::LinkUnknown)?;
        let address = if packet.sender_ip.is_unspecified() {
            let own = link.own_mut(packet.target_ip);
            let both = own.filter(|own| own.check.is_probing());
            both.map(|own| own.address())
        } else {
            self.links.owner(packet.sender_ip).map(|_| packet.sender_ip)
        };
        let Some(address) = address else {
            return Ok(());
        };
        self.conflict(id, address, packet.sender_mac, now, out);
        Err(Counter::ArpConflict)
    }

    /// Updates the neighbour that spoke. One that is not known is taken in only if it asked for us,
    /// since then it is about to talk to us (RFC 826).
    fn learn(&mut self, said: Said, now: u64, out: &mut Vec<Output>) -> Result<(), Counter> {
        let Said {
            link,
            address,
            mac,
            how,
        } = said;
        let Some(neighbour) = self.table.get_mut(&address) else {
            return match how {
                How::Request => self.meet(said, now, out),
                How::Reply | How::Stray => Err(Counter::ArpUnasked),
                How::Public => Err(Counter::ArpOther),
            };
        };
        if neighbour.link != link {
            return Err(Counter::ArpOffLink);
        }
        neighbour.heard_at = now;
        let known = neighbour.hop() == Some((link, mac));
        let resolved = neighbour.state.is_resolved();
        if neighbour.state.is_permanent() && !known {
            return Err(Counter::ArpPermanent);
        }
        if resolved && !known && now < neighbour.locked_until {
            return Err(Counter::ArpLocked);
        }
        match how {
            How::Reply if neighbour.is_asked() && (known || !neighbour.state.asks_one()) => {
                self.apply(address, Event::Answered, Some(mac), now, out);
                Ok(())
            }
            How::Reply | How::Stray => {
                // It may be so nevertheless: who really has the address is asked.
                if resolved && !known {
                    self.apply(address, Event::Doubted, None, now, out);
                }
                Err(Counter::ArpUnasked)
            }
            How::Request | How::Public => {
                if !known {
                    self.apply(address, Event::Claimed, Some(mac), now, out);
                }
                Ok(())
            }
        }
    }

    /// Takes in somebody who asked for us.
    fn meet(&mut self, said: Said, now: u64, out: &mut Vec<Output>) -> Result<(), Counter> {
        let Said {
            link, address, mac, ..
        } = said;
        if self.routes.on_link(address).map(|there| there.link) != Some(link) {
            return Err(Counter::ArpOffLink);
        }
        if self.insert(address, link, now) {
            self.apply(address, Event::Claimed, Some(mac), now, out);
        }
        Ok(())
    }
}

fn parse(payload: &[u8]) -> Result<arp::Repr, Counter> {
    let packet = Arp::new(payload).ok_or(Counter::ArpShort)?;
    let packet = arp::Repr::parse(&packet).map_err(|error| match error {
        arp::Error::Hardware | arp::Error::HardwareLen => Counter::ArpHardware,
        arp::Error::Protocol | arp::Error::ProtocolLen => Counter::ArpProtocol,
    })?;
    match packet.operation {
        Operation::REQUEST | Operation::REPLY => Ok(packet),
        _ => Err(Counter::ArpOperation),
    }
}

/// The bytes of a packet from `sender` about `target`.
pub(super) fn packet(
    operation: Operation,
    sender: (Mac, Ipv4Addr),
    target: (Mac, Ipv4Addr),
) -> [u8; arp::LEN] {
    let mut bytes = [0; arp::LEN];
    let packet = arp::Repr {
        operation,
        sender_mac: sender.0,
        sender_ip: sender.1,
        target_mac: target.0,
        target_ip: target.1,
    };
    if let Some(mut view) = Arp::new(&mut bytes) {
        packet.emit(&mut view);
    }
    bytes
}
