//! Whatever commands come, what is wanted stays sound, and is what a plain model says.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Few enough that commands meet.
const PORTS: [&str; 4] = ["up", "lan", "dmz", "new"];
const BRIDGES: [&str; 3] = ["br10", "br20", "br30"];
const TUNNELS: [&str; 3] = ["vx10", "vx20", "vx30"];

/// The parts of what is wanted that the commands here are about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    /// Each with its MTU.
    ports: BTreeMap<String, u64>,
    /// Those that have an address, but for "up".
    own: BTreeSet<String>,
    bridges: BTreeSet<String>,
    /// The bridge of a port.
    member: BTreeMap<String, String>,
    /// The bridge of a tunnel.
    tunnels: BTreeMap<String, String>,
    /// By port and address, the MACs of neighbours.
    neighbours: BTreeMap<(String, String), String>,
    /// By bridge and MAC, the port or the tunnel.
    fdb: BTreeMap<(String, String), String>,
}

fn model(wanted: &Wanted) -> Model {
    let text = |name: &crate::config::Name| name.to_string();
    let bridges = wanted.bridges.iter();
    let members = bridges.clone().flat_map(|bridge| {
        let ports = bridge.ports.iter();
        ports.map(|port| (text(port), text(&bridge.name)))
    });
    Model {
        ports: wanted
            .ports
            .iter()
            .map(|p| (text(&p.name), p.mtu.into()))
            .collect(),
        own: wanted
            .ports
            .iter()
            .filter(|port| port.is_underlay() && port.name.as_str() != "up")
            .map(|port| text(&port.name))
            .collect(),
        bridges: bridges.map(|bridge| text(&bridge.name)).collect(),
        member: members.collect(),
        tunnels: wanted
            .tunnels
            .iter()
            .map(|t| (text(&t.name), text(&t.bridge)))
            .collect(),
        neighbours: wanted
            .neighbours
            .iter()
            .map(|set| {
                (
                    (text(&set.port), set.address.to_string()),
                    set.mac.to_string(),
                )
            })
            .collect(),
        fdb: wanted
            .fdb
            .iter()
            .map(|entry| {
                let to = match &entry.target {
                    crate::config::FdbTarget::Port(port) => text(port),
                    crate::config::FdbTarget::Remote { tunnel, .. } => text(tunnel),
                };
                ((text(&entry.bridge), entry.mac.to_string()), to)
            })
            .collect(),
    }
}

