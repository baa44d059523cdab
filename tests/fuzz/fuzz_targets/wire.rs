//! Noise through every view, repr and helper of `fastpath::wire`: nothing panics, what parses
//! survives being written again, and the helpers keep what they promise.

#![no_main]

use fastpath::wire::arp::{self, Arp};
use fastpath::wire::ethernet::{self, Ethernet};
use fastpath::wire::icmp::{self, Icmp};
use fastpath::wire::ipv4::{self, Ipv4};
use fastpath::wire::ipv6::{self, Ipv6};
use fastpath::wire::tcp::Tcp;
use fastpath::wire::udp::{self, Udp};
use fastpath::wire::vlan::{self, Vlan};
use fastpath::wire::vxlan::{self, ReservedBits, Vxlan};
use fastpath::wire::{Cursor, Ecn, EtherType, InnerIp, Mac, Protocol, Sum};
use fastpath::wire::{craft, decapsulate_ecn, flow_hash};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    every_header(data);
    frame(data, 3);
    ecn(data);
    hash(data);
    sum(data);
    cursor(data);
    text(data);
});

/// Parses, writes over dirt in a copy, and parses again. `$parse` gives an `Option` of a repr.
macro_rules! round_trip {
    ($view:ident, $len:expr, $data:expr, $parse:expr) => {
        if let Some(view) = $view::new($data) {
            let parse = $parse;
            if let Some(repr) = parse(&view) {
                let _ = format!("{repr:?}");
                let mut copy = $data.to_vec();
                copy[..$len].fill(0xa5);
                repr.emit(&mut $view::new(&mut copy[..]).unwrap());
                assert_eq!(parse(&$view::new(&copy[..]).unwrap()), Some(repr));
            }
        } else {
            assert!($data.len() < $len);
        }
    };
}

/// The same bytes as if they were each header in turn.
fn every_header(data: &[u8]) {
    round_trip!(Ethernet, ethernet::HEADER_LEN, data, |v: &_| Some(
        ethernet::Repr::parse(v)
    ));
    round_trip!(Vlan, vlan::HEADER_LEN, data, |v: &_| Some(
        vlan::Repr::parse(v)
    ));
    round_trip!(Arp, arp::LEN, data, |v: &_| arp::Repr::parse(v).ok());
    round_trip!(Ipv4, ipv4::HEADER_LEN, data, |v: &_| ipv4::Repr::parse(v)
        .ok());
    round_trip!(Ipv6, ipv6::HEADER_LEN, data, |v: &_| ipv6::Repr::parse(v)
        .ok());
    round_trip!(Udp, udp::HEADER_LEN, data, |v: &_| udp::Repr::parse(v).ok());
    round_trip!(Icmp, icmp::HEADER_LEN, data, |v: &_| icmp::Repr::parse(v)
        .ok());
    for reserved in [ReservedBits::Strict, ReservedBits::Lenient] {
        round_trip!(Vxlan, vxlan::HEADER_LEN, data, |v: &_| vxlan::Repr::parse(
            v, reserved
        )
        .ok());
    }
    if let Some(view) = Tcp::new(data) {
        assert_eq!(view.src_port().to_be_bytes(), data[..2]);
        assert_eq!(view.dst_port().to_be_bytes(), data[2..4]);
    }
    if let Some(view) = Icmp::new(data) {
        let mut copy = data.to_vec();
        Icmp::new(&mut copy).unwrap().fill_checksum();
        assert!(Icmp::new(&copy).unwrap().verify_checksum());
        assert!(view.payload().len() < data.len());
    }
}

/// The bytes as a frame, header by header, and what is in its tunnels.
fn frame(data: &[u8], depth: usize) {
    let Some(eth) = Ethernet::new(data).filter(|_| depth > 0) else {
        return;
    };
    every_header(eth.payload());
    let (mut ethertype, mut payload) = (eth.ethertype(), eth.payload());
    while let Some(tag) = ethertype.is_tag().then(|| Vlan::new(payload)).flatten() {
        (ethertype, payload) = (tag.ethertype(), tag.payload());
    }
    match ethertype {
        EtherType::IPV4 => ipv4(payload, depth),
        EtherType::IPV6 => ipv6(payload, depth),
        _ => {}
    }
    let tagged = craft::tagged(data, EtherType::VLAN, vlan::Tag::default());
    assert_eq!(tagged.len(), data.len() + 4);
}

fn ipv4(data: &[u8], depth: usize) {
    let Some(view) = Ipv4::new(data) else {
        return;
    };
    let payload = view.payload();
    if let Ok(repr) = ipv4::Repr::parse(&view) {
        assert_eq!(payload.len(), repr.payload_len.into());
        let mut copy = data.to_vec();
        Ipv4::new(&mut copy).unwrap().fill_checksum();
        assert!(Ipv4::new(&copy).unwrap().verify_checksum());
    }
    if let Some(datagram) = Udp::new(payload) {
        let mut copy = payload.to_vec();
        Udp::new(&mut copy)
            .unwrap()
            .fill_checksum_v4(view.src(), view.dst());
        assert!(Udp::new(&copy).unwrap().verify_v4(view.src(), view.dst()));
        let _ = datagram.verify_v4(view.src(), view.dst());
        udp(datagram, depth);
    }
    every_header(payload);
}

