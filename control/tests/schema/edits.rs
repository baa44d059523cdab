//! The parameters of changes: what the schema says of them is what the readers of the configuration
//! take, key by key and limit by limit.

use super::faults;
use control::api::schema;
use control::config::{Command, Edit, Wanted, Words};
use serde_json::{Value, json};

const WANTED: &str = r#"
    port = [
        { name = "up", device = "heap0", addresses = ["192.0.2.2/24"] },
        { name = "lan", device = "heap1" },
        { name = "lan2", device = "heap2" },
    ]
    bridge = [{ name = "br0", ports = ["lan"] }, { name = "br1" }]
    neighbour = [{ port = "up", address = "192.0.2.9", mac = "02:00:00:00:00:09" }]
    [[tunnel]]
    name = "vx"
    bridge = "br0"
    vni = 7
    local = "192.0.2.2"
    remotes = ["192.0.2.1"]
    [[fdb]]
    bridge = "br0"
    mac = "02:00:00:00:00:01"
    port = "lan"
"#;

/// What a reader says of a value that has no place, or not the form, where it stands.
const OF_FORM: [&str; 4] = [
    "is no key that is known here",
    "cannot stand here",
    "is not allowed",
    "is out of range",
];

/// Each command with as little as it takes. Of routes the API has types of its own.
fn least() -> Vec<(Command, Value)> {
    let station = json!({"bridge": "br0", "mac": "02:00:00:00:00:01"});
    let mut new = station.clone();
    (new["mac"], new["port"]) = ("02:00:00:00:00:02".into(), "lan".into());
    let neighbour = |last: u8| {
        let (address, mac) = (format!("192.0.2.{last}"), "02:00:00:00:00:0a");
        json!({"port": "up", "address": address, "mac": mac})
    };
    let tunnel = json!({"name": "vx2", "bridge": "br0", "vni": 8, "local": "192.0.2.2"});
    let remote = |last: u8| json!({"name": "vx", "address": format!("192.0.2.{last}")});
    vec![
        (Command::SwitchSet, json!({})),
        (Command::PortAdd, json!({"name": "new", "device": "heap9"})),
        (Command::PortSet, json!({"name": "lan2"})),
        (Command::PortDel, json!({"name": "lan2"})),
        (
            Command::AddrAdd,
            json!({"port": "up", "address": "198.51.100.2/24"}),
        ),
        (Command::AddrSet, json!({"address": "192.0.2.2/25"})),
        (Command::NeighAdd, neighbour(8)),
        (Command::NeighSet, neighbour(9)),
        (Command::NeighReplace, neighbour(9)),
        (
            Command::NeighDel,
            json!({"port": "up", "address": "192.0.2.9"}),
        ),
        (Command::BridgeAdd, json!({"name": "br2"})),
        (Command::BridgeSet, json!({"name": "br1"})),
        (Command::BridgeDel, json!({"name": "br1"})),
        (Command::VxlanAdd, tunnel),
        (Command::VxlanSet, json!({"name": "vx"})),
        (Command::VxlanDel, json!({"name": "vx"})),
        (Command::RemoteAdd, remote(3)),
        (Command::RemoteDel, remote(1)),
        (Command::FdbAdd, new.clone()),
        (Command::FdbReplace, new),
        (Command::FdbSet, with(&station, "port", "lan".into())),
        (Command::FdbDel, station),
        (Command::FdbFlush, json!({})),
    ]
}

struct Judges {
    schema: Value,
    wanted: Wanted,
    command: Command,
}

impl Judges {
    fn rule(&self) -> &Value {
        &self.schema["methods"][self.command.name()]["params"]
    }

    fn fits(&self, params: &Value) -> bool {
        faults(params, self.rule(), &self.schema, "params").is_empty()
    }

    /// Why the readers refuse it, if they do.
    fn refusal(&self, params: &Value) -> Option<String> {
        let words: Words = params.as_object().unwrap().clone();
        let edited = self.wanted.edited(&Edit::Do(self.command, words));
        edited.err().map(|errors| errors.to_string())
    }

