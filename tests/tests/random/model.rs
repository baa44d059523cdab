//! What is wanted, as plain as can be, and commands that change it.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers that look random (xorshift, of Marsaglia): a failure can be had again by its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.below(words.len() as u64) as usize;
        words[at]
    }
}

/// What is wanted, beside port `up`, which has the address of all tunnels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    /// MTUs of ports.
    pub(crate) ports: BTreeMap<String, u64>,
    /// Bridges by name: how long stations live, and the ports, whose order means nothing.
    pub(crate) bridges: BTreeMap<String, (u64, BTreeSet<String>)>,
    /// The bridges of tunnels.
    pub(crate) tunnels: BTreeMap<String, String>,
    /// The ports of static entries, by bridge and station.
    pub(crate) fdb: BTreeMap<(String, String), String>,
    /// The next hops of routes, by network.
    pub(crate) routes: BTreeMap<String, String>,
    /// The stations of neighbours, by address.
    pub(crate) neighbours: BTreeMap<String, String>,
}

impl Model {
    fn holds(&self, bridge: &str, port: &str) -> bool {
        let members = self.bridges.get(bridge).map(|(_, ports)| ports);
        members.is_some_and(|ports| ports.contains(port))
    }

    fn leave(&mut self, port: &str) {
        for (_, ports) in self.bridges.values_mut() {
            ports.remove(port);
        }
    }

    /// Entries go with what they lead to.
    fn settled(mut self) -> Self {
        let now = self.clone();
        self.fdb.retain(|(bridge, _), port| now.holds(bridge, port));
        self
    }
}

/// What is wanted, and what was before the last change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) now: Model,
    pub(crate) before: Option<Model>,
}

impl Kept {
    /// What is kept once `next` is wanted.
    pub(crate) fn then(&self, next: Model) -> Self {
        if next == self.now {
            return self.clone();
        }
        Kept {
            now: next,
            before: Some(self.now.clone()),
        }
    }
}

/// A command, and what is wanted after it; `None` if it has to be refused.
pub(crate) fn command(random: &mut Random, kept: &Kept) -> (String, Option<Model>) {
    let mut next = kept.now.clone();
    let (line, fits) = match random.below(14) {
        0 => return ("config rollback".to_owned(), kept.before.clone()),
        1..=3 => bridge(random, &mut next),
        4 | 5 => member(random, &mut next),
        6 | 7 => tunnel(random, &mut next),
        8 | 9 => entry(random, &mut next),
        10 | 11 => port(random, &mut next),
        12 => route(random, &mut next),
        _ => neighbour(random, &mut next),
    };
    (line, fits.then(|| next.settled()))
}

fn a_bridge(random: &mut Random) -> String {
    format!("br{}", random.below(4))
}

fn a_port(random: &mut Random) -> String {
    random.one_of(&["a", "b", "c", "d"]).to_owned()
}

fn bridge(random: &mut Random, next: &mut Model) -> (String, bool) {
    let bridge = a_bridge(random);
    let ageing = 1 + random.below(900);
    let known = next.bridges.get_mut(&bridge);
    match (random.below(3), known) {
        (0, None) => {
            next.bridges
                .insert(bridge.clone(), (ageing, BTreeSet::new()));
            (format!("bridge add {bridge} ageing {ageing}"), true)
        }
        (0, Some(_)) => (format!("bridge add {bridge} ageing {ageing}"), false),
        (1, known) => {
            let fits = known.map(|(old, _)| *old = ageing).is_some();
            (format!("bridge set {bridge} ageing {ageing}"), fits)
        }
        _ => {
            let known = next.bridges.remove(&bridge).is_some();
            let used = next.tunnels.values().any(|of| *of == bridge);
            (format!("bridge del {bridge}"), known && !used)
        }
    }
}

