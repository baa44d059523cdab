//! ICMP messages to us: echo requests are answered, errors about what we sent are passed on.

use super::counter::Counter;
use super::frame::Frame;
use super::links::Link;
use super::{Neighbours, Output};
use fastpath::ids::LinkId;
use fastpath::wire::icmp::{self, Echo, Fault, Icmp, Quote, QuoteError};
use fastpath::wire::ipv4::{self, Ipv4};
use fastpath::wire::{Ecn, EtherType, Protocol, Vni};
use std::net::Ipv4Addr;

/// Hops that an answer may take.
const TTL: u8 = 64;

/// Somebody on the way says that a packet of ours did not arrive. Whether it was one of ours is for
/// the caller to find out: anybody can say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelError {
    /// Who says so: a router, or the remote.
    pub from: Ipv4Addr,
    /// What went wrong.
    pub fault: Fault,
    /// Source of the packet: an address of ours.
    pub local: Ipv4Addr,
    /// Its destination.
    pub remote: Ipv4Addr,
    /// Its UDP source port.
    pub source_port: u16,
    /// Its UDP destination port.
    pub udp_port: u16,
    /// Its network identifier, if the quote is long enough. RFC 792 asks for 8 bytes behind the
    /// IPv4 header only, RFC 1812, section 4.3.2.3, for more.
    pub vni: Option<Vni>,
}

impl Neighbours {
    pub(super) fn ipv4(
        &mut self,
        id: LinkId,
        frame: &Frame<'_>,
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), Counter> {
        let link = self.links.get(id).ok_or(Counter::LinkUnknown)?;
        let packet = Ipv4::new(frame.payload).ok_or(Counter::Ipv4Short)?;
        let header = self.header(link, frame, &packet)?;
        let message = Icmp::new(packet.payload()).ok_or(Counter::IcmpShort)?;
        if !message.verify_checksum() {
            return Err(Counter::IcmpChecksum);
        }
        if let Some(fault) = Fault::parse(&message) {
            let error = about_us(&header, fault, message.payload())?;
            if !self.limits.errors.take(now) {
                return Err(Counter::IcmpErrorLimited);
            }
            self.counters.count(Counter::IcmpErrorReceived);
            out.push(Output::Error(error));
            return Ok(());
        }
        let reply = answer(link, &header, &message)?;
        if !self.limits.echoes.take(now) {
            return Err(Counter::EchoLimited);
        }
        self.counters.count(Counter::EchoAnswered);
        // To where the request came from, so that no route is needed.
        out.push(link.send(frame.src, EtherType::IPV4, &reply));
        Ok(())
    }

    /// The IPv4 header of a whole, sound ICMP packet to us.
    fn header(
        &self,
        link: &Link,
        frame: &Frame<'_>,
        packet: &Ipv4<&[u8]>,
    ) -> Result<ipv4::Repr, Counter> {
        let header = ipv4::Repr::parse(packet).map_err(|error| match error {
            ipv4::Error::Version => Counter::Ipv4Version,
            ipv4::Error::HeaderLen | ipv4::Error::TooShort => Counter::Ipv4HeaderLength,
            ipv4::Error::TotalLenLess | ipv4::Error::TotalLenBeyond => Counter::Ipv4TotalLength,
        })?;
        let options = packet.header_len() != ipv4::HEADER_LEN;
        let to_us = frame.dst == link.mac && self.links.has(header.dst);
        let refusals = [
            (!packet.verify_checksum(), Counter::Ipv4Checksum),
            (options, Counter::Ipv4Options),
            (!link.may_be_host(header.src), Counter::Ipv4Source),
            (!to_us, Counter::Ipv4Destination),
            (packet.is_fragment(), Counter::Ipv4Fragment),
            (header.protocol != Protocol::ICMP, Counter::Ipv4Protocol),
        ];
        match refusals.into_iter().find(|(refused, _)| *refused) {
            Some((_, why)) => Err(why),
            None => Ok(header),
        }
    }
}

/// What an error says of a UDP packet from us. It may come in by any link: what we send leaves by
/// the link of its route, and the error takes a way of its own.
fn about_us(header: &ipv4::Repr, fault: Fault, quote: &[u8]) -> Result<TunnelError, Counter> {
    let quote = Quote::parse(quote).map_err(|error| match error {
        QuoteError::Short => Counter::IcmpQuoteShort,
        QuoteError::Header => Counter::IcmpQuoteHeader,
        QuoteError::Fragment => Counter::IcmpQuoteFragment,
        QuoteError::Protocol => Counter::IcmpQuoteProtocol,
    })?;
    // An error goes to the sender of what it is about (RFC 1122, section 3.2.2).
    if quote.src != header.dst {
        return Err(Counter::IcmpQuoteSource);
    }
    Ok(TunnelError {
        from: header.src,
        fault,
        local: quote.src,
        remote: quote.dst,
        source_port: quote.src_port,
        udp_port: quote.dst_port,
        vni: quote.vni,
    })
}

/// The packet that answers an echo request, or why it is refused. It has the request's DSCP (RFC
/// 1122, section 3.2.2.6 with section 3.2.1.6).
fn answer(link: &Link, header: &ipv4::Repr, request: &Icmp<&[u8]>) -> Result<Vec<u8>, Counter> {
    let echo = match icmp::Repr::parse(request) {
        Ok(repr) if repr.echo == Echo::Request => repr,
        _ => return Err(Counter::IcmpType),
    };
    if !link.has(header.dst) {
        return Err(Counter::Ipv4Destination);
    }
    let ip = ipv4::Repr {
        src: header.dst,
        dst: header.src,
        ttl: TTL,
        ecn: Ecn::NotEct,
        // No identification is needed where nothing is fragmented (RFC 6864, section 4.1).
        ident: 0,
        dont_fragment: true,
        ..*header
    };
    let reply = icmp::Repr {
        echo: Echo::Reply,
        ..echo
    };
    emit(ip, reply, request.payload()).ok_or(Counter::IcmpShort)
}

/// `None` never happens: the buffer is made to fit.
fn emit(ip: ipv4::Repr, echo: icmp::Repr, payload: &[u8]) -> Option<Vec<u8>> {
    let mut packet = vec![0; ipv4::HEADER_LEN + icmp::HEADER_LEN];
    packet.extend_from_slice(payload);
    let (front, message) = packet.split_at_mut(ipv4::HEADER_LEN);
    ip.emit(&mut Ipv4::new(front)?);
    echo.emit(&mut Icmp::new(message)?);
    Some(packet)
}
