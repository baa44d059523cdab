//! `[[neighbour]]`.

use super::{Field, Section, read_address};
use crate::config::neighbour::Neighbour;
use crate::config::report::{At, Span};
use fastpath::wire::{Mac, VlanId};
use std::net::Ipv4Addr;

/// One `[[neighbour]]`.
pub(in crate::config) struct NeighbourTable {
    pub(in crate::config) span: Span,
    pub(in crate::config) port: Option<At<String>>,
    pub(in crate::config) vlan: Option<VlanId>,
    pub(in crate::config) address: Option<At<Ipv4Addr>>,
    pub(in crate::config) mac: Option<At<Mac>>,
    /// A VLAN is given and could not be read.
    pub(in crate::config) broken: bool,
}

impl NeighbourTable {
    /// The keys but for `mac`, which is read by `mac`.
    fn of_keys(mut s: Section<'_>, mac: impl FnOnce(&mut Section<'_>) -> Option<At<Mac>>) -> Self {
        let port = s.require("port").and_then(Field::text);
        let address = s.require("address").and_then(read_address);
        let mac = mac(&mut s);
        let vlan = s.get("vlan");
        let said = vlan.is_some();
        let vlan = vlan.and_then(|f| f.number(1..=VlanId::MAX - 1));
        let neighbour = NeighbourTable {
            span: s.span(),
            port,
            vlan: vlan.and_then(VlanId::new),
            address,
            mac,
            broken: said && vlan.is_none(),
        };
        s.finish();
        neighbour
    }
}

pub(in crate::config) fn read_neighbour(s: Section<'_>) -> NeighbourTable {
    NeighbourTable::of_keys(s, |s| s.require("mac").and_then(read_mac))
}

/// The same where it is known without its link address which one is meant.
pub(in crate::config) fn read_which_neighbour(s: Section<'_>) -> NeighbourTable {
    NeighbourTable::of_keys(s, |s| s.get("mac").and_then(read_mac))
}

fn read_mac(field: Field<'_>) -> Option<At<Mac>> {
    field.parse(Neighbour::MAC, |text| {
        text.parse().ok().filter(|mac: &Mac| mac.is_station())
    })
}
