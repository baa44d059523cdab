//! A file that says all there is to say, and one row for each thing that can be wrong.

use super::*;
use crate::offload::Offload;
use fastpath::snapshot::RxChecksum;
use fastpath::wire::VlanId;
use std::num::NonZeroU8;
use std::time::Duration;

pub(crate) mod any;
mod export;
mod limits;
mod noise;
mod rows;

/// Every key there is, none at its default.
const FULL: &str = r#"
[switch]
cache_entries = 16
fdb_entries = 0x10
mbufs = 2_048

[[port]]
name = "uplink"
device = "net_tap0,iface=up0"
mtu = 1600
addresses = ["192.0.2.2/24", { address = "198.51.100.1/28", vlan = 4094 }]
local = "host"
promiscuous = false
rx_checksum = "recompute"
offload = "t3"
rx_queues = 2
rx_workers = "1, 0"
tx_queues = 3
rx_descriptors = 256
tx_descriptors = 512

[[port]]
name = "lan"
device = "0000:01:00.0"

[[port]]
name = "host"
device = "net_tap1"

[[route]]
to = "default"
via = ["192.0.2.254", "192.0.2.253"]

[[route]]
to = "203.0.113.0/24"
via = "192.0.2.252"

[[neighbour]]
port = "uplink"
address = "192.0.2.254"
mac = "02:00:00:00:00:fe"

[[neighbour]]
port = "uplink"
vlan = 4094
address = "198.51.100.9"
mac = "06:00:00:00:00:09"

[[bridge]]
name = "br10"
ports = ["lan"]
ageing = 0
learning = false

[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 16777215
local = "192.0.2.2"
remotes = [{ address = "192.0.2.1", reserved_bits = "strict" }, "192.0.2.9"]
udp_port = 8472
source_ports = [1024, 1024]
ttl = 1
dscp = 63
df = "unset"
udp_checksum = true
accept = "any"
zero_checksum = "refuse"
reserved_bits = "lenient"
learning = false

[[fdb]]
bridge = "br10"
mac = "02:00:00:00:00:01"
port = "lan"

[[fdb]]
bridge = "br10"
mac = "01:00:5e:00:00:01"
tunnel = "vx10"
remote = "192.0.2.7"
"#;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn own(prefix: &str, vlan: Option<VlanId>) -> Address {
    Address {
        prefix: prefix.parse().unwrap(),
        vlan,
    }
}

