//! What is asked of NICs for tunnels: the key of a port, what is shown, what is told.

use crate::change::{applied, with};
use crate::common::{LAN, Switch, from_to, peer, us, vxlan};
use crate::events::{heard, listen};
use crate::reports::report;
use control::api::Refused;
use control::api::messages::{EventKind, Method, PortOffload, Reply};
use control::offload::{Change, Offload, Tier, TxTier};
use fastpath::wire::udp::Udp;
use serde_json::{Value, json};

/// The port "a" with this key.
fn asked(offload: &str) -> String {
    with(
        LAN,
        "\"heap0\"",
        &format!("\"heap0\"\noffload = \"{offload}\""),
    )
}

/// The device thread is told each cap; only who was started without and is to do something is opened anew.
#[test]
fn another_cap_is_told_and_opens_a_port_anew_only_if_it_was_off() {
    use Offload::{Auto, Off, T1, T2, T3};
    let mut switch = Switch::new(LAN);
    for (word, caps) in [
        ("t1", &[Auto, T1][..]),
        ("off", &[Auto, T1, Off]),
        ("t3", &[Auto, T1, Off, T3]),
    ] {
        applied(&mut switch, &asked(word));
        assert_eq!(switch.rig.offload_caps("a"), caps, "{word}");
    }
    assert_eq!(
        switch.rig.offload_caps("b"),
        [Auto],
        "nobody asked for that"
    );
    switch.close();
    let mut switch = Switch::new(&asked("off"));
    for (word, caps) in [
        ("t1", &[T1][..]),
        ("t2", &[T1, T2]),
        ("off", &[T1, T2, Off]),
        ("auto", &[T1, T2, Off, Auto]),
    ] {
        applied(&mut switch, &asked(word));
        assert_eq!(switch.rig.offload_caps("a"), caps, "{word}");
    }
    switch.close();
}

#[test]
fn a_port_that_opens_only_once_stays_off_and_is_told_otherwise() {
    let once = |word: &str| with(&asked(word), "\"heap0\"", "\"once0\"");
    let mut switch = Switch::new(&once("off"));
    let Err(Refused(why)) = switch.apply(&once("t1")) else {
        panic!("it cannot be");
    };
    assert!(
        why.starts_with("port a: driver heap can be set up only once"),
        "{why}"
    );
    switch.close();
    let mut switch = Switch::new(&once("t1"));
    applied(&mut switch, &once("off"));
    applied(&mut switch, &once("auto"));
    let caps = [Offload::T1, Offload::Off, Offload::Auto];
    assert_eq!(switch.rig.offload_caps("a"), caps);
    switch.close();
}

/// One that could not be opened comes with what is wanted by then.
#[test]
fn a_port_that_waits_is_opened_with_what_is_wanted_last() {
    let mut switch = Switch::new(LAN);
    switch.rig.set_broken("a", true);
    switch.rig.lose_device("a", "it burns");
    applied(&mut switch, &asked("t1"));
    assert_eq!(switch.rig.offload_caps("a"), [Offload::Auto]);
    switch.rig.set_broken("a", false);
    switch.rig.leap(40_000);
    assert_eq!(switch.rig.offload_caps("a"), [Offload::T1]);
    switch.close();
}

/// However often it is changed while the device thread has no time: no other order is lost, and what was
/// wanted last is told.
#[test]
fn many_changes_take_no_room_of_other_orders() {
    let mut switch = Switch::new(LAN);
    switch.rig.set_busy(true);
    for turn in 0..1_200 {
        let word = ["t1", "off"][turn % 2];
        assert!(switch.apply(&asked(word)).is_ok());
    }
    let more = "[[port]]\nname = \"d\"\ndevice = \"heap3\"\n[[bridge]]";
    let last = with(&asked("t3"), "[[bridge]]", more);
    let answer = switch
        .rig
        .apply_later(control::config::Wanted::parse(&last, "t").unwrap());
    switch.rig.run(5);
    switch.rig.set_busy(false);
    switch.rig.run(2_000);
    assert!(
        answer.try_recv().is_ok_and(|done| done.is_ok()),
        "d is open"
    );
    let told = switch.rig.offload_caps("a");
    assert!(told.len() < 600, "{}", told.len());
    assert_eq!(told.last(), Some(&Offload::T3));
    switch.close();
}

