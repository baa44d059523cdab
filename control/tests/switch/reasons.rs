//! What makes a switch drop packets: for each reason a switch, the packets, and the counters that move.

use crate::cache::small;
use crate::common::{
    LAN, Station, Switch, broadcast, from_peer, from_to, peer, station, to_mac, us, vni, vxlan,
};
use control::config::Wanted;
use control::waiting::Waiting;
use fastpath::drop::DropReason::{self, *};
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, Protocol};
use std::net::Ipv4Addr;

/// A tunnel with two remotes, a static entry, and a port that is in no bridge.
pub(crate) fn config() -> String {
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
    small(&text.replace(own, &format!("{own}, \"192.0.2.250/24\"")))
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
pub(crate) fn single() -> Vec<(DropReason, &'static str, Vec<u8>)> {
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

/// Packets that a switch drops for one reason.
pub(crate) struct Stage {
    pub(crate) reason: DropReason,
    /// The switch. What moved there before does not count.
    pub(crate) build: fn() -> Switch,
    /// What happens to it.
    pub(crate) act: Box<dyn Fn(&mut Switch)>,
    /// The counters that move.
    pub(crate) moved: String,
    /// The port at which the packets are counted.
    pub(crate) port: &'static str,
    /// They, in their order: as they came in, or as they were to leave.
    pub(crate) lost: Vec<Vec<u8>>,
    /// Nothing but frame and state decides.
    pub(crate) explained: bool,
}

impl Stage {
    /// A frame into a port.
    pub(crate) fn one(
        reason: DropReason,
        build: fn() -> Switch,
        port: &'static str,
        frame: Vec<u8>,
        moved: &str,
    ) -> Self {
        Stage {
            lost: vec![frame.clone()],
            act: Box::new(move |switch| drop(switch.pass(port, &frame))),
            moved: format!("received drop.{} dropped {moved}", reason.name()),
            explained: true,
            reason,
            build,
            port,
        }
    }

    /// What depends on all else that there is.
    fn crowd(
        reason: DropReason,
        build: fn() -> Switch,
        act: fn(&mut Switch),
        moved: &str,
        (port, lost): (&'static str, Vec<Vec<u8>>),
    ) -> Self {
        Stage {
            act: Box::new(act),
            moved: moved.to_owned(),
            explained: false,
            reason,
            build,
            port,
            lost,
        }
    }
}

/// Reasons that need more than one frame, or a state of their own.
pub(crate) fn staged() -> Vec<Stage> {
    let all = [of_a_frame(), of_a_tunnel(), of_a_copy(), of_a_crowd()];
    all.into_iter().flatten().collect()
}

/// Longer than the MTU of a local port.
fn long(from: u8) -> Vec<u8> {
    Pair::new(station(from), station(5)).udp(1, 2, &[0; 1500])
}

fn of_a_frame() -> Vec<Stage> {
    let one = |reason, build, port, frame| Stage::one(reason, build, port, frame, "fdb_learned");
    vec![
        one(NoDestination, usual, "solo", broadcast(1)),
        one(PortDown, without_b, "a", from_to(1, 5)),
        one(TunnelDown, without_uplink, "a", from_to(1, 7)),
        one(NoRoute, usual, "a", from_to(1, 6)),
        one(MtuExceeded, usual, "a", long(1)),
        Stage::one(MtuExceeded, with_known_senders, "a", long(1), ""),
        Stage::one(
            NeighbourUnresolved,
            with_eight_that_wait,
            "a",
            from_to(1, 6),
            "",
        ),
    ]
}

/// What is inside is dropped.
fn of_a_tunnel() -> Vec<Stage> {
    let one = |reason, build, inner: &[u8], moved| {
        Stage::one(reason, build, "uplink", from_peer(3, inner), moved)
    };
    vec![
        one(StaticElsewhere, usual, &from_to(7, 1), ""),
        one(SplitHorizon, usual, &from_to(1, 7), "fdb_learned"),
        one(PortDown, without_b, &from_to(1, 5), "fdb_learned"),
        one(MtuExceeded, usual, &long(1), "fdb_learned"),
        one(MtuExceeded, with_known_senders, &long(2), ""),
    ]
}

/// Others of whose copies go on.
fn of_a_copy() -> Vec<Stage> {
    let moved = "copied sent fdb_learned";
    let outer = from_peer(3, &broadcast(1));
    vec![
        Stage::one(PortDown, without_b, "uplink", outer, moved),
        Stage::one(
            NoRoute,
            usual,
            "a",
            broadcast(1),
            "copied=3 sent=3 fdb_learned",
        ),
        Stage {
            explained: false,
            ..Stage::one(NoBuffer, with_one_buffer, "a", broadcast(1), moved)
        },
    ]
}

fn of_a_crowd() -> Vec<Stage> {
    let many = |frame, count| vec![frame; count];
    vec![
        Stage::crowd(
            NeighbourUnresolved,
            with_a_silent_remote,
            wait_in_vain,
            "received dropped drop.neighbour_unresolved fdb_learned \
             neigh_arp_request_sent=4 originated=4 sent=4",
            ("a", many(from_to(1, 6), 1)),
        ),
        Stage::crowd(
            ResolveBudget,
            with_addresses_everywhere,
            come_by_three_ports,
            "received=96 copied=64 sent=128 dropped=32 drop.resolve_budget=32",
            ("c", (0..32).map(|number| to_nobody(b'c', number)).collect()),
        ),
        Stage::crowd(
            PuntFull,
            usual,
            answer_unasked,
            "received=515 consumed=512 dropped=3 drop.punt_full=3 neigh_arp_unasked=256",
            ("uplink", many(outer().arp_reply(), 3)),
        ),
        Stage::crowd(
            HandoffFull,
            with_two_workers,
            hand_over,
            "received=515 handed_off=512 sent=512 dropped=3 drop.handoff_full=3",
            ("a", many(from_to(2, 1), 3)),
        ),
        Stage::crowd(
            TxFull,
            usual,
            fill_port_b,
            "received=4100 sent=4096 dropped=4 drop.tx_full=4 fdb_learned",
            ("b", many(from_to(1, 5), 4)),
        ),
    ]
}

pub(crate) fn usual() -> Switch {
    Switch::new(&config())
}

pub(crate) fn without_b() -> Switch {
    let mut switch = usual();
    switch.rig.set_link("b", false);
    switch
}

fn without_uplink() -> Switch {
    let mut switch = usual();
    switch.rig.set_link("uplink", false);
    switch
}

/// Of nothing that they send control has to be told.
fn with_known_senders() -> Switch {
    let mut switch = usual();
    switch.pass("a", &from_to(1, 5));
    switch.pass("uplink", &from_peer(3, &from_to(2, 5)));
    switch.settle();
    switch
}

/// The remote is on the link, and never answers.
pub(crate) fn with_a_silent_remote() -> Switch {
    let silent = config().replace("203.0.113.1", "192.0.2.77");
    let mut switch = Switch::cold(Wanted::parse(&silent, "test").unwrap(), 1);
    for _ in 0..10 {
        switch.rig.leap(1_000);
    }
    switch.settle();
    switch
}

fn with_eight_that_wait() -> Switch {
    let mut switch = with_a_silent_remote();
    for _ in 0..8 {
        switch.pass("a", &from_to(1, 6));
    }
    assert_eq!(switch.rig.stats().account.held, 8, "the first few wait");
    switch.moved();
    switch
}

/// The pool has one packet left, the one that comes in.
fn with_one_buffer() -> Switch {
    let mut wanted = Wanted::parse(&small(LAN), "test").unwrap();
    wanted.switch.mbufs = 1;
    Switch::cold(wanted, 1)
}

/// So that a station that a port does not have is a flow of its own.
fn with_addresses_everywhere() -> Switch {
    let mut text = small(LAN);
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
    switch
}

/// Worker 1 has no queues to send by.
pub(crate) fn with_two_workers() -> Switch {
    let config = small(&LAN.replace("device", "tx_queues = 1\ndevice"));
    let mut switch = Switch::cold(Wanted::parse(&config, "test").unwrap(), 2);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &broadcast(2));
    switch.settle();
    switch
}

fn wait_in_vain(switch: &mut Switch) {
    switch.pass("a", &from_to(1, 6));
    switch.rig.leap(Waiting::<()>::PATIENCE + 1);
}

fn to_nobody(from: u8, number: u8) -> Vec<u8> {
    to_mac(from, Mac::new([2, 0, 0, 0, 9, number]))
}

/// Half a burst of new flows by each of three ports, in one round.
fn come_by_three_ports(switch: &mut Switch) {
    for (port, from) in [("a", b'a'), ("b", b'b'), ("c", b'c')] {
        for number in 0..32 {
            assert!(switch.rig.send(port, &to_nobody(from, number)));
        }
    }
    switch.rig.poll(0);
    switch.out();
}

/// More for control than the ring to it holds, in one turn.
fn answer_unasked(switch: &mut Switch) {
    for _ in 0..515 {
        switch.rig.send("uplink", &outer().arp_reply());
    }
    while switch.rig.poll(0) > 0 {}
}

/// Worker 0, by which port a is reached, does not come to take anything.
fn hand_over(switch: &mut Switch) {
    for _ in 0..515 {
        switch.rig.send("b", &from_to(2, 1));
    }
    while switch.rig.poll(1) > 0 {}
    switch.rig.run(20);
}

/// Nobody takes anything out of port b.
fn fill_port_b(switch: &mut Switch) {
    for _ in 0..4100 {
        assert!(switch.rig.send("a", &from_to(1, 5)));
        assert!(switch.rig.poll(0) > 0, "the worker does not move");
    }
    switch.rig.run(1);
}
