//! The switch and the kernel of its host on one port, and tunnels that go down with what they rest
//! on.

use crate::common::{Switch, from_to, opened, peer, us, vni, vxlan};
use control::api::messages::{Method, Reply, Tunnel, TunnelState};
use control::rig::Rig;
use fastpath::wire::craft::Pair;
use fastpath::wire::{Mac, icmp};

const ONE: &str = "remotes = [\"192.0.2.1\"]\n[[fdb]]\nbridge = \"br10\"\n\
    mac = \"02:00:00:00:02:02\"\ntunnel = \"vx10\"\nremote = \"192.0.2.1\"";

/// The kernel gets what on the uplink is nobody's, by port `host`.
fn with_kernel() -> String {
    let text = vxlan(&format!(
        "{ONE}\n[[port]]\nname = \"host\"\ndevice = \"heap9\"\n"
    ));
    text.replace("mtu = 1600", "mtu = 1600\nlocal = \"host\"")
}

fn tunnel(switch: &mut Switch) -> Tunnel {
    match switch.rig.ask(Method::VxlanShow) {
        Some(Reply::Tunnels(mut tunnels)) => tunnels.remove(0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_kernel_lives_on_beside_the_switch() {
    let mut switch = Switch::new(&with_kernel());
    assert_eq!(
        switch.rig.given_mac("host"),
        Some(Rig::mac(0)),
        "one station"
    );
    let pair = Pair::new(peer(7), us());
    let ssh = pair.tcp(40_000, 22, b"SSH-2.0");
    switch.bridges("uplink", &ssh, &["host"], "received sent");
    let answer = pair.reversed().tcp(22, 40_000, b"SSH-2.0");
    switch.bridges("host", &answer, &["uplink"], "received sent");
    let bgp = Pair::new(peer(7), (Mac::BROADCAST, us().1)).udp(1, 520, b"RIP");
    switch.bridges("uplink", &bgp, &["host"], "received sent");
    let stranger = Pair::new(peer(7), peer(8)).tcp(1, 2, b"");
    switch.drops("uplink", &stranger, "other_host");
    switch.close();
}

#[test]
fn both_hear_answers_to_arp_and_the_switch_answers_for_its_address() {
    let mut switch = Switch::new(&with_kernel());
    let reply = Pair::new(peer(7), us()).arp_reply();
    switch.bridges(
        "uplink",
        &reply,
        &["host"],
        "received consumed copied sent neigh_arp_unasked",
    );
    let question = Pair::new(peer(7), us()).arp_request();
    let out = switch.pass("uplink", &question);
    let answer = Pair::new(us(), peer(7)).arp_reply();
    let expected = [("uplink", answer), ("host", question)];
    assert_eq!(out, expected.map(|(port, frame)| (port.to_owned(), frame)));
    switch.moved();
    // What the kernel asks and claims is for the others on the link.
    let own = Pair::new(us(), peer(7)).arp_request();
    switch.bridges("host", &own, &["uplink"], "received sent");
    switch.close();
}

#[test]
fn tunnels_and_echo_stay_with_the_switch() {
    let mut switch = Switch::new(&with_kernel());
    let inner = from_to(3, 1);
    let frame = Pair::new(peer(1), us()).vxlan(50_000, vni(10), &inner);
    switch.pass("uplink", &frame);
    switch.expect_moved("received copied sent=2 fdb_learned");
    let echo = |kind| icmp::Repr {
        echo: kind,
        ident: 1,
        sequence: 2,
    };
    let pair = Pair::new(peer(9), us());
    let out = switch.pass("uplink", &pair.echo(echo(icmp::Echo::Request), b"x"));
    assert_eq!(
        out.iter().map(|(port, _)| &port[..]).collect::<Vec<_>>(),
        ["uplink"]
    );
    switch.moved();
    let reply = pair.echo(echo(icmp::Echo::Reply), b"x");
    switch.bridges("uplink", &reply, &["host"], "received sent");
    switch.close();
}

#[test]
fn a_lost_uplink_takes_its_tunnel_down_by_name_and_brings_it_back() {
    let mut switch = Switch::new(&vxlan(ONE));
    switch.tunnels("a", &from_to(1, 2), &[1], &[], "received sent fdb_learned");
    assert_eq!(tunnel(&mut switch).state, TunnelState::Up);
    switch.rig.set_link("uplink", false);
    let down = tunnel(&mut switch);
    assert_eq!(down.state, TunnelState::Down);
    assert_eq!(down.reason.as_deref(), Some("port uplink has no link"));
    switch.moved();
    switch.drops("a", &from_to(1, 2), "tunnel_down");
    switch.rig.set_link("uplink", true);
    assert_eq!(tunnel(&mut switch).state, TunnelState::Up);
    switch.answer_all();
    switch.tunnels("a", &from_to(1, 2), &[1], &[], "received sent");
    switch.rig.remove_device("uplink");
    switch.rig.run(3);
    let reason = tunnel(&mut switch).reason;
    assert_eq!(
        reason.as_deref(),
        Some("port uplink: the device was removed")
    );
    switch.moved();
    switch.drops("a", &from_to(1, 2), "tunnel_down");
    for _ in 0..20 {
        switch.rig.leap(100);
    }
    switch.answer_all();
    switch.tunnels("a", &from_to(1, 2), &[1], &[], "received sent");
    switch.close();
}

#[test]
fn a_tunnel_says_why_its_port_is_still_gone() {
    let mut switch = Switch::new(&vxlan(ONE));
    switch.rig.set_broken("uplink", true);
    switch.rig.remove_device("uplink");
    for _ in 0..20 {
        switch.rig.leap(100);
    }
    let down = tunnel(&mut switch);
    assert_eq!(down.state, TunnelState::Down);
    assert_eq!(down.reason.as_deref(), Some("port uplink: no such device"));
    switch.close();
}

#[test]
fn the_kernels_port_has_the_mac_of_an_uplink_that_opens_after_it() {
    let host = "[[port]]\nname = \"host\"\ndevice = \"heap9\"\n";
    let text = vxlan(ONE).replace("mtu = 1600", "mtu = 1600\nlocal = \"host\"");
    let switch = Switch::new(&format!("{host}{text}"));
    assert_eq!(switch.rig.given_mac("host"), Some(Rig::mac(0)));
    switch.close();
}

/// A router says that a packet of the tunnel was too long for its next link.
fn too_long(about: &[u8], mtu: u16) -> Vec<u8> {
    let quote = &about[14..14 + 28 + 8];
    let mut message = vec![3, 4, 0, 0, 0, 0];
    message.extend(mtu.to_be_bytes());
    message.extend(quote);
    let sum = fastpath::wire::Sum::new().add_bytes(&message).finish();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    Pair::new(peer(50), us()).ipv4(fastpath::wire::Protocol::ICMP, &message)
}

#[test]
fn an_icmp_error_is_shown_with_the_remote_that_it_is_about() {
    let mut switch = Switch::new(&vxlan(ONE));
    let out = switch.pass("a", &from_to(1, 2));
    assert_eq!(opened(&out[0].1).0, peer(1).1);
    switch.moved();
    let mut error = too_long(&out[0].1, 1400);
    switch.pass("uplink", &error);
    switch.expect_moved("received consumed neigh_icmp_error_received");
    let last = tunnel(&mut switch).remotes[0].last_error.clone().unwrap();
    assert_eq!(
        (last.from, last.mtu, last.count),
        (peer(50).1, Some(1400), 1)
    );
    assert_eq!(last.kind, "fragmentation needed");
    // About another VNI, which no tunnel of ours can have sent.
    let at = error.len() - 2;
    let byte = error[at];
    error[at] = byte.wrapping_add(1);
    // The byte is the low one of its word: so is the checksum's.
    let sum = u16::from_be_bytes([error[36], error[37]]);
    let changed = if at.is_multiple_of(2) { 0x100 } else { 1 };
    let fixed = sum.checked_sub(changed).unwrap();
    error[36..38].copy_from_slice(&fixed.to_be_bytes());
    switch.pass("uplink", &error);
    switch.expect_moved("received consumed neigh_icmp_error_received icmp_errors_unmatched");
    let remote = &tunnel(&mut switch).remotes[0];
    assert_eq!(remote.last_error.as_ref().unwrap().count, 1);
    assert_eq!(remote.tx.packets, 1);
    switch.close();
}
