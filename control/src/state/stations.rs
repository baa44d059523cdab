//! The forwarding table as clients see it: a page at a time, so that a table of a million entries
//! holds up nobody.
//!
//! A page goes by places in the table. An entry keeps its place as long as it lives, and a move is a
//! store there: so who asks for all pages sees each entry that is there throughout exactly once,
//! whatever comes, moves or goes in the meantime.

use super::State;
use crate::api::Refused;
use crate::api::messages::{FdbPage, Learned, Stations};
use crate::config::{Name, no_such};
use crate::tunnels::Tunnels;
use fastpath::fdb::{Destination, FdbEntry};
use fastpath::ids::{BridgeId, TunnelId};
use fastpath::io::Io;
use fastpath::wire::Mac;

/// Most entries of a page. Each is a few texts to allocate: a page takes a fraction of a millisecond.
const ENTRIES: usize = 512;
/// Most places looked at for a page, taken or not.
const PLACES: usize = 16_384;

/// What an entry has to be, in the numbers of the table.
struct Wanted {
    bridge: Option<BridgeId>,
    port: Option<Destination>,
    tunnel: Option<TunnelId>,
}

impl<I: Io> State<I> {
    /// The page of entries that begins at `stations.from`.
    pub(super) fn show_fdb(&self, stations: &Stations) -> Result<FdbPage, Refused> {
        let wanted = self.wanted_stations(stations)?;
        if let Some(mac) = stations.mac {
            return Ok(self.show_station(mac, &wanted));
        }
        let end = stations.from.saturating_add(PLACES);
        let mut page = FdbPage {
            entries: Vec::new(),
            next: (end < self.fdb.places()).then_some(end),
        };
        for entry in self.fdb.entries_at(stations.from..end) {
            if page.entries.len() == ENTRIES {
                page.next = Some(entry.slot.index());
                break;
            }
            if self.is_wanted(&entry, &wanted) {
                page.entries.extend(self.show_entry(&entry));
            }
        }
        Ok(page)
    }

    /// All bridges that know it: as many look-ups, and one page.
    fn show_station(&self, mac: Mac, wanted: &Wanted) -> FdbPage {
        let bridges = self.bridges.iter();
        let entries = bridges.filter_map(|(bridge, _)| self.fdb.get(bridge, mac));
        let entries = entries.filter(|entry| self.is_wanted(entry, wanted));
        FdbPage {
            entries: entries
                .filter_map(|entry| self.show_entry(&entry))
                .collect(),
            next: None,
        }
    }

    /// Forgets the learned stations for which all that is said is true.
    pub(super) fn flush_learned(&mut self, which: &Learned) -> Result<(), Refused> {
        let Learned {
            bridge,
            port,
            tunnel,
        } = *which;
        let wanted = self.wanted_stations(&Stations {
            bridge,
            port,
            tunnel,
            ..Stations::default()
        })?;
        let tunnels = &self.tunnels;
        self.fdb
            .forget(|bridge, to| wanted.fits(tunnels, bridge, to));
        Ok(())
    }

    fn wanted_stations(&self, stations: &Stations) -> Result<Wanted, Refused> {
        let Stations {
            bridge,
            port,
            tunnel,
            ..
        } = *stations;
        let bridges = self.wanted.bridges.iter().map(|bridge| &bridge.name);
        let ports = self.wanted.ports.iter().map(|port| &port.name);
        let tunnels = self.wanted.tunnels.iter().map(|tunnel| &tunnel.name);
        let to_port = |name| self.ports.by_name(name).map(Destination::Port);
        Ok(Wanted {
            bridge: known("bridge", bridge, |name| self.bridges.by_name(name), bridges)?,
            port: known("port", port, to_port, ports)?,
            tunnel: known("tunnel", tunnel, |name| self.tunnels.by_name(name), tunnels)?,
        })
    }

    fn is_wanted(&self, entry: &FdbEntry, wanted: &Wanted) -> bool {
        wanted.fits(&self.tunnels, entry.key.bridge(), entry.value.to)
    }
}

impl Wanted {
    /// Whether an entry of this bridge that leads there is one of those.
    fn fits(&self, tunnels: &Tunnels, bridge: BridgeId, to: Destination) -> bool {
        let through = |tunnel: TunnelId| match to {
            Destination::Remote(id) => {
                let remote = tunnels.remote(id);
                remote.is_some_and(|remote| remote.tunnel == tunnel)
            }
            Destination::Port(_) => false,
        };
        self.bridge.is_none_or(|wanted| bridge == wanted)
            && self.port.is_none_or(|port| to == port)
            && self.tunnel.is_none_or(through)
    }
}

/// What is named, if anything is. `names` are those that could be.
fn known<'n, T>(
    kind: &str,
    name: Option<Name>,
    find: impl Fn(Name) -> Option<T>,
    names: impl Iterator<Item = &'n Name>,
) -> Result<Option<T>, Refused> {
    let Some(name) = name else { return Ok(None) };
    if let Some(found) = find(name) {
        return Ok(Some(found));
    }
    Err(Refused(format!("{kind}: {}", no_such(kind, name, names))))
}
