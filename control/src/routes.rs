//! Ways out of the switch: which addresses are on a link, and which are behind gateways.
//!
//! Pure: no clock, no frames. As in Linux, the longest prefix wins, what is connected wins over a
//! static route of the same length, and a route with no gateway on a link is passed over in favour of
//! a shorter one.

mod prefixes;

use crate::config::{MAX_ROUTES, Prefix, is_unicast};
use arrayvec::ArrayVec;
use fastpath::ids::LinkId;
use fastpath::snapshot::MAX_PATHS;
use prefixes::Prefixes;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Addresses of neighbours that lead to one destination, in the order of the route.
pub type Gateways = ArrayVec<Ipv4Addr, MAX_PATHS>;

/// A static route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; host bits are zero.
    pub to: Prefix,
    /// By whom, one at least.
    pub via: Gateways,
}

/// Why a route is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No gateway, or more than [`MAX_PATHS`].
    #[error("a route has 1 to {MAX_PATHS} gateways")]
    Count,
    /// A gateway that no host can be.
    #[error("{0} is not an address of a host")]
    Gateway(Ipv4Addr),
    /// A gateway that is named twice.
    #[error("gateway {0} is named twice")]
    Twice(Ipv4Addr),
    /// There are [`Routes::MAX`] routes.
    #[error("there are {} routes, no more are taken", Routes::MAX)]
    Full,
}

/// A link on which an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnLink {
    /// The link.
    pub link: LinkId,
    /// An address of ours there.
    pub own: Ipv4Addr,
}

/// Connected prefixes and static routes. Belongs to one thread.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// By prefix, those of ours who are on it, by link.
    connected: Prefixes<Vec<OnLink>>,
    fixed: Prefixes<Gateways>,
    /// All addresses of ours, in use or not: nobody else is asked for them.
    own: BTreeSet<Ipv4Addr>,
}

impl Routes {
    /// Most static routes.
    pub const MAX: usize = MAX_ROUTES;

    /// No routes.
    pub const fn new() -> Self {
        Routes {
            connected: Prefixes::new(),
            fixed: Prefixes::new(),
            own: BTreeSet::new(),
        }
    }

    /// Takes `address` for one of ours, whether or not it is in use: no destination and no gateway.
    pub fn claim(&mut self, address: Ipv4Addr) {
        self.own.insert(address);
    }

    /// `address` is none of ours any more.
    pub fn disclaim(&mut self, address: Ipv4Addr) {
        self.own.remove(&address);
    }

    /// The link `link`, on which we are `own`, is up. If several links have a prefix in common, the
    /// first of them by number is used.
    pub fn connect(&mut self, link: LinkId, own: Prefix) {
        let here = OnLink {
            link,
            own: own.address(),
        };
        match self.connected.get_mut(own) {
            Some(all) if all.contains(&here) => {}
            Some(all) => {
                // Of equal links the earlier address stays the source.
                let at = all.partition_point(|other| other.link <= link);
                all.insert(at, here);
            }
            None => drop(self.connected.insert(own, vec![here])),
        }
    }

    /// The link is down, or has `own` no more.
    pub fn disconnect(&mut self, link: LinkId, own: Prefix) {
        let Some(all) = self.connected.get_mut(own) else {
            return;
        };
        all.retain(|here| (here.link, here.own) != (link, own.address()));
        if all.is_empty() {
            self.connected.remove(own);
        }
    }

    /// Adds a static route, or gives one other gateways. Host bits of `to` do not count. A gateway
    /// need not be on a link.
    ///
    /// # Errors
    /// If the gateways make no route, or there are too many routes.
    pub fn add(&mut self, to: Prefix, via: &[Ipv4Addr]) -> Result<(), RouteError> {
        let gateways = Gateways::try_from(via).map_err(|_| RouteError::Count)?;
        if gateways.is_empty() {
            return Err(RouteError::Count);
        }
        for (at, gateway) in via.iter().enumerate() {
            if !is_unicast(*gateway) {
                return Err(RouteError::Gateway(*gateway));
            }
            if via.iter().take(at).any(|other| other == gateway) {
                return Err(RouteError::Twice(*gateway));
            }
        }
        if self.fixed.len() >= Self::MAX && self.fixed.get(to).is_none() {
            return Err(RouteError::Full);
        }
        self.fixed.insert(to, gateways);
        Ok(())
    }

    /// Removes a static route. `false` if there is none.
    pub fn del(&mut self, to: Prefix) -> bool {
        self.fixed.remove(to).is_some()
    }

    /// All static routes, the longest prefixes first.
    pub fn iter(&self) -> impl Iterator<Item = Route> + '_ {
        self.fixed.iter().map(|(to, via)| Route {
            to,
            via: via.clone(),
        })
    }

    /// The link on which `address` is, by the longest connected prefix. `None` also if no other host
    /// can have the address.
    pub fn on_link(&self, address: Ipv4Addr) -> Option<OnLink> {
        if !self.may_be_host(address) {
            return None;
        }
        let (prefix, all) = self.connected.matches(address).next()?;
        is_host_of(prefix, address).then(|| all.first().copied())?
    }

    /// Who leads to `destination`: itself if it is on a link, else the gateways of its route that are
    /// on one. Empty if there is no route.
    pub fn resolve(&self, destination: Ipv4Addr) -> Gateways {
        let found = self.find(destination);
        found.map(|(_, via)| via).unwrap_or_default()
    }

    /// The route to `destination`, without host bits, and who leads there; never nobody.
    pub fn find(&self, destination: Ipv4Addr) -> Option<(Prefix, Gateways)> {
        if !self.may_be_host(destination) {
            return None;
        }
        let connected = self.connected.matches(destination).next();
        let connected = connected.map(|(prefix, _)| prefix);
        let fixed = self.fixed.matches(destination);
        for (to, gateways) in
            fixed.take_while(|(to, _)| Some(to.length()) > connected.map(Prefix::length))
        {
            let live = |gateway: &&Ipv4Addr| self.on_link(**gateway).is_some();
            let via: Gateways = gateways.iter().filter(live).copied().collect();
            if !via.is_empty() {
                return Some((to, via));
            }
        }
        self.on_link(destination)?;
        Some((connected?, Gateways::from_iter([destination])))
    }

    /// What a change of the link that `prefix` is on may change: destinations in these prefixes.
    pub fn affected(&self, prefix: Prefix) -> Vec<Prefix> {
        let by = |route: &(Prefix, &Gateways)| route.1.iter().any(|via| prefix.contains(*via));
        let routes = self.fixed.iter().filter(by).map(|(to, _)| to);
        std::iter::once(prefix).chain(routes).collect()
    }

    fn may_be_host(&self, address: Ipv4Addr) -> bool {
        is_unicast(address) && !self.own.contains(&address)
    }
}

/// Not the network or broadcast address of `link`.
fn is_host_of(link: Prefix, address: Ipv4Addr) -> bool {
    Prefix::new(address, link.length()).is_some_and(Prefix::is_host)
}

#[cfg(test)]
mod tests;
