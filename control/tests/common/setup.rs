//! Configurations at random, as a user could write them.

use super::arbitrary::{MACS, OWN, REMOTES};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// A configuration.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    ports: Vec<PortSpec>,
    bridges: Vec<(u32, bool)>,
    tunnels: Vec<TunnelSpec>,
    fixed: Vec<(usize, usize, usize, bool)>,
    fdb_entries: u32,
    zero_checksum: &'static str,
    routed: bool,
    /// The link address of a remote is set, to another one than it says it has.
    set: bool,
}

#[derive(Clone, Debug)]
struct PortSpec {
    underlay: bool,
    bridge: usize,
    mtu: u16,
    tx_queues: Option<u16>,
    rx_checksum: &'static str,
    offload: &'static str,
}

#[derive(Clone, Debug)]
struct TunnelSpec {
    bridge: usize,
    second: bool,
    remotes: Vec<(usize, bool)>,
    accept: &'static str,
    reserved: &'static str,
    learning: bool,
    ttl: &'static str,
    dscp: &'static str,
    df: &'static str,
    udp_port: u16,
}

impl Setup {
    /// The configuration as a user would write it.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("[switch]\nfdb_entries = {}\n", self.fdb_entries);
        for (at, port) in self.ports.iter().enumerate() {
            let addresses = self.address(at).map(|own| format!("\"{own}/24\""));
            let queues = port.tx_queues.map(|n| format!("tx_queues = {n}\n"));
            write!(
                text,
                "[[port]]\nname = \"p{at}\"\ndevice = \"heap{at}\"\nmtu = {}\naddresses = [{}]\n\
                 rx_checksum = \"{}\"\noffload = \"{}\"\n{}",
                port.mtu,
                addresses.unwrap_or_default(),
                port.rx_checksum,
                port.offload,
                queues.unwrap_or_default(),
            )
            .unwrap();
        }
        if self.routed && self.address(0).is_some() {
            let [gateway, second, .., remote, _] = REMOTES;
            write!(
                text,
                "[[route]]\nto = \"{remote}/32\"\nvia = [\"{gateway}\", \"{second}\"]\n"
            )
            .unwrap();
        }
        if self.set && self.address(0).is_some() {
            let (address, mac) = (REMOTES[1], MACS[1]);
            write!(
                text,
                "[[neighbour]]\nport = \"p0\"\naddress = \"{address}\"\nmac = \"{mac}\"\n"
            )
            .unwrap();
        }
        for (at, (ageing, learning)) in self.bridges.iter().enumerate() {
            let members = (0..self.ports.len()).filter(|port| self.bridge_of(*port) == Some(at));
            let members: Vec<_> = members.map(|port| format!("\"p{port}\"")).collect();
            write!(
                text,
                "[[bridge]]\nname = \"br{at}\"\nageing = {ageing}\nlearning = {learning}\nports = [{}]\n",
                members.join(", ")
            )
            .unwrap();
        }
        for (at, tunnel) in self.tunnels() {
            let lenient = |(to, lenient): &(usize, bool)| {
                let bits = if *lenient {
                    ", reserved_bits = \"lenient\""
                } else {
                    ""
                };
                format!("{{ address = \"{}\"{bits} }}", REMOTES[*to])
            };
            let remotes: Vec<_> = tunnel.remotes.iter().map(lenient).collect();
            let TunnelSpec {
                accept,
                reserved,
                learning,
                ttl,
                dscp,
                df,
                udp_port,
                ..
            } = tunnel;
            write!(
                text,
                "[[tunnel]]\nname = \"vx{at}\"\nbridge = \"br{}\"\nvni = {}\nlocal = \"{}\"\n\
                 remotes = [{}]\naccept = \"{accept}\"\nreserved_bits = \"{reserved}\"\n\
                 learning = {learning}\nttl = {ttl}\ndscp = {dscp}\ndf = \"{df}\"\nudp_port = {udp_port}\n\
                 zero_checksum = \"{}\"\n",
                tunnel.bridge % self.bridges.len(),
                10 + at,
                OWN[usize::from(tunnel.second && self.address(1).is_some())],
                remotes.join(", "),
                self.zero_checksum,
            )
            .unwrap();
        }
        text + &self.fixed_text()
    }

    fn fixed_text(&self) -> String {
        let (mut text, mut taken) = (String::new(), Vec::new());
        for (mac, port, tunnel, remote) in &self.fixed {
            let port = port % self.ports.len();
            let tunnels: Vec<_> = self.tunnels().collect();
            let target = match tunnels.get(*tunnel) {
                Some((at, tunnel)) if *remote => {
                    let to = REMOTES[(mac + port) % 5];
                    let place = format!("tunnel = \"vx{at}\"\nremote = \"{to}\"\n");
                    Some((tunnel.bridge % self.bridges.len(), place))
                }
                _ => self
                    .bridge_of(port)
                    .map(|bridge| (bridge, format!("port = \"p{port}\"\n"))),
            };
            let Some((bridge, place)) = target else {
                continue;
            };
            if !taken.contains(&(bridge, *mac)) {
                taken.push((bridge, *mac));
                let mac = MACS[*mac];
                write!(
                    text,
                    "[[fdb]]\nbridge = \"br{bridge}\"\nmac = \"{mac}\"\n{place}"
                )
                .unwrap();
            }
        }
        text
    }

    fn tunnels(&self) -> impl Iterator<Item = (usize, &TunnelSpec)> {
        let any = self.address(0).is_some();
        self.tunnels.iter().enumerate().filter(move |_| any)
    }

    pub(crate) fn ports(&self) -> usize {
        self.ports.len()
    }

    fn address(&self, port: usize) -> Option<Ipv4Addr> {
        let spec = self.ports.get(port)?;
        spec.underlay.then(|| OWN.get(port).copied()).flatten()
    }

    fn bridge_of(&self, port: usize) -> Option<usize> {
        let bridge = self.ports[port].bridge;
        (bridge < self.bridges.len()).then_some(bridge)
    }
}

