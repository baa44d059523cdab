//! What is refused, in which words.

use super::*;

/// Each line of `expected` is told about the command, and nothing is changed.
fn refused(name: &str, words: Value, expected: &str) {
    let told = match base().edited(&edit(name, words.clone())) {
        Ok(_) => panic!("{name} {words} is done"),
        Err(errors) => errors.to_string(),
    };
    assert_eq!(told, expected, "{name} {words}");
}

#[test]
fn a_value_is_refused_as_in_a_file() {
    refused(
        "port.add",
        json!({"name": "new", "device": "d3", "mtu": 20000, "bridge": "br20"}),
        "port.mtu: 20000 is out of range\n  allowed: a number from 68 to 9600",
    );
    refused(
        "port.set",
        json!({"name": "lan", "mtuu": 1500}),
        "port.mtuu: is no key that is known here\n  allowed: name, device, mtu, addresses, local, \
         promiscuous, rx_checksum, offload, rx_queues, rx_workers, tx_queues, rx_descriptors, \
         tx_descriptors\n  did you mean `mtu`?",
    );
    refused(
        "vxlan.add",
        json!({"name": "vx", "bridge": "br10", "vni": -1, "local": "192.0.2.2", "df": 1.5}),
        "tunnel.vni: -1 is out of range\n  allowed: a number from 0 to 16777215\n\
         tunnel.df: a number with a fraction cannot stand here\n  \
         allowed: \"set\", \"unset\", \"inherit\"",
    );
    refused(
        "port.set",
        json!({"name": "lan", "offload": "on"}),
        "port.offload: `on` is not allowed\n  \
         allowed: \"off\", \"auto\", \"t1\", \"t2\", \"t3\"",
    );
    refused("port.add", json!({"name": "x"}), "port.device: is missing");
}

#[test]
fn what_is_there_is_not_added() {
    refused(
        "port.add",
        json!({"name": "lan", "device": "d9"}),
        "port.name: `lan` is the name of another port",
    );
    refused(
        "bridge.add",
        json!({"name": "br10"}),
        "bridge.name: `br10` is the name of another bridge",
    );
    refused(
        "route.add",
        json!({"to": "203.0.113.0/24", "via": "192.0.2.1"}),
        "route.to: 203.0.113.0/24 is the network of another route\n  \
         allowed: one route for a network: list all gateways in via",
    );
    refused(
        "addr.add",
        json!({"port": "lan", "address": "192.0.2.2/24"}),
        "port.addresses: 192.0.2.2 is given to a port already",
    );
    refused(
        "vxlan.remote_add",
        json!({"name": "vx10", "address": "192.0.2.3"}),
        "tunnel.remotes: 192.0.2.3 is a remote of this tunnel already",
    );
    refused(
        "fdb.add",
        json!({"bridge": "br10", "mac": "02:00:00:00:00:01", "port": "lan"}),
        "fdb.mac: 02:00:00:00:00:01 has an entry in bridge br10 already\n  \
         allowed: an address without an entry: fdb replace, or fdb del first",
    );
}