fn member(random: &mut Random, next: &mut Model) -> (String, bool) {
    let (bridge, port) = (a_bridge(random), a_port(random));
    let there = next.ports.contains_key(&port);
    next.leave(&port);
    if random.below(3) == 0 {
        return (format!("port set {port} nobridge"), there);
    }
    let known = next.bridges.get_mut(&bridge);
    let fits = there && known.is_some();
    if let Some((_, ports)) = known {
        ports.insert(port.clone());
    }
    (format!("port set {port} bridge {bridge}"), fits)
}

/// `c` and `d` come and go.
fn port(random: &mut Random, next: &mut Model) -> (String, bool) {
    let port = a_port(random);
    let mtu = 1000 + random.below(501);
    let known = next.ports.get_mut(&port);
    match (random.below(3), port.as_str(), known) {
        (0, "c" | "d", known) => {
            let number = if port == "c" { 3 } else { 4 };
            let line = format!("port add {port} device net_null{number},no-rx=1 mtu {mtu}");
            let fits = known.is_none();
            next.ports.insert(port, mtu);
            (line, fits)
        }
        (1, "c" | "d", known) => {
            let fits = known.is_some();
            next.ports.remove(&port);
            next.leave(&port);
            (format!("port del {port}"), fits)
        }
        (_, _, known) => {
            let fits = known.map(|old| *old = mtu).is_some();
            (format!("port set {port} mtu {mtu}"), fits)
        }
    }
}

fn tunnel(random: &mut Random, next: &mut Model) -> (String, bool) {
    let bridge = a_bridge(random);
    let number = random.below(4);
    let name = format!("vx{number}");
    if random.below(2) == 0 {
        let known = next.tunnels.remove(&name).is_some();
        return (format!("vxlan del {name}"), known);
    }
    let before = next.tunnels.insert(name.clone(), bridge.clone());
    let fits = before.is_none() && next.bridges.contains_key(&bridge);
    let words = format!("vxlan add {name} bridge {bridge} vni {number} local 192.0.2.254");
    (words, fits)
}

fn entry(random: &mut Random, next: &mut Model) -> (String, bool) {
    let bridge = a_bridge(random);
    let mac = format!("02:00:00:00:00:0{}", random.below(3));
    let key = (bridge.clone(), mac.clone());
    let verb = random.one_of(&["add", "replace", "del"]);
    if verb == "del" {
        let known = next.fdb.remove(&key).is_some();
        return (format!("fdb del {mac} bridge {bridge}"), known);
    }
    let port = a_port(random);
    let before = next.fdb.insert(key, port.clone());
    let fits = next.holds(&bridge, &port) && (verb == "replace" || before.is_none());
    (
        format!("fdb {verb} {mac} bridge {bridge} port {port}"),
        fits,
    )
}

fn route(random: &mut Random, next: &mut Model) -> (String, bool) {
    let to = format!("10.{}.0.0/16", random.below(3));
    let via = format!("192.0.2.{}", 1 + random.below(3));
    let line = format!("{to} via {via}");
    let (verb, fits) = change(random, &mut next.routes, to.clone(), via);
    match verb {
        "del" => (format!("route del {to}"), fits),
        verb => (format!("route {verb} {line}"), fits),
    }
}

fn neighbour(random: &mut Random, next: &mut Model) -> (String, bool) {
    let address = format!("192.0.2.{}", 1 + random.below(3));
    let mac = format!("02:00:00:00:01:0{}", random.below(3));
    let line = format!("{address} lladdr {mac} dev up");
    let (verb, fits) = change(random, &mut next.neighbours, address.clone(), mac);
    match verb {
        "del" => (format!("neigh del {address} dev up"), fits),
        verb => (format!("neigh {verb} {line}"), fits),
    }
}

/// Adds, replaces or deletes one of a kind.
fn change(
    random: &mut Random,
    all: &mut BTreeMap<String, String>,
    key: String,
    value: String,
) -> (&'static str, bool) {
    let verb = random.one_of(&["add", "replace", "del"]);
    let before = match verb {
        "del" => all.remove(&key),
        _ => all.insert(key, value),
    };
    let fits = match verb {
        "add" => before.is_none(),
        "del" => before.is_some(),
        _ => true,
    };
    (verb, fits)
}
