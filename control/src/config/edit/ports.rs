//! Ports and their addresses.

use super::draft::{Draft, Kind, is};
use super::words::{Words, over};
use crate::config::file::{NOWHERE, at, read_own, read_port};
use crate::config::model::{Address, Port};
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
        Some(())
    }

    /// The place of `port`, and the address that the other words say.
    fn address(&self, words: &Words) -> Option<(usize, At<Address>)> {
        let mut own = words.clone();
        let name = own.remove("port");
        let mut all = Words::new();
        all.extend(name.map(|name| ("port".to_owned(), name)));
        all.insert("addresses".to_owned(), Value::Object(own));
        let (name, address) = self.read("addr.", &all, |mut section| {
            let name = section.require("port").and_then(Field::text);
            (name, section.require("addresses").and_then(read_own))
        });
        let at = self.place(Kind::Port, "addr.port", &name?)?;
        Some((at, address?))
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
}

/// As a command has it.
fn shown(own: &Address) -> String {
    match own.vlan {
        Some(vlan) => format!("{} vlan {}", own.prefix, vlan.get()),
        None => own.prefix.to_string(),
    }
}
