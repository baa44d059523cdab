//! Frames from underlay ports: to which link they belong, and whether they are for us.

use super::counter::Counter;
use super::frame::Frame;
use super::{Neighbours, Output};
use fastpath::ids::PortId;
use fastpath::snapshot::Place;
use fastpath::wire::{EtherType, Mac};

impl Neighbours {
    /// Takes a frame that `port` received, with the tag that it has. What is refused is counted
    /// under a name.
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
        let frame = Frame::parse(frame).ok_or(Counter::FrameShort)?;
        let vlan = frame.vlan;
        let id = self.links.at(Place { port, vlan });
        let id = id.ok_or(Counter::LinkUnknown)?;
        let link = self.links.get(id).ok_or(Counter::LinkUnknown)?;
        let refusals = [
            (!link.up, Counter::LinkDown),
            (
                frame.dst != link.mac && frame.dst != Mac::BROADCAST,
                Counter::FrameDestination,
            ),
            (!frame.src.is_station(), Counter::FrameSource),
            (frame.src == link.mac, Counter::FrameLoop),
        ];
        if let Some((_, why)) = refusals.into_iter().find(|(refused, _)| *refused) {
            return Err(why);
        }
        match frame.ethertype {
            EtherType::ARP => self.arp(id, &frame, now, out),
            EtherType::IPV4 => self.ipv4(id, &frame, now, out),
            _ => Err(Counter::FrameType),
        }
    }
}
