//! Entries that the user has set.

use crate::common::{LAN, Switch, broadcast, from_peer, from_to, station, to_mac, vxlan};
use control::api::messages::FdbKind;
use fastpath::wire::Mac;

fn entry(bridge: &str, mac: Mac, to: &str) -> String {
    format!("[[fdb]]\nbridge = \"{bridge}\"\nmac = \"{mac}\"\n{to}\n")
}

#[test]
fn a_pinned_station_stays_where_it_is() {
    let config = LAN.to_owned() + &entry("br0", station(1).0, "port = \"a\"");
    let mut switch = Switch::new(&config);
    let fdb = switch.fdb();
    assert_eq!(
        (fdb.len(), fdb[0].kind, fdb[0].age),
        (1, FdbKind::Static, None)
    );
    switch.bridges("b", &from_to(2, 1), &["a"], "received sent fdb_learned");
    switch.drops("b", &broadcast(1), "static_elsewhere");
    switch.drops("c", &from_to(1, 2), "static_elsewhere");
    switch.bridges("a", &from_to(1, 2), &["b"], "received sent");
    // It does not age, and it outlives the link of its port.
    switch.rig.leap(1_000_000);
    switch.expect_moved("fdb_aged");
    switch.rig.set_link("a", false);
    switch.rig.set_link("a", true);
    switch.expect_moved("");
    assert_eq!(switch.fdb(), fdb);
    switch.close();
}

#[test]
fn a_group_goes_to_one_port() {
    let group = Mac::new([1, 0, 0x5e, 1, 2, 3]);
    let config = LAN.to_owned() + &entry("br0", group, "port = \"c\"");
    let mut switch = Switch::new(&config);
    switch.bridges("a", &to_mac(1, group), &["c"], "received sent fdb_learned");
    switch.bridges("a", &to_mac(1, group), &["c"], "received sent");
    switch.bridges(
        "c",
        &to_mac(2, group),
        &[],
        "received dropped drop.same_port fdb_learned",
    );
    switch.close();
}

#[test]
fn a_station_pinned_behind_a_remote_that_is_on_no_list() {
    let pinned = entry(
        "br10",
        station(5).0,
        "tunnel = \"vx10\"\nremote = \"192.0.2.5\"",
    );
    let mut switch = Switch::new(&vxlan(&format!("remotes = [\"192.0.2.1\"]\n{pinned}")));
    assert_eq!(switch.place(5), "vx10 192.0.2.5");
    switch.tunnels("a", &from_to(1, 5), &[5], &[], "received sent fdb_learned");
    switch.tunnels("a", &broadcast(1), &[1], &["b"], "received copied sent=2");
    // It may send to us, since it is configured; its station may come from nowhere else.
    let inner = from_to(5, 1);
    assert_eq!(
        switch.pass("uplink", &from_peer(5, &inner)),
        [("a".into(), inner.clone())]
    );
    switch.expect_moved("received sent");
    switch.drops("uplink", &from_peer(1, &inner), "static_elsewhere");
    switch.drops("b", &inner, "static_elsewhere");
    switch.close();
}

#[test]
fn a_group_goes_to_one_remote() {
    let group = Mac::new([1, 0, 0x5e, 1, 2, 3]);
    let pinned = entry("br10", group, "tunnel = \"vx10\"\nremote = \"192.0.2.3\"");
    let mut switch = Switch::new(&vxlan(&format!(
        "remotes = [\"192.0.2.1\", \"192.0.2.3\"]\n{pinned}"
    )));
    switch.tunnels(
        "a",
        &to_mac(1, group),
        &[3],
        &[],
        "received sent fdb_learned",
    );
    let back = from_peer(1, &to_mac(2, group));
    switch.pass("uplink", &back);
    switch.expect_moved("received dropped drop.split_horizon fdb_learned");
    switch.close();
}

/// A full table: who is not known is flooded to, and nothing that is known suffers.
#[test]
fn a_full_table_takes_nobody_else() {
    let mut switch = Switch::new(&format!("[switch]\nfdb_entries = 2\n{LAN}"));
    switch.bridges(
        "a",
        &broadcast(1),
        &["b", "c"],
        "received copied sent=2 fdb_learned",
    );
    switch.bridges(
        "b",
        &broadcast(2),
        &["a", "c"],
        "received copied sent=2 fdb_learned",
    );
    switch.bridges(
        "c",
        &broadcast(3),
        &["a", "b"],
        "received copied sent=2 fdb_full",
    );
    switch.bridges("a", &from_to(1, 3), &["b", "c"], "received copied sent=2");
    switch.bridges("c", &from_to(2, 1), &["a"], "received sent fdb_moved");
    switch.rig.set_link("a", false);
    switch.rig.set_link("a", true);
    switch.expect_moved("fdb_flushed");
    // A worker does not tell again so soon what it has just told.
    switch.rig.run(100);
    switch.bridges(
        "c",
        &from_to(3, 2),
        &[],
        "received dropped drop.same_port fdb_learned",
    );
    switch.close();
}