    /// What fits has the right form for the readers too; that they refuse it for another reason is
    /// their affair.
    #[track_caller]
    fn good(&self, params: &Value) {
        let said = self.refusal(params).unwrap_or_default();
        let of_form = OF_FORM.iter().any(|words| said.contains(words));
        assert!(
            self.fits(params) && !of_form,
            "{:?} {params}: {said}",
            self.command
        );
    }

    #[track_caller]
    fn bad(&self, params: &Value) {
        let refused = self.refusal(params).is_some();
        assert!(
            !self.fits(params) && refused,
            "{:?} {params}: {refused}",
            self.command
        );
    }

    /// The schemas of one type that `schema` is made of.
    fn leaves<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(path) = schema["$ref"].as_str() {
            let path = path.strip_prefix('#').unwrap();
            return self.leaves(self.schema.pointer(path).unwrap());
        }
        match schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            Some(several) => several.iter().flat_map(|one| self.leaves(one)).collect(),
            None => vec![schema],
        }
    }

    fn form(&self) -> &Value {
        let leaves = self.leaves(self.rule());
        leaves
            .into_iter()
            .find(|leaf| leaf["properties"].is_object())
            .unwrap()
    }
}

fn with(params: &Value, key: &str, value: Value) -> Value {
    let mut params = params.clone();
    params[key] = value;
    params
}

#[test]
fn what_changes_take_is_what_the_schema_says() {
    let least = least();
    assert_eq!(
        least.len() + 5,
        Command::ALL.len(),
        "addr.del and those of routes"
    );
    for (command, params) in least {
        let (schema, wanted) = (schema(), Wanted::parse(WANTED, "t").unwrap());
        let judges = Judges {
            schema,
            wanted,
            command,
        };
        assert_eq!(judges.refusal(&params), None, "{command:?}");
        judges.good(&params);
        judges.bad(&with(&params, "zzz", json!(1)));
        let form = judges.form();
        for key in form["required"].as_array().into_iter().flatten() {
            let mut without = params.clone();
            without
                .as_object_mut()
                .unwrap()
                .remove(key.as_str().unwrap());
            judges.bad(&without);
        }
        for (key, rule) in form["properties"].as_object().unwrap() {
            judges.bad(&with(&params, key, json!({"zzz": 1})));
            // What has no default cannot be taken back to it.
            let null = with(&params, key, Value::Null);
            match judges.fits(&null) {
                true => judges.good(&null),
                false => judges.bad(&null),
            }
            limits(&judges, &params, key, rule);
        }
    }
}

/// Numbers up to their limits and not beyond, words of a list and no other.
fn limits(judges: &Judges, params: &Value, key: &str, rule: &Value) {
    let leaves = judges.leaves(rule);
    let number = leaves.iter().find(|leaf| leaf["maximum"].is_number());
    if let Some(number) = number {
        let [least, most] = ["minimum", "maximum"].map(|limit| number[limit].as_u64().unwrap());
        judges.good(&with(params, key, least.into()));
        judges.good(&with(params, key, most.into()));
        judges.bad(&with(params, key, (most + 1).into()));
        if let Some(less) = least.checked_sub(1) {
            judges.bad(&with(params, key, less.into()));
        }
    }
    let words: Vec<&Value> = leaves
        .iter()
        .flat_map(|leaf| {
            leaf["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .chain(leaf.get("const"))
        })
        .collect();
    for word in &words {
        judges.good(&with(params, key, (*word).clone()));
    }
    if !words.is_empty() {
        judges.bad(&with(params, key, "zzz".into()));
    }
}

/// Each entry of a long list is checked as one alone is.
#[test]
fn what_is_loaded_is_a_list_of_such_entries() {
    let schema = schema();
    let rule = &schema["methods"]["fdb.load"]["params"];
    let one = json!({"bridge": "br0", "mac": "02:00:00:00:00:09", "port": "lan"});
    for op in ["add", "replace", "del"] {
        let params = json!({"entries": [one, with(&one, "op", op.into())]});
        assert_eq!(faults(&params, rule, &schema, "params"), [""; 0]);
    }
    for wrong in [with(&one, "op", "set".into()), with(&one, "zzz", 1.into())] {
        let params = json!({"entries": [wrong]});
        assert_ne!(faults(&params, rule, &schema, "params"), [""; 0]);
    }
}
