//! What is there and is set: addresses, routes, static entries.

use super::*;

/// What is told of a command that is refused.
fn refusal(name: &str, words: Value) -> String {
    let refused = base().edited(&edit(name, words)).map(drop);
    refused.unwrap_err().to_string()
}

#[test]
fn an_address_gets_another_prefix_vlan_or_port() {
    let set = |words| after(&[("addr.set", words)]);
    let longer = set(json!({"address": "192.0.2.2/25"}));
    assert_eq!(longer, text(&[("192.0.2.2/24", "192.0.2.2/25")]));
    // What is not said of a VLAN stays.
    let longer = set(json!({"address": "198.51.100.2/25"}));
    assert_eq!(longer, text(&[("198.51.100.2/24", "198.51.100.2/25")]));
    let plain = r#""198.51.100.2/24""#;
    let tagged = r#"{ address = "198.51.100.2/24", vlan = 7 }"#;
    let untagged = set(json!({"address": "198.51.100.2/24", "vlan": null, "port": "up"}));
    assert_eq!(untagged, text(&[(tagged, plain)]));
    let other = set(json!({"address": "198.51.100.2/24", "vlan": 8}));
    assert_eq!(other, text(&[("vlan = 7", "vlan = 8")]));
    // The tunnel that ends there, and the gateway on its link, go along.
    let moved = set(json!({"address": "198.51.100.2/24", "port": "dmz"}));
    let dmz = format!("device = \"d2\"\naddresses = [{tagged}]");
    let gone = format!(", {tagged}");
    assert_eq!(moved, text(&[(&gone, ""), ("device = \"d2\"", &dmz)]));
    assert!(moved.ports[2].addresses.len() == 1 && moved.ports[0].addresses.len() == 1);
}

#[test]
fn an_address_that_others_rest_on_is_set_only_as_they_can_bear() {
    let lost = refusal("addr.set", json!({"address": "198.51.100.2/31"}));
    assert!(
        lost.starts_with("port.addresses: gateway 198.51.100.1 of the route to 203.0.113.0/24"),
        "{lost}"
    );
    let absent = refusal("addr.set", json!({"address": "192.0.2.3/24"}));
    assert_eq!(
        absent,
        "addr.address: 192.0.2.3 is no address of the switch\n  \
         allowed: one that is there: see addr show; addr add makes one\n  did you mean `192.0.2.2`?"
    );
    let port = refusal(
        "addr.set",
        json!({"address": "192.0.2.2/24", "port": "dmx"}),
    );
    assert!(port.contains("did you mean `dmz`?"), "{port}");
    let member = refusal("addr.set", json!({"address": "192.0.2.2/24", "vlna": 7}));
    assert!(member.contains("did you mean `vlan`?"), "{member}");
}

#[test]
fn a_route_gets_other_gateways_if_it_is_there() {
    let words = json!({"to": "203.0.113.0/24", "via": ["192.0.2.9", "192.0.2.8"]});
    let via = ("via = \"198.51.100.1\"", "via = ['192.0.2.9', '192.0.2.8']");
    assert_eq!(after(&[("route.set", words)]), text(&[via]));
    let absent = refusal(
        "route.set",
        json!({"to": "203.0.112.0/24", "via": "192.0.2.9"}),
    );
    assert_eq!(
        absent,
        "route.to: there is no route to 203.0.112.0/24\n  \
         allowed: the network of a route: route add makes one\n  did you mean `203.0.113.0/24`?"
    );
    let gateway = refusal(
        "route.set",
        json!({"to": "203.0.113.0/24", "via": "10.0.0.1"}),
    );
    assert!(gateway.starts_with("route.via: "), "{gateway}");
}

#[test]
fn a_station_is_set_and_what_is_not_said_of_its_place_stays() {
    let set = |mac: &str, more: Value| {
        let mut words = json!({"bridge": "br10", "mac": mac});
        let all = words.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        after(&[("fdb.set", words)])
    };
    let lan = "02:00:00:00:00:01";
    let far = "02:00:00:00:00:02";
    let other = set(far, json!({"remote": "192.0.2.4"}));
    assert_eq!(other, text(&[("192.0.2.9", "192.0.2.4")]));
    assert_eq!(set(far, json!({"tunnel": "vx10"})), base());
    let to_port = ("tunnel = \"vx10\"\nremote = \"192.0.2.9\"", "port = 'lan'");
    assert_eq!(set(far, json!({"port": "lan"})), text(&[to_port]));
    let away = json!({"tunnel": "vx10", "remote": "192.0.2.3"});
    let to_tunnel = ("port = \"lan\"", "tunnel = 'vx10'\nremote = '192.0.2.3'");
    assert_eq!(set(lan, away), text(&[to_tunnel]));
}

#[test]
fn a_station_without_an_entry_is_not_set() {
    let words = |bridge: &str, mac: &str| json!({"bridge": bridge, "mac": mac, "port": "lan"});
    let absent = refusal("fdb.set", words("br10", "02:00:00:00:00:03"));
    assert!(
        absent.starts_with("fdb.mac: 02:00:00:00:00:03 has no static entry in bridge br10\n")
            && absent.contains("fdb add makes one"),
        "{absent}"
    );
    let bridge = refusal("fdb.set", words("br11", "02:00:00:00:00:01"));
    assert!(
        bridge.starts_with("fdb.bridge: ") && bridge.contains("br10"),
        "{bridge}"
    );
    // A port has no remote.
    let half = json!({"bridge": "br10", "mac": "02:00:00:00:00:01", "remote": "192.0.2.3"});
    assert!(base().edited(&edit("fdb.set", half)).is_err());
}
