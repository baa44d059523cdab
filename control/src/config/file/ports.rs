//! `[[port]]`.

use super::{Field, Section, items, number};
use crate::config::model::{Address, Device, Port};
use crate::config::prefix::Prefix;
use crate::config::report::{At, Span};
use crate::offload::Offload;
use fastpath::ids::WorkerId;
use fastpath::snapshot::RxChecksum;
use fastpath::wire::VlanId;

/// One `[[port]]`.
pub(in crate::config) struct PortTable {
    pub(in crate::config) span: Span,
    pub(in crate::config) name: Option<At<String>>,
    pub(in crate::config) device: Option<At<Device>>,
    pub(in crate::config) mtu: u16,
    pub(in crate::config) addresses: Vec<At<Address>>,
    /// Addresses are given, be they read or not.
    pub(in crate::config) underlay: bool,
    pub(in crate::config) local: Option<At<String>>,
    pub(in crate::config) promiscuous: bool,
    pub(in crate::config) rx_checksum: RxChecksum,
    pub(in crate::config) offload: Offload,
    pub(in crate::config) rx_queues: u16,
    pub(in crate::config) rx_workers: Option<At<Vec<u16>>>,
    pub(in crate::config) tx_queues: Option<u16>,
    pub(in crate::config) rx_descriptors: u16,
    pub(in crate::config) tx_descriptors: u16,
}

pub(in crate::config) fn read_port(mut s: Section<'_>) -> PortTable {
    let workers = "numbers of workers, 0 to 63, as in \"0,2\"";
    let device = "a DPDK device name or PCI address, devargs may follow after a comma";
    let rx_checksum = [
        ("trust", RxChecksum::Trust),
        ("verify", RxChecksum::Verify),
        ("recompute", RxChecksum::Recompute),
    ];
    let (span, name) = (s.span(), s.require("name").and_then(Field::text));
    let device = s
        .require("device")
        .and_then(|f| f.parse(device, Device::new));
    let mtu = number(&mut s, "mtu", 68..=9600, Port::DEFAULT_MTU);
    let addresses = s.get("addresses");
    let port = PortTable {
        span,
        name,
        device,
        mtu,
        underlay: addresses.as_ref().is_some_and(|f| !f.is_empty_list()),
        addresses: items(addresses, "a list of addresses", read_own),
        local: s.get("local").and_then(Field::text),
        promiscuous: s
            .get("promiscuous")
            .and_then(Field::boolean)
            .unwrap_or(true),
        rx_checksum: s
            .get("rx_checksum")
            .and_then(|f| f.one_of(&rx_checksum))
            .unwrap_or_default(),
        offload: s
            .get("offload")
            .and_then(|f| f.one_of(&Offload::ALL.map(|it| (it.as_str(), it))))
            .unwrap_or_default(),
        rx_queues: number(&mut s, "rx_queues", 1..=64, 1),
        rx_workers: s
            .get("rx_workers")
            .and_then(|f| f.parse(workers, read_workers)),
        tx_queues: s.get("tx_queues").and_then(|f| f.number(1..=64)),
        rx_descriptors: number(
            &mut s,
            "rx_descriptors",
            32..=32_768,
            Port::DEFAULT_DESCRIPTORS,
        ),
        tx_descriptors: number(
            &mut s,
            "tx_descriptors",
            32..=32_768,
            Port::DEFAULT_DESCRIPTORS,
        ),
    };
    s.finish();
    port
}

/// `"0,2"`: the worker of the first receive queue, of the second, and so on.
fn read_workers(text: &str) -> Option<Vec<u16>> {
    let legal = |worker: &u16| usize::from(*worker) < WorkerId::LIMIT;
    let numbers = text.split(',').map(|number| number.trim().parse().ok());
    numbers.map(|number| number.filter(legal)).collect()
}

/// `"192.0.2.2/24"`, or `{ address = "192.0.2.2/24", vlan = 100 }`.
pub(in crate::config) fn read_own(field: Field<'_>) -> Option<At<Address>> {
    if !field.is_table() {
        let allowed = "a host's address and prefix length, as in 192.0.2.2/24, \
                       or { address = ..., vlan = ... }";
        return read_prefix(field, allowed).map(|prefix| own(prefix, None));
    }
    let mut s = field.table("port.addresses.", "a table")?;
    let allowed = "a host's address and prefix length, as in 192.0.2.2/24";
    let address = s.require("address");
    let prefix = address.and_then(|field| read_prefix(field, allowed));
    let vlan = s.get("vlan").and_then(|f| f.number(1..=VlanId::MAX - 1));
    s.finish();
    Some(own(prefix?, vlan.and_then(VlanId::new)))
}

fn own(At { value, span }: At<Prefix>, vlan: Option<VlanId>) -> At<Address> {
    let prefix = value;
    At {
        value: Address { prefix, vlan },
        span,
    }
}

fn read_prefix(field: Field<'_>, allowed: &str) -> Option<At<Prefix>> {
    field.parse(allowed, |text| {
        text.parse().ok().filter(|p: &Prefix| p.is_host())
    })
}
