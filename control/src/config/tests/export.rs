//! What is written is read as the same again, and looks as if a person had written it.

use super::any::wanted;
use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(wanted in wanted()) {
        let text = wanted.to_toml();
        let read = Wanted::parse(&text, "export.toml");
        prop_assert_eq!(read.map_err(|errors| format!("{errors}\n{text}")), Ok(wanted));
    }
}

/// A property of states that are all empty would say nothing.
#[test]
fn any_wanted_state_has_things_of_each_kind() {
    let (mut runner, mut seen) = (TestRunner::deterministic(), [0; 9]);
    for _ in 0..300 {
        let wanted = wanted().new_tree(&mut runner).unwrap().current();
        let to_port = |entry: &FdbEntry| matches!(entry.target, FdbTarget::Port(_));
        let mixed = |tunnel: &Tunnel| {
            let mut remotes = tunnel.remotes.iter();
            remotes.any(|remote| remote.reserved_bits != tunnel.reserved_bits)
        };
        let has = [
            wanted.switch != SwitchSettings::default(),
            wanted.ports.iter().any(|port| port.local.is_some()),
            wanted.routes.iter().any(|route| route.via.len() > 1),
            wanted.neighbours.iter().any(|set| set.vlan.is_none()),
            wanted.neighbours.iter().any(|set| set.vlan.is_some()),
            wanted.bridges.iter().any(|bridge| bridge.ports.len() > 1),
            wanted.tunnels.iter().any(mixed),
            wanted.fdb.iter().any(to_port),
            wanted.fdb.iter().any(|entry| !to_port(entry)),
        ];
        seen.iter_mut()
            .zip(has)
            .for_each(|(seen, has)| *seen += i32::from(has));
    }
    assert!(seen.iter().all(|seen| *seen > 20), "{seen:?}");
}

#[test]
fn every_key_is_written_in_its_place() {
    let expected = r#"fdb = [
    { bridge = "br10", mac = "02:00:00:00:00:01", port = "lan" },
    { bridge = "br10", mac = "01:00:5e:00:00:01", tunnel = "vx10", remote = "192.0.2.7" },
]

[switch]
cache_entries = 16
fdb_entries = 16
mbufs = 2048

[[port]]
name = "uplink"
device = "net_tap0,iface=up0"
mtu = 1600
local = "host"
promiscuous = false
rx_checksum = "recompute"
offload = "t3"
rx_queues = 2
rx_workers = "1,0"
tx_queues = 3
rx_descriptors = 256
tx_descriptors = 512
addresses = ["192.0.2.2/24", { address = "198.51.100.1/28", vlan = 4094 }]

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
remotes = [{ address = "192.0.2.1", reserved_bits = "strict" }, "192.0.2.9"]
"#;
    assert_eq!(good(FULL).to_toml(), expected);
    assert_eq!(good(expected), good(FULL));
    assert_eq!(Wanted::default().to_toml(), "");
}

#[test]
fn a_long_list_has_an_item_in_each_line() {
    let list = |count: usize| -> String {
        let ports: Vec<String> = (0..count).map(|i| format!("\"port-{i:08}\"")).collect();
        let devices = (0..count).map(|i| format!("[[port]]\nname='port-{i:08}'\ndevice='d{i}'\n"));
        let devices: String = devices.collect();
        good(&format!(
            "{devices}[[bridge]]\nname = 'b'\nports = [{}]",
            ports.join(", ")
        ))
        .to_toml()
    };
    let short = list(5);
    let line = short.lines().last().unwrap();
    assert_eq!(line.len(), "ports = []".len() + 5 * 17 - 2, "{line}");
    let long: Vec<String> = list(6).lines().rev().take(8).map(str::to_string).collect();
    assert_eq!(
        (&*long[0], &*long[1], &*long[7]),
        ("]", "    \"port-00000005\",", "ports = [")
    );
}

#[test]
fn quotes_and_backslashes_of_a_device_are_escaped() {
    let wanted = good(r#"port = [{ name = "p", device = 'net_pcap0,x=\"a\n"' }]"#);
    let text = wanted.to_toml();
    assert!(
        text.contains(r#"device = "net_pcap0,x=\\\"a\\n\"""#),
        "{text}"
    );
    assert_eq!(good(&text), wanted);
}
