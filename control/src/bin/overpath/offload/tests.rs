//! Each kind of row once, from answers as they stand on the wire.

use super::*;
use crate::args::Arguments;
use clap::Parser;
use serde_json::{Value, from_value, json};

fn shown(ports: Value) -> String {
    text(&from_value::<Vec<_>>(ports).unwrap())
}

/// A port whose NIC has nothing to say.
fn port(name: &str) -> Value {
    json!({
        "port": name, "offload": "auto", "tier": "t0", "reason": null, "demoted": null, "distrusted": null,
        "tx": "x0", "tx_reason": null, "suspended": false, "generation": 0, "marks": null, "selftest": null,
        "nics": [],
    })
}

fn nic(driver: &str) -> Value {
    json!({
        "device": null, "driver": driver, "gone": null, "full": null, "udp_ports": [], "shapes": [], "tunnels": [],
    })
}

fn tunnel(name: &str, vni: u32) -> Value {
    json!({
        "tunnel": name, "vni": vni, "local": "192.0.2.1", "udp_port": 4789, "vlan": null,
        "remote": null, "wanted": "t2", "tier": "t0", "mark": null, "hits": null, "reason": null,
        "rule": null,
    })
}

/// `value` with other members.
fn with(mut value: Value, members: Value) -> Value {
    for (key, member) in members.as_object().unwrap() {
        assert!(value.get(key).is_some(), "{key}");
        value[key] = member.clone();
    }
    value
}

#[test]
fn a_nic_that_does_what_is_asked_shows_its_rules_and_what_they_matched() {
    let rule = "flow create 0 ingress pattern eth / end actions mark id 4101 / end";
    let done = json!({"tier": "t2", "mark": 4101, "hits": 12, "rule": rule});
    let vlan = json!({"vlan": 7, "tier": "t2", "mark": 4102, "rule": rule});
    let mlx5 = json!({
        "udp_ports": [{"udp_port": 4789, "known": true, "reason": null}],
        "shapes": [{"udp_port": 4789, "tagged": false, "strip": false, "shape": "eth -> mark",
            "reason": null}],
        "tunnels": [with(tunnel("vx10", 10), done), with(tunnel("vx2000", 2000), vlan)],
    });
    let uplink = json!({
        "tier": "t2", "generation": 1, "marks": {"bits": 24, "given": 2},
        "tx": "x1", "tx_reason": "no inner ones",
        "nics": [with(nic("mlx5_pci"), mlx5)],
    });
    let expected = format!(
        "\
uplink offload auto tier T2 marks 2 of 24 bits generation 1
uplink sends X1 the NIC makes checksums reason no inner ones
uplink driver mlx5_pci
uplink dstport 4789 known
uplink tunnel vx10   vni 10   local 192.0.2.1 dstport 4789        wanted T2 tier T2 mark 4101 hits 12
uplink tunnel vx2000 vni 2000 local 192.0.2.1 dstport 4789 vlan 7 wanted T2 tier T2 mark 4102
uplink rules dstport 4789 shape eth -> mark
uplink rule {rule}
uplink rule {rule}
"
    );
    assert_eq!(shown(json!([with(port("uplink"), uplink)])), expected);
}

#[test]
fn what_is_refused_is_shown_with_its_reason() {
    let full = "16 rules are all it takes";
    let refused = json!({
        "full": full,
        "udp_ports": [{"udp_port": 8472, "known": false, "reason": "it knows one port"}],
        "shapes": [{"udp_port": 4789, "tagged": true, "strip": true, "shape": null,
            "reason": "Operation not supported"}],
        "tunnels": [with(
            tunnel("vx10", 10),
            json!({"tier": "t1", "reason": full, "remote": "192.0.2.2", "tunnel": null}),
        )],
    });
    let t3 = json!({
        "offload": "t3", "tier": "t1", "reason": full, "generation": 3,
        "nics": [with(nic("net_ice"), refused)],
    });
    let expected = "\
uplink offload t3 tier T1 generation 3 reason 16 rules are all it takes
uplink driver net_ice full 16 rules are all it takes
uplink dstport 8472 unknown reason it knows one port
uplink vni 10 local 192.0.2.1 dstport 4789 remote 192.0.2.2 wanted T2 tier T1 reason 16 rules are all it takes
uplink rules dstport 4789 tagged strip refused Operation not supported
";
    assert_eq!(shown(json!([with(port("uplink"), t3)])), expected);
}

#[test]
fn ports_that_are_demoted_suspended_off_or_without_a_nic_say_so() {
    let lied = json!({"tier": "t1", "reason": "its marks lie"});
    let demoted = json!({"tier": "t1", "demoted": lied, "reason": "its marks lie"});
    let lower = json!({"demoted": lied, "reason": "it knows no UDP port"});
    let suspended = json!({"suspended": true, "reason": "its NIC recovers"});
    let off = json!({"offload": "off"});
    let closed = json!({"reason": "the port is not started: no such device"});
    let ports = [
        with(port("a"), demoted),
        with(port("b"), lower),
        with(port("c"), suspended),
        with(port("d"), off),
        with(port("e"), closed),
    ];
    let expected = "\
a offload auto tier T1           demoted to T1: its marks lie
b offload auto tier T0           demoted to T1: its marks lie reason it knows no UDP port
c offload auto tier T0 suspended                              reason its NIC recovers
d offload off  tier T0
e offload auto tier T0                                        reason the port is not started: no such device
";
    assert_eq!(shown(json!(ports)), expected);
    assert_eq!(shown(json!([])), "");
}

