//! `[[route]]`.

use super::{Field, Section, items};
use crate::config::prefix::Prefix;
use crate::config::report::{At, Span};
use crate::config::route::{Route, gateway, network, no_gateway};
use std::net::Ipv4Addr;

/// One `[[route]]`.
pub(in crate::config) struct RouteTable {
    pub(in crate::config) span: Span,
    pub(in crate::config) to: Option<At<Prefix>>,
    pub(in crate::config) via: Vec<At<Ipv4Addr>>,
}

pub(in crate::config) fn read_route(mut s: Section<'_>) -> RouteTable {
    let route = RouteTable {
        span: s.span(),
        to: s
            .require("to")
            .and_then(|f| f.judge(Route::NETWORK, network)),
        via: s.require("via").map(read_via).unwrap_or_default(),
    };
    s.finish();
    route
}

/// `"192.0.2.254"`, or a list of such.
fn read_via(field: Field<'_>) -> Vec<At<Ipv4Addr>> {
    if field.is_empty_list() {
        return field.refuse(no_gateway()).unwrap_or_default();
    }
    let read = |field: Field<'_>| field.judge(Route::GATEWAY, gateway);
    if field.is_list() {
        return items(Some(field), Route::GATEWAY, read);
    }
    let allowed = "the IPv4 address of a gateway, or a list of them";
    field.judge(allowed, gateway).into_iter().collect()
}
