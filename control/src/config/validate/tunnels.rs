//! Tunnels: each end of ours is one, and every other end is somebody else.

use super::Check;
use crate::config::file::{RemoteItem, TunnelTable};
use crate::config::model::{Remote, Tunnel};
use crate::config::prefix::{Prefix, is_unicast};
use crate::config::report::{At, Problem, Span};
use fastpath::ids::{RemoteId, TunnelId};
use fastpath::snapshot::UdpPorts;
use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

impl Check<'_> {
    pub(super) fn check_tunnels(&self) -> Vec<Tunnel> {
        let tables = &self.file.tunnels;
        self.limit(
            "tunnel",
            tables.iter().map(|t| &t.span),
            TunnelId::LIMIT,
            "tunnels",
        );
        self.check_ends();
        self.check_receive_options();
        self.check_remote_limit();
        self.check_udp_port_limit();
        tables
            .iter()
            .filter_map(|table| self.tunnel(table))
            .collect()
    }

    /// What arrives is told apart by (local address, UDP port, VNI).
    fn check_ends(&self) {
        let mut seen: HashMap<_, &Span> = HashMap::new();
        for table in &self.file.tunnels {
            let (Some(local), Some(vni)) = (&table.local, &table.vni) else {
                continue;
            };
            let end = (local.value, table.udp_port, vni.value);
            if let Some(first) = seen.get(&end) {
                let text = format!(
                    "VNI {} at {} and UDP port {} is a tunnel already",
                    vni.value, local.value, table.udp_port
                );
                let allowed = "another vni, local or udp_port";
                self.report.add(
                    Problem::new(&vni.span, "tunnel.vni", text)
                        .first(first)
                        .allowed(allowed),
                );
            } else {
                seen.insert(end, &vni.span);
            }
        }
    }

    /// What is decided before the VNI is known is the same for all tunnels that it may choose from.
    fn check_receive_options(&self) {
        let mut seen = HashMap::new();
        for table in &self.file.tunnels {
            let Some(local) = &table.local else {
                continue;
            };
            let here = &table.zero_checksum;
            let first = *seen.entry((local.value, table.udp_port)).or_insert(here);
            if first.value != here.value {
                let text = format!(
                    "cannot share UDP port {} at {} with a tunnel that has another zero_checksum",
                    table.udp_port, local.value
                );
                let allowed = "one zero_checksum for all tunnels of a local and udp_port";
                self.report.add(
                    Problem::new(&here.span, "tunnel.zero_checksum", text)
                        .first(&first.span)
                        .allowed(allowed),
                );
            }
        }
    }

    /// The parser looks for tunnels behind a few ports only.
    fn check_udp_port_limit(&self) {
        let mut seen = HashSet::new();
        let tables = self.file.tunnels.iter();
        let new = tables.filter(|table| seen.insert(table.udp_port));
        let what = "UDP ports of all tunnels";
        self.limit(
            "tunnel.udp_port",
            new.map(|t| &t.span),
            UdpPorts::LIMIT,
            what,
        );
    }

    /// Static entries make records of remotes too.
    fn check_remote_limit(&self) {
        let listed = self.file.tunnels.iter().filter_map(|table| {
            let name = table.name.as_ref()?.value.as_str();
            Some(
                table
                    .remotes
                    .iter()
                    .map(move |r| (name, r.value.address, &r.span)),
            )
        });
        let fixed = self.file.fdb.iter().filter_map(|table| {
            let remote = table.remote.as_ref()?;
            Some((
                table.tunnel.as_ref()?.value.as_str(),
                remote.value,
                &remote.span,
            ))
        });
        let mut seen = HashSet::new();
        let new = listed
            .flatten()
            .chain(fixed)
            .filter(|(name, to, _)| seen.insert((*name, *to)));
        let what = "remotes of all tunnels and static entries";
        self.limit("remote", new.map(|(.., span)| span), RemoteId::LIMIT, what);
    }

    fn tunnel(&self, table: &TunnelTable) -> Option<Tunnel> {
        let resolve = |at| self.bridges.resolve(self.report, "tunnel.bridge", at);
        let bridge = table.bridge.as_ref().and_then(resolve);
        if let Some(local) = &table.local {
            self.check_local(local);
        }
        Some(Tunnel {
            remotes: self.remotes(table),
            name: table.name.as_ref()?.value.parse().ok()?,
            bridge: bridge?,
            vni: table.vni.as_ref()?.value,
            local: table.local.as_ref()?.value,
            udp_port: table.udp_port,
            source_ports: table.source_ports.clone(),
            ttl: table.ttl,
            dscp: table.dscp,
            df: table.df,
            udp_checksum: table.udp_checksum,
            accept: table.accept,
            zero_checksum: table.zero_checksum.value,
            reserved_bits: table.reserved_bits,
            learning: table.learning,
        })
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        self.file
            .ports
            .iter()
            .flat_map(|port| &port.addresses)
            .map(|own| own.value.prefix)
    }

    fn check_local(&self, local: &At<Ipv4Addr>) {
        if self
            .prefixes()
            .any(|prefix| prefix.address() == local.value)
        {
            return;
        }
        let ours: Vec<String> = self
            .prefixes()
            .take(8)
            .map(|p| p.address().to_string())
            .collect();
        let text = format!("{} is not an address of a port", local.value);
        let allowed = match ours.len() {
            0 => "an address of a port, of which none has any: see port.addresses".to_string(),
            _ => format!("an address of a port: {}", ours.join(", ")),
        };
        let problem = Problem::new(&local.span, "tunnel.local", text)
            .allowed(allowed)
            .absence();
        let names = ours.iter().map(String::as_str);
        self.report
            .add(problem.nearest(&local.value.to_string(), names));
    }

    fn remotes(&self, table: &TunnelTable) -> Vec<Remote> {
        let key = "tunnel.remotes";
        let mut seen: HashMap<Ipv4Addr, &Span> = HashMap::new();
        for remote in &table.remotes {
            let address = remote.value.address;
            self.check_remote(key, address, &remote.span, table);
            if let Some(first) = seen.get(&address) {
                let text = format!("{address} is a remote of this tunnel already");
                self.report
                    .add(Problem::new(&remote.span, key, text).first(first));
            } else {
                seen.insert(address, &remote.span);
            }
        }
        let remote = |item: &RemoteItem| Remote {
            address: item.address,
            reserved_bits: item.reserved_bits.unwrap_or(table.reserved_bits),
        };
        table.remotes.iter().map(|at| remote(&at.value)).collect()
    }

    /// A remote of `table` is a single station, and not ourselves.
    pub(super) fn check_remote(
        &self,
        key: &str,
        address: Ipv4Addr,
        span: &Span,
        table: &TunnelTable,
    ) {
        let text = if !is_unicast(address) || self.broadcasts.contains(&address) {
            format!("{address} is not a unicast address")
        } else if table
            .local
            .as_ref()
            .is_some_and(|local| local.value == address)
        {
            format!("{address} is this tunnel's own end")
        } else {
            return;
        };
        self.report
            .add(Problem::new(span, key, text).allowed("the address of another host"));
    }
}
