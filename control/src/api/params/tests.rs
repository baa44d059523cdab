//! Names and parameters, right and wrong.

use super::*;
use crate::api::messages::{Capture, ConfigText, EventKind, EventKinds, Learned, Subject};
use crate::config::Words;
use serde_json::json;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};

fn read(name: &str, params: impl fmt::Display) -> Result<Method, RpcError> {
    let params = RawValue::from_string(params.to_string()).unwrap();
    method(name, Some(&params))
}

/// The message of a refusal of parameters.
fn refused(name: &str, params: impl fmt::Display) -> String {
    let error = read(name, params).unwrap_err();
    assert_eq!(error.code, RpcError::INVALID_PARAMS);
    assert!(error.message.len() < 300, "{}", error.message);
    error.message
}

fn question() -> Question {
    Question {
        port: "uplink".parse().unwrap(),
        frame: Frame::new(vec![2, 0xff, 0]).unwrap(),
        ask_workers: true,
    }
}

fn route() -> NewRoute {
    NewRoute {
        to: "203.0.113.0/24".parse().unwrap(),
        via: Gateways::new([[192, 0, 2, 254].into(), [192, 0, 2, 253].into()]).unwrap(),
    }
}

fn capture() -> Capture {
    Capture {
        filter: "udp port 53".to_owned(),
        snap: NonZeroU16::new(96).unwrap(),
        count: NonZeroU64::new(10),
        ..Capture::of(Subject::Port("uplink".parse().unwrap()))
    }
}

fn file() -> ConfigText {
    ConfigText {
        text: "a = \"1\"\n".to_owned(),
        name: "new.toml".to_owned(),
    }
}

fn words() -> Words {
    let words = json!({"name": "lan", "mtu": 1500, "local": null, "ports": ["a"]});
    serde_json::from_value(words).unwrap()
}

#[test]
fn what_changes_what_is_wanted_has_the_keys_of_a_file() {
    let text = read("config.diff", json!({"text": "a = 1"})).unwrap();
    let unnamed = ConfigText {
        text: "a = 1".to_owned(),
        name: "config".to_owned(),
    };
    assert_eq!(text, Method::ConfigDiff(unnamed));
    let none = method("fdb.flush_static", None);
    let all = Edit::Do(Command::FdbFlush, Words::new());
    assert_eq!(none, Ok(Method::Edit(all)));
    let learned = Method::FdbFlush(Learned::default());
    assert_eq!(method("fdb.flush", None), Ok(learned));
    let list = refused("port.add", json!([1]));
    assert_eq!(
        list,
        "params must be an object with the keys of a table of the configuration"
    );
    let entries = refused("fdb.load", json!({"entries": {}}));
    assert_eq!(
        entries,
        "entries: is no list; allowed: a list of static entries"
    );
    let text = refused("config.apply", json!({"name": "x"}));
    assert_eq!(text, "text: is missing; allowed: a configuration in TOML");
    for (seconds, problem) in [
        (0, "0 is no number of seconds"),
        (86_401, "86401 is too long"),
    ] {
        let told = refused("config.apply", json!({"text": "", "confirm": seconds}));
        let expected = format!("confirm: {problem}; allowed: whole seconds, 1 to 86400");
        assert_eq!(told, expected);
    }
    let other = refused("config.check", json!({"text": "", "confirm": 1}));
    assert!(
        other.starts_with("confirm: is no parameter here"),
        "{other}"
    );
}

fn stations() -> Stations {
    Stations {
        bridge: Some("br10".parse().unwrap()),
        port: Some("lan".parse().unwrap()),
        tunnel: Some("vx10".parse().unwrap()),
        mac: Some("02:00:00:00:00:01".parse().unwrap()),
        from: 0,
    }
}

