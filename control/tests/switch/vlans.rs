//! Addresses on VLANs of an underlay port.

use crate::common::{Station, Switch, asked, from_to, is_probe, opened, peer, vxlan};
use control::api::messages::{AddressState, Method, Reply, TunnelState};
use control::rig::Rig;
use fastpath::wire::craft::{Pair, tagged};
use fastpath::wire::{EtherType, Mac, Tag, icmp};
use std::net::Ipv4Addr;

const VLAN: u16 = 100;

/// Our end is on VLAN 100; in untagged frames we have another address.
fn config() -> String {
    let text = vxlan("remotes = [\"192.0.2.1\"]");
    text.replace(
        "[\"192.0.2.2/24\"]",
        "[{ address = \"192.0.2.2/24\", vlan = 100 }, \"198.51.100.2/24\"]",
    )
}

fn us() -> Station {
    (Rig::mac(0), Ipv4Addr::new(192, 0, 2, 2))
}

fn on_vlan(frame: &[u8]) -> Vec<u8> {
    tagged(frame, EtherType::VLAN, Tag::from_bits(VLAN))
}

/// A frame of ours without its tag.
fn untagged(frame: &[u8]) -> Vec<u8> {
    assert_eq!(frame[12..16], [0x81, 0, 0, VLAN as u8], "{frame:02x?}");
    [&frame[..12], &frame[16..]].concat()
}

#[test]
fn a_tunnel_over_a_vlan() {
    let wanted = control::config::Wanted::parse(&config(), "test").unwrap();
    let mut switch = Switch::cold(wanted, 1);
    let out = switch.out();
    let (on_vlan_100, plain): (Vec<_>, Vec<_>) = out
        .iter()
        .partition(|(_, frame)| frame[12..14] == [0x81, 0]);
    assert!(plain.iter().all(|(_, frame)| is_probe(frame)));
    assert_eq!(plain.len(), 1, "for the address in untagged frames");
    let questions = on_vlan_100.iter().map(|(_, frame)| untagged(frame));
    let (probes, questions): (Vec<_>, Vec<_>) = questions.partition(|frame| is_probe(frame));
    assert_eq!((probes.len(), asked(&questions[0])), (1, Some(1)));
    // An answer in an untagged frame is for nobody.
    let reply = Pair::new(peer(1), us()).arp_reply();
    switch.settle();
    switch.bridges(
        "uplink",
        &reply,
        &[],
        "received consumed neigh_arp_off_link",
    );
    switch.pass("uplink", &on_vlan(&reply));
    switch.moved();
    // Out, and back in.
    let out = switch.pass("a", &from_to(1, 2));
    assert_eq!(
        opened(&untagged(&out[0].1)),
        (peer(1).1, &from_to(1, 2)[..])
    );
    assert_eq!(out[0].1[..6], peer(1).0.bytes());
    switch.expect_moved("received copied sent=2 fdb_learned");
    let back = Pair::new(peer(1), us()).vxlan(50_000, crate::common::vni(10), &from_to(2, 1));
    let out = switch.pass("uplink", &on_vlan(&back));
    assert_eq!(out, [("a".to_owned(), from_to(2, 1))]);
    switch.expect_moved("received sent fdb_learned");
    // By another link of ours too, as Linux has it, but by no other VLAN.
    let out = switch.pass("uplink", &back);
    assert_eq!(out, [("a".to_owned(), from_to(2, 1))]);
    switch.expect_moved("received sent");
    let elsewhere = tagged(&back, EtherType::VLAN, Tag::from_bits(VLAN + 1));
    switch.bridges(
        "uplink",
        &elsewhere,
        &[],
        "received dropped drop.not_for_us",
    );
    switch.close();
}

#[test]
fn who_asks_on_a_vlan_is_answered_there() {
    let mut switch = Switch::new(&config());
    let echo = icmp::Repr {
        echo: icmp::Echo::Request,
        ident: 1,
        sequence: 2,
    };
    let pair = Pair::new(peer(9), us());
    let out = switch.pass("uplink", &on_vlan(&pair.arp_request()));
    let reply = Pair::new(us(), peer(9)).arp_reply();
    assert_eq!(out, [("uplink".to_owned(), on_vlan(&reply))]);
    switch.expect_moved("received consumed originated sent neigh_arp_request_answered");
    let out = switch.pass("uplink", &on_vlan(&pair.echo(echo, b"hello")));
    assert_eq!(untagged(&out[0].1)[26..30], us().1.octets());
    switch.expect_moved("received consumed originated sent neigh_echo_answered");
    let other = (Mac::ZERO, Ipv4Addr::new(198, 51, 100, 2));
    let stranger = (peer(9).0, Ipv4Addr::new(198, 51, 100, 9));
    let question = Pair::new(stranger, other).arp_request();
    let out = switch.pass("uplink", &question);
    assert_eq!(out[0].1[12..14], [8, 6], "in an untagged frame");
    switch.moved();
    switch.drops("uplink", &on_vlan(&question), "not_for_us");
    switch.close();
}

#[test]
fn each_link_has_its_addresses_and_both_are_shown() {
    let mut switch = Switch::new(&config());
    let Some(Reply::Addresses(own)) = switch.rig.ask(Method::AddrShow) else {
        panic!("no answer")
    };
    let shown: Vec<_> = own
        .iter()
        .map(|own| (own.address, own.vlan, own.state))
        .collect();
    let preferred = AddressState::Preferred;
    let expected = [
        (Ipv4Addr::new(198, 51, 100, 2), None, preferred),
        (us().1, Some(VLAN), preferred),
    ];
    assert_eq!(shown, expected);
    // Another station has the address of the tunnel: the tunnel is down, by name.
    switch.settle();
    let thief = (peer(66).0, us().1);
    switch.rig.set_link("uplink", false);
    switch.rig.set_link("uplink", true);
    switch
        .rig
        .send("uplink", &on_vlan(&Pair::new(thief, us()).arp_reply()));
    switch.rig.run(3);
    let Some(Reply::Tunnels(tunnels)) = switch.rig.ask(Method::VxlanShow) else {
        panic!("no answer")
    };
    assert_eq!(tunnels[0].state, TunnelState::Down);
    let reason = tunnels[0].reason.as_deref().unwrap();
    assert_eq!(
        reason,
        format!("{} has the address 192.0.2.2 too", peer(66).0)
    );
    let Some(Reply::Routes(routes)) = switch.rig.ask(Method::RouteShow) else {
        panic!("no answer")
    };
    let ways = routes.iter().flat_map(|route| &route.via);
    let alive: Vec<_> = ways.map(|via| (via.vlan, via.alive)).collect();
    assert_eq!(alive, [(None, true), (Some(VLAN), false)]);
    switch.settle();
    let down = "received copied sent dropped drop.tunnel_down fdb_learned";
    switch.bridges("a", &from_to(1, 2), &["b"], down);
    switch.close();
}
