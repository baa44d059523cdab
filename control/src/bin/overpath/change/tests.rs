//! The words of commands, and the parameters that they become.

use super::load::entry;
use crate::args::Arguments;
use clap::Parser;
use control::api::messages::{Changed, Learned, Method, Stations};
use control::config::{Command, Edit, Wanted};
use control::reconcile::steps;
use serde_json::{Value, json};

fn method(line: &str) -> Result<Method, String> {
    let arguments = Arguments::try_parse_from(line.split(' '));
    let arguments = arguments.map_err(|error| error.to_string())?;
    arguments.method().map_err(|failure| failure.message)
}

fn says(line: &str, command: Command, words: Value) {
    let Ok(Method::Edit(Edit::Do(said, parameters))) = method(line) else {
        panic!("{line}: {:?}", method(line))
    };
    assert_eq!((said, Value::from(parameters)), (command, words), "{line}");
}

#[test]
fn words_come_in_pairs_as_with_ip() {
    says(
        "overpath port add lan device net_tap0,iface=x mtu 1450 bridge br10 promiscuous off",
        Command::PortAdd,
        json!({"name": "lan", "device": "net_tap0,iface=x", "mtu": 1450, "bridge": "br10",
            "promiscuous": false}),
    );
    says(
        "overpath p se lan nobridge mtu default local default",
        Command::PortSet,
        json!({"name": "lan", "bridge": null, "mtu": null, "local": null}),
    );
    for (line, offload) in [
        ("port add lan device d0 offload t1", json!("t1")),
        ("port add lan device d0 off off", json!("off")),
        ("port add lan device d0 nooffload", json!("off")),
        ("port add lan device d0 offload default", Value::Null),
    ] {
        says(
            &format!("overpath {line}"),
            Command::PortAdd,
            json!({"name": "lan", "device": "d0", "offload": offload}),
        );
    }
    says(
        "overpath port delete 10",
        Command::PortDel,
        json!({"name": "10"}),
    );
    says(
        "overpath addr add 192.0.2.2/24 dev uplink vlan 7",
        Command::AddrAdd,
        json!({"address": "192.0.2.2/24", "port": "uplink", "vlan": 7}),
    );
    for (line, command) in [
        (
            "neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev up vlan 7",
            Command::NeighAdd,
        ),
        (
            "neigh change 192.0.2.1 lladdr 02:00:00:00:00:01 dev up vlan 7",
            Command::NeighSet,
        ),
        (
            "n r 192.0.2.1 dev up vlan 7 mac 02:00:00:00:00:01",
            Command::NeighReplace,
        ),
        (
            "neighbour del 192.0.2.1 port up vlan 7 lladdr 02:00:00:00:00:01",
            Command::NeighDel,
        ),
    ] {
        let words = json!({"address": "192.0.2.1", "mac": "02:00:00:00:00:01", "port": "up",
            "vlan": 7});
        says(&format!("overpath {line}"), command, words);
    }
    says(
        "overpath bridge add br10 ageing 60 nolearning port a port b",
        Command::BridgeAdd,
        json!({"name": "br10", "ageing": 60, "learning": false, "ports": ["a", "b"]}),
    );
    says(
        "overpath vxlan a vx10 master 10 id 10 local 192.0.2.2 remote 192.0.2.3 remote 192.0.2.4 \
         dstport 8472 ttl inherit source_ports 1024-2048",
        Command::VxlanAdd,
        json!({"name": "vx10", "bridge": "10", "vni": 10, "local": "192.0.2.2",
            "remotes": ["192.0.2.3", "192.0.2.4"], "udp_port": 8472, "ttl": "inherit",
            "source_ports": "1024-2048"}),
    );
}

