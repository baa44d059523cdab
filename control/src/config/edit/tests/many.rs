//! Many static entries in one edit.

use super::*;
use std::time::Instant;

fn load(wanted: &Wanted, items: &Value) -> Result<Wanted, ConfigErrors> {
    wanted.edited(&Edit::Load(items.to_string().into()))
}

fn mac(number: usize) -> String {
    let [_, _, a, b, c, d, e, f] = (0x0200_0000_0100 + number as u64).to_be_bytes();
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

fn entry(number: usize) -> Value {
    json!({"bridge": "br10", "mac": mac(number), "port": "lan"})
}

#[test]
fn each_item_has_an_op_of_its_own() {
    let wanted = load(
        &base(),
        &json!([
            entry(0),
            {"op": "replace", "bridge": "br10", "mac": "02:00:00:00:00:02", "port": "lan"},
            {"op": "del", "bridge": "br10", "mac": "02:00:00:00:00:01"},
            {"op": "add", "bridge": "br10", "mac": mac(1), "tunnel": "vx10", "remote": "192.0.2.8"},
        ]),
    );
    let wanted = wanted.unwrap();
    sound(&wanted);
    let macs: Vec<String> = wanted
        .fdb
        .iter()
        .map(|entry| entry.mac.to_string())
        .collect();
    assert_eq!(macs, ["02:00:00:00:00:02".to_owned(), mac(0), mac(1)]);
    assert_eq!(load(&wanted, &json!([])), Ok(wanted.clone()));
}

#[test]
fn all_that_is_wrong_is_told_by_the_number_of_its_item() {
    let told = |items: Value| load(&base(), &items).unwrap_err().to_string();
    let wrong = told(json!([entry(0), {"op": "ad"}, 3, {"bridge": "br10", "mac": "x", "vlan": 1}]));
    let expected = "item 2: fdb.op: `ad` is not allowed\n  allowed: \"add\", \"replace\", \"del\"\n  \
        did you mean `add`?\n\
        item 3: fdb: is no object\n  \
        allowed: a list of objects with bridge, mac, and either port, or tunnel and remote\n\
        item 4: fdb.mac: `x` is not allowed\n  \
        allowed: an Ethernet address other than zero, as in 02:00:00:00:00:01\n\
        item 4: fdb.vlan: is no key that is known here\n  \
        allowed: port, tunnel, remote, bridge, mac\n";
    assert_eq!(wrong, expected.trim_end());
    let twice = told(json!([entry(0), entry(1), {"op": "del", "bridge": "br10", "mac": mac(0)}]));
    assert!(
        twice.starts_with(
            "item 3: fdb.mac: 02:00:00:00:01:00 of bridge br10 is there twice, as in item 1"
        ),
        "{twice}"
    );
    let there =
        told(json!([entry(0), {"bridge": "br10", "mac": "02:00:00:00:00:01", "port": "lan"}]));
    assert!(
        there.starts_with("item 2: fdb.mac: 02:00:00:00:00:01 has an entry in"),
        "{there}"
    );
    let text = format!(
        "[{}, {{\"mac\":\"x\",\"mac\":\"y\"}}, {{\"vlan\":1e999}}]",
        entry(0)
    );
    let raw = base().edited(&Edit::Load(text.into())).unwrap_err();
    let allowed =
        "allowed: a list of objects with bridge, mac, and either port, or tunnel and remote";
    assert_eq!(
        raw.to_string(),
        format!(
            "item 2: fdb: mac: is given twice\n  {allowed}\n\
             item 3: fdb: vlan: number out of range\n  {allowed}"
        )
    );
    assert!(told(json!({})).starts_with("fdb: is no list"));
    assert!(
        told(json!([{"op": "del", "bridge": "br1", "mac": mac(0)}]))
            .starts_with("item 1: fdb.bridge: there is no bridge")
    );
}

#[test]
fn no_more_than_fit() {
    let set = edit("switch.set", json!({"fdb_entries": 3}));
    let small = base().edited(&set).unwrap();
    assert!(load(&small, &json!([entry(0)])).is_ok());
    let told = load(&small, &json!([entry(0), entry(1)])).unwrap_err();
    assert_eq!(
        told.to_string(),
        "fdb: 4 static entries are too many\n  allowed: 3, the value of switch.fdb_entries"
    );
    let exchange =
        json!([entry(0), entry(1), {"op": "del", "bridge": "br10", "mac": "02:00:00:00:00:01"}]);
    assert!(load(&small, &exchange).is_ok());
}

#[test]
fn no_more_remotes_than_there_are_records() {
    use fastpath::ids::RemoteId;
    let to = |number: usize| {
        let remote = std::net::Ipv4Addr::from(0x0a00_0000 + number as u32);
        json!({"bridge": "br10", "mac": mac(number), "tunnel": "vx10", "remote": remote})
    };
    // The base has three already.
    let full: Vec<Value> = (0..RemoteId::LIMIT - 3).map(to).collect();
    let full = load(&base(), &full.into()).unwrap();
    let told = load(&full, &json!([to(RemoteId::LIMIT)]))
        .unwrap_err()
        .to_string();
    assert!(
        told.starts_with("fdb.remote: 16385 remotes of all tunnels"),
        "{told}"
    );
    let again =
        json!({"bridge": "br10", "mac": mac(99_999), "tunnel": "vx10", "remote": "192.0.2.9"});
    assert!(
        load(&full, &json!([again])).is_ok(),
        "a remote that is there already"
    );
}

/// A hundred thousand are loaded, and then one more is a matter of copying them. The bounds are far
/// from what it takes, so that a busy machine does not fail.
#[test]
fn a_hundred_thousand_and_one_more() {
    let set = edit("switch.set", json!({"fdb_entries": 200_000}));
    let all: Vec<Value> = (0..100_000).map(entry).collect();
    let items = Edit::Load(Value::from(all).to_string().into());
    let empty = base().edited(&set).unwrap();
    let start = Instant::now();
    let wanted = empty.edited(&items).unwrap();
    let (load, start) = (start.elapsed(), Instant::now());
    assert_eq!(wanted.fdb.len(), 100_002);
    let one = edit("fdb.add", entry(100_000));
    let more = wanted.edited(&one).unwrap();
    let single = start.elapsed();
    assert_eq!(more.fdb.len(), 100_003);
    println!("100000 in {load:?}, one more in {single:?}");
    assert!(single < load / 4, "{single:?} {load:?}");
}
