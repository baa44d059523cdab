//! The schema of the API against the API: it is up to date, and what a switch answers is what it says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use control::api::messages::{
    Capture, Entries, EventKinds, Gateways, Method, NewRoute, Question, Reply, SelfTest, Stations,
    Subject,
};
use control::api::{API_VERSION, schema};
use control::config::Wanted;
use control::offload::{Change, Tier};
use control::rig::Rig;
use serde_json::{Value, json};
use std::path::Path;

#[path = "schema/edits.rs"]
mod edits;
#[path = "common/offload.rs"]
mod reports;

const FILE: &str = "../docs/api.schema.json";

/// What is wrong with `value`, which is at `at`, by the part of JSON Schema that we use.
fn faults(value: &Value, schema: &Value, root: &Value, at: &str) -> Vec<String> {
    let Some(rules) = schema.as_object() else {
        return match schema {
            Value::Bool(true) => Vec::new(),
            _ => vec![format!("{at}: nothing is allowed here")],
        };
    };
    let mut found = Vec::new();
    let each = |list: &Value| -> Vec<Vec<String>> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| faults(value, one, root, at)).collect()
    };
    for (rule, how) in rules {
        match rule.as_str() {
            "$ref" => {
                let path = how.as_str().unwrap().strip_prefix('#').unwrap();
                found.extend(faults(value, root.pointer(path).unwrap(), root, at));
            }
            "anyOf" | "oneOf" => {
                let fit = each(how).iter().filter(|faults| faults.is_empty()).count();
                if fit == 0 || (rule == "oneOf" && fit > 1) {
                    found.push(format!("{at}: {fit} of {rule} fit {value}"));
                }
            }
            "allOf" => found.extend(each(how).concat()),
            "type" => {
                let types = how.as_array().cloned().unwrap_or_else(|| vec![how.clone()]);
                if !types.iter().any(|kind| is(value, kind.as_str().unwrap())) {
                    found.push(format!("{at}: {value} is no {how}"));
                }
            }
            "const" if value != how => found.push(format!("{at}: {value} is not {how}")),
            "enum" if !how.as_array().unwrap().contains(value) => {
                found.push(format!("{at}: {value} is none of {how}"));
            }
            "required" => {
                let names = how.as_array().unwrap().iter().filter_map(Value::as_str);
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                found.extend(missing.map(|name| format!("{at}: {name} is missing")));
            }
            "properties" => {
                for (name, rule) in how.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        found.extend(faults(member, rule, root, &format!("{at}.{name}")));
                    }
                }
            }
            "additionalProperties" => {
                let known = rules.get("properties").and_then(Value::as_object);
                for (name, member) in value.as_object().into_iter().flatten() {
                    if !known.is_some_and(|known| known.contains_key(name)) {
                        found.extend(faults(member, how, root, &format!("{at}.{name}")));
                    }
                }
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    found.extend(faults(item, how, root, &format!("{at}[]")));
                }
            }
            "minimum" if value.as_f64() < how.as_f64() && value.is_number() => {
                found.push(format!("{at}: {value} is below {how}"));
            }
            "maximum" if value.as_f64() > how.as_f64() && value.is_number() => {
                found.push(format!("{at}: {value} is above {how}"));
            }
            "minItems" | "maxItems" | "maxProperties" | "const" | "enum" | "minimum"
            | "maximum" | "title" | "description" | "format" | "default" | "deprecated" => {}
            other => panic!("the test does not know the rule {other}"),
        }
    }
    found
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}

#[test]
fn the_file_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "docs/api.schema.json is old: UPDATE=1 cargo test -p control --test schema"
    );
    assert_eq!(schema()["version"], API_VERSION);
}

#[test]
fn every_method_is_described() {
    let schema = schema();
    for name in Method::names() {
        let method = &schema["methods"][name];
        assert!(method["result"].is_object(), "{name}");
        assert!(method["params"].is_object(), "{name}");
    }
}

#[test]
fn what_a_client_sends_fits() {
    let name = || "lan".parse().unwrap();
    let to = "203.0.113.0/24".parse().unwrap();
    let via = Gateways::new([[192, 0, 2, 254].into()]).unwrap();
    let mac = "02:00:00:00:00:01".parse().unwrap();
    let question = Question {
        port: name(),
        frame: "02ff00".parse().unwrap(),
        ask_workers: false,
    };
    let stations = Stations {
        bridge: Some(name()),
        mac: Some(mac),
        ..Stations::default()
    };
    let methods = [
        Method::FdbShow(stations),
        Method::RouteAdd(NewRoute { to, via }),
        Method::RouteDel(to),
        Method::DropsShow(Some(name())),
        Method::OffloadShow(Some(name())),
        Method::OffloadSelftest(name()),
        Method::CacheShow(Entries::Port(name())),
        Method::Explain(question),
        Method::ExplainEntry("0:17".parse().unwrap()),
        Method::ExplainFdb(mac),
        Method::CaptureStart(Capture::of(Subject::Drops(None))),
        Method::ExplainNext(Capture::of(Subject::Port(name()))),
        Method::EventsSubscribe(EventKinds::all()),
    ];
    let schema = schema();
    for method in methods {
        let rule = &schema["methods"][method.name()]["params"];
        let params = method.params().unwrap();
        assert_eq!(
            faults(&params, rule, &schema, "params"),
            [""; 0],
            "{method:?}"
        );
        let mut wrong = params;
        wrong["zzz"] = json!(1);
        assert_ne!(
            faults(&wrong, rule, &schema, "params"),
            [""; 0],
            "{method:?}"
        );
    }
}