#[test]
fn kinds_of_events_are_named_or_all() {
    let all = Method::EventsSubscribe(EventKinds::all());
    assert_eq!(method("events.subscribe", None), Ok(all.clone()));
    let names = EventKind::ALL.map(EventKind::name);
    assert_eq!(read("events.subscribe", json!({"kinds": names})), Ok(all));
    for (params, message) in [
        (json!({"kinds": []}), "kinds: is empty; allowed: a list of"),
        (
            json!({"kinds": ["link"]}),
            "kinds: \"link\" is none; allowed: a list of",
        ),
        (
            json!({"kinds": "port"}),
            "kinds: \"port\" is no list of texts",
        ),
        (
            json!({"kind": ["port"]}),
            "kind: is no parameter here; did you mean kinds?",
        ),
    ] {
        let said = refused("events.subscribe", params);
        assert!(said.starts_with(message), "{said}");
    }
    let allowed = refused("events.subscribe", json!({"kinds": 1}));
    assert!(allowed.ends_with(&names.join(", ")), "{allowed}");
}

#[test]
fn entries_of_the_table_are_chosen_by_what_is_said() {
    let all = Method::FdbShow(Stations::default());
    assert_eq!(method("fdb.show", None), Ok(all.clone()));
    assert_eq!(read("fdb.show", "{}"), Ok(all));
    let wire = json!({"bridge": "br10", "mac": "02:00:00:00:00:01"});
    let some = Method::FdbShow(Stations {
        port: None,
        tunnel: None,
        ..stations()
    });
    assert_eq!(some.params(), Some(wire.clone()));
    assert_eq!(read("fdb.show", wire), Ok(some));
    for wrong in [
        json!({"from": 3}),
        json!({"mac": 1}),
        json!({"port": "a/b"}),
    ] {
        assert!(read("fdb.show", wrong).is_err());
    }
}

#[test]
fn what_a_client_writes_a_server_reads() {
    let changes = [
        Method::RouteAdd(route()),
        Method::RouteReplace(route()),
        Method::RouteDel(route().to),
        Method::FdbShow(stations()),
        Method::DropsShow(Some("uplink".parse().unwrap())),
        Method::OffloadShow(Some("uplink".parse().unwrap())),
        Method::OffloadSelftest("uplink".parse().unwrap()),
        Method::CacheShow(Entries::Port("uplink".parse().unwrap())),
        Method::Explain(question()),
        Method::ExplainEntry("0:17".parse().unwrap()),
        Method::ExplainDrop(DropReason::TxFull),
        Method::ExplainFdb("02:00:00:00:00:01".parse().unwrap()),
        Method::CaptureStart(capture()),
        Method::ExplainNext(capture()),
        Method::FdbFlush(Learned {
            bridge: Some("br0".parse().unwrap()),
            port: None,
            tunnel: Some("vx0".parse().unwrap()),
        }),
        Method::Edit(Edit::Load("[{\"mac\":1}]".into())),
        Method::ConfigCheck(file()),
        Method::ConfigDiff(file()),
        Method::ConfigApply {
            file: file(),
            confirm: NonZeroU32::new(86_400),
        },
        Method::EventsSubscribe([EventKind::Fdb, EventKind::Port].into_iter().collect()),
    ];
    let routes = [ROUTE_ADD, ROUTE_DEL, ROUTE_REPLACE];
    let commands = Command::ALL.into_iter();
    let commands = commands.filter(|command| !routes.contains(&command.name()));
    let edits = commands.map(|command| Method::Edit(Edit::Do(command, words())));
    let mut names: Vec<_> = Method::PLAIN.iter().map(Method::name).collect();
    for plain in Method::PLAIN {
        assert_eq!(plain.params(), None);
        assert_eq!(method(plain.name(), None), Ok(plain));
    }
    for change in changes.into_iter().chain(edits) {
        names.push(change.name());
        assert_eq!(read(change.name(), change.params().unwrap()), Ok(change));
    }
    let mut all: Vec<_> = Method::names().collect();
    all.sort_unstable();
    names.sort_unstable();
    assert_eq!(names, all);
    assert!(method("port.Show", None).is_err());
}

