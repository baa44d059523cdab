//! Any wanted state that a file may ask for, small: for the properties of whoever takes one.

use crate::config::*;
use crate::offload::Offload;
use fastpath::snapshot::RxChecksum;
use fastpath::wire::{Mac, VlanId, Vni};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::HashSet;
use std::hash::Hash;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Any legal wanted state. All kinds of things are in most of them, every value of every setting in
/// some.
pub(crate) fn wanted() -> impl Strategy<Value = Wanted> {
    let switch = (16..=1_u32 << 24, 32..=1_u32 << 24, 1024..=1_u32 << 23);
    let switch = switch.prop_map(|(cache_entries, fdb_entries, mbufs)| SwitchSettings {
        cache_entries,
        fdb_entries,
        mbufs,
    });
    let base = (
        prop_oneof![Just(SwitchSettings::default()), switch],
        vec(port(), 0..7).prop_map(ports),
        vec((bridge(), vec(any::<Index>(), 0..4)), 0..4),
    );
    let rest = (
        vec((tunnel(), any::<[Index; 3]>()), 0..6),
        vec((to(), vec(any::<Index>(), 1..5)), 0..4),
        vec((any::<Index>(), 1..=200_u32, mac()), 0..6),
        vec((mac(), any::<[Index; 2]>(), remote()), 0..20),
    );
    (base, rest).prop_map(|((switch, ports, bridges), rest)| {
        let (tunnels, routes, neighbours, fdb) = rest;
        let bridges = given_ports(&ports, bridges);
        let mut wanted = Wanted {
            switch,
            ports,
            bridges,
            ..Wanted::default()
        };
        wanted.tunnels = ended(&wanted, tunnels);
        wanted.routes = on_links(&wanted, routes);
        wanted.neighbours = beside(&wanted, neighbours);
        wanted.fdb = placed(&wanted, fdb);
        wanted
    })
}

fn name() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9._-]{1,15}".prop_map(|text| text.parse().unwrap())
}

/// A value that is the default more often than not.
fn or<T: Clone + std::fmt::Debug>(
    default: T,
    other: impl Strategy<Value = T>,
) -> impl Strategy<Value = T> {
    prop_oneof![2 => Just(default), 1 => other]
}

/// The addresses are numbers of hosts, lengths and VLANs still, and a `local` says that there is to be
/// one.
fn port() -> impl Strategy<Value = Port> {
    let address = (
        1..=254_u8,
        select(&[16_u8, 24, 30, 31, 32][..]),
        option::of(1..=4094_u16),
    );
    let address = address.prop_filter_map("no host", |(host, length, vlan)| {
        let prefix = Prefix::new(Ipv4Addr::new(10, 0, 0, host), length)?;
        let vlan = vlan.and_then(VlanId::new);
        prefix.is_host().then_some(Address { prefix, vlan })
    });
    const CHECKSUMS: [RxChecksum; 3] =
        [RxChecksum::Trust, RxChecksum::Verify, RxChecksum::Recompute];
    let sizes = (
        or(1500, 68..=9600_u16),
        or(1024, 32..=32_768_u16),
        or(1024, 32..=32_768_u16),
    );
    let queues = (
        or(1, 1..=64_u16),
        option::weighted(0.3, 1..=64_u16),
        any::<bool>(),
        (select(&CHECKSUMS[..]), select(&Offload::ALL[..])),
    );
    let device = "(,[!-~äß€]{0,12})?".prop_filter("a device", |text| {
        Device::new(&format!("d{text}")).is_some()
    });
    (
        name(),
        device,
        vec(address, 0..4),
        option::weighted(0.3, name()),
        sizes,
        queues,
    )
        .prop_map(
            |(name, args, addresses, local, (mtu, rx_descriptors, tx_descriptors), queues)| {
                let (rx_queues, tx_queues, promiscuous, (rx_checksum, offload)) = queues;
                let device = Device::new(&format!("d{args}")).unwrap();
                Port {
                    name,
                    device,
                    mtu,
                    addresses,
                    promiscuous,
                    local,
                    rx_checksum,
                    offload,
                    rx_queues,
                    rx_workers: (0..rx_queues / 2)
                        .map(|queue| (queue * 7 + mtu) % 64)
                        .collect(),
                    tx_queues,
                    rx_descriptors,
                    tx_descriptors,
                }
            },
        )
}