/// Of a NIC, which no switch here has.
#[test]
fn what_a_self_test_finds_fits() {
    let answer = json!({"allowed": false, "reason": "a"});
    let said = json!({
        "mark": 7, "tunnel": true, "outer_ip": "right", "outer_l4": "wrong", "inner_ip": null,
        "inner_l4": null,
    });
    let test = json!({
        "port": "up", "tier": "t1", "advice": "b", "notes": ["m"],
        "found": {
            "asked": true, "looped": false, "conclusive": true, "frames": 2, "heard": 1,
            "marks": answer, "checksums": answer, "demoted": {"tier": "t1", "reason": "c"},
            "distrusted": "d",
        },
        "report": {
            "udp_port": 4789, "parser": "e", "rules": "f", "no_rules": "g",
            "rules_failed": true, "frames": 2,
            "heard": 1, "lost": ["h"], "sent": 6, "doubled": 1, "foreign": 2,
            "lines": [{
                "topic": "outer_ip", "outcome": "wrong", "equal": 1, "silent": 2, "wrong": 3,
                "examples": [{"frame": "i", "said": "j", "is": "k"}],
            }],
            "cases": [
                {"frame": "i", "outcome": "silent", "changed": true, "said": said, "is": said},
                {"frame": "h", "outcome": "unseen", "changed": false, "said": null, "is": null},
            ],
            "marks": answer, "checksums": answer, "left": "l",
        },
    });
    // As it is read and written, with nothing more and nothing less.
    let read: SelfTest = serde_json::from_value(test.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), test);
    let schema = schema();
    let rule = &schema["methods"]["offload.selftest"]["result"];
    assert_eq!(faults(&test, rule, &schema, "selftest"), [""; 0]);
}

const WANTED: &str = r#"
    port = [
        { name = "up", device = "heap0", addresses = ["192.0.2.2/24"] },
        { name = "lan", device = "heap1" },
        { name = "lan2", device = "heap2" },
    ]
    bridge = [{ name = "br0", ports = ["lan", "lan2"] }]
    route = [{ to = "203.0.113.0/24", via = "192.0.2.254" }]
    [[tunnel]]
    name = "vx"
    bridge = "br0"
    vni = 7
    local = "192.0.2.2"
    remotes = ["192.0.2.1"]
"#;

/// Each answer of a switch that has something to say.
#[test]
fn what_a_switch_answers_fits() {
    let mut rig = Rig::new(Wanted::parse(WANTED, "test").unwrap(), 1);
    let listens = rig.ask(Method::EventsSubscribe(EventKinds::all())).unwrap();
    let frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &[0x88, 0xb5], &[0; 46]].concat();
    for port in ["lan", "lan2", "lan", "up"] {
        rig.send(port, &frame);
        rig.run(200);
    }
    rig.set_link("lan2", false);
    let (port, tier) = (rig.port_id("up"), Tier::Rule);
    let change = Change::Tier {
        port,
        tier,
        reason: None,
    };
    rig.tell_offload(vec![change], Some(vec![reports::report(port)]));
    let mac = "02:00:00:00:00:01".parse().unwrap();
    let question = Question {
        port: "lan".parse().unwrap(),
        frame: control::api::messages::Frame::new(frame).unwrap(),
        ask_workers: true,
    };
    let schema = schema();
    let check = |name: &str, kind: &str, value: &Value| {
        let rule = &schema["methods"][name][kind];
        let found = faults(value, rule, &schema, name);
        assert!(found.is_empty(), "{found:#?}\n{value:#}");
    };
    let asked = [
        Method::FdbShow(Stations {
            mac: Some(mac),
            ..Stations::default()
        }),
        Method::DropsShow(None),
        Method::OffloadShow(None),
        Method::CacheShow(Entries::All),
        Method::Explain(question),
        Method::ExplainFdb(mac),
        Method::ExplainDrop(fastpath::drop::DropReason::NotForUs),
    ];
    // The keeper's are small, and of other types.
    let plain = Method::PLAIN.into_iter();
    let plain = plain.filter(|method| !method.is_for_keeper());
    for method in plain.chain(asked) {
        let reply = rig.ask_workers(method.clone()).unwrap();
        let value = serde_json::to_value(&reply).unwrap();
        assert!(value != json!([]), "{method:?} has nothing to say");
        check(method.name(), "result", &value);
    }
    let Reply::Subscribed(mut subscription) = listens else {
        panic!("{listens:?}");
    };
    check(
        "events.subscribe",
        "result",
        &serde_json::to_value(&subscription).unwrap(),
    );
    let mut events = 0;
    while let Some(event) = subscription.take() {
        check(
            "events.subscribe",
            "line",
            &serde_json::to_value(&*event).unwrap(),
        );
        events += 1;
    }
    assert!(events >= 4, "{events}");
    for port in ["lan", "lan2", "up"] {
        rig.received(port);
    }
    rig.close();
}