#[test]
fn what_goes_is_said_by_few_words() {
    says(
        "overpath vxlan append vx10 remote 192.0.2.5 reserved_bits lenient",
        Command::RemoteAdd,
        json!({"name": "vx10", "address": "192.0.2.5", "reserved_bits": "lenient"}),
    );
    says(
        "overpath vxlan del vx10",
        Command::VxlanDel,
        json!({"name": "vx10"}),
    );
    says(
        "overpath vxlan del vx10 remote 192.0.2.5",
        Command::RemoteDel,
        json!({"name": "vx10", "address": "192.0.2.5"}),
    );
    says(
        "overpath f a 02:00:00:00:00:01 bridge br10 tunnel vx10 dst 192.0.2.3",
        Command::FdbAdd,
        json!({"mac": "02:00:00:00:00:01", "bridge": "br10", "tunnel": "vx10", "remote": "192.0.2.3"}),
    );
    let flush = "overpath fdb flush static bridge br10";
    says(flush, Command::FdbFlush, json!({"bridge": "br10"}));
    says("overpath f f static", Command::FdbFlush, json!({}));
    let learned = Learned {
        port: Some("lan".parse().unwrap()),
        ..Learned::default()
    };
    assert_eq!(
        method("overpath fdb flush dev lan"),
        Ok(Method::FdbFlush(learned))
    );
    let all = Method::FdbFlush(Learned::default());
    assert_eq!(method("overpath fdb flush"), Ok(all));
    says(
        "overpath switch set mbufs 2048",
        Command::SwitchSet,
        json!({"mbufs": 2048}),
    );
    for (line, shown) in [
        ("overpath p s", Method::PortShow),
        ("overpath bridge", Method::BridgeShow),
        ("overpath br s", Method::BridgeShow),
        ("overpath neigh", Method::NeighShow),
        ("overpath n s", Method::NeighShow),
        ("overpath vxlan s", Method::VxlanShow),
        ("overpath f s", Method::FdbShow(Stations::default())),
    ] {
        assert_eq!(method(line), Ok(shown), "{line}");
    }
}

#[test]
fn what_is_not_understood_is_told_with_what_is() {
    let told = |line: &str| method(line).unwrap_err();
    assert_eq!(
        told("overpath addr add 192.0.2.2/24 prt up"),
        "\"prt\" is not understood here, did you mean `port`?; allowed: port, vlan"
    );
    assert_eq!(
        told("overpath port add lan mtu"),
        "mtu: the value is missing"
    );
    assert_eq!(told("overpath port del"), "the name is missing");
    assert_eq!(
        told("overpath port set lan mtu 1 mtu 2"),
        "mtu: is said twice"
    );
    assert!(told("overpath port del lan x").starts_with("\"x\" is not understood here"));
}

/// What `config diff` shows can be said, and does what it shows.
#[test]
fn each_step_is_a_command_that_takes_it() {
    let full = r#"
        port = [
            { name = "up", device = "d0", mtu = 9000, local = "host", addresses = [
                "192.0.2.2/24", { address = "198.51.100.2/24", vlan = 7 } ], rx_queues = 2,
              tx_queues = 3, rx_descriptors = 64, tx_descriptors = 64, rx_checksum = "trust",
              offload = "t1" },
            { name = "host", device = "d1,x=1", promiscuous = false },
            { name = "lan", device = "d2" },
        ]
        route = [{ to = "default", via = ["192.0.2.1", "192.0.2.254"] }]
        neighbour = [
            { port = "up", address = "192.0.2.1", mac = "02:00:00:00:01:01" },
            { port = "up", address = "198.51.100.1", mac = "02:00:00:00:01:02", vlan = 7 },
        ]
        bridge = [{ name = "br10", ports = ["lan"], ageing = 0, learning = false }]
        fdb = [
            { bridge = "br10", mac = "02:00:00:00:00:01", port = "lan" },
            { bridge = "br10", mac = "02:00:00:00:00:02", tunnel = "vx10", remote = "192.0.2.9" },
        ]
        [switch]
        mbufs = 2048
        [[tunnel]]
        name = "vx10"
        bridge = "br10"
        vni = 10
        local = "192.0.2.2"
        remotes = ["192.0.2.3", { address = "192.0.2.4", reserved_bits = "strict" }]
        source_ports = [1024, 2048]
        udp_port = 8472
        ttl = "inherit"
        dscp = 63
        df = "unset"
        accept = "any"
        zero_checksum = "refuse"
        reserved_bits = "lenient"
        learning = false
    "#;
    let full = Wanted::parse(full, "full").unwrap();
    let other = r#"
        port = [
            { name = "up", device = "d0", mtu = 9100, addresses = ["192.0.2.2/24"] },
            { name = "lan", device = "d9" },
            { name = "new", device = "d1" },
        ]
        route = [{ to = "default", via = ["192.0.2.1"] }]
        neighbour = [{ port = "up", address = "192.0.2.1", mac = "02:00:00:00:01:09" }]
        bridge = [{ name = "br20", ports = ["new"] }, { name = "br10", ports = ["lan"] }]
        tunnel = [{ name = "vx10", bridge = "br10", vni = 11, local = "192.0.2.2", remotes = ["192.0.2.5"] }]
        fdb = [{ bridge = "br10", mac = "02:00:00:00:00:02", port = "lan" }]
    "#;
    let other = Wanted::parse(other, "other").unwrap();
    let empty = Wanted::default();
    taken(&empty, &full);
    taken(&full, &empty);
    taken(&empty, &other);
    taken(&full, &other);
    taken(&other, &full);
    // What has its default again is not among the words of a step.
    let steps = steps(&full, &other);
    assert!(
        steps
            .iter()
            .all(|step| method(&format!("overpath {step}")).is_ok()),
        "{steps:?}"
    );
}

