//! Bridges.

use super::draft::{Draft, Kind, is};
use super::words::{Words, over};
use crate::config::file::read_bridge;

impl Draft<'_> {
    pub(super) fn bridge_add(&mut self, words: &Words) -> Option<()> {
        let table = self.read(Kind::Bridge.prefix(), words, read_bridge);
        self.file.bridges.push(table);
        Some(())
    }

    pub(super) fn bridge_set(&mut self, words: &Words) -> Option<()> {
        let at = self.find(Kind::Bridge, words)?;
        let before = self.before.bridges.get(at)?;
        let all = over(before.settings(), words);
        let mut table = self.read(Kind::Bridge.prefix(), &all, read_bridge);
        let now = self.file.bridges.get_mut(at)?;
        if !words.contains_key("ports") {
            table.ports = std::mem::take(&mut now.ports);
        }
        *now = table;
        Some(())
    }

    pub(super) fn bridge_del(&mut self, words: &Words) -> Option<()> {
        let at = self.find_only(Kind::Bridge, words)?;
        let gone = self.file.bridges.remove(at).name?;
        let tunnels = self.file.tunnels.iter();
        let inside = tunnels.filter(|tunnel| is(&tunnel.bridge, &gone.value));
        let inside: Vec<&str> = inside
            .filter_map(|tunnel| Some(tunnel.name.as_ref()?.value.as_str()))
            .collect();
        if !inside.is_empty() {
            let few = inside
                .iter()
                .take(8)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            let more = match inside.len().saturating_sub(8) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let text = format!("tunnels are in {}: {few}{more}", gone.value);
            let allowed = "a bridge without tunnels: vxlan set or vxlan del first";
            self.refuse("bridge.name", text, allowed);
        }
        Some(())
    }
}
