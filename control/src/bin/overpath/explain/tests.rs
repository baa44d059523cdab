//! Whole explanations as they are printed.

use super::*;
use control::api::messages::{Bytes, FrameCycles, Route, RouteKind, Via, Way};

fn field(name: &str, value: &str, decided: bool) -> Field {
    Field {
        name: name.to_owned(),
        value: value.to_owned(),
        decided,
    }
}

fn step(action: Action, before: &[u8], ends: Vec<End>) -> Step {
    Step {
        action,
        before: Bytes(before.to_vec()),
        after: None,
        ends,
        more: 0,
    }
}

pub(super) fn life(steps: Vec<Step>, verdict: Verdict) -> Explanation {
    Explanation {
        port: "uplink".into(),
        len: 60,
        fields: vec![field("ethernet", "yes", true), field("vni", "10", false)],
        fault: None,
        tunnel: None,
        remote: None,
        steps,
        verdict,
        told: Vec::new(),
        pollers: Vec::new(),
        cycles: Some(FrameCycles {
            decide: 5,
            parse: 2,
            resolve: 3,
            act: 4,
        }),
    }
}

fn no_service() -> Reason {
    Reason {
        reason: "no_service".into(),
        meaning: "Nothing of ours.".into(),
        advice: "Compare.".into(),
    }
}

fn entry() -> FdbEntry {
    FdbEntry {
        bridge: "br10".into(),
        mac: "02:00:00:00:00:01".parse().unwrap(),
        port: Some("lan".into()),
        tunnel: None,
        remote: None,
        kind: FdbKind::Learned,
        age: Some(3),
    }
}

#[test]
fn what_is_dropped_has_its_reason_meaning_and_advice() {
    let fate = Fate::Dropped(no_service());
    let drop = step(Action::Drop, &[0; 60], vec![End { to: None, fate }]);
    let expected = "\
frame of 60 bytes into port uplink
simulated: nothing is sent, learned, counted or asked for

* ethernet yes
  vni      10
(*: decided what is done)

no cache is asked: no worker polls the port
cycles of this simulation, of one packet with cold caches: decide 5 (parse 2, resolve 3), act 4
1. drop
   dropped: no_service
      Nothing of ours.
      Compare.

verdict dropped, reason no_service
";
    let verdict = Verdict::Dropped(no_service());
    assert_eq!(text(&life(vec![drop], verdict)), expected);
}

#[test]
fn what_is_dropped_before_any_step_has_them_too() {
    let text = text(&life(Vec::new(), Verdict::Dropped(no_service())));
    let end = "\
verdict dropped, reason no_service
   Nothing of ours.
   Compare.
";
    assert!(text.ends_with(end), "{text}");
}

/// Behind a gateway, on a VLAN.
fn road() -> Road {
    let way = Way {
        port: "uplink".into(),
        vlan: Some(7),
        mac: Some("02:00:00:00:01:01".parse().unwrap()),
    };
    let via = Via {
        gateway: Some([192, 0, 2, 254].into()),
        port: "uplink".into(),
        vlan: None,
        mac: None,
        alive: true,
    };
    Road {
        tunnel: "vx10".into(),
        remote: [203, 0, 113, 1].into(),
        route: Some(Route {
            to: "203.0.113.0/24".parse().unwrap(),
            via: vec![via],
            kind: RouteKind::Static,
        }),
        neighbour: Some(way),
    }
}

#[test]
fn outer_headers_are_shown_where_they_are_stripped_and_put_before() {
    let decap = Step {
        after: Some(Bytes(vec![1, 9, 3])),
        ..step(
            Action::Decap(Stripped { front: 2, back: 4 }),
            &[0xaa, 0xbb, 1, 2, 3, 0, 0, 0, 0],
            Vec::new(),
        )
    };
    let bridging = Bridging {
        bridge: "br10".into(),
        learning: true,
        source_mac: Some(entry().mac),
        source: Some(entry()),
        destination_mac: Some("02:00:00:00:00:02".parse().unwrap()),
        destination: None,
    };
    let sent = End {
        to: Some(Target::Remote(Box::new(road()))),
        fate: Fate::Sent {
            port: "uplink".into(),
            frame: Bytes(vec![0xcc, 0xdd, 1, 9, 3]),
        },
    };
    let local = End {
        to: Some(Target::Port { port: "lan".into() }),
        fate: Fate::Sent {
            port: "lan".into(),
            frame: Bytes(vec![1, 9, 3]),
        },
    };
    let bridge = Step {
        more: 5,
        ..step(
            Action::Bridge(Box::new(bridging)),
            &[1, 9, 3],
            vec![local, sent],
        )
    };
    let life = Explanation {
        tunnel: Some("vx10".into()),
        remote: Some([192, 0, 2, 1].into()),
        told: vec![Told::Move(entry())],
        ..life(vec![decap, bridge], Verdict::Forwarded)
    };
    let expected = "\
  tunnel vx10 remote 192.0.2.1

no cache is asked: no worker polls the port
cycles of this simulation, of one packet with cold caches: decide 5 (parse 2, resolve 3), act 4
1. decap: 2 bytes of outer headers are stripped
   0000  aa bb
   4 bytes of padding are cut
   byte 1: 02 becomes 09
2. bridge br10
   source 02:00:00:00:00:01: port lan learned age 3
   destination 02:00:00:00:00:02: not known, for everybody else in the bridge
   to port lan: leaves by port lan, 3 bytes
      0000  01 09 03
   to tunnel vx10 remote 203.0.113.1: leaves by port uplink, 5 bytes
      route 203.0.113.0/24 via 192.0.2.254
      neighbour port uplink vlan 7 lladdr 02:00:00:00:01:01
      2 bytes are put before it
      0000  cc dd
   and to 5 more

verdict forwarded
control is told: move 02:00:00:00:00:01 in bridge br10: port lan
";
    let text = text(&life);
    assert!(text.ends_with(expected), "{text}");
}
