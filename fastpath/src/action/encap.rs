//! `encap`: what all packets for a remote have in common, with the few fields that differ.

use super::Context;
use super::around::Around;
use crate::drop::DropReason;
use crate::io::{Io, Packet, Pool};
use crate::snapshot::{Df, Inherit, OUTER_LEN, Port, Remote};
use crate::wire::{Dscp, Ecn, Flow, Mac, VlanId};

const MACS_LEN: usize = 12;
const TAG_LEN: usize = 4;
const ETHERNET_LEN: usize = 14;
const IP_LEN: usize = 20;
const UDP_AT: usize = ETHERNET_LEN + IP_LEN;
const DONT_FRAGMENT: u8 = 0x40;

/// Length of the outer IPv4 packet around an inner frame of `inner_len` bytes.
pub(super) const fn outer_ip_len(inner_len: usize) -> usize {
    inner_len + OUTER_LEN - ETHERNET_LEN
}

/// The outer headers of packets that go to one remote over one neighbour.
pub(super) struct Outer<'a> {
    pub(super) remote: &'a Remote,
    pub(super) port: &'a Port,
    vlan: Option<VlanId>,
    /// The remote's template with MACs, and with what is not taken from the inner frame.
    header: [u8; OUTER_LEN],
    /// The sum of the 16-bit words of its IPv4 header.
    ip_sum: u32,
    /// In place of what is taken from an inner frame, if nothing is but ECN.
    fixed: Option<Fields>,
    first_port: u16,
    /// How many source ports there are.
    ports: u64,
}

/// What may depend on the inner frame, and goes into the IPv4 header.
#[derive(Clone, Copy)]
struct Fields {
    dscp: u8,
    ttl: u8,
    df: bool,
}

impl Fields {
    #[inline(always)]
    fn new(remote: &Remote, flow: Flow) -> Self {
        let settings = &remote.settings;
        Fields {
            dscp: match settings.dscp {
                Inherit::Inner(_) if flow.is_ip() => Dscp::from_tos(flow.tos()).get(),
                Inherit::Fixed(dscp) | Inherit::Inner(dscp) => dscp,
            },
            ttl: match settings.ttl {
                Inherit::Inner(_) if flow.is_ip() => flow.ttl(),
                Inherit::Fixed(ttl) | Inherit::Inner(ttl) => ttl,
            },
            df: match settings.df {
                Df::Set => true,
                Df::Unset => false,
                Df::Inherit => flow.dont_fragment(),
            },
        }
    }

    #[inline(always)]
    const fn flags(self) -> u8 {
        if self.df { DONT_FRAGMENT } else { 0 }
    }

    /// The sum of these fields in the words that they are in, ECN and identification aside.
    #[inline(always)]
    const fn sum(self) -> u32 {
        ((self.dscp as u32) << 2) + ((self.flags() as u32 + self.ttl as u32) << 8)
    }
}

impl<'a> Outer<'a> {
    #[inline(always)]
    pub(super) fn new(
        remote: &'a Remote,
        port: &'a Port,
        vlan: Option<VlanId>,
        neighbour: Mac,
    ) -> Self {
        let mut header = remote.template;
        header[..6].copy_from_slice(&neighbour.bytes());
        header[6..MACS_LEN].copy_from_slice(&port.mac.bytes());
        let mut ip_sum = remote.ip_sum;
        let fixed = remote.is_fixed.then(|| {
            let fields = Fields::new(remote, Flow::default());
            header[ETHERNET_LEN + 6] = fields.flags();
            header[ETHERNET_LEN + 8] = fields.ttl;
            ip_sum += fields.sum();
            fields
        });
        let ports = &remote.settings.source_ports;
        let (first_port, last_port) = (*ports.start(), *ports.end());
        Outer {
            remote,
            port,
            vlan,
            header,
            ip_sum,
            fixed,
            first_port,
            ports: u64::from(last_port.saturating_sub(first_port)) + 1,
        }
    }

    /// RFC 7348, 5: the source port carries the entropy of the inner flow.
    #[inline(always)]
    fn source_port(&self, hash: u32) -> u16 {
        self.first_port + ((u64::from(hash) * self.ports) >> 32) as u16
    }

    /// Bytes of them.
    #[inline(always)]
    fn len(&self) -> usize {
        OUTER_LEN + self.vlan.map_or(0, |_| TAG_LEN)
    }

    /// Writes them to a front of that length, around an inner frame of `inner_len` bytes.
    #[inline(always)]
    fn write(&self, front: &mut [u8], flow: Flow, inner_len: usize, ip_ids: &mut IpIds) {
        match (self.vlan, front.first_chunk_mut()) {
            (None, Some(front)) => self.write_plain(front, flow, inner_len, ip_ids),
            // There is no shorter front.
            (None, None) => {}
            (Some(vlan), _) => self.write_tagged(front, vlan, flow, inner_len, ip_ids),
        }
    }

