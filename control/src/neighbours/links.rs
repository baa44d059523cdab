//! The underlay links: the switch's own addresses, and which address is on which link.

use crate::config::{Prefix, is_unicast};
use fastpath::ids::PortId;
use fastpath::wire::Mac;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One underlay port.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) mac: Mac,
    pub(super) prefixes: Vec<Prefix>,
    pub(super) up: bool,
}

impl Link {
    /// Whether `address` is one of ours on this link. Others of ours do not count: an address
    /// belongs to its link, so that nobody is told to come by another (RFC 1122, section 3.3.4.2).
    pub(super) fn has(&self, address: Ipv4Addr) -> bool {
        self.prefixes.iter().any(|own| own.address() == address)
    }

    /// Whether another host may have `address`, as far as this link can tell: it is unicast, and
    /// neither ours nor the network or broadcast address of a prefix.
    pub(super) fn may_be_host(&self, address: Ipv4Addr) -> bool {
        is_unicast(address)
            && !self.has(address)
            && self.prefixes.iter().all(|own| is_host_of(*own, address))
    }
}

/// Not the network or broadcast address of the link that `own` is on.
fn is_host_of(own: Prefix, address: Ipv4Addr) -> bool {
    !own.contains(address) || Prefix::new(address, own.length()).is_some_and(Prefix::is_host)
}

/// All underlay ports.
#[derive(Clone, Debug)]
pub(super) struct Links(BTreeMap<PortId, Link>);

impl Links {
    pub(super) const fn new() -> Self {
        Links(BTreeMap::new())
    }

    /// Puts a port in, or changes its addresses.
    pub(super) fn set(&mut self, port: PortId, mac: Mac, prefixes: &[Prefix]) {
        let up = self.0.get(&port).is_some_and(|link| link.up);
        let prefixes = prefixes.to_vec();
        self.0.insert(port, Link { mac, prefixes, up });
    }

    pub(super) fn remove(&mut self, port: PortId) {
        self.0.remove(&port);
    }

    pub(super) fn set_up(&mut self, port: PortId, up: bool) {
        if let Some(link) = self.0.get_mut(&port) {
            link.up = up;
        }
    }

    pub(super) fn get(&self, port: PortId) -> Option<&Link> {
        self.0.get(&port)
    }

    /// The link address of the port that has `address`, if it is one of ours.
    pub(super) fn owner(&self, address: Ipv4Addr) -> Option<Mac> {
        let mut links = self.0.values();
        links.find(|link| link.has(address)).map(|link| link.mac)
    }

    /// Whether `mac` is the address of a port of ours.
    pub(super) fn has_mac(&self, mac: Mac) -> bool {
        self.0.values().any(|link| link.mac == mac)
    }

    /// The port on whose link `address` is, and our address there: the longest prefix on a port
    /// that is up; of equal ones that of the first port. `None` also if no host can have it.
    pub(super) fn route(&self, address: Ipv4Addr) -> Option<(PortId, Ipv4Addr)> {
        let up = self.0.iter().filter(|(_, link)| link.up);
        let prefixes = up.flat_map(|(port, link)| link.prefixes.iter().map(|own| (*port, *own)));
        let (port, own) =
            prefixes
                .filter(|(_, own)| own.contains(address))
                .reduce(|best, next| {
                    if next.1.length() > best.1.length() {
                        next
                    } else {
                        best
                    }
                })?;
        let host = is_unicast(address) && is_host_of(own, address) && self.owner(address).is_none();
        host.then_some((port, own.address()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: usize) -> PortId {
        PortId::new(number).unwrap()
    }

    fn address(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    fn links(ports: &[(usize, &[&str])]) -> Links {
        let mut links = Links::new();
        for (number, prefixes) in ports {
            let prefixes: Vec<Prefix> = prefixes.iter().map(|text| text.parse().unwrap()).collect();
            links.set(
                port(*number),
                Mac::new([2, 0, 0, 0, 0, *number as u8]),
                &prefixes,
            );
            links.set_up(port(*number), true);
        }
        links
    }

    #[test]
    fn the_longest_prefix_wins() {
        let mut links = links(&[
            (1, &["10.0.0.1/8", "10.2.0.1/16"]),
            (2, &["10.1.0.1/16"]),
            (3, &["10.1.0.2/16"]),
        ]);
        let route = |links: &Links, to| links.route(address(to)).map(|(p, own)| (p.index(), own));
        assert_eq!(route(&links, "10.9.9.9"), Some((1, address("10.0.0.1"))));
        assert_eq!(route(&links, "10.2.9.9"), Some((1, address("10.2.0.1"))));
        assert_eq!(route(&links, "10.1.9.9"), Some((2, address("10.1.0.1"))));
        links.set_up(port(2), false);
        assert_eq!(route(&links, "10.1.9.9"), Some((3, address("10.1.0.2"))));
        links.remove(port(3));
        assert_eq!(route(&links, "10.1.9.9"), Some((1, address("10.0.0.1"))));
        assert_eq!(route(&links, "192.0.2.1"), None);
    }

    #[test]
    fn what_no_host_can_have_is_nowhere() {
        let links = links(&[(1, &["10.0.0.1/24", "10.0.0.2/24"]), (2, &["10.0.1.0/31"])]);
        for no in [
            "10.0.0.0",
            "10.0.0.255",
            "10.0.0.1",
            "10.0.0.2",
            "10.0.1.0",
            "224.0.0.1",
        ] {
            assert_eq!(links.route(address(no)), None, "{no}");
        }
        assert!(links.route(address("10.0.1.1")).is_some());
        let link = links.get(port(1)).unwrap();
        for no in ["10.0.0.0", "10.0.0.255", "10.0.0.2", "0.0.0.0", "127.0.0.1"] {
            assert!(!link.may_be_host(address(no)), "{no}");
        }
        for yes in ["10.0.0.3", "10.0.1.0", "8.8.8.8"] {
            assert!(link.may_be_host(address(yes)), "{yes}");
        }
    }

    #[test]
    fn whose_address_it_is() {
        let mut links = links(&[(1, &["10.0.0.1/24"]), (2, &["10.0.1.1/24"])]);
        let mac = Mac::new([2, 0, 0, 0, 0, 2]);
        assert_eq!(links.owner(address("10.0.1.1")), Some(mac));
        assert!(links.has_mac(mac));
        assert!(!links.get(port(1)).unwrap().has(address("10.0.1.1")));
        links.set(port(2), Mac::new([2, 0, 0, 0, 1, 2]), &[]);
        assert_eq!(links.owner(address("10.0.1.1")), None);
        assert!(!links.has_mac(mac));
        assert!(
            links.get(port(2)).unwrap().up,
            "a change leaves the link as it was"
        );
    }
}
