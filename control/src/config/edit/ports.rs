//! Ports and their addresses.

use super::draft::{Draft, Kind, is};
use super::words::{Words, over};
use crate::config::file::{NOWHERE, at, read_own, read_port};
use crate::config::model::{Address, Port};
use crate::config::neighbour::{Link, Neighbour};
use crate::config::prefix::Prefix;
use crate::config::report::{At, Problem};
use crate::config::section::Field;
use crate::config::{Route, Tunnel};
use serde_json::Value;

/// The bridge that a port is in: not a key of its table.
const BRIDGE: &str = "bridge";

impl Draft<'_> {
    pub(super) fn port_add(&mut self, words: &Words) -> Option<()> {
        let mut own = words.clone();
        let bridge = own.remove(BRIDGE);
        let table = self.read(Kind::Port.prefix(), &own, read_port);
        let name = table.name.clone()?;
        self.file.ports.push(table);
        self.member(&name.value, bridge)
    }

    pub(super) fn port_set(&mut self, words: &Words) -> Option<()> {
        let at = self.find(Kind::Port, words)?;
        let mut own = words.clone();
        let bridge = own.remove(BRIDGE);
        let before = self.before.ports.get(at)?;
        let all = over(before.settings(), &own);
        let mut table = self.read(Kind::Port.prefix(), &all, read_port);
        let now = self.file.ports.get_mut(at)?;
        if !words.contains_key("addresses") {
            table.addresses = std::mem::take(&mut now.addresses);
            table.underlay = now.underlay;
        }
        *now = table;
        self.check_lost(at);
        self.check_neighbours(at);
        self.member(before.name.as_str(), bridge)
    }

    /// Puts a port into the bridge that is named, or in none if it is `null`.
    fn member(&mut self, port: &str, bridge: Option<Value>) -> Option<()> {
        let Some(bridge) = bridge else {
            return Some(());
        };
        if bridge.is_null() {
            self.leave(port);
            return Some(());
        }
        let words = Words::from_iter([(BRIDGE.to_owned(), bridge)]);
        let name = self.read(Kind::Port.prefix(), &words, |mut section| {
            section.require(BRIDGE).and_then(Field::text)
        });
        let name = name?;
        let joined = self.place(Kind::Bridge, "port.bridge", &name)?;
        let table = self.file.bridges.get(joined)?;
        if !table.ports.iter().any(|member| member.value == port) {
            self.leave(port);
            let table = self.file.bridges.get_mut(joined)?;
            table.ports.push(at(port.to_owned()));
        }
        Some(())
    }

    pub(super) fn port_del(&mut self, words: &Words) -> Option<()> {
        let at = self.find_only(Kind::Port, words)?;
        let gone = self.file.ports.remove(at).name?;
        let user = self.file.ports.iter().find(|t| is(&t.local, &gone.value));
        if let Some(user) = user.and_then(|user| user.name.as_ref()) {
            let text = format!("{} is the local of port {}", gone.value, user.value);
            self.refuse("port.name", text, "a port that is no other port's local");
        }
        self.check_lost(at);
        self.lose_neighbours(&gone.value);
        self.leave(&gone.value);
        Some(())
    }

    pub(super) fn addr_add(&mut self, words: &Words) -> Option<()> {
        let (at, address) = self.address(words)?;
        let table = self.file.ports.get_mut(at)?;
        table.underlay = true;
        table.addresses.push(address);
        Some(())
    }

    pub(super) fn addr_set(&mut self, words: &Words) -> Option<()> {
        let (port, new) = self.address_of(words, false);
        let mut new = new?;
        let (from, place) = self.own(new.value.prefix)?;
        let to = match port {
            Some(name) => self.place(Kind::Port, "addr.port", &name)?,
            None => from,
        };
        let before = self.file.ports.get_mut(from)?;
        let old = before.addresses.remove(place);
        before.underlay = !before.addresses.is_empty();
        if !words.contains_key("vlan") {
            new.value.vlan = old.value.vlan;
        }
        let after = self.file.ports.get_mut(to)?;
        let place = if to == from {
            place
        } else {
            after.addresses.len()
        };
        after.addresses.insert(place, new);
        after.underlay = true;
        self.check_lost(from);
        Some(())
    }

    /// The port, and the place there, of our own address that is this one, whatever its prefix.
    fn own(&self, wanted: Prefix) -> Option<(usize, usize)> {
        let address = wanted.address();
        let ports = self.file.ports.iter().enumerate();
        let mut own = ports.flat_map(|(port, table)| {
            let own = table.addresses.iter().enumerate();
            own.map(move |(place, own)| (port, place, own.value.prefix.address()))
        });
        if let Some((port, place, _)) = own.find(|(.., own)| *own == address) {
            return Some((port, place));
        }
        let ports = self.file.ports.iter();
        let own = ports.flat_map(|table| table.addresses.iter().map(|own| own.value.prefix));
        let names: Vec<String> = own.map(|own| own.address().to_string()).collect();
        let text = format!("{address} is no address of the switch");
        let problem = Problem::new(&NOWHERE, "addr.address", text);
        let problem = problem.allowed("one that is there: see addr show; addr add makes one");
        let near = names.iter().map(String::as_str);
        self.report.add(problem.nearest(&address.to_string(), near));
        None
    }

    pub(super) fn addr_del(&mut self, words: &Words) -> Option<()> {
        let (at, address) = self.address(words)?;
        let Address { prefix, vlan } = address.value;
        let table = self.file.ports.get_mut(at)?;
        let same = |own: &Address| own.prefix == prefix && own.vlan == vlan;
        let Some(found) = table.addresses.iter().position(|own| same(&own.value)) else {
            let own = table.addresses.iter().map(|own| shown(&own.value));
            let own: Vec<String> = own.collect();
            let port = self.before.ports.get(at)?.name;
            let text = format!("{} is no address of port {port}", shown(&address.value));
            let allowed = match own.len() {
                0 => "none, as it has no address".to_owned(),
                _ => own.join(", "),
            };
            let names = own.iter().map(String::as_str);
            let problem = Problem::new(&NOWHERE, "port.addresses", text).allowed(allowed);
            let problem = problem.nearest(&shown(&address.value), names);
            self.report.add(problem);
            return None;
        };
        table.addresses.remove(found);
        table.underlay = !table.addresses.is_empty();
        self.check_lost(at);
        self.check_neighbours(at);
        Some(())
    }

    /// The place of `port`, and the address that the other words say.
    fn address(&self, words: &Words) -> Option<(usize, At<Address>)> {
        let (name, address) = self.address_of(words, true);
        let at = self.place(Kind::Port, "addr.port", &name?)?;
        Some((at, address?))
    }

    /// What is said of a port, which `must` be said or not, and of an address.
    fn address_of(&self, words: &Words, must: bool) -> (Option<At<String>>, Option<At<Address>>) {
        let mut own = words.clone();
        let name = own.remove("port");
        let mut all = Words::new();
        all.extend(name.map(|name| ("port".to_owned(), name)));
        all.insert("addresses".to_owned(), Value::Object(own));
        self.read("addr.", &all, |mut section| {
            let name = match must {
                true => section.require("port"),
                false => section.get("port"),
            };
            let name = name.and_then(Field::text);
            (name, section.require("addresses").and_then(read_own))
        })
    }

    /// Reports what rested on addresses that the port at this place had before and has no more.
    fn check_lost(&self, at: usize) {
        let Some(before) = self.before.ports.get(at) else {
            return;
        };
        let tables = self.file.ports.iter();
        let own: Vec<Prefix> = tables
            .flat_map(|table| table.addresses.iter().map(|own| own.value.prefix))
            .collect();
        let has = |prefix: Prefix| own.iter().any(|own| own.address() == prefix.address());
        for lost in before.addresses.iter().filter(|lost| !has(lost.prefix)) {
            self.check_tunnels(before, lost.prefix);
        }
        // Where the links are the same, no route can have lost its gateway.
        let links = |all: &[Prefix], link: Prefix| all.iter().any(|own| own.masked() == link);
        let mut lost = before.addresses.iter().map(|own| own.prefix.masked());
        if lost.any(|link| !links(&own, link)) {
            self.check_routes(before, &own);
        }
    }

    fn check_tunnels(&self, port: &Port, lost: Prefix) {
        let rests = |tunnel: &&Tunnel| tunnel.local == lost.address();
        if let Some(tunnel) = self.before.tunnels.iter().find(rests) {
            let (address, port) = (lost.address(), port.name);
            let text = format!(
                "{address} of port {port} is the local of tunnel {}",
                tunnel.name
            );
            let allowed =
                "an address that no tunnel has as its local: vxlan set or vxlan del first";
            self.refuse("port.addresses", text, allowed);
        }
    }

    fn check_routes(&self, port: &Port, own: &[Prefix]) {
        let was = |via| port.addresses.iter().any(|own| own.prefix.contains(via));
        let is = |via| own.iter().any(|link| link.contains(via));
        let lost = |route: &Route| {
            route
                .via
                .iter()
                .find(|via| was(**via) && !is(**via))
                .copied()
        };
        let mut routes = self.before.routes.iter();
        if let Some((route, via)) = routes.find_map(|route| Some((route, lost(route)?))) {
            let text = format!(
                "gateway {via} of the route to {} is on a link of port {}",
                route.to, port.name
            );
            let allowed =
                "a link on which no route has a gateway: route replace or route del first";
            self.refuse("port.addresses", text, allowed);
        }
    }

    /// Reports a neighbour of the port at this place that is on no link of it any more.
    fn check_neighbours(&self, at: usize) {
        let Some((before, table)) = self.before.ports.get(at).zip(self.file.ports.get(at)) else {
            return;
        };
        let lost = |neighbour: &&Neighbour| {
            let mut own = table.addresses.iter().map(|own| own.value);
            let contains = |own: Address| own.prefix.contains(neighbour.address);
            neighbour.port == before.name
                && !own.any(|own| own.vlan == neighbour.vlan && contains(own))
        };
        if let Some(lost) = self.before.neighbours.iter().find(lost) {
            let (address, link) = (lost.address, Link(before.name.as_str(), lost.vlan));
            let text = format!("neighbour {address} is on a link of {link}");
            let allowed = "a link on which no neighbour is set: neigh del first";
            self.refuse("port.addresses", text, allowed);
        }
    }
}

/// As a command has it.
fn shown(own: &Address) -> String {
    match own.vlan {
        Some(vlan) => format!("{} vlan {}", own.prefix, vlan.get()),
        None => own.prefix.to_string(),
    }
}
