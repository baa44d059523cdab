//! What the tests of the data plane share: a small switch, frames for it, and its counters by name.

mod counters;
mod frames;
mod rig;
mod site;
mod stream;
mod switch;

pub(crate) use counters::{carried, moved};
pub(crate) use frames::{guest, inner, outer, tunnelled, udp_ports, vtep};
pub(crate) use rig::Rig;
pub(crate) use site::{RING, Site, TX, wire};
pub(crate) use stream::{CUTS, Stream};
pub(crate) use switch::{
    A, B, BOTH, DOWN, LONE, UPLINK, bridge, decap_of, edit_port, edit_remote, learned, link,
    pinned, port, port_inlet, remote, switch, tunnel, tunnel_inlet, untagged, worker,
};
