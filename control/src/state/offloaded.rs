//! What NICs do for tunnels, as it is shown to clients.

use super::State;
use crate::api::Refused;
use crate::api::messages::{
    Demoted, MarksGiven, NicOffload, PortOffload, ShapeOffload, TunnelOffload, UdpPortOffload,
};
use crate::config::{Name, Tunnel};
use crate::offload::probe::Ask;
use crate::offload::report::{MemberReport, PortReport, TunnelReport};
use crate::offload::{Tier, TxTier};
use crate::ports::{Life, Port};
use fastpath::io::Io;
use fastpath::offload::Width;
use fastpath::snapshot::{EndPoint, Inside};
use std::collections::HashMap;

/// The tunnels that are wanted, by what their packets are for.
type Names = HashMap<EndPoint, Name>;

impl<I: Io> State<I> {
    /// Of all ports in their order, or of one.
    pub(super) fn show_offload(&self, port: Option<Name>) -> Result<Vec<PortOffload>, Refused> {
        let only = port.map(|name| self.port_of_that_name(name)).transpose()?;
        let names = self
            .wanted
            .tunnels
            .iter()
            .map(|it| (end_point(it), it.name));
        let names: Names = names.collect();
        let ports = self.ports.iter();
        let ports = ports.filter(|port| only.is_none_or(|only| only == port.id));
        Ok(ports
            .map(|port| {
                let device = port.wanted.device.name();
                let found = self.offloads.found.get(&port.id);
                let found = found.filter(|(of, _)| of == device);
                PortOffload {
                    distrusted: self.offloads.beliefs.distrust_of(port.id, device),
                    selftest: found.map(|(_, found)| found.clone()),
                    ..show(port, self.offload().get(&port.id), &names)
                }
            })
            .collect())
    }
}

fn end_point(tunnel: &Tunnel) -> EndPoint {
    EndPoint {
        local: tunnel.local,
        udp_port: tunnel.udp_port,
        vni: tunnel.vni,
    }
}

fn show<I: Io>(port: &Port<I>, report: Option<&PortReport>, names: &Names) -> PortOffload {
    let nics = report.into_iter().flat_map(|report| &report.members);
    let demoted = report.and_then(|report| report.demoted.clone());
    let marks = report.and_then(|report| report.marks);
    let (tx, tx_reason) = sent(port);
    PortOffload {
        port: port.wanted.name.to_string(),
        offload: port.wanted.offload,
        tier: report.map_or(Tier::Software, |report| report.tier),
        reason: why(port, report),
        tx,
        tx_reason,
        demoted: demoted.map(|(tier, reason)| Demoted { tier, reason }),
        distrusted: None,
        suspended: report.is_some_and(|report| report.suspended),
        generation: report.map_or(0, |report| report.generation),
        marks: marks.map(|(width, given)| MarksGiven {
            bits: bits(width),
            given,
        }),
        selftest: None,
        nics: nics.map(|nic| show_nic(nic, names)).collect(),
    }
}

/// Why a port does not do all that is asked of it. Of what has no NIC, or no tunnel, the device thread
/// says nothing.
fn why<I: Io>(port: &Port<I>, report: Option<&PortReport>) -> Option<String> {
    let tier = report.map_or(Tier::Software, |report| report.tier);
    if tier >= port.wanted.offload.cap() {
        return None;
    }
    match (&port.life, report) {
        (Life::Waiting { reason, .. }, _) => Some(format!("the port is not started: {reason}")),
        (Life::Opening | Life::Closing(_), _) => Some("the port is not started".to_owned()),
        (Life::Open(_), None) => Some("its NIC was not asked yet".to_owned()),
        (Life::Open(_), Some(report)) => report.reason.clone().or_else(|| idle(report)),
    }
}

/// What is done to what a port sends, and why not more.
fn sent<I: Io>(port: &Port<I>) -> (TxTier, Option<String>) {
    let not = |reason: &str| (TxTier::Software, Some(reason.to_owned()));
    let Life::Open(info) = &port.life else {
        return not("the port is not started");
    };
    if !port.wanted.offload.is_on() {
        return (TxTier::Software, None);
    }
    match TxTier::of(info.tx) {
        TxTier::Software if info.tx_refused => {
            let driver = &info.driver;
            not(&format!(
                "{driver} refused to make checksums although it offers it"
            ))
        }
        TxTier::Software => not(&format!(
            "{} makes no checksums, or is not known to make them where it is told",
            info.driver
        )),
        tier @ TxTier::Outermost => {
            let driver = &info.driver;
            let reason = format!("{driver} is not known to make checksums of headers in tunnels");
            let cuts = match info.tx.segments {
                true => "; it cuts packets that are in none",
                false => "",
            };
            (tier, Some(reason + cuts))
        }
        tier @ (TxTier::Inside | TxTier::Segments) => {
            let behind = match info.tx.inside {
                Inside::Behind(port) => Some(format!("in tunnels behind UDP port {port} alone")),
                Inside::Never | Inside::Always => None,
            };
            let not = "packets are not left to it to be cut";
            let not = (tier < TxTier::Segments).then(|| not.to_owned());
            let all: Vec<_> = behind.into_iter().chain(not).collect();
            (
                tier,
                Some(all.join("; ")).filter(|reason| !reason.is_empty()),
            )
        }
    }
}

fn idle(report: &PortReport) -> Option<String> {
    let mut nics = report.members.iter();
    let gone = nics.clone().find_map(|nic| nic.gone.clone());
    let none = "no tunnel has its local address on this port";
    gone.or_else(|| {
        let idle = nics.all(|nic| nic.tunnels.is_empty());
        idle.then(|| none.to_owned())
    })
}

const fn bits(width: Width) -> u8 {
    match width {
        Width::Bits8 => 8,
        Width::Bits16 => 16,
        Width::Bits24 => 24,
    }
}

fn show_nic(nic: &MemberReport, names: &Names) -> NicOffload {
    let udp_ports = nic
        .udp_ports
        .iter()
        .map(|(udp_port, reason)| UdpPortOffload {
            udp_port: *udp_port,
            known: reason.is_none(),
            reason: reason.clone(),
        });
    let tunnels = nic.tunnels.iter().map(|tunnel| show_tunnel(tunnel, names));
    NicOffload {
        device: nic.device.clone(),
        driver: nic.driver.clone(),
        gone: nic.gone.clone(),
        full: nic.full.clone(),
        udp_ports: udp_ports.collect(),
        shapes: nic.shapes.iter().map(show_shape).collect(),
        tunnels: tunnels.collect(),
    }
}

fn show_shape((ask, said): &(Ask, Result<String, String>)) -> ShapeOffload {
    ShapeOffload {
        udp_port: ask.udp_port,
        tagged: ask.tagged,
        strip: ask.strip,
        shape: said.as_ref().ok().cloned(),
        reason: said.as_ref().err().cloned(),
    }
}

fn show_tunnel(tunnel: &TunnelReport, names: &Names) -> TunnelOffload {
    let target = &tunnel.target;
    TunnelOffload {
        tunnel: names.get(&target.end_point).map(Name::to_string),
        vni: target.end_point.vni.get(),
        local: target.end_point.local,
        udp_port: target.end_point.udp_port,
        vlan: target.vlan.map(|vlan| vlan.get()),
        remote: target.remote,
        wanted: tunnel.wanted,
        tier: tunnel.actual,
        mark: tunnel.mark.map(|mark| mark.get()),
        hits: tunnel.hits,
        reason: tunnel.reason.clone(),
        rule: tunnel.rule.map(|rule| rule.to_string()),
    }
}
