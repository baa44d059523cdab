//! Outer headers, both ways.

use crate::common::{Switch, from_peer, from_to, opened, peer, station, us, vni, vxlan};
use fastpath::io::{Checksum, RxChecksums};
use fastpath::wire::craft::Pair;
use fastpath::wire::{Dscp, Ecn, ipv4, udp};

const ONE: &str = "remotes = [\"192.0.2.1\"]\n";

/// The inner frame as it came out of `a`.
fn decapsulated(switch: &mut Switch, frame: &[u8]) -> Vec<u8> {
    let out = switch.pass("uplink", frame);
    out.first()
        .map(|(_, frame)| frame.clone())
        .unwrap_or_default()
}

/// A switch that has learned where 1 and 2 are.
fn known(tunnel: &str) -> Switch {
    let mut switch = Switch::new(&vxlan(tunnel));
    switch.pass("a", &from_to(1, 2));
    switch.pass("uplink", &from_peer(1, &from_to(2, 1)));
    switch.settle();
    switch
}

/// What is sent for an inner packet from 1 to 2 with these fields.
fn encapsulated(switch: &mut Switch, change: impl FnOnce(&mut ipv4::Repr)) -> Vec<u8> {
    let mut pair = Pair::new(station(1), station(2));
    change(&mut pair.ip);
    let inner = pair.udp(1, 2, &[1, 2, 3]);
    let mut out = switch.pass("a", &inner);
    assert_eq!(out.len(), 1);
    let frame = out.remove(0).1;
    assert_eq!(opened(&frame), (peer(1).1, &inner[..]));
    frame
}

#[test]
fn every_field_by_default() {
    let mut switch = known(ONE);
    let frame = encapsulated(&mut switch, |ip| ip.ttl = 9);
    assert_eq!(frame[..12], [peer(1).0.bytes(), us().0.bytes()].concat());
    let packet = ipv4::Ipv4::new(&frame[14..]).unwrap();
    assert!(packet.verify_checksum());
    let expected = Pair::new(us(), peer(1)).ip;
    let expected = ipv4::Repr {
        payload_len: frame.len() as u16 - 34,
        protocol: fastpath::wire::Protocol::UDP,
        dont_fragment: true,
        ..expected
    };
    assert_eq!(ipv4::Repr::parse(&packet).unwrap(), expected);
    let header = udp::Udp::new(packet.payload()).unwrap();
    assert!(header.src_port() >= 49_152);
    assert_eq!((header.dst_port(), header.checksum()), (4789, 0));
    assert_eq!(usize::from(header.length()), frame.len() - 34);
    assert_eq!(frame[42..50], [8, 0, 0, 0, 0, 0, 10, 0]);
    switch.expect_moved("received sent");
    switch.close();
}

#[test]
fn ttl_dscp_and_df_by_option() {
    let fields = |frame: &[u8]| {
        let packet = ipv4::Ipv4::new(&frame[14..]).unwrap();
        assert!(packet.verify_checksum());
        (packet.ttl(), packet.dscp().get(), packet.dont_fragment())
    };
    let cases = [
        (
            "ttl = 7\ndscp = 46\ndf = \"unset\"",
            (7, 46, false),
            (7, 46, false),
        ),
        (
            "ttl = \"inherit\"\ndscp = \"inherit\"\ndf = \"inherit\"",
            (1, 8, true),
            (255, 0, false),
        ),
    ];
    for (options, first, second) in cases {
        let mut switch = known(&format!("{ONE}{options}"));
        let frame = encapsulated(&mut switch, |ip| {
            ip.ttl = 1;
            ip.dscp = Dscp::from_tos(8 << 2);
            ip.dont_fragment = true;
        });
        assert_eq!(fields(&frame), first, "{options}");
        let frame = encapsulated(&mut switch, |ip| ip.ttl = 255);
        assert_eq!(fields(&frame), second, "{options}");
        switch.expect_moved("received=2 sent=2");
        switch.close();
    }
}

/// RFC 6040, 4.1: the outer field is a copy.
#[test]
fn ecn_on_the_way_out() {
    let mut switch = known(ONE);
    for bits in 0..4 {
        let ecn = Ecn::from_tos(bits);
        let frame = encapsulated(&mut switch, |ip| ip.ecn = ecn);
        assert_eq!(ipv4::Ipv4::new(&frame[14..]).unwrap().ecn(), ecn);
    }
    switch.expect_moved("received=4 sent=4");
    switch.close();
}

