//! The configuration: what is wanted, checked into types once.

mod model;
mod name;
mod prefix;

pub use model::{
    Accept, Bridge, Device, Df, Dscp, FdbEntry, FdbTarget, Port, Remote, ReservedBits,
    SwitchSettings, Ttl, Tunnel, Wanted,
};
pub use name::{Name, NameError};
pub use prefix::{Prefix, PrefixError, is_unicast};
