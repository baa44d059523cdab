//! Bridges, as clients see them.

use super::State;
use crate::api::messages as api;
use crate::config::Name;
use fastpath::io::Io;

impl<I: Io> State<I> {
    /// As they are wanted, in the order of the configuration.
    pub(super) fn show_bridges(&self) -> Vec<api::Bridge> {
        let wanted = self.wanted.bridges.iter();
        let shown = wanted.map(|bridge| {
            let tunnels = self.wanted.tunnels.iter();
            let tunnels = tunnels.filter(|tunnel| tunnel.bridge == bridge.name);
            let id = self.bridges.by_name(bridge.name);
            let statics = id.map_or(0, |id| self.fdb.counters_of(id).statics());
            api::Bridge {
                name: bridge.name.to_string(),
                ports: bridge.ports.iter().map(Name::to_string).collect(),
                tunnels: tunnels.map(|tunnel| tunnel.name.to_string()).collect(),
                ageing: bridge.ageing.as_secs(),
                learning: bridge.learning,
                static_entries: usize::try_from(statics).unwrap_or(usize::MAX),
            }
        });
        shown.collect()
    }
}