#[test]
fn parameters_stand_as_they_are_documented() {
    let wire = json!({"to": "203.0.113.0/24", "via": ["192.0.2.254", "192.0.2.253"]});
    assert_eq!(Method::RouteAdd(route()).params(), Some(wire.clone()));
    assert_eq!(Method::RouteReplace(route()).params(), Some(wire));
    let wire = json!({"to": "203.0.113.0/24"});
    assert_eq!(Method::RouteDel(route().to).params(), Some(wire));
    let port = Method::DropsShow(Some("lan".parse().unwrap()));
    assert_eq!(port.params(), Some(json!({"port": "lan"})));
    assert_eq!(Method::DropsShow(None).params(), None);
    let entry = Method::CacheShow(Entries::Entry("1:17".parse().unwrap()));
    assert_eq!(entry.params(), Some(json!({"entry": "1:17"})));
    assert_eq!(Method::CacheShow(Entries::All).params(), None);
    let wire = json!({"port": "uplink", "frame": "02ff00"});
    assert_eq!(Method::Explain(question()).params(), Some(wire));
    let wire = json!({"port": "uplink", "frame": "02ff00", "ask_workers": false});
    let unasked = Method::Explain(Question {
        ask_workers: false,
        ..question()
    });
    assert_eq!(unasked.params(), Some(wire.clone()));
    assert_eq!(read("explain", wire), Ok(unasked));
}

#[test]
fn a_port_may_be_named_and_need_not_be() {
    for none in ["{}", "[]", "null"] {
        assert_eq!(read("drops.show", none), Ok(Method::DropsShow(None)));
    }
    assert_eq!(method("drops.show", None), Ok(Method::DropsShow(None)));
    assert_eq!(method("offload.show", None), Ok(Method::OffloadShow(None)));
    // Of this one there is no use without.
    assert!(method("offload.selftest", None).is_err());
    let allowed = Name::ALLOWED;
    for (params, message) in [
        (
            json!({"prot": "a"}),
            "prot: is no parameter here; did you mean port?",
        ),
        (json!(["a"]), "params must be an object with port"),
        (
            json!({"port": 1}),
            &*format!("port: 1 is no text; allowed: {allowed}"),
        ),
        (
            json!({"port": "a b"}),
            &*format!("port: \"a b\" is no name; allowed: {allowed}"),
        ),
    ] {
        assert_eq!(refused("drops.show", params), message);
    }
    refused("drops.show", json!({"port": "x".repeat(10_000)}));
}

#[test]
fn entries_are_all_those_of_a_port_or_one() {
    let entries = |params| read("cache.show", params);
    assert_eq!(entries(json!({})), Ok(Method::CacheShow(Entries::All)));
    let entry = EntryNumber {
        worker: 65_535,
        place: u32::MAX,
    };
    let wire = json!({"entry": "65535:4294967295"});
    let asked = Method::CacheShow(Entries::Entry(entry));
    assert_eq!(asked.params(), Some(wire.clone()));
    assert_eq!(entries(wire), Ok(asked));
    let allowed = EntryNumber::ALLOWED;
    for text in ["17", "0:", ":0", "65536:0", "0:4294967296", "0:1:2", "a:b"] {
        let message = format!("entry: {text:?} is no number of an entry; allowed: {allowed}");
        assert_eq!(refused("cache.show", json!({"entry": text})), message);
    }
    let both = refused("cache.show", json!({"entry": "0:17", "port": "lan"}));
    assert_eq!(
        both,
        "entry: is not taken together with port; allowed: one of them"
    );
}

#[test]
fn a_reason_or_station_that_is_none_is_told_what_is_allowed() {
    let reason = |text| refused("explain.drop", json!({"reason": text}));
    let allowed = "; allowed: the name of a reason for drops";
    let near = "reason: \"tx_ful\" is none, did you mean tx_full?";
    assert_eq!(reason("tx_ful"), format!("{near}{allowed}"));
    assert_eq!(reason("what"), format!("reason: \"what\" is none{allowed}"));
    let mac = refused("explain.fdb", json!({"mac": "02:00"}));
    let expected = "mac: \"02:00\" is none; allowed: an Ethernet address, as in 02:00:00:00:00:01";
    assert_eq!(mac, expected);
}

