//! Routes of the underlay: networks behind gateways. A route of a file and one that is added at run
//! time are refused in the same words.

use super::error::Refused;
use super::prefix::{Prefix, is_unicast};
use super::report::nearest;
use super::section::excerpt;
use fastpath::snapshot::MAX_PATHS;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::Ipv4Addr;

/// The most gateways of one route.
pub const MAX_GATEWAYS: usize = MAX_PATHS;
/// The most routes of a switch.
pub const MAX_ROUTES: usize = 1024;

/// A network and the gateways that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network: its host bits are zero. One of length 0 is the default route.
    pub to: Prefix,
    /// The gateways that share its traffic, 1 to [`MAX_GATEWAYS`] unicast addresses, none twice.
    pub via: Vec<Ipv4Addr>,
}

/// What no gateway leads to: "this network" (RFC 1122, section 3.2.1.3), loopback, link-local
/// (RFC 3927), multicast and the limited broadcast.
const NEVER: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::BROADCAST, 32),
];

impl Route {
    /// What a network may be, in words.
    pub(super) const NETWORK: &'static str = "a network, as in 203.0.113.0/24, or \"default\"";
    /// What a gateway may be, in words.
    pub(super) const GATEWAY: &'static str = "the IPv4 address of a gateway";

    /// A route from text: a network or `default`, and its gateways.
    ///
    /// # Errors
    /// The first thing that is wrong with it by itself; see [`Route::check`] for the rest.
    pub fn parse(to: &str, via: &[&str]) -> Result<Self, Refused> {
        let to = network(to)?;
        let mut all = Vec::new();
        for text in via {
            add(&mut all, gateway(text)?)?;
        }
        if all.is_empty() {
            return Err(no_gateway());
        }
        Ok(Route { to, via: all })
    }

    /// Whether a gateway may lead to its network, and its gateways are on our links. `own` are all
    /// addresses of the ports.
    ///
    /// # Errors
    /// The network, or the first gateway that is not.
    pub fn check(&self, own: &[Prefix]) -> Result<(), Refused> {
        behind_gateways(self.to)?;
        self.via.iter().try_for_each(|via| on_link(*via, own))
    }

    /// A second route to `to` is refused.
    pub fn duplicate(to: Prefix) -> Refused {
        Refused::new(
            format!("{to} is the network of another route"),
            "one route for a network: list all gateways in via",
        )
    }
}

/// One more gateway of a route.
pub(super) fn add(all: &mut Vec<Ipv4Addr>, gateway: Ipv4Addr) -> Result<(), Refused> {
    if all.contains(&gateway) {
        let text = format!("{gateway} is a gateway of this route already");
        return Err(Refused::new(text, "each gateway once"));
    }
    if all.len() >= MAX_GATEWAYS {
        let text = format!("{gateway} is one of more than {MAX_GATEWAYS} gateways of a route");
        return Err(Refused::new(text, gateways()));
    }
    all.push(gateway);
    Ok(())
}

fn gateways() -> String {
    format!("1 to {MAX_GATEWAYS} gateways")
}

pub(super) fn no_gateway() -> Refused {
    Refused::new("has no gateway", gateways())
}

/// The network of a route.
pub(super) fn network(text: &str) -> Result<Prefix, Refused> {
    let written = if text == "default" { "0.0.0.0/0" } else { text };
    let Ok(to) = written.parse::<Prefix>() else {
        let problem = format!("`{}` is not allowed", excerpt(text));
        let name = nearest(text, ["default"].into_iter());
        return Err(Refused::new(problem, Route::NETWORK).nearest(name));
    };
    behind_gateways(to)?;
    if to != to.masked() {
        let refused = Refused::new(format!("{to} is not a network"), Route::NETWORK);
        return Err(refused.nearest(Some(to.masked())));
    }
    Ok(to)
}

/// Whether a network may be behind a gateway at all.
fn behind_gateways(to: Prefix) -> Result<(), Refused> {
    let inside = |(address, length): (Ipv4Addr, u8)| {
        Prefix::new(address, length)
            .is_some_and(|never| length <= to.length() && never.contains(to.address()))
    };
    if NEVER.into_iter().any(inside) {
        let text = format!("{to} is never behind a gateway");
        let allowed = "a network that is neither link-local nor loopback nor multicast";
        return Err(Refused::new(text, allowed));
    }
    Ok(())
}

/// A gateway of a route.
pub(super) fn gateway(text: &str) -> Result<Ipv4Addr, Refused> {
    let problem = match text.parse() {
        Ok(address) if is_unicast(address) => return Ok(address),
        Ok(address) => format!("{address} is not a unicast address"),
        Err(_) => format!("`{}` is not allowed", excerpt(text)),
    };
    Err(Refused::new(problem, Route::GATEWAY))
}

