//! Ports: one device each, every address once.

use super::Check;
use crate::config::file::PortTable;
use crate::config::model::Port;
use crate::config::report::{Problem, Span};
use fastpath::ids::PortId;
use fastpath::worker::MAX_RX_QUEUES;
use std::collections::HashMap;
use std::iter::repeat_n;

impl Check<'_> {
    pub(super) fn check_ports(&self) -> Vec<Port> {
        let tables = &self.file.ports;
        self.limit(
            "port",
            tables.iter().map(|t| &t.span),
            PortId::LIMIT,
            "ports",
        );
        self.check_devices();
        self.check_addresses();
        self.check_locals();
        self.check_rx_queues();
        self.check_rx_workers();
        tables.iter().filter_map(port).collect()
    }

    /// There may be one worker only, which then polls them all.
    fn check_rx_queues(&self) {
        let ports = self.file.ports.iter().take(PortId::LIMIT);
        let queues = ports.flat_map(|table| repeat_n(&table.span, table.rx_queues.into()));
        let what = "receive queues of all ports";
        self.limit("port.rx_queues", queues, MAX_RX_QUEUES, what);
    }

    fn check_rx_workers(&self) {
        for table in &self.file.ports {
            let Some(workers) = &table.rx_workers else {
                continue;
            };
            if workers.value.len() > usize::from(table.rx_queues) {
                let text = format!("names workers for {} queues", workers.value.len());
                let allowed = format!("at most {}, as many as rx_queues", table.rx_queues);
                let problem = Problem::new(&workers.span, "port.rx_workers", text);
                self.report.add(problem.allowed(allowed));
            }
        }
    }

    fn check_devices(&self) {
        let mut seen: HashMap<String, &Span> = HashMap::new();
        for device in self
            .file
            .ports
            .iter()
            .filter_map(|table| table.device.as_ref())
        {
            let name = canonical(device.value.name());
            if let Some(first) = seen.get(&name) {
                let text = format!("`{name}` is the device of another port");
                self.report
                    .add(Problem::new(&device.span, "port.device", text).first(first));
            } else {
                seen.insert(name, &device.span);
            }
        }
    }

    fn check_addresses(&self) {
        let key = "port.addresses";
        let mut seen = HashMap::new();
        for table in &self.file.ports {
            let spans = table.addresses.iter().map(|at| &at.span);
            self.limit(key, spans, Port::MAX_ADDRESSES, "addresses of one port");
            for own in &table.addresses {
                let address = own.value.prefix.address();
                if let Some(first) = seen.get(&address) {
                    let text = format!("{address} is given to a port already");
                    self.report
                        .add(Problem::new(&own.span, key, text).first(first));
                } else {
                    seen.insert(address, own.span.clone());
                }
            }
        }
    }
}

fn port(table: &PortTable) -> Option<Port> {
    Some(Port {
        name: table.name.as_ref()?.value.parse().ok()?,
        device: table.device.as_ref()?.value.clone(),
        mtu: table.mtu,
        addresses: table.addresses.iter().map(|at| at.value).collect(),
        local: table.local.as_ref().and_then(|at| at.value.parse().ok()),
        promiscuous: table.promiscuous,
        rx_checksum: table.rx_checksum,
        offload: table.offload,
        rx_queues: table.rx_queues,
        rx_workers: table
            .rx_workers
            .as_ref()
            .map_or_else(Vec::new, |at| at.value.clone()),
        tx_queues: table.tx_queues,
        rx_descriptors: table.rx_descriptors,
        tx_descriptors: table.tx_descriptors,
    })
}

/// The one spelling of a device's name. EAL takes a PCI address without its domain, which is 0
/// then, and in letters of either case.
fn canonical(name: &str) -> String {
    let shape: String = name
        .chars()
        .map(|c| if c.is_ascii_hexdigit() { 'h' } else { c })
        .collect();
    match shape.as_str() {
        "hh:hh.h" => format!("0000:{}", name.to_ascii_lowercase()),
        "hhhh:hh:hh.h" => name.to_ascii_lowercase(),
        _ => name.to_string(),
    }
}