/// Each has names, a device and addresses of its own; a `local` is the port behind it, if that has
/// no addresses.
fn ports(raw: Vec<Port>) -> Vec<Port> {
    let mut all = unique(raw, |port| port.name);
    for (at, port) in all.iter_mut().enumerate() {
        let args = port.device.devargs().strip_prefix('d').unwrap();
        port.device = Device::new(&format!("d{at}{args}")).unwrap();
        // All of them together are at most 256.
        port.rx_queues = port.rx_queues.min(if at < 2 { 64 } else { 16 });
        port.rx_workers.truncate(port.rx_queues.into());
        for (number, own) in port.addresses.iter_mut().enumerate() {
            let [a, _, _, d] = own.prefix.address().octets();
            let address = Ipv4Addr::new(a, at as u8, number as u8, d);
            own.prefix = Prefix::new(address, own.prefix.length()).unwrap();
        }
    }
    for at in 0..all.len() {
        let behind = all.get(at + 1).filter(|behind| !behind.is_underlay());
        let behind = behind.map(|behind| behind.name);
        all[at].local = all[at].local.and(behind).filter(|_| all[at].is_underlay());
    }
    all
}

fn bridge() -> impl Strategy<Value = Bridge> {
    (name(), or(300, 0..=1_000_000_u64), any::<bool>()).prop_map(|(name, ageing, learning)| {
        Bridge {
            name,
            ports: Vec::new(),
            ageing: Duration::from_secs(ageing),
            learning,
        }
    })
}

fn given_ports(ports: &[Port], raw: Vec<(Bridge, Vec<Index>)>) -> Vec<Bridge> {
    let mut taken: HashSet<Name> = ports.iter().filter_map(|port| port.local).collect();
    taken.extend(
        ports
            .iter()
            .filter(|port| port.local.is_some())
            .map(|port| port.name),
    );
    let give = |(mut bridge, members): (Bridge, Vec<Index>)| {
        let picked = members.iter().filter_map(|at| pick(at, ports));
        bridge.ports = picked
            .map(|port| port.name)
            .filter(|name| taken.insert(*name))
            .collect();
        bridge
    };
    unique(raw, |(bridge, _)| bridge.name)
        .into_iter()
        .map(give)
        .collect()
}

/// Its bridge and its end come later.
fn tunnel() -> impl Strategy<Value = Tunnel> {
    let bits = || select(&[ReservedBits::Strict, ReservedBits::Lenient][..]);
    let far = (remote(), bits()).prop_map(|(address, reserved_bits)| Remote {
        address,
        reserved_bits,
    });
    let ranges = (1..=u16::MAX, 1..=u16::MAX);
    let ranges = ranges.prop_map(|(a, b)| RangeInclusive::new(a.min(b), a.max(b)));
    let ttl = prop_oneof![Just(Ttl::Inherit), any::<NonZeroU8>().prop_map(Ttl::Fixed)];
    let dscp = prop_oneof![Just(Dscp::Inherit), (0..=63_u8).prop_map(Dscp::Fixed)];
    let ends = (
        name(),
        0..=Vni::MAX,
        select(&[4789_u16, 8472, 1, 65_535][..]),
        or(Tunnel::SOURCE_PORTS, ranges),
    );
    let outer = (
        or(Ttl::Fixed(Tunnel::TTL), ttl),
        or(Dscp::Fixed(0), dscp),
        select(&[Df::Set, Df::Unset, Df::Inherit][..]),
    );
    let who = (
        select(&[Accept::Known, Accept::Any][..]),
        bits(),
        any::<bool>(),
        vec(far, 0..6),
    );
    (ends, outer, who).prop_map(
        |((name, vni, udp_port, source_ports), (ttl, dscp, df), who)| {
            let (accept, reserved_bits, learning, remotes) = who;
            Tunnel {
                name,
                bridge: name,
                vni: Vni::new(vni).unwrap(),
                local: Ipv4Addr::UNSPECIFIED,
                remotes: unique(remotes, |remote| remote.address),
                udp_port,
                source_ports,
                ttl,
                dscp,
                df,
                udp_checksum: false,
                accept,
                zero_checksum: ZeroChecksum::Accept,
                reserved_bits,
                learning,
            }
        },
    )
}

fn ended(wanted: &Wanted, raw: Vec<(Tunnel, [Index; 3])>) -> Vec<Tunnel> {
    let own: Vec<Prefix> = wanted.prefixes().collect();
    let end = |(mut tunnel, [bridge, local, _]): (Tunnel, [Index; 3])| {
        tunnel.bridge = pick(&bridge, &wanted.bridges)?.name;
        tunnel.local = pick(&local, &own)?.address();
        // The same for all tunnels of an address and a UDP port.
        if (tunnel.local.octets()[3] ^ tunnel.udp_port as u8) & 1 == 1 {
            tunnel.zero_checksum = ZeroChecksum::Refuse;
        }
        tunnel.udp_checksum = tunnel.vni.bytes()[2] & 1 == 1;
        Some(tunnel)
    };
    let all = unique(raw, |(tunnel, _)| tunnel.name)
        .into_iter()
        .filter_map(end);
    unique(all.collect(), |tunnel| {
        (tunnel.local, tunnel.udp_port, tunnel.vni)
    })
}