/// Any configuration.
pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let port = (
        prop::bool::weighted(0.9),
        prop_oneof![5 => Just(0_usize), 1 => 0..4_usize],
        select(&[1500_u16, 1600, 1600, 600][..]),
        prop_oneof![Just(None), Just(Some(1)), Just(Some(2))],
        (
            select(&["verify", "verify", "trust", "recompute"][..]),
            select(&["auto", "auto", "off", "t1", "t3"][..]),
        ),
    )
        .prop_map(
            |(underlay, bridge, mtu, tx_queues, (rx_checksum, offload))| PortSpec {
                underlay,
                bridge,
                mtu,
                tx_queues,
                rx_checksum,
                offload,
            },
        );
    let bridge = (select(&[0_u32, 2, 300, 300][..]), prop::bool::weighted(0.9));
    let fixed = (0..6_usize, 0..4_usize, 0..3_usize, any::<bool>());
    (
        vec(port, 1..=4),
        vec(bridge, 1..=3),
        prop_oneof![1 => vec(tunnel(), 0..=3), 4 => vec(tunnel(), 1..=2)],
        vec(fixed, 0..=2),
        select(&[2_u32, 1024, 1024][..]),
        (
            select(&["accept", "accept", "refuse"][..]),
            any::<bool>(),
            any::<bool>(),
        ),
    )
        .prop_map(
            |(ports, bridges, tunnels, fixed, fdb_entries, (zero_checksum, routed, set))| Setup {
                ports,
                bridges,
                tunnels,
                fixed,
                fdb_entries,
                zero_checksum,
                routed,
                set,
            },
        )
}

fn tunnel() -> impl Strategy<Value = TunnelSpec> {
    let remotes = prop_oneof![
        1 => subsequence(vec![0, 1, 2, 3, 4], 0..=3),
        4 => subsequence(vec![0, 1, 2], 1..=3),
    ]
    .prop_flat_map(|some| {
        some.into_iter()
            .map(|at| (Just(at), any::<bool>()))
            .collect::<Vec<_>>()
    });
    (
        (
            prop_oneof![4 => Just(0_usize), 1 => 0..3_usize],
            prop::bool::weighted(0.1),
            remotes,
        ),
        (
            select(&["known", "any"][..]),
            select(&["strict", "lenient"][..]),
            prop::bool::weighted(0.8),
        ),
        (
            select(&["64", "7", "\"inherit\""][..]),
            select(&["0", "46", "\"inherit\""][..]),
            select(&["set", "unset", "inherit"][..]),
            prop_oneof![5 => Just(4789_u16), 1 => Just(8472_u16)],
        ),
    )
        .prop_map(
            |(
                (bridge, second, remotes),
                (accept, reserved, learning),
                (ttl, dscp, df, udp_port),
            )| {
                TunnelSpec {
                    bridge,
                    second,
                    remotes,
                    accept,
                    reserved,
                    learning,
                    ttl,
                    dscp,
                    df,
                    udp_port,
                }
            },
        )
}
