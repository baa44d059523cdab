//! What a client says of a route.

use crate::config::{MAX_GATEWAYS, Prefix, is_unicast};
use arrayvec::ArrayVec;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A network, as in `203.0.113.0/24`: a prefix without host bits. `0.0.0.0/0` is everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(Prefix);

/// The text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address with a prefix length.
    #[error("not a network: expected something like 203.0.113.0/24")]
    Text,
    /// There are ones behind the prefix, which the kernel does not take either.
    #[error("{0} has host bits: the network is {network}/{length}", network = .0.network(), length = .0.length())]
    HostBits(Prefix),
}

impl Network {
    /// What a network is, in words.
    pub const ALLOWED: &'static str = "a network with its prefix length, such as 203.0.113.0/24";

    /// The network of this prefix.
    ///
    /// # Errors
    /// [`NetworkError::HostBits`] if a host bit is set.
    pub fn new(prefix: Prefix) -> Result<Self, NetworkError> {
        if prefix.address() == prefix.network() {
            Ok(Network(prefix))
        } else {
            Err(NetworkError::HostBits(prefix))
        }
    }

    /// As a prefix.
    pub const fn prefix(self) -> Prefix {
        self.0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Network::new(text.parse().map_err(|_| NetworkError::Text)?)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The gateways of a route: 1 to [`Gateways::MAX`] different unicast addresses, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateways(ArrayVec<Ipv4Addr, { Gateways::MAX }>);

/// These are not gateways of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewaysError {
    /// There is none.
    #[error("there is no gateway")]
    None,
    /// There are more than [`Gateways::MAX`].
    #[error("there are more than {} gateways", Gateways::MAX)]
    TooMany,
    /// This one is named twice.
    #[error("{0} is named twice")]
    Twice(Ipv4Addr),
    /// No station can have this address.
    #[error("{0} is not the address of a station")]
    NotUnicast(Ipv4Addr),
}

impl Gateways {
    /// The most gateways of one route.
    pub const MAX: usize = MAX_GATEWAYS;
    /// What gateways are, in words.
    pub const ALLOWED: &'static str = "a list of 1 to 8 different addresses of stations";

    /// Checks them.
    ///
    /// # Errors
    /// The first that is wrong with them.
    pub fn new(from: impl IntoIterator<Item = Ipv4Addr>) -> Result<Self, GatewaysError> {
        let mut gateways = ArrayVec::new();
        for gateway in from {
            if !is_unicast(gateway) {
                return Err(GatewaysError::NotUnicast(gateway));
            }
            if gateways.contains(&gateway) {
                return Err(GatewaysError::Twice(gateway));
            }
            let pushed = gateways.try_push(gateway);
            pushed.map_err(|_| GatewaysError::TooMany)?;
        }
        if gateways.is_empty() {
            return Err(GatewaysError::None);
        }
        Ok(Gateways(gateways))
    }

    /// The addresses.
    pub fn as_slice(&self) -> &[Ipv4Addr] {
        &self.0
    }
}

/// A route that a client wants: packets for `to` go to one of `via`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewRoute {
    /// Where it leads.
    pub to: Network,
    /// The gateways.
    pub via: Gateways,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_no_host_bits() {
        for good in ["203.0.113.0/24", "0.0.0.0/0", "203.0.113.7/32"] {
            let network: Network = good.parse().unwrap();
            assert_eq!(network.to_string(), good);
        }
        let error = "203.0.113.7/24".parse::<Network>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "203.0.113.7/24 has host bits: the network is 203.0.113.0/24"
        );
        for bad in ["", "203.0.113.0", "default", "203.0.113.0/33"] {
            assert_eq!(bad.parse::<Network>(), Err(NetworkError::Text), "{bad}");
        }
    }

    #[test]
    fn gateways_are_a_few_different_stations() {
        let station = |last: u8| Ipv4Addr::new(192, 0, 2, last);
        let max = Gateways::MAX as u8;
        let all: Vec<_> = (1..=max).map(station).collect();
        assert_eq!(Gateways::new(all.clone()).unwrap().as_slice(), all);
        assert!(Gateways::ALLOWED.contains(&format!("1 to {max} ")));

        assert_eq!(Gateways::new([]), Err(GatewaysError::None));
        let more = (1..=max + 1).map(station);
        assert_eq!(Gateways::new(more), Err(GatewaysError::TooMany));
        let twice = [1, 2, 1].map(station);
        assert_eq!(Gateways::new(twice), Err(GatewaysError::Twice(station(1))));
        for bad in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(224, 0, 0, 1)] {
            assert_eq!(Gateways::new([bad]), Err(GatewaysError::NotUnicast(bad)));
        }
    }
}
