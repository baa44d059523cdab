//! A switch between a host and a remote end point, in one process: bytes in, bytes out.

use control::config::Wanted;
use control::rig::Rig;
use fastpath::wire::{Mac, craft};

const CONFIG: &str = r#"
[[port]]
name = "uplink"
device = "heap0"
mtu = 1600
addresses = ["192.0.2.2/24"]
[[port]]
name = "lan"
device = "heap1"
[[bridge]]
name = "br10"
ports = ["lan"]
[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
remotes = ["192.0.2.1"]
"#;

const PEER: Mac = Mac::new([2, 0, 0, 0, 1, 1]);
const HOST: Mac = Mac::new([2, 0, 0, 0, 2, 1]);
const REMOTE_HOST: Mac = Mac::new([2, 0, 0, 0, 2, 2]);

#[test]
fn a_host_and_a_remote_host_talk() {
    let mut rig = Rig::new(Wanted::parse(CONFIG, "test").unwrap(), 1);
    rig.run(5);
    let ours = (Rig::mac(0), [192, 0, 2, 2].into());
    let peer = craft::Pair::new((PEER, [192, 0, 2, 1].into()), ours);
    assert_eq!(rig.received("uplink").len(), 1, "one ARP request");
    rig.send("uplink", &peer.arp_reply());
    rig.run(5);
    let host = (HOST, [10, 0, 0, 1].into());
    let far = (REMOTE_HOST, [10, 0, 0, 2].into());
    let inner = craft::Pair::new(host, far).udp(1, 2, &[7; 100]);
    rig.send("lan", &inner);
    rig.run(5);
    let out = rig.received("uplink");
    assert_eq!(out.len(), 1);
    assert_eq!(out[0][50..], inner[..]);
    let back = craft::Pair::new(far, host).udp(2, 1, &[8; 100]);
    rig.send(
        "uplink",
        &peer.vxlan(50_000, fastpath::wire::Vni::new(10).unwrap(), &back),
    );
    rig.run(5);
    assert_eq!(rig.received("lan"), [back]);
    println!("{:?}", rig.stats());
    println!("{:?}", rig.close());
}
