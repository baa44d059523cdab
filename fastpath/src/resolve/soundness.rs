//! The mask tells the truth: whoever agrees in it is decided alike, on the same grounds.

use super::resolve;
use crate::cache::MAX_MASKS;
use crate::key::{Field, FlowKey, Mask, WORDS};
use crate::snapshot::{EndPoint, Own, Snapshot};
use crate::testing::{bridge, edit_port, port, remote, switch, tunnel};
use crate::wire::{VlanId, Vni};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Few of each kind, so that they meet: zero, a group, a link-local group, ports' own, stations.
const MACS: [u64; 8] = [
    0,
    0xffff_ffff_ffff,
    0x0180_c200_0000,
    0x0180_c200_000e,
    0x0200_0000_0202,
    0x0200_0000_0203,
    0x0200_0000_0001,
    0x0200_0000_0002,
];

const IPS: [u32; 8] = [
    0,
    0xffff_ffff,
    0xe000_0001,
    0x7f00_0001,
    0xc000_0202,
    0xc633_6402,
    0xc000_0201,
    0xc000_0209,
];

/// UDP ports, and among them ICMP types: an error, an echo request, an answer.
const DST_PORTS: [u16; 6] = [4789, 8472, 53, 3, 8, 0];

fn ip(number: usize) -> Ipv4Addr {
    IPS[number].into()
}

/// How a random switch differs from the small one.
#[derive(Clone, Debug)]
struct Wanted {
    ports: Vec<WantedPort>,
    bridges_learn: [bool; 2],
    tunnels: Vec<WantedTunnel>,
    /// Remotes that were forgotten, but are still named in places.
    forgotten: Vec<usize>,
}

/// Bridge 2 is none that exists.
#[derive(Clone, Debug)]
struct WantedPort {
    there: bool,
    /// Each may be on VLAN 1.
    addresses: Vec<(usize, bool)>,
    bridge: Option<usize>,
    local: Option<usize>,
    uplink: Option<usize>,
}

#[derive(Clone, Debug)]
struct WantedTunnel {
    local: usize,
    udp_port: usize,
    vni: u32,
    bridge: usize,
    open: bool,
    lenient: bool,
    learning: bool,
    need_checksum: bool,
    known: Vec<(usize, usize)>,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let local = || prop::option::weighted(0.2, 0..4usize);
    let port = (
        prop::bool::weighted(0.9),
        prop::collection::vec((4..6usize, prop::bool::weighted(0.2)), 0..3),
        prop::option::of(0..3usize),
        local(),
        local(),
    );
    let port = port.prop_map(|(there, addresses, bridge, local, uplink)| WantedPort {
        there,
        addresses,
        bridge,
        local,
        uplink,
    });
    let tunnel = (
        (4..6usize, 0..2usize, 0..3u32, 0..3usize),
        (any::<(bool, bool, bool)>(), prop::bool::weighted(0.2)),
        prop::collection::vec((4..8usize, 0..3usize), 0..3),
    );
    let tunnel = tunnel.prop_map(
        |((local, udp_port, vni, bridge), ((open, lenient, learning), need), known)| WantedTunnel {
            local,
            udp_port,
            vni,
            bridge,
            open,
            lenient,
            learning,
            need_checksum: need,
            known,
        },
    );
    (
        prop::collection::vec(port, 4),
        any::<[bool; 2]>(),
        prop::collection::vec(tunnel, 2),
        prop::collection::vec(0..3usize, 0..2),
    )
        .prop_map(|(ports, bridges_learn, tunnels, forgotten)| Wanted {
            ports,
            bridges_learn,
            tunnels,
            forgotten,
        })
}

impl Wanted {
    fn build(&self) -> Snapshot {
        let mut snapshot = switch();
        snapshot.ports.truncate(self.ports.len());
        for (number, wanted) in self.ports.iter().enumerate() {
            edit_port(&mut snapshot, number, |to| {
                let own = |(at, tagged): &(usize, bool)| Own {
                    address: ip(*at),
                    vlan: tagged.then(|| VlanId::new(1).unwrap()),
                };
                to.addresses = wanted.addresses.iter().map(own).collect();
                to.bridge = wanted.bridge.map(bridge);
                to.local = wanted.local.map(port);
                to.uplink = wanted.uplink.map(port);
            });
            snapshot.ports[number].take_if(|_| !wanted.there);
        }
        for (number, learning) in self.bridges_learn.iter().enumerate() {
            Arc::make_mut(&mut snapshot.bridges[number]).learning = *learning;
        }
        snapshot.end_points.clear();
        for (number, wanted) in self.tunnels.iter().enumerate() {
            wanted.build(&mut snapshot, number);
        }
        for number in &self.forgotten {
            snapshot.remotes[*number] = None;
        }
        snapshot
    }
}

