//! `[[fdb]]`.

use super::{Field, Section, read_address};
use crate::config::report::{At, Span};
use fastpath::wire::Mac;
use std::net::Ipv4Addr;

/// One `[[fdb]]`.
#[derive(Clone)]
pub(in crate::config) struct FdbTable {
    pub(in crate::config) span: Span,
    pub(in crate::config) bridge: Option<At<String>>,
    pub(in crate::config) mac: Option<At<Mac>>,
    pub(in crate::config) port: Option<At<String>>,
    pub(in crate::config) tunnel: Option<At<String>>,
    pub(in crate::config) remote: Option<At<Ipv4Addr>>,
    /// A key among these was there and could not be read.
    pub(in crate::config) broken: bool,
}

pub(in crate::config) fn read_fdb(mut s: Section<'_>) -> FdbTable {
    let mac = "an Ethernet address other than zero, as in 02:00:00:00:00:01";
    let parse = |text: &str| text.parse().ok().filter(|mac: &Mac| !mac.is_zero());
    let (port, tunnel, remote) = (s.get("port"), s.get("tunnel"), s.get("remote"));
    let there = [&port, &tunnel, &remote].into_iter().flatten().count();
    let port = port.and_then(Field::text);
    let tunnel = tunnel.and_then(Field::text);
    let remote = remote.and_then(read_address);
    let read = usize::from(port.is_some()) + usize::from(tunnel.is_some());
    let entry = FdbTable {
        span: s.span(),
        bridge: s.require("bridge").and_then(Field::text),
        mac: s.require("mac").and_then(|f| f.parse(mac, parse)),
        broken: read + usize::from(remote.is_some()) < there,
        port,
        tunnel,
        remote,
    };
    s.finish();
    entry
}
