//! Packets to come that are explained: which ones they are.

use crate::common::{Switch, from_peer, from_to, vxlan};
use control::api::messages::{Capture, Method, Reply, Subject};
use control::trace::sources::Sources;
use fastpath::action::Verdict;
use fastpath::drop::DropReason;
use fastpath::trace::note::Side;

const CONFIG: &str = r#"remotes = ["192.0.2.1"]
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:02:05"
port = "b"
"#;

/// What is seen of some packets: port, side and verdict of each.
fn seen(of: Subject, filter: &str, pass: impl FnOnce(&mut Switch)) -> Vec<String> {
    let mut switch = Switch::new(&vxlan(CONFIG));
    let asked = Method::ExplainNext(Capture {
        filter: filter.to_owned(),
        ..Capture::of(of)
    });
    let Some(Reply::Explaining(feed)) = switch.rig.ask(asked) else {
        panic!("refused");
    };
    switch.rig.run(1);
    pass(&mut switch);
    let ports = feed.ports;
    let mut sources = Sources::new(feed.readers);
    let mut all = Vec::new();
    while let Some((_, oldest)) = sources.oldest() {
        let copied = sources.take(oldest).unwrap();
        let moment = copied.note.moment;
        let port = ports.iter().find(|port| port.id == moment.port).unwrap();
        let side = if moment.side == Side::Sent {
            "out"
        } else {
            "in"
        };
        let verdict = match moment.verdict {
            Some(Verdict::Dropped(reason)) => reason.name(),
            Some(Verdict::Forwarded) => "forwarded",
            _ => "another",
        };
        assert_eq!(moment.decided.is_some(), moment.side == Side::Received);
        all.push(format!("{} {side} {verdict}", port.name));
    }
    drop(sources);
    switch.close();
    all
}

fn pass_some(switch: &mut Switch) {
    switch.pass("a", &from_to(1, 5));
    switch.pass("uplink", &from_peer(1, &from_to(2, 5)));
    switch.pass("uplink", &from_peer(9, &from_to(2, 5)));
    switch.pass("b", &from_to(5, 5));
}

#[test]
fn packets_are_those_that_come_in() {
    let all = [
        "a in forwarded",
        "uplink in forwarded",
        "uplink in remote_unknown",
        "b in same_port",
    ];
    assert_eq!(seen(Subject::All, "", pass_some), all);
    let port = Subject::Port("uplink".parse().unwrap());
    assert_eq!(seen(port, "", pass_some), all[1..3]);
    let drops = Subject::Drops(Some(DropReason::SamePort));
    assert_eq!(seen(drops, "", pass_some), all[3..]);
}

#[cfg(feature = "libpcap")]
#[test]
fn packets_of_a_tunnel_are_those_of_its_vni() {
    let tunnel = Subject::Tunnel("vx10".parse().unwrap());
    let expected = ["uplink in forwarded", "uplink in remote_unknown"];
    assert_eq!(seen(tunnel, "", pass_some), expected);
    let one = ["uplink in remote_unknown"];
    assert_eq!(seen(tunnel, "host 192.0.2.9", pass_some), one);
}

#[test]
fn drops_are_also_of_packets_that_were_to_leave() {
    let drops = Subject::Drops(Some(DropReason::TxFull));
    let full = seen(drops, "", |switch| {
        for _ in 0..4100 {
            assert!(switch.rig.send("a", &from_to(1, 5)));
            switch.rig.poll(0);
        }
    });
    assert_eq!(full, ["b out tx_full"; 4]);
}
