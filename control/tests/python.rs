//! The client in docs/api.md, run as it stands there.

#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use control::api::messages::{
    Event, FdbEntry, FdbKind, FdbPage, Method, PortEvent, PortHappened, Reply, Version, What,
};
use control::api::{API_VERSION, Refused, Request, Server, Settings, requests, subscription};
use std::process::Command;
use std::sync::Arc;

const PAGE: &str = include_str!("../../docs/api.md");

/// Knows one bridge with two stations, in pages of one.
fn answer(request: Request) {
    let reply = match &request.method {
        Method::Version => Reply::Version(Version {
            name: "overpath".into(),
            version: "0.1.0".into(),
            api: API_VERSION.into(),
            dpdk: "DPDK 0".into(),
        }),
        Method::FdbShow(stations) => match stations.bridge {
            Some(bridge) if bridge.as_str() == "br10" => Reply::Fdb(page(stations.from)),
            other => return request.refuse(Refused(format!("there is no bridge {other:?}"))),
        },
        Method::EventsSubscribe(kinds) => {
            let (mut subscriber, subscription) = subscription(*kinds, 4);
            request.answer(Reply::Subscribed(Box::new(subscription)));
            let what = What::Port(PortEvent {
                port: "lan".into(),
                event: PortHappened::LinkUp,
                reason: None,
            });
            return subscriber.tell(&Arc::new(Event { time: 7, what }));
        }
        other => panic!("{other:?}"),
    };
    request.answer(reply);
}

fn page(from: usize) -> FdbPage {
    let entry = FdbEntry {
        bridge: "br10".into(),
        mac: fastpath::wire::Mac::new([2, 0, 0, 0, 0, from as u8]),
        port: (from == 0).then(|| "lan".into()),
        tunnel: (from == 1).then(|| "vx10".into()),
        remote: None,
        kind: FdbKind::Learned,
        age: Some(1),
    };
    FdbPage {
        entries: vec![entry],
        next: (from == 0).then_some(1),
    }
}

#[test]
fn the_client_in_the_document_works() {
    if Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let (sender, receiver) = requests(16);
    let _server = Server::start(&socket, sender, Settings::default()).unwrap();
    std::thread::spawn(|| receiver.into_iter().for_each(answer));
    let code = PAGE.split("```python\n").nth(1).unwrap();
    let code = code.split("```").next().unwrap();
    let output = Command::new("python3")
        .args(["-c", code])
        .arg(&socket)
        .output();
    let output = output.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let expected = "\
api 1.0.0
02:00:00:00:00:00 lan
02:00:00:00:00:01 vx10
-32003: there is no bridge Some(\"br11\")
{'time': 7, 'port': {'port': 'lan', 'event': 'link_up', 'reason': None}}
";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