/// RFC 6040, 4.2, figure 4; every pair through the same entry of the cache.
#[test]
fn ecn_on_the_way_in() {
    use Ecn::{Ce, Ect0, Ect1, NotEct};
    let mut switch = known(ONE);
    let table = [
        (NotEct, [Some(NotEct), Some(NotEct), Some(NotEct), None]),
        (Ect0, [Some(Ect0), Some(Ect0), Some(Ect1), Some(Ce)]),
        (Ect1, [Some(Ect1), Some(Ect1), Some(Ect1), Some(Ce)]),
        (Ce, [Some(Ce), Some(Ce), Some(Ce), Some(Ce)]),
    ];
    let packet = |ecn: Ecn| {
        let mut inner = Pair::new(station(2), station(1));
        inner.ip.ecn = ecn;
        inner.udp(1, 2, &[])
    };
    for (inner, row) in table {
        for (outer, expected) in [NotEct, Ect0, Ect1, Ce].into_iter().zip(row) {
            let mut pair = Pair::new(peer(1), us());
            pair.ip.ecn = outer;
            let frame = pair.vxlan(50_000, vni(10), &packet(inner));
            let out = decapsulated(&mut switch, &frame);
            assert_eq!(
                out,
                expected.map(packet).unwrap_or_default(),
                "{inner:?} in {outer:?}"
            );
        }
    }
    switch.expect_moved("received=16 sent=15 dropped drop.ecn_invalid");
    switch.close();
}

#[test]
fn reserved_bits_by_remote() {
    let remotes =
        "remotes = [{ address = \"192.0.2.1\", reserved_bits = \"lenient\" }, \"192.0.2.3\"]\n";
    let cases = [
        (remotes.to_owned(), [true, false, false]),
        (format!("{remotes}accept = \"any\"\n"), [true, false, false]),
        (
            format!("{remotes}accept = \"any\"\nreserved_bits = \"lenient\""),
            [true, true, true],
        ),
    ];
    for (text, tolerated) in cases {
        let mut switch = Switch::new(&vxlan(&text));
        for (number, tolerated) in [1, 3, 4].into_iter().zip(tolerated) {
            for (at, bit) in [
                (42, 0x80),
                (42, 0x04),
                (43, 1),
                (44, 1),
                (45, 1),
                (49, 0x80),
            ] {
                let mut frame = from_peer(number, &from_to(2, 1));
                frame[at] |= bit;
                let out = switch.pass("uplink", &frame);
                let heard = out.iter().any(|(port, _)| port == "a");
                assert_eq!(heard, tolerated, "{text} {number} {at}");
            }
        }
        let drops = switch
            .moved()
            .get("drop.vxlan_reserved")
            .copied()
            .unwrap_or(0);
        let known = if text.contains("any") { 0 } else { 6 };
        let strict = tolerated.iter().filter(|tolerated| !*tolerated).count() as i64 * 6;
        assert_eq!(
            drops,
            strict - known,
            "strangers are refused for what they are"
        );
        switch.close();
    }
}

/// The outer packet has to fit, that is 50 bytes less the outer Ethernet header around the frame.
#[test]
fn mtu() {
    let mut switch = known(ONE);
    let fits = |len: usize| Pair::new(station(1), station(2)).udp(1, 2, &vec![0; len - 42]);
    switch.tunnels("a", &fits(1600 - 36), &[1], &[], "received sent");
    switch.drops("a", &fits(1600 - 35), "mtu_exceeded");
    switch.close();
}

#[test]
fn udp_checksums() {
    let mut switch = known(ONE);
    let inner = from_to(2, 1);
    let plain = from_peer(1, &inner);
    let with = |change: u16| {
        let mut frame = plain.clone();
        let mut header = udp::Udp::new(&mut frame[34..]).unwrap();
        header.fill_checksum_v4(peer(1).1, us().1);
        let sum = header.checksum();
        header.set_checksum(sum ^ change);
        frame
    };
    assert_eq!(decapsulated(&mut switch, &plain), inner);
    assert_eq!(decapsulated(&mut switch, &with(0)), inner);
    switch.expect_moved("received=2 sent=2");
    switch.drops("uplink", &with(1), "udp_checksum");
    // Behind the datagram there may be padding, which no checksum covers.
    assert_eq!(
        decapsulated(&mut switch, &[&with(0)[..], &[9; 7]].concat()),
        inner
    );
    switch.expect_moved("received sent");
    // The NIC has looked already.
    let said = |ip, l4| RxChecksums { ip, l4 };
    let good = said(Checksum::Good, Checksum::Good);
    for (frame, verdict, moved) in [
        (with(1), good, "received sent"),
        (
            with(0),
            said(Checksum::Good, Checksum::Bad),
            "received dropped drop.udp_checksum",
        ),
        (
            with(0),
            said(Checksum::Bad, Checksum::Good),
            "received dropped drop.ip_checksum",
        ),
    ] {
        switch.rig.send_checked("uplink", &frame, verdict);
        switch.rig.run(3);
        switch.expect_moved(moved);
    }
    switch.close();
}

#[test]
fn both_ends_of_the_vni_range() {
    for number in [0, 0x00ff_ffff] {
        let config = vxlan(ONE).replace("vni = 10", &format!("vni = {number}"));
        let mut switch = Switch::new(&config);
        let inner = from_to(2, 1);
        let frame = Pair::new(peer(1), us()).vxlan(50_000, vni(number), &inner);
        assert_eq!(decapsulated(&mut switch, &frame), inner);
        switch.expect_moved("received copied sent=2 fdb_learned");
        let out = switch.pass("a", &from_to(1, 2));
        assert_eq!(out[0].1[46..49], number.to_be_bytes()[1..]);
        switch.close();
    }
}
