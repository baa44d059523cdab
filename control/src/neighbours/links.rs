//! The underlay links: ports, and VLANs of ports, on which the switch has addresses.

use super::address::Own;
use crate::config::{Prefix, is_unicast};
use fastpath::ids::LinkId;
use fastpath::snapshot::Place;
use fastpath::wire::Mac;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// One underlay link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) place: Place,
    pub(super) mac: Mac,
    pub(super) up: bool,
    pub(super) own: Vec<Own>,
}

impl Link {
    /// Whether `address` is one of ours on this link, and in use. Others of ours do not count: an
    /// address belongs to its link, so that nobody is told to come by another (RFC 1122, section
    /// 3.3.4.2).
    pub(super) fn has(&self, address: Ipv4Addr) -> bool {
        let own = self.own.iter().find(|own| own.address() == address);
        own.is_some_and(|own| own.check.is_usable())
    }

    /// The address `address` of this link, in use or not.
    pub(super) fn own_mut(&mut self, address: Ipv4Addr) -> Option<&mut Own> {
        self.own.iter_mut().find(|own| own.address() == address)
    }

    /// Whether another host may have `address`, as far as this link can tell: it is unicast, and
    /// neither ours nor the network or broadcast address of a prefix.
    pub(super) fn may_be_host(&self, address: Ipv4Addr) -> bool {
        is_unicast(address)
            && self.own.iter().all(|own| {
                let here = Prefix::new(address, own.prefix.length());
                own.address() != address
                    && (!own.prefix.contains(address) || here.is_some_and(Prefix::is_host))
            })
    }
}

/// All underlay links.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    links: BTreeMap<LinkId, Link>,
    /// What follows is made anew with each change.
    places: BTreeMap<Place, LinkId>,
    owners: BTreeMap<Ipv4Addr, LinkId>,
    macs: BTreeSet<Mac>,
}

impl Links {
    pub(super) const fn new() -> Self {
        Links {
            links: BTreeMap::new(),
            places: BTreeMap::new(),
            owners: BTreeMap::new(),
            macs: BTreeSet::new(),
        }
    }

    /// Puts a link in, in place of the one of this number.
    pub(super) fn set(&mut self, id: LinkId, link: Link) {
        self.links.insert(id, link);
        self.index();
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let gone = self.links.remove(&id);
        self.index();
        gone
    }

    /// A link came or went. `false` if that is nothing new.
    pub(super) fn set_up(&mut self, id: LinkId, up: bool, now: u64) -> bool {
        let Some(link) = self.links.get_mut(&id).filter(|link| link.up != up) else {
            return false;
        };
        link.up = up;
        for own in &mut link.own {
            own.set_up(up, now);
        }
        true
    }

    /// Of two links at one place, or with one address, the first is found.
    fn index(&mut self) {
        let links = || self.links.iter().rev();
        self.places = links().map(|(id, link)| (link.place, *id)).collect();
        let owners = links().flat_map(|(id, link)| link.own.iter().map(|o| (o.address(), *id)));
        self.owners = owners.collect();
        self.macs = links().map(|(_, link)| link.mac).collect();
    }

    pub(super) fn get(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (LinkId, &Link)> {
        self.links.iter().map(|(id, link)| (*id, link))
    }

    /// The link to which the frames of `place` belong.
    pub(super) fn at(&self, place: Place) -> Option<LinkId> {
        self.places.get(&place).copied()
    }

    /// The link that has `address`, if it is one of ours, in use or not.
    pub(super) fn owner(&self, address: Ipv4Addr) -> Option<LinkId> {
        self.owners.get(&address).copied()
    }

    /// Whether `address` is one of ours, on whatever link, and in use.
    pub(super) fn has(&self, address: Ipv4Addr) -> bool {
        let link = self.owner(address).and_then(|id| self.get(id));
        link.is_some_and(|link| link.has(address))
    }

    /// Whether `mac` is the address of a link of ours.
    pub(super) fn has_mac(&self, mac: Mac) -> bool {
        self.macs.contains(&mac)
    }
}