impl WantedTunnel {
    fn build(&self, snapshot: &mut Snapshot, number: usize) {
        let target = Arc::make_mut(&mut snapshot.tunnels[number]);
        target.bridge = bridge(self.bridge);
        target.accept_any = self.open;
        target.lenient = self.lenient;
        target.learning = self.learning;
        target.need_checksum = self.need_checksum;
        let known = self.known.iter().map(|(at, id)| (ip(*at), remote(*id)));
        target.known = known.collect();
        let end_point = EndPoint {
            local: ip(self.local),
            udp_port: DST_PORTS[self.udp_port],
            vni: Vni::new(self.vni).unwrap(),
        };
        snapshot.udp_ports.insert(end_point.udp_port);
        snapshot.end_points.insert(end_point, tunnel(number));
    }
}

/// A key as the parser makes them, more or less: most facts true, values from the lists above.
fn key() -> impl Strategy<Value = FlowKey> {
    let often = || prop::bool::weighted(0.9);
    let seldom = || prop::bool::weighted(0.15);
    let facts = (
        (often(), seldom(), seldom(), often(), seldom()),
        (often(), often(), often(), seldom(), often()),
        often(),
    );
    let ether_type = prop_oneof![4 => Just(0x0800), 2 => Just(0x0806), 1 => Just(0x86dd)];
    let protocol = prop_oneof![4 => Just(17), 1 => Just(1), 1 => Just(6)];
    let numbers = (0..5u64, ether_type, 0..3u64, protocol, 0..6usize, 0..4u64);
    let macs = [0..8usize, 0..8, 0..8, 0..8];
    let ips = [0..8usize, 0..8];
    (facts, numbers, macs, ips).prop_map(|(facts, numbers, macs, ips)| {
        let mut key = FlowKey::default();
        let (outer, (udp, vxlan, valid, reserved, inner), checksum) = facts;
        let (ethernet, vlan, arp, ipv4, fragment) = outer;
        key.set(Field::HAS_ETHERNET, ethernet.into());
        key.set(Field::HAS_VLAN, vlan.into());
        key.set(Field::HAS_ARP, arp.into());
        key.set(Field::HAS_IPV4, ipv4.into());
        key.set(Field::FRAGMENT, fragment.into());
        key.set(Field::HAS_UDP, udp.into());
        key.set(Field::HAS_CHECKSUM, checksum.into());
        key.set(Field::HAS_VXLAN, vxlan.into());
        key.set(Field::VXLAN_VNI_VALID, valid.into());
        key.set(Field::VXLAN_RESERVED, reserved.into());
        key.set(Field::HAS_INNER, inner.into());
        let (ingress, ether_type, vlan_id, protocol, dst_port, vni) = numbers;
        key.set(Field::INGRESS, ingress);
        key.set(Field::ETHER_TYPE, ether_type);
        key.set(Field::VLAN_ID, vlan_id);
        key.set(Field::PROTOCOL, protocol);
        key.set(Field::DST_PORT, DST_PORTS[dst_port].into());
        key.set(Field::VNI, vni);
        let [dst, src, inner_dst, inner_src] = macs.map(|at| MACS[at]);
        key.set(Field::DST_MAC, dst);
        key.set(Field::SRC_MAC, src);
        key.set(Field::INNER_DST_MAC, inner_dst);
        key.set(Field::INNER_SRC_MAC, inner_src);
        let [dst, src] = ips.map(|at| IPS[at].into());
        key.set(Field::DST_IP, dst);
        key.set(Field::SRC_IP, src);
        key
    })
}

/// `key` where `mask` names bits, `other` elsewhere.
fn mixed(key: &FlowKey, other: &FlowKey, mask: &Mask) -> FlowKey {
    let word = |at: usize| key.0[at] & mask.0[at] | other.0[at] & !mask.0[at];
    FlowKey(std::array::from_fn(word))
}

#[test]
fn who_agrees_in_the_mask_is_decided_alike() {
    // Of all configurations together, and the most of one.
    let (masks, most) = (RefCell::new(HashSet::new()), Cell::new(0));
    let keys = prop::collection::vec((key(), key(), any::<[u64; WORDS]>()), 200);
    let mut runner = TestRunner::new(Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&(wanted(), keys), |(wanted, keys)| {
        let snapshot = wanted.build();
        let mut here = HashSet::new();
        for (key, other, noise) in keys {
            let first = resolve(&key, &snapshot);
            here.insert(first.mask);
            for other in [other, FlowKey(noise), FlowKey::default()] {
                let second = resolve(&mixed(&key, &other, &first.mask), &snapshot);
                prop_assert_eq!(&first, &second);
            }
        }
        most.set(most.get().max(here.len()));
        masks.borrow_mut().extend(here);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (count, most) = (masks.borrow().len(), most.get());
    println!("{count} masks, at most {most} in one configuration");
    // There are up to 24 in one configuration. Each that is in use costs a probe on every miss, so
    // more than a few want a reason.
    assert!(most <= MAX_MASKS - 4, "{most} masks");
    assert!(count > 15, "the generator reaches few stages: {count}");
}
