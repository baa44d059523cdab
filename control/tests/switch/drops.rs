//! Every reason for which a packet is dropped: what makes it so, and that nothing else is counted.

use crate::common::{
    LAN, Station, Switch, broadcast, from_peer, from_to, peer, station, to_mac, us, vni, vxlan,
};
use control::config::Wanted;
use fastpath::drop::DropReason::{self, *};
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, Protocol};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A tunnel with two remotes, a static entry, and a port that is in no bridge.
fn config() -> String {
    let text = vxlan(
        r#"remotes = ["192.0.2.1", "192.0.2.3", "203.0.113.1"]
[[port]]
name = "lone"
device = "heap3"
[[port]]
name = "solo"
device = "heap4"
[[port]]
name = "uplink2"
device = "heap5"
addresses = ["198.51.100.2/24"]
[[bridge]]
name = "br11"
ports = ["solo"]
[[bridge]]
name = "br12"
[[tunnel]]
name = "vx12"
bridge = "br12"
vni = 12
local = "192.0.2.250"
zero_checksum = "refuse"
remotes = ["192.0.2.1"]
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:05"
port = "b"
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:06"
tunnel = "vx10"
remote = "203.0.113.1"
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:07"
tunnel = "vx10"
remote = "192.0.2.1"
"#,
    );
    let own = "\"192.0.2.2/24\"";
    text.replace(own, &format!("{own}, \"192.0.2.250/24\""))
}

