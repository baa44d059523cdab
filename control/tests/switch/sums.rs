//! Counters by queue, bridge, tunnel and link: that their sums close, and what grows how fast.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, peer, to_mac, us, vni};
use control::api::messages::Traffic;
use control::config::Wanted;
use control::rig::Rig;
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Tag};
use std::net::Ipv4Addr;

/// Two bridges: one with a tunnel to 192.0.2.1 and to anybody, over frames without a tag, the other
/// with two tunnels to 198.51.100.1, of another VNI each, over VLAN 7.
const CONFIG: &str = r#"
[[port]]
name = "uplink"
device = "heap0"
mtu = 1600
addresses = ["192.0.2.2/24", { address = "198.51.100.2/24", vlan = 7 }]
[[port]]
name = "a"
device = "heap1"
[[port]]
name = "b"
device = "heap2"
[[port]]
name = "c"
device = "heap3"
[[bridge]]
name = "br10"
ports = ["a", "b"]
ageing = 5
[[bridge]]
name = "br20"
ports = ["c"]
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
remotes = ["192.0.2.1"]
accept = "any"
[[tunnel]]
name = "vx20"
bridge = "br20"
vni = 20
local = "198.51.100.2"
remotes = ["198.51.100.1"]
[[tunnel]]
name = "vx21"
bridge = "br20"
vni = 10
local = "198.51.100.2"
remotes = ["198.51.100.1"]
"#;

const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// From the remote on VLAN 7.
fn from_far(number: u32, inner: &[u8]) -> Vec<u8> {
    let us = (Rig::mac(0), Ipv4Addr::new(198, 51, 100, 2));
    let frame = Pair::new((peer(9).0, FAR), us).vxlan(50_000, vni(number), inner);
    tagged(&frame, EtherType::VLAN, Tag::from_bits(7))
}

/// With `workers`; both remotes are known.
fn switch(workers: usize) -> Switch {
    let mut switch = Switch::cold(Wanted::parse(CONFIG, "test").unwrap(), workers);
    let there = (Rig::mac(0), Ipv4Addr::new(198, 51, 100, 2));
    let far = Pair::new((peer(9).0, FAR), there).arp_reply();
    let far = tagged(&far, EtherType::VLAN, Tag::from_bits(7));
    switch
        .rig
        .send("uplink", &Pair::new(peer(1), us()).arp_reply());
    switch.rig.send("uplink", &far);
    switch.settle();
    switch.probe_all();
    switch
}

/// A bit of everything: floods of each kind, stations that are learned, move and are forgotten, a
/// stranger whose number somebody else has afterwards, a packet that is too long, a burst.
fn use_all(switch: &mut Switch) {
    let group = Mac::new([1, 0, 0x5e, 0, 0, 1]);
    for (port, frame) in [
        ("a", broadcast(1)),
        ("a", to_mac(1, group)),
        ("b", from_to(2, 1)),
        ("b", from_to(1, 2)),
        ("c", from_to(3, 9)),
        ("c", vec![0xff; 13]),
        ("uplink", from_peer(1, &from_to(4, 2))),
        ("uplink", from_far(20, &from_to(5, 3))),
        ("uplink", from_far(10, &broadcast(6))),
        ("uplink", from_far(10, &from_to(5, 3))),
        ("uplink", from_peer(1, &from_to(4, 4))),
        ("a", from_to(2, 4)),
        ("c", from_to(3, 5)),
    ] {
        switch.pass(port, &frame);
    }
    for stranger in [7, 8, 7] {
        for _ in 0..2 {
            switch.pass("uplink", &from_peer(stranger, &from_to(50 + stranger, 2)));
            switch.rig.run(100);
        }
        // Until its station has aged, and nothing leads to it.
        for _ in 0..18 {
            switch.rig.leap(1_000);
        }
    }
    for _ in 0..100 {
        switch.rig.send("a", &from_to(1, 2));
        switch.rig.send("c", &from_to(3, 5));
    }
    let mut long = from_to(3, 5);
    long.resize(1590, 0);
    switch.rig.send("c", &long);
    switch.settle();
}

fn sum(all: impl Iterator<Item = Traffic>) -> Traffic {
    all.fold(Traffic::default(), |sum, one| Traffic {
        packets: sum.packets + one.packets,
        bytes: sum.bytes + one.bytes,
    })
}

