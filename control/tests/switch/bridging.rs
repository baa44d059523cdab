//! One bridge between local ports.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, station, to_mac, vxlan};
use fastpath::wire::Mac;
use fastpath::wire::craft::tagged;
use fastpath::wire::ethernet::EtherType;
use fastpath::wire::vlan::Tag;

#[test]
fn a_station_is_learned_and_then_found() {
    let mut switch = Switch::new(LAN);
    let learned = "received copied sent=2 fdb_learned";
    switch.bridges("a", &from_to(1, 2), &["b", "c"], learned);
    assert_eq!((switch.place(1), switch.place(2)), ("a".into(), "".into()));
    switch.bridges("b", &from_to(2, 1), &["a"], "received sent fdb_learned");
    switch.bridges("a", &from_to(1, 2), &["b"], "received sent");
    switch.bridges("a", &from_to(1, 2), &["b"], "received sent");
    switch.close();
}

#[test]
fn a_station_on_the_same_port_is_not_sent_to() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    switch.pass("a", &broadcast(2));
    switch.settle();
    switch.drops("a", &from_to(1, 2), "same_port");
    switch.drops("a", &from_to(2, 1), "same_port");
    switch.close();
}

/// Stations behind one port, and behind one remote, are told apart also where the cache decides.
#[test]
fn each_of_several_is_learned() {
    let mut switch = Switch::new(&vxlan("remotes = [\"192.0.2.1\"]"));
    switch.pass("a", &broadcast(1));
    for number in 2..9 {
        switch.pass("b", &from_to(number, 1));
        switch.pass("uplink", &from_peer(1, &from_to(number + 10, 1)));
        switch.pass("b", &from_to(number, 1));
        switch.pass("uplink", &from_peer(1, &from_to(number + 10, 1)));
        assert_eq!(switch.place(number), "b");
        assert_eq!(switch.place(number + 10), "vx10 192.0.2.1");
    }
    switch.expect_moved("received=29 copied sent=30 fdb_learned=15");
    switch.close();
}

#[test]
fn groups_and_strangers_are_flooded() {
    let mut switch = Switch::new(LAN);
    switch.pass("a", &broadcast(1));
    switch.settle();
    let flooded = "received copied sent=2";
    let multicast = to_mac(1, Mac::new([1, 0, 0x5e, 0, 0, 1]));
    for frame in [broadcast(1), multicast, from_to(1, 9)] {
        switch.bridges("a", &frame, &["b", "c"], flooded);
        switch.bridges("a", &frame, &["b", "c"], flooded);
    }
    switch.close();
}

/// As Linux does without spanning tree: BPDUs go on, what is for the bridge itself does not.
#[test]
fn of_the_link_local_groups_only_bpdus_are_forwarded() {
    let mut switch = Switch::new(LAN);
    let group = |last| Mac::new([1, 0x80, 0xc2, 0, 0, last]);
    let learned = "received copied sent=2 fdb_learned";
    switch.bridges("a", &to_mac(1, group(0)), &["b", "c"], learned);
    for last in 1..16 {
        switch.drops("a", &to_mac(2, group(last)), "link_local");
    }
    assert_eq!(switch.place(2), "", "what is dropped teaches nothing");
    let beyond = to_mac(1, group(16));
    switch.bridges("a", &beyond, &["b", "c"], "received copied sent=2");
    switch.close();
}

#[test]
fn a_source_is_a_station() {
    let mut switch = Switch::new(LAN);
    for source in [Mac::ZERO, Mac::BROADCAST, Mac::new([1, 0, 0x5e, 0, 0, 1])] {
        let mut frame = broadcast(1);
        frame[6..12].copy_from_slice(&source.bytes());
        switch.drops("a", &frame, "source_invalid");
    }
    assert_eq!(switch.fdb(), []);
    switch.close();
}

/// A bridge does not read what it does not need: tags, short frames, broken headers.
#[test]
fn what_is_behind_the_addresses_is_carried_as_it_is() {
    let mut switch = Switch::new(LAN);
    switch.pass("b", &broadcast(2));
    switch.pass("a", &broadcast(1));
    switch.settle();
    let plain = from_to(1, 2);
    let mut broken = plain.clone();
    broken[14..].fill(0xff);
    let tag = tagged(&plain, EtherType::VLAN, Tag::from_bits(0xe00a));
    for frame in [&tag, &broken, &plain[..14].to_vec(), &plain[..33].to_vec()] {
        switch.bridges("a", frame, &["b"], "received sent");
    }
    switch.drops("a", &plain[..13], "frame_runt");
    switch.drops("a", &plain[..0], "frame_runt");
    switch.close();
}

#[test]
fn bridges_know_nothing_of_each_other() {
    let two = LAN.replace(r#"["a", "b", "c"]"#, r#"["a", "b"]"#)
        + "[[bridge]]\nname = \"br1\"\nports = [\"c\"]\n";
    let mut switch = Switch::new(&two);
    switch.bridges("a", &broadcast(1), &["b"], "received sent fdb_learned");
    let alone = "received dropped drop.no_destination";
    switch.bridges("c", &from_to(2, 1), &[], &format!("{alone} fdb_learned"));
    switch.bridges(
        "c",
        &from_to(1, 2),
        &[],
        "received dropped drop.same_port fdb_learned",
    );
    let places: Vec<_> = switch
        .fdb()
        .into_iter()
        .map(|e| (e.bridge, e.mac))
        .collect();
    let expected = [("br0", 1), ("br1", 1), ("br1", 2)];
    assert_eq!(
        places,
        expected.map(|(bridge, n)| (bridge.to_owned(), station(n).0))
    );
    switch.close();
}

#[test]
fn an_mtu_is_that_of_the_port_a_frame_leaves_by() {
    let mut switch = Switch::new(&LAN.replace("\"heap1\"", "\"heap1\"\nmtu = 1000"));
    let frame = |len: usize| [&broadcast(1)[..14], &vec![7; len - 14]].concat();
    let all = "received copied sent=2";
    switch.bridges(
        "a",
        &frame(1018),
        &["b", "c"],
        &format!("{all} fdb_learned"),
    );
    let one = "received copied sent dropped drop.mtu_exceeded";
    switch.bridges("a", &frame(1019), &["c"], one);
    switch.bridges("a", &frame(1518), &["c"], one);
    let none = "received copied dropped=2 drop.mtu_exceeded=2";
    switch.bridges("a", &frame(1519), &[], none);
    switch.close();
}
