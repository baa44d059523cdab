//! Each verb: what it makes of what is wanted, and when it is refused.

use super::*;
use crate::config::file::{FdbTable, File};
use crate::config::validate::validate;
use serde_json::{Value, json};

mod many;
mod model;
mod refused;
mod set;

/// Two links, a port in a bridge, a free one, tunnels in two bridges, routes, static entries.
pub(super) const BASE: &str = r#"
[[port]]
name = "up"
device = "d0"
mtu = 9000
addresses = ["192.0.2.2/24", { address = "198.51.100.2/24", vlan = 7 }]
[[port]]
name = "lan"
device = "d1"
[[port]]
name = "dmz"
device = "d2"
[[route]]
to = "203.0.113.0/24"
via = "198.51.100.1"
[[bridge]]
name = "br10"
ports = ["lan"]
ageing = 60
[[bridge]]
name = "br20"
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
remotes = ["192.0.2.3", { address = "192.0.2.4", reserved_bits = "lenient" }]
ttl = 9
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:00:01"
port = "lan"
[[fdb]]
bridge = "br10"
mac = "02:00:00:00:00:02"
tunnel = "vx10"
remote = "192.0.2.9"
"#;

pub(super) fn base() -> Wanted {
    Wanted::parse(BASE, "base").unwrap()
}

/// The command of this name, which must be one, with the words of an object.
pub(super) fn edit(name: &str, words: Value) -> Edit {
    let mut all = Command::ALL.into_iter();
    let command = all.find(|command| command.name() == name).unwrap();
    let Value::Object(words) = words else {
        panic!("no object")
    };
    Edit::Do(command, words)
}

/// What becomes of the base by commands, one after the other.
fn after(commands: &[(&str, Value)]) -> Wanted {
    commands.iter().fold(base(), |wanted, (name, words)| {
        let edited = wanted.edited(&edit(name, words.clone()));
        let edited = edited.unwrap_or_else(|errors| panic!("{name} {words}: {errors}"));
        sound(&edited);
        edited
    })
}

/// The rules for files have nothing against it.
pub(super) fn sound(wanted: &Wanted) {
    let report = Report::default();
    let mut file = File::without_fdb(wanted);
    file.fdb = wanted.fdb.iter().map(FdbTable::of).collect();
    let again = validate(&report, &file);
    assert_eq!(report.finish_edit(), None);
    assert_eq!(&again, wanted);
}