fn shown(switch: &mut Switch, port: Option<&str>) -> Vec<PortOffload> {
    let port = port.map(|port| port.parse().unwrap());
    match switch.rig.ask(Method::OffloadShow(port)) {
        Some(Reply::Offload(ports)) => ports,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_nic_does_is_shown_by_port_tunnel_and_rule() {
    let mut switch = Switch::new(&vxlan(""));
    let id = switch.rig.port_id("uplink");
    switch.rig.tell_offload(Vec::new(), Some(vec![report(id)]));
    let told = serde_json::to_value(shown(&mut switch, Some("uplink"))).unwrap();
    let tunnel = |name: Value, vni: u32, tier: &str| {
        json!({
            "tunnel": name, "vni": vni, "local": "192.0.2.2", "udp_port": 4789, "vlan": null,
            "remote": null, "wanted": "t2", "tier": tier, "mark": null, "hits": null,
            "reason": null, "rule": null,
        })
    };
    let mut done = tunnel("vx10".into(), 10, "t2");
    (done["mark"], done["hits"]) = (4101.into(), 12.into());
    done["rule"] = "flow create 0 ingress pattern eth / ipv4 dst is 192.0.2.2 / udp dst is 4789 / \
        vxlan vni is 10 / end actions mark id 4101 / count / passthru / end"
        .into();
    // Nobody wants it any more: it has no name.
    let mut refused = tunnel(Value::Null, 11, "t1");
    refused["reason"] = "it has no room".into();
    let expected = json!([{
        "port": "uplink", "offload": "auto", "tier": "t2", "reason": null,
        "tx": "x0",
        "tx_reason": "heap makes no checksums, or is not known to make them where it is told",
        "demoted": {"tier": "t2", "reason": "it was told to"},
        "distrusted": null, "suspended": false, "generation": 2, "marks": {"bits": 16, "given": 1}, "selftest": null,
        "nics": [{
            "device": null, "driver": "net_ice", "gone": null, "full": "it has no room",
            "udp_ports": [
                {"udp_port": 4789, "known": true, "reason": null},
                {"udp_port": 8472, "known": false, "reason": "it knows one"},
            ],
            "shapes": [
                {"udp_port": 4789, "tagged": false, "strip": false, "shape": "eth -> mark",
                    "reason": null},
                {"udp_port": 4789, "tagged": true, "strip": false, "shape": null, "reason": "no"},
            ],
            "tunnels": [done, refused],
        }],
    }]);
    assert_eq!(told, expected, "{told:#}");
    switch.close();
}

/// The one frame that leaves by the tunnel for one of "a" has a right outer checksum.
fn sends_with_checksum(switch: &mut Switch) {
    let out = switch.pass("a", &from_to(1, 2));
    let outer = out.iter().filter(|(port, _)| port == "uplink");
    let outer: Vec<_> = outer.map(|(_, frame)| frame).collect();
    let [frame] = outer[..] else {
        panic!("{out:?}");
    };
    let udp = Udp::new(&frame[34..]).unwrap();
    assert!(udp.checksum() != 0 && udp.verify_v4(us().1, peer(1).1));
}

#[test]
fn outer_checksums_are_left_to_a_nic_that_makes_them_until_it_is_not_asked_any_more() {
    let mac = peer(1).0;
    let on = vxlan(&format!(
        "udp_checksum = true\nremotes = [\"192.0.2.1\"]\n\
         [[neighbour]]\nport = \"uplink\"\naddress = \"192.0.2.1\"\nmac = \"{mac}\"\n"
    ));
    let on = with(&on, "\"heap0\"", "\"sums0\"");
    let off = with(&on, "\"sums0\"", "\"sums0\"\noffload = \"off\"");
    let mut switch = Switch::new(&on);
    let said = |switch: &mut Switch| {
        let port = shown(switch, Some("uplink")).remove(0);
        (port.tx, port.tx_reason.is_some())
    };
    for (config, tier, by_nic) in [
        (&on, TxTier::Outermost, 1),
        (&off, TxTier::Software, 1),
        (&on, TxTier::Outermost, 2),
    ] {
        applied(&mut switch, config);
        assert_eq!(said(&mut switch), (tier, tier > TxTier::Software));
        sends_with_checksum(&mut switch);
        assert_eq!(switch.rig.finished("uplink"), by_nic);
    }
    switch.rig.set_broken("uplink", true);
    switch.rig.lose_device("uplink", "it burns");
    assert_eq!(said(&mut switch), (TxTier::Software, true));
    switch.close();
}

#[test]
fn that_a_device_refused_is_said_only_if_it_did() {
    let config = vxlan("");
    let neither = "heap makes no checksums, or is not known to make them where it is told";
    let refused = "heap refused to make checksums although it offers it";
    for (device, reason) in [("\"heap0\"", neither), ("\"refuses0\"", refused)] {
        let mut switch = Switch::new(&with(&config, "\"heap0\"", device));
        let port = shown(&mut switch, Some("uplink")).remove(0);
        assert_eq!(
            (port.tx, port.tx_reason.as_deref()),
            (TxTier::Software, Some(reason))
        );
        switch.close();
    }
}

#[test]
fn a_nic_that_cuts_packets_in_tunnels_does_all_there_is() {
    let mut switch = Switch::new(&with(&vxlan(""), "\"heap0\"", "\"cuts0\""));
    let port = shown(&mut switch, Some("uplink")).remove(0);
    assert_eq!((port.tx, port.tx_reason), (TxTier::Segments, None));
    switch.close();
}

#[test]
fn why_nothing_is_done_is_said_of_each_port() {
    let mut switch = Switch::new(&vxlan(""));
    let reasons = |switch: &mut Switch| {
        let all = shown(switch, None).into_iter();
        all.map(|port| (port.port, port.reason)).collect::<Vec<_>>()
    };
    let why = |port: &str, reason: &str| (port.to_owned(), Some(reason.to_owned()));
    let unasked = ["uplink", "a", "b"].map(|port| why(port, "its NIC was not asked yet"));
    assert_eq!(reasons(&mut switch), unasked);
    let idle = |id| {
        let mut idle = report(id);
        (idle.tier, idle.demoted) = (Tier::Software, None);
        idle.members[0].tunnels.clear();
        idle
    };
    let [uplink, a, b] = ["uplink", "a", "b"].map(|port| switch.rig.port_id(port));
    let mut gone = idle(b);
    gone.members[0].gone = Some("the device was removed".to_owned());
    let told = vec![report(uplink), idle(a), gone];
    switch.rig.tell_offload(Vec::new(), Some(told));
    let none = "no tunnel has its local address on this port";
    let expected = [
        ("uplink".to_owned(), None),
        why("a", none),
        why("b", "the device was removed"),
    ];
    assert_eq!(reasons(&mut switch), expected);
    switch.rig.set_broken("a", true);
    switch.rig.lose_device("a", "it burns");
    switch.rig.run(2);
    let down = &reasons(&mut switch)[1];
    assert_eq!(*down, why("a", "the port is not started: it burns"));
    let gone = Method::OffloadShow(Some("zz".parse().unwrap()));
    let refused = switch.rig.refusal(gone);
    assert_eq!(refused.as_deref(), Some("port: there is no port zz"));
    switch.close();
}

#[test]
fn who_listens_is_told_when_a_nic_does_more_or_less() {
    let mut switch = Switch::new(&vxlan(""));
    let mut told = listen(&mut switch.rig, [EventKind::Offload].into_iter().collect());
    let mut ports = listen(&mut switch.rig, [EventKind::Port].into_iter().collect());
    let port = switch.rig.port_id("uplink");
    let tier = |tier, reason: Option<&str>| Change::Tier {
        port,
        tier,
        reason: reason.map(str::to_owned),
    };
    let changes = vec![tier(Tier::Rule, None), tier(Tier::Parser, Some("it lied"))];
    switch.rig.tell_offload(changes, None);
    switch
        .rig
        .tell_offload(vec![tier(Tier::Software, None)], None);
    let event = |tier: &str, before: &str, reason: Option<&str>| json!({"offload": {"port": "uplink", "tier": tier, "before": before, "reason": reason}});
    let expected = [
        event("t2", "t0", None),
        event("t1", "t2", Some("it lied")),
        event("t0", "t1", None),
    ];
    assert_eq!(heard(&mut told), expected);
    assert_eq!(heard(&mut ports), [Value::Null; 0]);
    switch.close();
}
