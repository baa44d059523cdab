//! Our addresses over time: probes, announcements, conflicts, and what follows for routes.

use super::address::{Own, Say, Verdict};
use super::arp::packet;
use super::counter::Counter;
use super::links::Link;
use super::{LinkSettings, Neighbours, Output};
use crate::config::Prefix;
use fastpath::ids::LinkId;
use fastpath::wire::arp::Operation;
use fastpath::wire::{EtherType, Mac, VlanId};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

impl Neighbours {
    /// Makes a link of these settings. What is known of an address that was there before, at the
    /// same place and with the same MAC, stays.
    pub(super) fn put_link(
        &mut self,
        id: LinkId,
        settings: LinkSettings<'_>,
        now: u64,
    ) -> Vec<Prefix> {
        let before = self.links.remove(id);
        let mut place = settings.place;
        place.vlan = place.vlan.filter(|vlan| *vlan != VlanId::NONE);
        let up = before.as_ref().is_some_and(|link| link.up);
        let same = before
            .as_ref()
            .filter(|link| (link.place, link.mac) == (place, settings.mac));
        let known: Vec<Own> = same.map(|link| link.own.clone()).unwrap_or_default();
        let mut changed: Vec<Prefix> = Vec::new();
        if let Some(link) = &before {
            changed.extend(self.unlink(id, link));
        }
        let own = settings.prefixes.iter().map(|prefix| {
            let known = known.iter().find(|own| own.address() == prefix.address());
            let mut own = known.copied().unwrap_or(Own::new(*prefix));
            own.prefix = *prefix;
            if known.is_none() {
                own.set_up(up, now);
            }
            own
        });
        let own = own.collect();
        let mac = settings.mac;
        self.links.set(
            id,
            Link {
                place,
                mac,
                up,
                own,
            },
        );
        changed.extend(self.link_routes(id));
        changed
    }

    /// Routes over a link that is gone, or is to be changed, are gone.
    pub(super) fn unlink(&mut self, id: LinkId, link: &Link) -> Vec<Prefix> {
        for own in &link.own {
            self.routes.disconnect(id, own.prefix);
            if self.links.owner(own.address()).is_none() {
                self.routes.disclaim(own.address());
            }
        }
        link.own.iter().map(|own| own.prefix).collect()
    }

    /// Brings the connected routes of a link in line with its state and that of its addresses.
    pub(super) fn link_routes(&mut self, id: LinkId) -> Vec<Prefix> {
        let Some(link) = self.links.get(id) else {
            return Vec::new();
        };
        for own in &link.own {
            self.routes.claim(own.address());
            if link.up && own.check.is_usable() {
                self.routes.connect(id, own.prefix);
            } else {
                self.routes.disconnect(id, own.prefix);
            }
        }
        link.own.iter().map(|own| own.prefix).collect()
    }

    /// Takes the steps of addresses that are due, those first that have waited longest.
    pub(super) fn check_addresses(&mut self, now: u64, out: &mut Vec<Output>) {
        let own = self
            .links
            .iter()
            .flat_map(|(id, link)| link.own.iter().map(move |own| (id, own)));
        let due = own.filter(|(_, own)| own.due <= now);
        let mut due: Vec<_> = due.map(|(id, own)| (own.due, id, own.address())).collect();
        due.sort_unstable();
        for (_, id, address) in due {
            if !self.limits.announcements.take(now) {
                self.counters.count(Counter::AnnouncementDelayed);
                self.due = self.due.min(self.limits.announcements.ready());
                return;
            }
            self.check_address(id, address, now, out);
        }
    }

    fn check_address(&mut self, id: LinkId, address: Ipv4Addr, now: u64, out: &mut Vec<Output>) {
        let Some(own) = self
            .links
            .get_mut(id)
            .and_then(|link| link.own_mut(address))
        else {
            return;
        };
        let before = own.check.is_usable();
        let say = own.expire(now);
        self.due = self.due.min(own.due);
        let (prefix, usable) = (own.prefix, own.check.is_usable());
        if usable != before {
            self.counters.count(Counter::AddressRecovered);
            self.address_changed(id, prefix, None, now, out);
        }
        if let Some(say) = say {
            self.say(id, address, say, out);
        }
    }

    /// An address is in use again, or no longer: somebody has it.
    fn address_changed(
        &mut self,
        link: LinkId,
        prefix: Prefix,
        taken_by: Option<Mac>,
        now: u64,
        out: &mut Vec<Output>,
    ) {
        out.push(Output::Address {
            link,
            address: prefix.address(),
            usable: taken_by.is_none(),
            taken_by,
        });
        self.link_routes(link);
        self.settle(&[prefix], now, out);
    }

    fn say(&mut self, id: LinkId, address: Ipv4Addr, say: Say, out: &mut Vec<Output>) {
        let Some(link) = self.links.get(id) else {
            return;
        };
        let (sender, counter) = match say {
            Say::Probe => (Ipv4Addr::UNSPECIFIED, Counter::ProbeSent),
            Say::Announcement => (address, Counter::AnnouncementSent),
        };
        let request = packet(Operation::REQUEST, (link.mac, sender), (Mac::ZERO, address));
        self.counters.count(counter);
        out.push(link.send(Mac::BROADCAST, EtherType::ARP, &request));
    }

    /// A station on `link` has our `address` too, or asks for it while we do. What comes of it is the
    /// same for any number of such frames.
    pub(super) fn conflict(
        &mut self,
        id: LinkId,
        address: Ipv4Addr,
        by: Mac,
        now: u64,
        out: &mut Vec<Output>,
    ) {
        let Some(own) = self
            .links
            .get_mut(id)
            .and_then(|link| link.own_mut(address))
        else {
            return;
        };
        let prefix = own.prefix;
        let verdict = own.conflict(by, now);
        self.due = self.due.min(own.due);
        match verdict {
            Verdict::Known | Verdict::Kept(false) => {}
            Verdict::Kept(true) => {
                self.counters.count(Counter::AddressDefended);
                out.push(Output::Conflict {
                    link: id,
                    address,
                    by,
                });
                self.say(id, address, Say::Announcement, out);
            }
            Verdict::Lost => {
                self.counters.count(Counter::AddressDuplicate);
                self.address_changed(id, prefix, Some(by), now, out);
            }
        }
    }

    /// Links, addresses or routes have changed: finds out where neighbours in these prefixes are
    /// now, and who leads to destinations that may be concerned.
    pub(super) fn settle(&mut self, prefixes: &[Prefix], now: u64, out: &mut Vec<Output>) {
        let mut destinations = BTreeSet::new();
        for prefix in prefixes {
            self.forget_moved(*prefix);
            self.follow_within(*prefix, now, out);
            for affected in self.routes.affected(*prefix) {
                destinations.extend(self.ways.within(affected));
            }
        }
        self.lead(&destinations, now, out);
    }
}