/// Of another host, on no link of ours.
fn remote() -> impl Strategy<Value = Ipv4Addr> {
    (select(&[172_u8, 192, 203][..]), 0..4_u8)
        .prop_map(|(net, host)| Ipv4Addr::new(net, 0, 2, host))
}

fn to() -> impl Strategy<Value = Prefix> {
    let to = (1..=100_u8, any::<[u8; 3]>(), 0..=32_u8);
    let to = to.prop_map(|(a, [b, c, d], length)| Prefix::new(Ipv4Addr::new(a, b, c, d), length));
    let to = to.prop_map(|prefix| prefix.unwrap().masked());
    to.prop_filter("behind gateways", |to| {
        Route::parse(&to.to_string(), &["10.0.0.1"]).is_ok()
    })
}

fn on_links(wanted: &Wanted, raw: Vec<(Prefix, Vec<Index>)>) -> Vec<Route> {
    let own: Vec<Prefix> = wanted.prefixes().collect();
    let beside = own
        .iter()
        .flat_map(|own| [own.address().to_bits() + 1, own.address().to_bits() - 1]);
    let on_link = |via: &Ipv4Addr| {
        Route {
            to: Prefix::new(Ipv4Addr::UNSPECIFIED, 0).unwrap(),
            via: vec![*via],
        }
        .check(&own)
        .is_ok()
    };
    let gateways: Vec<Ipv4Addr> = beside.map(Ipv4Addr::from_bits).filter(on_link).collect();
    let route = |(to, via): (Prefix, Vec<Index>)| {
        let via = via.iter().filter_map(|at| pick(at, &gateways)).copied();
        let via = unique(via.collect(), |via| *via);
        (!via.is_empty()).then_some(Route { to, via })
    };
    unique(raw, |(to, _)| *to)
        .into_iter()
        .filter_map(route)
        .collect()
}

/// Hosts on links of ours, some addresses from one of our own.
fn beside(wanted: &Wanted, raw: Vec<(Index, u32, Mac)>) -> Vec<Neighbour> {
    let ours: HashSet<Ipv4Addr> = wanted.prefixes().map(Prefix::address).collect();
    let ports = wanted.ports.iter();
    let links = ports.flat_map(|port| port.addresses.iter().map(|own| (port.name, *own)));
    let links: Vec<(Name, Address)> = links.collect();
    let neighbour = |(at, far, mac): (Index, u32, Mac)| {
        let (port, Address { prefix, vlan }) = *pick(&at, &links)?;
        let address = Ipv4Addr::from_bits(prefix.address().to_bits() ^ far);
        let host = Prefix::new(address, prefix.length())?.is_host();
        let there = host && prefix.contains(address) && !ours.contains(&address);
        // The other addresses of the link may have it for no host.
        let mut own = wanted.port(port)?.prefixes(vlan);
        let hosts = own.all(|own| {
            !own.contains(address)
                || Prefix::new(address, own.length()).is_some_and(Prefix::is_host)
        });
        (there && hosts && mac.is_station()).then_some(Neighbour {
            port,
            vlan,
            address,
            mac,
        })
    };
    let all = raw.into_iter().filter_map(neighbour);
    unique(all.collect(), Neighbour::key)
}

fn mac() -> impl Strategy<Value = Mac> {
    prop_oneof![
        (1..20_u64).prop_map(Mac::from_u64),
        any::<[u8; 6]>().prop_map(Mac::new)
    ]
    .prop_filter("a station or a group", |mac| !mac.is_zero())
}

fn placed(wanted: &Wanted, raw: Vec<(Mac, [Index; 2], Ipv4Addr)>) -> Vec<FdbEntry> {
    let place = |(mac, [bridge, target], remote): (Mac, [Index; 2], Ipv4Addr)| {
        let bridge = pick(&bridge, &wanted.bridges)?;
        let ports = bridge.ports.iter().map(|port| FdbTarget::Port(*port));
        let through = wanted
            .tunnels
            .iter()
            .filter(|tunnel| tunnel.bridge == bridge.name);
        let remotes = through.map(|tunnel| FdbTarget::Remote {
            tunnel: tunnel.name,
            remote,
        });
        let targets: Vec<FdbTarget> = ports.chain(remotes).collect();
        Some(FdbEntry {
            bridge: bridge.name,
            mac,
            target: *pick(&target, &targets)?,
        })
    };
    let all = raw.into_iter().filter_map(place);
    unique(all.collect(), |entry| (entry.bridge, entry.mac))
}

fn pick<'a, T>(at: &Index, all: &'a [T]) -> Option<&'a T> {
    (!all.is_empty()).then(|| at.get(all))
}

/// The first of each key.
fn unique<T, K: Hash + Eq>(all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = HashSet::new();
    all.into_iter()
        .filter(|item| seen.insert(key(item)))
        .collect()
}