#[test]
fn what_is_not_heeded_is_told_with_the_reason() {
    let distrusted = json!({"tier": "t2", "distrusted": "self-test: outer L4 checksum is wrong"});
    let expected = "\
a offload auto tier T2 distrusted self-test: outer L4 checksum is wrong
";
    assert_eq!(shown(json!([with(port("a"), distrusted)])), expected);
}

#[test]
fn the_members_of_a_bond_are_numbered_and_named() {
    let here = with(nic("net_ice"), json!({"device": "0000:01:00.0"}));
    let gone = with(
        nic("net_ice"),
        json!({"device": "0000:01:00.1", "gone": "the device was removed"}),
    );
    let bond = json!({"nics": [here, gone]});
    let expected = "\
bond offload auto tier T0
bond nic 0 device 0000:01:00.0 driver net_ice
bond nic 1 device 0000:01:00.1 driver net_ice gone the device was removed
";
    assert_eq!(shown(json!([with(port("bond"), bond)])), expected);
}

/// What a test found, in short.
fn found() -> Value {
    json!({
        "asked": true, "looped": true, "conclusive": true, "frames": 3, "heard": 2,
        "marks": {"allowed": false, "reason": "mark is wrong: tunnel: said mark 6, is mark 7"},
        "checksums": {"allowed": true, "reason": "what is said of them is so"},
        "demoted": {"tier": "t1", "reason": "self-test: mark is wrong"}, "distrusted": null,
    })
}

#[test]
fn the_last_test_is_shown_in_short() {
    let expected = "\
uplink offload auto tier T0
lan    offload auto tier T0
uplink selftest asked heard 2 of 3 frames marks off: mark is wrong: tunnel: said mark 6, is mark 7 \
checksums on: what is said of them is so
";
    let uplink = with(port("uplink"), json!({"selftest": found()}));
    assert_eq!(shown(json!([uplink, port("lan")])), expected);
}

#[test]
fn a_test_is_shown_frame_by_frame() {
    let said = |mark: Option<u32>, tunnel: bool, l4: Option<&str>| {
        json!({
            "mark": mark, "tunnel": tunnel, "outer_ip": null, "outer_l4": l4, "inner_ip": null,
            "inner_l4": null,
        })
    };
    let case = |frame: &str, outcome: &str, said: Value, is: Value| {
        json!({
            "frame": frame, "outcome": outcome, "changed": false, "said": said, "is": is,
        })
    };
    let cases = [
        case(
            "tunnel",
            "wrong",
            said(Some(6), true, None),
            said(Some(7), true, None),
        ),
        case(
            "no tunnel",
            "equal",
            said(None, false, Some("wrong")),
            said(None, false, Some("wrong")),
        ),
        case("fragment", "unseen", Value::Null, Value::Null),
    ];
    let report = json!({
        "udp_port": 4789, "parser": null, "rules": "eth / vxlan -> mark", "no_rules": null,
        "frames": 3, "heard": 2, "lost": ["fragment"], "sent": 5, "doubled": 1, "foreign": 0,
        "lines": [{
            "topic": "outer_l4", "outcome": "equal", "equal": 1, "silent": 0, "wrong": 0,
            "examples": [],
        }],
        "cases": cases, "marks": found()["marks"], "checksums": found()["checksums"],
        "left": "UDP port 4789: no",
    });
    let test = json!({
        "port": "uplink", "found": found(), "tier": "t1", "advice": null, "report": report,
        "notes": ["it stays distrusted"],
    });
    let expected = "\
uplink may do T1 frames 3 heard 2 sent 5 doubled 1 by the device
uplink marks off    reason mark is wrong: tunnel: said mark 6, is mark 7
uplink checksums on reason what is said of them is so
uplink dstport 4789 known
uplink rules eth / vxlan -> mark
uplink topic outer L4 checksum equal equal 1 silent 0 wrong 0
uplink case WRONG  tunnel    said mark 6, tunnel is mark 7, tunnel
uplink case equal  no tunnel said outer L4 wrong is outer L4 wrong
uplink case unseen fragment
uplink demoted to T1: self-test: mark is wrong
uplink note for the NIC to forget it, its port was started anew: UDP port 4789: no
uplink note it stays distrusted
";
    assert_eq!(tested(&from_value(test).unwrap()), expected);
}

#[test]
fn one_port_is_tested_and_not_again_and_again() {
    let said = |line: &str| Arguments::try_parse_from(line.split(' '));
    let method = |line: &str| said(line).unwrap().method();
    let port = "lan".parse().unwrap();
    for line in ["overpath offload selftest lan", "overpath o se lan --json"] {
        assert_eq!(method(line), Ok(Method::OffloadSelftest(port)), "{line}");
    }
    assert!(method("overpath offload selftest lan -w").is_err());
    assert!(
        said("overpath offload selftest").is_err(),
        "which port is to be said"
    );
}

#[test]
fn it_is_shown_of_all_ports_or_of_one() {
    let method = |line: &str| {
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        arguments.method()
    };
    for line in [
        "overpath offload",
        "overpath offload show",
        "overpath o s",
        "overpath o -w",
    ] {
        assert_eq!(method(line), Ok(Method::OffloadShow(None)), "{line}");
    }
    let one = Ok(Method::OffloadShow(Some("lan".parse().unwrap())));
    for line in ["overpath offload show lan", "overpath o s lan --json"] {
        assert_eq!(method(line), one, "{line}");
    }
    assert!(
        method("overpath offload show -s").is_err(),
        "hits are there"
    );
    for line in ["overpath offload lan", "overpath offload show a b"] {
        assert!(
            Arguments::try_parse_from(line.split(' ')).is_err(),
            "{line}"
        );
    }
}