fn taken(from: &Wanted, to: &Wanted) {
    let mut wanted = from.clone();
    for step in steps(from, to) {
        let line = format!("overpath {step}");
        wanted = match method(&line).unwrap_or_else(|error| panic!("{line}: {error}")) {
            Method::Edit(edit) => wanted
                .edited(&edit)
                .unwrap_or_else(|e| panic!("{line}: {e}")),
            Method::RouteAdd(route) => {
                let words = json!({"to": route.to.to_string(), "via": route.via.as_slice()});
                let words = serde_json::from_value(words).unwrap();
                wanted.edited(&Edit::Do(Command::RouteAdd, words)).unwrap()
            }
            Method::RouteReplace(route) => {
                let words = json!({"to": route.to.to_string(), "via": route.via.as_slice()});
                let words = serde_json::from_value(words).unwrap();
                wanted
                    .edited(&Edit::Do(Command::RouteReplace, words))
                    .unwrap()
            }
            Method::RouteDel(to) => {
                let words = serde_json::from_value(json!({"to": to.to_string()})).unwrap();
                wanted.edited(&Edit::Do(Command::RouteDel, words)).unwrap()
            }
            other => panic!("{line}: {other:?}"),
        };
    }
    assert!(steps(&wanted, to).is_empty(), "{:?}", steps(&wanted, to));
}

#[test]
fn a_line_of_a_file_is_an_entry() {
    let says = |line: &str| entry(line).unwrap().map(Value::from);
    let lan = json!({"mac": "02:00:00:00:00:01", "bridge": "br10", "port": "lan"});
    assert_eq!(
        says("02:00:00:00:00:01 bridge br10 port lan # a comment"),
        Some(lan.clone())
    );
    let mut replaced = lan;
    replaced["op"] = "replace".into();
    for line in ["replace", "fdb replace"] {
        let line = format!("{line}\t02:00:00:00:00:01 bridge br10 dev lan");
        assert_eq!(says(&line), Some(replaced.clone()), "{line}");
    }
    for empty in ["", "  ", "# nothing"] {
        assert_eq!(says(empty), None);
    }
    assert_eq!(
        entry("del").unwrap_err(),
        "the mac is missing; allowed: bridge, port, tunnel, dst"
    );
    assert!(entry("02:00:00:00:00:01 brige br10").is_err());
}

#[test]
fn what_is_not_all_done_is_said() {
    assert_eq!(super::text(&Changed::default()), "");
    let changed = Changed {
        lagging: vec![1, 3],
        later: vec!["switch.mbufs 2048 takes effect with the next start".to_owned()],
        unconfirmed: true,
        ..Changed::default()
    };
    let expected = "done, but not yet seen by workers: 1, 3\nswitch.mbufs 2048 takes effect with the next start\n\
        not kept until it is confirmed: overpath config confirm, or overpath config rollback\n";
    assert_eq!(super::text(&changed), expected);
}

