//! Replication to remotes, split horizon, and who may send.

use crate::common::{Switch, broadcast, from_peer, from_to, peer, us, vni, vxlan};
use fastpath::wire::craft::Pair;

const TWO: &str = r#"remotes = ["192.0.2.3", "192.0.2.1"]"#;

fn second(settings: &str) -> String {
    vxlan(&format!(
        "{TWO}\n[[tunnel]]\nname = \"vx11\"\nbridge = \"br10\"\nvni = 11\nlocal = \"192.0.2.2\"\n{settings}\n"
    ))
}

#[test]
fn every_remote_gets_a_copy_in_the_order_of_the_list() {
    let mut switch = Switch::new(&vxlan(TWO));
    let all = "received copied=2 sent=3";
    switch.tunnels(
        "a",
        &broadcast(1),
        &[3, 1],
        &["b"],
        &format!("{all} fdb_learned"),
    );
    switch.tunnels("a", &from_to(1, 2), &[3, 1], &["b"], all);
    switch.close();
}

#[test]
fn never_to_another_remote_of_the_tunnel_it_came_from() {
    let mut switch = Switch::new(&vxlan(TWO));
    let inner = broadcast(1);
    let both = [("a".into(), inner.clone()), ("b".into(), inner.clone())];
    assert_eq!(switch.pass("uplink", &from_peer(1, &inner)), both);
    switch.expect_moved("received copied sent=2 fdb_learned");
    switch.drops_learning("uplink", &from_peer(3, &from_to(2, 1)), "split_horizon");
    switch.drops("uplink", &from_peer(3, &from_to(2, 1)), "split_horizon");
    switch.close();
}

/// Two tunnels of one bridge are two sides of it, as two devices in a Linux bridge are.
#[test]
fn from_one_tunnel_to_another_of_the_bridge() {
    let mut switch = Switch::new(&second("remotes = [\"192.0.2.4\"]"));
    let inner = broadcast(1);
    switch.tunnels(
        "a",
        &broadcast(2),
        &[3, 1, 4],
        &["b"],
        "received copied=3 sent=4 fdb_learned",
    );
    let out = switch.pass("uplink", &from_peer(1, &inner));
    assert_eq!(out.len(), 3);
    assert_eq!(
        (&out[0].1[50..], out[0].1[48]),
        (&inner[..], 11),
        "to vx11 alone"
    );
    switch.expect_moved("received copied=2 sent=3 fdb_learned");
    let back = from_to(3, 1);
    let from_far = Pair::new(peer(4), us()).vxlan(50_000, vni(11), &back);
    let out = switch.pass("uplink", &from_far);
    assert_eq!(
        (out.len(), &out[0].1[50..], out[0].1[48]),
        (1, &back[..], 10)
    );
    switch.expect_moved("received sent fdb_learned");
    assert_eq!(
        (switch.place(1), switch.place(3)),
        ("vx10 192.0.2.1".into(), "vx11 192.0.2.4".into())
    );
    switch.close();
}

#[test]
fn a_remote_of_one_tunnel_is_a_stranger_to_the_other() {
    let mut switch = Switch::new(&second("remotes = [\"192.0.2.4\"]"));
    switch.drops("uplink", &from_peer(4, &broadcast(1)), "remote_unknown");
    let unknown = Pair::new(peer(1), us()).vxlan(50_000, vni(12), &broadcast(1));
    switch.drops("uplink", &unknown, "vni_unknown");
    switch.close();
}

#[test]
fn without_remotes_there_is_nobody_to_send_to() {
    let mut switch = Switch::new(&vxlan("remotes = []"));
    switch.tunnels("a", &broadcast(1), &[], &["b"], "received sent fdb_learned");
    switch.drops("uplink", &from_peer(1, &broadcast(2)), "remote_unknown");
    switch.close();
}

/// A copy that cannot be sent takes nothing from the others.
#[test]
fn one_remote_out_of_reach() {
    let mut switch = Switch::new(&vxlan(TWO));
    let off_link = "remotes = [\"203.0.113.9\", \"192.0.2.1\"]";
    let mut other = Switch::new(&vxlan(off_link));
    let partly = "received copied=2 sent=2 dropped drop.no_route fdb_learned";
    other.tunnels("a", &broadcast(1), &[1], &["b"], partly);
    other.close();
    switch.rig.set_link("b", false);
    let down = "received copied=2 sent=2 dropped drop.port_down fdb_learned";
    switch.tunnels("a", &broadcast(1), &[3, 1], &[], down);
    switch.close();
}
