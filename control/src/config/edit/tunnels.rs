//! Tunnels and their default remotes.

use super::draft::{Draft, Kind};
use super::words::{Words, over};
use crate::config::file::{NOWHERE, RemoteItem, read_address, read_remote, read_tunnel};
use crate::config::report::{At, Problem};
use crate::config::section::Field;
use serde_json::Value;

impl Draft<'_> {
    pub(super) fn vxlan_add(&mut self, words: &Words) -> Option<()> {
        let table = self.read(Kind::Tunnel.prefix(), words, read_tunnel);
        self.file.tunnels.push(table);
        Some(())
    }

    pub(super) fn vxlan_set(&mut self, words: &Words) -> Option<()> {
        let at = self.find(Kind::Tunnel, words)?;
        let before = self.before.tunnels.get(at)?;
        let all = over(before.settings(), words);
        let mut table = self.read(Kind::Tunnel.prefix(), &all, read_tunnel);
        let now = self.file.tunnels.get_mut(at)?;
        if !words.contains_key("remotes") {
            table.remotes = std::mem::take(&mut now.remotes);
        }
        *now = table;
        Some(())
    }

    pub(super) fn vxlan_del(&mut self, words: &Words) -> Option<()> {
        let at = self.find_only(Kind::Tunnel, words)?;
        self.file.tunnels.remove(at);
        Some(())
    }

    pub(super) fn remote_add(&mut self, words: &Words) -> Option<()> {
        let (at, remote) = self.remote(words)?;
        self.file.tunnels.get_mut(at)?.remotes.push(remote);
        Some(())
    }

    pub(super) fn remote_del(&mut self, words: &Words) -> Option<()> {
        let (name, address) = self.read(Kind::Tunnel.prefix(), words, |mut section| {
            let name = section.require("name").and_then(Field::text);
            let address = section.require("address").and_then(read_address);
            section.finish();
            (name, address)
        });
        let at = self.place(Kind::Tunnel, Kind::Tunnel.key(), &name?)?;
        let address = address?.value;
        let remotes = &mut self.file.tunnels.get_mut(at)?.remotes;
        let same = |remote: &At<RemoteItem>| remote.value.address == address;
        if let Some(found) = remotes.iter().position(same) {
            remotes.remove(found);
            return Some(());
        }
        let names = remotes
            .iter()
            .map(|remote| remote.value.address.to_string());
        let names: Vec<String> = names.take(256).collect();
        let text = format!("{address} is no remote of this tunnel");
        let problem = Problem::new(&NOWHERE, "tunnel.remotes", text);
        let near = names.iter().map(String::as_str);
        let allowed = "one of its remotes: see vxlan show";
        let problem = problem.allowed(allowed).nearest(&address.to_string(), near);
        self.report.add(problem);
        None
    }

    /// The place of the tunnel that `name` names, and the remote that the other words say.
    fn remote(&self, words: &Words) -> Option<(usize, At<RemoteItem>)> {
        let mut own = words.clone();
        let name = own.remove("name");
        let mut all = Words::new();
        all.extend(name.map(|name| ("name".to_owned(), name)));
        all.insert("remotes".to_owned(), Value::Object(own));
        let (name, remote) = self.read(Kind::Tunnel.prefix(), &all, |mut section| {
            let name = section.require("name").and_then(Field::text);
            (name, section.require("remotes").and_then(read_remote))
        });
        let at = self.place(Kind::Tunnel, Kind::Tunnel.key(), &name?)?;
        Some((at, remote?))
    }
}
