//! Answers to ICMP echo requests.

use super::counter::Counter;
use super::links::Link;
use fastpath::wire::ethernet::{self, Ethernet};
use fastpath::wire::icmp::{self, Echo, Icmp};
use fastpath::wire::ipv4::{self, Ipv4};
use fastpath::wire::{Ecn, EtherType, Protocol};

/// Hops that an answer may take.
const TTL: u8 = 64;

/// The frame that answers `request`, an IPv4 frame, or why it is refused.
///
/// The answer goes to where the request came from, so that no route is needed. It has the
/// request's DSCP (RFC 1122, section 3.2.2.6 with section 3.2.1.6).
pub(super) fn answer(link: &Link, request: &Ethernet<&[u8]>) -> Result<Vec<u8>, Counter> {
    let packet = Ipv4::new(request.payload()).ok_or(Counter::Ipv4Short)?;
    let header = header(link, request, &packet)?;
    let message = Icmp::new(packet.payload()).ok_or(Counter::IcmpShort)?;
    if !message.verify_checksum() {
        return Err(Counter::IcmpChecksum);
    }
    let echo = match icmp::Repr::parse(&message) {
        Ok(repr) if repr.echo == Echo::Request => repr,
        _ => return Err(Counter::IcmpType),
    };
    let eth = ethernet::Repr {
        dst: request.src(),
        src: link.mac,
        ethertype: EtherType::IPV4,
    };
    let ip = ipv4::Repr {
        src: header.dst,
        dst: header.src,
        ttl: TTL,
        ecn: Ecn::NotEct,
        // No identification is needed where nothing is fragmented (RFC 6864, section 4.1).
        ident: 0,
        dont_fragment: true,
        ..header
    };
    let reply = icmp::Repr {
        echo: Echo::Reply,
        ..echo
    };
    emit(eth, ip, reply, message.payload()).ok_or(Counter::IcmpShort)
}

/// The IPv4 header of a whole, sound ICMP packet to us.
fn header(
    link: &Link,
    frame: &Ethernet<&[u8]>,
    packet: &Ipv4<&[u8]>,
) -> Result<ipv4::Repr, Counter> {
    let header = ipv4::Repr::parse(packet).map_err(|error| match error {
        ipv4::Error::Version => Counter::Ipv4Version,
        ipv4::Error::HeaderLen | ipv4::Error::TooShort => Counter::Ipv4HeaderLength,
        ipv4::Error::TotalLenLess | ipv4::Error::TotalLenBeyond => Counter::Ipv4TotalLength,
    })?;
    let options = packet.header_len() != ipv4::HEADER_LEN;
    let refusals = [
        (!packet.verify_checksum(), Counter::Ipv4Checksum),
        (options, Counter::Ipv4Options),
        (!link.may_be_host(header.src), Counter::Ipv4Source),
        (
            frame.dst() != link.mac || !link.has(header.dst),
            Counter::Ipv4Destination,
        ),
        (packet.is_fragment(), Counter::Ipv4Fragment),
        (header.protocol != Protocol::ICMP, Counter::Ipv4Protocol),
    ];
    match refusals.into_iter().find(|(refused, _)| *refused) {
        Some((_, why)) => Err(why),
        None => Ok(header),
    }
}

/// `None` never happens: the buffer is made to fit.
fn emit(eth: ethernet::Repr, ip: ipv4::Repr, echo: icmp::Repr, payload: &[u8]) -> Option<Vec<u8>> {
    let headers = ethernet::HEADER_LEN + ipv4::HEADER_LEN + icmp::HEADER_LEN;
    let mut frame = vec![0; headers];
    frame.extend_from_slice(payload);
    let (front, packet) = frame.split_at_mut(ethernet::HEADER_LEN);
    eth.emit(&mut Ethernet::new(front)?);
    let (front, message) = packet.split_at_mut(ipv4::HEADER_LEN);
    ip.emit(&mut Ipv4::new(front)?);
    echo.emit(&mut Icmp::new(message)?);
    Some(frame)
}