fn ipv6(data: &[u8], depth: usize) {
    let Some(view) = Ipv6::new(data) else {
        return;
    };
    let payload = view.payload();
    if let Ok(repr) = ipv6::Repr::parse(&view) {
        assert_eq!(payload.len(), repr.payload_len.into());
    }
    if let Some(datagram) = Udp::new(payload) {
        let mut copy = payload.to_vec();
        Udp::new(&mut copy)
            .unwrap()
            .fill_checksum_v6(view.src(), view.dst());
        let filled = Udp::new(&copy).unwrap();
        assert_eq!(
            filled.verify_v6(view.src(), view.dst()),
            filled.checksum() != 0
        );
        udp(datagram, depth);
    }
}

fn udp(view: Udp<&[u8]>, depth: usize) {
    if let Ok(repr) = udp::Repr::parse(&view) {
        assert_eq!(view.payload().len(), repr.payload_len.into());
    }
    if let Some(segment) = Vxlan::new(view.payload()).filter(|_| view.dst_port() == vxlan::PORT) {
        assert_eq!(
            segment.is_plain() && segment.has_vni(),
            vxlan::Repr::parse(&segment, ReservedBits::Strict).is_ok()
        );
        frame(segment.payload(), depth - 1);
    }
}

/// Congestion changes two bits and the checksum that covers them, and nothing else.
fn ecn(data: &[u8]) {
    let before = InnerIp::of(data);
    for outer in Ecn::ALL {
        let mut copy = data.to_vec();
        let result = decapsulate_ecn(&mut copy, outer);
        let Some(ip) = before else {
            assert_eq!((result, &copy[..]), (Ok(()), data));
            continue;
        };
        let expected = Ecn::decapsulate(ip.ecn(), outer);
        assert_eq!(result, expected.map(drop));
        let tos = ip.dscp().with(expected.unwrap_or(ip.ecn()));
        assert_eq!(InnerIp::of(&copy), Some(InnerIp { tos, ..ip }));
        let changed = (0..data.len()).filter(|at| data[*at] != copy[*at]);
        assert!(
            changed
                .map(|at| at - ip.offset)
                .all(|at| matches!(at, 1 | 10 | 11))
        );
        if let Some(view) = Ipv4::new(&data[ip.offset..]).filter(|view| view.version() == 4) {
            let after = Ipv4::new(&copy[ip.offset..]).unwrap();
            assert_eq!(view.verify_checksum(), after.verify_checksum());
        }
    }
}

/// A tag, what follows a frame and what routers change do not count.
fn hash(data: &[u8]) {
    let hash = flow_hash(data);
    let mut copy = data.to_vec();
    let _ = decapsulate_ecn(&mut copy, Ecn::Ce);
    assert_eq!(flow_hash(&copy), hash);
    if let Some(ip) = InnerIp::of(data) {
        copy[..12].fill(0xa5);
        assert_eq!(flow_hash(&copy), hash);
        if ip.offset < 22 {
            let tag = vlan::Tag::from_bits(0xa005);
            assert_eq!(flow_hash(&craft::tagged(data, EtherType::QINQ, tag)), hash);
        }
    }
}

/// In pieces and by numbers it is what it is as a whole, word by word.
fn sum(data: &[u8]) {
    let mut naive = 0u32;
    for pair in data.chunks(2) {
        naive += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        naive = (naive & 0xffff) + (naive >> 16);
    }
    assert_eq!(Sum::new().add_bytes(data).finish(), !(naive as u16));
    let at = data
        .first()
        .map_or(0, |first| usize::from(*first))
        .min(data.len());
    let (head, tail) = data.split_at(at);
    let mut pieces = Sum::new().add_bytes(head);
    let mut cursor = Cursor::new(tail);
    while let Some(word) = cursor.u32() {
        pieces = pieces.add_u32(word);
    }
    if let Some(word) = cursor.u16() {
        pieces = pieces.add_u16(word);
    }
    assert_eq!(pieces.add_bytes(cursor.rest()).finish(), !(naive as u16));
    let _ = Sum::new().add_pseudo_v4([1; 4].into(), [2; 4].into(), Protocol::UDP, at as u16);
}

/// Reads as the bytes themselves say, and always knows where it is.
fn cursor(data: &[u8]) {
    let mut cursor = Cursor::new(data);
    loop {
        let before = cursor.position();
        let read = match data[before..].first() {
            None => break,
            Some(op) => match op % 5 {
                0 => cursor.u8().map(|_| 1),
                1 => cursor.u16().map(|_| 2),
                2 => cursor.u32().map(|_| 4),
                3 => cursor.array::<7>().map(|_| 7),
                _ => cursor.skip(usize::from(*op)).map(|()| usize::from(*op)),
            },
        };
        assert_eq!(cursor.position(), before + read.unwrap_or(0));
        assert_eq!(cursor.remaining(), data.len() - cursor.position());
        assert_eq!(cursor.rest(), &data[cursor.position()..]);
        if read.is_none() {
            break;
        }
    }
}

/// An address that parses is written as it was, but for the case of its letters.
fn text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(mac) = text.parse::<Mac>()
    {
        assert_eq!(mac.to_string(), text.to_lowercase());
    }
}