    #[inline(always)]
    fn write_plain(
        &self,
        front: &mut [u8; OUTER_LEN],
        flow: Flow,
        inner_len: usize,
        ip_ids: &mut IpIds,
    ) {
        *front = self.header;
        let mut ip_sum = self.ip_sum;
        let fields = self.fixed.unwrap_or_else(|| {
            let fields = Fields::new(self.remote, flow);
            front[ETHERNET_LEN + 6] = fields.flags();
            front[ETHERNET_LEN + 8] = fields.ttl;
            ip_sum += fields.sum();
            fields
        });
        // RFC 6040, 4.1, normal mode: the outer field is a copy, CE included.
        let ecn = Ecn::encapsulate(Ecn::from_tos(flow.tos())).bits();
        // The packet fits the MTU, which is below 2^16, or is to be cut, and then gets others.
        let ip_len = outer_ip_len(inner_len) as u16;
        front[ETHERNET_LEN + 1] = fields.dscp << 2 | ecn;
        let mut put = |at: usize, word: u16| front[at..at + 2].copy_from_slice(&word.to_be_bytes());
        put(ETHERNET_LEN + 2, ip_len);
        // RFC 6864, 4.1: what cannot be fragmented needs no identification.
        if !fields.df {
            let ip_id = ip_ids.next();
            put(ETHERNET_LEN + 4, ip_id);
            ip_sum += u32::from(ip_id);
        }
        let sum = ip_sum + u32::from(ecn) + u32::from(ip_len);
        let sum = (sum & 0xffff) + (sum >> 16);
        put(ETHERNET_LEN + 10, !((sum & 0xffff) + (sum >> 16)) as u16);
        put(UDP_AT, self.source_port(flow.hash));
        put(UDP_AT + 4, ip_len.wrapping_sub(IP_LEN as u16));
    }

    fn write_tagged(
        &self,
        front: &mut [u8],
        vlan: VlanId,
        flow: Flow,
        inner_len: usize,
        ip_ids: &mut IpIds,
    ) {
        let mut header = [0; OUTER_LEN];
        self.write_plain(&mut header, flow, inner_len, ip_ids);
        let (macs, rest) = header.split_at(MACS_LEN);
        let [high, low] = vlan.get().to_be_bytes();
        // The tag's priority is zero: nothing of the inner frame is told to the underlay's bridges.
        let tag = [0x81, 0x00, high, low];
        for (place, byte) in front.iter_mut().zip(macs.iter().chain(&tag).chain(rest)) {
            *place = *byte;
        }
    }
}

impl<'a> Outer<'a> {
    /// There is an outer UDP checksum.
    #[inline(always)]
    pub(super) fn sums(&self) -> bool {
        self.remote.settings.udp_checksum
    }

    /// What is done about checksums of packets that have these headers. `open`: those of inner ones may
    /// have been left.
    #[inline(always)]
    pub(super) fn around(&self, open: bool) -> Around<'a> {
        let l2_len = self.len() - (OUTER_LEN - ETHERNET_LEN);
        Around::new(self.remote, self.port, l2_len as u8, open)
    }
}

/// Identifications for IPv4 packets that may be fragmented.
pub(crate) struct IpIds {
    next: u16,
    /// Workers count in ranges of their own, so that two of them repeat each other late.
    range: u16,
}

impl IpIds {
    pub(crate) fn new(worker: u16) -> Self {
        IpIds {
            next: 0,
            range: worker << 10,
        }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> u16 {
        self.skip(1);
        self.next ^ self.range
    }

    /// Of so many nobody else gets any.
    #[inline]
    pub(crate) fn skip(&mut self, count: usize) {
        self.next = self.next.wrapping_add(count as u16);
    }
}

/// Puts outer headers before `packet`, which fits on the way. A packet whose front cannot grow is
/// replaced by a replica with a front of its own.
#[inline(always)]
pub(super) fn encap<I: Io>(
    context: &mut Context<'_, I>,
    outer: &Outer<'_>,
    flow: Flow,
    packet: &mut I::Packet,
) -> Result<(), DropReason> {
    let inner_len = packet.len();
    let Context { outputs, pool, .. } = context;
    if let Some(front) = packet.prepend(outer.len()) {
        outer.write(front, flow, inner_len, outputs.ip_ids());
        return Ok(());
    }
    *packet = replica(*pool, outer.port, packet)?;
    let front = packet.prepend(outer.len()).ok_or(DropReason::NoHeadroom)?;
    outer.write(front, flow, inner_len, outputs.ip_ids());
    Ok(())
}

#[cold]
fn replica<P: Pool>(pool: &P, port: &Port, packet: &P::Packet) -> Result<P::Packet, DropReason> {
    let replica = pool.replicate(packet, port.may_chain);
    let mut replica = replica.ok_or(DropReason::NoBuffer)?;
    replica.leave(packet.left());
    Ok(replica)
}