#[test]
fn sums_close_whoever_does_the_work() {
    for workers in 1..=3 {
        let mut switch = switch(workers);
        use_all(&mut switch);
        let stats = switch.rig.stats();
        for (bridge, members) in [(0, &["a", "b"][..]), (1, &["c"])] {
            let bridge = &stats.bridges[bridge];
            let (mut came, mut went) = (0, 0);
            for port in stats
                .ports
                .iter()
                .filter(|port| members.contains(&&*port.port))
            {
                (came, went) = (came + port.received, went + port.enqueued);
            }
            for tunnel in stats
                .tunnels
                .iter()
                .filter(|one| one.bridge == bridge.bridge)
            {
                (came, went) = (came + tunnel.rx.packets, went + tunnel.tx.packets);
            }
            // Of what is not long enough for a frame no bridge hears.
            let runts = u64::from(bridge.bridge == "br20");
            assert_eq!((bridge.received, bridge.sent), (came - runts, went));
        }
        let [vx10, vx20, vx21] = &stats.tunnels[..] else {
            panic!("{:?}", stats.tunnels)
        };
        // The remote of each is known, but for strangers, who were forgotten.
        assert!(
            stats
                .remotes
                .iter()
                .all(|remote| remote.remote != peer(7).1)
        );
        for tunnel in [vx20, vx21] {
            let remotes = stats.remotes.iter().filter(|r| r.tunnel == tunnel.tunnel);
            assert_eq!(sum(remotes.clone().map(|remote| remote.rx)), tunnel.rx);
            assert_eq!(sum(remotes.map(|remote| remote.tx)), tunnel.tx);
        }
        let len = from_to(1, 2).len() as u64;
        let of = |packets| Traffic {
            packets,
            bytes: packets * len,
        };
        // 2 from the remote, 6 from strangers, of whom each was one for the first packet alone.
        assert_eq!((vx10.rx, vx10.strangers), (of(8), of(3)));
        let (untagged, vlan) = (&stats.links[0], &stats.links[1]);
        assert_eq!((untagged.vlan, vlan.vlan), (None, Some(7)));
        assert_eq!((untagged.rx, untagged.tx), (vx10.rx, vx10.tx));
        assert_eq!(vlan.rx, sum([vx20.rx, vx21.rx].into_iter()));
        assert_eq!(vlan.tx, sum([vx20.tx, vx21.tx].into_iter()));
        let vni: Vec<_> = stats.vnis.iter().map(|vni| (vni.vni, vni.tx)).collect();
        assert_eq!(
            vni,
            [(10, sum([vx10.tx, vx21.tx].into_iter())), (20, vx20.tx)]
        );
        switch.close();
    }
}

#[test]
fn what_grows_is_told_by_the_second() {
    let mut switch = Switch::new(LAN);
    switch.rig.leap(1_000);
    switch.pass("a", &broadcast(1));
    switch.pass("b", &from_to(2, 1));
    switch.pass("b", &from_to(1, 2));
    switch.rig.leap(1_000);
    let stats = switch.rig.stats();
    let bridge = &stats.bridges[0];
    assert_eq!((bridge.rx_rate, bridge.fdb), (3, stats.fdb));
    let fdb = stats.fdb;
    assert_eq!((fdb.learned_rate, fdb.moved_rate, fdb.aged_rate), (2, 1, 0));
    let rates = |port: usize| {
        let port = &stats.ports[port];
        [port.rx_rate, port.tx_rate, port.tx_byte_rate]
    };
    // The broadcast, and the frame to the station that is still thought to be at a.
    assert_eq!(rates(0)[..2], [1, 1]);
    assert_eq!(rates(1)[..2], [2, 1]);
    let byte_rate = broadcast(1).len() as u64;
    assert!(rates(2)[2].abs_diff(byte_rate) < 3, "a second and a little");
    switch.rig.leap(1_000);
    let stats = switch.rig.stats();
    assert_eq!((stats.bridges[0].rx_rate, stats.fdb.learned_rate), (0, 0));
    switch.close();
}

/// Of the real time that a test takes nothing can be said, but for whose it was.
#[test]
fn a_worker_is_busy_in_rounds_that_move_packets() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    let mut second = |packets: u64, rounds: u64| {
        let before = switch.rig.stats().workers[0].clone();
        for _ in 0..packets {
            switch.rig.send("a", &broadcast(1));
            assert_eq!(switch.rig.poll(0), 1);
        }
        for _ in packets..rounds {
            assert_eq!(switch.rig.poll(0), 0);
        }
        switch.rig.wait(1_000);
        switch.rig.step();
        let after = switch.rig.stats().workers[0].clone();
        assert_eq!(after.rounds - before.rounds, rounds);
        assert_eq!(after.moved - before.moved, packets);
        assert_eq!(after.rx_to_tx_ticks.total(), after.moved);
        let grown = (
            after.busy_ticks > before.busy_ticks,
            after.idle_ticks > before.idle_ticks,
        );
        (grown, after.busy, after.ticks_per_packet > 0)
    };
    second(0, 1);
    assert_eq!(second(10, 10), ((true, false), 100, true));
    assert_eq!(second(0, 10), ((false, true), 0, false));
    assert_eq!(second(0, 0), ((false, false), 0, false));
    assert_eq!(second(10, 20).0, (true, true));
    switch.close();
}
