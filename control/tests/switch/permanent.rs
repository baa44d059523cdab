//! Neighbours whose link addresses are set: nobody asks for them, and nobody is believed.

use crate::change::applied;
use crate::common::{Switch, asked, from_to, is_probe, opened, peer, us, vxlan};
use control::api::messages::{Method, NeighbourState, Reply};
use control::change::Done;
use control::config::Wanted;
use fastpath::wire::Mac;
use fastpath::wire::craft::Pair;

const ONE: &str = "remotes = [\"192.0.2.1\"]\n[[fdb]]\nbridge = \"br10\"\n\
    mac = \"02:00:00:00:02:02\"\ntunnel = \"vx10\"\nremote = \"192.0.2.1\"\n";
/// Of [`questions`]: none.
const NOBODY: [u8; 0] = [];
const OTHER: Mac = Mac::new([2, 0, 0, 0, 1, 0x99]);

fn neighbour(number: u8, mac: Mac) -> String {
    let address = peer(number).1;
    format!("[[neighbour]]\nport = \"uplink\"\naddress = \"{address}\"\nmac = \"{mac}\"\n")
}

/// With neighbour 1 set to `mac`.
fn set(mac: Mac) -> String {
    vxlan(&format!("{ONE}{}", neighbour(1, mac)))
}

fn cold(config: &str) -> Switch {
    Switch::cold(Wanted::parse(config, "test").unwrap(), 1)
}

/// The stations that were asked for.
fn questions(out: &[(String, Vec<u8>)]) -> Vec<u8> {
    let questions = out.iter().filter(|(_, frame)| !is_probe(frame));
    // Announcements of our own address have the form of a question.
    let asked = questions.filter_map(|(_, frame)| asked(frame));
    asked
        .filter(|number| *number != us().1.octets()[3])
        .collect()
}

/// A frame to station 2 leaves for `mac`, and nothing else happens.
#[track_caller]
fn leaves_for(switch: &mut Switch, mac: Mac, moved: &str) {
    let out = switch.pass("a", &from_to(1, 2));
    assert_eq!(out.len(), 1, "{out:?}");
    assert_eq!(out[0].1[..6], mac.bytes());
    assert_eq!(opened(&out[0].1), (peer(1).1, &from_to(1, 2)[..]));
    switch.expect_moved(moved);
}

#[test]
fn a_tunnel_forwards_and_nobody_is_ever_asked() {
    let mut switch = cold(&set(OTHER));
    assert_eq!(questions(&switch.out()), NOBODY);
    let shown = switch.neighbours();
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (shown[0].state, shown[0].mac),
        (NeighbourState::Permanent, Some(OTHER))
    );
    switch.moved();
    leaves_for(&mut switch, OTHER, "received sent fdb_learned");
    for _ in 0..200 {
        switch.rig.leap(1_000);
        assert_eq!(questions(&switch.out()), NOBODY);
    }
    switch.rig.leap(200_000);
    switch.settle();
    leaves_for(&mut switch, OTHER, "received sent fdb_learned");
    assert!(
        !switch
            .rig
            .stats()
            .events
            .iter()
            .any(|(name, count)| { *name == "neigh_arp_request_sent" && *count > 0 })
    );
    switch.close();
}

#[test]
fn nobody_is_believed_who_says_otherwise() {
    let mut switch = Switch::new(&set(peer(1).0));
    let liar = (OTHER, peer(1).1);
    let reply = Pair::new(liar, us()).arp_reply();
    let refused = "received consumed neigh_arp_permanent";
    switch.bridges("uplink", &reply, &[], refused);
    let gratuitous = Pair::new(liar, (Mac::BROADCAST, peer(1).1)).arp_request();
    switch.pass("uplink", &gratuitous);
    switch.expect_moved(refused);
    let request = Pair::new(liar, us()).arp_request();
    let answer = Pair::new(us(), liar).arp_reply();
    let out = switch.pass("uplink", &request);
    assert_eq!(out, [("uplink".to_owned(), answer)]);
    switch.expect_moved(
        "received consumed originated sent neigh_arp_permanent neigh_arp_request_answered",
    );
    leaves_for(&mut switch, peer(1).0, "received sent fdb_learned");
    assert_eq!(switch.neighbours()[0].state, NeighbourState::Permanent);
    switch.close();
}

#[test]
fn another_link_address_is_used_once_it_is_acknowledged() {
    let mut switch = Switch::new(&set(peer(1).0));
    leaves_for(&mut switch, peer(1).0, "received sent fdb_learned");
    for (mac, moved) in [(OTHER, 1), (peer(1).0, 2)] {
        assert_eq!(switch.apply(&set(mac)), Ok(Done::default()));
        leaves_for(&mut switch, mac, "received sent neigh_neighbour_moved");
        let events = switch.rig.stats().events;
        assert_eq!(events["neigh_neighbour_moved"], moved);
    }
    switch.close();
}

