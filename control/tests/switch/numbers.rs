//! Numbers of ports, bridges, tunnels, remotes and links: how many there are, and who gets them.

use crate::change::with;
use crate::common::{LAN, Switch, broadcast, from_peer, from_to, vxlan};
use control::api::Refused;
use control::change::Done;
use control::config::Wanted;
use fastpath::ids::{BridgeId, LinkId, PortId, RemoteId, TunnelId};
use std::net::Ipv4Addr;
use std::ops::Range;

/// Longer than a number rests.
const RESTED: u64 = 4_100;

fn full(what: &str, limit: usize) -> Refused {
    Refused(format!(
        "{what}: all {limit} numbers are in use, or were until a moment ago; try again"
    ))
}

fn list(numbers: Range<usize>, item: impl Fn(usize) -> String) -> String {
    numbers.map(item).collect()
}

pub(crate) fn ports(numbers: Range<usize>) -> String {
    let addresses = |port: usize| {
        let own = |vlan: usize| {
            let address = Ipv4Addr::from(0x0a00_0001 + 256 * (port * 8 + vlan) as u32);
            format!("{{ address = \"{address}/24\", vlan = {} }}, ", vlan + 1)
        };
        list(0..8, own)
    };
    list(numbers, |port| {
        let addresses = addresses(port);
        let device = format!("device = \"heap{port}\"");
        format!("[[port]]\nname = \"p{port}\"\n{device}\naddresses = [{addresses}]\n")
    })
}

pub(crate) fn bridges(numbers: Range<usize>) -> String {
    list(numbers, |n| format!("[[bridge]]\nname = \"b{n}\"\n"))
}

pub(crate) fn tunnels(numbers: Range<usize>) -> String {
    list(numbers, |n| {
        format!(
            "[[tunnel]]\nname = \"t{n}\"\nbridge = \"br10\"\nvni = {}\nlocal = \"192.0.2.2\"\n",
            100 + n
        )
    })
}

pub(crate) fn remotes(numbers: Range<usize>) -> String {
    let remotes = list(numbers, |n| {
        format!("\"{}\", ", Ipv4Addr::from(0xcb00_7100 + n as u32))
    });
    format!("remotes = [{remotes}]")
}

/// All numbers but those of what `base` has are in use by the things of `of`. One goes: its number is
/// nobody else's at once, and then it is the next one's. What is refused touches nothing.
#[track_caller]
fn fills(what: &str, limit: usize, base: usize, of: impl Fn(Range<usize>) -> String) {
    let last = limit - base;
    let mut switch = Switch::new(&of(0..last));
    let shown = switch.rig.stats();
    // One more in place of the first one, and a bridge beside.
    let next = format!("{}[[bridge]]\nname = \"beside\"\n", of(1..last + 1));
    let next = if what == "bridge" {
        of(1..last + 1)
    } else {
        next
    };
    assert_eq!(switch.apply(&next), Err(full(what, limit)));
    let after = switch.rig.stats();
    assert_eq!(
        after.bridges.len(),
        shown.bridges.len(),
        "nothing was touched"
    );
    assert_eq!(after.tunnels.len(), shown.tunnels.len());
    assert_eq!(after.links.len(), shown.links.len());
    assert_eq!(switch.apply(&of(1..last)), Ok(Done::default()));
    if what != "remote" {
        // That of a remote is free when all have passed, and is heard of no more.
        assert_eq!(switch.apply(&next), Err(full(what, limit)), "it rests");
    }
    switch.rig.leap(RESTED);
    assert_eq!(switch.apply(&next), Ok(Done::default()));
    switch.settle();
    switch.close();
}

#[test]
fn a_change_that_finds_no_number_is_refused_before_its_first_step() {
    fills("bridge", BridgeId::LIMIT, 1, |numbers| {
        vxlan("") + &bridges(numbers)
    });
    fills("tunnel", TunnelId::LIMIT, 1, |numbers| {
        vxlan("") + &tunnels(numbers)
    });
    fills("remote", RemoteId::LIMIT, 0, |numbers| {
        vxlan(&remotes(numbers))
    });
}

/// The same of ports, each of which has as many links as it may.
#[test]
fn ports_and_links_rest_too() {
    let limit = PortId::LIMIT;
    let mut switch = Switch::new(&ports(0..limit));
    let other = with(&ports(0..limit), "vlan = 8 }, ]", "vlan = 9 }, ]");
    assert_eq!(switch.apply(&other), Err(full("link", LinkId::LIMIT)));
    let refused = switch.apply(&ports(1..limit + 1));
    assert_eq!(refused, Err(full("port", limit)));
    assert_eq!(switch.rig.stats().links.len(), LinkId::LIMIT);
    assert_eq!(switch.apply(&ports(1..limit)), Ok(Done::default()));
    let refused = switch.apply(&ports(1..limit + 1));
    assert_eq!(refused, Err(full("port", limit)), "it rests");
    switch.rig.leap(RESTED);
    assert_eq!(switch.apply(&ports(1..limit + 1)), Ok(Done::default()));
    assert_eq!(switch.rig.stats().links.len(), LinkId::LIMIT);
    switch.settle();
    switch.close();
}

