//! What stands behind something, as it is printed.

use super::*;
use control::api::messages::{
    DropCount, DropPlace, End, Fate, FdbEntry, FdbKind, Port, PortState, Reason, Target, Tunnel,
    TunnelState,
};

fn port(name: &str) -> Port {
    Port {
        name: name.into(),
        device: "d".into(),
        driver: None,
        state: PortState::Up,
        reason: None,
        mac: None,
        mtu: 1500,
        rx_queues: 1,
        tx_queues: 1,
        rx: Default::default(),
        tx: Default::default(),
    }
}

const PORT: &str = "port_line\n";

/// What `overpath port` says of it.
fn port_line(name: &str) -> String {
    format!("  {}", port::text(&[port(name)]))
}

fn why() -> Reason {
    Reason {
        reason: "no_bridge".into(),
        meaning: "It is in none.".into(),
        advice: "Put it in one.".into(),
    }
}

fn entry_of(actions: Vec<CacheAction>) -> CacheEntry {
    CacheEntry {
        entry: "0:17".parse().unwrap(),
        port: "uplink".into(),
        fields: Vec::new(),
        packets: 3,
        current: true,
        actions,
        vlan: Some(7),
        tunnel: None,
        remote: None,
    }
}

fn behind(entry: CacheEntry) -> EntryBehind {
    EntryBehind {
        entry,
        ports: vec![port("uplink")],
        addresses: Vec::new(),
        tunnels: Vec::new(),
        bridge: None,
    }
}

#[test]
fn an_entry_has_its_ports_tunnel_and_bridge_below_it() {
    let bridge = CacheAction::Bridge {
        bridge: "br10".into(),
        learning: false,
    };
    let tunnel = Tunnel {
        name: "vx10".into(),
        bridge: "br10".into(),
        vni: 10,
        local: [192, 0, 2, 2].into(),
        udp_port: 4789,
        state: TunnelState::Up,
        reason: None,
        remotes: Vec::new(),
    };
    let behind = EntryBehind {
        tunnels: vec![tunnel],
        bridge: Some(BridgeBehind {
            bridge: "br10".into(),
            ports: vec!["a".into(), "b".into()],
            tunnels: vec!["vx10".into()],
            stations: 2,
        }),
        ..behind(entry_of(vec![CacheAction::Decap, bridge]))
    };
    let expected = "\
0:17 port(uplink), packets:3, current, actions:decap,bridge(br10)
  from port uplink vlan 7 bridge br10 learning off
port_line
  vx10 state up bridge br10 vni 10 local 192.0.2.2 dstport 4789
  bridge br10 ports a b tunnels vx10 stations 2
";
    assert_eq!(entry(&behind), expected.replace(PORT, &port_line("uplink")));
}

#[test]
fn an_entry_that_drops_has_its_reason_and_one_that_is_stale_says_so() {
    let stale = CacheEntry {
        current: false,
        ..entry_of(vec![CacheAction::Drop(why())])
    };
    let expected = "\
0:17 port(uplink), packets:3, stale, actions:drop(no_bridge)
  from port uplink vlan 7
  stale: something has changed that it rests on; its next packet is decided anew
port_line
  no_bridge: It is in none. Put it in one.
";
    let text = entry(&behind(stale));
    assert_eq!(text, expected.replace(PORT, &port_line("uplink")));
}

#[test]
fn a_reason_has_its_counters_causes_and_entries() {
    let count = DropCount {
        reason: "no_bridge".into(),
        port: "lone".into(),
        place: DropPlace::Dropped,
        packets: 7,
        rate: 3,
        meaning: why().meaning,
        advice: why().advice,
        last: None,
    };
    let behind = DropBehind {
        reason: why(),
        counters: vec![count],
        causes: vec!["port lone is in no bridge".into()],
        entries: vec![entry_of(vec![CacheAction::Drop(why())])],
        more: 4,
    };
    let expected = "\
no_bridge port lone dropped packets 7 rate 3/s
no_bridge: It is in none. Put it in one.
leads to it: port lone is in no bridge
0:17 port(uplink), packets:3, current, actions:drop(no_bridge)
  from port uplink vlan 7
and 4 more entries
";
    assert_eq!(drop(&behind), expected);
}

#[test]
fn a_reason_that_never_occurred_is_explained_too() {
    let behind = DropBehind {
        reason: why(),
        counters: Vec::new(),
        causes: Vec::new(),
        entries: Vec::new(),
        more: 0,
    };
    let expected = "\
no_bridge was not counted since the start
no_bridge: It is in none. Put it in one.
";
    assert_eq!(drop(&behind), expected);
}

#[test]
fn a_station_is_told_for_each_bridge_with_what_becomes_of_a_frame() {
    let entry = FdbEntry {
        bridge: "br10".into(),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        port: Some("lan".into()),
        tunnel: None,
        remote: None,
        kind: FdbKind::Learned,
        age: Some(3),
    };
    let station = StationBehind {
        entry,
        end: End {
            to: Some(Target::Port { port: "lan".into() }),
            fate: Fate::Dropped(why()),
        },
        port: Some(port("lan")),
        tunnel: None,
        mtu: Some(1500),
    };
    let expected = "\
02:00:00:00:00:01 bridge br10 port lan learned age 3
  a frame for it, simulated: nothing is sent or asked for
   to port lan: dropped: no_bridge
      It is in none.
      Put it in one.
port_line
  packets of up to 1500 bytes get there, without Ethernet header
";
    let expected = expected.replace(PORT, &port_line("lan"));
    assert_eq!(stations(&[station.clone(), station]), expected.repeat(2));
    let unknown = "no bridge knows it: a frame for it goes to everybody else in its bridge\n";
    assert_eq!(stations(&[]), unknown);
}