#[derive(Clone, Debug)]
enum Say {
    PortAdd(&'static str, Option<&'static str>),
    PortDel(&'static str),
    Mtu(&'static str, u64),
    Member(&'static str, Option<&'static str>),
    BridgeAdd(&'static str),
    BridgeDel(&'static str),
    TunnelAdd(&'static str, &'static str),
    TunnelSet(&'static str, &'static str),
    TunnelDel(&'static str),
    Fdb(&'static str, &'static str, u8, &'static str),
    /// The address of a port other than "up": it has one, or none.
    Own(&'static str, bool),
    Neigh(&'static str, &'static str, u8, u8),
}

fn say() -> impl Strategy<Value = Say> {
    let port = || prop::sample::select(&PORTS[..]);
    let bridge = || prop::sample::select(&BRIDGES[..]);
    let tunnel = || prop::sample::select(&TUNNELS[..]);
    let target = prop_oneof![port(), tunnel()];
    let verb = prop::sample::select(&["fdb.add", "fdb.set", "fdb.replace", "fdb.del"][..]);
    let neigh = prop::sample::select(&["neigh.add", "neigh.set", "neigh.replace", "neigh.del"][..]);
    prop_oneof![
        3 => (neigh, port(), 1_u8..4, 1_u8..3).prop_map(|(v, p, a, m)| Say::Neigh(v, p, a, m)),
        2 => (port(), any::<bool>()).prop_map(|(p, has)| Say::Own(p, has)),
        1 => (port(), prop::option::of(bridge())).prop_map(|(p, b)| Say::PortAdd(p, b)),
        1 => port().prop_map(Say::PortDel),
        1 => (port(), 60_u64..9700).prop_map(|(p, mtu)| Say::Mtu(p, mtu)),
        1 => (port(), prop::option::of(bridge())).prop_map(|(p, b)| Say::Member(p, b)),
        1 => bridge().prop_map(Say::BridgeAdd),
        1 => bridge().prop_map(Say::BridgeDel),
        1 => (tunnel(), bridge()).prop_map(|(t, b)| Say::TunnelAdd(t, b)),
        1 => (tunnel(), bridge()).prop_map(|(t, b)| Say::TunnelSet(t, b)),
        1 => tunnel().prop_map(Say::TunnelDel),
        4 => (verb, bridge(), 1_u8..4, target).prop_map(|(v, b, m, t)| Say::Fdb(v, b, m, t)),
    ]
}

fn mac(number: u8) -> String {
    format!("02:00:00:00:00:{number:02x}")
}

/// The network of a port, which has the first address there.
fn network(port: &str) -> String {
    match PORTS.iter().position(|known| *known == port) {
        Some(0) => "192.0.2".to_owned(),
        at => format!("10.0.{}", at.unwrap()),
    }
}

impl Say {
    fn edit(&self) -> Edit {
        match *self {
            Say::PortAdd(name, bridge) => edit(
                "port.add",
                json!({"name": name, "device": name, "bridge": bridge}),
            ),
            Say::PortDel(name) => edit("port.del", json!({"name": name})),
            Say::Mtu(name, mtu) => edit("port.set", json!({"name": name, "mtu": mtu})),
            Say::Member(name, to) => edit("port.set", json!({"name": name, "bridge": to})),
            Say::BridgeAdd(name) => edit("bridge.add", json!({"name": name})),
            Say::BridgeDel(name) => edit("bridge.del", json!({"name": name})),
            Say::TunnelAdd(name, bridge) => {
                let vni = TUNNELS.iter().position(|t| *t == name).unwrap() * 10 + 10;
                let words =
                    json!({"name": name, "bridge": bridge, "vni": vni, "local": "192.0.2.2"});
                edit("vxlan.add", words)
            }
            Say::TunnelSet(name, to) => edit("vxlan.set", json!({"name": name, "bridge": to})),
            Say::TunnelDel(name) => edit("vxlan.del", json!({"name": name})),
            Say::Own(name, has) => {
                let own = [format!("{}.1/24", network(name))];
                let own = &own[..usize::from(has)];
                edit("port.set", json!({"name": name, "addresses": own}))
            }
            Say::Neigh(verb, port, host, number) => {
                let address = format!("{}.{}", network(port), 10 + host);
                let mut words = json!({"port": port, "address": address});
                if verb != "neigh.del" {
                    words["mac"] = mac(number).into();
                }
                edit(verb, words)
            }
            Say::Fdb(verb, bridge, number, to) => {
                let mut words = json!({"bridge": bridge, "mac": mac(number)});
                if verb != "fdb.del" && PORTS.contains(&to) {
                    words["port"] = to.into();
                } else if verb != "fdb.del" {
                    (words["tunnel"], words["remote"]) = (to.into(), "192.0.2.77".into());
                }
                edit(verb, words)
            }
        }
    }
}

impl Model {
    /// `None` if it is to be refused.
    fn after(&self, say: &Say) -> Option<Model> {
        let mut new = self.clone();
        match say {
            Say::PortAdd(name, bridge) => {
                new.ports
                    .insert((*name).into(), 1500)
                    .is_none()
                    .then_some(())?;
                bridge.map_or(Some(()), |bridge| new.join(name, bridge))?;
            }
            // Tunnels and a route rest on it.
            Say::PortDel("up") => return None,
            Say::PortDel(name) => {
                new.ports.remove(*name)?;
                new.own.remove(*name);
                new.neighbours.retain(|(port, _), _| port != name);
                new.member.remove(*name);
            }
            Say::Mtu(name, mtu) => {
                *new.ports.get_mut(*name)? = *mtu;
                (68..=9600).contains(mtu).then_some(())?;
            }
            Say::Member(name, to) => {
                new.ports.get(*name)?;
                match to {
                    Some(bridge) => new.join(name, bridge)?,
                    None => drop(new.member.remove(*name)),
                }
            }
            Say::BridgeAdd(name) => new.bridges.insert((*name).into()).then_some(())?,
            Say::BridgeDel(name) => {
                new.bridges.remove(*name).then_some(())?;
                let mut tunnels = new.tunnels.values();
                tunnels.all(|bridge| bridge != name).then_some(())?;
                new.member.retain(|_, bridge| bridge != name);
            }
            Say::TunnelAdd(name, bridge) => {
                new.bridges.get(*bridge)?;
                let before = new.tunnels.insert((*name).into(), (*bridge).into());
                before.is_none().then_some(())?;
            }
            Say::TunnelSet(name, bridge) => {
                new.bridges.get(*bridge)?;
                *new.tunnels.get_mut(*name)? = (*bridge).into();
            }
            Say::TunnelDel(name) => drop(new.tunnels.remove(*name)?),
            // Tunnels and a route rest on its own.
            Say::Own("up", _) => return None,
            Say::Own(name, true) => {
                new.ports.get(*name)?;
                new.own.insert((*name).into());
            }
            Say::Own(name, false) => {
                new.ports.get(*name)?;
                let mut all = new.neighbours.keys();
                all.all(|(port, _)| port != name).then_some(())?;
                new.own.remove(*name);
            }
            Say::Neigh(verb, port, host, number) => {
                let address = format!("{}.{}", network(port), 10 + host);
                new.neigh(verb, port, address, mac(*number))?;
            }
            Say::Fdb(verb, bridge, number, to) => {
                let key = ((*bridge).to_owned(), mac(*number));
                if *verb == "fdb.del" {
                    new.fdb.remove(&key)?;
                    return Some(new);
                }
                new.holds(bridge, to).then_some(())?;
                let before = new.fdb.insert(key, (*to).into());
                let fits = match *verb {
                    "fdb.replace" => true,
                    "fdb.set" => before.is_some(),
                    _ => before.is_none(),
                };
                fits.then_some(())?;
            }
        }
        let now = new.clone();
        new.fdb.retain(|(bridge, _), to| now.holds(bridge, to));
        Some(new)
    }

    fn neigh(&mut self, verb: &str, port: &str, address: String, mac: String) -> Option<()> {
        let key = (port.to_owned(), address);
        if verb == "neigh.del" {
            return self.neighbours.remove(&key).map(drop);
        }
        (port == "up" || self.own.contains(port)).then_some(())?;
        let before = self.neighbours.insert(key, mac);
        let fits = match verb {
            "neigh.set" => before.is_some(),
            "neigh.add" => before.is_none(),
            _ => true,
        };
        fits.then_some(())
    }

    fn join(&mut self, port: &str, bridge: &str) -> Option<()> {
        self.bridges.get(bridge)?;
        self.member.insert(port.into(), bridge.into());
        Some(())
    }

    fn holds(&self, bridge: &str, what: &str) -> bool {
        let of = self.member.get(what).or_else(|| self.tunnels.get(what));
        of.is_some_and(|of| of == bridge)
    }
}

proptest! {
    #[test]
    fn any_commands_keep_it_sound_and_mean_what_they_say(all in prop::collection::vec(say(), 1..40)) {
        let mut wanted = base();
        let mut plain = model(&wanted);
        for say in &all {
            match (wanted.edited(&say.edit()), plain.after(say)) {
                (Ok(new), Some(expected)) => {
                    sound(&new);
                    prop_assert_eq!(model(&new), expected.clone(), "{:?}", say);
                    (wanted, plain) = (new, expected);
                }
                (Err(errors), None) => prop_assert!(!errors.errors().is_empty()),
                (Ok(_), None) => prop_assert!(false, "{:?} is done", say),
                (Err(errors), Some(_)) => prop_assert!(false, "{:?}: {}", say, errors),
            }
        }
    }

    /// Parameters that are anything are refused, or make something sound.
    #[test]
    fn no_parameters_make_it_panic(
        at in 0..Command::ALL.len(),
        keys in prop::collection::vec((prop::sample::select(&KEYS[..]), value()), 0..6),
    ) {
        let words = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Ok(wanted) = base().edited(&Edit::Do(Command::ALL[at], words)) {
            sound(&wanted);
        }
    }
}

const KEYS: [&str; 17] = [
    "vlan",
    "name",
    "port",
    "bridge",
    "device",
    "addresses",
    "address",
    "ports",
    "remotes",
    "vni",
    "local",
    "to",
    "via",
    "mac",
    "remote",
    "tunnel",
    "source_ports",
];

fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "up",
        "lan",
        "br10",
        "vx10",
        "192.0.2.2",
        "10.0.0.1/8",
        "02:00:00:00:00:01",
        "",
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0_u64..100).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        3 => prop::sample::select(texts.to_vec()).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&KEYS[..]), inner), 0..4)
                .prop_map(|all| all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}
