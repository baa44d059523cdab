//! `overpath offload`.

mod selftest;

use crate::table::{Cell, Hue, Table, maybe, word};
use clap::Subcommand;
use control::api::messages::{
    Method, NicOffload, PortOffload, SelfTest, SelfTestFound, ShapeOffload, TunnelOffload,
    UdpPortOffload,
};
use control::config::Name;
use control::offload::{Tier, TxTier};

/// What to do with offload; show it, if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show what the NIC of each port does for tunnels, its rules, and why it does not do more
    ///
    /// The tiers are T0, all in software; T1, the NIC knows the UDP port; T2, it marks packets with
    /// their tunnel; T3, it takes outer headers off. In what is sent: X0, all in software; X1, the NIC
    /// makes checksums of outermost headers; X2, also of those in tunnels.
    #[command(alias = "s")]
    Show {
        /// The port; all, if none is said
        port: Option<Name>,
    },
    /// Test the NIC of a port: what it says of frames that come back, against what is so
    ///
    /// The port forwards nothing meanwhile, which is for some seconds. Frames come back by the device itself
    /// (i40e, ixgbe, cnxk); where that does not loop they leave by the wire, and come back by a loopback plug,
    /// or from a peer that sends back what it gets. By a port of a bridge none leaves.
    Selftest {
        /// The port
        port: Name,
    },
}

/// What to ask the daemon.
pub(crate) fn method(verb: Option<&Verb>) -> Method {
    match verb {
        None => Method::OffloadShow(None),
        Some(Verb::Show { port }) => Method::OffloadShow(*port),
        Some(Verb::Selftest { port }) => Method::OffloadSelftest(*port),
    }
}

/// The ports, then what their NICs do to what is sent, what a self-test found, what they know, what they
/// do for each tunnel, what they were asked about rules,
/// and the rules. Each line begins with the port, so that `grep` finds it.
pub(crate) fn text(ports: &[PortOffload]) -> String {
    let mut first = Table::default();
    let mut sent = Table::default();
    let mut tables: [Table; 5] = Default::default();
    let mut tests = Table::default();
    for port in ports {
        first.push(port_row(port));
        if let Some(found) = &port.selftest {
            let begin = Cell::from(&port.port).hued(Hue::Name);
            tests.push_all([begin].into_iter().chain(test_row(found)));
        }
        if port.tx > TxTier::Software || port.tx_reason.is_some() {
            sent.push(sent_row(port));
        }
        for (at, nic) in port.nics.iter().enumerate() {
            let several = port.nics.len() > 1;
            let nic_cell = maybe("nic", several.then_some(at));
            let begin = [Cell::from(&port.port).hued(Hue::Name), nic_cell];
            push(&mut tables, &begin, nic);
        }
    }
    let tables = [&first, &sent, &tests].into_iter().chain(&tables);
    tables.map(Table::to_string).collect()
}

/// What a self-test found.
pub(crate) fn tested(test: &SelfTest) -> String {
    selftest::text(test)
}

fn port_row(port: &PortOffload) -> [Cell; 9] {
    let demoted = port.demoted.as_ref();
    let told = demoted.map(|it| &it.reason) == port.reason.as_ref();
    let reason = port.reason.as_ref().filter(|_| !told);
    let marks = port.marks;
    let marks = marks.map(|marks| format!("{} of {} bits", marks.given, marks.bits));
    let demoted = demoted.map(|it| format!("to {}: {}", it.tier, it.reason));
    let suspended = if port.suspended { "suspended" } else { "" };
    [
        Cell::from(&port.port).hued(Hue::Name),
        word("offload", port.offload),
        tier(port.tier, port.offload.cap()),
        maybe("marks", marks),
        maybe("generation", Some(port.generation).filter(|it| *it > 0)),
        Cell::from(suspended).hued(Hue::Bad),
        maybe("demoted", demoted).hued(Hue::Bad),
        maybe("distrusted", port.distrusted.as_ref()).hued(Hue::Bad),
        maybe("reason", reason),
    ]
}

fn sent_row(port: &PortOffload) -> [Cell; 4] {
    [
        Cell::from(&port.port).hued(Hue::Name),
        word("sends", port.tx).hued_if(port.tx > TxTier::Software, Hue::Good),
        port.tx.words().into(),
        maybe("reason", port.tx_reason.as_ref()),
    ]
}

/// What is done, of what is asked for.
fn tier(tier: Tier, asked: Tier) -> Cell {
    word("tier", tier).hued_if(tier > Tier::Software && tier == asked, Hue::Good)
}

fn test_row(found: &SelfTestFound) -> [Cell; 4] {
    let frames = format!("{} of {} frames", found.heard, found.frames);
    [
        word("selftest", if found.asked { "asked" } else { "start" }),
        word("heard", frames).hued_if(!found.conclusive, Hue::Bad),
        word("marks", &found.marks).hued_if(found.demoted.is_some(), Hue::Bad),
        word("checksums", &found.checksums).hued_if(found.distrusted.is_some(), Hue::Bad),
    ]
}

fn push(tables: &mut [Table; 5], begin: &[Cell; 2], nic: &NicOffload) {
    let [nics, udp_ports, tunnels, shapes, rules] = tables;
    let row = |cells: Vec<Cell>| begin.iter().cloned().chain(cells);
    nics.push_all(row(vec![
        maybe("device", nic.device.as_ref()),
        word("driver", &nic.driver),
        maybe("gone", nic.gone.as_ref()).hued(Hue::Bad),
        maybe("full", nic.full.as_ref()).hued(Hue::Bad),
    ]));
    for udp_port in &nic.udp_ports {
        udp_ports.push_all(row(udp_port_row(udp_port)));
    }
    for tunnel in &nic.tunnels {
        tunnels.push_all(row(tunnel_row(tunnel)));
        if let Some(rule) = &tunnel.rule {
            rules.push_all(row(vec![word("rule", rule)]));
        }
    }
    for shape in &nic.shapes {
        shapes.push_all(row(shape_row(shape)));
    }
}

fn udp_port_row(udp_port: &UdpPortOffload) -> Vec<Cell> {
    vec![
        word("dstport", udp_port.udp_port),
        if udp_port.known { "known" } else { "unknown" }.into(),
        maybe("reason", udp_port.reason.as_ref()),
    ]
}

fn tunnel_row(tunnel: &TunnelOffload) -> Vec<Cell> {
    vec![
        maybe("tunnel", tunnel.tunnel.as_ref()).hued(Hue::Name),
        word("vni", tunnel.vni),
        word("local", tunnel.local).hued(Hue::Address),
        word("dstport", tunnel.udp_port),
        maybe("vlan", tunnel.vlan),
        maybe("remote", tunnel.remote).hued(Hue::Address),
        word("wanted", tunnel.wanted),
        tier(tunnel.tier, tunnel.wanted),
        maybe("mark", tunnel.mark),
        maybe("hits", tunnel.hits),
        maybe("reason", tunnel.reason.as_ref()),
    ]
}

/// What a NIC was asked is said in the words of the tunnels that it is about.
fn shape_row(shape: &ShapeOffload) -> Vec<Cell> {
    let tagged = if shape.tagged { "tagged" } else { "" };
    let strip = if shape.strip { "strip" } else { "" };
    vec![
        word("rules dstport", shape.udp_port),
        tagged.into(),
        strip.into(),
        maybe("shape", shape.shape.as_ref()),
        maybe("refused", shape.reason.as_ref()),
    ]
}

#[cfg(test)]
mod tests;