/// `frame` with some bytes changed.
fn with(frame: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

/// To us, from a peer, over IPv4.
fn outer() -> Pair {
    Pair::new(peer(1), us())
}

fn outer_from(address: [u8; 4]) -> Vec<u8> {
    let from: Station = (peer(1).0, Ipv4Addr::from(address));
    Pair::new(from, us()).vxlan(50_000, vni(10), &from_to(1, 2))
}

/// For the tunnel that wants a checksum, without one.
fn other_vni(inner: &[u8]) -> Vec<u8> {
    let us: Station = (us().0, Ipv4Addr::new(192, 0, 2, 250));
    Pair::new(peer(1), us).vxlan(50_000, vni(12), inner)
}

/// One frame into one port, and why it is dropped.
fn single() -> Vec<(DropReason, &'static str, Vec<u8>)> {
    let inner = from_to(1, 2);
    let good = from_peer(1, &inner);
    let mut marked = outer();
    marked.ip.ecn = fastpath::wire::Ecn::Ce;
    let group_source = with(&inner, 6, &Mac::BROADCAST.bytes());
    let mut fragment = outer();
    fragment.ip.more_fragments = true;
    vec![
        (FrameTruncated, "a", vec![2; 2048]),
        (FrameRunt, "a", good[..13].to_vec()),
        (FrameRunt, "uplink", good[..5].to_vec()),
        (OtherHost, "uplink", with(&good, 0, &peer(9).0.bytes())),
        (NotForUs, "uplink", to_mac(1, Mac::BROADCAST)),
        (NoService, "uplink", outer().tcp(1, 2, &[])),
        (NoService, "uplink", outer().udp(1, 2, &[])),
        (IpTruncated, "uplink", good[..33].to_vec()),
        (IpVersion, "uplink", with(&good, 14, &[0x55])),
        (IpHeaderLength, "uplink", with(&good, 14, &[0x44])),
        (IpTotalLength, "uplink", good[..good.len() - 1].to_vec()),
        (IpTotalLength, "uplink", with(&good, 16, &[0, 19])),
        (IpChecksum, "uplink", with(&good, 24, &[!good[24]])),
        (OuterFragment, "uplink", fragment.vxlan(1, vni(10), &inner)),
        (
            UdpTruncated,
            "uplink",
            outer().ipv4(Protocol::UDP, &[0, 1, 0x12, 0xb5, 0, 8, 0]),
        ),
        (UdpLength, "uplink", with(&good, 38, &[0, 7])),
        (UdpLength, "uplink", with(&good, 38, &[0x10, 0])),
        (UdpChecksum, "uplink", with(&good, 40, &[0x12, 0x34])),
        (
            VxlanTruncated,
            "uplink",
            outer().udp(1, 4789, &[8, 0, 0, 0, 0, 0, 10]),
        ),
        (VxlanNoVni, "uplink", with(&good, 42, &[0])),
        (VxlanReserved, "uplink", with(&good, 42, &[0x88])),
        (VniUnknown, "uplink", with(&good, 48, &[11])),
        (RemoteUnknown, "uplink", from_peer(9, &inner)),
        (OuterSource, "uplink", outer_from([0, 0, 0, 0])),
        (OuterSource, "uplink", outer_from([224, 0, 0, 1])),
        (OuterSource, "uplink", outer_from([255, 255, 255, 255])),
        (OuterSource, "uplink", outer_from([127, 0, 0, 1])),
        (OuterSource, "uplink", outer_from([192, 0, 2, 2])),
        (OuterSource, "uplink", outer_from([198, 51, 100, 2])),
        (UdpNoChecksum, "uplink", other_vni(&inner)),
        (InnerRunt, "uplink", from_peer(1, &inner[..13])),
        (InnerSource, "uplink", from_peer(1, &group_source)),
        (EcnInvalid, "uplink", marked.vxlan(1, vni(10), &inner)),
        (SourceInvalid, "a", group_source),
        (
            LinkLocal,
            "a",
            to_mac(1, Mac::new([1, 0x80, 0xc2, 0, 0, 2])),
        ),
        (StaticElsewhere, "a", from_to(5, 1)),
        (SamePort, "b", from_to(5, 5)),
        (SplitHorizon, "uplink", from_peer(1, &from_to(7, 7))),
        (NoBridge, "lone", inner),
    ]
}

/// What has been done to a switch, and the counters that moved.
type Stage = fn() -> (Switch, &'static str);

/// Reasons that need more than one frame, or a state of their own.
const STAGED: [(DropReason, Stage); 13] = [
    (NoDestination, no_destination),
    (PortDown, port_down),
    (TunnelDown, tunnel_down),
    (NoRoute, no_route),
    (NeighbourUnresolved, neighbour_unresolved),
    (MtuExceeded, mtu_exceeded),
    (NoBuffer, no_buffer),
    (ResolveBudget, resolve_budget),
    (PuntFull, punt_full),
    (HandoffFull, handoff_full),
    (TxFull, tx_full),
    (StaticElsewhere, static_behind_a_remote),
    (SplitHorizon, split_horizon),
];

/// Reasons that nothing from outside leads to, each with why.
const UNREACHABLE: [(DropReason, &str); 1] = [(
    NoHeadroom,
    "a fresh packet of any pool here has room for the outer headers",
)];

/// Seen by [`what_waits_at_the_end`], since who is asked has stopped then.
const AT_THE_END: [DropReason; 1] = [Shutdown];

#[test]
fn every_reason_is_met_by_name() {
    let mut met = BTreeSet::new();
    for (reason, port, frame) in single() {
        let mut switch = Switch::new(&config());
        // Twice: resolved, and out of the cache.
        for _ in 0..2 {
            println!("{reason:?} at {port}");
            assert_eq!(switch.pass(port, &frame), []);
            let mut moved = switch.moved();
            moved.remove("fdb_learned");
            let expected = format!("drop.{}", reason.name());
            let expected = [&expected, "dropped", "received"].map(|name| (name.to_owned(), 1));
            assert_eq!(moved.into_iter().collect::<Vec<_>>(), expected);
        }
        switch.close();
        met.insert(reason.name());
    }
    for (reason, stage) in STAGED {
        let (mut switch, moved) = stage();
        println!("{reason:?}");
        assert!(moved.contains(&format!("drop.{}", reason.name())));
        switch.expect_moved(moved);
        switch.close();
        met.insert(reason.name());
    }
    let unmet = DropReason::ALL
        .iter()
        .filter(|reason| !met.contains(reason.name()));
    let listed = UNREACHABLE
        .iter()
        .map(|(reason, _)| reason)
        .chain(&AT_THE_END);
    assert_eq!(unmet.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
}

fn no_destination() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.pass("solo", &broadcast(1));
    (switch, "received dropped drop.no_destination fdb_learned")
}

fn port_down() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.rig.set_link("b", false);
    switch.pass("a", &from_to(1, 5));
    (switch, "received dropped drop.port_down fdb_learned")
}

fn tunnel_down() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.rig.set_link("uplink", false);
    switch.pass("a", &from_to(1, 7));
    (switch, "received dropped drop.tunnel_down fdb_learned")
}

fn no_route() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.pass("a", &from_to(1, 6));
    (switch, "received dropped drop.no_route fdb_learned")
}

/// The remote is on the link, and never answers.
fn neighbour_unresolved() -> (Switch, &'static str) {
    let silent = config().replace("203.0.113.1", "192.0.2.77");
    let mut switch = Switch::cold(Wanted::parse(&silent, "test").unwrap(), 1);
    for _ in 0..10 {
        switch.rig.leap(1_000);
    }
    switch.settle();
    for _ in 0..8 {
        switch.pass("a", &from_to(1, 6));
    }
    assert_eq!(switch.rig.stats().account.held, 8, "the first few wait");
    switch.moved();
    switch.pass("a", &from_to(1, 6));
    (switch, "received dropped drop.neighbour_unresolved")
}