/// With all numbers in use, a change that takes some away and then cannot be is taken back: everything
/// has its number again.
#[test]
fn what_is_undone_has_its_numbers_back() {
    let entry = "[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:02:09\"\n\
                 tunnel = \"vx10\"\nremote = \"203.0.113.1\"\n";
    let many = |numbers: Range<usize>| bridges(numbers.clone()) + &tunnels(numbers);
    let all = vxlan(&remotes(0..RemoteId::LIMIT)) + &many(0..BridgeId::LIMIT - 1) + entry;
    let mut switch = Switch::new(&all);
    let shown = switch.rig.stats();
    // Half of everything goes, and a port that stays cannot be opened anew.
    let mut next = vxlan(&remotes(100..RemoteId::LIMIT)) + &many(2000..BridgeId::LIMIT - 1);
    next = with(&next, "\"heap1\"", "\"heap1\"\nrx_queues = 2");
    switch.rig.set_broken("a", true);
    let refused = switch.apply(&next);
    assert_eq!(refused, Err(Refused("port a: no such device".to_owned())));
    switch.rig.set_broken("a", false);
    switch.rig.leap(40_000);
    let after = switch.rig.stats();
    let names = |stats: &control::api::messages::Stats| {
        let bridges = stats.bridges.iter().map(|bridge| bridge.bridge.clone());
        let tunnels = stats.tunnels.iter().map(|tunnel| tunnel.tunnel.clone());
        let remotes = stats.remotes.iter().map(|remote| remote.remote.to_string());
        let mut remotes: Vec<_> = remotes.collect();
        remotes.sort();
        (bridges.chain(tunnels).collect::<Vec<_>>(), remotes)
    };
    assert_eq!(names(&after), names(&shown));
    assert_eq!(after.fdb.static_entries, 1);
    switch.settle();
    switch.close();
}

/// A remote to which a static entry is about to lead is not forgotten before.
#[test]
fn a_remote_that_is_still_led_to_keeps_its_record() {
    let entry = |mac: u8| {
        format!(
            "[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:02:{mac:02x}\"\n\
             tunnel = \"vx10\"\nremote = \"192.0.2.1\"\n"
        )
    };
    let mut switch = Switch::new(&vxlan("remotes = [\"192.0.2.1\"]"));
    switch.pass("uplink", &from_peer(1, &from_to(7, 1)));
    switch.settle();
    for (next, packets) in [
        (vxlan("") + &entry(9), 1),
        (vxlan("") + &entry(8), 2),
        (vxlan("remotes = [\"192.0.2.1\"]"), 3),
    ] {
        assert_eq!(switch.apply(&next), Ok(Done::default()));
        assert_eq!(switch.place(7), "vx10 192.0.2.1", "{next}");
        switch.pass("a", &from_to(1, 7));
        let remotes = switch.rig.stats().remotes;
        assert_eq!(remotes[0].tx.packets, packets);
        switch.settle();
    }
    // That of nothing is a stranger.
    assert_eq!(switch.apply(&vxlan("")), Ok(Done::default()));
    switch.settle();
    switch.drops("uplink", &from_peer(1, &from_to(7, 1)), "remote_unknown");
    switch.bridges("a", &broadcast(1), &["b"], "received sent");
    switch.close();
}

/// Static entries that a change took away have their places again when it is undone, whoever was learned
/// there.
#[test]
fn what_was_learned_makes_way_for_what_is_undone() {
    let entry = |mac: u8| {
        format!("[[fdb]]\nbridge = \"br0\"\nmac = \"02:00:00:00:02:{mac:02x}\"\nport = \"a\"\n")
    };
    let small = format!("[switch]\nfdb_entries = 4\n{LAN}");
    let all = format!("{small}{}{}{}", entry(1), entry(2), entry(3));
    let mut switch = Switch::new(&all);
    let next = with(&small, "\"heap1\"", "\"heap1\"\nrx_queues = 2");
    switch.rig.set_stuck(PortId::new(1));
    let next = Wanted::parse(&next, "test").unwrap();
    let answer = switch.rig.apply_later(next);
    switch.rig.run(5);
    for station in 20..25 {
        switch.pass("a", &broadcast(station));
    }
    let fdb = switch.rig.stats().fdb;
    assert_eq!((fdb.entries, fdb.static_entries), (4, 0));
    switch.rig.set_broken("b", true);
    switch.rig.set_stuck(None);
    switch.rig.run(10);
    let refused = answer.try_recv().unwrap();
    assert_eq!(refused, Err(Refused("port b: no such device".to_owned())));
    assert_eq!(switch.rig.stats().fdb.static_entries, 3);
    switch.settle();
    switch.close();
}