#[test]
fn words_behind_a_verb_can_be_shortened_while_they_are_clear() {
    says(
        "overpath p a lan dev d0 mt 1450 br br10 prom off rx_c trust",
        Command::PortAdd,
        json!({"name": "lan", "device": "d0", "mtu": 1450, "bridge": "br10", "promiscuous": false,
            "rx_checksum": "trust"}),
    );
    says(
        "overpath vx a vx10 m br10 i 10 lo 192.0.2.2 rem 192.0.2.3 udp_p 8472 nolea",
        Command::VxlanAdd,
        json!({"name": "vx10", "bridge": "br10", "vni": 10, "local": "192.0.2.2",
            "remotes": ["192.0.2.3"], "udp_port": 8472, "learning": false}),
    );
    says(
        "overpath p se lan nob",
        Command::PortSet,
        json!({"name": "lan", "bridge": null}),
    );
    says(
        "overpath f fl st b br10",
        Command::FdbFlush,
        json!({"bridge": "br10"}),
    );
    let learned = Learned {
        port: Some("static".parse().unwrap()),
        ..Learned::default()
    };
    let named = method("overpath fdb flush port static");
    assert_eq!(named, Ok(Method::FdbFlush(learned)), "a port of that name");
    let told = |line: &str| method(line).unwrap_err();
    let ambiguous = told("overpath vxlan set vx10 l 192.0.2.2");
    assert!(
        ambiguous.starts_with("\"l\" may be local or learning; allowed: bridge, "),
        "{ambiguous}"
    );
    let ambiguous = told("overpath fdb add 02:00:00:00:00:01 bridge br10 d lan");
    assert!(
        ambiguous.starts_with("\"d\" may be dev or dst;"),
        "{ambiguous}"
    );
    assert_eq!(
        told("overpath port set lan nobridge bridge br10"),
        "bridge: is said twice"
    );
    assert_eq!(
        told("overpath port set lan bridge br10 nobridge"),
        "bridge: is said twice"
    );
}

#[test]
fn what_is_there_is_set() {
    says(
        "overpath addr set 192.0.2.2/25 dev uplink vlan 7",
        Command::AddrSet,
        json!({"address": "192.0.2.2/25", "port": "uplink", "vlan": 7}),
    );
    for line in [
        "overpath addr change 192.0.2.2/24 novlan",
        "overpath a se 192.0.2.2/24 vlan default",
    ] {
        let none = json!({"address": "192.0.2.2/24", "vlan": null});
        says(line, Command::AddrSet, none);
    }
    for line in [
        "overpath route set default via 192.0.2.1 via 192.0.2.2",
        "overpath r change default n v 192.0.2.1 n v 192.0.2.2",
    ] {
        let both = json!({"to": "0.0.0.0/0", "via": ["192.0.2.1", "192.0.2.2"]});
        says(line, Command::RouteSet, both);
    }
    says(
        "overpath fdb set 02:00:00:00:00:01 bridge br10 dst 192.0.2.4",
        Command::FdbSet,
        json!({"mac": "02:00:00:00:00:01", "bridge": "br10", "remote": "192.0.2.4"}),
    );
}

#[test]
fn the_default_of_a_tunnel_is_an_entry_for_no_address() {
    let remote = json!({"name": "vx10", "address": "192.0.2.5"});
    for line in [
        "overpath fdb append 00:00:00:00:00:00 tunnel vx10 dst 192.0.2.5",
        "overpath fdb append 00:00:00:00:00:00 dev vx10 dst 192.0.2.5",
        "overpath fdb add 00:00:00:00:00:00 dev vx10 dst 192.0.2.5",
    ] {
        says(line, Command::RemoteAdd, remote.clone());
    }
    let gone = "overpath fdb del 00:00:00:00:00:00 dev vx10 dst 192.0.2.5";
    says(gone, Command::RemoteDel, remote);
    let told = |line: &str| method(line).unwrap_err();
    let one = told("overpath fdb append 02:00:00:00:00:01 tunnel vx10 dst 192.0.2.5");
    assert!(
        one.contains("one place only: say fdb replace") && one.contains("00:00:00:00:00:00"),
        "{one}"
    );
    for verb in ["replace", "set"] {
        let line = format!("overpath fdb {verb} 00:00:00:00:00:00 tunnel vx10 dst 192.0.2.5");
        let several = told(&line);
        assert!(
            several.contains("fdb append adds one, fdb del removes one"),
            "{several}"
        );
    }
    let short = told("overpath fdb append 00:00:00:00:00:00 tunnel vx10");
    assert!(short.contains("say tunnel NAME and dst ADDRESS"), "{short}");
    assert!(told("overpath fdb append").contains("the mac is missing"));
}
