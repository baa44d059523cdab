//! Neighbours on underlay links whose link addresses are set, and not asked for.

use super::error::Refused;
use super::name::Name;
use super::prefix::Prefix;
use super::route::{host_on, others};
use fastpath::wire::{Mac, VlanId};
use std::fmt;
use std::net::Ipv4Addr;

/// The most neighbours that are set.
pub const MAX_NEIGHBOURS: usize = 1024;

/// A neighbour whose link address is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The port whose link it is on.
    pub port: Name,
    /// The VLAN of the link, 1 to 4094; `None`: frames without a tag.
    pub vlan: Option<VlanId>,
    /// Its address: of another host on that link.
    pub address: Ipv4Addr,
    /// Its link address: of one station.
    pub mac: Mac,
}

impl Neighbour {
    /// What a link address may be, in words.
    pub(super) const MAC: &'static str =
        "the Ethernet address of one station, as in 02:00:00:00:00:01";

    /// What tells it apart from others.
    pub fn key(&self) -> (Name, Option<VlanId>, Ipv4Addr) {
        (self.port, self.vlan, self.address)
    }
}

/// A port and perhaps a VLAN, in the words of a command.
pub(super) struct Link<'a>(pub(super) &'a str, pub(super) Option<VlanId>);

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {}", self.0)?;
        self.1
            .map_or(Ok(()), |vlan| write!(f, " vlan {}", vlan.get()))
    }
}

/// Whether `address` is that of another host on `link`, where our addresses are `here`; `own` are all
/// that we have.
pub(super) fn check(
    address: Ipv4Addr,
    link: &Link<'_>,
    here: &[Prefix],
    own: &[Prefix],
) -> Result<(), Refused> {
    if own.iter().any(|own| own.address() == address) {
        let problem = format!("{address} is our own address");
        return Err(Refused::new(problem, others(here)));
    }
    host_on(address, link, here)
}
