//! From whose packets are asked for to ports and filters.

use super::filter::{ExpressionError, Program, outer};
use crate::api::Refused;
use crate::api::messages::Subject;
use crate::config::{Bridge, Name, Tunnel, Wanted, no_such};
use fastpath::ids::PortId;
use fastpath::trace::wish::{Only, PortSet, Wish};

/// Most tunnels of a bridge that is captured: a packet of none of them is compared with each.
const MAX_TUNNELS: usize = 32;

/// What is wanted, and the numbers of its ports.
#[derive(Clone, Copy)]
struct Switch<'a> {
    wanted: &'a Wanted,
    number: &'a dyn Fn(Name) -> Option<PortId>,
}

/// What a capture comes to.
#[derive(Debug)]
pub struct Scope {
    /// Whose packets; a mere name has its kind now.
    pub of: Subject,
    /// Which they are. Nobody grants two wishes to one packet.
    pub wishes: Vec<Wish>,
}

impl Scope {
    /// What a capture of `of` comes to in a switch that is as it is `wanted`, and in which `number`
    /// gives the numbers of ports, if the user's filter is this one. Takes some microseconds, and a tenth of a millisecond for the longest filter.
    ///
    /// # Errors
    /// If there is nothing of that name or too much, or if the filter is too long.
    pub fn new(
        wanted: &Wanted,
        number: impl Fn(Name) -> Option<PortId>,
        of: Subject,
        user: &Program,
    ) -> Result<Self, Refused> {
        let there = Switch {
            wanted,
            number: &number,
        };
        let of = match of {
            Subject::Named(name) => meant(there, name)?,
            other => other,
        };
        let everything = |ports, program: &Program| wish(ports, Only::Everything, program);
        let drops = |only| wish(PortSet::ALL, only, user);
        let wishes = match of {
            Subject::Port(name) | Subject::Named(name) => {
                vec![everything(port(there, name)?, user)?]
            }
            Subject::Bridge(name) => bridge(there, name, user)?,
            Subject::Tunnel(name) => {
                let carried = carried(tunnel(there, name)?).and(user.clone());
                vec![everything(underlay(there), &carried)?]
            }
            Subject::All => vec![everything(PortSet::ALL, user)?],
            Subject::Drops(None) => vec![drops(Only::Dropped)?],
            Subject::Drops(Some(reason)) => vec![drops(Only::DroppedFor(reason))?],
        };
        Ok(Scope { of, wishes })
    }
}

/// The one thing of that name.
fn meant(there: Switch<'_>, name: Name) -> Result<Subject, Refused> {
    let port = there.wanted.port(name).map(|_| Subject::Port(name));
    let bridge = there.wanted.bridge(name).map(|_| Subject::Bridge(name));
    let tunnel = there.wanted.tunnel(name).map(|_| Subject::Tunnel(name));
    let found: Vec<_> = [port, bridge, tunnel].into_iter().flatten().collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let ports = there.wanted.ports.iter().map(|port| &port.name);
            let bridges = there.wanted.bridges.iter().map(|bridge| &bridge.name);
            let tunnels = there.wanted.tunnels.iter().map(|tunnel| &tunnel.name);
            let names = ports.chain(bridges).chain(tunnels);
            Err(Refused(no_such("port, bridge or tunnel", name, names)))
        }
        _ => {
            let kinds: Vec<_> = found.iter().map(Subject::to_string).collect();
            let kinds = kinds.join(" or ");
            Err(Refused(format!(
                "{name} is the name of several: say {kinds}"
            )))
        }
    }
}

fn refused(error: ExpressionError) -> Refused {
    Refused(format!("filter: {error}"))
}

/// What comes in and what leaves.
fn wish(ports: PortSet, only: Only, program: &Program) -> Result<Wish, Refused> {
    Ok(Wish {
        only,
        filter: program.filter().map_err(refused)?,
        ..Wish::everything(ports)
    })
}

fn port(there: Switch<'_>, name: Name) -> Result<PortSet, Refused> {
    let ports = set(there, |port| port == name);
    if ports.is_empty() {
        let names = there.wanted.ports.iter().map(|port| &port.name);
        return Err(Refused(no_such("port", name, names)));
    }
    Ok(ports)
}

fn tunnel<'a>(there: Switch<'a>, name: Name) -> Result<&'a Tunnel, Refused> {
    there.wanted.tunnel(name).ok_or_else(|| {
        let names = there.wanted.tunnels.iter().map(|tunnel| &tunnel.name);
        Refused(no_such("tunnel", name, names))
    })
}

/// Its ports, and what its tunnels carry by other ports.
fn bridge(there: Switch<'_>, name: Name, user: &Program) -> Result<Vec<Wish>, Refused> {
    let bridge = there.wanted.bridge(name).ok_or_else(|| {
        let names = there.wanted.bridges.iter().map(|bridge| &bridge.name);
        Refused(no_such("bridge", name, names))
    })?;
    let own = set(there, |port| bridge.ports.contains(&port));
    let others = set(there, |port| {
        !bridge.ports.contains(&port) && is_underlay(there, port)
    });
    let elsewhere = tunnels(there, bridge)?.map(|carried| carried.and(user.clone()));
    let wishes = [(own, Some(user.clone())), (others, elsewhere)];
    let wishes: Vec<_> = wishes
        .into_iter()
        .filter(|(ports, _)| !ports.is_empty())
        .filter_map(|(ports, program)| Some(wish(ports, Only::Everything, &program?)))
        .collect::<Result<_, _>>()?;
    if wishes.is_empty() {
        return Err(Refused(format!(
            "bridge {name} has neither ports nor tunnels"
        )));
    }
    Ok(wishes)
}

/// The outer frames of all tunnels of a bridge; `None` if it has none.
fn tunnels(there: Switch<'_>, bridge: &Bridge) -> Result<Option<Program>, Refused> {
    let tunnels = there.wanted.tunnels.iter();
    let tunnels: Vec<_> = tunnels.filter(|t| t.bridge == bridge.name).collect();
    if tunnels.len() > MAX_TUNNELS {
        return Err(Refused(format!(
            "bridge {} has {} tunnels, and a capture has at most {MAX_TUNNELS}: name a port or a tunnel",
            bridge.name,
            tunnels.len()
        )));
    }
    Ok(tunnels.into_iter().map(carried).reduce(Program::or))
}

/// The outer frames of a tunnel.
fn carried(tunnel: &Tunnel) -> Program {
    outer(tunnel.local, tunnel.udp_port, tunnel.vni)
}

/// Any of them: an answer may take another way than the question.
fn underlay(there: Switch<'_>) -> PortSet {
    set(there, |port| is_underlay(there, port))
}

fn is_underlay(there: Switch<'_>, port: Name) -> bool {
    there
        .wanted
        .port(port)
        .is_some_and(|port| port.is_underlay())
}

/// The ports of a kind, which is told by their names.
fn set(there: Switch<'_>, has: impl Fn(Name) -> bool) -> PortSet {
    let named = there.wanted.ports.iter().filter(|port| has(port.name));
    named.filter_map(|port| (there.number)(port.name)).collect()
}

#[cfg(test)]
mod tests;