#[test]
fn what_is_not_there_is_neither_set_nor_removed() {
    let ports = "port.name: there is no port `lam`\n  allowed: up, lan, dmz\n  did you mean `lan`?";
    refused("port.set", json!({"name": "lam", "mtu": 1500}), ports);
    refused("port.del", json!({"name": "lam"}), ports);
    let bridges = "bridge.name: there is no bridge `br1`\n  allowed: br10, br20\n  \
                   did you mean `br10`?";
    refused("bridge.del", json!({"name": "br1"}), bridges);
    refused("bridge.set", json!({"name": "br1"}), bridges);
    let tunnels = "tunnel.name: there is no tunnel `x`\n  allowed: vx10";
    refused("vxlan.del", json!({"name": "x"}), tunnels);
    refused(
        "vxlan.remote_add",
        json!({"name": "x", "address": "192.0.2.3"}),
        tunnels,
    );
    refused(
        "route.del",
        json!({"to": "203.0.114.0/24"}),
        "route.to: there is no route to 203.0.114.0/24\n  allowed: the network of a route\n  \
         did you mean `203.0.113.0/24`?",
    );
    refused(
        "addr.del",
        json!({"port": "up", "address": "192.0.2.3/24"}),
        "port.addresses: 192.0.2.3/24 is no address of port up\n  \
         allowed: 192.0.2.2/24, 198.51.100.2/24 vlan 7\n  did you mean `192.0.2.2/24`?",
    );
    refused(
        "vxlan.remote_del",
        json!({"name": "vx10", "address": "192.0.2.5"}),
        "tunnel.remotes: 192.0.2.5 is no remote of this tunnel\n  \
         allowed: one of its remotes: see vxlan show\n  did you mean `192.0.2.3`?",
    );
    refused(
        "fdb.del",
        json!({"bridge": "br10", "mac": "02:00:00:00:00:09"}),
        "fdb.mac: 02:00:00:00:00:09 has no static entry in bridge br10\n  \
         allowed: an address that has one: see fdb show\n  did you mean `02:00:00:00:00:01`?",
    );
    refused("fdb.flush_static", json!({"bridge": "br1"}), bridges);
    refused(
        "port.set",
        json!({"name": "lan", "bridge": "br1"}),
        &bridges.replace("bridge.name", "port.bridge"),
    );
}

#[test]
fn what_others_rest_on_stays() {
    let local = "port.addresses: 192.0.2.2 of port up is the local of tunnel vx10\n  \
                 allowed: an address that no tunnel has as its local: vxlan set or vxlan del first";
    refused(
        "addr.del",
        json!({"port": "up", "address": "192.0.2.2/24"}),
        local,
    );
    let only = json!({"name": "up", "addresses": ["198.51.100.9/24"]});
    refused("port.set", only, local);
    let route = "port.addresses: gateway 198.51.100.1 of the route to 203.0.113.0/24 is on a link \
                 of port up\n  allowed: a link on which no route has a gateway: route replace or \
                 route del first";
    let tagged = json!({"port": "up", "address": "198.51.100.2/24", "vlan": 7});
    refused("addr.del", tagged, route);
    refused(
        "port.del",
        json!({"name": "up"}),
        &format!("{local}\n{route}"),
    );
    refused(
        "bridge.del",
        json!({"name": "br10"}),
        "bridge.name: tunnels are in br10: vx10\n  \
         allowed: a bridge without tunnels: vxlan set or vxlan del first",
    );
    let set = edit("port.set", json!({"name": "up", "local": "dmz"}));
    let served = base().edited(&set).unwrap();
    let told = served.edited(&edit("port.del", json!({"name": "dmz"})));
    assert_eq!(
        told.unwrap_err().to_string(),
        "port.name: dmz is the local of port up\n  allowed: a port that is no other port's local"
    );
}

#[test]
fn neighbours_are_refused_in_words() {
    let set = json!({"port": "up", "address": "192.0.2.1", "mac": "02:00:00:00:01:01"});
    let before = base().edited(&edit("neigh.add", set)).unwrap();
    let told = |name: &str, words: Value| {
        let told = before.edited(&edit(name, words)).unwrap_err();
        told.to_string()
    };
    let again = json!({"port": "up", "address": "192.0.2.1", "mac": "02:00:00:00:01:09"});
    assert_eq!(
        told("neigh.add", again.clone()),
        "neighbour.address: 192.0.2.1 is a neighbour of port up already\n  \
         allowed: each neighbour of a link once"
    );
    assert_eq!(
        told("neigh.del", again),
        "neighbour.mac: 02:00:00:00:01:09 is not that of 192.0.2.1, which is 02:00:00:00:01:01\n  \
         allowed: its link address, or nothing"
    );
    for (port, vlan, link, near) in [
        ("up", None, "port up", "\n  did you mean `192.0.2.1`?"),
        ("up", Some(7), "port up vlan 7", ""),
        ("lam", None, "port lam", ""),
    ] {
        let words = json!({"port": port, "address": "192.0.2.7", "vlan": vlan});
        let expected = format!(
            "neighbour.address: 192.0.2.7 is no neighbour of {link} that is set\n  \
             allowed: one that is permanent: see neigh show{near}"
        );
        assert_eq!(told("neigh.del", words), expected);
    }
    let tagged = json!({"port": "up", "address": "192.0.2.1", "mac": "02:00:00:00:01:01",
        "vlan": 7});
    assert_eq!(
        told("neigh.replace", tagged),
        "neighbour.address: 192.0.2.1 is on no link of port up vlan 7\n  \
         allowed: another host on 198.51.100.0/24"
    );
    assert_eq!(
        told(
            "neigh.replace",
            json!({"port": "up", "address": "192.0.2.5"})
        ),
        "neighbour.mac: is missing"
    );
    let own = json!({"port": "lan", "address": "192.0.2.1/24"});
    assert_eq!(
        told("addr.add", own),
        "neighbour.address: 192.0.2.1 is our own address\n  \
         allowed: another host on 192.0.2.0/24"
    );
}