fn mtu_exceeded() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.pass(
        "a",
        &Pair::new(station(1), station(5)).udp(1, 2, &[0; 1500]),
    );
    (switch, "received dropped drop.mtu_exceeded fdb_learned")
}

fn static_behind_a_remote() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.pass("uplink", &from_peer(3, &from_to(7, 1)));
    (switch, "received dropped drop.static_elsewhere")
}

fn split_horizon() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    switch.pass("uplink", &from_peer(3, &from_to(1, 7)));
    (switch, "received dropped drop.split_horizon fdb_learned")
}

/// The pool has one packet left, the one that comes in.
fn no_buffer() -> (Switch, &'static str) {
    let mut wanted = Wanted::parse(LAN, "test").unwrap();
    wanted.switch.mbufs = 1;
    let mut switch = Switch::cold(wanted, 1);
    assert_eq!(switch.pass("a", &broadcast(1)).len(), 1);
    (
        switch,
        "received copied sent dropped drop.no_buffer fdb_learned",
    )
}

/// Three ports with a full burst of new flows each, in one round. They have addresses, so that a
/// station they do not have is a flow of its own.
fn resolve_budget() -> (Switch, &'static str) {
    let mut text = LAN.to_owned();
    for number in 0..3 {
        let device = format!("device = \"heap{number}\"\n");
        let addresses = format!("addresses = [\"10.9.{number}.2/24\"]\n");
        text = text.replace(&device, &(device.clone() + &addresses));
    }
    let mut switch = Switch::new(&text);
    for port in ["a", "b", "c"] {
        switch.pass(port, &broadcast(port.as_bytes()[0]));
    }
    switch.settle();
    for (port, from) in [("a", b'a'), ("b", b'b'), ("c", b'c')] {
        for number in 0..32 {
            let to = to_mac(from, Mac::new([2, 0, 0, 0, 9, number]));
            assert!(switch.rig.send(port, &to));
        }
    }
    switch.rig.poll(0);
    switch.out();
    (
        switch,
        "received=96 copied=64 sent=128 dropped=32 drop.resolve_budget=32",
    )
}

/// More for control than the ring to it holds, in one turn.
fn punt_full() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    for _ in 0..515 {
        switch.rig.send("uplink", &outer().arp_reply());
    }
    while switch.rig.poll(0) > 0 {}
    (
        switch,
        "received=515 consumed=512 dropped=3 drop.punt_full=3 neigh_arp_unasked=256",
    )
}

/// Worker 1 has no queue at port a, and worker 0 does not come to take anything.
fn handoff_full() -> (Switch, &'static str) {
    let config = LAN.replace("device", "tx_queues = 1\ndevice");
    let mut switch = Switch::cold(Wanted::parse(&config, "test").unwrap(), 2);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.settle();
    for _ in 0..515 {
        switch.rig.send("b", &from_to(2, 1));
    }
    while switch.rig.poll(1) > 0 {}
    switch.rig.run(20);
    (
        switch,
        "received=515 handed_off=512 sent=512 dropped=3 drop.handoff_full=3",
    )
}

/// Nobody takes anything out of port b.
fn tx_full() -> (Switch, &'static str) {
    let mut switch = Switch::new(&config());
    for _ in 0..4100 {
        assert!(switch.rig.send("a", &from_to(1, 5)));
        if switch.rig.poll(0) == 0 {
            panic!("the worker does not move");
        }
    }
    switch.rig.run(1);
    (
        switch,
        "received=4100 sent=4096 dropped=4 drop.tx_full=4 fdb_learned",
    )
}

#[test]
fn what_waits_at_the_end() {
    let config = LAN.replace("device", "tx_queues = 1\ndevice");
    let mut switch = Switch::cold(Wanted::parse(&config, "test").unwrap(), 2);
    switch.settle();
    switch.rig.send("b", &broadcast(2));
    switch.rig.poll(1);
    let held = switch.rig.stats().account.held;
    assert_eq!(held, 2, "in the ring to worker 0");
    let stats = switch.rig.worker_stats();
    let account = switch.rig.close();
    assert_eq!(
        (account.received, account.copied, account.dropped),
        (1, 1, 2)
    );
    let ports = (0..3).filter_map(fastpath::ids::PortId::new);
    let waited = ports.map(|port| stats[0].port(port).tx_dropped.get(Shutdown));
    assert_eq!(waited.sum::<u64>(), 2);
}