fn good(text: &str) -> Wanted {
    Wanted::parse(text, "test.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn neighbours_arrive() {
    let wanted = good(FULL);
    let neighbour = |vlan, address: &str, mac: &str| Neighbour {
        port: name("uplink"),
        vlan: VlanId::new(vlan).filter(|vlan| *vlan != VlanId::NONE),
        address: address.parse().unwrap(),
        mac: mac.parse().unwrap(),
    };
    let neighbours = [
        neighbour(0, "192.0.2.254", "02:00:00:00:00:fe"),
        neighbour(4094, "198.51.100.9", "06:00:00:00:00:09"),
    ];
    assert_eq!(wanted.neighbours, neighbours);
}

#[test]
fn every_key_arrives() {
    let wanted = good(FULL);
    let switch = SwitchSettings {
        cache_entries: 16,
        fdb_entries: 16,
        mbufs: 2048,
    };
    assert_eq!(wanted.switch, switch);
    let uplink = Port {
        name: name("uplink"),
        device: Device::new("net_tap0,iface=up0").unwrap(),
        mtu: 1600,
        addresses: vec![
            own("192.0.2.2/24", None),
            own("198.51.100.1/28", VlanId::new(4094)),
        ],
        local: Some(name("host")),
        promiscuous: false,
        rx_checksum: RxChecksum::Recompute,
        offload: Offload::T3,
        rx_queues: 2,
        rx_workers: vec![1, 0],
        tx_queues: Some(3),
        rx_descriptors: 256,
        tx_descriptors: 512,
    };
    assert_eq!(
        wanted.port_of("198.51.100.1".parse().unwrap()),
        Some(&uplink)
    );
    let [plain, tagged] = ["192.0.2.2/24", "198.51.100.1/28"].map(|text| text.parse().unwrap());
    assert_eq!(uplink.prefixes(None).collect::<Vec<_>>(), [plain]);
    let there = uplink.prefixes(VlanId::new(4094));
    assert_eq!(there.collect::<Vec<_>>(), [tagged]);
    assert_eq!(wanted.prefixes().collect::<Vec<_>>(), [plain, tagged]);
    let routes = [
        Route::parse("0.0.0.0/0", &["192.0.2.254", "192.0.2.253"]).unwrap(),
        Route::parse("203.0.113.0/24", &["192.0.2.252"]).unwrap(),
    ];
    assert_eq!(wanted.routes, routes);
    let bridge = Bridge {
        name: name("br10"),
        ports: vec![name("lan")],
        ageing: Duration::ZERO,
        learning: false,
    };
    assert_eq!(wanted.bridges, [bridge]);
    let remote = |address: &str, reserved_bits| Remote {
        address: address.parse().unwrap(),
        reserved_bits,
    };
    let tunnel = Tunnel {
        name: name("vx10"),
        bridge: name("br10"),
        vni: fastpath::wire::Vni::new(16_777_215).unwrap(),
        local: "192.0.2.2".parse().unwrap(),
        remotes: vec![
            remote("192.0.2.1", ReservedBits::Strict),
            remote("192.0.2.9", ReservedBits::Lenient),
        ],
        udp_port: 8472,
        source_ports: 1024..=1024,
        ttl: Ttl::Fixed(NonZeroU8::MIN),
        dscp: Dscp::Fixed(63),
        df: Df::Unset,
        udp_checksum: true,
        accept: Accept::Any,
        zero_checksum: ZeroChecksum::Refuse,
        reserved_bits: ReservedBits::Lenient,
        learning: false,
    };
    assert_eq!(wanted.tunnel(name("vx10")), Some(&tunnel));
    let target = FdbTarget::Remote {
        tunnel: name("vx10"),
        remote: [192, 0, 2, 7].into(),
    };
    let targets: Vec<FdbTarget> = wanted.fdb.iter().map(|entry| entry.target).collect();
    assert_eq!(targets, [FdbTarget::Port(name("lan")), target]);
    assert_eq!(wanted.fdb[1].mac.to_string(), "01:00:5e:00:00:01");
}

#[test]
fn what_is_left_out_has_its_default() {
    let wanted = good(
        r#"
        [[port]]
        name = "p"
        device = "net_null0"
        addresses = ["192.0.2.2/24"]
        [[bridge]]
        name = "b"
        [[tunnel]]
        name = "t"
        bridge = "b"
        vni = 0
        local = "192.0.2.2"
        "#,
    );
    assert_eq!(wanted.switch, SwitchSettings::default());
    let port = &wanted.ports[0];
    assert_eq!(
        (port.mtu, port.promiscuous, port.rx_queues, port.tx_queues),
        (1500, true, 1, None)
    );
    assert_eq!((port.local, port.rx_checksum), (None, RxChecksum::Verify));
    assert_eq!(port.offload, Offload::Auto);
    assert_eq!((port.rx_descriptors, port.tx_descriptors), (1024, 1024));
    let bridge = &wanted.bridges[0];
    assert_eq!(
        (bridge.ageing, bridge.learns()),
        (Duration::from_secs(300), true)
    );
    let tunnel = &wanted.tunnels[0];
    assert_eq!(
        (tunnel.udp_port, tunnel.source_ports.clone()),
        (4789, 49_152..=65_535)
    );
    assert_eq!(
        (tunnel.ttl, tunnel.dscp),
        (Ttl::Fixed(Tunnel::TTL), Dscp::Fixed(0))
    );
    assert_eq!((tunnel.df, tunnel.accept), (Df::Set, Accept::Known));
    assert!(!tunnel.udp_checksum);
    assert_eq!(tunnel.zero_checksum, ZeroChecksum::Accept);
    assert_eq!(
        (tunnel.reserved_bits, tunnel.learning),
        (ReservedBits::Strict, true)
    );
    assert_eq!(tunnel.remotes, []);
    assert_eq!(good(""), Wanted::default());
}

#[test]
fn words_stand_for_values() {
    let rx = |word: &str| good(&FULL.replace("recompute", word)).ports[0].rx_checksum;
    assert_eq!(rx("trust"), RxChecksum::Trust);
    assert_eq!(rx("verify"), RxChecksum::Verify);
    for offload in Offload::ALL {
        let word = format!("offload = \"{offload}\"");
        let read = good(&FULL.replace("offload = \"t3\"", &word)).ports[0].offload;
        assert_eq!(read, offload);
    }
    let with = |from: &str, to: &str| good(&FULL.replace(from, to)).tunnels.remove(0);
    assert_eq!(with("ttl = 1", "ttl = 'inherit'").ttl, Ttl::Inherit);
    assert_eq!(with("dscp = 63", "dscp = 'inherit'").dscp, Dscp::Inherit);
    assert_eq!(with("df = \"unset\"", "df = 'inherit'").df, Df::Inherit);
    assert_eq!(with("df = \"unset\"", "df = 'set'").df, Df::Set);
    let accept = with("\"refuse\"", "'accept'");
    assert_eq!(accept.zero_checksum, ZeroChecksum::Accept);
}

#[test]
fn learning_needs_ageing_and_leave() {
    let mut bridge = good(FULL).bridges.remove(0);
    assert!(!bridge.learns());
    bridge.learning = true;
    assert!(!bridge.learns(), "ageing 0 learns nothing");
    bridge.ageing = Duration::from_secs(1);
    assert!(bridge.learns());
}

#[test]
fn a_file_is_loaded_or_its_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.toml");
    std::fs::write(&path, FULL).unwrap();
    assert_eq!(Wanted::load(&path), Ok(good(FULL)));

    std::fs::write(&path, b"a = '\xff'").unwrap();
    let text = Wanted::load(&path).unwrap_err().to_string();
    assert!(text.contains("good.toml: not UTF-8 text"), "{text}");

    let absent = Wanted::load(&folder.path().join("absent.toml"))
        .unwrap_err()
        .to_string();
    assert!(absent.contains("absent.toml: No such file"), "{absent}");
}