#[test]
fn who_is_set_no_more_is_asked_and_packets_wait_for_the_answer() {
    let mut switch = Switch::new(&set(OTHER));
    leaves_for(&mut switch, OTHER, "received sent fdb_learned");
    assert_eq!(switch.apply(&vxlan(ONE)), Ok(Done::default()));
    assert_eq!(questions(&switch.out()), [1]);
    assert_eq!(switch.neighbours()[0].state, NeighbourState::Incomplete);
    switch.settle();
    assert_eq!(switch.pass("a", &from_to(1, 2)), []);
    switch.expect_moved("received held");
    // It is set again: what waited goes.
    assert_eq!(switch.apply(&set(OTHER)), Ok(Done::default()));
    let out = switch.out();
    assert_eq!(out.len(), 1, "{out:?}");
    assert_eq!(out[0].1[..6], OTHER.bytes());
    switch.expect_moved("held=-1 sent");
    leaves_for(&mut switch, OTHER, "received sent");
    // And again it is asked for, and answers.
    applied(&mut switch, &vxlan(ONE));
    switch.pass("uplink", &Pair::new(peer(1), us()).arp_reply());
    switch.moved();
    leaves_for(&mut switch, peer(1).0, "received sent");
    switch.close();
}

#[test]
fn who_is_known_already_is_set() {
    let mut switch = Switch::new(&vxlan(ONE));
    leaves_for(&mut switch, peer(1).0, "received sent fdb_learned");
    assert_eq!(switch.apply(&set(OTHER)), Ok(Done::default()));
    leaves_for(&mut switch, OTHER, "received sent neigh_neighbour_moved");
    switch.close();
}

#[test]
fn who_is_set_is_there_again_with_its_port() {
    let mut switch = Switch::new(&set(OTHER));
    switch.rig.lose_device("uplink", "it burns");
    assert_eq!(switch.neighbours()[0].state, NeighbourState::Permanent);
    switch.rig.leap(2_000);
    let out = switch.out();
    assert_eq!(questions(&out), NOBODY, "{out:?}");
    switch.probe_all();
    leaves_for(&mut switch, OTHER, "received sent fdb_learned");
    switch.rig.set_link("uplink", false);
    switch.rig.set_link("uplink", true);
    assert_eq!(questions(&switch.out()), NOBODY);
    switch.probe_all();
    leaves_for(&mut switch, OTHER, "received sent");
    // The port goes with all that rests on it, and all of it comes back.
    let none = "port = [{ name = 'a', device = 'heap1' }, { name = 'b', device = 'heap2' }]";
    applied(&mut switch, none);
    assert_eq!(switch.neighbours(), []);
    switch.rig.leap(5_000);
    applied(&mut switch, &set(peer(1).0));
    switch.probe_all();
    assert_eq!(questions(&switch.out()), NOBODY);
    leaves_for(&mut switch, peer(1).0, "received sent fdb_learned");
    switch.close();
}

/// A change that is refused leaves neighbours as they were, and so does one that is undone.
#[test]
fn a_change_that_fails_leaves_neighbours_alone() {
    let before = vxlan(&format!(
        "{ONE}{}{}",
        neighbour(1, OTHER),
        neighbour(7, OTHER)
    ));
    let mut switch = Switch::new(&before);
    let shown = switch.neighbours();
    switch.rig.set_broken("b", true);
    let after = set(peer(1).0).replace("\"heap2\"", "\"heap2\"\nrx_queues = 2");
    assert!(switch.apply(&after).is_err());
    switch.rig.set_broken("b", false);
    assert_eq!(switch.neighbours(), shown);
    switch.settle();
    leaves_for(&mut switch, OTHER, "received sent fdb_learned");
    switch.close();
}

/// The remote is wanted before, and there is no way to it.
#[test]
fn who_comes_with_its_link_is_not_asked() {
    let far = ONE.replace("192.0.2.1", "198.51.100.9");
    let before = vxlan(&far);
    let mut switch = Switch::new(&before);
    switch.drops_learning("a", &from_to(1, 2), "no_route");
    let link = before.replace(
        "[\"192.0.2.2/24\"]",
        "[\"192.0.2.2/24\", \"198.51.100.2/24\"]",
    );
    let set = neighbour(1, OTHER).replace("192.0.2.1", "198.51.100.9");
    assert_eq!(switch.apply(&format!("{link}{set}")), Ok(Done::default()));
    assert_eq!(questions(&switch.out()), NOBODY);
    let out = switch.pass("a", &from_to(1, 2));
    assert_eq!(out.len(), 1, "{out:?}");
    assert_eq!(out[0].1[..6], OTHER.bytes());
    switch.close();
}

/// On a VLAN, as the gateway of a route.
#[test]
fn a_gateway_on_a_vlan_is_set() {
    let config = set(OTHER)
        .replace(
            "[\"192.0.2.2/24\"]",
            "[{ address = \"192.0.2.2/24\", vlan = 7 }]",
        )
        .replace(
            "port = \"uplink\"\naddress",
            "port = \"uplink\"\nvlan = 7\naddress",
        )
        .replace("remotes = [\"192.0.2.1\"]", "remotes = [\"203.0.113.9\"]")
        .replace("remote = \"192.0.2.1\"", "remote = \"203.0.113.9\"")
        + "[[route]]\nto = \"default\"\nvia = \"192.0.2.1\"\n";
    let mut switch = cold(&config);
    switch.settle();
    let out = switch.pass("a", &from_to(1, 2));
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].1[..6], OTHER.bytes());
    assert_eq!(out[0].1[12..16], [0x81, 0, 0, 7]);
    assert_eq!(switch.neighbours()[0].vlan, Some(7));
    let Some(Reply::Routes(routes)) = switch.rig.ask(Method::RouteShow) else {
        panic!("no answer")
    };
    assert_eq!(routes.last().unwrap().via[0].mac, Some(OTHER));
    switch.close();
}