#[test]
fn a_mistyped_method_is_told_the_nearest() {
    let message = |name: &str| {
        let error = method(name, None).unwrap_err();
        assert_eq!(error.code, RpcError::METHOD_NOT_FOUND);
        error.message
    };
    assert_eq!(
        message("fdb_show"),
        "no method \"fdb_show\"; did you mean fdb.show?"
    );
    let all = Method::names().collect::<Vec<_>>().join(", ");
    assert!(message("x").ends_with(&format!("there are {all}")));
    assert!(message(&"x".repeat(10_000)).len() < all.len() + 100);
}

/// Which of two is meant nobody can know; and a number that is none is told by its key.
#[test]
fn of_a_command_each_key_is_there_once() {
    for (params, told) in [
        (
            r#"{"name":"lan","mtu":1500,"mtu":9000}"#,
            "mtu: is given twice",
        ),
        (
            r#"{"addresses":[{"vlan":1,"vlan":2}]}"#,
            "addresses: vlan: is given twice",
        ),
        (r#"{"name":"lan","mtu":1e999}"#, "mtu: number out of range"),
    ] {
        for command in Command::ALL {
            // Routes have parameters that are read here.
            if !command.name().starts_with("route.") || command == Command::RouteSet {
                assert_eq!(refused(command.name(), params), told);
            }
        }
    }
    let twice = refused("fdb.load", r#"{"entries":[],"entries":[]}"#);
    assert_eq!(twice, "entries: is given twice");
}

#[test]
fn a_mistyped_parameter_is_told_the_nearest() {
    let message = refused("route.add", r#"{"to":"203.0.113.0/24","vai":[]}"#);
    assert_eq!(message, "vai: is no parameter here; did you mean via?");
    let message = refused(
        "route.del",
        r#"{"to":"203.0.113.0/24","via":["192.0.2.1"]}"#,
    );
    assert_eq!(message, "via: is no parameter here");
    let message = refused("route.del", r#"{"to":"0.0.0.0/0","to":"0.0.0.0/0"}"#);
    assert_eq!(message, "to: is given twice");
    refused("route.del", json!({"x".repeat(10_000): 1}));
}

#[test]
fn parameters_are_an_object_or_none() {
    for params in ["null", "[]", "1", r#"["203.0.113.0/24"]"#, "\"to\""] {
        let message = refused("route.add", params);
        assert_eq!(message, "params must be an object with to and via");
    }
    assert_eq!(
        method("route.del", None).unwrap_err().message,
        "params must be an object with to"
    );
    assert_eq!(
        refused("version", r#"{"a":1}"#),
        "version takes no parameters"
    );
    assert_eq!(read("route.show", " { } "), Ok(Method::RouteShow));
}

#[test]
fn a_bad_network_is_named_with_what_is_allowed() {
    let allowed = format!("; allowed: {}", Network::ALLOWED);
    for (to, problem) in [
        (json!(5), "5 is no text"),
        (json!("default"), "\"default\": not a network"),
        (
            json!("203.0.113.7/24"),
            "203.0.113.7/24 has host bits: the network is 203.0.113.0/24",
        ),
        (json!("x".repeat(10_000)), "xxx"),
    ] {
        let message = refused("route.del", json!({"to": to}));
        assert!(message.starts_with("to: "), "{message}");
        assert!(message.contains(problem), "{message}");
        assert!(message.ends_with(&allowed), "{message}");
    }
    let missing = refused("route.del", "{}");
    assert_eq!(missing, format!("to: is missing{allowed}"));
}

#[test]
fn a_bad_frame_is_named_with_what_is_allowed() {
    let allowed = format!("; allowed: {}", Frame::ALLOWED);
    for (frame, problem) in [
        (json!(5), "5 is no text"),
        (json!("02:f"), "is not hex at byte 1"),
        (json!("02 fg"), "is not hex at byte 1"),
        (json!(""), "is too short: it is empty"),
        (json!("00".repeat(9217)), "is too long: it has 9217 bytes"),
    ] {
        let message = refused("explain", json!({"port": "uplink", "frame": frame}));
        assert_eq!(message, format!("frame: {problem}{allowed}"));
    }
    let missing = refused("explain", json!({"port": "uplink"}));
    assert_eq!(missing, format!("frame: is missing{allowed}"));
    let message = refused("explain", json!({"port": "up link", "frame": "00"}));
    let allowed = format!("; allowed: {}", Name::ALLOWED);
    assert_eq!(message, format!("port: \"up link\" is no name{allowed}"));
}

#[test]
fn bad_gateways_are_named_with_what_is_allowed() {
    let allowed = format!("; allowed: {}", Gateways::ALLOWED);
    let many: Vec<_> = (1..=200).map(|i| format!("192.0.2.{i}")).collect();
    for (via, problem) in [
        (json!("192.0.2.1"), "\"192.0.2.1\" is no list of texts"),
        (json!([1]), "[1] is no list of texts"),
        (json!([]), "there is no gateway"),
        (json!(["192.0.2"]), "\"192.0.2\" is no IPv4 address"),
        (
            json!(["224.0.0.1"]),
            "224.0.0.1 is not the address of a station",
        ),
        (
            json!(["192.0.2.1", "192.0.2.1"]),
            "192.0.2.1 is named twice",
        ),
        (json!(many), "there are more than 8 gateways"),
    ] {
        let message = refused("route.add", json!({"to": "0.0.0.0/0", "via": via}));
        assert_eq!(message, format!("via: {problem}{allowed}"));
    }
    let missing = refused("route.add", json!({"to": "0.0.0.0/0"}));
    assert_eq!(missing, format!("via: is missing{allowed}"));
}

#[test]
fn a_capture_is_of_one_subject() {
    let read = |params| read("capture.start", params);
    let of = |subject| Ok(Method::CaptureStart(Capture::of(subject)));
    let name = |text: &str| text.parse().unwrap();
    let reason = DropReason::TxFull;
    for (params, subject) in [
        (json!({"port": "a"}), Subject::Port(name("a"))),
        (json!({"bridge": "a"}), Subject::Bridge(name("a"))),
        (json!({"tunnel": "a"}), Subject::Tunnel(name("a"))),
        (json!({"name": "a"}), Subject::Named(name("a"))),
        (json!({"drops": true}), Subject::Drops(None)),
        (json!({"all": true}), Subject::All),
        (json!({"drops": "tx_full"}), Subject::Drops(Some(reason))),
    ] {
        let method = read(params.to_string());
        assert_eq!(method, of(subject));
        assert_eq!(method.unwrap().params(), Some(params));
    }
    let refused = |params: &str| refused("capture.start", params);
    let one = "say whose packets: one of port, bridge, tunnel, name, drops, all";
    for params in ["{}", r#"{"filter":"udp"}"#, r#"{"port":"a","drops":true}"#] {
        assert_eq!(refused(params), one, "{params}");
    }
    for (params, problem) in [
        (r#"{"port":"a/b"}"#, r#"port: "a/b" is no name"#),
        (
            r#"{"drops":"tx_ful"}"#,
            r#"drops: "tx_ful" is none, did you mean tx_full?"#,
        ),
        (r#"{"drops":false}"#, "drops: false is no text"),
        (
            r#"{"port":"a","snap":0}"#,
            "snap: 0 is no such number; allowed: a number from 1 to 65535",
        ),
        (
            r#"{"port":"a","count":0}"#,
            "count: 0 is no such number; allowed: a number above 0",
        ),
        (r#"{"port":"a","filter":1}"#, "filter: 1 is no text"),
        (
            r#"{"port":"a","snaps":1}"#,
            "snaps: is no parameter here; did you mean snap?",
        ),
    ] {
        assert!(refused(params).starts_with(problem), "{}", refused(params));
    }
}

#[test]
fn a_capture_stands_as_it_is_documented() {
    let wire = json!({"port": "uplink", "filter": "udp port 53", "snap": 96, "count": 10});
    assert_eq!(Method::CaptureStart(capture()).params(), Some(wire));
}