/// As long as an address of ours leads to it.
#[test]
fn a_link_stays_while_neighbours_on_it_are_set() {
    let wanted = [
        ("addr.add", json!({"port": "lan", "address": "10.0.0.1/8"})),
        ("addr.add", json!({"port": "lan", "address": "10.0.0.2/8"})),
        (
            "neigh.add",
            json!({"port": "lan", "address": "10.0.0.9", "mac": "02:00:00:00:01:01"}),
        ),
        ("addr.del", json!({"port": "lan", "address": "10.0.0.1/8"})),
    ];
    let wanted = wanted.iter().fold(base(), |wanted, (name, words)| {
        wanted.edited(&edit(name, words.clone())).unwrap()
    });
    let expected = "port.addresses: neighbour 10.0.0.9 is on a link of port lan\n  \
                    allowed: a link on which no neighbour is set: neigh del first";
    let on_vlan = json!([{"address": "10.0.0.2/8", "vlan": 5}]);
    for (name, words) in [
        ("addr.del", json!({"port": "lan", "address": "10.0.0.2/8"})),
        ("port.set", json!({"name": "lan", "addresses": []})),
        ("port.set", json!({"name": "lan", "addresses": on_vlan})),
        (
            "port.set",
            json!({"name": "lan", "addresses": ["10.0.0.2/30"]}),
        ),
    ] {
        let told = wanted.edited(&edit(name, words)).unwrap_err();
        assert_eq!(told.to_string(), expected);
    }
    let other = json!({"name": "lan", "addresses": ["10.0.0.3/24"]});
    assert!(wanted.edited(&edit("port.set", other)).is_ok());
}

#[test]
fn rules_between_things_hold() {
    refused(
        "vxlan.add",
        json!({"name": "vx", "bridge": "br30", "vni": 11, "local": "192.0.2.9"}),
        "tunnel.bridge: there is no bridge `br30`\n  allowed: br10, br20\n  did you mean `br10`?\n\
         tunnel.local: 192.0.2.9 is not an address of a port\n  \
         allowed: an address of a port: 192.0.2.2, 198.51.100.2\n  did you mean `192.0.2.2`?",
    );
    refused(
        "fdb.add",
        json!({"bridge": "br10", "mac": "02:00:00:00:00:03", "port": "dmz"}),
        "fdb.port: dmz is not in bridge br10\n  allowed: a port or a tunnel of the entry's bridge",
    );
    refused(
        "fdb.replace",
        json!({"bridge": "br10", "mac": "02:00:00:00:00:01", "tunnel": "vx10", "remote": "224.0.0.1"}),
        "fdb.remote: 224.0.0.1 is not a unicast address\n  allowed: the address of another host",
    );
    refused(
        "fdb.del",
        json!({"bridge": "br10", "mac": "02:00:00:00:00:02", "port": "lan"}),
        "fdb.mac: 02:00:00:00:00:02 leads elsewhere in bridge br10\n  \
         allowed: where it leads, or nothing: see fdb show",
    );
    refused(
        "switch.set",
        json!({"fdb_entries": 1}),
        "fdb: is one of more than 1 entries, the value of switch.fdb_entries",
    );
}
