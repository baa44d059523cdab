//! From an entry of a flow cache, a reason for drops or a station back to what stands behind it.

use crate::cache::{caches, decap, of_port, small, tunnelled};
use crate::common::{Switch, broadcast, from_to, peer, station, vxlan};
use control::api::messages::{
    CacheAction, DropBehind, DropPlace, EntryBehind, Fate, FdbKind, Method, PortState, Reply,
    StationBehind, Target,
};
use control::config::Wanted;
use fastpath::drop::DropReason;
use fastpath::wire::Mac;

/// The tunnel of the tests with two remotes, one of which no route leads to, and a port in no bridge.
fn config() -> String {
    let tunnel = r#"remotes = ["192.0.2.1", "203.0.113.1"]
[[port]]
name = "lone"
device = "heap3"
mtu = 1400
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
"#;
    small(&vxlan(tunnel))
}

pub(crate) fn drops(switch: &mut Switch, reason: DropReason) -> DropBehind {
    match switch.rig.change(Method::ExplainDrop(reason)) {
        Some(Reply::DropBehind(behind)) => *behind,
        other => panic!("{other:?}"),
    }
}

fn stations(switch: &mut Switch, mac: Mac) -> Vec<StationBehind> {
    match switch.rig.ask(Method::ExplainFdb(mac)) {
        Some(Reply::StationsBehind(stations)) => stations,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_has_port_address_tunnel_and_bridge_behind_it() {
    let mut switch = tunnelled();
    let shown = caches(&mut switch.rig, of_port("uplink"));
    let entry = decap(&shown);
    let asked = Method::ExplainEntry(entry.entry);
    let Some(Reply::EntryBehind(behind)) = switch.rig.change(asked) else {
        panic!("no answer");
    };
    let EntryBehind {
        ports,
        addresses,
        tunnels,
        bridge,
        ..
    } = &*behind;
    assert_eq!(&behind.entry, entry);
    let names = ports.iter().map(|port| (port.name.as_str(), port.state));
    assert_eq!(names.collect::<Vec<_>>(), [("uplink", PortState::Up)]);
    let own = addresses.iter().map(|own| own.address.to_string());
    assert_eq!(own.collect::<Vec<_>>(), ["192.0.2.2"]);
    let [tunnel] = &tunnels[..] else {
        panic!("{tunnels:?}");
    };
    let remotes = tunnel.remotes.iter().map(|remote| remote.address);
    assert_eq!(remotes.collect::<Vec<_>>(), [peer(1).1]);
    let bridge = bridge.as_ref().unwrap();
    assert_eq!((&*bridge.bridge, bridge.stations), ("br10", 2));
    assert_eq!(
        (bridge.ports.len(), &bridge.tunnels[..]),
        (2, &["vx10".to_owned()][..])
    );
    switch.close();
}

#[test]
fn an_entry_that_is_not_there_is_refused() {
    let mut switch = tunnelled();
    let entry = "0:63".parse().unwrap();
    let why = switch.rig.refusal(Method::ExplainEntry(entry)).unwrap();
    assert_eq!(why, "there is no entry 0:63; see cache show");
    switch.close();
}

#[test]
fn a_drop_leads_to_its_counters_its_entries_and_the_port_behind_them() {
    let mut switch = Switch::new(&config());
    for _ in 0..3 {
        switch.drops("lone", &broadcast(1), "no_bridge");
    }
    let behind = drops(&mut switch, DropReason::NoBridge);
    let counters = behind.counters.iter();
    let counters = counters.map(|drop| (&*drop.port, drop.place, drop.packets));
    let expected = [("lone", DropPlace::Dropped, 3)];
    assert_eq!(counters.collect::<Vec<_>>(), expected);
    assert_eq!(behind.causes, ["port lone is in no bridge"]);
    let [entry] = &behind.entries[..] else {
        panic!("{behind:?}");
    };
    assert_eq!((&*entry.port, entry.packets), ("lone", 3));
    assert!(matches!(&entry.actions[..], [CacheAction::Drop(why)] if *why == behind.reason));

    let other = drops(&mut switch, DropReason::TxFull);
    assert_eq!(
        (other.counters, other.entries, other.more),
        (vec![], vec![], 0)
    );
    switch.close();
}

#[test]
fn what_is_down_or_leads_nowhere_is_named_as_a_cause() {
    let mut switch = Switch::new(&config());
    let mut causes = |reason| drops(&mut switch, reason).causes;
    let none = [
        DropReason::PortDown,
        DropReason::TunnelDown,
        DropReason::NeighbourUnresolved,
    ];
    assert!(none.into_iter().all(|reason| causes(reason).is_empty()));
    let no_route = ["tunnel vx10: no route leads to 203.0.113.1"];
    assert_eq!(causes(DropReason::NoRoute), no_route);
    assert!(causes(DropReason::MtuExceeded).contains(&"port lone has mtu 1400".to_owned()));
    let pinned = "02:00:00:00:02:07 is pinned to tunnel vx10 remote 192.0.2.1 in bridge br10";
    assert!(causes(DropReason::StaticElsewhere).contains(&pinned.to_owned()));
    switch.rig.set_link("uplink", false);
    let mut causes = |reason| drops(&mut switch, reason).causes;
    let down = ["port uplink is down: it has no link"];
    assert_eq!(causes(DropReason::PortDown), down);
    let down = ["tunnel vx10 is down: port uplink has no link"];
    assert_eq!(causes(DropReason::TunnelDown), down);
    switch.close();
}

#[test]
fn a_neighbour_that_does_not_answer_is_named_as_a_cause() {
    let wanted = Wanted::parse(&config(), "test").unwrap();
    let mut switch = Switch::cold(wanted, 1);
    let behind = drops(&mut switch, DropReason::NeighbourUnresolved);
    let cause = "tunnel vx10: no neighbour on the way to 192.0.2.1 answers";
    assert_eq!(behind.causes, [cause]);
    switch.close();
}

#[test]
fn a_station_behind_a_port_is_told_with_what_becomes_of_a_frame() {
    let mut switch = Switch::new(&config());
    switch.pass("a", &broadcast(1));
    let [known] = &stations(&mut switch, station(1).0)[..] else {
        panic!("not one bridge");
    };
    assert_eq!(
        (known.entry.kind, known.mtu),
        (FdbKind::Learned, Some(1500))
    );
    let a = Target::Port { port: "a".into() };
    assert_eq!(known.end.to, Some(a));
    assert!(matches!(&known.end.fate, Fate::Sent { port, .. } if port == "a"));
    assert_eq!(stations(&mut switch, station(9).0), []);
    switch.rig.set_link("a", false);
    assert_eq!(
        stations(&mut switch, station(1).0),
        [],
        "forgotten with its port"
    );
    switch.settle();
    switch.close();
}

#[test]
fn a_station_behind_a_remote_is_told_with_the_way_there() {
    let mut switch = Switch::new(&config());
    let [known] = &stations(&mut switch, station(7).0)[..] else {
        panic!("not one bridge");
    };
    let Some(Target::Remote(road)) = &known.end.to else {
        panic!("{known:?}");
    };
    assert_eq!((&*road.tunnel, road.remote), ("vx10", peer(1).1));
    assert_eq!(road.neighbour.as_ref().unwrap().mac, Some(peer(1).0));
    assert!(matches!(&known.end.fate, Fate::Sent { port, .. } if port == "uplink"));
    assert_eq!((known.entry.kind, known.mtu), (FdbKind::Static, Some(1550)));
    let remotes = &known.tunnel.as_ref().unwrap().remotes;
    assert_eq!(remotes.len(), 1);

    let [lost] = &stations(&mut switch, station(6).0)[..] else {
        panic!("not one bridge");
    };
    assert!(matches!(&lost.end.fate, Fate::Dropped(why) if why.reason == "no_route"));
    assert_eq!((lost.port.as_ref(), lost.mtu), (None, None));
    switch.expect_moved("");
    switch.close();
}

/// What is said to get there does, and a byte more does not.
#[test]
fn the_mtu_that_is_told_is_that_of_the_switch() {
    let mut switch = Switch::new(&config());
    let mtu = stations(&mut switch, station(7).0)[0].mtu.unwrap();
    for (len, gets_there) in [(mtu, true), (mtu + 1, false)] {
        let mut frame = from_to(1, 7);
        frame.resize(14 + usize::from(len), 0);
        assert_eq!(switch.pass("a", &frame).len(), usize::from(gets_there));
    }
    switch.close();
}