/// Whether `gateway` is another host on a link of ours.
pub(super) fn on_link(gateway: Ipv4Addr, own: &[Prefix]) -> Result<(), Refused> {
    host_on(gateway, "ours", own)
}

/// Whether `address` is that of another host on the link or links of `whose`, where `own` are our
/// addresses.
pub(super) fn host_on(
    address: Ipv4Addr,
    whose: impl Display,
    own: &[Prefix],
) -> Result<(), Refused> {
    let host = |link: &Prefix| Prefix::new(address, link.length()).is_some_and(Prefix::is_host);
    let mut links = own.iter().filter(|link| link.contains(address)).peekable();
    let problem = if own.iter().any(|link| link.address() == address) {
        format!("{address} is our own address")
    } else if links.peek().is_none() {
        format!("{address} is on no link of {whose}")
    } else if let Some(link) = links.find(|link| !host(link)) {
        format!("{address} is not a unicast address on {}", link.masked())
    } else {
        return Ok(());
    };
    Err(Refused::new(problem, others(own)))
}

/// Where other hosts are, in words.
pub(super) fn others(own: &[Prefix]) -> String {
    const FEW: usize = 8;
    let wide = own.iter().filter(|link| link.length() < 32);
    let links: BTreeSet<Prefix> = wide.map(|link| link.masked()).collect();
    let few: Vec<String> = links.iter().take(FEW).map(Prefix::to_string).collect();
    match links.len() {
        0 => "a host on a link, of which there is none: see port.addresses".to_string(),
        1..=FEW => format!("another host on {}", few.join(", ")),
        more => format!("another host on {} and {} more", few.join(", "), more - FEW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(to: &str, via: &[&str]) -> String {
        let own = ["192.0.2.2/24", "198.51.100.2/30"].map(|text| text.parse().unwrap());
        let route = Route::parse(to, via).and_then(|route| route.check(&own).map(|()| route));
        route.unwrap_err().to_string()
    }

    #[test]
    fn a_route_is_a_network_and_gateways() {
        let route = Route::parse("203.0.113.0/24", &["192.0.2.254", "192.0.2.253"]).unwrap();
        assert_eq!(route.to.to_string(), "203.0.113.0/24");
        let gateways = [[192, 0, 2, 254], [192, 0, 2, 253]].map(Ipv4Addr::from);
        assert_eq!(route.via, gateways);
        assert_eq!(route.check(&["192.0.2.2/24".parse().unwrap()]), Ok(()));
        let all = Route::parse("default", &["192.0.2.254"]).unwrap();
        assert_eq!(all.to.to_string(), "0.0.0.0/0");
        for good in ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.113.7/32"] {
            assert!(Route::parse(good, &["192.0.2.254"]).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_allowed() {
        let via: &[&str] = &["192.0.2.254"];
        assert_eq!(
            refused("10.1.0.0/8", via),
            "10.1.0.0/8 is not a network, did you mean `10.0.0.0/8`? \
             Allowed: a network, as in 203.0.113.0/24, or \"default\""
        );
        assert_eq!(
            refused("10.0.0.0/8", &["10.0.0.1"]),
            "10.0.0.1 is on no link of ours. \
             Allowed: another host on 192.0.2.0/24, 198.51.100.0/30"
        );
        assert!(refused("10.0.0.0/8", &[]).starts_with("has no gateway. "));
        let many: Vec<String> = (1..10).map(|i| format!("192.0.2.{}", 10 + i)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = "192.0.2.19 is one of more than 8 gateways of a route. ";
        assert!(refused("10.0.0.0/8", &many).starts_with(text));
    }

    #[test]
    fn some_networks_are_never_behind_a_gateway() {
        for to in [
            "0.0.0.0/8",
            "0.0.0.0/32",
            "127.0.0.0/16",
            "169.254.0.0/16",
            "224.0.0.0/4",
            "239.1.1.1/32",
            "255.255.255.255/32",
        ] {
            let text = refused(to, &["192.0.2.254"]);
            assert!(text.contains("is never behind a gateway"), "{text}");
        }
    }

    #[test]
    fn a_gateway_is_another_host_on_a_link() {
        let text = |via: &str| refused("10.0.0.0/8", &[via]);
        assert!(text("192.0.2.2").contains("is our own address"));
        for address in ["192.0.2.255", "192.0.2.0", "198.51.100.3"] {
            let text = text(address);
            assert!(text.contains("is not a unicast address on "), "{text}");
        }
        assert!(text("198.51.100.4").contains("is on no link of ours"));
        let alone = "192.0.2.2/32".parse().unwrap();
        let none = on_link([192, 0, 2, 1].into(), &[alone])
            .unwrap_err()
            .to_string();
        assert!(none.contains("of which there is none"), "{none}");
    }
}