/// The base after some replacements in its text, each of which must be possible.
fn text(replacements: &[(&str, &str)]) -> Wanted {
    let text = replacements
        .iter()
        .fold(BASE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
    Wanted::parse(&text, "expected").unwrap()
}

/// The base with more of it at the end.
fn with(more: &str) -> Wanted {
    Wanted::parse(&format!("{BASE}{more}"), "expected").unwrap()
}

/// The static entries of the base, as they begin in its text.
const LAN_ENTRY: &str = "[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:00:01\"\nport = \"lan\"\n";
const VX_ENTRY: &str = "[[fdb]]\nbridge = \"br10\"\nmac = \"02:00:00:00:00:02\"\ntunnel = \"vx10\"\nremote = \"192.0.2.9\"\n";

#[test]
fn commands_have_names_of_their_own() {
    let names: std::collections::HashSet<_> = Command::ALL.map(Command::name).into();
    assert_eq!(names.len(), Command::ALL.len());
}

#[test]
fn a_port_is_added_with_the_keys_of_its_table_and_its_bridge() {
    let words = json!({"name": "new", "device": "d3", "mtu": 1600, "bridge": "br20",
        "addresses": [], "promiscuous": false, "tx_queues": null});
    let port = "[[port]]\nname = 'new'\ndevice = 'd3'\nmtu = 1600\npromiscuous = false\n";
    let mut expected = with(port);
    expected.bridges[1].ports.push("new".parse().unwrap());
    assert_eq!(after(&[("port.add", words)]), expected);
}

#[test]
fn what_is_set_is_merged_with_what_is_there() {
    let set = |words| after(&[("port.set", words)]);
    let more = set(json!({"name": "up", "rx_queues": 2}));
    assert_eq!(more, text(&[("mtu = 9000", "mtu = 9000\nrx_queues = 2")]));
    let off = set(json!({"name": "up", "offload": "off"}));
    assert_eq!(off, text(&[("mtu = 9000", "mtu = 9000\noffload = 'off'")]));
    let auto = off.edited(&edit("port.set", json!({"name": "up", "offload": null})));
    assert_eq!(auto.unwrap(), base());
    let default = set(json!({"name": "up", "mtu": null}));
    assert_eq!(default, text(&[("mtu = 9000\n", "")]));
    let all = set(json!({"name": "lan", "addresses": ["10.0.0.1/8"]}));
    let expected = [(
        "device = \"d1\"",
        "device = 'd1'\naddresses = ['10.0.0.1/8']",
    )];
    assert_eq!(all, text(&expected));
    let same = set(json!({"name": "up"}));
    assert_eq!(same, base());
}

#[test]
fn a_port_joins_moves_and_leaves_and_its_entries_go() {
    let set = |bridge: Value| after(&[("port.set", json!({"name": "lan", "bridge": bridge}))]);
    assert_eq!(set("br10".into()), base());
    let free = ("ports = [\"lan\"]", "ports = []");
    assert_eq!(set(Value::Null), text(&[free, (LAN_ENTRY, "")]));
    let moved = ("name = \"br20\"", "name = 'br20'\nports = ['lan']");
    assert_eq!(set("br20".into()), text(&[free, moved, (LAN_ENTRY, "")]));
    let joined = after(&[("port.set", json!({"name": "dmz", "bridge": "br10"}))]);
    assert_eq!(
        joined,
        text(&[("ports = [\"lan\"]", "ports = ['lan', 'dmz']")])
    );
}

#[test]
fn a_port_that_goes_takes_its_entries_along() {
    let gone = after(&[("port.del", json!({"name": "lan"}))]);
    let port = "[[port]]\nname = \"lan\"\ndevice = \"d1\"\n";
    let expected = [(port, ""), ("ports = [\"lan\"]", ""), (LAN_ENTRY, "")];
    assert_eq!(gone, text(&expected));
}

#[test]
fn addresses_come_and_go() {
    let tagged = json!({"port": "lan", "address": "10.0.0.1/8", "vlan": 5});
    let expected = "device = 'd1'\naddresses = [{ address = '10.0.0.1/8', vlan = 5 }]";
    let added = after(&[("addr.add", tagged.clone())]);
    assert_eq!(added, text(&[("device = \"d1\"", expected)]));
    assert_eq!(
        after(&[("addr.add", tagged.clone()), ("addr.del", tagged)]),
        base()
    );
    let second = json!({"port": "up", "address": "192.0.2.22/24"});
    let added = after(&[("addr.add", second.clone())]);
    assert_eq!(added.ports[0].addresses.len(), 3);
    assert_eq!(
        after(&[("addr.add", second.clone()), ("addr.del", second)]),
        base()
    );
}

#[test]
fn routes_come_change_and_go() {
    let new = json!({"to": "default", "via": ["192.0.2.1", "192.0.2.254"]});
    let default = "[[route]]\nto = 'default'\nvia = ['192.0.2.1', '192.0.2.254']\n";
    for verb in ["route.add", "route.replace"] {
        assert_eq!(after(&[(verb, new.clone())]), with(default), "{verb}");
    }
    let other = json!({"to": "203.0.113.0/24", "via": "192.0.2.1"});
    let expected = text(&[("via = \"198.51.100.1\"", "via = '192.0.2.1'")]);
    assert_eq!(after(&[("route.replace", other)]), expected);
    let gone = after(&[("route.add", new), ("route.del", json!({"to": "default"}))]);
    assert_eq!(gone, base());
}

#[test]
fn neighbours_come_change_and_go() {
    let new = json!({"port": "up", "address": "192.0.2.1", "mac": "02:00:00:00:01:01"});
    let table = "[[neighbour]]\nport = 'up'\naddress = '192.0.2.1'\nmac = '02:00:00:00:01:01'\n";
    for verb in ["neigh.add", "neigh.replace"] {
        assert_eq!(after(&[(verb, new.clone())]), with(table), "{verb}");
    }
    let mut other = new.clone();
    other["mac"] = "02:00:00:00:01:02".into();
    let replaced = after(&[("neigh.add", new.clone()), ("neigh.replace", other)]);
    assert_eq!(replaced, with(&table.replace("01:01", "01:02")));
    let tagged = json!({"port": "up", "address": "198.51.100.1", "mac": "02:00:00:00:01:03",
        "vlan": 7});
    let both = [("neigh.add", new.clone()), ("neigh.add", tagged.clone())];
    let both_tables = format!(
        "{table}[[neighbour]]\nport = 'up'\naddress = '198.51.100.1'\n\
         mac = '02:00:00:00:01:03'\nvlan = 7\n"
    );
    assert_eq!(after(&both), with(&both_tables));
    let which = json!({"port": "up", "address": "192.0.2.1"});
    for words in [new.clone(), which] {
        let gone = after(&[("neigh.add", new.clone()), ("neigh.del", words)]);
        assert_eq!(gone, base());
    }
    let gone = after(&[("neigh.add", tagged.clone()), ("neigh.del", tagged)]);
    assert_eq!(gone, base());
}

#[test]
fn a_port_that_goes_takes_its_neighbours_along() {
    let port = json!({"name": "new", "device": "d9", "addresses": ["10.0.0.1/8"]});
    let there = json!({"port": "new", "address": "10.0.0.2", "mac": "02:00:00:00:01:01"});
    let other = json!({"port": "up", "address": "192.0.2.1", "mac": "02:00:00:00:01:01"});
    let gone = after(&[
        ("port.add", port),
        ("neigh.add", there),
        ("neigh.add", other.clone()),
        ("port.del", json!({"name": "new"})),
    ]);
    assert_eq!(gone, after(&[("neigh.add", other)]));
}

#[test]
fn bridges_come_change_and_go() {
    let words = json!({"name": "br30", "learning": false, "ports": ["dmz"]});
    let bridge = "[[bridge]]\nname = 'br30'\nlearning = false\nports = ['dmz']\n";
    assert_eq!(after(&[("bridge.add", words.clone())]), with(bridge));
    let gone = [
        ("bridge.add", words),
        ("bridge.del", json!({"name": "br30"})),
    ];
    assert_eq!(after(&gone), base());
    let set = after(&[("bridge.set", json!({"name": "br10", "ageing": 0}))]);
    assert_eq!(set, text(&[("ageing = 60", "ageing = 0")]));
    let set = after(&[(
        "bridge.set",
        json!({"name": "br10", "ageing": null, "ports": ["dmz"]}),
    )]);
    let expected = [
        ("ageing = 60\n", ""),
        ("[\"lan\"]", "['dmz']"),
        (LAN_ENTRY, ""),
    ];
    assert_eq!(set, text(&expected));
}

#[test]
fn tunnels_come_change_and_go() {
    let words = json!({"name": "vx20", "bridge": "br20", "vni": 20, "local": "192.0.2.2",
        "remotes": ["192.0.2.3"], "source_ports": "1024-2048", "ttl": "inherit"});
    let tunnel = "[[tunnel]]\nname = 'vx20'\nbridge = 'br20'\nvni = 20\nlocal = '192.0.2.2'\n\
        remotes = ['192.0.2.3']\nsource_ports = [1024, 2048]\nttl = 'inherit'\n";
    assert_eq!(after(&[("vxlan.add", words.clone())]), with(tunnel));
    let gone = [("vxlan.add", words), ("vxlan.del", json!({"name": "vx20"}))];
    assert_eq!(after(&gone), base());
    let set = |words| after(&[("vxlan.set", words)]);
    let other = set(json!({"name": "vx10", "ttl": 64, "dscp": "inherit"}));
    assert_eq!(other, text(&[("ttl = 9", "dscp = 'inherit'")]));
    let moved = set(json!({"name": "vx10", "bridge": "br20"}));
    let expected = [
        ("bridge = \"br10\"\nvni", "bridge = \"br20\"\nvni"),
        (VX_ENTRY, ""),
    ];
    assert_eq!(moved, text(&expected));
    // The remote that has no word of its own follows its tunnel.
    let lenient = set(json!({"name": "vx10", "reserved_bits": "lenient"}));
    assert_eq!(
        lenient,
        text(&[("ttl = 9", "ttl = 9\nreserved_bits = 'lenient'")])
    );
    let gone = after(&[("vxlan.del", json!({"name": "vx10"}))]);
    assert_eq!((gone.tunnels.len(), gone.fdb.len()), (0, 1));
}

#[test]
fn remotes_come_and_go() {
    let add = json!({"name": "vx10", "address": "192.0.2.5", "reserved_bits": "lenient"});
    let added = after(&[("vxlan.remote_add", add.clone())]);
    let list = "\"lenient\" }]";
    let expected = "'lenient' }, { address = '192.0.2.5', reserved_bits = 'lenient' }]";
    assert_eq!(added, text(&[(list, expected)]));
    let del = json!({"name": "vx10", "address": "192.0.2.5"});
    assert_eq!(
        after(&[("vxlan.remote_add", add), ("vxlan.remote_del", del)]),
        base()
    );
}

#[test]
fn static_entries_come_change_and_go() {
    let entry = |mac: &str| json!({"bridge": "br10", "mac": mac, "port": "lan"});
    let new = "[[fdb]]\nbridge = 'br10'\nmac = '02:00:00:00:00:03'\nport = 'lan'\n";
    for verb in ["fdb.add", "fdb.replace"] {
        assert_eq!(
            after(&[(verb, entry("02:00:00:00:00:03"))]),
            with(new),
            "{verb}"
        );
    }
    let replaced = after(&[("fdb.replace", entry("02:00:00:00:00:02"))]);
    let expected = [("tunnel = \"vx10\"\nremote = \"192.0.2.9\"", "port = 'lan'")];
    assert_eq!(replaced, text(&expected));
    let gone = after(&[("fdb.del", entry("02:00:00:00:00:01"))]);
    assert_eq!(gone, text(&[(LAN_ENTRY, "")]));
    let gone = after(&[(
        "fdb.del",
        json!({"bridge": "br10", "mac": "02:00:00:00:00:02"}),
    )]);
    assert_eq!(gone, text(&[(VX_ENTRY, "")]));
}

#[test]
fn static_entries_are_flushed_by_what_they_are() {
    let flush = |words| after(&[("fdb.flush_static", words)]);
    assert_eq!(flush(json!({})), text(&[(LAN_ENTRY, ""), (VX_ENTRY, "")]));
    assert_eq!(
        flush(json!({"bridge": "br10", "port": "lan"})),
        text(&[(LAN_ENTRY, "")])
    );
    assert_eq!(flush(json!({"tunnel": "vx10"})), text(&[(VX_ENTRY, "")]));
    for none in [
        json!({"bridge": "br20"}),
        json!({"port": "lan", "tunnel": "vx10"}),
    ] {
        assert_eq!(flush(none), base());
    }
}

#[test]
fn the_switch_is_set() {
    let set = after(&[("switch.set", json!({"fdb_entries": 17}))]);
    assert_eq!(set, with("[switch]\nfdb_entries = 17\n"));
}
